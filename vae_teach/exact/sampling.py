"""Any distribution from normals: the ring, the inverse transform, and one conditional at a time.

Shapes: N samples, K mixture components. Source: Doersch (2016), section 2.1 and figure 2; Devroye
1986, chapter II (inversion) and XI (conditional distribution method).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_teach.maths.gaussian import log_normal, require_same_latent_size
from vae_teach.maths.gaussian_full import log_full_normal
from vae_teach.validation import checked


@checked
def ring(z: Tensor) -> Tensor:
    """z / 10 + z / |z|: turns a Gaussian cloud (..., 2) into a ring."""
    return z / 10 + z / z.norm(dim=-1, keepdim=True)


def _require_weights(weights: Tensor) -> None:
    totals = weights.sum(dim=-1)
    tolerance = 1e-5 if weights.dtype == torch.float32 else 1e-9
    if not ((weights >= 0).all() and ((totals - 1).abs() <= tolerance).all()):
        raise ValueError(
            f"weights must be at least 0 and sum to 1, but the least is {weights.min():g} and the "
            f"first sum {totals.flatten()[0]:g}"
        )


def _standard_cdf(z: Tensor) -> Tensor:
    """Phi(z). torch.special.ndtr adds 1 to erf, and at -7 only six digits are left."""
    return 0.5 * torch.special.erfc(-z / 2**0.5)


@checked
@dataclass(frozen=True)
class Mixture:
    """A mixture of K Gaussians on the line; leading axes broadcast, one mixture per sample.

    Args:
        weights: shape (..., K), summing to 1.
        mu, logvar: shape (..., K).
    """

    weights: Tensor
    mu: Tensor
    logvar: Tensor

    def __post_init__(self):
        _require_weights(self.weights)
        require_same_latent_size(weights=self.weights, mu=self.mu, logvar=self.logvar)

    @checked
    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats: (...,) -> (...,)."""
        logs = log_normal(x[..., None, None], self.mu[..., None], self.logvar[..., None])
        return torch.logsumexp(self.weights.log() + logs, dim=-1)

    @checked
    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x): (...,) -> (...,)."""
        standard = (x[..., None] - self.mu) * torch.exp(-0.5 * self.logvar)
        return (self.weights * _standard_cdf(standard)).sum(dim=-1)

    @checked
    def inverse_cdf(self, u: Tensor) -> Tensor:
        """The x with P(X <= x) = u, by bisection down to rounding: (...,) -> (...,).

        Raises:
            ValueError: if some u is not strictly between 0 and 1.
        """
        if not ((u > 0) & (u < 1)).all():
            raise ValueError("u must lie strictly between 0 and 1")
        reach = 40 * torch.exp(0.5 * self.logvar)
        lo = (self.mu - reach).amin(dim=-1).expand_as(u)
        hi = (self.mu + reach).amax(dim=-1).expand_as(u)
        for _ in range(80):
            middle = (lo + hi) / 2
            below = self.cdf(middle) < u
            lo, hi = torch.where(below, middle, lo), torch.where(below, hi, middle)
        return (lo + hi) / 2


@checked
def inverse_transform(z: Tensor, target: Mixture) -> Tensor:
    """F^-1(Phi(z)): turns standard normal z (...,) into draws of the target (...,)."""
    limits = torch.finfo(z.dtype)  # Phi(z) rounds to 1 from z = 5.5 on in float32, 8.3 in float64
    return target.inverse_cdf(_standard_cdf(z).clamp(limits.tiny, 1 - limits.eps / 2))


@checked
@dataclass(frozen=True)
class PlanarMixture:
    """A mixture of K Gaussians in the plane: weights (K,), mu (K, 2), cov (K, 2, 2)."""

    weights: Tensor
    mu: Tensor
    cov: Tensor

    def __post_init__(self):
        _require_weights(self.weights)
        k = len(self.weights)
        for name, shape in {"mu": (k, 2), "cov": (k, 2, 2)}.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} must have shape {shape}, but has {found}")

    @checked
    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats: (..., 2) -> (...,)."""
        return torch.logsumexp(
            self.weights.log() + log_full_normal(x[..., None, :], self.mu, self.cov), dim=-1
        )

    def marginal(self) -> Mixture:
        """The distribution of the first coordinate."""
        return Mixture(self.weights, self.mu[:, 0], self.cov[:, 0, 0].log())

    @checked
    def conditional(self, first: Tensor) -> Mixture:
        """The distribution of the second coordinate given the first: (N,) -> N mixtures."""
        variance, covariance = self.cov[:, 0, 0], self.cov[:, 0, 1]
        logs = log_normal(first[:, None, None], self.mu[:, :1], variance.log()[:, None])
        weights = torch.softmax(self.weights.log() + logs, dim=-1)  # (N, K)
        slope = covariance / variance
        mu = self.mu[:, 1] + slope * (first[:, None] - self.mu[:, 0])
        logvar = (self.cov[:, 1, 1] - slope * covariance).log().expand_as(mu)
        return Mixture(weights, mu, logvar)


@checked
def conditional_transform(z: Tensor, target: PlanarMixture) -> Tensor:
    """Standard normal z (N, 2) into draws of the target: first coordinate, then second given it."""
    first = inverse_transform(z[:, 0], target.marginal())
    return torch.stack([first, inverse_transform(z[:, 1], target.conditional(first))], dim=-1)
