"""What the decoder's output means: one interface for p(x | z).

A likelihood is a small immutable object. `params` is what the decoder returns for it.
Shapes: B batch, K draws, D pixels. `log_prob` sums over pixels, so it is in nats per image.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Likelihood(Protocol):
    """What a VAE asks of p(x | z)."""

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats, summed over pixels: (..., D), (..., D) -> (...,)."""

    def mean(self, params: Tensor) -> Tensor:
        """Mean of p(x | z), the picture to show: (..., D) -> (..., D)."""

    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """Draw pixels from p(x | z): (..., D) -> (..., D)."""


def _require_same_pixels(x: Tensor, params: Tensor) -> None:
    if x.shape[-1] != params.shape[-1]:
        raise ValueError(f"x has {x.shape[-1]} pixels but params has {params.shape[-1]}")


@dataclass(frozen=True)
class Bernoulli:
    r"""Every pixel is a coin; `params` are logits, the log-odds of white.

    .. math:: \log p(x|z) = \sum_j x_j \log y_j + (1 - x_j)\log(1 - y_j), \quad
              y = \mathrm{sigmoid}(\mathrm{logits})

    With grey pixels this is a cross-entropy and not a density; chapter 6 says what it means then.
    """

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-probability of x in nats: x in [0, 1] and logits of shape (..., D) -> (...,)."""
        _require_same_pixels(x, params)
        # x * l - softplus(l) never forms a probability, so it cannot take the log of 0.
        return (x * params - F.softplus(params)).sum(dim=-1)

    def mean(self, params: Tensor) -> Tensor:
        """Probability of white, in (0, 1)."""
        return torch.sigmoid(params)

    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels of exactly 0 or 1."""
        uniform = torch.rand(params.shape, generator=generator, device=params.device)
        return (uniform < torch.sigmoid(params)).to(params.dtype)


@dataclass(frozen=True)
class Gaussian:
    r"""Pixels with independent noise N(0, sigma_x^2) around the decoder's output.

    .. math:: \log p(x|z) = -\frac{\lVert x - f(z)\rVert^2}{2\sigma_x^2}
              - \frac{D}{2}\log 2\pi\sigma_x^2

    `sigma_x` is the standard deviation of the observation noise, in units of pixel intensity.
    The unscaled sum of squared errors is the case sigma_x^2 = 1/2, up to a constant.
    """

    sigma_x: float = math.sqrt(0.5)

    def __post_init__(self):
        if not (math.isfinite(self.sigma_x) and self.sigma_x > 0):
            raise ValueError(f"sigma_x must be positive and finite, but it is {self.sigma_x}")

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats: x and means of shape (..., D) -> (...,)."""
        _require_same_pixels(x, params)
        variance = self.sigma_x**2
        squared_error = (x - params).square().sum(dim=-1)
        return -0.5 * (squared_error / variance + x.shape[-1] * math.log(2 * math.pi * variance))

    def mean(self, params: Tensor) -> Tensor:
        """The decoder's output itself."""
        return params

    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """The mean plus noise; may leave [0, 1]."""
        noise = torch.randn(params.shape, generator=generator, device=params.device)
        return params + self.sigma_x * noise


LIKELIHOODS = {"bernoulli": Bernoulli, "gaussian": Gaussian}


def make_likelihood(spec: str | dict) -> Likelihood:
    """Build a likelihood from its name or its saved form, such as {"name": "bernoulli"}.

    Raises:
        ValueError: for a name that is not in `LIKELIHOODS`.
    """
    options = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = options.pop("name")
    if name not in LIKELIHOODS:
        raise ValueError(f"likelihood is {name!r}, but the known ones are {sorted(LIKELIHOODS)}")
    return LIKELIHOODS[name](**options)
