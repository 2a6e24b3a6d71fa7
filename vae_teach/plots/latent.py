"""Figures of a code space: maps of the decoder, scatters, densities, projections.

Shapes: N codes, L latent, D pixels, n tiles a side. Axis convention: z[0] is horizontal, z[1] is
vertical and grows upward, so the first row of tiles has the largest z[1]. Each function draws the
numbers it is given; nothing is decoded or fitted here.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from vae_teach.plots.pictures import CLASS_COLOURS, INK, tile

PERCENTILE_TICKS = (-2, -1, 0, 1, 2)


def tile_centres(n: int, limit: float) -> Tensor:
    """Codes (n * n, 2) at the centres of n x n equal cells of [-limit, limit]^2, top row first.

    Unlike `plots.linear_grid`, whose outermost codes lie on the edge, every tile drawn there covers
    exactly the codes that are nearest to its own.
    """
    axis = limit * ((2 * torch.arange(n) + 1) / n - 1)
    vertical, horizontal = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([horizontal, vertical], dim=-1).reshape(-1, 2)


def tile_at(codes: Tensor, n: int, limit: float) -> Tensor:
    """Which tile of `tile_centres(n, limit)` shows each code, (N, 2) -> (N,): the nearest one."""
    cell = ((codes / limit + 1) / 2 * n).floor().long().clamp(0, n - 1)  # (N, 2), right and up
    return (n - 1 - cell[:, 1]) * n + cell[:, 0]


def draw_map(
    images: Tensor,
    limit: float | None = None,
    *,
    image_shape: tuple[int, int] = (28, 28),
    ax: Axes | None = None,
) -> Axes:
    """Decoded tiles (n * n, D), top row first, on the plane of codes.

    Args:
        images: of `tile_centres(n, limit)`, or of `plots.percentile_grid(n)` when limit is None.
        limit: half the width of the plane that the tiles cover; None for percentiles, where an
            axis is linear in probability and its ticks stand at z = -2 ... 2.
        image_shape: (height, width) in pixels.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: if the images are not a square number.
    """
    n = round(len(images) ** 0.5)
    if n * n != len(images):
        raise ValueError(f"images must be a square of tiles, but there are {len(images)}")
    ax = plt.subplots(figsize=(4.6, 4.6), layout="constrained")[1] if ax is None else ax
    edge = (0, 1) if limit is None else (-limit, limit)
    sheet = tile(images, n, image_shape=image_shape, gap=0)
    ax.imshow(sheet, cmap=INK, vmin=0, vmax=1, extent=(*edge, *edge), aspect="auto")
    ax.set(xlabel="z[0]", ylabel="z[1]")
    ax.set_box_aspect(image_shape[0] / image_shape[1])
    if limit is None:
        places = torch.special.ndtr(torch.tensor(PERCENTILE_TICKS, dtype=torch.float64)).tolist()
        ax.set_xticks(places, [str(z) for z in PERCENTILE_TICKS])
        ax.set_yticks(places, [str(z) for z in PERCENTILE_TICKS])
    return ax


def draw_tableau(
    codes: Tensor,
    labels: Tensor,
    images: Tensor,
    limit: float,
    *,
    width: float = 6.6,
    size: float = 2,
) -> Figure:
    """What the encoder does beside what the decoder does, on the same axes.

    Args:
        codes: (N, 2), drawn as points coloured by class; those beyond the limit are cut off.
        labels: (N,), classes 0 to 9.
        images: (n * n, D), decoded `tile_centres(n, limit)`.
        limit: both panels show [-limit, limit]^2.
        width: of the figure in inches.
        size: of a point.
    """
    figure, axes = plt.subplots(1, 2, figsize=(width, 0.45 * width), layout="constrained")
    draw_classes(codes, labels, ax=axes[0], size=size)
    axes[0].set(xlim=(-limit, limit), ylim=(-limit, limit))
    axes[0].set_aspect("auto")
    axes[0].set_box_aspect(1)
    draw_map(images, limit, ax=axes[1])
    return figure


def draw_classes(
    codes: Tensor,
    labels: Tensor,
    chosen: Sequence[int] = tuple(range(10)),
    *,
    ax: Axes | None = None,
    size: float = 2,
    bar: bool = True,
) -> Axes:
    """Scatter of the codes (N, 2) of the chosen digits only; the bar's ticks stand mid-colour.

    A digit keeps its colour whatever else is shown.

    Raises:
        ValueError: if the codes are not 2-D, or a digit is not from 0 to 9.
    """
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"codes must have shape (N, 2), but it is {tuple(codes.shape)}")
    chosen = sorted(chosen)
    if not chosen or not 0 <= chosen[0] <= chosen[-1] < len(CLASS_COLOURS):
        raise ValueError(f"chosen digits must be from 0 to 9, but they are {chosen}")
    ax = plt.subplots(figsize=(4.6, 3.9), layout="constrained")[1] if ax is None else ax
    shown = torch.isin(labels.cpu(), torch.tensor(chosen))
    place = torch.searchsorted(torch.tensor(chosen), labels.cpu()[shown])  # 0, 1, ... in the bar
    x, y = codes.detach().cpu()[shown].numpy().T
    colours = ListedColormap([CLASS_COLOURS[digit] for digit in chosen])
    norm = BoundaryNorm(np.arange(len(chosen) + 1) - 0.5, len(chosen))
    # smoothed edges would blend the colours of small dots, and double the file
    points = ax.scatter(
        x, y, c=place.numpy(), cmap=colours, norm=norm, s=size, linewidths=0, antialiased=False
    )
    if bar:
        drawn = ax.figure.colorbar(points, cax=_beside(ax), ticks=range(len(chosen)))
        drawn.ax.set_title("digit", fontsize=9)
        drawn.ax.set_yticklabels([str(digit) for digit in chosen])
        drawn.ax.tick_params(length=0)
    ax.set(xlabel="z[0]", ylabel="z[1]", aspect="equal")
    return ax


def draw_class_panels(
    panels: dict[str, tuple[Tensor, Tensor]], limit: float, *, width: float = 6.6
) -> Figure:
    """Scatters of several sets of codes (N, 2) with their labels (N,), one square, one bar."""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(width, width / len(panels) + 0.3), layout="constrained",
        squeeze=False, sharey=True,
    )  # fmt: skip
    for ax, (name, (codes, labels)) in zip(axes[0], panels.items(), strict=True):
        draw_classes(codes, labels, ax=ax, bar=False)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
        ax.set_title(name, fontsize=10)
        ax.label_outer()
    points = axes[0, 0].collections[0]
    figure.colorbar(points, ax=axes, ticks=range(10), label="digit", shrink=0.9)
    return figure


def draw_field(
    values: Tensor,
    limit: float,
    label: str,
    *,
    ax: Axes,
    between: tuple[float, float] | None = None,
) -> Axes:
    """One number for each of `tile_centres(n, limit)`, as colours on the plane, with a bar.

    Args:
        values: (n * n,), top row first.
        limit: half the width of the plane.
        label: the quantity and its unit, over the panel.
        ax: where to draw.
        between: the numbers at the ends of the colours, for all beyond them too; None for the
            smallest and the largest value.
    """
    n = round(len(values) ** 0.5)
    grid = values.detach().cpu().reshape(n, n).numpy()
    low, high = between or (grid.min(), grid.max())
    drawn = ax.imshow(grid, extent=(-limit, limit, -limit, limit), vmin=low, vmax=high)
    ax.figure.colorbar(drawn, cax=_beside(ax), extend="both" if between else "neither")
    ax.set(xlabel="z[0]", ylabel="z[1]")
    ax.set_title(label, fontsize=9)  # beside the bar it would run into the next panel
    return ax


def _beside(ax: Axes) -> Axes:
    """A strip for a colour bar, exactly as high as the panel whatever its aspect."""
    return ax.inset_axes((1.04, 0.0, 0.055, 1.0))


def draw_means_and_draws(
    mu: Tensor, z: Tensor, dimensions: Sequence[int], *, columns: int = 4
) -> Figure:
    """For each dimension: the draws z ~ q(z|x) filled, the means as a line, N(0, 1) in black.

    Args:
        mu: (N, L), the means of q(z|x) over a data set.
        z: (N, L), one draw from each.
        dimensions: which of the L to show.
        columns: panels in a row.
    """
    rows = -(-len(dimensions) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(6.6, 1.75 * rows), layout="constrained", squeeze=False, sharey=True
    )
    place = np.linspace(-3.5, 3.5, 141)
    normal = np.exp(-(place**2) / 2) / (2 * np.pi) ** 0.5
    bins = np.linspace(-3.5, 3.5, 36)
    for ax in axes.flat[len(dimensions) :]:
        ax.set_axis_off()
    for ax, d in zip(axes.flat, dimensions, strict=False):
        ax.hist(
            z[:, d].cpu().numpy(), bins=bins, density=True, histtype="stepfilled", alpha=0.5,
            label="z, drawn",
        )  # fmt: skip
        ax.hist(
            mu[:, d].cpu().numpy(), bins=bins, density=True, histtype="step", color="C1",
            label="μ, the mean",
        )  # fmt: skip
        ax.plot(place, normal, color="black", lw=1, label="N(0, 1)")
        ax.set(xlabel=f"z[{d}]", xlim=(-3.5, 3.5), ylim=(0, 0.9))
    for ax in axes[:, 0]:
        ax.set_ylabel("density")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def draw_projections(
    panels: dict[str, Tensor],
    labels: Tensor,
    *,
    columns: int = 2,
    size: float = 2,
    width: float = 5.6,
) -> Figure:
    """Scatters of projections (N, 2) of the same pictures, one panel each, one bar for all."""
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, 0.92 * width / columns * rows),
        layout="constrained",
        squeeze=False,
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (name, codes) in zip(axes.flat, panels.items(), strict=False):
        draw_classes(codes, labels, ax=ax, size=size, bar=False)
        ax.set_title(name, fontsize=10, loc="left")
        ax.set(xlabel="component 1", ylabel="component 2", aspect="auto")
    points = axes[0, 0].collections[0]
    bar = figure.colorbar(points, ax=axes, ticks=range(10), label="digit", shrink=0.8, aspect=30)
    bar.ax.tick_params(length=0)
    return figure


def draw_solid(
    panels: dict[str, Tensor], labels: Tensor, azimuth: float, *, size: float = 9
) -> Figure:
    """3-D scatters (N, 3) side by side, seen from `azimuth` degrees, each with its own axes."""
    figure = plt.figure(figsize=(6.4, 3.3))
    colours = np.array(CLASS_COLOURS)[labels.cpu().numpy()]
    for place, (name, codes) in enumerate(panels.items(), start=1):
        with plt.rc_context({"grid.color": (0.5, 0.5, 0.5, 0.4)}):  # faint on any ground
            ax = figure.add_subplot(1, len(panels), place, projection="3d")
        ax.scatter(
            *codes.detach().cpu().numpy().T,
            s=size,
            c=colours,
            linewidths=0,
            alpha=1,
            depthshade=False,
        )
        ax.view_init(elev=20, azim=azimuth)
        ax.set_title(name, fontsize=11)
        for axis, component in zip("xyz", "123", strict=True):
            # without walls: matplotlib's pale grey would stand behind the dots of a dark page
            getattr(ax, f"{axis}axis").set_pane_color((0, 0, 0, 0))
            getattr(ax, f"set_{axis}ticklabels")([])
            getattr(ax, f"set_{axis}label")(f"component {component}", fontsize=10, labelpad=-8)
    keys = [Line2D([], [], marker="o", ls="", color=colour) for colour in CLASS_COLOURS]
    words = [str(digit) for digit in range(len(keys))]
    tight = {"handletextpad": 0, "columnspacing": 1, "frameon": False}
    figure.legend(keys, words, loc="lower center", ncols=len(keys), fontsize=10, **tight)
    figure.subplots_adjust(left=0.03, right=0.95, bottom=0.14, top=0.92, wspace=0.12)
    return figure


def draw_correlations(
    values: Tensor, rows: Sequence[str], columns: Sequence[str], *, xlabel: str
) -> Axes:
    """A table of correlations (rows, columns) as colours; those of 0.3 and more as numbers too."""
    width, height = 0.32 * len(columns) + 1.6, 0.36 * len(rows) + 0.9
    ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
    grid = values.detach().cpu().numpy()
    drawn = ax.imshow(grid, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        if abs(value) >= 0.3:
            ink = "white" if abs(value) > 0.6 else "#111"  # on its own cell, not on the page
            ax.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=9, color=ink)
    ax.set_xticks(range(len(columns)), columns, fontsize=9)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xlabel(xlabel)
    ax.figure.colorbar(drawn, ax=ax, label="correlation")
    return ax
