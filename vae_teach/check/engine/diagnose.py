"""Saying what is wrong with numbers that match no known mistake.

Each function takes the student's results, the right ones and the arguments, case by case, and
returns a sentence when it recognises something, else None. Sentences go to students as they are.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.words import apart, brief, call_text

# float32 sums of a hundred terms are good to 1e-5; the nearest named mistake is 1e-2 away (tested).
RELATIVE_TOLERANCE = 1e-4
WHOLE_TOLERANCE = (
    1e-6  # where all right values are whole numbers, which float32 holds to 16 million
)
MOST_DECIMALS = 5  # more cannot be told from float32
MOST_AXES = 4  # orders and subsets of more axes are not tried
RATIOS = {
    2.0: "look for a missing 1/2, or for something counted twice",
    0.5: "look for a 1/2 too many",
    -1.0: "the sign is flipped",
    1 / math.log(2): "they are in bits, so use the natural logarithm",
}


def agree(got: Tensor, want: Tensor) -> bool:
    """Whether two float64 results are the same up to float32 arithmetic."""
    if got.shape != want.shape:
        return False
    finite = want[want.isfinite()]
    size = finite.abs().mean().item() if finite.numel() else 0.0
    tolerance = WHOLE_TOLERANCE if torch.equal(finite, finite.round()) else RELATIVE_TOLERANCE
    slack = tolerance * size or 1e-12
    return torch.allclose(got, want, rtol=tolerance, atol=slack, equal_nan=True)


def all_agree(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> bool:
    """Whether every case agrees."""
    return all(map(agree, gots, wants))


def _axes_text(axes: Sequence[int]) -> str:
    return f"ax{'is' if len(axes) == 1 else 'es'} {', '.join(map(str, axes))}"


def _subsets(n: int) -> list[tuple[int, ...]]:
    return [s for r in range(1, n + 1) for s in itertools.combinations(range(n), r)]


def _reduction(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """An axis that should have been reduced and was not, or the reverse."""
    got, want = gots[0], wants[0]
    for axes in _subsets(got.ndim) if got.ndim > want.ndim else ():
        if all_agree([g.sum(axes) for g in gots], wants):
            return f"Your values are not summed yet: sum over {_axes_text(axes)} as well."
        if all_agree([g.mean(axes) for g in gots], wants):
            return f"Your values are not averaged yet: average over {_axes_text(axes)} as well."
    for axes in _subsets(want.ndim) if got.ndim < want.ndim else ():
        if all_agree(gots, [w.sum(axes) for w in wants]):
            return f"Your values are also summed over {_axes_text(axes)}, which should be kept."
        if all_agree(gots, [w.mean(axes) for w in wants]):
            return f"Your values are also averaged over {_axes_text(axes)}, which should be kept."
    return None


def _arrangement(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """The right values with an axis too many, in another order, or in one row."""
    got, want = gots[0], wants[0]
    if all_agree([g.squeeze() for g in gots], [w.squeeze() for w in wants]):
        return f"there is an axis of size 1 too {'many' if got.ndim > want.ndim else 'few'}"
    for order in itertools.permutations(range(got.ndim)) if got.ndim == want.ndim else ():
        if all_agree([g.permute(order) for g in gots], wants):
            return f"the axes are in another order, which .permute{order} would mend"
    if all_agree([g.reshape(-1) for g in gots], [w.reshape(-1) for w in wants]):
        return "they need a reshape"
    return None


def _axes_differ(results: Sequence[Tensor]) -> bool:
    """Whether some cases have more axes than others, so that no one axis can be named."""
    return len({result.ndim for result in results}) > 1


def _shape(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """Say why the shape is another one: values rearranged, reduced too far or not enough."""
    pairs = [(g, w) for g, w in zip(gots, wants, strict=True) if g.shape != w.shape]
    if not pairs:
        return None
    got, want = (tuple(t.shape) for t in pairs[0])
    text = f"shape is {got} where {want} is asked"
    if _axes_differ(gots) or _axes_differ(wants) or len(got) > MOST_AXES:
        return f"The {text}."
    arrangement = _arrangement(gots, wants)
    if arrangement:
        return f"Your values are right, but the {text}: {arrangement}."
    return _reduction(gots, wants) or f"The {text}."


def _not_finite(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    for got, want in zip(gots, wants, strict=True):
        wrong = ~got.isfinite() & want.isfinite()
        if wrong.any():
            kind = "NaN" if got[wrong].isnan().any() else "infinity"
            return f"Your result contains {kind}: look for a log of 0, 0/0, or an exp too large."
    return None


def _everywhere(got: Tensor, want: Tensor) -> bool:
    """Whether every entry agrees on its own scale, the small ones beside the large ones too."""
    # an entry that should be 0 is so up to float32 rounding of the terms that cancel in it
    slack = 1e-6 * want[want.isfinite()].abs().mean().nan_to_num().item() + 1e-9
    return torch.allclose(got, want, rtol=RELATIVE_TOLERANCE, atol=slack)


def _factor(got: Tensor, want: Tensor) -> float | None:
    """The one number, neither 0 nor 1, by which all right values are multiplied, if any."""
    factor = (got * want).sum() / want.square().sum()
    usual = 0 != factor != 1 and abs(factor - 1) > 10 * RELATIVE_TOLERANCE
    return factor.item() if usual and _everywhere(got, factor * want) else None


def _offset(got: Tensor, want: Tensor) -> float | None:
    """The one number that is added to all right values, if any."""
    offset = (got - want).mean()
    return offset.item() if agree(got, want + offset) else None


def _of_every_case(
    find: Callable[[Tensor, Tensor], float | None], gots: Sequence[Tensor], wants: Sequence[Tensor]
) -> list[float]:
    """What `find` finds in each case; nothing unless it finds something in all of them."""
    found = [find(got, want) for got, want in zip(gots, wants, strict=True)]
    numbers = [number for number in found if number is not None]
    return numbers if len(numbers) == len(found) else []


def _ratio_or_offset(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """The same factor, or the same difference, in every entry of every case."""
    got = torch.cat([g.reshape(-1) for g in gots])
    want = torch.cat([w.reshape(-1) for w in wants])
    if want.numel() < 2 or want.max() - want.min() <= 0.01 * want.abs().max():
        return None  # where all values are alike, a factor and a difference look the same
    factor = _factor(got, want)
    if factor is not None:
        hint = next((h for r, h in RATIOS.items() if abs(factor - r) < 1e-3), "")
        text = f"Your values are {factor:.4g} times the right ones"
        return f"{text}: {hint}." if hint else f"{text}, in every case."
    offset = (got - want).mean()
    if offset.abs() > 10 * RELATIVE_TOLERANCE * want.abs().mean() and agree(got, want + offset):
        return f"Your values are the right ones plus {offset:.4g}, in every case."
    return None


# What a factor may have to do with the size n of an axis, and what to look for then.
SIZE_FACTORS: tuple[tuple[str, Callable[[int], float], str], ...] = (
    ("divided by", lambda n: 1 / n, "look for a mean in place of a sum, or the reverse"),
    ("multiplied by", lambda n: n, "look for a mean in place of a sum, or the reverse"),
    ("divided by the root of", lambda n: n**-0.5, "look for a root too many, or one too few"),
    ("multiplied by the root of", lambda n: n**0.5, "look for a root too many, or one too few"),
    ("divided by n - 1 in place of", lambda n: n / (n - 1), "divide by n itself"),
    ("divided by n in place of n - 1, n being", lambda n: (n - 1) / n, "divide by n - 1"),
)
# The same for a difference.
SIZE_OFFSETS: tuple[tuple[str, Callable[[int], float], str], ...] = (
    ("plus the log of", math.log, "look for a sum in place of a mean inside a log"),
    ("minus the log of", lambda n: -math.log(n), "look for a mean in place of a sum inside a log"),
    ("plus log(n / (n - 1)), n being", lambda n: math.log(n / (n - 1)), "divide by n itself"),
    ("plus", float, "look for something added once for each"),
    ("minus", lambda n: -float(n), "look for something subtracted once for each"),
)


def _axes_of(cases: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[int]]]:
    """The axes of the arguments whose size differs between cases, in words, and their sizes."""
    for name, first in cases[0].items():
        for axis in range(first.ndim if isinstance(first, Tensor) else 0):
            sizes = [case[name].shape[axis] for case in cases]
            if len(set(sizes)) > 1 and min(sizes) > 1:
                yield f"the size of axis {axis} of {name}", sizes


def _follows_the_size(
    gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[dict[str, Any]]
) -> str | None:
    """A factor or a difference that is a function of the size of an axis."""
    factors = _of_every_case(_factor, gots, wants)
    offsets = _of_every_case(_offset, gots, wants)
    for place, sizes in _axes_of(cases):
        for text, of, advice in SIZE_FACTORS if factors else ():
            left = [f / of(n) for f, n in zip(factors, sizes, strict=True)]
            if max(left) - min(left) < 1e-3 * abs(left[0]):
                times = "" if abs(left[0] - 1) < 1e-3 else f"{left[0]:.3g} times "
                return f"Your values are {times}the right ones {text} {place}: {advice}."
        for text, of, advice in SIZE_OFFSETS if offsets else ():
            if all(abs(d - of(n)) < 1e-3 for d, n in zip(offsets, sizes, strict=True)):
                return f"Your values are the right ones {text} {place}: {advice}."
    return None


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "the square roots of": torch.sqrt,
    "the squares of": torch.square,
    "the exponentials of": torch.exp,
    "the logarithms of": torch.log,
    "1 over": torch.reciprocal,
    "1 minus": lambda w: 1 - w,
    "the absolute values of": torch.abs,
    "the sigmoid of": torch.sigmoid,
}


def _function_of_the_right_ones(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """A function that is missing or one too many, after which all is right."""
    got = torch.cat([g.reshape(-1) for g in gots])
    want = torch.cat([w.reshape(-1) for w in wants])
    if want.numel() < 2 or want.max() - want.min() <= 0.01 * want.abs().max():
        return None
    for text, function in FUNCTIONS.items():
        changed = function(want)
        if not _everywhere(changed, want) and _everywhere(got, changed):
            return f"Your values are {text} the right ones."
    for axis in range(min(g.ndim for g in gots)):
        if all_agree([g.flip(axis) for g in gots], wants):
            return f"Your values are the right ones in reverse order, along axis {axis}."
    return None


def _the_same_everywhere(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """One number, whatever the input."""
    got = torch.cat([g.reshape(-1) for g in gots])
    want = torch.cat([w.reshape(-1) for w in wants])
    if len(got) > 1 and (got == got[0]).all() and (want != want[0]).any():
        return (
            f"Your values are all {got[0] + 0:.4g}, whatever the input, and the right ones differ."
        )
    return None


def _cut_off(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> str | None:
    """Values that are right on one side of a bound, and the bound, more than once, beyond it."""
    got = torch.cat([g.reshape(-1) for g in gots])
    want = torch.cat([w.reshape(-1) for w in wants])
    for bound, cut in ((got.min(), torch.clamp_min), (got.max(), torch.clamp_max)):
        at_bound = int((got == bound).sum())
        if 1 < at_bound < len(got) and _everywhere(got, cut(want, bound.item())):
            return (
                f"Your values are right on one side of {bound + 0:.4g} and cut off there: "
                "drop the clamp."
            )
    return None


def _entry(got: Tensor, want: Tensor) -> str:
    """The first entry that is wrong, of two results of one shape that do not agree."""
    gap = (got - want).abs().nan_to_num(torch.inf, torch.inf)
    size = want[want.isfinite()].abs().mean()
    wrong = (gap > RELATIVE_TOLERANCE * (want.abs() + size)).nonzero()
    index = (
        tuple(wrong[0].tolist())
        if len(wrong)
        else tuple(int(i) for i in torch.unravel_index(gap.argmax(), gap.shape))
    )
    entry = f"entry {list(index)} of the result" if index else "the result"
    should, yours = apart(want[index].item(), got[index].item())
    return f"{entry} should be {should}, but yours is {yours}"


def difference(got: Tensor, want: Tensor) -> str:
    """How one result differs from the right one, as the second half of a sentence."""
    if got.shape != want.shape:
        return f"the shape is {tuple(got.shape)} where {tuple(want.shape)} is asked"
    if (~got.isfinite() & want.isfinite()).any():
        return "they are infinite or NaN"
    return _entry(got, want)


def all_rounded(gots: Sequence[Tensor], wants: Sequence[Tensor]) -> int | None:
    """The number of decimals to which all right values are rounded, if they are."""
    if any(g.shape != w.shape for g, w in zip(gots, wants, strict=True)):
        return None
    got = torch.cat([g.reshape(-1) for g in gots])
    want = torch.cat([w.reshape(-1) for w in wants])
    if len(got.unique()) < 2 or all_agree(gots, wants):
        return None
    decimals = range(MOST_DECIMALS + 1)
    return next((d for d in decimals if _everywhere(got, want.round(decimals=d))), None)


def _first_difference(
    gots: Sequence[Tensor],
    wants: Sequence[Tensor],
    cases: Sequence[dict[str, Any]],
    notes: Sequence[str],
) -> str:
    for got, want, args, note in zip(gots, wants, cases, notes, strict=True):
        if not agree(got, want):
            return f"For {call_text(args, note)}, {_entry(got, want)}."
    return f"Your result differs from the right one, {brief(wants[0])}."


def diagnose(
    gots: Sequence[Tensor],
    wants: Sequence[Tensor],
    cases: Sequence[dict[str, Any]],
    notes: Sequence[str] = (),
    otherwise: Callable[[], str | None] = lambda: None,
) -> str:
    """One sentence on results that are wrong in no known way: shape, scale, else an example.

    `notes` say what is special about the cases; `otherwise` is asked before an example is given.
    """
    return (
        _shape(gots, wants)
        or _not_finite(gots, wants)
        or _ratio_or_offset(gots, wants)
        or _follows_the_size(gots, wants, cases)
        or _function_of_the_right_ones(gots, wants)
        or _the_same_everywhere(gots, wants)
        or _cut_off(gots, wants)
        or otherwise()
        or _first_difference(gots, wants, cases, notes or [""] * len(cases))
    )
