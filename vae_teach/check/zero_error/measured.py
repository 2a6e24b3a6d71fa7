"""The check of `measured_rate` (appendix): how the gap falls for data from the logistic density.

At x = 0, where this density is symmetric, the coefficient of sigma_x^2 is 0.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.measured_table import MeasuredTable, Row, Slip, Table
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.exact.zero_error import Transport
from vae_teach.maths.gaussian import log_standard_normal

POINTS = (0.0, 1.0, 3.0)
NOISES = (0.1, 0.05)
EXPONENT_OFF, SHARE_OFF = 0.02, 0.01


def logistic(scale: float = 1.0) -> Transport:
    """The density of the logistic distribution function 1 / (1 + exp(-x / scale))."""
    log_phi = torch.special.log_ndtr

    def log_prob(x: Tensor) -> Tensor:
        y = x / scale
        return -y - 2 * torch.nn.functional.softplus(-y) - math.log(scale)

    def code(x: Tensor) -> Tensor:
        return -x.sign() * torch.special.ndtri(torch.sigmoid(-x.abs() / scale))

    return Transport(log_prob, lambda z: scale * (log_phi(z) - log_phi(-z)), code)


def _normal() -> Transport:
    return Transport(lambda x: log_standard_normal(x[..., None]), lambda z: z, lambda x: x)


def _measured(make: Callable[[], Transport], noises: tuple[float, float] = NOISES) -> Table:
    """x -> (the exponent between the two noises, as if they were `NOISES`, and the second gap)."""
    x, truth = torch.tensor(POINTS, dtype=torch.float64), make()
    wide, narrow = (truth.gap(x, sigma_x) for sigma_x in noises)
    exponents = (wide / narrow).log() / math.log(NOISES[0] / NOISES[1])
    return dict(zip(POINTS, zip(exponents.tolist(), narrow.tolist(), strict=True), strict=True))


_right = functools.cache(lambda: _measured(logistic))


def _changed(change: Callable[[float, float], Row]) -> Callable[[], Table]:
    """The right table with change(exponent, gap) for each row."""
    return lambda: {x: change(*row) for x, row in _right().items()}


def _otherwise(make: Callable[[], Transport], **options: tuple) -> Callable[[], Table]:
    return functools.cache(lambda: _measured(make, **options))


def _ratio(exponent: float) -> float:
    """How many times the gap at the second noise goes into that at the first."""
    return (NOISES[0] / NOISES[1]) ** exponent


RATE = MeasuredTable(
    letter="x",
    columns=("exponent", "gap at 0.05"),
    right=_right,
    allowance=lambda _, exact: (
        EXPONENT_OFF * max(1, abs(exact[0]) / 4),
        SHARE_OFF * abs(exact[1]),
    ),
    draws="",
    slips=(
        Slip(
            "swapped",
            "Your columns are the other way round: the exponent comes first.",
            _changed(lambda exponent, gap: (gap, exponent)),
        ),
        Slip(
            "negative",
            "Your exponents are negative: as sigma_x rises the gap rises with it.",
            _changed(lambda exponent, gap: (-exponent, gap)),
        ),
        Slip(
            "ratio",
            "Your exponents are ratios of gaps: take the logarithm, and divide it by that of the "
            "ratio of the noises.",
            _changed(lambda exponent, gap: (_ratio(exponent), gap)),
        ),
        Slip(
            "log-of-the-ratio",
            "Your exponents are logarithms of ratios of gaps: divide them by log 2, since sigma_x "
            "was halved.",
            _changed(lambda exponent, gap: (math.log(_ratio(exponent)), gap)),
        ),
        Slip(
            "decimal-logarithm",
            "Your exponents are decimal logarithms of ratios of gaps: divide them by log10 2.",
            _changed(lambda exponent, gap: (math.log10(_ratio(exponent)), gap)),
        ),
        Slip(
            "wider-noise",
            "Your second column is the gap at sigma_x = 0.1: give that at 0.05.",
            _changed(lambda exponent, gap: (exponent, gap * _ratio(exponent))),
        ),
        Slip(
            "divided",
            "Your second column is divided by sigma_x²: give the gap itself.",
            _changed(lambda exponent, gap: (exponent, gap / NOISES[1] ** 2)),
        ),
        Slip(
            "bits",
            "Your gaps are in bits: give nats.",
            _changed(lambda exponent, gap: (exponent, gap / math.log(2))),
        ),
        Slip(
            "variances",
            "You pass variances: `gap` takes the standard deviation sigma_x.",
            _otherwise(logistic, noises=(NOISES[0] ** 2, NOISES[1] ** 2)),
        ),
        Slip(
            "normal-truth",
            "Your gaps are those of normal data: the decoder is log Phi(z) - log Phi(-z), and its "
            "inverse Phi^-1(1 / (1 + exp(-x))).",
            _otherwise(_normal),
        ),
        Slip(
            "unit-variance",
            "Your logistic density has variance 1: the one with F(x) = 1 / (1 + exp(-x)) has "
            "variance pi²/3.",
            _otherwise(lambda: logistic(math.sqrt(3) / math.pi)),
        ),
    ),
    noisy="In the row for {row} your {column} is nearly right: nothing is drawn here, so look for "
    "single precision, or for numbers that were rounded.",
)


@check(RATE)
def measured_rate(answer: dict[float, tuple[float, float]] | None) -> Verdict:
    """Check {x: (exponent, gap at 0.05)} at x = 0, 1, 3, for logistic data, in nats."""
    return deliver("measured_rate", lambda: RATE.examine(answer))
