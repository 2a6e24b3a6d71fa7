"""The check of `full_gap_split` (chapter 13): the gap of three models taken apart, by the student.

The numbers are those of the student's own trainings. Nats per picture.
"""

import statistics
from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import is_open, one_of, read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import read_runs
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import counted

PIECES = ("approximation", "amortization", "optimization")
KEYS = ("total", *PIECES, "largest")
LEAST = 3
ROUNDING = 6e-3  # four numbers of two decimals each
MOST = 5.0  # nats; means of trained models with two latents lie below, sums over pictures above

HINTS = {
    "too-few": "Your {name} has fewer than three numbers: give one for each of three seeds.",
    "the-same-run": "Two of the seeds in your {name} agree in every digit: give each its own "
    "model.",
    "other-lengths": "Your {name} has {found}, but your total has {wanted}: give one for each "
    "seed.",
    "bounds-for-gaps": "Your total is negative: it is log p(x) minus the bound, which lies below.",
    "not-nats": "Your total reaches {most:.4g}: give the mean over the pictures, in nats.",
    "negative-approximation": "Your approximation is negative, and a divergence is not: it is the "
    "gap of the refined q itself.",
    "refined-is-worse": "Your amortization is negative, so the refined q has the larger gap: "
    "refine in the family of the encoder, with full=True.",
    "cumulated": "Your amortization is the whole gap of the settled encoder: subtract what the "
    "best q leaves.",
    "optimization-is-the-gap": "Your optimization is the whole gap of the encoder: subtract that "
    "of the settled one.",
    "sign-of-optimization": "Your total is approximation plus amortization minus optimization: the "
    "optimization gap is that of the encoder minus that of the settled one.",
    "do-not-add-up": "In seed {seed} your parts add up to {found:.4g}, not to the total "
    "{wanted:.4g}.",
    "no-part": "Your largest is none of approximation, amortization and optimization.",
    "not-the-largest": "Your largest is {said}, but over your seeds the mean of {best} is larger.",
}


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= ROUNDING + 2e-3 * abs(other)


def _read(given: Mapping[str, Any]) -> dict[str, list[float]]:
    runs = {name: read_runs(given[name], name, LEAST, HINTS) for name in KEYS[:-1]}
    for name in PIECES:
        if len(runs[name]) != len(runs["total"]):
            found, wanted = (counted(len(runs[n]), "number") for n in (name, "total"))
            raise Fault(HINTS["other-lengths"].format(name=name, found=found, wanted=wanted))
    return runs


def _require_sums(runs: dict[str, list[float]]) -> None:
    """Refuse parts that do not make up the total, by the slip that explains it."""
    rows = list(zip(*(runs[name] for name in KEYS[:-1]), strict=True))
    if all(_close(a + b + c, total) for total, a, b, c in rows):
        return
    for name, explains in {
        "sign-of-optimization": lambda total, a, b, c: _close(a + b - c, total),
        "optimization-is-the-gap": lambda total, a, b, c: _close(c, total),
        "cumulated": lambda total, a, b, c: _close(b + c, total),
    }.items():
        if all(explains(*row) for row in rows):
            raise Fault(HINTS[name])
    for seed, (total, *parts) in enumerate(rows):
        if not _close(sum(parts), total):
            raise Fault(HINTS["do-not-add-up"].format(seed=seed, found=sum(parts), wanted=total))


def _require_signs(runs: dict[str, list[float]]) -> None:
    wrong = {
        "bounds-for-gaps": max(runs["total"]) <= 0,
        "not-nats": max(map(abs, runs["total"])) > MOST,
        "negative-approximation": min(runs["approximation"]) < -1e-3,
        "refined-is-worse": min(runs["amortization"]) < -1e-3,
    }
    for name, found in wrong.items():
        if found:
            raise Fault(HINTS[name].format(most=max(runs["total"], key=abs)))


def _require_largest(said: Any, runs: dict[str, list[float]]) -> None:
    if is_open(said):
        raise Fault("There is no answer yet for largest.")
    chosen = one_of(said, PIECES)
    if chosen is None:
        raise Fault(HINTS["no-part"])
    means = {name: statistics.fmean(runs[name]) for name in PIECES}
    best = max(PIECES, key=means.__getitem__)
    if means[best] - means[chosen] > 1e-4:  # two parts may tie to the digits that were typed
        raise Fault(HINTS["not-the-largest"].format(said=chosen, best=best))


def _examine(answer: Any) -> None:
    given = read_dictionary(answer, KEYS)
    runs = _read(given)
    _require_signs(runs)
    _require_sums(runs)
    _require_largest(given["largest"], runs)


@check(HINTS)
def full_gap_split(table: Mapping[str, Any]) -> Verdict:
    """Check {"total": [..], "approximation": [..], "amortization": .., "optimization": ..,
    "largest": name}: means over pictures in nats, one for each of three seeds or more."""
    return deliver("full_gap_split", lambda: _examine(table))
