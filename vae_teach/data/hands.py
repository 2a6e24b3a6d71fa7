"""Who writes: how much writers differ, and the factors of each digit drawn from that.

Shapes: N images; every factor is (N,) float32.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from vae_teach.data.ink import BOX
from vae_teach.data.pens import PENS
from vae_teach.validation import NOT_NEGATIVE, POSITIVE, checked

FACTORS = (
    "digit",
    "variant",
    "slant",
    "rotation",
    "aspect",
    "width",
    "scale",
    "shift_x",
    "shift_y",
)


@checked(
    wobble=NOT_NEGATIVE,
    bend=NOT_NEGATIVE,
    rotation=NOT_NEGATIVE,
    aspect=NOT_NEGATIVE,
    scale=POSITIVE,
    shift=NOT_NEGATIVE,
    softness=POSITIVE,
)
@dataclass(frozen=True)
class Hand:
    """How much writers differ. Lengths are in the control points' box of [-1, 1] unless said.

    Attributes:
        wobble: standard deviation of a control point, for a writer of middling care.
        care: the range of a writer's own multiple of `wobble`.
        bend: standard deviation of the six coefficients of a quadratic warp of the page.
        slant: mean and standard deviation of the shear, columns per row, tops to the right.
        rotation: standard deviation, radians, clockwise on the page.
        aspect: standard deviation of the log of the horizontal stretch.
        width: median width of the pen in pixels, and standard deviation of its log.
        width_range: pixels; wider or finer pens are brought to the nearer end.
        scale: range of the size of the ink, 1 for MNIST's 20 pixels.
        shift: pixels; the ink's centre is moved by up to this, each way.
        softness: pixels over which the ink fades at the pen's edge.
    """

    wobble: float = 0.15
    care: tuple[float, float] = (0.3, 1.5)
    bend: float = 0.12
    slant: tuple[float, float] = (0.12, 0.26)
    rotation: float = 0.1
    aspect: float = 0.2
    width: tuple[float, float] = (2.75, 0.3)
    width_range: tuple[float, float] = (1.3, 5.0)
    scale: tuple[float, float] = (0.9, 1.0)
    shift: float = 0.5
    softness: float = 0.17


HAND = Hand()
NEAT = Hand(wobble=0.0, bend=0.0)  # the bare shapes: only the named factors change the picture


@checked(n=NOT_NEGATIVE)
def draw_factors(
    n: int, generator: Generator, hand: Hand, fixed: dict[str, float | Tensor]
) -> dict[str, Tensor]:
    """Return every factor of n digits, each (n,): drawn, or as `fixed` says.

    Fixing one factor leaves the draws of the others as they were.

    Raises:
        ValueError: on an unknown factor, a value of the wrong shape, a digit or a variant that
            has no pen, a value that is not finite, a width or size that is not positive, or a pen
            as wide as the digit.
    """
    unknown = sorted(set(fixed) - set(FACTORS))
    if unknown:
        raise ValueError(f"unknown factor {unknown[0]!r}; the factors are {', '.join(FACTORS)}")
    normal = torch.randn(4, n, generator=generator)
    uniform = torch.rand(5, n, generator=generator)
    low, high = hand.scale
    factors = {
        "digit": (uniform[0] * 10).floor().clamp(max=9),
        "slant": hand.slant[0] + hand.slant[1] * normal[0],
        "rotation": hand.rotation * normal[1],
        "aspect": torch.exp(hand.aspect * normal[2]),
        "width": (hand.width[0] * torch.exp(hand.width[1] * normal[3])).clamp(*hand.width_range),
        "scale": low + (high - low) * uniform[1],
        "shift_x": hand.shift * (2 * uniform[2] - 1),
        "shift_y": hand.shift * (2 * uniform[3] - 1),
    }
    factors |= {name: _column(name, value, n) for name, value in fixed.items()}
    factors.setdefault("variant", _variants(factors["digit"], uniform[4]))
    _require_possible(factors)
    return {name: factors[name] for name in FACTORS}


def _column(name: str, value: float | Tensor, n: int) -> Tensor:
    column = torch.as_tensor(value, dtype=torch.float32)
    if column.shape not in ((), (n,)):
        raise ValueError(f"{name} has shape {tuple(column.shape)} but n is {n}")
    return column.expand(n).clone()


def _variants(digit: Tensor, uniform: Tensor) -> Tensor:
    """Choose a way of writing each digit, by the pens' weights, from uniforms; all (N,)."""
    variant = torch.zeros_like(uniform)
    for d, pens in PENS.items():
        who = digit == d
        share = torch.tensor([pen.weight for pen in pens]).cumsum(0)
        chosen = torch.searchsorted(share / share[-1], uniform[who], right=True)
        variant[who] = chosen.clamp(max=len(pens) - 1).float()
    return variant


def _require_possible(factors: dict[str, Tensor]) -> None:
    for d, v in torch.stack([factors["digit"], factors["variant"]], dim=1).unique(dim=0).tolist():
        if d not in PENS:
            raise ValueError(f"digit is {d:g} but must be one of 0 to 9")
        if v not in range(len(PENS[int(d)])):
            last = len(PENS[int(d)]) - 1
            raise ValueError(f"variant is {v:g} but digit {d:g} has variants 0 to {last}")
    for name in ("aspect", "width", "scale"):
        smallest = factors[name].min().item() if len(factors[name]) else 1.0
        if not smallest > 0:
            raise ValueError(f"{name} is {smallest:g} but must be positive")
    for name, values in factors.items():
        if not values.isfinite().all():
            worst = values[~values.isfinite()][0].item()
            raise ValueError(f"{name} is {worst:g} but must be finite")
    too_wide = (factors["width"] >= BOX * factors["scale"]).nonzero()
    if len(too_wide):
        i = too_wide[0, 0]
        width, box = factors["width"][i].item(), BOX * factors["scale"][i].item()
        raise ValueError(f"width is {width:g} but the digit's box is only {box:g} pixels long")
