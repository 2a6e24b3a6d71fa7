"""A mixture of Gaussians as q(z|x), trained with one draw of every component.

Shapes: B batch, K draws, H features, L latent, M components; leading axes broadcast. Nats.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.maths.gaussian import (
    log_normal,
    log_standard_normal,
    reparameterize,
    require_same_latent_size,
)
from vae_teach.models.positive import get_parameterisation
from vae_teach.models.posterior import Heads
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked


class Components(NamedTuple):
    """What the heads say of each component."""

    log_shares: Tensor  # (M, B)
    mu: Tensor  # (M, B, L)
    logvar: Tensor  # (M, B, L)


@checked(
    n_features=AT_LEAST_1, latent_dim=AT_LEAST_1, components=AT_LEAST_1, initial_sigma=POSITIVE
)
class MixturePosterior(nn.Module):
    r"""q(z|x) = sum_m w_m N(mu_m, diag(sigma_m^2)); shares, means and sigmas depend on x.

    The encoder's two heads belong to the first component, and a third makes the rest. The shares
    start equal. With one component it is the Gaussian whose KL is sampled.

    Training is *stratified*: one draw of every component, weighed by its share,

    .. math:: \mathcal L = \sum_{m=1}^M w_m\, \mathbb E_{\varepsilon \sim \mathcal N(0, I)}
              \big[\log p(x, z_m) - \log q(z_m | x)\big], \quad z_m = \mu_m + \sigma_m \varepsilon,

    where q is the whole mixture. The shares are factors of the sum and each z_m is a function of
    the noise, so the gradient is unbiased in all of them, at the price of M decoded pictures in
    place of one. (A component that is drawn first depends on the shares without having a gradient.
    `draw` does that, so what it returns is for looking at q and not for training.) A component
    whose share has gone to 0 has no gradient left, so training may lose one for good.

    Source: Roeder et al. 2017 (arXiv:1703.09194), on mixtures; Morningstar et al. 2020
    (arXiv:2003.01687), who call it stratified.
    """

    has_closed_kl, sampled_kl = False, True

    def __init__(
        self,
        n_features: int,
        latent_dim: int,
        *,
        components: int = 2,
        positive: str = "half-logvar",
        initial_sigma: float | None = None,
    ):
        super().__init__()
        get_parameterisation(positive)
        self.components, self.positive, self.initial_sigma = components, positive, initial_sigma
        others = (components - 1) * latent_dim
        self.sizes = [components, others, others]  # logits of the shares, means, raw outputs
        self.to_rest = Linear(n_features, sum(self.sizes))
        nn.init.zeros_(self.to_rest.weight[:components])
        nn.init.zeros_(self.to_rest.bias[:components])
        if initial_sigma is not None and others:
            start = get_parameterisation(positive).inverse(initial_sigma)
            nn.init.constant_(self.to_rest.bias[-others:], start)

    @classmethod
    def for_encoder(cls, n_features: int, latent_dim: int, **options) -> "MixturePosterior":
        """One for an encoder with H features and L latents."""
        return cls(n_features, latent_dim, **options)

    @property
    def config(self) -> dict:
        """Its name and its arguments, for `make_posterior`."""
        start = {"positive": self.positive, "initial_sigma": self.initial_sigma}
        return {"name": "mixture", "components": self.components} | start

    def further_heads(self, h: Tensor) -> Heads:
        """Logits of the shares and the outputs of the other components, from h (B, H)."""
        return self.to_rest(h).split(self.sizes, dim=-1)

    def of_components(self, heads: Heads) -> Components:
        """Share, mean and log sigma^2 of each component."""
        mu, a, logits, *others = heads
        shape = *mu.shape[:-1], self.components - 1, mu.shape[-1]
        mus, raws = (
            torch.cat([first.unsqueeze(-2), more.reshape(shape)], dim=-2)
            for first, more in zip((mu, a), others, strict=True)
        )
        return Components(
            logits.log_softmax(dim=-1).movedim(-1, 0),
            mus.movedim(-2, 0),
            get_parameterisation(self.positive).logvar(raws).movedim(-2, 0),
        )

    def shares(self, heads: Heads) -> Tensor:
        """The weights w_m, (M, B)."""
        return self.of_components(heads).log_shares.exp()

    def draw(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): eps (..., B, L) -> (..., B, L), (..., B).

        The first number of eps chooses the component and gives its noise. Noise 0 becomes the mean
        of the component with the largest share.
        """
        log_shares, mu, logvar = self.of_components(heads)
        require_same_latent_size(mu=mu, eps=eps)
        chosen, eps = choose_by_noise(log_shares.exp(), eps)  # (..., B)
        mask = nn.functional.one_hot(chosen, self.components).to(mu)  # (..., B, M)
        mu, logvar = (torch.einsum("...bm,mbl->...bl", mask, part) for part in (mu, logvar))
        z = reparameterize(mu, logvar, eps)
        return z, self.log_prob(heads, z)

    def draw_with_kl(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """One draw of each component, and log q(z|x) - log p(z) at it: (..., M, B, L), (..., M, B).

        All components use the noise eps (..., B, L). Averages over q are those by the `shares`.
        """
        _, mu, logvar = self.of_components(heads)
        require_same_latent_size(mu=mu, eps=eps)
        z = reparameterize(mu, logvar, eps.unsqueeze(-3))
        return z, self.log_prob(heads, z) - log_standard_normal(z)

    def log_prob(self, heads: Heads, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (..., B, L) -> (..., B)."""
        log_shares, mu, logvar = self.of_components(heads)
        return torch.logsumexp(log_shares + log_normal(z.unsqueeze(-3), mu, logvar), dim=-2)

    def kl(self, heads: Heads) -> Tensor:
        """Raise a ValueError: a mixture has no closed form."""
        raise ValueError("a mixture has no closed form for the KL: use draw_with_kl")


@torch.no_grad()
def choose_by_noise(shares: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """A component by its share, and noise for it that is independent of the choice.

    Both are made of the first coordinate: P(|N(0, 1)| > |eps_1|) is uniform on (0, 1), and is cut
    into pieces as long as the shares, the largest at 1. Within its piece it is uniform again.

    Args:
        shares: (M, B), summing to 1.
        eps: draws of N(0, I), (..., B, L).

    Returns:
        The component, (..., B), and draws of N(0, I), (..., B, L).
    """
    sizes, order = shares.sort(dim=0, descending=True)
    beyond = sizes.flip(0).cumsum(0).flip(0) - sizes  # the pieces below it; 0 for the last one
    outside = torch.special.erfc(eps[..., 0].abs() / math.sqrt(2)).unsqueeze(-2)  # (..., 1, B)
    place = (outside <= beyond).sum(dim=-2).clamp(max=len(shares) - 1)  # (..., B)
    at = place.unsqueeze(-2)
    size, below, component = (
        torch.take_along_dim(t.expand(*at.shape[:-2], *t.shape), at, dim=-2).squeeze(-2)
        for t in (sizes, beyond, order)
    )
    tiny = torch.finfo(eps.dtype).tiny
    within = ((outside.squeeze(-2) - below) / size).clamp(tiny, 1)
    first = torch.special.ndtri(within / 2).abs().copysign(eps[..., 0])
    return component, torch.cat([first.unsqueeze(-1), eps[..., 1:]], dim=-1)
