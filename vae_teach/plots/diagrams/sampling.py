"""Where the randomness of a VAE sits: the two training graphs, and the trick as a graph.

Sampling is red with a dashed edge and losses are blue with a double edge, so that neither is told
by colour alone. A thick green line is the way the decoder's loss flows back.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, RegularPolygon

# Translucent: letters in the page's own colour can be read on a light and on a dark page.
FILL = {"plain": "#80808020", "data": "#dd9a1138", "sampling": "#d0453c48", "loss": "#2f76c440"}
EDGE = {"plain": "black", "data": "black", "sampling": "#d0453c", "loss": "#2f76c4"}
BACK = "#1b8f43"
Point = tuple[float, float]
SAMPLED = "sample z from\nN(μ(x), Σ(x))"


class Node(NamedTuple):
    """One box: its text, its centre, what it is, and its width where the text does not tell."""

    text: str
    x: float
    y: float
    kind: str = "plain"
    width: float | None = None


# Doersch's Figure 4, bottom to top. The boxes below are the same with and without the trick.
SHARED = {
    "x": Node("x", 0.0, 0.0, "data"),
    "encoder": Node("encoder q", 0.0, 1.0),
    "mu": Node("μ(x)", -0.75, 2.0),
    "sigma": Node("Σ(x)", 0.75, 2.0),
    "kl": Node("KL[ N(μ, Σ)\n‖ N(0, I) ]", -2.7, 3.2, "loss"),
    "decoder": Node("decoder p", 0.0, 5.0),
    "f": Node("f(z)", 0.0, 6.0),
    "error": Node("‖x − f(z)‖²", 0.0, 7.0, "loss"),
}
EDGES = [("x", "encoder"), ("encoder", "mu"), ("encoder", "sigma"), ("mu", "kl"), ("sigma", "kl")]
EDGES += [("decoder", "f"), ("f", "error")]


def training_graph(trick: bool) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """Boxes and arrows of the training-time VAE, sampling inside or outside the network."""
    if not trick:
        nodes = SHARED | {"z": Node(SAMPLED, 0.0, 3.8, "sampling")}
        return nodes, [*EDGES, ("mu", "z"), ("sigma", "z"), ("z", "decoder")]
    nodes = SHARED | {
        "noise": Node("sample ε\nfrom N(0, I)", 2.65, 3.0, "sampling"),
        "times": Node(r"$\Sigma^{1/2}\,\varepsilon$", 0.75, 3.0, width=0.95),
        "plus": Node("+", 0.0, 4.0),
    }
    path = [("sigma", "times"), ("noise", "times"), ("times", "plus"), ("mu", "plus")]
    return nodes, [*EDGES, *path, ("plus", "decoder")]


def reached_from(loss: str, nodes: dict[str, Node], edges: list[tuple[str, str]]) -> set[str]:
    """The boxes that backpropagation reaches from `loss`: it stops where a sample is drawn."""
    reached, frontier = {loss}, [loss]
    while frontier:
        here = frontier.pop()
        for source, target in edges:
            if target == here and source not in reached and nodes[here].kind != "sampling":
                reached.add(source)
                frontier.append(source)
    return reached


def draw_box(ax: Axes, node: Node) -> Patch:
    """Draw a node and return its outline, where arrows begin and end."""
    width = node.width or max(0.62, 0.175 * max(map(len, node.text.split("\n"))) + 0.18)
    height = 0.36 + 0.34 * node.text.count("\n")
    for grown in (0.0, 0.07) if node.kind == "loss" else (0.0,):
        outline = FancyBboxPatch(
            (node.x - width / 2 - grown, node.y - height / 2 - grown),
            width + 2 * grown,
            height + 2 * grown,
            boxstyle="round,pad=0.06",
            fc=FILL[node.kind] if not grown else "none",
            ec=EDGE[node.kind],
            ls="--" if node.kind == "sampling" else "-",
            lw=1.4,
            zorder=3,
        )
        ax.add_patch(outline)
    ax.text(node.x, node.y, node.text, ha="center", va="center", fontsize=9, zorder=4)
    return outline


def draw_arrow(ax: Axes, start: Point, end: Point, outlines: tuple, *, back: bool) -> None:
    """An arrow forward; where the gradient comes back, a thick green line under it."""
    between = {"patchA": outlines[0], "patchB": outlines[1], "shrinkA": 1, "shrinkB": 1}
    if back:
        style = {"arrowstyle": "-", "color": BACK, "lw": 7, "alpha": 0.45, **between}
        ax.annotate("", end, start, arrowprops=style, zorder=1)
    style = {"arrowstyle": "->", "color": "black", "lw": 1.2, **between}
    ax.annotate("", end, start, arrowprops=style, zorder=2)


def _draw_training(ax: Axes, trick: bool) -> None:
    nodes, edges = training_graph(trick)
    reached = reached_from("error", nodes, edges) - {"x", "noise"}  # nothing there is learned
    outlines = {name: draw_box(ax, node) for name, node in nodes.items()}
    for source, target in edges:
        back = {source, target} <= reached and nodes[target].kind != "sampling"
        start, end = ((nodes[name].x, nodes[name].y) for name in (source, target))
        draw_arrow(ax, start, end, (outlines[source], outlines[target]), back=back)
    ax.set_title("with the trick" if trick else "without the trick", fontsize=11)
    ax.set(xlim=(-3.95, 3.95), ylim=(-0.5, 7.5), aspect="equal")
    ax.set_axis_off()


def draw_training_graphs() -> Figure:
    """The training-time VAE twice: sampling inside the network, and sampling as an input."""
    figure, axes = plt.subplots(1, 2, figsize=(6.9, 4.1), layout="constrained")
    for ax, trick in zip(axes, (False, True), strict=True):
        _draw_training(ax, trick)
    return figure


def _draw_shape(ax: Axes, place: Point, text: str, random: bool) -> Patch:
    """A circle for a random variable, a diamond for a deterministic one; returns its outline."""
    if random:
        shape: Patch = Circle(place, 0.36, fc=FILL["sampling"], ec=EDGE["sampling"], ls="--")
    else:
        shape = RegularPolygon(place, 4, radius=0.46, fc=FILL["plain"], ec=EDGE["plain"])
    shape.set(lw=1.4, zorder=3)
    ax.add_patch(shape)
    ax.text(*place, text, ha="center", va="center", fontsize=11, zorder=4)
    return shape


def draw_trick_as_graph() -> Figure:
    """Kingma's picture of the trick: circles are random variables, diamonds are computed."""
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.9), layout="constrained")
    titles = ("z is drawn", "z is computed from drawn noise")
    for ax, title, trick in zip(axes, titles, (False, True), strict=True):
        places = {"φ": (0.0, 0.0), "x": (1.4, 0.0), "z": (0.7, 1.3), "f": (0.7, 2.6)}
        if trick:
            places["ε"] = (2.4, 0.6)
        outlines = {
            name: _draw_shape(ax, place, name, random=name == "ε" or (name == "z" and not trick))
            for name, place in places.items()
        }
        for source, target in [("φ", "z"), ("x", "z"), ("ε", "z"), ("z", "f")]:
            if source in places:
                back = source == "z" or (trick and source == "φ")
                ends = (outlines[source], outlines[target])
                draw_arrow(ax, places[source], places[target], ends, back=back)
        ax.set_title(title, fontsize=11)
        ax.set(xlim=(-0.7, 3.0), ylim=(-0.6, 3.2), aspect="equal")
        ax.set_axis_off()
    return figure
