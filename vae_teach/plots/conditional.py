"""Figures of conditional models: grids by condition, completions with what was given in colour.

Shapes: N or B images, D pixels. Images are in [0, 1], ink is 1.
"""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vae_teach.models.completion import Completion
from vae_teach.plots.pictures import INK, tile

GIVEN_PAPER, GIVEN_INK = (0.62, 0.79, 0.95), (0.85, 0.42, 0.0)  # blue and orange, dark in grey too
SHARP = "nearest"  # pixels as they are; smoothed ones would double the size of a chapter's page


def tile_marked(images: Tensor, task: Completion, columns: int, *, gap: int = 2) -> np.ndarray:
    """Lay pictures out as `plots.tile` does, the given pixels from blue (paper) to orange (ink).

    Args:
        images: composed pictures, (N, D).
        task: says which pixels were given.
        columns: how many stand in a row.
        gap: separator width in pixels.

    Returns:
        RGB array of shape (height, width, 3): what is not given is grey, 1 black.
    """
    sheet = tile(images, columns, image_shape=task.image_shape, gap=gap)[..., None]
    marks = task.seen.float().expand(len(images), -1)
    given = tile(marks, columns, image_shape=task.image_shape, gap=gap)[..., None]
    colour = (1 - sheet) * np.array(GIVEN_PAPER) + sheet * np.array(GIVEN_INK)
    return given * colour + (1 - given) * (1 - sheet)


def draw_completions(rows: dict[str, Tensor], task: Completion, *, columns: int = 15) -> Figure:
    """One panel per label, its pictures (N, D) aligned with those of the other panels.

    Raises:
        ValueError: if the panels have different numbers of pictures.
    """
    lengths = {label: len(images) for label, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"panels must have equally many pictures, but they have {lengths}")
    sheets = {label: tile_marked(images, task, columns) for label, images in rows.items()}
    height, width = next(iter(sheets.values())).shape[:2]
    inches = 6.5 * height / width + 0.3
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(6.5, len(rows) * inches), layout="constrained", squeeze=False
    )
    for ax, (label, sheet) in zip(axes.flat, sheets.items(), strict=True):
        ax.imshow(sheet, interpolation=SHARP)
        ax.set_axis_off()
        ax.set_title(label, fontsize=10, loc="left")
    return figure


def draw_grid(
    images: Tensor,
    column_names: Sequence[str],
    row_names: Sequence[str] | None = None,
    *,
    image_shape: tuple[int, int] = (28, 28),
    xlabel: str = "",
    ylabel: str = "",
) -> Axes:
    """Pictures (R, C, D) as a table: one name above each column, and beside each row if given.

    Raises:
        ValueError: if the names are not as many as the columns or the rows.
    """
    n_rows, n_columns = images.shape[:2]
    row_names = [""] * n_rows if row_names is None else row_names
    if (len(row_names), len(column_names)) != (n_rows, n_columns):
        raise ValueError(
            f"images have {n_rows} rows and {n_columns} columns, but there are "
            f"{len(row_names)} and {len(column_names)} names"
        )
    height, width = image_shape
    sheet = tile(images.flatten(0, 1), n_columns, image_shape=image_shape)
    inches = 6.5 * sheet.shape[0] / sheet.shape[1] + 0.5
    ax = plt.subplots(figsize=(6.5, inches), layout="constrained")[1]
    ax.imshow(sheet, cmap=INK, vmin=0, vmax=1, interpolation=SHARP)
    ax.set_xticks(np.arange(n_columns) * (width + 2) + width / 2, column_names)
    ax.set_yticks(np.arange(n_rows) * (height + 2) + height / 2, row_names)
    ax.xaxis.set(label_position="top", ticks_position="top")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def draw_answers(panels: dict[str, tuple[Tensor, Tensor]], *, limit: float = 1.5) -> Figure:
    """Scatter of answers over conditions, a panel per label, two a row: (c, x), (N, 1) or (N,)."""
    rows, columns = math.ceil(len(panels) / 2), min(2, len(panels))
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 2.4 * rows), layout="constrained", sharex=True,
        sharey=True, squeeze=False,
    )  # fmt: skip
    for ax, (label, (c, x)) in zip(axes.flat, panels.items(), strict=False):
        ax.scatter(c.detach().flatten(), x.detach().flatten(), s=4, alpha=0.5)
        ax.set_title(label, fontsize=10)
        ax.set_ylim(-limit, limit)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    figure.supxlabel("condition c", fontsize=10)
    figure.supylabel("answer x", fontsize=10)
    return figure
