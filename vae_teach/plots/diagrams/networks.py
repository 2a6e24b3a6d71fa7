"""Box-and-arrow pictures of networks, drawn from the modules themselves."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import nn

# Translucent: letters in the page's own colour can be read on a light and on a dark page.
BOX_COLOURS = {
    "data": "#2277bb38",
    "hidden": "#80808028",
    "code": "#dd771150",
    "noise": "#1b8f4338",
}
COLUMN = 6.9  # inches: as wide as the text of a page


def layer_labels(chain: nn.Module) -> list[str]:
    """One label per dense layer of a chain, its activation on a second line."""
    labels: list[str] = []
    for layer in chain.children():
        if isinstance(layer, nn.Linear):
            labels.append(f"dense {layer.out_features}")
        else:
            labels[-1] += f"\n{type(layer).__name__.lower()}"
    return labels


def _box(ax: Axes, x: float, y: float, text: str, kind: str) -> None:
    patch = FancyBboxPatch(
        (x - 0.42, y - 0.28),
        0.84,
        0.56,
        boxstyle="round,pad=0.02",
        fc=BOX_COLOURS[kind],
        ec="black",
    )
    ax.add_patch(patch)
    ax.text(x, y, text, ha="center", va="center", fontsize=9)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "black", "lw": 1.2})


def _brace(ax: Axes, first: float, last: float, height: float, text: str) -> None:
    """Name a run of boxes with a line above them."""
    ax.plot([first - 0.4, last + 0.4], [height, height], color="black")
    ax.text((first + last) / 2, 0.54, text, ha="center", style="italic")


def _canvas(columns: int, low: float = -0.5, high: float = 0.75) -> Axes:
    ax = plt.subplots(
        figsize=(min(1.25 * columns, COLUMN), 1.45 * (high - low)), layout="constrained"
    )[1]
    ax.set(xlim=(-0.55, columns - 0.45), ylim=(low, high))
    ax.set_axis_off()
    return ax


def draw_autoencoder(model: nn.Module) -> Axes:
    """Input, encoder layers, code, decoder layers, output of an `Autoencoder`, left to right."""
    encoder, decoder = (
        layer_labels(model.get_submodule("encoder")),
        layer_labels(model.get_submodule("decoder")),
    )
    boxes = [(f"x\n{model.n_pixels} pixels", "data")]
    boxes += [(label, "hidden") for label in encoder[:-1]]
    boxes += [(f"code z\n{encoder[-1].removeprefix('dense ')}", "code")]
    boxes += [(label, "hidden") for label in decoder[:-1]]
    boxes += [(f"output\n{decoder[-1].removeprefix('dense ')}", "data")]
    ax = _canvas(len(boxes))
    for column, (label, kind) in enumerate(boxes):
        _box(ax, column, 0, label, kind)
        if column:
            _arrow(ax, (column - 0.56, 0), (column - 0.44, 0))
    code = len(encoder)
    _brace(ax, 0, code, 0.4, "encoder")
    _brace(ax, code, len(boxes) - 1, 0.48, "decoder")
    return ax


def draw_vae(model: nn.Module) -> Axes:
    """The block diagram of a `VAE`: two heads, noise as an input, and the decoder."""
    trunk, decoder = (
        layer_labels(model.get_submodule("trunk")),
        layer_labels(model.get_submodule("decoder")),
    )
    before, n = 1 + len(trunk), model.latent_dim
    ax = _canvas(before + 2 + len(decoder), low=-1.1, high=0.85)
    boxes: list[tuple[float, float, str, str]] = []
    boxes += [(0, 0, f"x\n{model.n_pixels} pixels", "data")]
    boxes += [(1 + i, 0, label, "hidden") for i, label in enumerate(trunk)]
    boxes += [(before, 0.5, f"μ\ndense {n}", "code"), (before, -0.3, f"logvar\ndense {n}", "code")]
    boxes += [(before + 1, 0.1, "z = μ + σ ε", "code"), (before + 1, -0.72, "ε ~ N(0, I)", "noise")]
    boxes += [(before + 2 + i, 0.1, label, "hidden") for i, label in enumerate(decoder[:-1])]
    last = before + 1 + len(decoder)
    boxes += [(last, 0.1, f"logits\n{decoder[-1].removeprefix('dense ')}", "data")]
    for box in boxes:
        _box(ax, *box)
    for column in range(1, before):
        _arrow(ax, (column - 0.56, 0), (column - 0.44, 0))
    for y in (0.5, -0.3):
        _arrow(ax, (before - 0.56, 0), (before - 0.44, y))
        _arrow(ax, (before + 0.44, y), (before + 0.56, 0.1))
    _arrow(ax, (before + 1, -0.42), (before + 1, -0.2))
    for column in range(before + 2, last + 1):
        _arrow(ax, (column - 0.56, 0.1), (column - 0.44, 0.1))
    return ax


def draw_generation(model: nn.Module) -> Axes:
    """A `VAE` that draws: a code from the prior and the decoder, and no encoder."""
    decoder = layer_labels(model.get_submodule("decoder"))
    boxes = [(f"z ~ N(0, I)\n{model.latent_dim}", "code")]
    boxes += [(label, "hidden") for label in decoder[:-1]]
    boxes += [(f"logits\n{decoder[-1].removeprefix('dense ')}", "data")]
    ax = _canvas(len(boxes), high=0.5)
    for column, (label, kind) in enumerate(boxes):
        _box(ax, column, 0, label, kind)
        if column:
            _arrow(ax, (column - 0.56, 0), (column - 0.44, 0))
    return ax
