"""What the decoder's output means: one interface for p(x | z).

`params` is what the decoder returns for it. A likelihood with nothing to learn is a small immutable
object; `LearnedGaussian` is an `nn.Module`, so a model that holds it trains and saves it too.
Shapes: B batch, K draws, D pixels. `log_prob` sums over pixels, so it is in nats per image.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_teach.maths import continuous_bernoulli
from vae_teach.maths.gaussian import LOG_2PI
from vae_teach.validation import POSITIVE, checked, kind, require_floats


class Likelihood(Protocol):
    """What a VAE asks of p(x | z)."""

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x is data that this likelihood can score.

        It reads every value: call it once for a data set, not in every step.
        """

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats, summed over pixels: (..., D), (..., D) -> (...,)."""

    def mean(self, params: Tensor) -> Tensor:
        """Mean of p(x | z), the picture to show: (..., D) -> (..., D)."""

    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """Draw pixels from p(x | z): (..., D) -> (..., D)."""

    def table(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of every image under every params: (N, D), (M, D) -> (N, M).

        `table = row_by_row` will do; a matrix product is many times as fast.
        """


LIKELIHOODS: dict[str, Callable[..., Any]] = {}  # each makes a Likelihood
_Class = TypeVar("_Class")


def named(cls: type[_Class]) -> type[_Class]:
    """Decorate a likelihood: its name in snake_case is its name in a config or a command."""
    LIKELIHOODS[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()] = cls
    return cls


def row_by_row(self: Likelihood, x: Tensor, params: Tensor) -> Tensor:
    """The `table` of a likelihood without a faster one."""
    return torch.stack([self.log_prob(row, params) for row in x])


@checked
def require_same_pixels(x: Tensor, params: Tensor) -> None:
    """Raise a ValueError unless x and params have the same last axis."""
    if x.shape[-1] != params.shape[-1]:
        raise ValueError(f"x has {x.shape[-1]} pixels but params has {params.shape[-1]}")


