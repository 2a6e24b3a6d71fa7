"""The widget of chapter 3: two Gaussians, and their divergence computed three ways."""

from pathlib import Path

import traitlets

from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.sliders import Slider, SliderWidget

_HERE = Path(__file__)
_MEAN, _LOGVAR = (-3, 3), (-4, 2)
DRAWS = (10, 100, 1000)


class KLExplorer(SliderWidget):
    """Move q = N(mu, sigma^2) against p and read KL(q || p), or KL(p || q), in nats.

    p is N(0, 1) until it is moved, by the traits p_mu and p_logvar.
    The closed form, an integral with its signed areas and a sample of draws stand side by side.
    All traits may be set, observed and linked; the arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = Slider(0.8, *_MEAN, help="mean of q")
    logvar = Slider(-0.25, *_LOGVAR, help="log of the variance of q")
    p_mu = Slider(0.0, *_MEAN, help="mean of p")
    p_logvar = Slider(0.0, *_LOGVAR, help="log of the variance of p")
    reverse = traitlets.Bool(False, help="show KL(p || q) instead of KL(q || p)").tag(sync=True)
    draws = traitlets.Int(1000, help="draws of the sample: 10, 100 or 1000").tag(sync=True)
    seed = traitlets.Int(0, help="counts the rows of noise drawn in the browser").tag(sync=True)

    @traitlets.validate("draws")
    def _check_draws(self, proposal: dict) -> int:
        if proposal["value"] not in DRAWS:
            raise traitlets.TraitError(
                f"draws must be one of {DRAWS}, but it is {proposal['value']}"
            )
        return proposal["value"]

    def __repr__(self) -> str:
        name = "KL(p || q)" if self.reverse else "KL(q || p)"
        moved = (self.p_mu, self.p_logvar) != (0, 0)
        p = f"p_mu={self.p_mu:g}, p_logvar={self.p_logvar:g}, " if moved else ""
        return f"KLExplorer(mu={self.mu:g}, logvar={self.logvar:g}, {p}{name}, {self.draws} draws)"
