"""The check of `asked_slants` (chapter 14): slants that a CVAE was asked for, and those it drew.

The drawings are those of the student's own models; the real pictures are known, so the check
measures them itself. Slants are in columns per row, tops to the right.
"""

import functools
import statistics
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vae_teach import data
from vae_teach.check.engine.answers import read_dictionary
from vae_teach.check.engine.call import Fault, numbers
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import near, read_number
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind
from vae_teach.validation import checked

N_PICTURES, WISHES, WINDOW = 10_000, (-2, -1, 0, 1, 2), 0.15  # wishes and window in sd
LEAST = 3  # seeds
REAL_TOLERANCE = 0.01  # columns per row: a tenth of the step from wish to wish
FLAT = 0.2  # of the real pictures' range
KEYS = ("real", "drawn", "share", "mean", "spread")


@helper
@checked
def measured_slant(pictures: Tensor) -> Tensor:
    """`measured_slant(pictures (N, 784)) -> (N,)`: by how many columns a row higher is shifted.

    From second moments of the ink about its centre: minus the covariance of row and column over
    the variance of the row. Rows are counted from the top.
    """
    at = torch.arange(784)
    ink = pictures / pictures.sum(dim=1, keepdim=True)
    row, column = (
        place - ink @ place[:, None]
        for place in ((at // 28).to(ink.dtype), (at % 28).to(ink.dtype))
    )
    return -(ink * row * column).sum(dim=1) / (ink * row.square()).sum(dim=1)


@functools.cache
def _real() -> tuple[list[float], list[float], list[float], float]:
    """For each wish: median and mean of the measured slants, the slant asked for; and the sd."""
    strokes = data.load("strokes").train[:N_PICTURES]
    slant = strokes.factors["slant"]
    mean, sd = slant.mean(), slant.std()
    medians, means, asked = [], [], []
    for wish in WISHES:
        asked.append((mean + wish * sd).item())
        found = measured_slant(strokes.images[(slant - asked[-1]).abs() < WINDOW * sd])
        medians.append(found.median().item())
        means.append(found.mean().item())
    return medians, means, asked, sd.item()


REAL_SLIPS: dict[str, tuple[Callable[[], list[float]], str]] = {
    "asked-for-measured": (
        lambda: _real()[2],
        "Your real holds the slants that were asked for: measure the pictures that have them.",
    ),
    "wishes-for-slants": (
        lambda: [float(wish) for wish in WISHES],
        "Your real holds the wishes in standard deviations: give measured slants, in columns per "
        "row.",
    ),
    "standardised": (
        lambda: [(m - _real()[2][2]) / _real()[3] for m in _real()[0]],
        "Your real is standardised: give slants in columns per row, as they are measured.",
    ),
    "mirrored": (
        lambda: [-m for m in _real()[0]],
        "Your real has the other sign: a slant is positive where the tops lean to the right.",
    ),
    "backwards": (
        lambda: _real()[0][::-1],
        "Your real runs from 2 to -2 standard deviations: begin with -2.",
    ),
    "mean-for-median": (
        lambda: _real()[1],
        "Your real holds means: give medians, which a few odd pictures do not move.",
    ),
}
Shares = Callable[[list[list[float]]], list[float]]


def _range(row: list[float]) -> float:
    return row[-1] - row[0]


def _shares(drawn: list[list[float]]) -> list[float]:
    return [_range(row) / _range(_real()[0]) for row in drawn]


SHARE_SLIPS: dict[str, tuple[Shares, str]] = {
    "upside-down": (
        lambda drawn: [1 / share for share in _shares(drawn)],
        "Your share is upside down: it is the drawings' range over the real pictures'.",
    ),
    "of-the-wishes": (
        lambda drawn: [_range(row) / (4 * _real()[3]) for row in drawn],
        "Your share compares with the range that was asked for: the ruler reads another one off "
        "real pictures, so divide by theirs.",
    ),
    "percent": (
        lambda drawn: [100 * share for share in _shares(drawn)],
        "Your share is in percent: 1 is to mean that the two ranges agree.",
    ),
    "last-slants": (
        lambda drawn: [row[-1] / _real()[0][-1] for row in drawn],
        "Your share compares the last slants alone: compare ranges, the last minus the first.",
    ),
    "missing-part": (
        lambda drawn: [1 - share for share in _shares(drawn)],
        "Your share is what is missing from 1: give the drawings' range over the real pictures'.",
    ),
}
Sum = Callable[[list[float]], float]
SUMS: dict[str, Sum] = {"mean": statistics.fmean, "spread": statistics.stdev}
SUM_SLIPS: dict[str, tuple[str, Sum, str]] = {
    "sum-for-mean": ("mean", sum, "Your mean is the sum of the shares: divide by their number."),
    "mean-in-percent": (
        "mean",
        lambda shares: 100 * statistics.fmean(shares),
        "Your mean is in percent and your shares are not: give the mean of the shares.",
    ),
    "population-spread": (
        "spread",
        statistics.pstdev,
        "Your spread has n in its denominator: with the mean of the same shares it is n - 1.",
    ),
    "variance-for-spread": (
        "spread",
        statistics.variance,
        "Your spread is the variance: take its root.",
    ),
    "standard-error": (
        "spread",
        lambda shares: statistics.stdev(shares) / len(shares) ** 0.5,
        "Your spread is the standard error of the mean: give that of single seeds, the standard "
        "deviation.",
    ),
    "range-for-spread": (
        "spread",
        lambda shares: max(shares) - min(shares),
        "Your spread is the largest share minus the smallest: give the standard deviation.",
    ),
}
HINTS = {
    **{name: hint for name, (_, hint) in REAL_SLIPS.items()},
    "other-real": "Your real is {got:.3f} for {wish:+d} sd, and the pictures within 0.15 sd have "
    "a median of {want:.3f}: measure the first 10,000 training pictures.",
    "too-few": "Your drawn has fewer than three rows: train with at least three seeds.",
    "the-same-run": "Two rows of your drawn agree in every digit: change the seed of the model "
    "and that of fit.",
    "drawn-is-real": "A row of your drawn is your real: measure what the model draws.",
    "turned": "Your drawn has a row for each wish: give a row for each seed, five slants each.",
    "flat": "Your drawings hardly follow the request: scale the slant by the training pictures' "
    "mean and sd when you ask, as when you trained.",
    "falling": "Your drawings lean the less the more slant is asked for: is the request's sign, or "
    "the order of the wishes, another one than in training?",
    "not-in-order": "In row {row} of your drawn a larger wish has a smaller slant: take 500 "
    "drawings a wish, fifty of each digit, and their median.",
    **{name: hint for name, (_, hint) in SHARE_SLIPS.items()},
    "other-share": "Your share of seed {row} is {got:.3f}, and your table gives {want:.3f}: it is "
    "(last - first) of drawn over (last - first) of real.",
    **{name: hint for name, (_, _, hint) in SUM_SLIPS.items()},
    "other-sums": "Your {name} is not that of the shares in your table.",
}


def _row(value: Any, name: str, length: int | None = None) -> list[float]:
    try:
        found = numbers(value).flatten().tolist()
    except Fault:
        raise Fault(f"Your {name} is {kind(value)}: give numbers.") from None
    if length is not None and len(found) != length:
        raise Fault(f"Your {name} has {len(found)} numbers: give {length}, one for each wish.")
    if not all(torch.tensor(found).isfinite()):
        raise Fault(f"Your {name} holds NaN or infinity.")
    return found


def _close(one: list[float], other: list[float], by: float = REAL_TOLERANCE) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def _examine_real(real: list[float]) -> None:
    right = _real()[0]
    if _close(real, right):
        return
    for slip, hint in REAL_SLIPS.values():
        if _close(real, slip()):
            raise Fault(hint)
    worst = max(range(len(WISHES)), key=lambda i: abs(real[i] - right[i]))
    words = {"wish": WISHES[worst], "got": real[worst], "want": right[worst]}
    raise Fault(HINTS["other-real"].format(**words))


def _read_drawn(value: Any) -> list[list[float]]:
    if isinstance(value, Mapping):  # by seed
        value = list(value.values())
    try:
        rows = list(value)
    except TypeError:
        rows = []
    if isinstance(value, str) or not rows:
        raise Fault(f"Your drawn is {kind(value)}: give a list of five slants for each seed.")
    lengths = {len(row) for row in rows if hasattr(row, "__len__") and not isinstance(row, str)}
    if len(rows) == len(WISHES) and len(lengths) == 1 and lengths != {len(WISHES)}:
        raise Fault(HINTS["turned"])
    return [_row(row, f"row {i} of drawn", len(WISHES)) for i, row in enumerate(rows)]


def _examine_drawn(drawn: list[list[float]], real: list[float]) -> None:
    if len(drawn) < LEAST:
        raise Fault(HINTS["too-few"])
    if len(set(map(tuple, drawn))) < len(drawn):
        raise Fault(HINTS["the-same-run"])
    if any(_close(row, real, 1e-6) for row in drawn):
        raise Fault(HINTS["drawn-is-real"])
    for i, row in enumerate(drawn):
        if _range(row) < -FLAT * _range(real):
            raise Fault(HINTS["falling"])
        if _range(row) < FLAT * _range(real):
            raise Fault(HINTS["flat"])
        if sorted(row) != row:
            raise Fault(HINTS["not-in-order"].format(row=i))


def _examine_share(share: list[float], drawn: list[list[float]]) -> None:
    right = _shares(drawn)
    if len(share) != len(drawn):
        raise Fault(
            f"Your share has {len(share)} numbers: give one for each of {len(drawn)} seeds."
        )
    if _close(share, right):
        return
    for slip, hint in SHARE_SLIPS.values():
        if all(near(a, b) for a, b in zip(share, slip(drawn), strict=True)):
            raise Fault(hint)
    row = max(range(len(share)), key=lambda i: abs(share[i] - right[i]))
    raise Fault(HINTS["other-share"].format(row=row, got=share[row], want=right[row]))


def _examine(answer: Any) -> None:
    table = read_dictionary(answer, KEYS)
    for name, value in table.items():
        if value is None:
            raise Fault(f"There is no answer yet for {name}.")
    real = _row(table["real"], "real", len(WISHES))
    _examine_real(real)
    drawn = _read_drawn(table["drawn"])
    _examine_drawn(drawn, real)
    share = _row(table["share"], "share")
    _examine_share(share, drawn)
    for name, right in SUMS.items():
        found = read_number(table[name], name)
        # shares that are rounded in the table, and were not where they were added up, will do
        if not any(_agree(name, found, right(of)) for of in (share, _shares(drawn))):
            slips = (
                hint
                for key, slip, hint in SUM_SLIPS.values()
                if key == name and near(found, slip(share))
            )
            raise Fault(next(slips, HINTS["other-sums"].format(name=name)))


def _agree(name: str, one: float, other: float) -> bool:
    """Whether two sums agree to the digits in which they are copied."""
    return abs(one - other) <= (0.006 if name == "mean" else 5e-4) or near(one, other)


@check(HINTS)
def asked_slants(table: Mapping[str, Any]) -> Verdict:
    """Check {"real": [..], "drawn": [[..], ..], "share": [..], "mean": .., "spread": ..}.

    `real` has five median slants of real pictures, `drawn` as many for each seed, in columns per
    row; `share` compares the ranges of the two.
    """
    return deliver("asked_slants", lambda: _examine(table))
