"""The check of `great_circle` (chapter 10): from one code to another along the arc."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.walks import interpolate, interpolate_sphere


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
    sizes = ((2, 4, 1.5), (3, 5, 0.6), (6, 6, 2.0), (4, 3, 0.8))
    for seed, (size, steps, longer) in enumerate(sizes):
        g = torch.Generator().manual_seed(seed)
        a, b = (0.5 if size == 4 else 1.0) * torch.randn(2, size, generator=g)  # |a @ b| < 1 there
        cases.append(Case({"a": a, "b": longer * b * a.norm() / b.norm(), "steps": steps}))
    return cases


def _angles(codes: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
    """The angle of each code from a towards b, as a share of the whole; None off their plane."""
    e1 = a / a.norm()
    e2 = b - (b @ e1) * e1
    e2 = e2 / e2.norm()
    u, v = codes @ e1, codes @ e2
    if not agree(codes, u[:, None] * e1 + v[:, None] * e2):
        return None
    return torch.atan2(v, u) / torch.atan2(b @ e2, b @ e1)


def _shares(values: Tensor) -> str:
    return ", ".join(f"{round(value, 6) + 0.0:.3g}" for value in values.tolist())


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """Whether it is the directions or the lengths that are wrong, and which they are."""
    for got, want, case in zip(gots, wants, cases, strict=True):
        if agree(got, want) or not got.isfinite().all():
            continue
        a, b, steps = case.args["a"].double(), case.args["b"].double(), case.args["steps"]
        angles, even = _angles(got, a, b), _times(steps)[:, 0]
        lengths, right = got.norm(dim=1), want.norm(dim=1)
        if angles is None:
            return (
                "Your codes leave the plane of a and b: every code is a sum of multiples of both."
            )
        if agree(lengths, right):
            return (
                f"Your lengths are right, but your codes lie at {_shares(angles)} of the angle "
                f"from a to b, where {_shares(even)} is asked."
            )
        if (angles - even).abs().max() < 1e-4:
            return (
                f"Your directions are right, but your lengths are {_shares(lengths)}, where "
                f"{_shares(right)} is asked, evenly from that of a to that of b."
            )
        text = f"Your codes lie at {_shares(angles)} of the angle from a to b"
        if _shares(lengths) == _shares(right):
            return f"{text}, where {_shares(even)} is asked."
        return (
            f"{text} and have the lengths {_shares(lengths)}, where {_shares(even)} and "
            f"{_shares(right)} are asked."
        )
    return None


def _not_from_zero(a: Tensor, b: Tensor, steps: int, times: Tensor) -> Tensor:
    """The arc at other shares of the way than 0 to 1."""
    t = times[:, None]
    length = (1 - t) * a.norm() + t * b.norm()
    return length * _weighted(a / a.norm(), b / b.norm(), t, _angle(a, b))


GREAT_CIRCLE = Exercise(
    name="great_circle",
    right=interpolate_sphere,
    cases=_cases,
    roles={"a": Role("."), "b": Role(".")},
    explain=_explain,
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
            "start-missing",
            "You begin one step after a: the first code is a, as torch.linspace(0, 1, steps) "
            "gives it.",
            lambda a, b, steps: _not_from_zero(
                a, b, steps, torch.arange(1, steps + 1, dtype=torch.float64) / steps
            ),
        ),
        Mistake(
            "both-ends-missing",
            "You leave out a and b: the first code is a and the last is b.",
            lambda a, b, steps: interpolate_sphere(a, b, steps + 2)[1:-1],
        ),
        Mistake(
            "one-code-too-many",
            "You return steps + 1 codes: steps counts the codes, a and b included.",
            lambda a, b, steps: interpolate_sphere(a, b, steps + 1),
        ),
        Mistake(
            "one-code-too-few",
            "You return steps - 1 codes: steps counts the codes, a and b included.",
            matches=lambda got, want, a, b, steps: got.shape == (steps - 1, len(a)),
        ),
        Mistake(
            "length-of-b",
            "Your codes all have the length of b: let the length go evenly from that of a.",
            lambda a, b, steps: b.norm() * _directions(a, b, steps),
        ),
        Mistake(
            "one-length",
            "Your codes all have the mean of the two lengths: let the length go evenly from that "
            "of a to that of b.",
            lambda a, b, steps: (a.norm() + b.norm()) / 2 * _directions(a, b, steps),
        ),
        Mistake(
            "lengths-swapped",
            "Your lengths go from that of b to that of a: the directions go the other way.",
            lambda a, b, steps: (
                _directions(a, b, steps) * torch.lerp(b.norm(), a.norm(), _times(steps))
            ),
        ),
        Mistake(
            "lengths-multiplied",
            "Your lengths grow by an equal factor at each step: let them grow by an equal amount.",
            lambda a, b, steps: (
                _directions(a, b, steps) * a.norm() * (b.norm() / a.norm()) ** _times(steps)
            ),
        ),
        Mistake(
            "chord-of-directions",
            "You draw a straight line between the two directions: let the angle move evenly.",
            lambda a, b, steps: (
                interpolate(a / a.norm(), b / b.norm(), steps)
                * torch.lerp(a.norm(), b.norm(), _times(steps))
            ),
        ),
        Mistake(
            "not-normalised",
            "You take the arccos of a @ b: divide by both lengths first, or it is no cosine.",
            lambda a, b, steps: (
                torch.lerp(a.norm(), b.norm(), _times(steps))
                * _weighted(a / a.norm(), b / b.norm(), _times(steps), torch.arccos(a @ b))
            ),
        ),
        Mistake(
            "degrees",
            "Your angle is in degrees: torch.sin takes radians, as torch.arccos gives them.",
            lambda a, b, steps: (
                torch.lerp(a.norm(), b.norm(), _times(steps))
                * _weighted(a / a.norm(), b / b.norm(), _times(steps), _angle(a, b).rad2deg())
            ),
        ),
        Mistake(
            "cosine-weights",
            "Your weights are cosines: they are sin((1 - t) w) and sin(t w).",
            lambda a, b, steps: (
                torch.lerp(a.norm(), b.norm(), _times(steps))
                * (
                    torch.cos((1 - _times(steps)) * _angle(a, b)) * a / a.norm()
                    + torch.cos(_times(steps) * _angle(a, b)) * b / b.norm()
                )
                / torch.sin(_angle(a, b))
            ),
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
