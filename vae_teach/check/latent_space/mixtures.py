"""The check of `mixture_table` (chapter 10): how many Gaussians to fit to the codes of a model.

The validation codes choose, the test codes report. The numbers are the student's own.
"""

from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import read_number
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind

KEYS = ("validation", "chosen", "test", "one_gaussian")
LEAST = 4

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
    "validation-for-test": "Your test is the validation number of the chosen mixture: the pictures "
    "that chose it do not judge it.",
    "test-below-one": "Your test is below one_gaussian, that of a single Gaussian on the same "
    "codes: either it overfits, or the two are of different codes.",
}


def _sizes(table: Any) -> dict[int, float]:
    if not isinstance(table, Mapping):
        raise Fault(HINTS["no-table"].format(kind=kind(table)))
    found = {}
    for key, value in table.items():
        if not isinstance(key, int) or isinstance(key, bool) or key < 1:
            raise Fault(HINTS["no-number-of-gaussians"])
        found[key] = read_number(value, f"log-density of {key} Gaussians")
    return found


def _fault(sizes: dict[int, float], chosen: float, test: float, single: float) -> str:
    best = max(sizes, key=sizes.__getitem__)
    wrong = {
        "too-few-sizes": len(sizes) < LEAST,
        "one-missing": 1 not in sizes,
        "chosen-not-tried": chosen not in sizes,
        "smallest-chosen": chosen == min(sizes, key=sizes.__getitem__),
        "not-the-best": chosen != best,
        "at-the-end": best == max(sizes),
        "validation-for-test": test == sizes[best],
        "test-below-one": test < single,
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


@check(HINTS)
def mixture_table(table: Mapping[str, Any]) -> Verdict:
    """Check {"validation": {1: .., ..}, "chosen": .., "test": .., "one_gaussian": ..}.

    The numbers are mean log-densities of codes in nats: of the validation pictures for each number
    of Gaussians, and of the test pictures for the chosen number and for one Gaussian.
    """
    return deliver("mixture_table", lambda: _examine(table))
