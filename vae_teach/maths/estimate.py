"""A number that draws gave, with its uncertainty: what every measurement here is told as.

Shapes: K independent draws lead; (...,) is whatever one draw is.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.validation import checked

Z_95 = 1.959964  # a normal variable lies within this many standard deviations 95 times in 100


class Estimate(NamedTuple):
    """A value and its standard error, of equal shape and in the same unit."""

    value: Tensor
    standard_error: Tensor

    @checked
    def interval(self, z: float = Z_95) -> tuple[Tensor, Tensor]:
        """Ends of the confidence interval; 95 % unless told."""
        half = z * self.standard_error
        return self.value - half, self.value + half

    def distance(self, truth: Tensor | float) -> Tensor:
        """How many standard errors lie between the value and `truth`."""
        return (self.value - truth).abs() / self.standard_error


@checked
def measure_mean(samples: Tensor) -> Estimate:
    """Average over the first axis, with its standard error: (K, ...) -> two tensors (...,).

    Raises:
        ValueError: for fewer than two samples, or one that is not finite.
    """
    require_samples(samples)
    return Estimate(samples.mean(dim=0), samples.std(dim=0) / math.sqrt(len(samples)))


def require_samples(samples: Tensor, at_least: int = 2) -> None:
    """Raise a ValueError unless there are that many samples, all of them finite."""
    if samples.ndim == 0 or len(samples) < at_least:
        raise ValueError(
            f"samples must have at least {at_least} rows, but its shape is {tuple(samples.shape)}"
        )
    if not torch.isfinite(samples).all():
        raise ValueError("samples must be finite, but it holds NaN or infinity")
