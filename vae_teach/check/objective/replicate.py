"""The check of `replicated_point` (chapter 12): a beta of the kept sweep, with seeds of one's own.

The rates are the student's; the check does the sums again, and knows those of the sweep.
"""

import statistics
from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import is_open, read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import near, read_number, read_runs
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind
from vae_teach.check.evaluation.seeds import RIGHT, SLIPS
from vae_teach.sweeps import Point, Sweep, load_sweep

KEYS = ("beta", "rate", "mean", "half_width", "inside")
LEAST = 3
SEEDS = 2  # ranges of the kept rates by which the mean of other seeds may be off, or
SHARE = 0.1  # of their mean, if that is more; the next beta is further away

# How a mean and a half-width go wrong; what the other exercise asks for besides is not asked here.
OWN_SLIPS = {
    name: slip
    for name, slip in SLIPS.items()
    if slip[0] in ("mean", "half_width") and name != "exchanged"
}
HINTS = {
    "too-few": "Your {name} has fewer than three runs: train with at least three seeds.",
    "the-same-run": "Two of the runs in your {name} agree in every digit: give each its own seed.",
    "beta-not-kept": "Your beta is none of those of the sweep, so there is nothing to compare "
    "with.",
    "kept-runs": "A rate of yours agrees in every digit with one of the sweep: train with seeds "
    "other than 0, 1 and 2.",
    "distortion-for-rate": "Your rates are the distortions of this beta: the rate is the KL term.",
    "another-setting": "Your rates are those of beta = {beta}, by the kept sweep.",
    "bits": "Your rates are in bits: give nats.",
    "far-off": "Your rates are far from those of the sweep at this beta, so the protocol must "
    "differ: use make_sweep with nothing changed but settings and seeds.",
    **{name: hint for name, (_, _, hint) in OWN_SLIPS.items()},
    "other-sums": "Your numbers are not those of the runs in your table: {name} is another.",
    "not-yes-or-no": "Your inside is {kind}: give True or False.",
    "wrongly-inside": "You say that the mean of the kept rates lies in your interval: it is {kept} "
    "nats, and lies outside.",
    "wrongly-outside": "You say that the mean of the kept rates lies outside your interval: it is "
    "{kept} nats, and lies inside.",
}


def _kept(sweep: Sweep, beta: float) -> Point:
    for point in sweep.points:
        if near(point.setting, beta):
            return point
    raise Fault(HINTS["beta-not-kept"])


def _require_rates(sweep: Sweep, point: Point, rates: list[float]) -> None:
    """Refuse what cannot be rates of this beta."""
    if set(rates) & set(point.rate):
        raise Fault(HINTS["kept-runs"])
    mean = statistics.fmean(rates)
    if _agree(mean, point.rate):
        return
    if _agree(mean, point.distortion):
        raise Fault(HINTS["distortion-for-rate"])
    if _agree(mean * 0.693147, point.rate):
        raise Fault(HINTS["bits"])
    for other in sweep.points:
        if _agree(mean, other.rate):
            raise Fault(HINTS["another-setting"].format(beta=f"{other.setting:g}"))
    raise Fault(HINTS["far-off"])


def _agree(mean: float, kept: list[float]) -> bool:
    middle = statistics.fmean(kept)
    return abs(mean - middle) <= max(SHARE * middle, SEEDS * (max(kept) - min(kept)))


def _examine(answer: Any) -> None:
    given = read_dictionary(answer, KEYS)
    sweep = load_sweep("beta")
    point = _kept(sweep, read_number(given["beta"], "beta"))
    rates = read_runs(given["rate"], "rate", LEAST, HINTS)
    _require_rates(sweep, point, rates)
    for name in ("mean", "half_width"):
        found = read_number(given[name], name)
        if not near(found, RIGHT[name](rates)):
            slips = (
                hint
                for key, slip, hint in OWN_SLIPS.values()
                if key == name and near(found, slip(rates))
            )
            raise Fault(next(slips, HINTS["other-sums"].format(name=name)))
    _examine_inside(given["inside"], point, rates)


def _examine_inside(inside: Any, point: Point, rates: list[float]) -> None:
    if is_open(inside):
        raise Fault("There is no answer yet for inside.")
    try:
        said = bool(inside) if inside in (True, False) else None
    except Exception:  # whatever an odd object makes of a comparison
        said = None
    if said is None:
        raise Fault(HINTS["not-yes-or-no"].format(kind=kind(inside)))
    kept = statistics.fmean(point.rate)
    off = abs(kept - RIGHT["mean"](rates))
    width = RIGHT["half_width"](rates)
    if abs(off - width) > 1e-6 and said != (off <= width):
        name = "wrongly-inside" if said else "wrongly-outside"
        raise Fault(HINTS[name].format(kept=f"{kept:.3f}"))


@check(HINTS)
def replicated_point(table: Mapping[str, Any]) -> Verdict:
    """Check {"beta": .., "rate": [..], "mean": .., "half_width": .., "inside": ..}.

    The rates are in nats per picture, one for each of three seeds or more that the sweep has not.
    """
    return deliver("replicated_point", lambda: _examine(table))
