"""Results that are right for other arguments: one read for another, of the other sign, not used."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import all_agree

Args = dict[str, Any]
Reading = tuple[str, Callable[[Any], Any]]

_OF_TENSORS: tuple[Reading, ...] = (
    ("0 in place of {}, as if {} were not used", torch.zeros_like),
    ("-{} in place of {}", lambda v: -v),
    ("2 {} in place of {}", lambda v: 2 * v),
    ("{} / 2 in place of {}", lambda v: v / 2),
    ("the absolute value of {} in place of {}", torch.abs),
    ("{} squared in place of {}", torch.square),
)
_OF_INTEGERS: tuple[Reading, ...] = (
    ("{} - 1 in place of {}", lambda v: v - 1),
    ("{} + 1 in place of {}", lambda v: v + 1),
)
_OF_NUMBERS: tuple[Reading, ...] = (
    ("1 in place of {}, as if {} were not used", lambda v: 1.0),
    ("{}^2 in place of {}", lambda v: v**2),
    ("the root of {} in place of {}", math.sqrt),
    ("1 / {} in place of {}", lambda v: 1 / v),
    ("2 {} in place of {}", lambda v: 2 * v),
    ("{} / 2 in place of {}", lambda v: v / 2),
)


def _readings(value: Any, *, alone: bool) -> tuple[Reading, ...]:
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            return ()
        return _OF_TENSORS[1:] if alone else _OF_TENSORS  # who uses nothing needs no telling
    if isinstance(value, bool):
        return ()
    return _OF_INTEGERS if isinstance(value, int) else _OF_NUMBERS if type(value) is float else ()


def _alike(a: Any, b: Any) -> bool:
    """Whether one argument could be taken for the other."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype
    return type(a) is type(b) and isinstance(a, int | float)


def _other_arguments(cases: Sequence[Args]) -> Iterator[tuple[str, list[Args]]]:
    for name, value in cases[0].items():
        for text, read in _readings(value, alone=len(cases[0]) == 1):
            try:
                changed = [args | {name: read(args[name])} for args in cases]
            except (ValueError, ZeroDivisionError):  # -1 has no root, and 0 no inverse
                continue
            yield text.format(name, name), changed
    for one, other in combinations(cases[0], 2):
        if all(_alike(args[one], args[other]) for args in cases):
            swapped = [args | {one: args[other], other: args[one]} for args in cases]
            yield f"{one} and {other} exchanged", swapped


def misread(
    evaluate: Callable[[Args], Tensor], gots: Sequence[Tensor], cases: Sequence[Args]
) -> str | None:
    """For which other arguments the student's results are right, in every case, if for any.

    Args:
        evaluate: the right answer to the arguments of a case.
        gots: the student's results.
        cases: the arguments they were computed from.
    """
    for text, others in _other_arguments(cases):
        try:
            if all_agree(gots, [evaluate(args) for args in others]):
                return f"Your values would be right with {text}."
        except Exception:
            continue  # the right answer has none to such arguments
    return None
