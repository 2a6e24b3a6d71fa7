"""The check of `marginal` (chapter 2): the evidence and the posterior, from prior and likelihood.

The answer is a pair, so it is compared as one: both parts must be those of one named mistake.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check._call import Fault, call, changed, fresh, numbers
from vae_teach.check._diagnose import all_agree, diagnose
from vae_teach.check._exercise import deliver
from vae_teach.check._verdict import Verdict
from vae_teach.check._words import kind, text_of

Pair = tuple[Tensor, Tensor]
PARTS = ("evidence", "posterior")


def _joint(prior: Tensor, likelihood: Tensor) -> Tensor:
    return prior[:, None] * likelihood


def _right(prior: Tensor, likelihood: Tensor) -> Pair:
    joint = _joint(prior, likelihood)
    return joint.sum(0), joint / joint.sum(0)


def _with_posterior(posterior: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Pair]:
    """The right evidence with another posterior."""
    return lambda prior, likelihood: (_right(prior, likelihood)[0], posterior(prior, likelihood))


def _with_evidence(evidence: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Pair]:
    """The right posterior with another evidence."""
    return lambda prior, likelihood: (evidence(prior, likelihood), _right(prior, likelihood)[1])


HINTS = {
    "prior-missing": "You do not weight by the prior: multiply each row of the likelihood by the "
    "probability of its setting.",
    "prior-missing-in-the-evidence": "Your evidence is not weighted by the prior: sum prior times "
    "likelihood over the settings.",
    "prior-missing-in-the-posterior": "Your posterior is not weighted by the prior: it is prior "
    "times likelihood, divided by the evidence.",
    "prior-uniform": "You average over the settings as if all were equally likely: "
    "weight them by the prior.",
    "prior-along-pictures": "The prior has one entry per setting, a row of the likelihood: "
    "give it a second axis, prior[:, None].",
    "normalised-over-pictures": "Your posterior sums to 1 over the pictures: "
    "for each picture it must sum to 1 over the settings.",
    "normalised-over-everything": "Your posterior sums to 1 over the whole table: "
    "for each picture it must sum to 1 over the settings.",
    "not-normalised": "You return the joint probability as posterior: divide it by the evidence.",
    "likelihood-as-posterior": "You return the likelihood as posterior: it says how likely a "
    "picture is given a setting, not the other way round.",
    "prior-as-posterior": "You return the prior as posterior: the picture must change it.",
    "order-swapped": "You return the posterior first: return evidence, posterior.",
    "transposed": "Your posterior is transposed: one row per setting, one column per picture.",
    "evidence-over-pictures": "Your evidence has one value per setting: "
    "sum over the settings, axis 0, and keep one value per picture.",
    "evidence-in-logs": "Your evidence is a logarithm: return the probability itself here.",
    "not-a-pair": "Your function returned {what}: return two things, evidence and posterior.",
}
# What a student returns who makes the mistake: one or several ways to make it.
MISTAKES: dict[str, tuple[Callable[[Tensor, Tensor], Pair], ...]] = {
    "prior-missing": (lambda p, lik: (lik.sum(0), lik / lik.sum(0)),),
    "prior-uniform": (lambda p, lik: (lik.mean(0), lik / lik.sum(0)),),
    "prior-missing-in-the-evidence": (
        _with_evidence(lambda p, lik: lik.sum(0)),
        _with_evidence(lambda p, lik: lik.mean(0)),
        lambda p, lik: (lik.sum(0), _joint(p, lik) / lik.sum(0)),
    ),
    "prior-missing-in-the-posterior": (
        _with_posterior(lambda p, lik: lik / lik.sum(0)),
        _with_posterior(lambda p, lik: lik / _joint(p, lik).sum(0)),
    ),
    "normalised-over-pictures": (
        _with_posterior(lambda p, lik: _joint(p, lik) / _joint(p, lik).sum(1, keepdim=True)),
    ),
    "normalised-over-everything": (
        _with_posterior(lambda p, lik: _joint(p, lik) / _joint(p, lik).sum()),
    ),
    "not-normalised": (_with_posterior(_joint),),
    "likelihood-as-posterior": (_with_posterior(lambda p, lik: lik),),
    "prior-as-posterior": (
        _with_posterior(lambda p, lik: p),
        _with_posterior(lambda p, lik: p[:, None].expand_as(lik)),
    ),
    "order-swapped": (lambda p, lik: _right(p, lik)[::-1],),
    "transposed": (_with_posterior(lambda p, lik: _right(p, lik)[1].T),),
    "evidence-over-pictures": (
        _with_evidence(lambda p, lik: _joint(p, lik).sum(1)),
        lambda p, lik: (_joint(p, lik).sum(1), _joint(p, lik) / _joint(p, lik).sum(1)[:, None]),
    ),
    "evidence-in-logs": (_with_evidence(lambda p, lik: _right(p, lik)[0].log()),),
}


def cases() -> list[dict[str, Tensor]]:
    """Several shapes. Rows do not sum to 1: the N pictures are a few of all there are."""

    def case(m: int, n: int) -> dict[str, Tensor]:
        g = torch.Generator().manual_seed(10 * m + n)
        prior, likelihood = torch.rand(m, generator=g) + 0.1, torch.rand(m, n, generator=g) + 0.05
        return {"prior": prior / prior.sum(), "likelihood": likelihood}

    return [case(2, 3), case(4, 2), case(3, 3)]


def _in_float64(args: dict[str, Tensor]) -> list[Tensor]:
    return [value.double() for value in args.values()]


def _read_pair(result: Any) -> Pair:
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if not isinstance(result, tuple | list) or len(result) != 2:
        many = isinstance(result, tuple | list)
        what = f"{kind(result)} of {len(result)}" if many else kind(result)
        raise Fault(HINTS["not-a-pair"].format(what=what))
    return numbers(result[0]), numbers(result[1])


def _attempt(student: Callable, args: dict[str, Tensor]) -> tuple[Pair, list[str]]:
    given = fresh(args)
    try:
        result = call(student, "marginal", given)
    except Fault as fault:
        said = text_of(fault.__cause__)
        if "must match the size of tensor" in said or "could not be broadcast" in said:
            raise Fault(HINTS["prior-along-pictures"]) from fault
        raise
    return _read_pair(result), changed(args, given)


def _same(pairs: list[Pair], others: list[Pair]) -> bool:
    return all(all_agree(one, other) for one, other in zip(pairs, others, strict=True))


def _examine(student: Callable) -> None:
    attempts = [_attempt(student, args) for args in cases()]
    pairs = [pair for pair, _ in attempts]
    wants = [_right(*_in_float64(args)) for args in cases()]
    right = _same(pairs, wants)
    for name, variants in MISTAKES.items() if not right else ():
        if any(_same(pairs, [f(*_in_float64(a)) for a in cases()]) for f in variants):
            raise Fault(HINTS[name])
    written = next((names[0] for _, names in attempts if names), None)
    if written:
        raise Fault(f"Your function changes its argument {written} in place: work on a copy of it.")
    for i, part in enumerate(PARTS):
        got, want = [pair[i] for pair in pairs], [pair[i] for pair in wants]
        if not all_agree(got, want):
            text = diagnose(got, want, cases())
            raise Fault(f"In the {part}: {text[0].lower()}{text[1:]}")


def marginal(student: Callable) -> Verdict:
    """Check f(prior (M,), likelihood (M, N)) -> (evidence (N,), posterior (M, N))."""
    return deliver("marginal", lambda: _examine(student))
