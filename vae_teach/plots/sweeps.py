"""Figures of one setting of a sweep: where it lies among the others, and pictures of its model."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes


def mark_setting(ax: Axes, settings: Sequence[tuple[Sequence, Sequence]], chosen: int) -> Axes:
    """Grey dots of every setting, and over them those of the chosen one, large and in colour.

    Args:
        ax: what is drawn on; its labels and limits are the caller's.
        settings: for each setting the places of its runs, across and up.
        chosen: place of a setting among them.

    Raises:
        ValueError: if there is no such setting.
    """
    if not 0 <= chosen < len(settings):
        raise ValueError(f"chosen is {chosen}, but there are {len(settings)} settings")
    for i, (across, up) in enumerate(settings):
        here = i == chosen
        ax.plot(
            across, up, "o", ms=7 if here else 3, color="C3" if here else "0.6", zorder=2 + here
        )
    return ax


def draw_sheets(ax: Axes, sheets: Mapping[str, np.ndarray], *, height: float = 0.25) -> Axes:
    """Sheets of pictures (height, width), 1 is ink, under one another, each below its name.

    Args:
        ax: its place is shared out; its own frame is hidden.
        sheets: by name, the first on top.
        height: of a sheet, as a share of `ax`.
    """
    ax.set_axis_off()
    for row, (name, sheet) in enumerate(sheets.items()):
        box = ax.inset_axes((0, 1 - (row + 0.8) / len(sheets), 1, height))
        box.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
        box.set_title(name, fontsize=9, loc="left", pad=2)
        box.set_axis_off()
    return ax
