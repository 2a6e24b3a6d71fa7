"""Looking at a model while it trains: at which steps, at what, and where the pictures go.

Learning is fast at first and slow later, so moments evenly spaced in log time show most of it in
few frames. Shapes: whatever a look returns; pictures are (N, D) in [0, 1].
"""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from vae_teach.plots import CLASS_COLOURS, tile

Look = Callable[[nn.Module], Tensor]


def log_moments(last: int, *, per_doubling: int = 2) -> list[int]:
    """Steps 0 and round(2^(k / per_doubling)) up to `last`, each once: 0, 1, 2, 3, 4, 6, 8, 11, ...

    Step 0 is the untrained model. Source: Fast Forward Labs' script, which takes k = 0 ... 32.

    Raises:
        ValueError: if last or per_doubling is below 1.
    """
    if last < 1 or per_doubling < 1:
        raise ValueError(
            f"last and per_doubling must be at least 1, but they are {last} and {per_doubling}"
        )
    moments = {0}
    k = 0
    while (step := round(2 ** (k / per_doubling))) <= last:
        moments.add(step)
        k += 1
    return sorted(moments)


@dataclass(frozen=True)
class Snapshot:
    """What the looks saw after one training step."""

    step: int
    seen: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        """What the look of that name returned."""
        return self.seen[name]


class Recorder:
    """Give it to `fit` as `on_step`: at each of the moments it looks at the model.

    A look maps the model to a tensor, such as the codes of fixed pictures or the pictures of fixed
    codes. It runs without gradients and in evaluation mode, and must draw no noise of its own: then
    the trained weights are those of a run without a recorder.
    """

    def __init__(self, moments: Iterable[int], **looks: Look):
        self.moments, self.looks = frozenset(moments), looks
        self.snapshots: list[Snapshot] = []

    @torch.no_grad()
    def __call__(self, step: int, model: nn.Module) -> None:
        """Record, if `step` is one of the moments."""
        if step not in self.moments:
            return
        was_training = model.training
        model.eval()
        try:
            # a look may return a view of a weight, which the next step overwrites
            seen = {name: look(model).cpu().clone() for name, look in self.looks.items()}
        finally:
            model.train(was_training)
        self.snapshots.append(Snapshot(step, seen))

    @property
    def steps(self) -> list[int]:
        """The steps recorded so far, in order."""
        return [snapshot.step for snapshot in self.snapshots]

    def at(self, step: int) -> Snapshot:
        """The snapshot of one step.

        Raises:
            KeyError: naming the steps there are.
        """
        for snapshot in self.snapshots:
            if snapshot.step == step:
                return snapshot
        raise KeyError(f"no snapshot of step {step}; there are {self.steps}")


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
    """A figure of coloured classes as a PNG file of 16 colours; the figure is closed.

    A palette fitted to a picture drops the colours of small dots. This one holds the ten class
    colours and six greys, so that a digit has the same colour in every frame.
    """
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=dpi, facecolor="white")
    plt.close(figure)
    colours = np.concatenate([CLASS_COLOURS, np.linspace(0, 1, 6)[:, None].repeat(3, axis=1)])
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * colours).round().astype(int).flatten().tolist())
    picture = Image.open(full).convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True, bits=4)
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
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    width = len(str(max(snapshot.step for snapshot in snapshots)))
    written = []
    for snapshot in snapshots:
        for name in names:
            path = folder / f"{name}_{snapshot.step:0{width}}.png"
            png = sheet_png(snapshot[name], columns, image_shape=image_shape, shades=256)
            path.write_bytes(png)
            written.append(path)
    return written


def save_scalars(records: Sequence[dict[str, float]], folder: str | Path) -> Path:
    """Write a history's records as `scalars.jsonl`, one epoch a line, and return the file."""
    path = Path(folder) / "scalars.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
