"""Is each line right? Numbers at random points first, then a proof, then Monte Carlo.

A false line dies on the numbers, at a point that can be shown. For a line that survives them a
proof is looked for: a named rule, or algebra. Without one it has only not been refuted. Monte Carlo
is another opinion, which shares neither the quadrature nor the proofs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from .expression import parse
from .monte_carlo import MonteCarlo, Undrawable
from .numeric import Numeric
from .rules import LEFT_OUT, Reason, reason
from .setting import Setting
from .step import Step

TOLERANCE = 1e-10  # of max(1, |left|, |right|): quadrature settles at 1e-12
DRAWS = 20_000


@dataclass(frozen=True)
class Opinion:
    """Monte Carlo on a line at the first point, beside the exact value of the line it follows."""

    value: float
    std_error: float
    expected: float

    @property
    def errors_away(self) -> float:
        """The gap in standard errors, or in roundings where the draws do not vary."""
        rounding = TOLERANCE * max(1.0, abs(self.expected))
        return abs(self.value - self.expected) / max(self.std_error, rounding)


@dataclass(frozen=True)
class Verdict:
    """What was found about one step.

    Args:
        holds: whether the step follows.
        method: "rule" (a named identity or inequality was applied), "algebra" (both sides are one
            formula), "quadrature" or "arithmetic" (not refuted at the points, which is no proof).
        discrepancy: the largest error over all points, relative to max(1, |left|, |right|); for
            an inequality the largest violation.
        points: how many points were tried.
        off_by: for a false step, the plain difference at the point where it fails worst.
        example: that point, and both values there.
        monte_carlo: another opinion, where an expectation allows one.
        rules: the names of the rules that were applied.
        conditions: what they need, each in words.
    """

    holds: bool
    method: str
    discrepancy: float
    points: int
    off_by: float = 0.0
    example: str = ""
    monte_carlo: Opinion | None = None
    rules: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def is_proved(self) -> bool:
        """Whether more than numbers speak for the step."""
        return self.holds and self.method in ("rule", "algebra")


@cache
def _points(setting: Setting) -> tuple[dict, ...]:
    return tuple(setting.points())


@cache
def _values(formula: str, setting: Setting) -> tuple[np.ndarray, bool]:
    """The formula at every point, and whether that took an integral."""
    at_points = [Numeric(setting, point) for point in _points(setting)]
    values = np.array([numeric.value(parse(formula)) for numeric in at_points])
    return values, any(numeric.integrals for numeric in at_points)


def compose(first: str | None, second: str) -> str | None:
    """How a relates to c when a `first` b and b `second` c; None if nothing follows."""
    if "=" in (first, second):
        return second if first == "=" else first
    return first if first == second else None


def _violations(left: np.ndarray, relation: str | None, right: np.ndarray) -> np.ndarray:
    """How far each point is from `left relation right`; NaN counts as infinitely far."""
    gap = left - right
    gap = {"=": np.abs(gap), "<=": gap, ">=": -gap, None: np.full_like(gap, np.inf)}[relation]
    scale = np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))
    return np.where(np.isnan(gap), np.inf, np.maximum(gap, 0.0) / scale)


def _proof(left: str, relation: str, right: str, setting: Setting) -> Reason | None:
    """By rule or by algebra, whichever is found first; None if the numbers are all there is."""
    found = reason(left, relation, right, setting)
    if found is None and relation != "=":
        from .symbolic import difference  # sympy is loaded for a proof, not before

        gap = difference(parse(left), parse(right), setting)
        if gap is not None and (left_out := gap if relation == ">=" else -gap).is_nonnegative:
            return Reason((LEFT_OUT,), (f"`{left_out}` is not negative",))
    return found


def _opinion(formula: str, expected: float, setting: Setting) -> Opinion | None:
    draws = MonteCarlo(setting, _points(setting)[0], np.random.default_rng(setting.seed), DRAWS)
    try:
        value, std_error = draws.estimate(parse(formula))
    except Undrawable:
        return None
    return Opinion(value, std_error, expected) if draws.averages else None


def _example(setting: Setting, i: int, left: float, right: float) -> str:
    point = _points(setting)[i]
    scalars = [f"{n} = {point[n]:.2g}" for n in setting.sampled if n not in setting.arrays]
    where = ", ".join(scalars) or f"random point {i + 1}"
    values = (f"is {v:.4g}" if np.isfinite(v) else "cannot be evaluated" for v in (left, right))
    return "at {} the line it follows {}, this one {}".format(where, *values)


@cache
def check(left: str, relation: str | None, right: str, setting: Setting) -> Verdict:
    """Whether `left relation right` holds in a setting."""
    (a, a_integrates), (b, b_integrates) = _values(left, setting), _values(right, setting)
    violations = _violations(a, relation, b)
    worst, n = float(violations.max()), len(violations)
    method = "quadrature" if a_integrates or b_integrates else "arithmetic"
    if relation is None or not worst <= TOLERANCE:
        i = int(violations.argmax())
        return Verdict(False, method, worst, n, abs(a[i] - b[i]), _example(setting, i, a[i], b[i]))
    opinion = _opinion(right, a[0], setting) if relation == "=" else None
    proof = _proof(left, relation, right, setting)
    if proof is None:
        return Verdict(True, method, worst, n, monte_carlo=opinion)
    method = "rule" if proof.rules else "algebra"
    return Verdict(
        True, method, worst, n, monte_carlo=opinion, rules=proof.rules, conditions=proof.conditions
    )


def judge(start: str, steps: Sequence[Step], setting: Setting) -> tuple[Verdict, ...]:
    """One verdict a step, each against the nearest line above that holds.

    A replaced step counts, for the steps below it, as the step it replaced. Below a false line
    the relations add up: after a false "<= b", a line "= c" is checked as "<= c".
    """
    verdicts: list[Verdict] = []
    reference = start
    pending: str | None = "="
    for step in steps:

        def verdict(s: Step, above: str = reference, so_far: str | None = pending) -> Verdict:
            return check(above, compose(so_far, s.relation), s.formula, setting)

        verdicts.append(verdict(step))
        leaned_on = [s for s in (step.instead_of, step) if s and verdict(s).holds]
        if leaned_on:
            reference, pending = leaned_on[0].formula, "="
        else:
            pending = compose(pending, step.relation)
    return tuple(verdicts)
