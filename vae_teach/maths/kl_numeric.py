"""KL divergence from two log-densities alone: signed areas by quadrature, and Monte Carlo.

Shapes: M grid points, K draws. A log-density maps (M,) points to (M,) nats. In KL(q || p) the
expectation is under q.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.maths.estimate import Estimate, measure_mean
from vae_teach.validation import NOT_NEGATIVE, checked

LogDensity = Callable[[Tensor], Tensor]


class SignedArea(NamedTuple):
    """KL(q || p) as the area under q log(q / p), split by sign.

    Args:
        x, integrand: the curve, each of shape (M,).
        positive, negative: its area above the axis, and the area below, as a number <= 0.
        crossings: where q = p, shape (C,).
    """

    x: Tensor
    integrand: Tensor
    positive: Tensor
    negative: Tensor
    crossings: Tensor

    @property
    def value(self) -> Tensor:
        """The divergence in nats: both areas together."""
        return self.positive + self.negative


@checked(n=NOT_NEGATIVE)
def kl_by_quadrature(
    log_q: LogDensity, log_p: LogDensity, lo: float, hi: float, n: int = 4001
) -> SignedArea:
    """KL(q || p) by the trapezoid rule on [lo, hi], which must hold all but a speck of q.

    Raises:
        ValueError: if the range is empty or q has more than 1e-6 of its mass outside.
    """
    if not lo < hi or n < 3:
        raise ValueError(f"need lo < hi and n >= 3, but lo = {lo}, hi = {hi}, n = {n}")
    grid = torch.linspace(lo, hi, n, dtype=torch.float64)
    crossings = _crossings(lambda x: log_q(x) - log_p(x), grid)
    mass = torch.trapezoid(log_q(grid).exp(), grid)
    if abs(mass - 1) > 1e-6:
        raise ValueError(f"q has mass {mass:.6g} on [{lo}, {hi}], not 1")
    # Even spacing makes the whole area exact to rounding. The split is good to the square of the
    # spacing; with the crossings as points no cell holds both signs, and none is shaded twice.
    value = torch.trapezoid(_integrand(log_q, log_p, grid), grid)
    x = torch.cat([grid, crossings]).sort().values
    integrand = _integrand(log_q, log_p, x)
    positive = torch.trapezoid(integrand.clamp(min=0), x)
    return SignedArea(x, integrand, positive, value - positive, crossings)


def _integrand(log_q: LogDensity, log_p: LogDensity, x: Tensor) -> Tensor:
    q = log_q(x).exp()
    return torch.where(q > 0, q * (log_q(x) - log_p(x)), torch.zeros_like(q))


def _crossings(f: LogDensity, grid: Tensor) -> Tensor:
    """Zeros of f between grid points of opposite sign, by bisection down to rounding."""
    values = f(grid)
    change = (values[:-1] * values[1:] < 0).nonzero().squeeze(-1)
    lo, hi, below = grid[change], grid[change + 1], values[change]
    for _ in range(60):
        middle = (lo + hi) / 2
        left = f(middle) * below > 0
        lo, hi = torch.where(left, middle, lo), torch.where(left, hi, middle)
    return (lo + hi) / 2


@checked
def kl_from_draws(log_q: LogDensity, log_p: LogDensity, draws: Tensor) -> Estimate:
    """KL(q || p) as the average of log q - log p over `draws` from q, shape (K, ...)."""
    return measure_mean(log_q(draws) - log_p(draws))
