"""What every conditional VAE computes, whatever its layers: bound, samples, log p(x|c).

Shapes: B batch, K Monte-Carlo draws, D pixels, C condition, L latent. Nats per example.
Doersch's Section 3 calls our x Y and our c X.
"""

import torch
from torch import Tensor, nn

from vae_teach.maths.gaussian import kl_between_normals, log_normal, reparameterize
from vae_teach.maths.log_weights import log_mean_exp
from vae_teach.maths.noise import noise, noise_like
from vae_teach.models.elbo import Elbo, elbo_terms
from vae_teach.models.likelihoods import Likelihood
from vae_teach.validation import NOT_NEGATIVE, checked, require_rows


def require_condition(c: Tensor, size: int, like: Tensor | None = None) -> None:
    """Raise a ValueError unless c is (..., size) of floats, of the dtype of `like`."""
    if isinstance(c, Tensor) and not c.is_floating_point():
        raise ValueError(
            f"c has the dtype {c.dtype}, but a condition is a vector of floats: "
            "for labels give one_hot(labels)"
        )
    require_rows(c, "c", size, like=like)


class ConditionalModel(nn.Module):
    """What every conditional VAE can do, whatever its layers: a subclass says how it is wired.

    It sets `latent_dim`, `condition_size` and `likelihood`, and defines `encode` and `decode`. If
    p(z|c) is learned, it overrides `prior` and sets `has_learned_prior`.
    """

    latent_dim: int
    condition_size: int
    likelihood: Likelihood
    has_learned_prior = False

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the likelihood can score x."""
        self.likelihood.require_data(x, name)

    def encode(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z|x, c), each (B, L), from x (B, D) and c (B, C)."""
        raise NotImplementedError

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Parameters of p(x|z, c), shape (..., D), from z (..., L) and c whose axes broadcast."""
        raise NotImplementedError

    def prior(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of p(z|c), each (..., L): here N(0, I), whatever c is."""
        require_condition(c, self.condition_size)
        zeros = c.new_zeros(*c.shape[:-1], self.latent_dim)
        return zeros, zeros

    def mean_image(self, z: Tensor, c: Tensor) -> Tensor:
        """Mean of p(x|z, c), shape (..., D)."""
        return self.likelihood.mean(self.decode(z, c))

    def elbo(self, x: Tensor, c: Tensor, eps: Tensor) -> Elbo:
        r"""Both terms per example from x (B, D), c (B, C) and noise eps (B, L) or (K, B, L).

        .. math:: \mathbb E_{q(z|x,c)}[\log p(x|z, c)] - \mathrm{KL}(q(z|x, c) \,\|\, p(z|c))
                  \le \log p(x|c)

        Source: Doersch 2016 (arXiv:1606.05908), Eq. 15, with his Y as x and his X as c.
        """
        mu, logvar = self.encode(x, c)
        params = self.decode(reparameterize(mu, logvar, eps), c)
        bound = elbo_terms(x, params, mu, logvar, self.likelihood)
        if not self.has_learned_prior:
            return bound
        return bound._replace(kl=kl_between_normals(mu, logvar, *self.prior(c)))

    @checked
    def loss_terms(self, x: Tensor, c: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """What `fit` minimises, in nats per example: reconstruction + kl = -ELBO, each (B,)."""
        eps = noise((len(x), self.latent_dim), x, generator)
        elbo = self.elbo(x, c, eps)
        return {"reconstruction": -elbo.log_likelihood, "kl": elbo.kl}

    @checked(n=NOT_NEGATIVE)
    def sample_codes(self, c: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        """n draws of z ~ p(z|c) for each condition: c (..., C) -> (n, ..., L)."""
        mu, logvar = self.prior(c)
        return reparameterize(mu, logvar, noise((n, *mu.shape), mu, generator))

    @checked(n=NOT_NEGATIVE)
    def sample(self, c: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        """Mean images of n draws for each condition, the draws leading: c (..., C) -> (n, ..., D).

        The encoder is not used. One condition of shape (C,) gives (n, D).
        """
        return self.mean_image(self.sample_codes(c, n, generator=generator), c)

    @checked(n=NOT_NEGATIVE)
    @torch.no_grad()
    def sample_pixels(self, c: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        """n draws of x ~ p(x|c), its noise included: c (..., C) -> (n, ..., D)."""
        params = self.decode(self.sample_codes(c, n, generator=generator), c)
        return self.likelihood.sample(params, generator)

    @checked
    def reconstruct(
        self, x: Tensor, c: Tensor, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Mean image (B, D) of x's code: of z = mu, or of one draw if a generator is given."""
        mu, logvar = self.encode(x, c)
        if generator is None:
            return self.mean_image(mu, c)
        return self.mean_image(reparameterize(mu, logvar, noise_like(mu, generator)), c)

    @checked
    @torch.no_grad()
    def log_likelihood(
        self, x: Tensor, c: Tensor, *, n_draws: int, generator: torch.Generator
    ) -> Tensor:
        """log p(x|c) in nats, (B,), by importance sampling with q(z|x, c); on average too small.

        Raises:
            ValueError: if n_draws is below 1.

        Source: Burda et al. 2016 (arXiv:1509.00519), Eq. 8.
        """
        if n_draws < 1:
            raise ValueError(f"n_draws must be at least 1, but it is {n_draws}")
        self.require_data(x)
        mu, logvar = self.encode(x, c)
        prior, log_weights = self.prior(c), []
        for _ in range(n_draws):  # one draw at a time: K copies of every picture need not fit
            z = reparameterize(mu, logvar, noise_like(mu, generator))
            log_joint = self.likelihood.log_prob(x, self.decode(z, c)) + log_normal(z, *prior)
            log_weights.append(log_joint - log_normal(z, mu, logvar))
        return log_mean_exp(torch.stack(log_weights))
