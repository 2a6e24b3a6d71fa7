"""The check of `control_table` (chapter 11): trained features beside random ones, over seeds.

Whoever says that there is a difference must have seen one that is larger than the spread.
"""

from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import is_open, read_choices, read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import read_runs
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

LEAST = 3
KEYS = ("trained", "random", "verdict")
VERDICTS = ("trained is better", "random is better", "no difference")

HINTS = {
    "too-few": "Your {name} has fewer than three runs: take three seeds or more.",
    "the-same-run": "Runs in your {name} agree in every digit: change the seed.",
    "above-one": "Your {name} holds a value above 1, which an R^2 never has: is it in per cent?",
    "one-list": "Your trained and your random hold the same numbers.",
    "overlap": "Your lists overlap, so that some run without training does as well as one with it: "
    "from these runs no difference can be told.",
    "gap-not-seen": "Your lists do not overlap, and yet you report no difference.",
    "the-other-way": "Your verdict is the wrong way round: compare the two lists again.",
}


def _verdict(trained: list[float], random: list[float]) -> str:
    if min(trained) > max(random):
        return VERDICTS[0]
    return VERDICTS[1] if min(random) > max(trained) else VERDICTS[2]


def _examine(answer: Any) -> None:
    table = read_dictionary(answer, KEYS)
    lists = {}
    for name in KEYS[:2]:
        lists[name] = read_runs(table[name], name, LEAST, HINTS)
        if max(lists[name]) > 1:
            raise Fault(HINTS["above-one"].format(name=name))
    if sorted(lists["trained"]) == sorted(lists["random"]):
        raise Fault(HINTS["one-list"])
    if is_open(table["verdict"]):
        raise Fault("There is no answer yet for verdict.")
    said = read_choices({"verdict": table["verdict"]}, ("verdict",), VERDICTS)["verdict"]
    want = _verdict(**lists)
    if said != want:
        wrong = "overlap" if want == VERDICTS[2] else "the-other-way"
        raise Fault(HINTS["gap-not-seen" if said == VERDICTS[2] else wrong])


@check(HINTS)
def control_table(table: Mapping[str, Any]) -> Verdict:
    """Check {"trained": [..], "random": [..], "verdict": ..}: R^2 over three seeds or more each.

    The verdict is one of "trained is better", "random is better", "no difference".
    """
    return deliver("control_table", lambda: _examine(table))