class _OfLogits:
    """log p(x | z) = x l - A(l) a pixel, of its logit l and the log-partition A.

    No probability is formed, so none can be 0 under the logarithm.
    """

    def log_partition(self, params: Tensor) -> Tensor:
        raise NotImplementedError

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats: x in [0, 1] and logits of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        return (x * params - self.log_partition(params)).sum(dim=-1)

    def table(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of every image under every params: (N, D), (M, D) -> (N, M)."""
        return x @ params.T - self.log_partition(params).sum(dim=-1)


@named
@dataclass(frozen=True)
class Bernoulli(_OfLogits):
    r"""Every pixel is a coin; `params` are logits, the log-odds of white.

    .. math:: \log p(x|z) = \sum_j x_j \log y_j + (1 - x_j)\log(1 - y_j), \quad
              y = \mathrm{sigmoid}(\mathrm{logits})

    With grey pixels this is a cross-entropy and not a density; chapter 8 says what it means then.
    """

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats from 0 to 1."""
        require_floats(x, name, 0, 1, "as the Bernoulli likelihood expects")

    def log_partition(self, params: Tensor) -> Tensor:
        """log(1 + e^l) of logits l, elementwise."""
        return F.softplus(params)

    def mean(self, params: Tensor) -> Tensor:
        """Probability of white, in (0, 1)."""
        return torch.sigmoid(params)

    @checked
    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels of exactly 0 or 1."""
        uniform = torch.rand(params.shape, generator=generator, device=params.device)
        return (uniform < torch.sigmoid(params)).to(params.dtype)


@named
@dataclass(frozen=True)
class ContinuousBernoulli(_OfLogits):
    r"""A density on [0, 1] for grey pixels; `params` are logits, as for the Bernoulli.

    .. math:: p(x|z) = \prod_j C(y_j)\, y_j^{x_j} (1 - y_j)^{1 - x_j}, \quad
              C(y) = \frac{2\,\mathrm{artanh}(1 - 2y)}{1 - 2y}

    It is the Bernoulli's formula with the constant that makes it integrate to 1. Its mean is not y.

    Source: Loaiza-Ganem & Cunningham 2019 (arXiv:1907.06845).
    """

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats from 0 to 1."""
        require_floats(x, name, 0, 1, "as the continuous Bernoulli likelihood expects")

    def log_partition(self, params: Tensor) -> Tensor:
        """Log of the integral of e^(l x) over [0, 1], of logits l, elementwise."""
        return continuous_bernoulli.log_partition(params)

    def mean(self, params: Tensor) -> Tensor:
        """Mean intensity, in (0, 1)."""
        return continuous_bernoulli.mean(params)

    @checked
    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """Grey pixels in [0, 1]."""
        uniform = _like(torch.rand, params, generator)
        return continuous_bernoulli.quantile(uniform, params)


def _like(draw, params: Tensor, generator: torch.Generator) -> Tensor:
    """`draw` is torch.rand or torch.randn; the noise has the shape, device and dtype of params."""
    return draw(params.shape, generator=generator, device=params.device, dtype=params.dtype)


def _output(params: Tensor, squash: bool) -> Tensor:
    return torch.sigmoid(params) if squash else params


def _gaussian_table(likelihood: "Gaussian | LearnedGaussian", x: Tensor, params: Tensor) -> Tensor:
    means = likelihood.mean(params)
    products = x @ means.T
    squares = x.square().sum(dim=-1)[:, None] - 2 * products + means.square().sum(dim=-1)
    no_error = likelihood.log_prob(means, params)  # the constant of the density
    return no_error - squares / (2 * likelihood.sigma_x**2)


@named
@checked(sigma_x=POSITIVE)
@dataclass(frozen=True)
class Gaussian:
    r"""Pixels with independent noise N(0, sigma_x^2) around the decoder's output f(z).

    .. math:: \log p(x|z) = -\frac{\lVert x - f(z)\rVert^2}{2\sigma_x^2}
              - \frac{D}{2}\log 2\pi\sigma_x^2

    `sigma_x` is the standard deviation of the observation noise, in units of pixel intensity.
    The unscaled sum of squared errors is the case sigma_x^2 = 1/2, up to a constant.
    `squash=True` sends the decoder's output through a sigmoid first, as several sources do.
    """

    sigma_x: float = math.sqrt(0.5)
    squash: bool = False

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds finite floats."""
        require_floats(x, name)

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats: x and params of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        squared_error = (x - self.mean(params)).square().sum(dim=-1)
        constant = x.shape[-1] * (LOG_2PI + 2 * math.log(self.sigma_x))
        return -0.5 * (squared_error / self.sigma_x**2 + constant)

    def table(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of every image under every params: (N, D), (M, D) -> (N, M)."""
        return _gaussian_table(self, x, params)

    def mean(self, params: Tensor) -> Tensor:
        """f(z): the decoder's output itself, or its sigmoid."""
        return _output(params, self.squash)

    @checked
    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """The mean plus noise; may leave [0, 1]."""
        return self.mean(params) + self.sigma_x * _like(torch.randn, params, generator)


@named
@checked(sigma_x=POSITIVE)
class LearnedGaussian(nn.Module):
    """`Gaussian` whose one sigma_x is trained with the decoder, starting from `sigma_x`.

    What is trained is log sigma_x, so sigma_x stays positive. At the optimum sigma_x^2 is the mean
    squared error per pixel; on data that can be reproduced exactly nothing stops it from reaching
    0, where the log-density is infinite.
    """

    def __init__(self, sigma_x: float = math.sqrt(0.5), squash: bool = False):
        super().__init__()
        self.log_sigma_x = nn.Parameter(torch.tensor(math.log(sigma_x)))
        self.squash = squash

    @property
    def sigma_x(self) -> float:
        """The standard deviation of the observation noise as it is now."""
        return self.log_sigma_x.exp().item()

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds finite floats."""
        require_floats(x, name)

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats: x and params of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        squared_error = (x - self.mean(params)).square().sum(dim=-1)
        constant = x.shape[-1] * (LOG_2PI + 2 * self.log_sigma_x)
        return -0.5 * (squared_error * torch.exp(-2 * self.log_sigma_x) + constant)

    def table(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of every image under every params: (N, D), (M, D) -> (N, M)."""
        return _gaussian_table(self, x, params)

    def mean(self, params: Tensor) -> Tensor:
        """f(z): the decoder's output itself, or its sigmoid."""
        return _output(params, self.squash)

    @checked
    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """The mean plus noise; may leave [0, 1]."""
        return self.mean(params) + self.log_sigma_x.exp() * _like(torch.randn, params, generator)


@named
@checked(scale=POSITIVE)
@dataclass(frozen=True)
class Laplace:
    r"""Pixels with independent noise of density e^{-|x - f(z)| / b} / 2b: absolute errors.

    .. math:: \log p(x|z) = -\frac{\lVert x - f(z)\rVert_1}{b} - D\log 2b

    `scale` is b, in units of pixel intensity; b = 1 is the plain sum of absolute errors, up to a
    constant. `squash` as for the `Gaussian`.
    """

    scale: float = 1.0
    squash: bool = False

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds finite floats."""
        require_floats(x, name)

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-density of x in nats: x and params of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        absolute_error = (x - self.mean(params)).abs().sum(dim=-1)
        return -absolute_error / self.scale - x.shape[-1] * math.log(2 * self.scale)

    table = row_by_row

    def mean(self, params: Tensor) -> Tensor:
        """f(z): the decoder's output itself, or its sigmoid."""
        return _output(params, self.squash)

    @checked
    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        """The mean plus noise; may leave [0, 1]."""
        centred = _like(torch.rand, params, generator) - 0.5
        # torch.rand returns 0 now and then, and log1p(-1) is infinite: 0 counts as the next draw.
        beyond = (2 * centred.abs()).clamp(max=1 - torch.finfo(params.dtype).eps)
        noise = -centred.sign() * torch.log1p(-beyond)
        return self.mean(params) + self.scale * noise


def make_likelihood(spec: str | dict) -> Likelihood:
    """Build a likelihood from its name or its saved form, such as {"name": "bernoulli"}.

    Raises:
        ValueError: for a name that is not in `LIKELIHOODS`.
    """
    if not isinstance(spec, str | dict):
        raise ValueError(f"likelihood must be a name or a dict with one, but it is {kind(spec)}")
    options = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = options.pop("name", None)
    if name not in LIKELIHOODS:
        raise ValueError(f"likelihood is {name!r}, but the known ones are {sorted(LIKELIHOODS)}")
    return LIKELIHOODS[name](**options)
