"""Reading what an experiment of the student's own has given: numbers, and runs with several seeds.

The numbers are the student's, so there is no right table. A check asks whether it holds what was
asked for, and whether what is concluded follows from it.
"""

import math
from typing import Any

import torch

from vae_teach.check.engine.answers import is_open
from vae_teach.check.engine.call import Fault, numbers
from vae_teach.check.engine.words import kind

RELATIVE_TOLERANCE = 2e-3  # a student prints and types four digits


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


def read_runs(value: Any, name: str, least: int, hints: dict[str, str]) -> list[float]:
    """The results of at least `least` runs that differ in the seed.

    Args:
        value: what the student hands in, a list or a tensor.
        name: of this entry.
        least: the smallest number of runs.
        hints: the sentences under "too-few" and "the-same-run", with a place for `{name}`.

    Raises:
        Fault: for anything else than different finite numbers.
    """
    if is_open(value):
        raise Fault(f"There is no answer yet for {name}.")
    runs = _finite(_tensor(value, name).flatten(), name)
    if len(runs) < least:
        raise Fault(hints["too-few"].format(name=name))
    if len(set(runs)) < len(runs):
        raise Fault(hints["the-same-run"].format(name=name))
    return runs


def near(one: float, other: float) -> bool:
    """Whether two numbers agree to the digits that one copies by hand."""
    return abs(one - other) <= RELATIVE_TOLERANCE * max(abs(one), abs(other))


def _tensor(value: Any, name: str) -> torch.Tensor:
    if isinstance(value, str):
        raise Fault(f"Your {name} is {kind(value)}: give numbers.")
    try:
        return numbers(value).double()
    except Fault as fault:
        raise Fault(f"Your {name} could not be taken as numbers: it is {kind(value)}.") from fault


def _finite(found: torch.Tensor, name: str) -> list[float]:
    values = found.flatten().tolist()
    if not all(math.isfinite(v) for v in values):
        raise Fault(f"Your {name} holds a number that is infinite or NaN.")
    return values
