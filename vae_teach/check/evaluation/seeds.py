"""The check of `seed_interval` (chapter 8): how far one model's number moves from seed to seed.

The numbers are those of the student's own trainings; the check does the sums again.
"""

import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from scipy.special import ndtri, stdtrit  # the quantiles of scipy.stats, in a fifth of its time

from vae_teach.check.engine.answers import read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import (
    near,
    read_number,
    read_runs,
    require_nats_per_picture,
)
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

LEAST, MOST = 5, 100  # runs; nobody trains more, but an evaluation has hundreds of pictures
MEAN_TOLERANCE = 0.1  # of the standard deviation
KEYS = ("elbo", "mean", "half_width", "one_run")
Sum = Callable[[list[float]], float]


def _t(runs: list[float], at: float = 0.975) -> float:
    return stdtrit(len(runs) - 1, at)


def _half_width(runs: list[float]) -> float:
    return _t(runs) * statistics.stdev(runs) / math.sqrt(len(runs))


def _one_run(runs: list[float]) -> float:
    return _t(runs) * statistics.stdev(runs) * math.sqrt(2)


RIGHT: dict[str, Sum] = {
    "mean": statistics.fmean,
    "half_width": _half_width,
    "one_run": _one_run,
}
# name: (key, the number it gives, hint)
SLIPS: dict[str, tuple[str, Sum, str]] = {
    "sum-for-mean": ("mean", sum, "Your mean is the sum of the runs: divide by their number."),
    "median-for-mean": ("mean", statistics.median, "Your mean is the median of the runs."),
    "sign-of-the-mean": (
        "mean",
        lambda runs: -statistics.fmean(runs),
        "Your mean has the other sign than your runs.",
    ),
    "population-spread": (
        "half_width",
        lambda runs: _t(runs) * statistics.pstdev(runs) / math.sqrt(len(runs)),
        "Your half_width has n in the denominator of s: with the mean of the same runs it is "
        "n - 1.",
    ),
    "normal-for-t": (
        "half_width",
        lambda runs: ndtri(0.975) * statistics.stdev(runs) / math.sqrt(len(runs)),
        "Your half_width has 1.96 for t: with so few runs s is uncertain too, and t is larger.",
    ),
    "n-degrees-of-freedom": (
        "half_width",
        lambda runs: stdtrit(len(runs), 0.975) * statistics.stdev(runs) / math.sqrt(len(runs)),
        "Your half_width has t with n degrees of freedom: there are n - 1, because the mean is "
        "estimated too.",
    ),
    "variance-for-spread": (
        "half_width",
        lambda runs: _t(runs) * statistics.variance(runs) / math.sqrt(len(runs)),
        "Your half_width has the variance of the runs: it is the standard deviation that counts.",
    ),
    "exchanged": (
        "half_width",
        _one_run,
        "Your half_width is what one_run should be: are the two exchanged?",
    ),
    "root-n-missing": (
        "half_width",
        lambda runs: _t(runs) * statistics.stdev(runs),
        "Your half_width is that of a single run: that of the mean is divided by the root of n.",
    ),
    "n-for-its-root": (
        "half_width",
        lambda runs: _t(runs) * statistics.stdev(runs) / len(runs),
        "You divide by n in the half_width: divide by its root.",
    ),
    "t-missing": (
        "half_width",
        lambda runs: statistics.stdev(runs) / math.sqrt(len(runs)),
        "Your half_width is the standard error: multiply it by t.",
    ),
    "one-sided": (
        "half_width",
        lambda runs: _t(runs, 0.95) * statistics.stdev(runs) / math.sqrt(len(runs)),
        "Your half_width takes the 95 % point of t: an interval leaves 2.5 % out at each end.",
    ),
    "whole-width": (
        "half_width",
        lambda runs: 2 * _half_width(runs),
        "Your half_width is the whole width of the interval: give half of it.",
    ),
    "difference-without-its-two": (
        "one_run",
        lambda runs: _t(runs) * statistics.stdev(runs),
        "Your one_run is that of one run about the mean: a difference of two runs has twice the "
        "variance.",
    ),
    "variance-doubled-as-spread": (
        "one_run",
        lambda runs: 2 * _t(runs) * statistics.stdev(runs),
        "Your one_run doubles s: it is the variance of a difference that doubles.",
    ),
    "difference-of-means": (
        "one_run",
        lambda runs: _one_run(runs) / math.sqrt(len(runs)),
        "Your one_run is that of two means: two single runs are not divided by the root of n.",
    ),
    "half-width-again": (
        "one_run",
        _half_width,
        "Your one_run is the half_width: it is about two single runs, not about the mean.",
    ),
}
HINTS = {
    "too-few": "Your {name} has fewer than five runs: train with at least five seeds.",
    "the-same-run": "Two of the runs in your {name} agree in every digit: change the seed of the "
    "model and that of fit.",
    "values-of-pictures": "Your {name} has more than 100 numbers: give the average over the "
    "pictures, one number for each seed.",
    "cost-for-elbo": "Your elbo is positive: tossed pictures have probabilities, so their ELBO is "
    "negative.",
    **{name: hint for name, (_, _, hint) in SLIPS.items()},
    "other-sums": "Your numbers are not those of the runs in your table: {name} is another.",
}


def _examine(answer: Any) -> None:
    table = read_dictionary(answer, KEYS)
    runs = read_runs(table["elbo"], "elbo", LEAST, HINTS)
    if max(runs) > 0:
        raise Fault(HINTS["cost-for-elbo"])
    if len(runs) > MOST:
        raise Fault(HINTS["values-of-pictures"].format(name="elbo"))
    require_nats_per_picture(runs, "elbo")
    for name, right in RIGHT.items():
        found = read_number(table[name], name)
        if not _same(name, found, right(runs), runs):
            slips = (
                hint
                for key, slip, hint in SLIPS.values()
                if key == name and _same(name, found, slip(runs), runs)
            )
            raise Fault(next(slips, HINTS["other-sums"].format(name=name)))


def _same(name: str, one: float, other: float, runs: list[float]) -> bool:
    """Whether two numbers agree; means by the spread of the runs, with which they are read."""
    if name == "mean":
        return abs(one - other) <= MEAN_TOLERANCE * statistics.stdev(runs)
    return near(one, other)


@check(HINTS)
def seed_interval(table: Mapping[str, Any]) -> Verdict:
    """Check {"elbo": [..], "mean": .., "half_width": .., "one_run": ..}: five runs and their luck.

    The ELBOs are in nats per picture, one for each seed.
    """
    return deliver("seed_interval", lambda: _examine(table))
