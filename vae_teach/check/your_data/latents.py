"""The check of `latents_table` (chapter 15): how many latents, chosen on validation cells.

The numbers are those of the student's own trainings; the check does the sums again.
"""

import contextlib
import math
import statistics
from collections.abc import Mapping
from typing import Any

from scipy.special import ndtri, stdtrit  # the quantiles of scipy.stats, in a fifth of its time

from vae_teach.check.engine.answers import is_open, read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import near, read_number, read_runs
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import NOT_ATTEMPTED, Verdict
from vae_teach.check.engine.words import kind, listed

SIZES = (2, 3, 4, 5, 8)
LEAST = 3
KEYS = ("elbo", "standard_error", "chosen", "test")
PER_CELL = (-400.0, -100.0)  # nats, between which every fair training of these cells ends
APART = 12.0  # nats between validation and test cells; 600 cells have a standard error near 1
HINTS = {
    "too-few": "Your elbo for {name} has fewer than three runs: train with three seeds.",
    "the-same-run": "Two of the runs in your elbo for {name} agree in every digit: change the seed "
    "of the model and that of fit.",
    "the-same-model": "Your runs for {one} and {other} latents are the same: pass the size to the "
    "model.",
    "cost-for-elbo": "Your elbo for {name} is positive, but probabilities of counts are below 1, "
    "so the ELBO is negative.",
    "of-another-size": "Your elbo for {name} is {value:.4g}: in nats per cell these models lie "
    "from -400 to -100, so sum over the genes and take the mean over the cells.",
    "the-wrong-way": "Two latents come out best in your elbo, one of them for three programmes: "
    "train longer, and look whether the sizes stand at the right runs.",
    "population-spread": "Your standard_error has n in the denominator of s: with the mean of the "
    "same runs it is n - 1.",
    "root-n-missing": "Your standard_error is s itself: that of a mean is s divided by the root of "
    "n.",
    "n-for-its-root": "Your standard_error is s divided by n: divide by the root of n.",
    "variance": "Your standard_error comes from the variance: take its root first.",
    "range": "Your standard_error is the range of the runs: take s divided by the root of n.",
    "of-all-runs": "Your standard_error is that of all runs of all sizes together: take the runs "
    "of the best size alone.",
    "interval": "Your standard_error is the half-width of an interval: leave out t or 1.96.",
    "of-another-row": "Your standard_error is that of {name} latents: take the runs of the size "
    "with the best mean, {best}.",
    "other-sums": "Your standard_error is not that of the runs of the best size, {best}: that is s "
    "divided by the root of n.",
    "not-a-size": "Your chosen is {value:g}: choose one of the sizes of your table.",
    "best-run": "You choose the size that has the best single run, a lucky seed: compare the "
    "means.",
    "best-mean": "You choose the size with the best mean: the rule takes the smallest size whose "
    "mean lies within one standard error of it.",
    "cost-read-as-elbo": "You choose the size with the lowest ELBO: a higher one is better.",
    "largest": "You choose the largest size: the rule takes the smallest size whose mean lies "
    "within one standard error of the best.",
    "other-choice": "By the rule another size than {value:g} is chosen: the smallest one whose "
    "mean lies within one standard error of the best mean.",
    "validation-for-test": "Your test is a number of the validation table: take the ELBO of the "
    "chosen model on the test cells.",
    "cost-for-test": "Your test is positive: hand in the ELBO, which is negative.",
    "test-far-off": "Your test is {value:.4g}, far from the validation ELBO of the chosen size, "
    "{near:.4g}: both are in nats per cell, of cells drawn alike.",
    "still-open": "There is no answer yet for {name} latents.",
}


def _spread_slips(runs: dict[int, list[float]], best: int) -> dict[str, float]:
    of_best, together = runs[best], [run for row in runs.values() for run in row]
    n, s = len(of_best), statistics.stdev(of_best)
    return {
        "interval": stdtrit(n - 1, 0.975) * s / math.sqrt(n),
        "population-spread": statistics.pstdev(of_best) / math.sqrt(n),
        "root-n-missing": s,
        "n-for-its-root": s / n,
        "variance": s**2 / math.sqrt(n),
        "range": max(of_best) - min(of_best),
        "of-all-runs": statistics.stdev(together) / math.sqrt(len(together)),
    }


