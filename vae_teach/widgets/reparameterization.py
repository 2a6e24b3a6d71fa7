"""The widget of chapter 5: a fixed row of noise, and samples that move with mu and sigma."""

import math
from pathlib import Path

import torch
import traitlets

from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.sliders import Slider, SliderWidget

_HERE = Path(__file__)


def _first_row() -> list[float]:
    """Ten draws of N(0, 1), the same in every new widget."""
    g = torch.Generator().manual_seed(6)
    return [round(value, 3) for value in torch.randn(10, generator=g).tolist()]


class Reparameterization(SliderWidget):
    """Move mu and log sigma^2: with the noise held still every sample has a path to follow.

    The objective is the average of z^2 over the row, whose expectation is mu^2 + sigma^2. All
    traits may be set, observed and linked; the arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = Slider(1.0, -2, 2, help="mean")
    logvar = Slider(0.0, -4, 1.5, help="log of the variance, log sigma^2")
    eps = traitlets.List(traitlets.Float(), help="the row of noise, N(0, 1)").tag(sync=True)
    redraw = traitlets.Bool(False, help="draw new noise at every move").tag(sync=True)
    seed = traitlets.Int(0, help="counts the rows of noise drawn in the browser").tag(sync=True)

    @traitlets.default("eps")
    def _default_eps(self) -> list[float]:
        return _first_row()

    @traitlets.validate("eps")
    def _check_eps(self, proposal: dict) -> list[float]:
        eps = proposal["value"]
        if not 1 <= len(eps) <= 40 or not all(map(math.isfinite, eps)):
            raise traitlets.TraitError(f"eps must be 1 to 40 finite numbers, but it is {eps}")
        return eps

    def __repr__(self) -> str:
        mode = "drawn again at every move" if self.redraw else "held still"
        return (
            f"Reparameterization(mu={self.mu:g}, logvar={self.logvar:g}, "
            f"{len(self.eps)} draws of noise, {mode})"
        )
