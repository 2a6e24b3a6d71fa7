"""The CVAE while it trains and while it draws: where the condition goes, and what is left out.

The boxes and their colours are those of `diagrams_sampling`: red and dashed is drawn at random,
blue with a double edge is a loss. Source: Doersch 2016 (arXiv:1606.05908), Figure 6.
"""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from vae_teach.plots.diagrams.sampling import Node, draw_arrow, draw_box

Graph = tuple[dict[str, Node], list[tuple[str, str]]]


def conditional_graph(training: bool) -> Graph:
    """Boxes and arrows of the CVAE; while it draws, the encoder and both losses are gone."""
    nodes = {
        "c": Node("condition c", 3.1, 2.4, "data"),
        "decoder": Node("decoder p", 0.0, 5.0),
        "f": Node("f(z, c)", 0.0, 6.0),
    }
    edges = [("c", "decoder"), ("decoder", "f"), ("z", "decoder")]
    if not training:
        nodes["z"] = Node("sample z\nfrom N(0, I)", 0.0, 3.6, "sampling")
        return nodes, edges
    nodes |= {
        "x": Node("x", 0.0, 0.0, "data"),
        "encoder": Node("encoder q", 0.0, 1.0),
        "mu": Node("μ(x, c)", -0.8, 2.1),
        "sigma": Node("Σ(x, c)", 0.8, 2.1),
        "kl": Node("KL[ N(μ, Σ)\n‖ N(0, I) ]", -2.6, 3.5, "loss"),
        "noise": Node("sample ε\nfrom N(0, I)", -2.6, 5.0, "sampling"),
        "z": Node("z = μ + √Σ ε", 0.0, 3.6),
        "error": Node("−log p(x | z, c)", 0.0, 7.0, "loss"),
    }
    edges += [("x", "encoder"), ("c", "encoder"), ("encoder", "mu"), ("encoder", "sigma")]
    edges += [("mu", "kl"), ("sigma", "kl"), ("mu", "z"), ("sigma", "z"), ("noise", "z")]
    return nodes, [*edges, ("f", "error")]


def draw_cvae() -> Figure:
    """The CVAE twice: while it trains, and while it draws."""
    figure, axes = plt.subplots(1, 2, figsize=(6.9, 4.1), layout="constrained")
    for ax, training in zip(axes, (True, False), strict=True):
        nodes, edges = conditional_graph(training)
        outlines = {name: draw_box(ax, node) for name, node in nodes.items()}
        for source, target in edges:
            start, end = ((nodes[name].x, nodes[name].y) for name in (source, target))
            draw_arrow(ax, start, end, (outlines[source], outlines[target]), back=False)
        ax.set_title("while it trains" if training else "while it draws", fontsize=11)
        ax.set(xlim=(-3.9, 4.3), ylim=(-0.5, 7.5), aspect="equal")
        ax.set_axis_off()
    return figure
