"""Reading what an experiment of the student's own has given: numbers, and runs with several seeds.

The numbers are the student's, so there is no right table. A check asks whether it holds what was
asked for, and whether what is concluded follows from it.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch

from vae_teach.check.engine.answers import is_open
from vae_teach.check.engine.call import Fault, numbers
from vae_teach.check.engine.words import kind

K = TypeVar("K")
RELATIVE_TOLERANCE = 2e-3  # a student prints and types four digits
SMALLEST_BY_HAND = 0.1  # of which two decimals are two digits
LEAST_EVEN = 5  # so many measured numbers are not evenly spaced by chance
ROUND_STEPS = (1.0, 0.1, 0.01)
DECIMALS = 4  # a share of some thousand pictures has no more, so two runs may share one
# Nats per picture of 784 tossed pixels: a decoder that answers 1/2 everywhere pays 543, and no
# model of the field gets below 60.
LEAST_ELBO, MOST_ELBO = -2_000.0, -10.0


def read_number(value: Any, name: str) -> float:
    """One finite number.

    Raises:
        Fault: if it is open, or something else.
    """
    if is_open(value):
        raise Fault(f"There is no answer yet for {name}.")
    found = _tensor(value, name)
    if found.numel() != 1:
        raise Fault(f"Your {name} has {found.numel()} values: give one number.")
    return _finite(found, name)[0]


def read_by_setting(
    value: Any, read_key: Callable[[Any], K], name: Callable[[K], str], no_table: str
) -> dict[K, float]:
    """A dictionary of one number for each setting; `no_table` is said of anything else.

    Raises:
        Fault: if it is none, or one of its keys or numbers cannot be read.
    """
    if not isinstance(value, Mapping):
        raise Fault(no_table.format(kind=kind(value)))
    found = {}
    for key, number in value.items():
        setting = read_key(key)
        found[setting] = read_number(number, name(setting))
    return found


def read_runs(value: Any, name: str, least: int, hints: dict[str, str]) -> list[float]:
    """The results of at least `least` runs that differ in the seed.

    Args:
        value: what the student hands in, a list or a tensor.
        name: of this entry.
        least: the smallest number of runs.
        hints: the sentences under "too-few" and "the-same-run", with a place for `{name}`. Two
            runs may agree by chance in a number of few digits, as shares of right answers do;
            more than half of them may not.

    Raises:
        Fault: for anything else than different finite numbers.
    """
    if is_open(value):
        raise Fault(f"There is no answer yet for {name}.")
    runs = _finite(_tensor(value, name).flatten(), name)
    if len(runs) < least:
        raise Fault(hints["too-few"].format(name=name))
    twice = [run for run in set(runs) if runs.count(run) > 1]
    exact = any(abs(run - round(run, DECIMALS)) > 1e-7 * abs(run) for run in twice)
    if exact or 2 * len(set(runs)) <= len(runs):
        raise Fault(hints["the-same-run"].format(name=name))
    require_measured(runs, name)
    return runs


def require_measured(values: Sequence[float], name: str) -> None:
    """Ask for what was measured in place of numbers that nobody measures.

    Raises:
        Fault: if all are whole or half numbers, or five or more go up or down in equal steps, or
            are a row such as 0.1, 0.2, ... in any order.
    """
    if all(2 * value == round(2 * value) for value in values):
        raise Fault(
            f"Your {name} holds whole and half numbers only: give the decimals that you measured."
        )
    if len(values) >= LEAST_EVEN and (_step(values) or _step(sorted(values)) in ROUND_STEPS):
        raise Fault(f"Your {name} goes on in equal steps: give what you measured.")


def _step(values: Sequence[float]) -> float:
    """The one step from each number to the next, to six digits; 0 if there is none."""
    steps = [b - a for a, b in itertools.pairwise(values)]
    even = max(steps) - min(steps) < 1e-6 * max(map(abs, values))
    return round(steps[0], 6) if even else 0.0


def require_nats_per_picture(values: Sequence[float], name: str) -> None:
    """Tell bounds of tossed pictures, in nats per picture, from sums and from means over pixels.

    Raises:
        Fault: if they lie where no bound of a trained model does.
    """
    if max(values) > MOST_ELBO:
        raise Fault(
            f"Your {name} reaches {max(values):.4g}, nearer to 0 than any model comes: give nats "
            "per picture, not per pixel."
        )
    if min(values) < LEAST_ELBO:
        raise Fault(
            f"Your {name} reaches {min(values):.6g}, and a guess of 1/2 for each of 784 pixels "
            "has -543: give nats per picture, not their sum."
        )


def near(one: float, other: float) -> bool:
    """Whether two numbers agree to the digits that one copies by hand: two decimals at least."""
    by_hand = one == round(other, 2) and abs(one) >= SMALLEST_BY_HAND
    return by_hand or abs(one - other) <= RELATIVE_TOLERANCE * max(abs(one), abs(other))


def _tensor(value: Any, name: str) -> torch.Tensor:
    if isinstance(value, str):
        raise Fault(f"Your {name} is {kind(value)}: give numbers.")
    try:
        return numbers(list(value) if isinstance(value, tuple) else value).double()
    except Fault as fault:
        raise Fault(f"Your {name} could not be taken as numbers: it is {kind(value)}.") from fault


def _finite(found: torch.Tensor, name: str) -> list[float]:
    values = found.flatten().tolist()
    if not all(math.isfinite(v) for v in values):
        raise Fault(f"Your {name} holds a number that is infinite or NaN.")
    return values
