"""Evidence and posterior of a model with one or two latent dimensions, by brute force on a grid.

Shapes: B data points, D observed and L latent dimensions, M = n^L grid points. Nats, float64.
n^L is why this stops at two dimensions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.maths.gaussian import log_normal, log_standard_normal
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, POSITIVE, checked


@checked(n=NOT_NEGATIVE, dim=AT_LEAST_1)
@dataclass(frozen=True)
class Grid:
    """n points a side on [lo, hi]^dim, with the weights of the trapezoid rule."""

    lo: float
    hi: float
    n: int
    dim: int = 1

    def __post_init__(self):
        if not self.lo < self.hi or self.n < 3 or self.n % 2 == 0:
            raise ValueError(
                f"need lo < hi and an odd n >= 3, so that every other point is a grid too; "
                f"got lo = {self.lo}, hi = {self.hi}, n = {self.n}"
            )

    @cached_property
    def axis(self) -> Tensor:
        """The points of one side, (n,)."""
        return torch.linspace(self.lo, self.hi, self.n, dtype=torch.float64)

    @cached_property
    def points(self) -> Tensor:
        """Every point, (M, dim); the last dimension varies fastest."""
        return torch.cartesian_prod(*[self.axis] * self.dim).reshape(-1, self.dim)

    @cached_property
    def log_weights(self) -> Tensor:
        """log of the trapezoid weights, (M,)."""
        side = torch.full((self.n,), (self.hi - self.lo) / (self.n - 1), dtype=torch.float64)
        side[[0, -1]] /= 2
        return torch.cartesian_prod(*[side.log()] * self.dim).reshape(-1, self.dim).sum(dim=1)

    @checked
    def log_integral(self, log_f: Tensor) -> Tensor:
        """log of the integral of exp(log_f): (..., M) -> (...,)."""
        return torch.logsumexp(log_f + self.log_weights, dim=-1)

    @checked
    def integral(self, f: Tensor) -> Tensor:
        """The integral of f, which may change sign: (..., M) -> (...,)."""
        return (f * self.log_weights.exp()).sum(dim=-1)

    def coarse(self) -> "Grid":
        """The same cube with every other point, whose integrals show how fine this grid is."""
        return Grid(self.lo, self.hi, (self.n + 1) // 2, self.dim)


@checked(sigma_x=POSITIVE, latent_dim=AT_LEAST_1)
@dataclass(frozen=True)
class DecoderModel:
    """p(z) = N(0, I), p(x|z) = N(decoder(z), sigma_x^2 I); decoder maps (..., L) to (..., D)."""

    decoder: Callable[[Tensor], Tensor]
    sigma_x: float
    latent_dim: int = 1

    @checked
    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z): (..., L) -> (...,)."""
        return log_standard_normal(z)

    @checked
    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z): (..., D), (..., L) -> (...,)."""
        mean = self.decoder(z)
        return log_normal(x, mean, torch.full_like(mean, 2 * math.log(self.sigma_x)))

    @checked
    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z): (..., D), (..., L) -> (...,)."""
        return self.log_likelihood(x, z) + self.log_prior(z)


class GridPosterior(NamedTuple):
    """p(z|x) on a grid, for B data points.

    Args:
        grid: the grid.
        log_density: log p(z|x) at its points, (B, M).
        log_evidence: log p(x), (B,).
        spacing_error: how far log p(x) moves, at most, when every other point is left out.
    """

    grid: Grid
    log_density: Tensor
    log_evidence: Tensor
    spacing_error: float

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (B, L) and covariance (B, L, L) of the posterior."""
        mass = (self.log_density + self.grid.log_weights).exp()  # (B, M)
        mean = mass @ self.grid.points
        centred = self.grid.points - mean[:, None]  # (B, M, L)
        return mean, torch.einsum("bm,bmi,bmj->bij", mass, centred, centred)

    @checked
    def kl_from(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """KL(q || p(z|x)) for q = N(mu, diag(exp(logvar))), each (B, L) -> (B,).

        Raises:
            ValueError: if some q is too wide or too narrow for the grid.
        """
        log_q = log_normal(self.grid.points, mu[:, None], logvar[:, None])  # (B, M)
        lost = (self.grid.log_integral(log_q).exp() - 1).abs().max()
        if not lost <= 1e-6:
            raise ValueError(f"the grid sees q with a mass that is off by {lost:.2g}")
        q = log_q.exp()
        weighed = q * (log_q - self.log_density)
        return self.grid.integral(torch.where(q > 0, weighed, torch.zeros_like(q)))


@checked(tolerance=POSITIVE)
def grid_posterior(
    model: DecoderModel, x: Tensor, grid: Grid, *, tolerance: float = 1e-6
) -> GridPosterior:
    """Posterior and evidence of x (B, D).

    Raises:
        ValueError: if the grid's dimension is not the model's, if halving the number of points
            moves log p(x) by more than `tolerance`, or if the grid cuts the posterior off.
    """
    if grid.dim != model.latent_dim:
        raise ValueError(f"grid has {grid.dim} dimensions but the model has {model.latent_dim}")
    log_joint = model.log_joint(x[:, None], grid.points)  # (B, M)
    log_evidence = grid.log_integral(log_joint)
    every_other = log_joint.unflatten(-1, [grid.n] * grid.dim)
    every_other = every_other[(slice(None), *[slice(None, None, 2)] * grid.dim)].flatten(1)
    error = (grid.coarse().log_integral(every_other) - log_evidence).abs().max().item()
    if not error <= tolerance:
        raise ValueError(f"spacing too wide: with half the points log p(x) moves by {error:.2g}")
    edge = ((grid.points == grid.lo) | (grid.points == grid.hi)).any(dim=1)
    if (log_joint[:, edge] - log_joint.max(dim=1, keepdim=True).values > math.log(1e-9)).any():
        raise ValueError(f"the posterior reaches the edge of [{grid.lo}, {grid.hi}]: widen it")
    return GridPosterior(grid, log_joint - log_evidence[:, None], log_evidence, error)
