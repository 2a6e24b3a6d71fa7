"""A Gaussian q(z|x) with a full covariance, whose root an encoder's third head completes.

Shapes: B batch, K draws, H features, L latent; leading axes broadcast. Nats.
"""

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.maths.gaussian import LOG_2PI, require_same_latent_size
from vae_teach.maths.gaussian_full import log_normal_of_root
from vae_teach.models.positive import get_parameterisation
from vae_teach.models.posterior import Heads
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked


@checked(n_features=AT_LEAST_1, latent_dim=AT_LEAST_1, initial_sigma=POSITIVE)
class FullGaussianPosterior(nn.Module):
    """q(z|x) = N(mu, R R^T): sigma(a) is the diagonal of R, and the third head what is below it.

    Its KL is a formula. `has_closed_kl` is False all the same, because what `encode` returns, the
    mean and the diagonal of R, is not the whole of q. It starts with a diagonal covariance.

    Raises:
        ValueError: for one latent, which has no covariance.
    """

    has_closed_kl, sampled_kl = False, False

    def __init__(
        self,
        n_features: int,
        latent_dim: int,
        *,
        positive: str = "half-logvar",
        initial_sigma: float | None = None,
    ):
        super().__init__()
        if latent_dim < 2:
            raise ValueError(f"latent_dim is {latent_dim}, but a covariance needs at least 2")
        get_parameterisation(positive)
        self.positive, self.initial_sigma = positive, initial_sigma
        self.to_below = Linear(n_features, latent_dim * (latent_dim - 1) // 2)
        nn.init.zeros_(self.to_below.weight)
        nn.init.zeros_(self.to_below.bias)

    @classmethod
    def for_encoder(cls, n_features: int, latent_dim: int, **options) -> "FullGaussianPosterior":
        """One for an encoder with H features and L latents."""
        return cls(n_features, latent_dim, **options)

    @property
    def config(self) -> dict:
        """Its name and its arguments, for `make_posterior`."""
        return {"name": "full", "positive": self.positive, "initial_sigma": self.initial_sigma}

    def further_heads(self, h: Tensor) -> Heads:
        """What is below the diagonal of R, row by row, (B, L (L - 1) / 2), from h (B, H)."""
        return (self.to_below(h),)

    def root(self, heads: Heads) -> Tensor:
        """R, lower triangular with a positive diagonal, (B, L, L)."""
        mu, a, below = heads
        root = torch.diag_embed((get_parameterisation(self.positive).logvar(a) / 2).exp())
        rows, columns = torch.tril_indices(mu.shape[-1], mu.shape[-1], -1, device=mu.device)
        root[..., rows, columns] = below
        return root

    def draw(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): eps (..., B, L) -> (..., B, L), (..., B)."""
        require_same_latent_size(mu=heads[0], eps=eps)
        root = self.root(heads)
        z = heads[0] + torch.einsum("bij,...bj->...bi", root, eps)
        log_det = root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        return z, -0.5 * (eps.square() + LOG_2PI).sum(dim=-1) - log_det

    def draw_with_kl(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and the exact KL: (..., B, L), (B,)."""
        return self.draw(heads, eps)[0], self.kl(heads)

    def log_prob(self, heads: Heads, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (..., B, L) -> (..., B)."""
        return log_normal_of_root(z, heads[0], self.root(heads))

    def kl(self, heads: Heads) -> Tensor:
        """KL( q(z|x) || N(0, I) ), exactly, (B,)."""
        root = self.root(heads)
        log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        squares = heads[0].square().sum(dim=-1) + root.square().sum(dim=(-2, -1))
        return 0.5 * (squares - root.shape[-1] - log_det)
