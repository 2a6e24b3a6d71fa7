"""Graphical models: circles for random variables, shaded when observed, and a plate for repeats."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

RADIUS = 0.34
OBSERVED = "#80808070"


def _variable(ax: Axes, x: float, y: float, name: str, *, observed: bool = False) -> None:
    face = OBSERVED if observed else "none"
    ax.add_patch(Circle((x, y), RADIUS, facecolor=face, edgecolor="black", lw=1.3))
    ax.text(x, y, name, ha="center", va="center", fontsize=13)


def _arrow(ax: Axes, start: tuple, end: tuple, *, bend: float = 0.0, dashed: bool = False) -> None:
    style = {
        "arrowstyle": "-|>",
        "color": "black",
        "lw": 1.3,
        "ls": "--" if dashed else "-",
        "connectionstyle": f"arc3,rad={bend}",
        "shrinkA": 0,
        "shrinkB": 0,
    }
    ax.annotate("", end, start, arrowprops=style)


def draw_plate(*, inference: bool = False) -> Axes:
    """z -> x in a plate of N examples, with the decoder's parameters theta outside it.

    With `inference`, a dashed arrow from x to z and phi show the encoder, which belongs to the
    approximation q and not to the model. Source: Doersch (2016), figure 1; Kingma & Welling 2014.
    """
    ax = plt.subplots(figsize=(3.6, 3.1), layout="constrained")[1]
    ax.set(xlim=(-1.5, 2.3), ylim=(-1.0, 2.7), aspect="equal")
    ax.set_axis_off()
    plate = FancyBboxPatch((-0.75, -0.75), 1.75, 3.15, boxstyle="round,pad=0.08", fill=False)
    plate.set_edgecolor("black")
    ax.add_patch(plate)
    ax.text(0.98, -0.72, "i = 1 … N", ha="right", va="bottom", fontsize=10)
    _variable(ax, 0, 1.8, "zᵢ")
    _variable(ax, 0, 0.2, "xᵢ", observed=True)
    _arrow(ax, (0, 1.8 - RADIUS), (0, 0.2 + RADIUS))
    ax.text(1.8, 0.2, "θ", ha="center", va="center", fontsize=13)
    _arrow(ax, (1.62, 0.2), (RADIUS, 0.2))
    if inference:
        ax.text(-1.3, 1.8, "φ", ha="center", va="center", fontsize=13)
        _arrow(ax, (-1.15, 1.8), (-RADIUS, 1.8), dashed=True)
        _arrow(ax, (-0.24, 0.2 + 0.24), (-0.24, 1.8 - 0.24), bend=-0.35, dashed=True)
    return ax
