"""One question, two right answers: a toy whose conditional density is known exactly.

c is uniform on [0, 1]. x is c or -c, each with probability 1/2, plus Gaussian noise: a fork that
starts as one answer and opens into two. Shapes: B examples, one number each. Nats.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_teach.maths.gaussian import LOG_2PI
from vae_teach.validation import NOT_NEGATIVE, POSITIVE, checked


@checked(sigma_x=POSITIVE)
@dataclass(frozen=True)
class Fork:
    """p(x|c) = 1/2 N(x | c, sigma_x^2) + 1/2 N(x | -c, sigma_x^2)."""

    sigma_x: float = 0.1

    def __post_init__(self):
        if not (math.isfinite(self.sigma_x) and self.sigma_x > 0):
            raise ValueError(f"sigma_x must be positive and finite, but it is {self.sigma_x}")

    @checked(n=NOT_NEGATIVE)
    def sample(self, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw x and c, each (n, 1) in float32."""
        c = torch.rand(n, 1, generator=generator)
        sign = 2 * torch.randint(2, (n, 1), generator=generator) - 1
        return sign * c + self.sigma_x * torch.randn(n, 1, generator=generator), c

    @checked
    def log_likelihood(self, x: Tensor, c: Tensor) -> Tensor:
        """log p(x|c) exactly: (..., 1), (..., 1) -> (...,).

        Raises:
            ValueError: if x or c has no last axis of length 1: two axes would broadcast to a table.
        """
        for name, value in {"x": x, "c": c}.items():
            if value.ndim == 0 or value.shape[-1] != 1:
                raise ValueError(f"{name} has shape {tuple(value.shape)}, but (..., 1) is wanted")
        squared = torch.stack([(x - c).square(), (x + c).square()]).squeeze(-1)
        log_normals = -0.5 * (LOG_2PI + squared / self.sigma_x**2) - math.log(self.sigma_x)
        return torch.logsumexp(log_normals, dim=0) - math.log(2)

    @checked
    def mean(self, c: Tensor) -> Tensor:
        """E[x|c], the best answer under a squared error: 0, whatever c is."""
        return torch.zeros_like(c)
