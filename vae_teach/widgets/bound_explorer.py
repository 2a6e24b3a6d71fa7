"""The widget of chapter 4: a Gaussian q over an exact posterior, and the sum that stays."""

from pathlib import Path

from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.sliders import Slider, SliderWidget

_HERE = Path(__file__)


class BoundExplorer(SliderWidget):
    """Move q = N(mu, sigma^2): ELBO + KL(q || p(z|x)) stays at log p(x), and so bounds it.

    The model has p(z) = N(0, 1) and p(x|z) = N(z^2, sigma_x^2): with x > 0 its posterior has two
    humps, and no Gaussian closes the gap. All traits may be set, observed and linked; the
    arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = Slider(0.5, -3, 3, help="mean of q")
    logvar = Slider(-1.0, -6, 1, help="log of q's variance, log sigma^2")
    x = Slider(1.5, -1, 4, help="the data point")
    sigma_x = Slider(0.5, 0.3, 2, help="observation noise of the model")

    def __repr__(self) -> str:
        return (
            f"BoundExplorer(mu={self.mu:g}, logvar={self.logvar:g}, "
            f"x={self.x:g}, sigma_x={self.sigma_x:g})"
        )
