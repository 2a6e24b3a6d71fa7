"""The check of `width_of_q` (chapter 2): log p(x) estimated from a q too narrow and a q too wide.

Mean of (estimate - exact) in nats, for the model of `sixteen_dimensions`. The numbers are measured,
by `errors` below: from 4,000, 1,000 and 100 estimates; a test repeats the first two columns.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.measured_table import MeasuredTable, Row, Slip, Table
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.exact.evidence import importance_log_evidence, sixteen_dimensions
from vae_teach.maths.gaussian import log_normal

WIDTHS, DRAWS = (0.5, 2.0), (10, 1_000, 100_000)
REPEATS = (200, 20, 20)  # for each of DRAWS, as the exercise asks
# For the standard deviations of q in units of the posterior's: the mean error for each of DRAWS,
# and the standard deviation of one estimate.
MEASURED: dict[float, tuple[Row, Row]] = {
    0.25: ((-12.02, -9.00, -7.42), (1.90, 1.38, 0.97)),
    0.5: ((-3.18, -1.42, -0.64), (1.46, 0.90, 0.75)),
    0.5**0.5: ((-0.62, -0.07, -0.02), (0.85, 0.30, 0.06)),
    2**0.5: ((-0.38, -0.01, 0.0), (0.90, 0.09, 0.01)),
    2.0: ((-3.94, -0.28, -0.02), (3.01, 0.63, 0.09)),
    4.0: ((-44.6, -12.3, -2.9), (15.7, 5.0, 2.1)),
}


def errors(width: float, draws: int, repeats: int, *, generator: torch.Generator) -> Tensor:
    """Estimate minus exact, (repeats,), each from `draws` draws of a q of this width."""
    model, x = sixteen_dimensions()
    centre, cov = model.posterior(x[None])
    sd = width * cov.diagonal().sqrt()
    found = []
    for _ in range(repeats):
        z = centre + sd * torch.randn(draws, 16, generator=generator, dtype=sd.dtype)
        log_q = log_normal(z, centre.expand_as(z), 2 * sd.log().expand_as(z))
        found.append(importance_log_evidence(model.log_joint(x, z), log_q))
    return torch.stack(found) - model.log_evidence(x[None])[0]


# The log of the mean of so many estimates of p(x), minus the exact log p(x), measured too.
LOG_OF_MEAN: Table = {0.5: (-1.40, -0.81, -0.64), 2.0: (-0.09, -0.08, -0.01)}


def _right() -> Table:
    return {width: MEASURED[width][0] for width in WIDTHS}


def _allowance(_: float, exact: Row) -> Row:
    """Four standard errors of a mean of so many estimates, as of the measured row nearest."""
    sizes = [-abs(value) for value in exact]
    nearest = min(MEASURED.values(), key=lambda row: math.dist(row[0], sizes))
    return tuple(
        4 * spread / math.sqrt(n) + 0.02 for spread, n in zip(nearest[1], REPEATS, strict=True)
    )


def _changed(change: Callable[[float, int], float]) -> Callable[[], Table]:
    """The right table with change(error, draws) for each entry."""
    return lambda: {
        width: tuple(change(*pair) for pair in zip(row, DRAWS, strict=True))
        for width, row in _right().items()
    }


def _of_widths(narrow: float, wide: float) -> Callable[[], Table]:
    return lambda: {0.5: MEASURED[narrow][0], 2.0: MEASURED[wide][0]}


EXACT = -22.709  # log p(x), in nats

WIDTH = MeasuredTable(
    letter="width",
    columns=tuple(f"mean error with {draws:,} draws" for draws in DRAWS),
    right=_right,
    allowance=_allowance,
    draws="200 (with ten draws) or 20",
    slips=(
        Slip(
            "signs",
            "Your errors are positive, but on average the estimates are too small: subtract the "
            "exact value from the estimate, and keep the sign.",
            _changed(lambda error, draws: -error),
        ),
        Slip(
            "spreads",
            "Your numbers are the standard deviations of the estimates: give the mean of "
            "(estimate - exact).",
            lambda: {width: MEASURED[width][1] for width in WIDTHS},
        ),
        Slip(
            "log-of-the-mean",
            "You take the log of the mean of the estimates of p(x): average their logs, "
            "which are biased.",
            lambda: LOG_OF_MEAN,
        ),
        Slip(
            "draws-reversed",
            "Your numbers stand in reverse order: the one with ten draws comes first.",
            lambda: {width: MEASURED[width][0][::-1] for width in WIDTHS},
        ),
        Slip(
            "bits",
            "Your errors are in bits: use the natural logarithm, which gives nats.",
            _changed(lambda error, draws: error / math.log(2)),
        ),
        Slip(
            "estimates",
            "Your numbers are the estimates: subtract the exact log p(x) from them.",
            _changed(lambda error, draws: error + EXACT),
        ),
        Slip(
            "sum-for-mean",
            "You take the log of the sum of the weights: for their mean, subtract log K.",
            _changed(lambda error, draws: error + math.log(draws)),
        ),
        Slip(
            "swapped",
            "Your two rows are exchanged: 0.5 is the narrow q.",
            lambda: {0.5: MEASURED[2.0][0], 2.0: MEASURED[0.5][0]},
        ),
        Slip(
            "variance",
            "You multiply the variances by 0.5 and 2: multiply the standard deviations.",
            _of_widths(0.5**0.5, 2**0.5),
        ),
        Slip(
            "width-twice",
            "Your q has 0.25 and 4 times the posterior's standard deviation: look for a square "
            "too many.",
            _of_widths(0.25, 4.0),
        ),
    ),
)
HINTS = WIDTH.hints


@check(HINTS)
def width_of_q(answer: Any) -> Verdict:
    """Check {0.5: ., 2: .}: width -> mean errors for K = 10, 1,000 and 100,000, in nats."""
    return deliver("width_of_q", lambda: WIDTH.examine(answer))
