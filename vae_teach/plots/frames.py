"""What a run leaves to be looked at: sheets of pictures, frames of a film, and its numbers.

Shapes: N pictures, D pixels in [0, 1].
"""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from vae_teach.machine.whole_file import whole_file
from vae_teach.plots.pictures import CLASS_COLOURS, tile
from vae_teach.training.recorder import Snapshot

GREYS = 10  # of a film of coloured classes, beside the ten colours


def sheet_png(
    images: Tensor,
    columns: int,
    *,
    image_shape: tuple[int, int] = (28, 28),
    scale: int = 1,
    shades: int = 16,
) -> bytes:
    """Pictures (N, D) in [0, 1] as a small PNG, black ink on white, pixels as plain squares.

    Args:
        images: values outside [0, 1] are brought to the nearer end.
        columns: pictures in a row.
        image_shape: (height, width) in pixels.
        scale: side of the square that stands for one pixel.
        shades: how many greys, from 2 to 256; the file shrinks with them.

    Raises:
        ValueError: if scale is below 1 or shades is not from 2 to 256.
    """
    if scale < 1 or not 2 <= shades <= 256:
        raise ValueError(f"need scale >= 1 and 2 to 256 shades, but they are {scale} and {shades}")
    paper = 1 - tile(images.clamp(0, 1), columns, image_shape=image_shape)
    levels = (paper * (shades - 1)).round().astype("uint8").repeat(scale, 0).repeat(scale, 1)
    picture = Image.fromarray(levels, mode="P")
    greys = [round(255 * level / (shades - 1)) for level in range(shades)]
    picture.putpalette([value for grey in greys for value in (grey, grey, grey)])
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return file.getvalue()


def class_png(figure: Figure, *, dpi: int = 80) -> bytes:
    """A figure of coloured classes as a PNG file of few colours; the figure is closed.

    A palette fitted to a picture drops the colours of small dots. This one holds the ten class
    colours and ten greys, so that a digit has the same colour in every frame.
    """
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=dpi, facecolor="white")
    plt.close(figure)
    colours = np.concatenate([CLASS_COLOURS, np.linspace(0, 1, GREYS)[:, None].repeat(3, axis=1)])
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * colours).round().astype(int).flatten().tolist())
    picture = Image.open(full).convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def save_sheets(
    snapshots: Sequence[Snapshot],
    folder: str | Path,
    names: Sequence[str],
    *,
    columns: int,
    image_shape: tuple[int, int] = (28, 28),
) -> list[Path]:
    """Write each named look as a PNG sheet, one per step, black ink on white: NAME_STEP.png.

    Steps are padded with zeros, so that the order of the names is the order in time.

    Args:
        snapshots: from a `Recorder`.
        folder: made if it is missing.
        names: looks that are pictures (N, D) in [0, 1].
        columns: pictures in a row.
        image_shape: (height, width) in pixels.

    Returns:
        The files written.

    Raises:
        ValueError: if there is no snapshot, or a name that cannot be part of a file's name.
    """
    if not snapshots:
        raise ValueError("snapshots is empty: there is no step to write a sheet of")
    for name in names:
        if not re.fullmatch(r"\w[\w .,+=()-]*", name):
            raise ValueError(f"a look's name is part of a file's name, but one is {name!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    width = len(str(max(snapshot.step for snapshot in snapshots)))
    written = []
    for snapshot in snapshots:
        for name in names:
            path = folder / f"{name}_{snapshot.step:0{width}}.png"
            png = sheet_png(snapshot[name], columns, image_shape=image_shape, shades=256)
            with whole_file(path) as file:
                file.write(png)
            written.append(path)
    return written


def save_scalars(records: Sequence[dict[str, float]], folder: str | Path) -> Path:
    """Write a history's records as `scalars.jsonl`, one epoch a line, and return the file."""
    path = Path(folder) / "scalars.jsonl"
    with whole_file(path) as file:
        file.write("".join(json.dumps(record) + "\n" for record in records).encode())
    return path
