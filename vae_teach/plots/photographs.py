"""Sheets of pictures, grey or colour, drawn as photographs are: 0 is black and 1 is white.

`plots` draws grey ink on paper; these functions take colour too. Shapes: N pictures, D pixels;
`image_shape` is (H, W), (1, H, W) or (3, H, W), and a colour picture is stored channel by channel.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

GAP = 2  # pixels of paper between two pictures


def picture_sheet(images: Tensor, columns: int, *, image_shape: Sequence[int]) -> Tensor:
    """Lay pictures (N, D) out row by row: one sheet (height, width, 3) in [0, 1], white between.

    Raises:
        ValueError: if D does not match `image_shape`, or columns is below 1.
    """
    shape = (1, *image_shape) if len(image_shape) == 2 else tuple(image_shape)
    if images.shape[-1] != math.prod(shape):
        raise ValueError(
            f"images have {images.shape[-1]} pixels but image_shape {tuple(image_shape)} has "
            f"{math.prod(shape)}"
        )
    if columns < 1:
        raise ValueError(f"columns must be at least 1, but it is {columns}")
    _, height, width = shape
    pictures = images.detach().cpu().reshape(-1, *shape).permute(0, 2, 3, 1).clamp(0, 1)
    rows = -(-len(pictures) // columns)
    sheet = torch.ones(rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = picture  # one channel fills all three
    return sheet


def draw_pictures(
    images: Tensor, columns: int, *, image_shape: Sequence[int], ax: Axes | None = None
) -> Axes:
    """Draw pictures (N, D) as one sheet without axes."""
    sheet = picture_sheet(images, columns, image_shape=image_shape)
    if ax is None:
        height = 6.5 * sheet.shape[0] / sheet.shape[1]
        ax = plt.subplots(figsize=(6.5, height), layout="constrained")[1]
    ax.imshow(sheet.numpy())
    ax.set_axis_off()
    return ax


def draw_picture_rows(rows: Mapping[str, Tensor], *, image_shape: Sequence[int]) -> Figure:
    """Rows of pictures that belong together column by column, each under its label.

    Args:
        rows: label to pictures (N, D); every row has the same N.
        image_shape: of one picture.

    Raises:
        ValueError: if the rows differ in length.
    """
    lengths = {label: len(images) for label, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"rows must have equally many pictures, but they have {lengths}")
    columns = next(iter(lengths.values()))
    cell = 6.5 / columns * image_shape[-2] / image_shape[-1]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(6.5, len(rows) * (cell + 0.3)), layout="constrained", squeeze=False
    )
    for ax, (label, images) in zip(axes.flat, rows.items(), strict=True):
        draw_pictures(images, columns, image_shape=image_shape, ax=ax)
        ax.set_title(label, fontsize=10, loc="left")
    return figure
