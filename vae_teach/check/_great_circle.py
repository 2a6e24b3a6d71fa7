"""The check of `great_circle` (chapter 7): from one code to another along the arc."""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict
from vae_teach.walks import interpolate, interpolate_sphere


def _times(steps: int) -> Tensor:
    return torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]


def _angle(a: Tensor, b: Tensor) -> Tensor:
    return torch.arccos((a / a.norm()) @ (b / b.norm()))


def _weighted(a: Tensor, b: Tensor, t: Tensor, angle: Tensor) -> Tensor:
    """sin((1 - t) w) a + sin(t w) b, divided by sin w."""
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _directions(a: Tensor, b: Tensor, steps: int) -> Tensor:
    return _weighted(a / a.norm(), b / b.norm(), _times(steps), _angle(a, b))


def _rescaled_chord(a: Tensor, b: Tensor, steps: int) -> Tensor:
    line, t = interpolate(a, b, steps), _times(steps)
    return line / line.norm(dim=-1, keepdim=True) * ((1 - t) * a.norm() + t * b.norm())


def _without_the_end(a: Tensor, b: Tensor, steps: int) -> Tensor:
    return interpolate_sphere(a, b, steps + 1)[:-1]


def _cases() -> list[Case]:
    cases = []
    for seed, (size, steps, longer) in enumerate([(2, 4, 1.5), (3, 5, 0.6), (6, 6, 2.0)]):
        g = torch.Generator().manual_seed(seed)
        a, b = torch.randn(2, size, generator=g)
        cases.append(Case({"a": a, "b": longer * b * a.norm() / b.norm(), "steps": steps}))
    return cases


GREAT_CIRCLE = Exercise(
    name="great_circle",
    right=interpolate_sphere,
    cases=_cases,
    mistakes=(
        Mistake(
            "straight-line",
            "You walk the straight line, whose middle lies nearer to 0 than its ends: "
            "let the angle move evenly.",
            interpolate,
        ),
        Mistake(
            "chord-rescaled",
            "Your codes lie on the arc, but not evenly: you stretch the straight line, "
            "whose angle moves fastest in the middle.",
            _rescaled_chord,
        ),
        Mistake(
            "unit-length",
            "Your codes all have length 1: let the length go evenly from that of a to that of b.",
            _directions,
        ),
        Mistake(
            "length-of-a",
            "Your codes all have the length of a: let the length go evenly to that of b.",
            lambda a, b, steps: a.norm() * _directions(a, b, steps),
        ),
        Mistake(
            "lengths-inside",
            "You weigh a and b themselves: weigh their directions, "
            "and let the length move evenly from one to the other.",
            lambda a, b, steps: _weighted(a, b, _times(steps), _angle(a, b)),
        ),
        Mistake(
            "backwards",
            "You walk from b to a: the first code is a and the last is b.",
            lambda a, b, steps: interpolate_sphere(b, a, steps),
        ),
        Mistake(
            "end-missing",
            "You stop one step short of b: of the codes the first is a and the last is b, "
            "as torch.linspace(0, 1, steps) gives them.",
            _without_the_end,
        ),
        Mistake(
            "sine-missing",
            "You do not divide by sin(w): the two weights must be 1 and 0 at the start.",
            lambda a, b, steps: (
                torch.sin(_angle(a, b)) * interpolate_sphere(a, b, steps)
            ),
        ),
        Mistake(
            "cosine-for-angle",
            "You use the cosine as if it were the angle: w is its arccos.",
            lambda a, b, steps: (
                ((1 - _times(steps)) * a.norm() + _times(steps) * b.norm())
                * _weighted(a / a.norm(), b / b.norm(), _times(steps), torch.cos(_angle(a, b)))
            ),
        ),
    ),
)  # fmt: skip


def great_circle(student: Callable) -> Verdict:
    """Check f(a, b, steps) -> (steps, L): from a to b, angle and length moving evenly."""
    return judge(student, GREAT_CIRCLE)
