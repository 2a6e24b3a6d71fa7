"""Gradient descent that never goes uphill: the step halves until the objective falls.

For the small problems whose answers are known, where a figure or an animation wants the path.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.validation import NOT_NEGATIVE, POSITIVE, checked

_SMALLEST_RATE = 1e-12


class Path(NamedTuple):
    """Every point visited, (T + 1, P), and the objective there, (T + 1,); never increasing."""

    points: Tensor
    values: Tensor


@checked(rate=POSITIVE, steps=NOT_NEGATIVE)
def descend(
    objective: Callable[[Tensor], Tensor], start: Tensor, *, steps: int, rate: float = 0.1
) -> Path:
    """Minimise a smooth function of one vector.

    Args:
        objective: maps (P,) to a scalar.
        start: shape (P,).
        steps: how many; the path stands still once no step of any length helps.
        rate: the first step length; it doubles after each success and halves on failure.

    Raises:
        ValueError: if start is not a vector, or the objective is not finite there.
    """
    if start.ndim != 1:
        raise ValueError(f"start must be a vector, but has shape {tuple(start.shape)}")
    point, points, values = start.detach().clone(), [], []
    for _ in range(steps + 1):
        value, gradient = _value_and_gradient(objective, point)
        if not torch.isfinite(value):
            raise ValueError(f"the objective is {value} at {point.tolist()}")
        points.append(point)
        values.append(value)
        point, rate = _downhill(objective, point, value, gradient, rate)
    return Path(torch.stack(points), torch.stack(values))


def _value_and_gradient(objective: Callable, point: Tensor) -> tuple[Tensor, Tensor]:
    point = point.clone().requires_grad_()
    value = objective(point)
    (gradient,) = torch.autograd.grad(value, point)
    return value.detach(), gradient


@torch.no_grad()
def _downhill(
    objective: Callable, point: Tensor, value: Tensor, gradient: Tensor, rate: float
) -> tuple[Tensor, float]:
    """The next point and step length, by Armijo's rule."""
    while rate > _SMALLEST_RATE:
        candidate = point - rate * gradient
        enough = value - 0.1 * rate * gradient.square().sum()
        if objective(candidate) <= enough:  # False for NaN too
            return candidate, 2 * rate
        rate /= 2
    return point, rate
