"""A latent-variable model with every answer in closed form: probabilistic PCA.

Shapes: B data points, D observed dimensions, L latent dimensions. Nats, float64.
Source: Tipping & Bishop 1999, "Probabilistic principal component analysis".
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_teach.maths.gaussian_full import (
    kl_between_full_normals,
    kl_full_to_standard_normal,
    log_full_normal,
)
from vae_teach.maths.noise import noise
from vae_teach.validation import NOT_NEGATIVE, POSITIVE, checked


@checked(sigma_x=POSITIVE)
@dataclass(frozen=True)
class LinearGaussian:
    """p(z) = N(0, I) and p(x|z) = N(W z + b, sigma_x^2 I).

    Args:
        W: weights, shape (D, L).
        b: offset, shape (D,).
        sigma_x: standard deviation of the observation noise.
    """

    W: Tensor
    b: Tensor
    sigma_x: float

    def __post_init__(self):
        if self.W.ndim != 2 or self.b.shape != self.W.shape[:1]:
            raise ValueError(
                f"W must be (D, L) and b (D,), but they are {tuple(self.W.shape)} "
                f"and {tuple(self.b.shape)}"
            )
        if not (math.isfinite(self.sigma_x) and self.sigma_x > 0):
            raise ValueError(f"sigma_x must be positive and finite, but it is {self.sigma_x}")

    @property
    def latent_dim(self) -> int:
        """L, the number of latent dimensions."""
        return self.W.shape[1]

    @property
    def covariance(self) -> Tensor:
        """Covariance W W^T + sigma_x^2 I of p(x), shape (D, D)."""
        noise = torch.eye(len(self.b), dtype=self.b.dtype) * self.sigma_x**2
        return self.W @ self.W.T + noise

    @checked
    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z): (..., L) -> (..., D)."""
        return z @ self.W.T + self.b

    @checked(n=NOT_NEGATIVE)
    def sample(self, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Ancestral sampling: z from the prior, then x given z; shapes (n, D) and (n, L)."""
        z = noise((n, self.latent_dim), self.W, generator)
        return self.decode(z) + self.sigma_x * noise((n, len(self.b)), self.W, generator), z

    @checked
    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z): (..., L) -> (...,)."""
        return -0.5 * (z.square().sum(dim=-1) + self.latent_dim * math.log(2 * math.pi))

    @checked
    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z): (..., D), (..., L) -> (...,)."""
        return self._log_noise((x - self.decode(z)).square().sum(dim=-1))

    def _log_noise(self, squared_error: Tensor) -> Tensor:
        variance = self.sigma_x**2
        constant = len(self.b) * math.log(2 * math.pi * variance)
        return -0.5 * (squared_error / variance + constant)

    @checked
    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z): (..., D), (..., L) -> (...,)."""
        return self.log_likelihood(x, z) + self.log_prior(z)

    @checked
    def log_evidence(self, x: Tensor) -> Tensor:
        """log p(x), exactly: (..., D) -> (...,)."""
        return log_full_normal(x, self.b, self.covariance)

    @checked
    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (..., L) and covariance (L, L) of p(z|x); the covariance is the same for every x."""
        identity = torch.eye(self.latent_dim, dtype=self.W.dtype)
        precision = identity + self.W.T @ self.W / self.sigma_x**2
        cov = torch.linalg.inv(precision)
        cov = (cov + cov.T) / 2
        return (x - self.b) @ self.W @ cov / self.sigma_x**2, cov

    @checked
    def expected_log_likelihood(self, x: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
        """E_q[log p(x|z)] for q = N(mu, cov): (B, D), (B, L), (L, L) or (B, L, L) -> (B,)."""
        spread = ((self.W @ cov) * self.W).sum(dim=(-2, -1))  # tr(W cov W^T)
        return self._log_noise((x - self.decode(mu)).square().sum(dim=-1) + spread)

    @checked
    def elbo(self, x: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
        """The bound for q = N(mu, cov), exactly; shapes as in `expected_log_likelihood`."""
        return self.expected_log_likelihood(x, mu, cov) - kl_full_to_standard_normal(mu, cov)

    @checked
    def elbo_diagonal(self, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        """The bound for q = N(mu, diag(exp(logvar))): (B, D), (B, L), (B, L) -> (B,)."""
        return self.elbo(x, mu, torch.diag_embed(logvar.exp()))

    @checked
    def kl_to_posterior(self, x: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
        """KL(q || p(z|x)) for q = N(mu, cov), the gap of the bound: -> (B,)."""
        return kl_between_full_normals(mu, cov, *self.posterior(x))

    @checked
    def best_factorized(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu (..., L) and logvar (..., L) of the best q with a diagonal covariance.

        It has the posterior's mean and the inverse of its *precision's* diagonal, so it is
        narrower than the posterior wherever the latent dimensions are correlated.
        """
        mean, cov = self.posterior(x)
        return mean, -torch.linalg.inv(cov).diagonal().log().expand_as(mean)
