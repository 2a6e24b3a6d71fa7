"""A conditional model with every answer in closed form: linear and Gaussian throughout.

Shapes: B data points, D observed, L latent, C condition. Nats, float64.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.exact import LinearGaussian
from vae_teach.maths.gaussian_full import cholesky, kl_between_full_normals, log_full_normal
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked, require_number


class Identity(NamedTuple):
    """Both sides of one equation, computed on separate ways, each (B,) in nats."""

    name: str
    left: Tensor
    right: Tensor

    @property
    def gap(self) -> float:
        """The largest difference between the sides."""
        return (self.left - self.right).abs().max().item()


@checked(sigma_x=POSITIVE)
@dataclass(frozen=True, eq=False)
class ConditionalLinearGaussian:
    """p(z|c) = N(A c + a, S) and p(x|z, c) = N(W z + B c + b, sigma_x^2 I).

    Attributes:
        W, B, b: weights of z and of c, and offset: (D, L), (D, C), (D,).
        sigma_x: standard deviation of the observation noise.
        A, a, S: the prior's weights, offset and covariance: (L, C), (L,), (L, L). With A = 0,
            a = 0 and S = I the prior is N(0, I), whatever c is.
    """

    W: Tensor
    B: Tensor
    b: Tensor
    sigma_x: float
    A: Tensor
    a: Tensor
    S: Tensor

    def __post_init__(self):
        (d, latent), condition = self.W.shape, self.B.shape[-1]
        wanted = {"B": (d, condition), "b": (d,), "A": (latent, condition)}
        wanted |= {"a": (latent,), "S": (latent, latent)}
        for name, shape in wanted.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} has shape {found}, but W and B ask for {shape}")
        require_number(self.sigma_x, "sigma_x", 0, ends=False)
        cholesky(self.S, "S")

    @classmethod
    @checked(d=AT_LEAST_1, latent=AT_LEAST_1, condition=AT_LEAST_1)
    def random(
        cls, d: int = 4, latent: int = 2, condition: int = 3, *, generator: torch.Generator
    ) -> "ConditionalLinearGaussian":
        """A model with all its numbers drawn, the prior's covariance well away from singular."""

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        root = draw(latent, latent)
        cov = root @ root.T + 0.5 * torch.eye(latent, dtype=torch.float64)
        parts = draw(d, latent), draw(d, condition), draw(d), 0.7
        return cls(*parts, draw(latent, condition), draw(latent), cov)

    @checked
    def prior(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (..., L) and covariance (L, L) of p(z|c)."""
        return c @ self.A.T + self.a, self.S

    @checked
    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Mean of p(x|z, c): (..., L), (..., C) -> (..., D). Doersch's Eq. 12."""
        return z @ self.W.T + c @ self.B.T + self.b

    @checked
    def log_likelihood(self, x: Tensor, z: Tensor, c: Tensor) -> Tensor:
        """log p(x|z, c): -> (...,)."""
        return log_full_normal(x, self.decode(z, c), self._noise)

    @property
    def _noise(self) -> Tensor:
        return self.sigma_x**2 * torch.eye(len(self.b), dtype=self.b.dtype)

    @checked
    def log_evidence(self, x: Tensor, c: Tensor) -> Tensor:
        """log p(x|c), exactly: (..., D), (..., C) -> (...,)."""
        mean, cov = self.prior(c)
        return log_full_normal(x, self.decode(mean, c), self.W @ cov @ self.W.T + self._noise)

    @checked
    def posterior(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (..., L) and covariance (L, L) of p(z|x, c)."""
        mean, cov = self.prior(c)
        cross = cov @ self.W.T  # covariance of z and x
        gain = torch.linalg.solve(self.W @ cross + self._noise, cross.T).T
        posterior_cov = cov - gain @ cross.T
        moved = (x - self.decode(mean, c)) @ gain.T
        return mean + moved, (posterior_cov + posterior_cov.T) / 2

    @checked
    def expected_log_likelihood(self, x: Tensor, c: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
        """E_q[log p(x|z, c)] for q = N(mu, cov): -> (B,)."""
        spread = ((self.W @ cov) * self.W).sum(dim=(-2, -1)) / self.sigma_x**2
        return self.log_likelihood(x, mu, c) - 0.5 * spread

    @checked
    def elbo(self, x: Tensor, c: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
        """E_q[log p(x|z, c)] - KL(q || p(z|c)): (B, D), (B, C), (B, L), (L, L) -> (B,)."""
        expected = self.expected_log_likelihood(x, c, mu, cov)
        return expected - kl_between_full_normals(mu, cov, *self.prior(c))

    def with_fixed_prior(self) -> "ConditionalLinearGaussian":
        """The same p(x|c) with p(z|c) = N(0, I): the decoder takes over what the prior said.

        z = A c + a + R e with R R^T = S and e ~ N(0, I), so the decoder of e has W R, B + W A and
        b + W a. A linear decoder can do this exactly; a network that sees c can come near.
        """
        root = cholesky(self.S, "S")
        zeros = torch.zeros_like
        moved = self.W @ root, self.B + self.W @ self.A, self.b + self.W @ self.a
        identity = torch.eye(len(self.a), dtype=self.a.dtype)
        return type(self)(*moved, self.sigma_x, zeros(self.A), zeros(self.a), identity)

    @checked
    def at(self, c: Tensor) -> LinearGaussian:
        """The unconditional model that is left when c (C,) is held: its latent is e ~ N(0, I)."""
        fixed = self.with_fixed_prior()
        return LinearGaussian(fixed.W, fixed.b + fixed.B @ c, self.sigma_x)

    @checked
    def identities(self, x: Tensor, c: Tensor, mu: Tensor, cov: Tensor) -> list[Identity]:
        """Doersch's Eqs. 13, 14 and 15 for q = N(mu, cov), with his Y as x and his X as c.

        Each side uses its own closed forms: on the left KL(q || p(z|x, c)) from the formula for
        two Gaussians, on the right expectations of log-densities one by one.
        """
        divergence = kl_between_full_normals(mu, cov, *self.posterior(x, c))
        log_q = expected_log_normal(mu, cov, mu, cov)
        log_posterior = expected_log_normal(mu, cov, *self.posterior(x, c))
        log_prior = expected_log_normal(mu, cov, *self.prior(c))
        log_x = self.expected_log_likelihood(x, c, mu, cov)
        evidence = self.log_evidence(x, c)
        return [
            Identity("Eq. 13", divergence, log_q - log_posterior),
            Identity("Eq. 14", divergence, log_q - log_x - log_prior + evidence),
            Identity("Eq. 15", evidence - divergence, self.elbo(x, c, mu, cov)),
        ]


@checked
def expected_log_normal(mu: Tensor, cov: Tensor, mean_p: Tensor, cov_p: Tensor) -> Tensor:
    """E_q[log N(z | mean_p, cov_p)] for q = N(mu, cov): (B, L), (L, L) twice -> (B,)."""
    trace = torch.linalg.solve(cov_p, cov).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    return log_full_normal(mu, mean_p, cov_p) - 0.5 * trace
