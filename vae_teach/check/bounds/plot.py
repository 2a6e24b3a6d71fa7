"""The check of `bound_plot` (chapter 9): a figure of the bound over the number of draws, read.

What a reader of the figure needs is there, and its curves do what a bound does.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import NOT_ATTEMPTED, Verdict
from vae_teach.check.engine.words import kind

LEAST_CURVES, LEAST_POINTS, LEAST_DRAWS = 3, 4, 500
NOISE = 0.3  # nats by which an estimate may fall from one K to the next

HINTS = {
    "no-axes": "You hand in {kind}: hand in the axes, as in figure, ax = plt.subplots().",
    "too-few-curves": "Your figure has fewer than three curves of four or more points: draw one "
    "for each seed.",
    "no-first-point": "One of your curves does not start at K = 1: there the bound is the ELBO.",
    "few-draws": "One of your curves ends before K = 500, where the bound still rises.",
    "even-axis": "Your K-axis is linear, so the small K stand on top of each other: use "
    "ax.set_xscale('log').",
    "no-x-label": "Your horizontal axis has no label: say that it is the number of draws, K.",
    "no-unit": "Your vertical axis does not say its unit: the bound is in nats per picture.",
    "no-legend": "Your figure has no legend: say which curve is which seed.",
    "same-curve": "Two of your curves are the same: change the seed of the model and that of fit.",
    "falls": "One of your curves falls by more than its noise: the bound rises with K, so look at "
    "log K and at the sign.",
    "flat": "One of your curves does not rise at all: at each K average weights, not logarithms.",
    "positive": "One of your curves lies above 0: log p(x) of a binary picture is negative.",
}


def _curves(ax: Axes) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lines that could be a bound over K: four points or more, from left to right."""
    found = []
    for line in ax.get_lines():
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        if len(x) >= LEAST_POINTS and np.isfinite([x, y]).all() and (np.diff(x) > 0).all():
            found.append((x, y))
    return found


def _fault(ax: Axes) -> str:
    """The name of the first thing that is wrong with the figure, or nothing."""
    curves = _curves(ax)
    values = [y for _, y in curves]
    wrong = {
        "too-few-curves": len(curves) < LEAST_CURVES,
        "no-first-point": any(x[0] != 1 for x, _ in curves),
        "few-draws": any(x[-1] < LEAST_DRAWS for x, _ in curves),
        "even-axis": ax.get_xscale() == "linear",
        "no-x-label": not ax.get_xlabel().strip(),
        "no-unit": "nat" not in ax.get_ylabel().lower(),
        "no-legend": ax.get_legend() is None,
        "same-curve": len({y.tobytes() for y in values}) < len(values),
        "positive": any((y > 0).any() for y in values),
        "falls": any((np.diff(y) < -NOISE).any() for y in values),
        "flat": any(y[-1] <= y[0] + 1e-6 for y in values),
    }
    return next((name for name, found in wrong.items() if found), "")


def _examine(ax: Any) -> None:
    if ax is None:
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(ax, Axes):
        raise Fault(HINTS["no-axes"].format(kind=kind(ax)))
    if name := _fault(ax):
        raise Fault(HINTS[name])


@check(HINTS)
def bound_plot(ax: Axes) -> Verdict:
    """Check the axes of a figure: L_K in nats over K, from 1 to 500 or more, for three seeds."""
    return deliver("bound_plot", lambda: _examine(ax))
