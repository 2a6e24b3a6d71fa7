"""Two tables of the results page that are read off the code: settings, and a KL made of layers.

`SOURCE_TABLES` names them. A table is its heads and its rows. Shapes: B batch, L latent.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.systems.table import FFL_DEFAULTS, FFL_RUNS

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


class Layer(NamedTuple):
    """One of Caffe's layers: what it reads, what it makes of it, and that in words."""

    name: str  # of the layer and of what it puts out
    kind: str
    reads: tuple[str, ...]
    words: str
    run: Callable[..., Tensor]


# mnist_vae.prototxt (github.com/cdoersch/vae_tutorial), from the heads to the sample and the loss.
DOERSCH_LAYERS = (
    Layer("sd", "Exp", ("logsd",), "σ", torch.exp),
    Layer("var", "Eltwise, product", ("sd", "sd"), "σ²", torch.mul),
    Layer("meansq", "Eltwise, product", ("mu", "mu"), "μ²", torch.mul),
    Layer(
        "kldiv_plus_half", "Eltwise, sum with coefficients", ("meansq", "var", "logsd"),
        "½μ² + ½σ² − log σ", lambda meansq, var, logsd: 0.5 * meansq + 0.5 * var - logsd,
    ),
    Layer("kldiv", "Power, shift", ("kldiv_plus_half",), "the same − ½", lambda x: x - 0.5),
    Layer("klloss", "Reduction", ("kldiv",), "summed over latents and batch", torch.sum),
    Layer("sdnoise", "Eltwise, product", ("noise", "sd"), "σε", torch.mul),
    Layer("sample", "Eltwise, sum", ("mu", "sdnoise"), "z = μ + σε", torch.add),
)  # fmt: skip


def run_layers(blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What every layer puts out, from "mu", "logsd" and "noise", each (B, L).

    A blob that is given is not computed: with "sd" given as 1 and "mu" as 0 this is the file's
    test phase, in which the sample is the noise and "logsd" is not needed.
    """
    made = dict(blobs)
    for layer in DOERSCH_LAYERS:
        if layer.name not in made and all(name in made for name in layer.reads):
            made[layer.name] = layer.run(*(made[name] for name in layer.reads))
    return made


def doersch_layers() -> Table:
    """Doersch's KL and his draw of z, layer by layer."""
    rows: list[tuple[str, ...]] = [
        (f"`{x.name}`", x.kind, ", ".join(x.reads), x.words) for x in DOERSCH_LAYERS
    ]
    return ("Layer", "Kind", "Reads", "Puts out"), rows


def ffl_settings() -> Table:
    """The class's defaults of Fast Forward Labs beside what its two runs are given."""
    rows: list[tuple[str, ...]] = []
    for name, default in FFL_DEFAULTS.items():
        given = [FFL_RUNS[run].get(name, default) for run in FFL_RUNS]
        rows.append((f"`{name}`", *(_number(value) for value in (default, *given))))
    return ("Setting", "`DEFAULTS`", *(f"`{run}`" for run in FFL_RUNS)), rows


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


SOURCE_TABLES: dict[str, Callable[[], Table]] = {
    "ffl-settings": ffl_settings,
    "doersch-layers": doersch_layers,
}
