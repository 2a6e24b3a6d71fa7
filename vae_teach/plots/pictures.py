"""Figures. Each function draws the numbers it is given and returns what it drew on.

Shapes: N images, D pixels, L latent. Images are grey, (N, D) with D = height * width, in [0, 1].
Axis convention: z[0] is horizontal, z[1] is vertical and grows upward.
"""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from vae_teach.plots import class_colours
from vae_teach.training.history import History
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked

CLASS_COLOURS = [to_rgb(colour) for colour in class_colours.CLASS_COLOURS]
INK = "gray_r"  # white paper, black ink: 0 is white, 1 is black, and a half is half as bright


def tile(
    images: Tensor, columns: int, *, image_shape: tuple[int, int] = (28, 28), gap: int = 2
) -> np.ndarray:
    """Lay images out row by row on one sheet, `gap` pixels of paper between them.

    Args:
        images: (N, D) with D = height * width.
        columns: how many stand in a row; a last row that is not full ends in paper.
        image_shape: (height, width).
        gap: separator width in pixels.

    Returns:
        Array of shape (rows * (height + gap) - gap, columns * (width + gap) - gap).

    Raises:
        ValueError: if D does not match `image_shape` or columns is below 1.
    """
    height, width = image_shape
    if images.shape[-1] != height * width:
        raise ValueError(
            f"images have {images.shape[-1]} pixels but image_shape {image_shape} has "
            f"{height * width}"
        )
    if columns < 1:
        raise ValueError(f"columns must be at least 1, but it is {columns}")
    pictures = images.detach().cpu().reshape(-1, height, width).numpy()
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap), np.float32)
    for index, picture in enumerate(pictures):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def draw_images(
    images: Tensor,
    columns: int,
    *,
    image_shape: tuple[int, int] = (28, 28),
    ax: Axes | None = None,
) -> Axes:
    """Draw images (N, D) as one sheet without axes."""
    sheet = tile(images, columns, image_shape=image_shape)
    if ax is None:
        rows = sheet.shape[0] / sheet.shape[1]
        ax = plt.subplots(figsize=(6.5, 6.5 * rows), layout="constrained")[1]
    ax.imshow(sheet, cmap=INK, vmin=0, vmax=1)
    ax.set_axis_off()
    return ax


def draw_digit(image: Tensor, *, image_shape: tuple[int, int] = (28, 28)) -> Axes:
    """One image (D,) on pixel axes, ticks every 4 pixels, with a bar for the intensity."""
    height, width = image_shape
    figure, ax = plt.subplots(figsize=(4.2, 3.5), layout="constrained")
    picture = image.detach().cpu().reshape(height, width).numpy()
    drawn = ax.imshow(picture, cmap=INK, vmin=0, vmax=1, extent=(0, width, height, 0))
    ax.set(
        xticks=range(0, width + 1, 4), yticks=range(0, height + 1, 4),
        xlabel="column (pixels)", ylabel="row (pixels)",
    )  # fmt: skip
    figure.colorbar(drawn, ax=ax, label="intensity (0 paper, 1 ink)")
    return ax


def draw_rows(
    rows: dict[str, Tensor], *, image_shape: tuple[int, int] = (28, 28), width: float = 6.5
) -> Figure:
    """Several rows of images that belong together column by column, one label per row.

    Args:
        rows: label to images (N, D); every row has the same N.
        image_shape: (height, width) in pixels.
        width: of the figure in inches.

    Raises:
        ValueError: if the rows differ in length.
    """
    lengths = {label: len(images) for label, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"rows must have equally many images, but they have {lengths}")
    columns = next(iter(lengths.values()))
    cell = width / columns * image_shape[0] / image_shape[1]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(width, len(rows) * (cell + 0.3)), layout="constrained", squeeze=False
    )
    for ax, (label, images) in zip(axes.flat, rows.items(), strict=True):
        draw_images(images, columns, image_shape=image_shape, ax=ax)
        ax.set_title(label, fontsize=10, loc="left")
    return figure


_TERMS = {"kl": "KL"}  # as the text writes them


def draw_history(
    history: History, terms: Sequence[str], *, unit: str = "nats per picture"
) -> Figure:
    """Each term over epochs, training and held-out, in a panel of its own."""
    figure, axes = plt.subplots(
        1, len(terms), figsize=(3.3 * len(terms), 2.9), layout="constrained", squeeze=False
    )
    epochs = history.column("epoch")
    for ax, term in zip(axes.flat, terms, strict=True):
        ax.plot(epochs, history.column(f"train_{term}"), "o-", ms=3, label="training")
        if f"held_out_{term}" in history.last:
            ax.plot(epochs, history.column(f"held_out_{term}"), "s--", ms=3, label="held out")
        ax.set(xlabel="epoch", ylabel=f"{_TERMS.get(term, term.replace('_', ' '))} ({unit})")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
    return figure


