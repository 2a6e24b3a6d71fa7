"""Fit one Gaussian to a density on the line, by KL in either direction.

KL(target || q) makes q cover every mode; KL(q || target) makes it settle on one.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from vae_teach.maths.descent import descend
from vae_teach.maths.gaussian import log_normal
from vae_teach.validation import NOT_NEGATIVE, POSITIVE, checked


class NormalPath(NamedTuple):
    """The Gaussian after 0, 1, ..., T steps and its divergence in nats, each (T + 1,)."""

    mu: Tensor
    logvar: Tensor
    kl: Tensor


@checked(rate=POSITIVE, steps=NOT_NEGATIVE)
def fit_normal(
    log_target: Callable[[Tensor], Tensor],
    direction: Literal["cover", "seek"],
    *,
    mu: float,
    logvar: float,
    grid: Tensor,
    steps: int = 60,
    rate: float = 0.5,
) -> NormalPath:
    """Move N(mu, exp(logvar)) downhill in KL, from the values given.

    Args:
        log_target: log-density of the target in nats, (M,) -> (M,).
        direction: "cover" for KL(target || q), "seek" for KL(q || target).
        mu, logvar: where to start.
        grid: evenly spaced points (M,) for the integrals, wide enough for target and fit.
        steps, rate: see `descent.descend`.

    Raises:
        ValueError: if the direction is not one of the two.
    """
    if direction not in ("cover", "seek"):
        raise ValueError(f'direction must be "cover" or "seek", but it is {direction!r}')
    log_p = log_target(grid)

    def divergence(parameters: Tensor) -> Tensor:
        log_q = log_normal(grid[:, None], parameters[:1], parameters[1:])
        log_weight, log_ratio = (
            (log_p, log_p - log_q) if direction == "cover" else (log_q, log_q - log_p)
        )
        return torch.trapezoid(log_weight.exp() * log_ratio, grid)

    start = torch.tensor([mu, logvar], dtype=grid.dtype)
    path = descend(divergence, start, steps=steps, rate=rate)
    means, logvars = path.points.unbind(dim=1)
    return NormalPath(means, logvars, path.values)
