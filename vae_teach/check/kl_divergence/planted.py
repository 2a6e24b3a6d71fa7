"""Three planted KL functions, and the check of who found which bug (chapter 3).

The tests show that two plots tell the bugs apart.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from vae_teach.check.engine.answers import read_choices
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import listed

KL = Callable[[Tensor, Tensor], Tensor]

# What each function with a bug returns for KL( N(mu, exp(logvar)) || N(0, 1) ) in one dimension.
PLANTS: dict[str, KL] = {
    "half missing": lambda mu, logvar: mu**2 + logvar.expm1() - logvar,
    "log sigma read as log sigma squared": lambda mu, logvar: _right(mu, 0.5 * logvar),
    "arguments swapped": lambda mu, logvar: (
        0.5 * ((-logvar).exp() * mu**2 + (-logvar).expm1() + logvar)
    ),
    "sign of the log": lambda mu, logvar: 0.5 * (mu**2 + logvar.expm1() + logvar),
    "mean instead of sum": lambda mu, logvar: _right(mu, logvar),  # a mean over one dimension
    "no bug": lambda mu, logvar: _right(mu, logvar),
}
PLANTED_ANSWERS = {
    "A": "log sigma read as log sigma squared",
    "B": "half missing",
    "C": "arguments swapped",
}

HINTS = {
    "half missing": "Without its 1/2 the KL doubles, in both curves, unlike the plots of {where}.",
    "log sigma read as log sigma squared": "Reading log sigma as log sigma^2 leaves the curve "
    "against mu alone and stretches the other one sideways, unlike the plots of {where}.",
    "arguments swapped": "Swapping the arguments leaves the curve against mu alone and mirrors "
    "the other one, unlike the plots of {where}.",
    "sign of the log": "Flipping the sign of the log takes the curve against log sigma^2 "
    "below 0, unlike the plots of {where}.",
    "mean instead of sum": "Averaging instead of summing changes nothing in one dimension, so it "
    "cannot be what is wrong with {where}.",
    "no bug": "The right curves pass 0.5 at mu = 1 and 0.36 at log sigma^2 = 1, "
    "unlike the plots of {where}.",
    "still-open": "There is no answer yet for {where}.",
}


def _right(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.expm1() - logvar)


@helper
def planted_kl(name: str) -> KL:
    """A function (mu, logvar) -> KL to N(0, 1) in nats, each (N,), with a planted bug.

    Args:
        name: "A", "B" or "C".

    Raises:
        ValueError: if there is no function of that name.
    """
    if name not in PLANTED_ANSWERS:
        raise ValueError(f"there is no planted function {name!r}, only {listed(PLANTED_ANSWERS)}")
    return PLANTS[PLANTED_ANSWERS[name]]


def _examine(answer: Any) -> None:
    places: dict[str, list[str]] = {}
    for name, value in read_choices(answer, tuple(PLANTED_ANSWERS), tuple(PLANTS)).items():
        if value != PLANTED_ANSWERS[name]:
            places.setdefault(value or "still-open", []).append(name)
    if places:
        hints = (HINTS[what].format(where=listed(names)) for what, names in places.items())
        raise Fault(" ".join(hints))


@check(HINTS)
def planted_bugs(answers: dict[str, str | None]) -> Verdict:
    """Check {"A": .., "B": .., "C": ..}: name of a function of `planted_kl` -> the bug it has.

    The options are the keys of `PLANTS`; None leaves a place open.
    """
    return deliver("planted_bugs", lambda: _examine(answers))
