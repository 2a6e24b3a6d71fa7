"""Figures of gradient estimators beside their exact values, and of medians with intervals.

Each function draws the numbers it is given and returns the Axes. Series differ in marker and dash
as well as in colour. Shapes: K estimates.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from torch import Tensor

from vae_teach.estimators.measure import Median
from vae_teach.maths.estimate import Estimate

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))


def _new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def draw_estimates(
    samples: Mapping[str, Tensor], truth: float, *, xlabel: str, ax: Axes | None = None
) -> Axes:
    """Histogram of single estimates (K,) per method on one axis, with the true value as a line.

    The axis spans the middle 98 % of the widest method; what lies beyond is left out of the frame.
    """
    ax = _new_axes(ax, (6.0, 2.9))
    ends = np.array([np.quantile(s.numpy(), [0.01, 0.99]) for s in samples.values()])
    bins = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 81).tolist()
    for (name, values), dash in zip(samples.items(), DASHES, strict=False):
        ax.hist(
            values.numpy(), bins, density=True, histtype="step", lw=1.6, ls=dash, label=name
        )  # fmt: skip
    ax.axvline(truth, color="black", lw=1, label=f"true gradient {truth:g}")
    ax.set(xlabel=xlabel, ylabel="density", xlim=(bins[0], bins[-1]))
    ax.legend()
    return ax


def draw_measured(
    x: Sequence[float],
    measured: Mapping[str, Sequence[Estimate]],
    exact: Mapping[str, Sequence[float]] | None = None,
    *,
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Measured values with 95 % intervals over x, log-log; closed forms as lines of one colour.

    Args:
        x: where each value was measured.
        measured: for each method one scalar `Estimate` per x.
        exact: for the same names the closed forms; a name without one is joined by a thin line.
        xlabel: quantity and unit.
        ylabel: quantity and unit.
        ax: where to draw; a new figure by default.

    Raises:
        ValueError: if a series has another length than x.
    """
    ax = _new_axes(ax, (5.4, 3.4))
    exact = exact or {}
    for name, series in (*measured.items(), *exact.items()):
        if len(series) != len(x):
            raise ValueError(f"{name} has {len(series)} values but x has {len(x)}")
    for i, (name, series) in enumerate(measured.items()):
        values = np.array([float(m.value) for m in series])
        low = np.array([float(m.interval()[0]) for m in series]).clip(min=1e-12)
        high = np.array([float(m.interval()[1]) for m in series])
        bars = ax.errorbar(
            x, values, [values - low, high - values], fmt=MARKERS[i], ms=5, capsize=3, label=name
        )
        line = exact.get(name, values)
        ax.plot(x, line, ls=DASHES[i], lw=1.2, color=bars[0].get_color())
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.set_xticks(list(x), [f"{value:g}" for value in x])
    ax.minorticks_off()
    bottom, top = ax.get_ylim()
    if top < 100 * bottom:  # powers of ten alone would leave an axis with a single number
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
    ax.legend()
    return ax


def draw_medians(
    rows: Mapping[str, Mapping[str, Median]], *, xlabel: str, ax: Axes | None = None
) -> Axes:
    """A row per name, a median with its interval per series; rows from top to bottom."""
    ax = _new_axes(ax, (5.8, 0.5 + 0.5 * len(rows)))
    series = list(dict.fromkeys(name for row in rows.values() for name in row))
    for i, name in enumerate(series):
        places = [
            k + 0.16 * (2 * i - len(series) + 1)
            for k, row in enumerate(rows.values())
            if name in row
        ]
        medians = [row[name] for row in rows.values() if name in row]
        values = np.array([m.value for m in medians])
        spread = [values - [m.low for m in medians], [m.high for m in medians] - values]
        ax.errorbar(
            values, places, xerr=spread, fmt=MARKERS[i], ms=5, capsize=3, label=name
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
