"""Coloured shapes on paper, drawn by the package: colour pictures whose true factors are known.

A disc, a square or a triangle of one hue, size and place. The outline is a signed distance, so
pixels at the edge are mixed and not stepped. `write_folder` turns pictures into the kind of folder
that people have: files of many sizes, and one that cannot be read.
Shapes: N pictures, side S, so images are (N, 3 * S * S) in [0, 1], channel by channel.
"""

import math
from pathlib import Path

import torch
from PIL import Image
from torch import Generator, Tensor

from vae_teach.data.dataset import Split
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked

NAMES = ("disc", "square", "triangle")  # label 0, 1, 2
PAPER = 0.94  # grey level of the paper
VALUE, SATURATION = 0.85, 0.8  # of every colour; only the hue differs
# Lowest and highest of each factor. size: half the width, x and y: the centre, in units of the
# side, from the middle, right and down. The largest shape at the edge still lies on the paper.
RANGES = {"hue": (0.0, 1.0), "size": (0.12, 0.24), "x": (-0.18, 0.18), "y": (-0.18, 0.18)}
BROKEN = "broken.png"


@checked(n=NOT_NEGATIVE, side=AT_LEAST_1)
def draw_shapes(n: int, *, generator: Generator, side: int = 24, **fixed: float | Tensor) -> Split:
    """Draw n coloured shapes; every factor that is not given is drawn uniformly at random.

    Args:
        n: how many pictures.
        generator: a CPU generator; the same seed gives the same pictures.
        side: height and width in pixels.
        **fixed: factors to hold, each a number or (n,) numbers: shape (0 disc, 1 square,
            2 triangle), hue (0 to 1, once around), size, x, y (see `RANGES`).

    Returns:
        Images (n, 3 * side * side) whose pixels are whole 255ths; labels; all factors (n,).

    Raises:
        ValueError: on an unknown factor, a value out of its range or of the wrong length, or a
            side below 8.
    """
    if side < 8:
        raise ValueError(f"side is {side} but a shape needs at least 8 pixels")
    factors = _factors(n, generator, fixed)
    axis = (torch.arange(side) + 0.5) / side - 0.5  # centres of pixels
    x = axis[None, None, :] - factors["x"][:, None, None]
    y = axis[None, :, None] - factors["y"][:, None, None]
    size = factors["size"][:, None, None]
    inside = _distances(x, y, size)[factors["shape"].long(), torch.arange(n)]  # (n, S, S)
    cover = (0.5 - inside * side).clamp(0, 1)[:, None]  # one pixel wide at the edge
    colour = hue_to_rgb(factors["hue"])[:, :, None, None]
    images = (PAPER + cover * (colour - PAPER)).flatten(1)
    return Split(images.mul_(255).round_().div_(255), factors["shape"].long(), factors)


def _factors(n: int, generator: Generator, fixed: dict) -> dict[str, Tensor]:
    """All factors (n,); those that are drawn do not depend on which others are held."""
    unknown = fixed.keys() - {"shape", *RANGES}
    if unknown:
        raise ValueError(f"{sorted(unknown)} are no factors: they are shape, {', '.join(RANGES)}")
    factors = {"shape": torch.randint(3, (n,), generator=generator).float()}
    for name, (low, high) in RANGES.items():
        factors[name] = low + (high - low) * torch.rand(n, generator=generator)
    for name, value in fixed.items():
        value = torch.as_tensor(value, dtype=torch.float32)
        if value.ndim and value.shape != (n,):
            raise ValueError(f"{name} has shape {tuple(value.shape)} but n is {n}")
        low, high = RANGES.get(name, (0, 2))
        if not ((value >= low) & (value <= high)).all():
            odd = value[~((value >= low) & (value <= high))].flatten()[0].item()
            raise ValueError(f"{name} must lie between {low} and {high}, but it is {odd:g}")
        if name == "shape" and (value != value.round()).any():
            odd = value[value != value.round()].flatten()[0].item()
            raise ValueError(f"shape must be 0, 1 or 2, but it is {odd:g}")
        factors[name] = value.expand(n).clone()
    return factors


def _distances(x: Tensor, y: Tensor, size: Tensor) -> Tensor:
    """Signed distance to the outline of each of the three shapes, (3, n, S, S); inside below 0."""
    disc = torch.sqrt(x.square() + y.square()) - size
    square = torch.maximum(x.abs(), y.abs()) - size * math.sqrt(math.pi) / 2  # as large as the disc
    # Equilateral, point up: three half-planes, each at the in-radius from the centre.
    slope = math.sqrt(3) / 2
    triangle = torch.maximum(slope * x.abs() - 0.5 * y, y) - size * 0.66
    return torch.stack([disc, square, triangle])


@checked
def hue_to_rgb(hue: Tensor) -> Tensor:
    """Colours (N, 3) in [0, 1] from hues (N,): 0 and 1 are red, 1/3 green, 2/3 blue."""
    turned = 6 * hue[:, None] + torch.tensor([5.0, 3.0, 1.0])
    position = turned % 6
    weight = torch.minimum(position, 4 - position).clamp(0, 1)
    return VALUE * (1 - SATURATION * weight)


@checked(side=AT_LEAST_1)
def write_folder(
    folder: str | Path, split: Split, *, side: int = 24, generator: Generator, broken: bool = True
) -> Path:
    """Write pictures as files into one folder per label, as odd in size as people's own.

    Each file is enlarged by a factor from 1 to 3 and gets paper on the left and the right, or
    above and below, up to half its side. The middle square is the picture.

    Args:
        folder: is made if it does not exist; disc/, square/ and triangle/ go into it.
        split: from `draw_shapes`.
        side: of the pictures in `split`.
        generator: of sizes and margins.
        broken: also write `disc/broken.png`, the first half of a real file.

    Returns:
        The folder.
    """
    if split.labels is None:
        raise ValueError("split has no labels, and the folders are named after them")
    folder = Path(folder)
    for name in NAMES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    pixels = split.images.mul(255).round().to(torch.uint8).view(-1, 3, side, side)
    scales = side + (2 * side * torch.rand(len(split), generator=generator)).long()
    margins = torch.rand(len(split), generator=generator) / 4
    for i, picture in enumerate(pixels.permute(0, 2, 3, 1).numpy()):
        large, margin = int(scales[i]), int(scales[i] * margins[i])
        image = Image.fromarray(picture).resize((large, large), Image.Resampling.BICUBIC)
        across, down = (2 * margin, 0) if i % 2 else (0, 2 * margin)
        page = Image.new("RGB", (large + across, large + down), (round(255 * PAPER),) * 3)
        page.paste(image, (across // 2, down // 2))
        page.save(folder / NAMES[split.labels[i]] / f"{i:05}.png")
    if broken:
        whole = next((folder / NAMES[split.labels[0]]).glob("*.png")).read_bytes()
        (folder / NAMES[0] / BROKEN).write_bytes(whole[: len(whole) // 2])
    return folder
