"""The check of `gaussian_prior_gain` (chapter 13): what the best axis-parallel Gaussian prior wins.

Shapes: B pictures, L latent. Nats.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.gaussian import kl_to_standard_normal


def _gain(m: Tensor, v: Tensor) -> Tensor:
    """KL( N(m, v) || N(0, I) ), a number."""
    return 0.5 * (m.square() + v - 1 - v.log()).sum()


def _moments(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the aggregate, along each axis."""
    return mu.mean(0), mu.var(0, correction=0) + logvar.exp().mean(0)


def _right(mu: Tensor, logvar: Tensor) -> Tensor:
    return _gain(*_moments(mu, logvar))


def _second_moment(mu: Tensor, logvar: Tensor) -> Tensor:
    """The gain with E[z^2] for the variance."""
    return _gain(mu.mean(0), mu.square().mean(0) + logvar.exp().mean(0))


def _case(n: int, latent: int, centre: float, **options) -> Case:
    g = torch.Generator().manual_seed(n + latent)
    mu = centre + torch.linspace(0.5, 1.6, latent) * torch.randn(n, latent, generator=g)
    logvar = -1.5 + 0.6 * torch.randn(n, latent, generator=g)
    return Case({"mu": mu, "logvar": logvar}, **options)


PRIOR_GAIN = Exercise(
    name="gaussian_prior_gain",
    right=_right,
    cases=lambda: [_case(6, 3, 0.4), _case(9, 2, -0.7), _case(5, 4, 0.2)],
    roles={"mu": Role("BL"), "logvar": Role("BL", LOGVAR)},
    mistakes=(
        Mistake(
            "means-alone",
            "Your variance is that of the means alone: codes scatter about their means too.",
            lambda mu, logvar: _gain(mu.mean(0), mu.var(0, correction=0)),
        ),
        Mistake(
            "within-alone",
            "Your variance is the mean of the variances: the means of the pictures differ too.",
            lambda mu, logvar: _gain(mu.mean(0), logvar.exp().mean(0)),
        ),
        Mistake(
            "second-moment",
            "Your variance is the mean of z squared: subtract the square of the mean.",
            _second_moment,
        ),
        Mistake(
            "n-minus-one",
            "You divide the squares by N - 1: the aggregate is the mean over exactly these N.",
            lambda mu, logvar: _gain(mu.mean(0), mu.var(0) + logvar.exp().mean(0)),
        ),
        Mistake(
            "mean-of-logvar",
            "You average the log-variances: the variance of a mixture holds the mean of the "
            "variances.",
            lambda mu, logvar: _gain(mu.mean(0), mu.var(0, correction=0) + logvar.mean(0).exp()),
        ),
        Mistake(
            "sigma-for-variance",
            "You add sigma and not its square to the variance of the means.",
            lambda mu, logvar: _gain(
                mu.mean(0), mu.var(0, correction=0) + (logvar / 2).exp().mean(0)
            ),
        ),
        Mistake(
            "rate",
            "You return the rate, the mean KL of the pictures: the prior can win only the part "
            "that belongs to the aggregate.",
            lambda mu, logvar: kl_to_standard_normal(mu, logvar).mean(),
        ),
        Mistake(
            "mean-left-out",
            "Your prior keeps its mean at 0: the best one has the mean of the codes.",
            (
                lambda mu, logvar: _gain(torch.zeros_like(mu[0]), _moments(mu, logvar)[1]),
                lambda mu, logvar: _gain(
                    torch.zeros_like(mu[0]), mu.square().mean(0) + logvar.exp().mean(0)
                ),
            ),
        ),
        Mistake(
            "variance-left-out",
            "Your prior keeps its variance at 1: the best one has the variance of the codes.",
            lambda mu, logvar: 0.5 * mu.mean(0).square().sum(),
        ),
        Mistake(
            "mean-over-latents",
            "You average over the latents: nats of independent axes add up.",
            lambda mu, logvar: _right(mu, logvar) / mu.shape[1],
        ),
        Mistake(
            "each-latent",
            "You return a number for each latent: add them up.",
            lambda mu, logvar: torch.stack(
                [_right(mu[:, [i]], logvar[:, [i]]) for i in range(mu.shape[1])]
            ),
        ),
        Mistake(
            "times-pictures",
            "You multiply by the number of pictures: the gain is of the mean bound.",
            lambda mu, logvar: _right(mu, logvar) * len(mu),
        ),
        Mistake(
            "half-missing",
            "Your value is twice the right one: look for a missing 1/2.",
            lambda mu, logvar: 2 * _right(mu, logvar),
        ),
        Mistake(
            "sign",
            "The sign is flipped: the bound rises.",
            lambda mu, logvar: -_right(mu, logvar),
        ),
    ),
)


@check(PRIOR_GAIN)
def gaussian_prior_gain(student: Callable) -> Verdict:
    """Check f(mu (B, L), logvar (B, L)) -> nats that the best axis-parallel Gaussian prior wins."""
    return judge(student, PRIOR_GAIN)
