"""The check of `crossing_variances`: what two estimators scatter for a sum of L sines.

f(z) = sin w z_1 + ... + sin w z_L with w = 10 at mu = sigma = 1, and the derivative by mu_1 from
one draw. All moments are those of sines and cosines of a Gaussian, E[exp(itz)] = exp(it - t^2/2).
"""

import math
from typing import Any

from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.measured_table import MeasuredTable, Row, Slip, Table
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

SIZES = (1, 4, 16, 64, 256)
FREQUENCY = 10.0
SHARE = 0.15  # of a variance; the standard error of one from 20,000 estimates is 2 % of it


def pathwise_variance(w: float) -> float:
    """Var of w cos(w z), z ~ N(1, 1)."""
    square = 0.5 * (1 + math.cos(2 * w) * math.exp(-2 * w**2))
    return w**2 * (square - (math.cos(w) * math.exp(-0.5 * w**2)) ** 2)


def score_variance(w: float, size: int) -> float:
    """Var of f(z) eps_1, for `size` dimensions."""
    damped = math.exp(-0.5 * w**2)
    mean = math.sin(w) * damped  # of one sine
    square = 0.5 * (1 - math.cos(2 * w) * math.exp(-2 * w**2))
    own_square = 0.5 * (1 - math.cos(2 * w) * (1 - 4 * w**2) * math.exp(-2 * w**2))
    own = math.sin(w) * (1 - w**2) * damped  # E[sin(w z_1) eps_1^2]
    others, n = mean * (size - 1), size - 1
    others_square = n * (square - mean**2) + others**2
    return own_square + 2 * own * others + others_square - (w * math.cos(w) * damped) ** 2


def _right() -> Table:
    return {L: (pathwise_variance(FREQUENCY), score_variance(FREQUENCY, L)) for L in SIZES}


def _changed(change: Any) -> Any:
    """The right table with change(L, pathwise, score) for each row."""
    return lambda: {L: change(L, *row) for L, row in _right().items()}


def _allowance(_: float, exact: Row) -> Row:
    return tuple(SHARE * abs(value) for value in exact)


CROSSING = MeasuredTable(
    letter="L",
    columns=("pathwise", "score"),
    right=_right,
    allowance=_allowance,
    draws="20,000",
    slips=(
        Slip(
            "standard-deviations",
            "Your table holds standard deviations: square them for the variances.",
            _changed(lambda L, path, score: (math.sqrt(path), math.sqrt(score))),
        ),
        Slip(
            "columns-exchanged",
            "Your two columns are exchanged: the pathwise variance comes first.",
            _changed(lambda L, path, score: (score, path)),
        ),
        Slip(
            "summed-over-dimensions",
            "You add up the variances of all L derivatives: take the one by mu_1 alone.",
            _changed(lambda L, path, score: (L * path, L * score)),
        ),
        Slip(
            "by-sigma",
            "Your score column is twice the right one, as z_1 in place of eps_1 gives it, or the "
            "derivative by sigma_1 with its (eps^2 - 1) / sigma: the score by mu_1 is eps_1.",
            _changed(lambda L, path, score: (path, 2 * score)),
        ),
        Slip(
            "by-all-means",
            "Your pathwise column adds up the derivatives by all L means: take the one by mu_1.",
            _changed(lambda L, path, score: (L * path, score)),
        ),
        Slip(
            "score-by-all-means",
            "Your score column adds up the derivatives by all L means: take the one by mu_1.",
            _changed(lambda L, path, score: (path, L * score)),
        ),
        Slip(
            "half-the-width",
            "Your score column is four times the right one, as sigma = 1/2 gives it: sigma is 1.",
            _changed(lambda L, path, score: (path, 4 * score)),
        ),
        Slip(
            "twice-the-frequency",
            "Your f has sin 20z in it: the exercise asks for sin 10z.",
            lambda: {L: (pathwise_variance(20.0), score_variance(20.0, L)) for L in SIZES},
        ),
        Slip(
            "inner-derivative",
            "Your pathwise column is that of cos 10z: the derivative of sin 10z is 10 cos 10z.",
            _changed(lambda L, path, score: (path / 100, score)),
        ),
        Slip(
            "mean-of-sines",
            "Your f is the average of the sines: it is their sum.",
            _changed(lambda L, path, score: (path / L**2, score / L**2)),
        ),
        Slip(
            "one-sine",
            "Your f is one sine whatever L is: it is the sum over all L dimensions.",
            _changed(lambda L, path, score: (path, score_variance(FREQUENCY, 1))),
        ),
        Slip(
            "frequency",
            "Your f has sin z in it: the exercise asks for sin 10z.",
            lambda: {L: (pathwise_variance(1.0), score_variance(1.0, L)) for L in SIZES},
        ),
    ),
    scaled="Your variances are all {factor} times the right ones: take estimates of one draw each, "
    "and divide their variance by nothing.",
)


@check(CROSSING)
def crossing_variances(answer: dict[int, tuple[float, float]] | None) -> Verdict:
    """Check {L: (pathwise, score)} for L = 1, 4, 16, 64, 256 -> variances of one estimate."""
    return deliver("crossing_variances", lambda: CROSSING.examine(answer))
