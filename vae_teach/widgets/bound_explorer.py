"""The widget of chapter 4: a Gaussian q over an exact posterior, and the sum that stays."""

from pathlib import Path

import traitlets

from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.validation import within

_HERE = Path(__file__)
# mirrored in bound_explorer.js
LIMITS = {"mu": (-3.0, 3.0), "logvar": (-6.0, 1.0), "x": (-1.0, 4.0), "sigma_x": (0.3, 2.0)}


class BoundExplorer(TeachingWidget):
    """Move q = N(mu, sigma^2): ELBO + KL(q || p(z|x)) stays at log p(x), and so bounds it.

    The model has p(z) = N(0, 1) and p(x|z) = N(z^2, sigma_x^2): with x > 0 its posterior has two
    humps, and no Gaussian closes the gap. All traits may be set, observed and linked; the
    arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = traitlets.Float(0.5, help="mean of q, from -3 to 3").tag(sync=True)
    logvar = traitlets.Float(-1.0, help="log of q's variance, log sigma^2, -6 to 1").tag(sync=True)
    x = traitlets.Float(1.5, help="the data point, from -1 to 4").tag(sync=True)
    sigma_x = traitlets.Float(0.5, help="observation noise of the model, 0.3 to 2").tag(sync=True)

    @traitlets.validate("mu", "logvar", "x", "sigma_x")
    def _check_range(self, proposal: dict) -> float:
        return within(proposal, LIMITS)

    def __repr__(self) -> str:
        return (
            f"BoundExplorer(mu={self.mu:g}, logvar={self.logvar:g}, "
            f"x={self.x:g}, sigma_x={self.sigma_x:g})"
        )
