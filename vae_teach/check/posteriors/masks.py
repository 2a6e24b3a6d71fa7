"""The check of `made_masks` (chapter 13): the three masks of an autoregressive network.

Shapes: L inputs and outputs, F and S units in the first and the second hidden layer.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict

INPUT, HIDDEN, OUTPUT = PARTS = ("input mask", "hidden mask", "output mask")


def _degrees(n: int) -> Tensor:
    return torch.arange(1, n + 1)


def _right(first: Tensor, second: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    return (
        (first[:, None] >= _degrees(n)).float(),
        (second[:, None] >= first).float(),
        (_degrees(n)[:, None] > second).float(),
    )


def _case(n: int, first: list[int], second: list[int], **options) -> Case:
    return Case({"first": torch.tensor(first), "second": torch.tensor(second), "n": n}, **options)


def _in_part(name: str, part: str, hint: str, answer: Callable[..., Tensor]) -> Mistake:
    return Mistake(name, hint, answer, part=part)


MADE_MASKS = Exercise(
    name="made_masks",
    right=_right,
    cases=lambda: [
        _case(4, [1, 3, 2, 1, 2, 3], [2, 1, 3, 3, 2]),
        _case(3, [2, 1, 1, 2], [1, 2, 1, 2, 2]),
        _case(5, [4, 1, 3, 2, 2, 4], [3, 1, 4, 2, 1, 4, 4]),
        _case(2, [1, 1, 1], [1, 1, 1, 1], note="two inputs", hard=True),
    ],
    roles={"first": Role("F"), "second": Role("S")},
    parts=PARTS,
    mistakes=(
        Mistake(
            "transposed",
            "Your masks have inputs in rows: a weight matrix is (out, in), and its mask too.",
            lambda first, second, n: tuple(mask.T for mask in _right(first, second, n)),
        ),
        Mistake(
            "reversed",
            "Your masks let units read what comes later: turn the comparisons round.",
            lambda first, second, n: (
                (first[:, None] <= _degrees(n)).float(),
                (second[:, None] <= first).float(),
                (_degrees(n)[:, None] < second).float(),
            ),
        ),
        Mistake(
            "complement",
            "Your masks are 1 where a weight is to be cut: 1 keeps it.",
            lambda first, second, n: tuple(1 - mask for mask in _right(first, second, n)),
        ),
        _in_part(
            "strict-input",
            INPUT,
            "A hidden unit may read an input of its own degree too: in your input mask it may not.",
            lambda first, second, n: (first[:, None] > _degrees(n)).float(),
        ),
        _in_part(
            "input-from-0",
            INPUT,
            "Your input mask counts the degrees of the inputs from 0: they go from 1 to n.",
            lambda first, second, n: (first[:, None] >= torch.arange(n)).float(),
        ),
        _in_part(
            "strict-hidden",
            HIDDEN,
            "A hidden unit may read units of its own degree too: in your hidden mask it may not.",
            lambda first, second, n: (second[:, None] > first).float(),
        ),
        _in_part(
            "same-degree-only",
            HIDDEN,
            "Your hidden mask joins units of one degree only: a unit may read lower ones too.",
            lambda first, second, n: (second[:, None] == first).float(),
        ),
        _in_part(
            "hidden-open",
            HIDDEN,
            "Your hidden mask cuts nothing, so that a unit of low degree reads one of high degree.",
            lambda first, second, n: torch.ones(len(second), len(first)),
        ),
        _in_part(
            "output-sees-itself",
            OUTPUT,
            "In your output mask output i reads units of degree i, which have read input i: it "
            "has to be strict.",
            lambda first, second, n: (_degrees(n)[:, None] >= second).float(),
        ),
        _in_part(
            "output-from-0",
            OUTPUT,
            "Your output mask counts the degrees of the outputs from 0: they go from 1 to n.",
            lambda first, second, n: (torch.arange(n)[:, None] > second).float(),
        ),
        _in_part(
            "output-by-first",
            OUTPUT,
            "Your output mask compares with the first hidden layer: the outputs read the second.",
            lambda first, second, n: (_degrees(n)[:, None] > first).float(),
        ),
    ),
)


@check(MADE_MASKS)
def made_masks(student: Callable) -> Verdict:
    """Check f(first (F,), second (S,), n) -> masks (F, n), (S, F), (n, S), from hidden degrees."""
    return judge(student, MADE_MASKS)
