"""The check of `mixture_table` (chapter 10): how many Gaussians to fit to the codes of a model.

The validation codes choose, the test codes report. The numbers are the student's own.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import read_by_setting, read_number, require_measured
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

KEYS = ("validation", "chosen", "test", "one_gaussian")
LEAST = 4
CHANCE = 0.05  # nats by which a mixture that is better may look worse on other codes
FAR, FAR_SHARE = 1.0, 0.1  # nats, and share of the value, between two sets of fresh codes
LEAST_LOG_DENSITY = -1_000.0

HINTS = {
    "no-table": "Your validation is {kind}: give a dictionary, number of Gaussians to mean "
    "log-density.",
    "no-number-of-gaussians": "A key of your validation is no whole number: the keys are numbers "
    "of Gaussians.",
    "too-few-sizes": "Your validation has fewer than four numbers of Gaussians.",
    "one-missing": "Your validation lacks 1: a single Gaussian is the first thing to try.",
    "chosen-not-tried": "Your chosen is none of the numbers in your validation.",
    "smallest-chosen": "Your chosen has the lowest log-density: the highest is the best, for it is "
    "no cost.",
    "not-the-best": "Your chosen is not the one with the highest validation log-density.",
    "at-the-end": "The largest number that you tried is the best, so try larger ones: the choice "
    "is made once the log-density falls again.",
    "densities": "Your numbers are densities, and far too small to average: give log-densities.",
    "exchanged": "Your test and your one_gaussian lie near each other's validation number: are the "
    "two exchanged?",
    "one-for-both": "Your test and your one_gaussian are the same number, and you have chosen more "
    "than one Gaussian.",
    "validation-for-one": "Your one_gaussian is the validation number of one Gaussian: measure it "
    "on the test codes.",
    "validation-for-test": "Your test is the validation number of the chosen mixture: the pictures "
    "that chose it do not judge it.",
    "test-below-one": "Your test is below one_gaussian, that of a single Gaussian on the same "
    "codes: either it overfits, or the two are of different codes.",
    "far-from-validation": "Your {name} lies far from the validation number of the same mixture: "
    "give the mean over the test codes, in nats, of the codes of one model.",
    "sums": "Your numbers are below -1,000 nats a code: give the mean over the codes, not their "
    "sum.",
}


def _sizes(table: Any) -> dict[int, float]:
    return read_by_setting(table, _whole, "log-density of {} Gaussians".format, HINTS["no-table"])


def _whole(key: Any) -> int:
    """A number of Gaussians, as an int of Python or NumPy, a whole float, or a tensor of one."""
    with contextlib.suppress(Exception):  # whatever a key makes of it
        if not isinstance(key, str | bool) and float(key) == int(key) >= 1:
            return int(key)
    raise Fault(HINTS["no-number-of-gaussians"])


def _is_far(one: float, other: float) -> bool:
    return abs(one - other) > FAR + FAR_SHARE * abs(other)


def _fault(sizes: dict[int, float], chosen: float, test: float, single: float) -> str:
    best = max(sizes, key=sizes.__getitem__)
    numbers = [*sizes.values(), test, single]
    wrong = {
        "too-few-sizes": len(sizes) < LEAST,
        "densities": 0 < min(numbers) and max(numbers) < 1e-4,
        "sums": min(sizes.values()) < LEAST_LOG_DENSITY,
        "one-missing": 1 not in sizes,
        "chosen-not-tried": chosen not in sizes,
        "smallest-chosen": chosen == min(sizes, key=sizes.__getitem__),
        "not-the-best": chosen != best,
        "at-the-end": best == max(sizes),
        "validation-for-test": test == sizes[best],
        "validation-for-one": single == sizes.get(1),
        "one-for-both": test == single and best != 1,
        "exchanged": best != 1
        and test < single
        and abs(test - sizes.get(1, 0)) < abs(test - sizes[best])
        and abs(single - sizes[best]) < abs(single - sizes.get(1, 0)),
    }
    return next((name for name, found in wrong.items() if found), "")


def _examine(answer: Any) -> None:
    table = read_dictionary(answer, KEYS)
    if table["validation"] is None:
        raise Fault("There is no answer yet for validation.")
    sizes = _sizes(table["validation"])
    chosen, test, single = (read_number(table[name], name) for name in KEYS[1:])
    if not sizes:
        raise Fault(HINTS["too-few-sizes"])
    if name := _fault(sizes, chosen, test, single):
        raise Fault(HINTS[name])
    for name, found, size in (("test", test, chosen), ("one_gaussian", single, 1)):
        if _is_far(found, sizes[int(size)]):
            raise Fault(HINTS["far-from-validation"].format(name=name))
    if test < single - CHANCE:
        raise Fault(HINTS["test-below-one"])
    require_measured([*sizes.values(), test, single], "table")


@check(HINTS)
def mixture_table(table: Mapping[str, Any]) -> Verdict:
    """Check {"validation": {1: .., ..}, "chosen": .., "test": .., "one_gaussian": ..}.

    The numbers are mean log-densities of codes in nats: of the validation pictures for each number
    of Gaussians, and of the test pictures for the chosen number and for one Gaussian.
    """
    return deliver("mixture_table", lambda: _examine(table))
