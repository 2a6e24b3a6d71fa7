"""Checks for chapter 5, gradients through a sample: draws, paths, broken graphs, discrete latents.

Three of them have a module of their own; here is the choice of an estimator.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from vae_teach.check.engine.answers import one_of
from vae_teach.check.engine.call import Fault, call
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind
from vae_teach.check.reparameterization.cuts import HINTS as CUT_OFF_HINTS
from vae_teach.check.reparameterization.cuts import cut_off
from vae_teach.check.reparameterization.paths import (
    EXPONENTIAL,
    LAPLACE,
    exponential_sample,
    laplace_sample,
)
from vae_teach.check.reparameterization.trick import HINTS as REPARAMETERIZE_HINTS
from vae_teach.check.reparameterization.trick import reparameterize

__all__ = [
    "choose_estimator",
    "cut_off",
    "exponential_sample",
    "laplace_sample",
    "reparameterize",
]

ENUMERATE, SCORE, BASELINE = "enumerate", "score function", "score function with baseline"
STRAIGHT, GUMBEL, PATHWISE = "straight-through", "gumbel-softmax", "pathwise"
ESTIMATORS = (ENUMERATE, SCORE, BASELINE, STRAIGHT, GUMBEL, PATHWISE)
RELAXED = {STRAIGHT, GUMBEL}

CHOICE_HINTS = {
    "not-enumerated": "With {states} states and {budget} evaluations you can afford the exact sum: "
    "enumerate.",
    "enumerated-too-much": "You enumerate {states} states with {budget} evaluations: "
    "do so only when there are enough.",
    "relaxed-a-black-box": "There f cannot be differentiated, which a relaxed estimator needs: "
    "use the score function with a baseline.",
    "relaxed-despite-bias": "The gradient must be right on average there, and relaxed estimators "
    "are biased: use the score function with a baseline.",
    "no-baseline": "A baseline costs nothing and takes away most of the variance: "
    "use the score function with one.",
    "bias-refused": "Bias is allowed there and f can be differentiated: "
    "a relaxed estimator has less variance than the score function.",
    "no-path": "A choice among classes jumps, so there is no path to differentiate: "
    "pathwise needs a continuous z.",
}
HINTS = {
    "choose_estimator": CHOICE_HINTS,
    "cut_off": CUT_OFF_HINTS,
    "exponential_sample": EXPONENTIAL.hints,
    "laplace_sample": LAPLACE.hints,
    "reparameterize": REPARAMETERIZE_HINTS,
}


class Situation(NamedTuple):
    """What is known before one gradient is estimated."""

    n_states: int  # how many values the latent can take, all dimensions together
    budget: int  # evaluations of f that one gradient may cost, at least 2
    differentiable: bool  # whether f can be differentiated
    unbiased: bool  # whether the estimate must be right on average


SITUATIONS = (
    Situation(10, 16, True, True),
    Situation(10, 16, False, True),
    Situation(16, 16, True, False),
    Situation(17, 16, True, True),
    Situation(2**30, 16, False, True),
    Situation(2**30, 16, False, False),
    Situation(2**30, 16, True, True),
    Situation(2**30, 16, True, False),
    Situation(100, 1000, True, True),
    Situation(100, 16, True, True),
    Situation(2, 2, False, True),
    Situation(3, 2, False, True),
    Situation(3, 2, True, False),
    Situation(1, 2, True, False),
    Situation(1_000, 1_000, False, False),
    Situation(1_001, 1_000, False, False),
    Situation(10**6, 10**6, True, True),
    Situation(10**6 + 1, 10**6, True, True),
    Situation(10**6 + 1, 10**6, True, False),
)


def allowed(situation: Situation) -> set[str]:
    """The estimators that fit: exact if affordable, else unbiased if asked, else less noisy."""
    if situation.n_states <= situation.budget:
        return {ENUMERATE}
    return RELAXED if situation.differentiable and not situation.unbiased else {BASELINE}


def _mistake(situation: Situation, answer: str) -> str:
    """Why `answer` does not fit, as a name in CHOICE_HINTS."""
    if answer == PATHWISE:
        return "no-path"
    if situation.n_states <= situation.budget:
        return "not-enumerated"
    if answer == ENUMERATE:
        return "enumerated-too-much"
    if answer in RELAXED:
        return "relaxed-despite-bias" if situation.differentiable else "relaxed-a-black-box"
    if situation.differentiable and not situation.unbiased:
        return "bias-refused"
    return "no-baseline"


def _read(result: Any) -> str:
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if not isinstance(result, str):
        raise Fault(f"Your function returned {kind(result)}: return the name of an estimator.")
    name = one_of(result, ESTIMATORS)
    if name is None:
        names = ", ".join(map(repr, ESTIMATORS))
        raise Fault(f"Your function returned {result[:40]!r}: the names are {names}.")
    return name


def _examine_choice(student: Callable) -> None:
    for situation in SITUATIONS:
        args = situation._asdict()
        answer = _read(call(student, "choose_estimator", args))
        if answer not in allowed(situation):
            numbers = {"states": f"{situation.n_states:,}", "budget": f"{situation.budget:,}"}
            raise Fault(CHOICE_HINTS[_mistake(situation, answer)].format(**numbers))


def choose_estimator(student: Callable) -> Verdict:
    """Check f(n_states, budget, differentiable, unbiased) -> the name of an estimator."""
    return deliver("choose_estimator", lambda: _examine_choice(student))