def _standard_error(runs: list[float]) -> float:
    return statistics.stdev(runs) / math.sqrt(len(runs))


def _examine(answer: Any) -> None:
    table = read_dictionary(answer, KEYS)
    runs = _read_runs(table["elbo"])
    means = {size: statistics.fmean(row) for size, row in runs.items()}
    best = max(means, key=lambda size: means[size])
    if best == min(SIZES):
        raise Fault(HINTS["the-wrong-way"])
    error = _standard_error(runs[best])
    _examine_error(read_number(table["standard_error"], "standard_error"), runs, best)
    right = min(size for size, mean in means.items() if mean >= means[best] - error)
    _examine_choice(read_number(table["chosen"], "chosen"), runs, means, best, right)
    _examine_test(read_number(table["test"], "test"), runs, right)


def _examine_error(found: float, runs: dict[int, list[float]], best: int) -> None:
    if near(found, _standard_error(runs[best])):
        return
    if near(found, ndtri(0.975) * _standard_error(runs[best])):
        raise Fault(HINTS["interval"])
    for name, slip in _spread_slips(runs, best).items():
        if near(found, slip):
            raise Fault(HINTS[name])
    for size, row in runs.items():
        if near(found, _standard_error(row)):
            raise Fault(HINTS["of-another-row"].format(name=size, best=best))
    raise Fault(HINTS["other-sums"].format(best=best))


def _examine_choice(
    found: float, runs: dict[int, list[float]], means: dict[int, float], best: int, right: int
) -> None:
    if found == right:
        return
    if found not in runs:
        raise Fault(HINTS["not-a-size"].format(value=found))
    lucky = max(runs, key=lambda size: max(runs[size]))
    for name, size in {
        "best-mean": best,
        "best-run": lucky,
        "cost-read-as-elbo": min(means, key=lambda size: means[size]),
        "largest": max(SIZES),
    }.items():
        if found == size:
            raise Fault(HINTS[name])
    raise Fault(HINTS["other-choice"].format(value=found))


def _examine_test(found: float, runs: dict[int, list[float]], chosen: int) -> None:
    if found > 0:
        raise Fault(HINTS["cost-for-test"])
    every = [run for row in runs.values() for run in (*row, statistics.fmean(row))]
    if any(math.isclose(found, run, rel_tol=1e-7) for run in every):
        raise Fault(HINTS["validation-for-test"])
    mean = statistics.fmean(runs[chosen])
    if abs(found - mean) > APART:
        raise Fault(HINTS["test-far-off"].format(value=found, near=mean))


def _read_runs(value: Any) -> dict[int, list[float]]:
    """The runs by size, each plausible."""
    wanted = f"a dictionary with a list of runs for each of {listed([str(s) for s in SIZES])}"
    if is_open(value):
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(value, Mapping):
        raise Fault(f"Your elbo is {kind(value)}: give {wanted}.")
    found: dict[int, Any] = {}
    for key, row in value.items():
        with contextlib.suppress(Exception):  # a key that is no number is no size
            found[int(key)] = row
    if missing := [size for size in SIZES if size not in found]:
        raise Fault(f"Your elbo lacks {listed([str(s) for s in missing])}: give {wanted}.")
    if all(is_open(found[size]) for size in SIZES):
        raise Fault(NOT_ATTEMPTED)
    if still := [size for size in SIZES if is_open(found[size])]:
        raise Fault(HINTS["still-open"].format(name=still[0]))
    runs = {size: read_runs(found[size], str(size), LEAST, HINTS) for size in SIZES}
    for size, row in runs.items():
        for run in row:
            if run > 0:
                raise Fault(HINTS["cost-for-elbo"].format(name=size))
            if not PER_CELL[0] < run < PER_CELL[1]:
                raise Fault(HINTS["of-another-size"].format(name=size, value=run))
    for one in SIZES:
        for other in SIZES:
            if one < other and runs[one] == runs[other]:
                raise Fault(HINTS["the-same-model"].format(one=one, other=other))
    return runs


@check(HINTS)
def latents_table(table: Mapping[str, Any]) -> Verdict:
    """Check {"elbo": {size: [..]}, "standard_error": .., "chosen": .., "test": ..}: the choice.

    Sizes are numbers of latents, ELBOs in nats per cell of validation cells; test is one number.
    """
    return deliver("latents_table", lambda: _examine(table))
