"""Reading answers that are given as they are, not as a function: a dictionary with a few keys."""

from collections.abc import Sequence
from typing import Any

from vae_teach.check._call import Fault
from vae_teach.check._verdict import NOT_ATTEMPTED
from vae_teach.check._words import kind, listed


def is_open(value: Any) -> bool:
    """Whether the student has left a place as it was: None, or nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def read_dictionary(answer: Any, keys: Sequence[str]) -> dict[str, Any]:
    """The answers by key, in the order of `keys`; each may still be open, but not all of them.

    Raises:
        Fault: if it is no dictionary with these keys, or if nothing is answered.
    """
    if answer is None:
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(answer, dict):
        raise Fault(f"Your answer is {kind(answer)}: give a dictionary with {listed(keys)}.")
    if all(is_open(answer.get(key)) for key in keys):
        if unknown := [key for key in answer if key not in keys]:
            raise Fault(f"Your dictionary has {listed(unknown)}: its keys are {listed(keys)}.")
        raise Fault(NOT_ATTEMPTED)
    if missing := [key for key in keys if key not in answer]:
        raise Fault(f"Your dictionary lacks {listed(missing)}: its keys are {listed(keys)}.")
    return {key: answer[key] for key in keys}
