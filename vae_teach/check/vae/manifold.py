"""The check of `manifold_codes` (chapter 7): a square of codes on the percentiles of the prior."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import all_agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict


def _grid(percentiles: Tensor) -> Tensor:
    """Codes on the normal percentiles of each axis: z[0] to the right, z[1] upwards, (n, n, 2)."""
    return _mesh(torch.special.ndtri(percentiles))


def _mesh(z: Tensor) -> Tensor:
    up, right = torch.meshgrid(z.flip(0), z, indexing="ij")
    return torch.stack([right, up], dim=-1)


def _middles(n: int) -> Tensor:
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _axis(codes: Tensor, n: int) -> Tensor | None:
    """The values along the axes of a well-oriented square grid, left to right; else None."""
    if codes.shape != (n, n, 2):
        return None
    z = codes[0, :, 0]
    return z if torch.allclose(codes, _mesh(z), atol=1e-5) else None


def _evenly(values: Tensor) -> bool:
    return torch.allclose(values.diff(), values.diff().mean(), rtol=1e-3, atol=1e-6)


def _even_codes(got: Tensor, want: Tensor, n: int) -> bool:
    z = _axis(got, n)
    return z is not None and _evenly(z)


def _even_percentiles(got: Tensor, want: Tensor, n: int) -> bool:
    z = _axis(got, n)
    return z is not None and bool(z[-1] > z[0]) and _evenly(torch.special.ndtr(z))


def _clipped_ends(got: Tensor, want: Tensor, n: int) -> bool:
    z = _axis(got, n)
    if z is None:
        return False
    inner = torch.special.ndtr(z[1:-1])
    return torch.allclose(inner, torch.linspace(0, 1, n, dtype=z.dtype)[1:-1], atol=1e-5)


def _direction(values: Tensor) -> str | None:
    steps = values.diff()
    return "grows" if (steps > 0).all() else "falls" if (steps < 0).all() else None


def _lies(codes: Tensor) -> tuple[str, Tensor] | None:
    """Which coordinate goes which way, and the values from left to right; None for no grid."""
    for across, down in ((0, 1), (1, 0)):
        right, below = codes[0, :, across], codes[:, 0, down]
        grid = torch.stack([right.expand(len(codes), -1), below[:, None].expand(-1, len(codes))])
        if torch.allclose(codes[..., [across, down]], grid.movedim(0, -1), atol=1e-5):
            way, way_down = _direction(right), _direction(below)
            if way is None or way_down is None:
                return None
            lies = f"z[{across}] {way} to the right and z[{down}] {way_down} from row to row"
            return lies, right if way == "grows" else right.flip(0)
    return None


WELL = "z[0] grows to the right and z[1] falls from row to row"


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """How the grid lies, else where its percentiles lie."""
    if all_agree([got / got.abs().max() for got in gots], [w / w.abs().max() for w in wants]):
        return None  # a factor is named better by itself
    found = [lie for got in gots if (lie := _lies(got)) is not None]
    if len(found) < len(gots) or len({lies for lies, _ in found}) > 1:
        return None
    lies = found[0][0]
    if lies != WELL:
        return f"In your grid {lies}: z[0] should grow to the right, and z[1] fall, from the top."
    n, z, gap = max(
        ((len(z), z, (z - want[0, :, 0]).abs()) for (_, z), want in zip(found, wants, strict=True)),
        key=lambda each: each[2].max(),
    )
    i = int(gap.argmax())
    share = torch.special.ndtr(z[i]).item()
    return (
        f"Your grid lies well, but its codes are others: for n = {n} column {i} has the code "
        f"{z[i].item():.3g}, of the percentile {share:.3g}, where ({i} + 1/2) / {n} is asked."
    )


MANIFOLD_CODES = Exercise(
    name="manifold_codes",
    right=lambda n: _grid(_middles(n)),
    cases=lambda: [Case({"n": n}) for n in (3, 4, 7)],
    explain=_explain,
    mistakes=(
        Mistake(
            "upside-down",
            "Your grid is upside down: row 0 is drawn on top, so it holds the largest z[1].",
            lambda n: _grid(_middles(n)).flip(0),
        ),
        Mistake(
            "mirrored",
            "Your grid is mirrored: z[0] grows to the right, along the columns.",
            lambda n: _grid(_middles(n)).flip(1),
        ),
        Mistake(
            "axes-swapped",
            "Your axes are swapped: z[0] grows to the right and z[1] upwards.",
            lambda n: _grid(_middles(n)).flip(-1),
        ),
        Mistake(
            "rows-first",
            "Your z[0] grows down the rows: it grows to the right, along the columns, "
            "and z[1] upwards (torch.meshgrid with indexing='ij' gives rows first).",
            lambda n: _grid(_middles(n)).transpose(0, 1).flip(1),
        ),
        Mistake(
            "percentiles-kept",
            "You return the percentiles themselves: map them to codes with torch.special.ndtri.",
            lambda n: _mesh(_middles(n)),
        ),
        Mistake(
            "cumulative-for-quantile",
            "You apply the distribution function: codes of percentiles come from its inverse, "
            "torch.special.ndtri.",
            lambda n: _mesh(torch.special.ndtr(_middles(n))),
        ),
        Mistake(
            "root-of-two-missing",
            "Your codes lack the factor sqrt(2) of sqrt(2) erfinv(2 p - 1).",
            lambda n: _mesh(torch.erfinv(2 * _middles(n) - 1)),
        ),
        Mistake(
            "ends-infinite",
            "Your percentiles include 0 or 1, whose codes are infinite: "
            "take the middles (i + 1/2) / n.",
            matches=lambda got, want, n: got.shape == want.shape and bool(got.isinf().any()),
        ),
        Mistake(
            "ends-clipped",
            "Your outermost percentiles are 0 and 1, clipped: their codes lie far outside the "
            "rest, so take the middles (i + 1/2) / n.",
            matches=_clipped_ends,
        ),
        Mistake(
            "i-over-n-plus-1",
            "Your percentiles are (i + 1) / (n + 1), a sound choice too: "
            "this exercise takes the middles of n equal shares, (i + 1/2) / n.",
            lambda n: _grid(torch.arange(1, n + 1, dtype=torch.float64) / (n + 1)),
        ),
        Mistake(
            "linear-grid",
            "Your codes are evenly spaced: it is their percentiles that should be, "
            "so that every tile stands for the same share of the prior.",
            matches=_even_codes,
        ),
        Mistake(
            "other-percentiles",
            "Your percentiles are evenly spaced but not the right ones: take (i + 1/2) / n.",
            matches=_even_percentiles,
        ),
    ),
)


@check(MANIFOLD_CODES)
def manifold_codes(student: Callable) -> Verdict:
    """Check f(n) -> (n, n, 2): codes on normal percentiles, z[0] to the right and z[1] upwards."""
    return judge(student, MANIFOLD_CODES)