def draw_codes(
    codes: Tensor, labels: Tensor | None, *, limit: float | None = None, ax: Axes | None = None
) -> Axes:
    """Scatter of 2-D codes (N, 2), coloured by class, with a bar whose ticks are the classes.

    Raises:
        ValueError: if the codes are not 2-D or `labels` has another length.
    """
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"codes must have shape (N, 2), but it is {tuple(codes.shape)}")
    if labels is not None and len(labels) != len(codes):
        raise ValueError(f"labels has {len(labels)} rows but codes has {len(codes)}")
    ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")[1] if ax is None else ax
    x, y = codes.detach().cpu().numpy().T
    if labels is None:
        ax.scatter(x, y, s=3)
    else:
        norm = BoundaryNorm(np.arange(11) - 0.5, 10)
        points = ax.scatter(
            x, y, s=3, c=labels.cpu().numpy(), cmap=ListedColormap(CLASS_COLOURS), norm=norm
        )
        ax.figure.colorbar(points, ax=ax, ticks=range(10), label="digit")
    ax.set(xlabel="z[0]", ylabel="z[1]", aspect="equal")
    if limit is not None:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
    return ax


@checked(n=AT_LEAST_1, limit=POSITIVE)
def linear_grid(n: int, limit: float) -> Tensor:
    """Codes (n * n, 2) evenly spaced in [-limit, limit]^2, first row on top (largest z[1])."""
    return _grid(torch.linspace(-limit, limit, n))


@checked(n=AT_LEAST_1)
def percentile_grid(n: int) -> Tensor:
    """Codes (n * n, 2) on the percentiles (i + 1/2) / n of N(0, 1), first row on top.

    The half keeps the outermost codes finite and symmetric.
    """
    return _grid(torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n).float())


def _grid(axis: Tensor) -> Tensor:
    vertical, horizontal = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([horizontal, vertical], dim=-1).reshape(-1, 2)


def draw_manifold(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    *,
    image_shape: tuple[int, int] = (28, 28),
    ax: Axes | None = None,
) -> Axes:
    """Decoded pictures of a square grid of 2-D codes, each at its own place.

    Args:
        decode: from codes (N, 2) to pixel means (N, D).
        codes: (n * n, 2) from `linear_grid` or `percentile_grid`.
        image_shape: (height, width) in pixels.
        ax: where to draw; a new figure by default.
    """
    n = round(len(codes) ** 0.5)
    if n * n != len(codes):
        raise ValueError(f"codes must be a square grid, but it has {len(codes)} rows")
    with torch.no_grad():
        images = decode(codes)
    ax = plt.subplots(figsize=(5.6, 5.6), layout="constrained")[1] if ax is None else ax
    sheet = tile(images, n, image_shape=image_shape, gap=0)
    ax.imshow(sheet, cmap=INK, vmin=0, vmax=1, extent=(0, n, 0, n))
    shown = np.linspace(0, n - 1, min(n, 5)).round().astype(int)
    horizontal = codes[:n, 0]  # the first row holds every z[0] in order
    ticks, names = shown + 0.5, [f"{horizontal[i]:.1f}" for i in shown]
    ax.set(xlabel="z[0]", ylabel="z[1]", xticks=ticks, yticks=ticks)
    ax.set_xticklabels(names)
    ax.set_yticklabels(names)  # the grid is symmetric: z[1] takes the same values upward
    return ax


def draw_code_histograms(codes: Tensor, dimensions: Sequence[int]) -> Figure:
    """Histogram (density, 20 bins) of each named code coordinate, with N(0, 1) for comparison."""
    columns = min(4, len(dimensions))
    rows = -(-len(dimensions) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(6.5, 1.9 * rows), layout="constrained", squeeze=False
    )
    z = np.linspace(-3, 3, 121)
    normal = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5
    for ax in axes.flat[len(dimensions) :]:
        ax.set_axis_off()
    for ax, dimension in zip(axes.flat, dimensions, strict=False):
        ax.hist(codes[:, dimension].detach().cpu().numpy(), bins=20, density=True, alpha=0.6)
        ax.plot(z, normal, color="black", lw=1)
        ax.set(xlabel=f"z[{dimension}]", xlim=(-3, 3))
    for ax in axes[:, 0]:
        ax.set_ylabel("density")
    return figure
