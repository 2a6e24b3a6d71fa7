"""The check of `bound_plot` (chapter 9): a figure of the bound over the number of draws, read.

What a reader of the figure needs is there, and its curves do what a bound does.
"""

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import require_measured, require_nats_per_picture
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import NOT_ATTEMPTED, Verdict
from vae_teach.check.engine.words import kind

LEAST_CURVES, LEAST_POINTS, LEAST_DRAWS = 3, 4, 500
NOISE = 0.3  # nats by which an estimate may fall from one K to the next
SEEDS_APART = 0.02  # nats; models of three seeds lie ten times as far apart
EXACT = 1e-6  # of the values: two numbers that agree so far are one

HINTS = {
    "no-axes": "You hand in {kind}: hand in the axes, as in figure, ax = plt.subplots().",
    "too-few-curves": "Your figure has fewer than three curves of four or more points: draw one "
    "for each seed.",
    "no-first-point": "One of your curves does not start at K = 1: there the bound is the ELBO.",
    "log-of-the-draws": "One of your curves starts at 0, which is log K: draw K itself, and give "
    "the axis a logarithmic scale.",
    "axes-exchanged": "Your curves have the bound on the horizontal axis: K belongs there.",
    "no-numbers": "One of your curves has a point that is NaN or infinite.",
    "few-draws": "One of your curves ends before K = 500, where the bound still rises.",
    "even-axis": "Your K-axis is linear, so the small K stand on top of each other: use "
    "ax.set_xscale('log').",
    "no-x-label": "Your horizontal axis has no label: say that it is the number of draws, K.",
    "no-unit": "Your vertical axis does not say its unit: the bound is in nats per picture.",
    "no-legend": "Your figure has no legend with an entry for each curve: say which curve is which "
    "seed.",
    "same-curve": "Two of your curves are the same: change the seed of the model and that of fit.",
    "one-curve-moved": "Two of your curves are one curve, moved or stretched by one number: two "
    "seeds give two models, whose curves also differ in shape.",
    "one-model": "Your curves lie within 0.02 nats of each other at every K: that is the noise of "
    "the draws of one model, so train one for each seed.",
    "straight": "One of your curves is exactly straight, which no bound is: draw what you "
    "measured.",
    "falls": "One of your curves falls by more than its noise: the bound rises with K, so look at "
    "log K and at the sign.",
    "flat": "One of your curves does not rise at all: at each K average weights, not logarithms.",
    "positive": "One of your curves lies above 0: log p(x) of a binary picture is negative.",
}


def _curves(ax: Axes) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lines that could be a bound over K, in the order of K: four different K or more."""
    found = []
    bars = [c for c in ax.containers if isinstance(c, ErrorbarContainer)]
    caps = {line for bar in bars for line in bar.lines[1]}
    for line in [line for line in ax.get_lines() if line not in caps]:
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        if len(np.unique(x)) == len(x) >= LEAST_POINTS:
            order = np.argsort(x)
            found.append((x[order], y[order]))
    return found


def _pairs(curves: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Every two curves that have the same K, as rows."""
    return [
        np.stack([a, b])
        for (x, a), (other, b) in itertools.combinations(curves, 2)
        if np.array_equal(x, other)
    ]


def _is_straight(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a curve climbs by one number a point, or by one number a factor in K."""
    slopes = np.diff(y), np.diff(y) / np.diff(np.log(x))
    return any(np.ptp(slope) <= EXACT * np.abs(y).max() < np.abs(slope).max() for slope in slopes)


def _fault_of_the_figure(ax: Axes, curves: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """The name of the first thing that a reader of the figure lacks, or nothing."""
    values, legend = [y for _, y in curves], ax.get_legend()
    wrong = {
        "too-few-curves": len(curves) < LEAST_CURVES,
        "no-numbers": not all(np.isfinite(y).all() for y in values),
        "log-of-the-draws": any(x[0] == 0 for x, _ in curves),
        "axes-exchanged": all((x < 0).all() and (y > 0).all() for x, y in curves),
        "no-first-point": any(x[0] != 1 for x, _ in curves),
        "few-draws": any(x[-1] < LEAST_DRAWS for x, _ in curves),
        "even-axis": ax.get_xscale() == "linear",
        "no-x-label": not ax.get_xlabel().strip(),
        "no-unit": "nat" not in ax.get_ylabel().lower(),
        "no-legend": legend is None or len(legend.get_texts()) < LEAST_CURVES,
    }
    return next((name for name, found in wrong.items() if found), "")


def _fault_of_the_curves(curves: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """The name of the first thing that no bounds of three models do, or nothing."""
    values = [y for _, y in curves]
    pairs = _pairs(curves)
    gaps = [a - b for a, b in pairs]
    wrong = {
        "same-curve": len({y.tobytes() for y in values}) < len(values),
        "straight": any(_is_straight(x, y) for x, y in curves),
        "falls": any((np.diff(y) < -NOISE).any() for y in values),
        "flat": any(y[-1] <= y[0] + 1e-6 for y in values),
        "one-model": len(gaps) > 1 and all((np.abs(gap) < SEEDS_APART).all() for gap in gaps),
        "one-curve-moved": any(
            np.ptp(b - a) < EXACT * np.abs(a).max() or np.ptp(b / a) < EXACT for a, b in pairs
        ),
    }
    return next((name for name, found in wrong.items() if found), "")


def _examine(ax: Any) -> None:
    if ax is None:
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(ax, Axes):
        raise Fault(HINTS["no-axes"].format(kind=kind(ax)))
    curves = _curves(ax)
    if name := _fault_of_the_figure(ax, curves):
        raise Fault(HINTS[name])
    if any((y > 0).any() for _, y in curves):
        raise Fault(HINTS["positive"])
    for _, values in curves:
        require_nats_per_picture(values.tolist(), "figure")
    require_measured(np.concatenate([values for _, values in curves]).tolist(), "figure")
    if name := _fault_of_the_curves(curves):
        raise Fault(HINTS[name])


@check(HINTS)
def bound_plot(ax: Axes) -> Verdict:
    """Check the axes of a figure: L_K in nats over K, from 1 to 500 or more, for three seeds."""
    return deliver("bound_plot", lambda: _examine(ax))
