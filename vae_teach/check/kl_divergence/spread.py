"""The check of `estimator_spread` (chapter 3): how much two estimates of one divergence scatter.

For q = N(mu, 1) and p = N(0, 1) the log ratio is Gaussian, so both spreads are known.
"""

import math
import statistics
from collections.abc import Callable
from typing import Any

from vae_teach.check.engine.answers import read_dictionary, read_row
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

MEANS = {"near": 0.1, "middle": 0.5, "far": 1.3}
DRAWS = 100
# Over 5,000 repetitions the largest relative standard error is 0.023, that of "far" corrected.
TOLERANCE = 0.12

Table = dict[str, tuple[float, ...]]  # for each q the plain and the corrected estimator


def spreads(draws: int = DRAWS) -> Table:
    """The standard deviations of both estimators from so many draws of q, in nats."""
    squares = {name: mu**2 for name, mu in MEANS.items()}
    return {
        name: (math.sqrt(t / draws), math.sqrt((math.exp(t) - 1 - t) / draws))
        for name, t in squares.items()
    }


def _of_the_other_ratio() -> Table:
    """With q/p under q, or p/q under p: the corrected terms have this variance."""
    table: Table = {}
    for name, (plain, _) in spreads().items():
        t = MEANS[name] ** 2
        variance = math.exp(3 * t) - math.exp(2 * t) + t - 2 * t * math.exp(t)
        table[name] = plain, math.sqrt(variance / DRAWS)
    return table


def _of_variances(variance: Callable[[float], float]) -> Table:
    """The corrected estimator's single terms with another variance, a function of mu^2."""
    return {
        name: (plain, math.sqrt(variance(MEANS[name] ** 2) / DRAWS))
        for name, (plain, _) in spreads().items()
    }


def _each(change: Any) -> Table:
    return {name: (change(plain), change(other)) for name, (plain, other) in spreads().items()}


HINTS = {
    "one-draw": "You give the spread of single terms: it is that of their mean over 100 draws "
    "that is asked.",
    "variance": "You give variances: take their square roots.",
    "exchanged": "Your two estimators are exchanged: plain comes first.",
    "ratio": "Your plain estimator is right, but the corrected one has its ratio upside down: "
    "it is p(z)/q(z), with z drawn from q.",
    "twice-the-same": "Both of your numbers are the spread of the plain estimator: "
    "the corrected one adds r - 1 to each term.",
    "means": "You give the mean of the estimates: it is how far they scatter about it that is "
    "asked.",
    "bits": "Your spreads are in bits: use the natural logarithm, which gives nats.",
    "sum-of-variances": "Your corrected estimator adds the variances of its two parts as if they "
    "were independent: both are computed from the same draws.",
    "subtracted": "Your corrected estimator subtracts r - 1: it adds it.",
    "ratio-alone": "Your corrected estimator holds r - 1 alone: it is r - 1 - log r.",
    "scaled": "Your numbers are all {factor:.2g} times the right ones: each estimate is the mean "
    "over K = 100 draws, and its standard deviation is divided by nothing more.",
    "not-finite": "Your {where} is NaN or infinite.",
    "rounded": "Your {where} is rounded too far: give two significant digits.",
    "scatter": "Your {where} is off by {off:.0%}, more than 5,000 repetitions leave to chance: "
    "repeat more often.",
    "still-open": "There are no numbers yet for {where}.",
    "other": "Your {where} is not right: for each repetition average over 100 draws of q, "
    "then take the standard deviation over the repetitions.",
}
WHOLE_TABLES: dict[str, Callable[[], Table]] = {
    "one-draw": lambda: spreads(1),
    "variance": lambda: _each(lambda value: value**2),
    "exchanged": lambda: {name: pair[::-1] for name, pair in spreads().items()},
    "ratio": _of_the_other_ratio,
    "twice-the-same": lambda: {name: (pair[0],) * 2 for name, pair in spreads().items()},
    "means": lambda: {name: (mu**2 / 2,) * 2 for name, mu in MEANS.items()},
    "bits": lambda: _each(lambda value: value / math.log(2)),
    "sum-of-variances": lambda: _of_variances(lambda t: math.exp(t) - 1 + t),
    "subtracted": lambda: _of_variances(lambda t: math.exp(t) - 1 + 3 * t),
    "ratio-alone": lambda: _of_variances(lambda t: math.exp(t) - 1),
}
EXACTLY = {"bits": 0.05}  # a tolerance of its own: other measures of width come near
LOOSE = 0.35  # what the far one may be off by, whose ratio upside down has the heaviest tail


def _close(value: float, right: float, tolerance: float) -> bool:
    return abs(value - right) <= tolerance * abs(right)


def _explained_by(table: Table, values: Table, tolerance: float = TOLERANCE) -> bool:
    return all(
        _close(value, right, LOOSE if name == "far" else tolerance)
        for name, pair in table.items()
        for value, right in zip(values[name], pair, strict=True)
    )


def _factor(values: Table, right: Table) -> float | None:
    """The one factor between all numbers and the right ones, if there is one."""
    pairs = [
        (value, wanted)
        for name, row in right.items()
        for value, wanted in zip(values[name], row, strict=True)
    ]
    factor = statistics.median(value / wanted for value, wanted in pairs)
    scaled = {name: tuple(factor * wanted for wanted in row) for name, row in right.items()}
    return factor if factor > 0 and _explained_by(scaled, values) else None


def _fault_of(where: str, value: float, right: float) -> str:
    if not math.isfinite(value):
        return HINTS["not-finite"].format(where=where)
    off = abs(value - right) / right
    if any(value == round(right, decimals) for decimals in (2, 3, 4)):
        return HINTS["rounded"].format(where=where)
    return HINTS["scatter" if off < 0.3 else "other"].format(where=where, off=off)


def _examine(answer: Any) -> None:
    rows = read_dictionary(answer, tuple(MEANS))
    if still_open := [name for name, row in rows.items() if row is None]:
        raise Fault(HINTS["still-open"].format(where=" and ".join(still_open)))
    values = {name: read_row(row, name, ("plain", "corrected")) for name, row in rows.items()}
    right = spreads()
    faults = [
        _fault_of(f"{which} estimator for {name}", value, wanted)
        for name, pair in right.items()
        for which, value, wanted in zip(("plain", "corrected"), values[name], pair, strict=True)
        if not _close(value, wanted, TOLERANCE)
    ]
    if not faults:
        return
    for name, table in WHOLE_TABLES.items():
        if _explained_by(table(), values, EXACTLY.get(name, TOLERANCE)):
            raise Fault(HINTS[name])
    if factor := _factor(values, right):
        raise Fault(HINTS["scaled"].format(factor=factor))
    raise Fault(faults[0])


@check(HINTS)
def estimator_spread(table: dict[str, Any]) -> Verdict:
    """Check {"near": (plain, corrected), ..}: standard deviations of two estimators, in nats."""
    return deliver("estimator_spread", lambda: _examine(table))
