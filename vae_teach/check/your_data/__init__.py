"""Checks for chapter 15, your own data: a likelihood for bytes, and a number of latents.

Shapes: N pictures, D values.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict

FAR_OFF = "values many standard deviations from the mean"


def _log_mass(low: Tensor, high: Tensor) -> Tensor:
    """Log of the mass of N(0, 1) between two points, mirrored to the left half."""
    mirror = low + high > 0
    a, b = torch.where(mirror, -high, low), torch.where(mirror, -low, high)
    log_a, log_b = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    return log_b + torch.log1p(-torch.exp(log_a - log_b))


def _levels(
    x: Tensor,
    mean: Tensor,
    sigma_x: float,
    *,
    below: float = 0.5,
    above: float = 0.5,
    first: bool = True,
    last: bool = True,
) -> Tensor:
    """Log of the mass of each level (N, D), with its interval and its ends as they are told."""
    low, high = (x - below - mean) / sigma_x, (x + above - mean) / sigma_x
    low = low.masked_fill((x == 0) & first, -math.inf)
    return _log_mass(low, high.masked_fill((x == 255) & last, math.inf))


def _bytes(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    return _levels(x, mean, sigma_x).sum(dim=1)


def _cut_off(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    whole = _log_mass((-0.5 - mean) / sigma_x, (255.5 - mean) / sigma_x)
    return (_levels(x, mean, sigma_x, first=False, last=False) - whole).sum(dim=1)


def _logistic(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    high = torch.sigmoid((x + 0.5 - mean) / sigma_x).masked_fill(x == 255, 1.0)
    low = torch.sigmoid((x - 0.5 - mean) / sigma_x).masked_fill(x == 0, 0.0)
    return (high - low).log().sum(dim=1)


def _mixed(inside: Tensor, x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    """Other values between the ends, and the right ones there."""
    ends = (x == 0) | (x == 255)
    return torch.where(ends, _levels(x, mean, sigma_x), inside).sum(dim=1)


def _tails_exchanged(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    up = torch.special.log_ndtr((x + 0.5 - mean) / sigma_x)
    down = torch.special.log_ndtr(-(x - 0.5 - mean) / sigma_x)
    inside = _levels(x, mean, sigma_x)
    return torch.where(x == 255, up, torch.where(x == 0, down, inside)).sum(dim=1)


def _ends_at_levels(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    first = torch.special.log_ndtr(-mean / sigma_x)
    last = torch.special.log_ndtr((mean - 255) / sigma_x)
    inside = _levels(x, mean, sigma_x)
    return torch.where(x == 0, first, torch.where(x == 255, last, inside)).sum(dim=1)


def _shared_out(x: Tensor, mean: Tensor, sigma_x: float) -> Tensor:
    every = Normal(mean[..., None], sigma_x).log_prob(torch.arange(256.0, dtype=mean.dtype))
    return (Normal(mean, sigma_x).log_prob(x) - every.logsumexp(dim=-1)).sum(dim=1)


def _near(n: int, d: int, sigma_x: float) -> Case:
    """Levels as this Gaussian would draw them, and the two ends in every picture."""
    g = torch.Generator().manual_seed(n)
    mean = 255 * torch.rand(n, d, generator=g)
    mean[:, 0], mean[:, 1] = 0.4 * sigma_x, 255 - 0.3 * sigma_x
    x = (mean + sigma_x * torch.randn(n, d, generator=g)).round().clamp(0, 255)
    x[:, 0], x[:, 1] = 0, 255
    return Case({"x": x, "mean": mean, "sigma_x": sigma_x})


def _far(sigmas: float) -> Case:
    """Levels above their means and below them, by so many standard deviations of 5."""
    x = torch.tensor([[200.0, 30.0], [180.0, 20.0]])
    away = 5 * sigmas * torch.tensor([[1.0, -1.0]])
    return Case({"x": x, "mean": x - away, "sigma_x": 5.0}, note=FAR_OFF, hard=True)


BYTE_LOG_PROB = Exercise(
    name="byte_log_prob",
    right=_bytes,
    cases=lambda: [
        _near(3, 5, 0.8),
        _near(4, 3, 2.0),
        _near(2, 7, 0.5),
        _near(5, 4, 1.3),
        _far(11.0),
        _far(25.0),
    ],
    roles={"x": Role("BD"), "mean": Role("BD")},
    ones="B",
    mistakes=(
        Mistake(
            "density",
            "You return a density at the levels: a level's probability is the mass of the "
            "interval of length 1 around it.",
            lambda x, m, s: Normal(m, s).log_prob(x).sum(1),
        ),
        Mistake(
            "density-between-the-ends",
            "Your ends are right, and between them you return a density: there, too, a level has "
            "the mass of the interval of length 1 around it.",
            lambda x, m, s: _mixed(Normal(m, s).log_prob(x), x, m, s),
        ),
        Mistake(
            "density-shared-out",
            "You divide the density at a level by the sum over all levels: a level's probability "
            "is the mass of its interval.",
            _shared_out,
        ),
        Mistake(
            "tails-exchanged",
            "Your ends have the other tail each: 0 has all mass below 0.5, and 255 all above "
            "254.5.",
            _tails_exchanged,
        ),
        Mistake(
            "ends-at-the-levels",
            "Your tails begin at 0 and at 255: they begin at 0.5 and at 254.5.",
            _ends_at_levels,
        ),
        Mistake(
            "erf-without-its-root",
            "Your erf lacks a factor: the Gaussian's distribution function is "
            "(1 + erf(t / sqrt(2))) / 2.",
            lambda x, m, s: _bytes(x, m, s / math.sqrt(2)),
        ),
        Mistake(
            "ends-closed",
            "The levels 0 and 255 have the mass of their own interval only: all mass below 0.5 "
            "belongs to 0, and all above 254.5 to 255.",
            lambda x, m, s: _levels(x, m, s, first=False, last=False).sum(1),
        ),
        Mistake(
            "first-end-closed",
            "The level 0 has the mass from -0.5 on only: all mass below 0.5 belongs to it.",
            lambda x, m, s: _levels(x, m, s, first=False).sum(1),
        ),
        Mistake(
            "last-end-closed",
            "The level 255 has the mass up to 255.5 only: all mass above 254.5 belongs to it.",
            lambda x, m, s: _levels(x, m, s, last=False).sum(1),
        ),
        Mistake(
            "cut-off",
            "You cut the Gaussian off at the ends and scale it up: the mass beyond them belongs "
            "to the levels 0 and 255.",
            _cut_off,
        ),
        Mistake(
            "interval-beside",
            "Your interval begins or ends at the level: it reaches half a level to either side.",
            (
                lambda x, m, s: _levels(x, m, s, below=0, above=1).sum(1),
                lambda x, m, s: _levels(x, m, s, below=1, above=0).sum(1),
            ),
        ),
        Mistake(
            "interval-of-another-length",
            "Your interval is of another length than 1: it reaches half a level to either side.",
            (
                lambda x, m, s: _levels(x, m, s, below=1, above=1).sum(1),
                lambda x, m, s: _levels(x, m, s, below=0.25, above=0.25).sum(1),
                lambda x, m, s: _levels(x, m, s, below=0.5 / 255, above=0.5 / 255).sum(1),
                lambda x, m, s: _levels(x, m, s, below=0.5 / 256, above=0.5 / 256).sum(1),
            ),
        ),
        Mistake(
            "only-the-upper-end",
            "You return the mass of all levels up to this one: subtract what lies below its "
            "interval.",
            lambda x, m, s: torch.special.log_ndtr((x + 0.5 - m) / s).sum(1),
        ),
        Mistake(
            "variance-for-sigma",
            "You take sigma_x for a variance: it is the standard deviation.",
            lambda x, m, s: _bytes(x, m, math.sqrt(s)),
        ),
        Mistake(
            "sigma-squared",
            "You divide by sigma_x squared: x - mean is measured in units of sigma_x.",
            lambda x, m, s: _bytes(x, m, s**2),
        ),
        Mistake(
            "sigma-left-out",
            "You leave sigma_x out: x - mean is measured in units of it.",
            lambda x, m, s: _bytes(x, m, 1.0),
        ),
        Mistake(
            "logistic",
            "Your distribution function is the sigmoid, which is a logistic's: take the "
            "Gaussian's.",
            _logistic,
        ),
        Mistake(
            "averaged",
            "You average over the values of a picture: the log-probability of a picture is the "
            "sum.",
            lambda x, m, s: _levels(x, m, s).mean(1),
        ),
        Mistake(
            "probabilities-added",
            "You add the probabilities of the values before you take the logarithm: they are "
            "independent, so their logarithms add.",
            lambda x, m, s: _levels(x, m, s).exp().sum(1).log(),
        ),
        Mistake(
            "probability",
            "You return a probability: return its logarithm.",
            lambda x, m, s: _bytes(x, m, s).exp(),
        ),
        Mistake(
            "cost",
            "You return minus the log-probability: leave out the minus.",
            lambda x, m, s: -_bytes(x, m, s),
        ),
        Mistake(
            "bits",
            "You return bits: nats are wanted, so take the natural logarithm.",
            lambda x, m, s: _bytes(x, m, s) / math.log(2),
        ),
        Mistake(
            "floored",
            "Far from the mean your probability is a constant that keeps it from being 0: compute "
            "its logarithm without it, with torch.special.log_ndtr.",
            matches=lambda got, want, *_: bool(got.isfinite().all() and (got > want + 1).all()),
            hard=True,
        ),
        Mistake(
            "underflow",
            "Far from the mean two values of the distribution function are equal to rounding, and "
            "their difference has no logarithm: subtract logarithms (torch.special.log_ndtr), on "
            "the left half.",
            matches=lambda got, want, *_: not got.isfinite().all(),
            hard=True,
        ),
    ),
)


@check(BYTE_LOG_PROB)
def byte_log_prob(student: Callable) -> Verdict:
    """Check f(x (N, D), mean (N, D), sigma_x) -> (N,): nats, levels from 0 to 255."""
    return judge(student, BYTE_LOG_PROB)
