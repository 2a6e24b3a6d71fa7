"""Paths through a code space, to be decoded frame by frame.

Shapes: S stops or steps, (...) any number of codes that move together, L latent. A path leads with
its frames: (frames, ..., L).
"""

import math
from collections.abc import Iterable

import torch
from torch import Generator, Tensor

from vae_teach.maths.noise import noise_like
from vae_teach.validation import AT_LEAST_1, checked


@checked
def interpolate(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """`steps` codes on the line from a to b, both ends included: (..., L) -> (steps, ..., L).

    Raises:
        ValueError: for fewer than 2 steps, or codes of different shape.
    """
    _require_pair(a, b, steps)
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device)
    t = t.view(-1, *[1] * a.ndim)
    return torch.lerp(a.expand(steps, *a.shape), b.expand(steps, *b.shape), t)


@checked
def interpolate_sphere(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """The same, along the arc from a to b: the angle moves evenly and so does the length.

    In many dimensions nearly all of N(0, I) lies at a distance of about sqrt(L) from 0, and the
    middle of a straight line between two draws lies at sqrt(L / 2): a place that the prior hardly
    visits. The arc keeps its distance. Codes in the same direction give the straight line;
    opposite ones have no arc of their own, and no number here is to be trusted.

    Raises:
        ValueError: as `interpolate`, and for the code 0, which has no direction.
    """
    _require_pair(a, b, steps)
    length_a, length_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    for name, length in {"a": length_a, "b": length_b}.items():
        if (length == 0).any():
            raise ValueError(f"{name} holds the code 0, which has no direction to turn from or to")
    cosine = (a * b).sum(dim=-1, keepdim=True) / (length_a * length_b)
    angle = torch.arccos(cosine.clamp(-1, 1))
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).view(-1, *[1] * a.ndim)
    # sin(t w) / sin(w) -> t as w -> 0; sinc keeps that quotient finite
    share_b = t * torch.sinc(t * angle / math.pi) / torch.sinc(angle / math.pi)
    share_a = (1 - t) * torch.sinc((1 - t) * angle / math.pi) / torch.sinc(angle / math.pi)
    length = (1 - t) * length_a + t * length_b
    return length * (share_a * a / length_a + share_b * b / length_b)


@checked
def morph(stops: Tensor, frames_per_leg: int = 10, *, closed: bool = True) -> Tensor:
    """Straight legs from stop to stop, (S, ..., L) -> (frames, ..., L).

    Each leg holds its first stop and not its last. Closed, the last leg returns to the first stop,
    so the film loops: S * frames_per_leg frames. Open, the last stop ends it: one frame more than
    (S - 1) * frames_per_leg.

    Raises:
        ValueError: for fewer than 2 stops or fewer than 1 frame a leg.
    """
    if stops.ndim < 2:
        raise ValueError(f"stops must be codes (S, ..., L), but have shape {tuple(stops.shape)}")
    if len(stops) < 2 or frames_per_leg < 1:
        raise ValueError(
            f"a morph needs at least 2 stops and 1 frame a leg, but there are {len(stops)} stops "
            f"and frames_per_leg is {frames_per_leg}"
        )
    ends = stops.roll(-1, dims=0) if closed else stops[1:]
    legs = [
        interpolate(start, end, frames_per_leg + 1)[:-1]
        for start, end in zip(stops, ends, strict=False)
    ]
    return torch.cat(legs if closed else [*legs, stops[-1:]])


@checked(order=AT_LEAST_1)
def one_of_each(
    labels: Tensor, order: Iterable[int] = range(9, -1, -1), *, generator: Generator | None = None
) -> Tensor:
    """The index of one example of each label of `order`: the first, or with a generator any.

    Raises:
        ValueError: naming a label that no example has.
    """
    chosen = []
    for label in order:
        found = (labels == label).nonzero()[:, 0]
        if len(found) == 0:
            raise ValueError(f"no example has label {label}; there are {labels.unique().tolist()}")
        pick = 0
        if generator is not None:
            pick = int(torch.randint(len(found), (), generator=generator))
        chosen.append(found[pick])
    return torch.stack(chosen)


@checked
def neighbour_sheet(codes: Tensor, rows: int = 8) -> Tensor:
    """Every code on its way to the next one, (S, L) -> (rows, S, L): row 0 is the codes themselves.

    The last row is the first one rolled by one place.
    """
    return interpolate(codes, codes.roll(-1, dims=0), rows)


@checked
def prior_walk(z: Tensor, steps: int, *, step_size: float = 0.15, generator: Generator) -> Tensor:
    r"""A random walk that N(0, I) does not notice, from z (..., L): (steps + 1, ..., L).

    .. math:: z \leftarrow \sqrt{1 - \delta^2}\, z + \delta\, \varepsilon

    If z is a draw of N(0, I) then so is every later code. Adding noise without shrinking first
    makes the spread grow: after 50 steps of 0.15 the standard deviation is 1.46, not 1.

    Raises:
        ValueError: if step_size is not in (0, 1] or steps is below 1.
    """
    if not 0 < step_size <= 1 or steps < 1:
        raise ValueError(
            f"need step_size in (0, 1] and steps >= 1, but they are {step_size} and {steps}"
        )
    path, keep = [z], math.sqrt(1 - step_size**2)
    for _ in range(steps):
        path.append(keep * path[-1] + step_size * noise_like(z, generator))
    return torch.stack(path)


def _require_pair(a: Tensor, b: Tensor, steps: int) -> None:
    if steps < 2:
        raise ValueError(f"steps must be at least 2, the two ends, but it is {steps}")
    if a.shape != b.shape:
        raise ValueError(f"a has shape {tuple(a.shape)} but b has {tuple(b.shape)}")
