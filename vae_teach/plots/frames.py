"""What a run leaves to be looked at: sheets of pictures, frames of a film, and its numbers.

Shapes: N pictures, D pixels in [0, 1].
"""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from vae_teach.machine.whole_file import whole_file
from vae_teach.plots.page import with_greys
from vae_teach.plots.pictures import tile
from vae_teach.training.recorder import Snapshot


def sheet_png(
    images: Tensor, columns: int, *, image_shape: tuple[int, int] = (28, 28), shades: int = 16
) -> bytes:
    """Pictures (N, D) in [0, 1] as a small PNG, black ink on white, a pixel for a pixel.

    Args:
        images: values outside [0, 1] are brought to the nearer end.
        columns: pictures in a row.
        image_shape: (height, width) in pixels.
        shades: how many greys, from 2 to 256; the file shrinks with them.

    Raises:
        ValueError: if shades is not from 2 to 256.
    """
    if not 2 <= shades <= 256:
        raise ValueError(f"shades must be from 2 to 256, but it is {shades}")
    paper = 1 - tile(images.clamp(0, 1), columns, image_shape=image_shape)
    greys = [round(255 * level / (shades - 1)) for level in range(shades)]
    file = io.BytesIO()
    with_greys((paper * (shades - 1)).round(), greys).save(file, format="png", optimize=True)
    return file.getvalue()


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
