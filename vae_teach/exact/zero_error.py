"""A VAE with one latent that becomes exact as its observation noise vanishes, and how fast it does.

The decoder is the increasing map f from N(0, 1) onto the data, the encoder N(f^-1(x), (slope of
f^-1 * sigma_x)^2). Source: Doersch (2016), appendix; the rate of the gap is derived in the book.

Shapes: N data points, M grid points. Nats, float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.exact.grid import DecoderModel, Grid, GridPosterior, grid_posterior
from vae_teach.exact.sampling import Mixture, inverse_transform
from vae_teach.maths.gaussian import log_standard_normal
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked

_REACH = 12  # standard deviations of q on either side of its mean
_STEPS = 8  # grid points for a standard deviation of q
OnLine = Callable[[Tensor], Tensor]


class Local(NamedTuple):
    """What the rate depends on, each (N,).

    Args:
        z0: the code of x, f^-1(x).
        slope: of the code map, 1 / f'(z0).
        tilt: slope * z0, how fast the prior's logarithm falls along a standard deviation of q.
        bend: slope^2 * f''(z0), the curvature of f in the same unit.
    """

    z0: Tensor
    slope: Tensor
    tilt: Tensor
    bend: Tensor


class Rate(NamedTuple):
    """The coefficient of sigma_x^2 in the gap, in three parts of (N,) each."""

    prior: Tensor
    mixed: Tensor
    curvature: Tensor

    @property
    def value(self) -> Tensor:
        """All three parts together."""
        return self.prior + self.mixed + self.curvature


@checked
@dataclass(frozen=True)
class Transport:
    """A density on the line and the increasing map that makes it from N(0, 1).

    Args:
        log_prob: log-density of the data, differentiable: (...,) -> (...,).
        decode: f(z) = F^-1(Phi(z)), with F the distribution function: (...,) -> (...,).
        code: its inverse, Phi^-1(F(x)): (...,) -> (...,).
    """

    log_prob: OnLine
    decode: OnLine
    code: OnLine

    @classmethod
    @checked
    def of_mixture(cls, mixture: Mixture) -> "Transport":
        """That of a mixture of K Gaussians, whose tails are as exact on the right as on the left.

        Raises:
            ValueError: if it is more than one mixture.
        """
        if mixture.weights.ndim != 1:
            raise ValueError(f"mixture has weights of shape {tuple(mixture.weights.shape)}, not K")
        mirrored = Mixture(mixture.weights, -mixture.mu, mixture.logvar)

        def decode(z: Tensor) -> Tensor:
            left, right = inverse_transform(z, mixture), -inverse_transform(-z, mirrored)
            return torch.where(z < 0, left, right)

        def code(x: Tensor) -> Tensor:
            below, above = mixture.cdf(x), mirrored.cdf(-x)
            ndtri = torch.special.ndtri
            return torch.where(below < above, ndtri(below), -ndtri(above))

        return cls(mixture.log_prob, decode, code)

    @checked(order=AT_LEAST_1)
    def derivatives(self, x: Tensor, order: int) -> Tensor:
        """The first `order` derivatives of f at the codes of x: (N,) -> (order, N).

        From f'(z) = N(z | 0, 1) / p(f(z)), differentiated as often as it takes.
        """
        y = x.detach().double()
        z, y = (part.clone().requires_grad_() for part in (self.code(y), y))
        first = torch.exp(log_standard_normal(z[:, None]) - self.log_prob(y))
        found = [first]
        for _ in range(order - 1):
            by_z, by_y = torch.autograd.grad(found[-1].sum(), (z, y), create_graph=True)
            found.append(by_z + by_y * first)
        return torch.stack(found).detach()

    @checked
    def local(self, x: Tensor) -> Local:
        """Code, slope, tilt and bend at x (N,).

        Raises:
            ValueError: if decode does not bring the code of some x back to it.
        """
        x = x.detach().double()
        z0 = self.code(x)
        if not torch.allclose(back := self.decode(z0), x, rtol=1e-6, atol=1e-6):
            worst = (back - x).abs().argmax()
            raise ValueError(
                f"code and decode must be inverse to each other, but code({x[worst]:g}) is "
                f"{z0[worst]:g}, and decode makes {back[worst]:g} of it"
            )
        first, second = self.derivatives(x, 2)
        slope = 1 / first
        return Local(z0, slope, slope * z0, slope.square() * second)

    @checked
    def rate(self, x: Tensor) -> Rate:
        """The limit of gap / sigma_x^2 at x (N,): half the variance of tilt t + bend t^3 / 2.

        t is standard normal. The conditions are in the book's appendix.
        """
        _, _, tilt, bend = self.local(x)
        return Rate(tilt.square() / 2, 3 * tilt * bend / 2, 15 * bend.square() / 8)

    @checked(sigma_x=POSITIVE)
    def proof_q(self, x: Tensor, sigma_x: float) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the proof's encoder, each (N, 1): its source's step 2."""
        here = self.local(x)
        logvar = 2 * (here.slope.log() + math.log(sigma_x))
        return here.z0[:, None], logvar[:, None]

    @checked(sigma_x=POSITIVE)
    def posterior(self, x: Tensor, sigma_x: float) -> GridPosterior:
        """p(z|x) and log p(x) of the model with this f and noise sigma_x, for x (N,).

        Raises:
            ValueError: if a grid that suits the proof's encoder does not suit the posterior.
        """
        here = self.local(x)
        reach = _REACH * sigma_x * max(1.0, here.slope.max().item())
        lo, hi = here.z0.min().item() - reach, here.z0.max().item() + reach
        steps = (hi - lo) / (here.slope.min().item() * sigma_x / _STEPS)
        grid = Grid(lo, hi, 4 * math.ceil(steps / 4) + 1)  # every other point is a grid as well
        model = DecoderModel(self.decode, sigma_x)
        return grid_posterior(model, x.double()[:, None], grid)

    @checked(sigma_x=POSITIVE)
    def gap(self, x: Tensor, sigma_x: float) -> Tensor:
        """KL(q || p(z|x)) of the proof's encoder at x: (N,) -> (N,).

        The sum stops 12 standard deviations of q beyond the outermost code: what f does further out
        is not seen.
        """
        return self.posterior(x, sigma_x).kl_from(*self.proof_q(x, sigma_x))


def sinh_cauchy() -> Transport:
    """The density of sinh(Y) for a Cauchy variable Y: smooth, positive, without any moment.

    All its derivatives are bounded, and yet no Gaussian q has a finite gap: f grows like
    exp(exp(z^2 / 2)).
    """

    def log_prob(x: Tensor) -> Tensor:
        return -math.log(math.pi) - torch.asinh(x).square().log1p() - x.square().log1p() / 2

    def decode(z: Tensor) -> Tensor:
        return torch.sinh(z.sign() / torch.tan(math.pi * torch.special.ndtr(-z.abs())))

    def code(x: Tensor) -> Tensor:
        tail = torch.atan(1 / torch.asinh(x).abs()) / math.pi
        return -x.sign() * torch.special.ndtri(tail)

    return Transport(log_prob, decode, code)
