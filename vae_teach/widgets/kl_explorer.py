"""The widget of chapter 3: one Gaussian against N(0, 1), and the divergence computed three ways."""

from pathlib import Path

import traitlets

from vae_teach.widgets.base import TeachingWidget
from vae_teach.widgets.bundle import bundle, sheet
from vae_teach.widgets.validation import within

_HERE = Path(__file__)
LIMITS = {"mu": (-3.0, 3.0), "logvar": (-4.0, 2.0)}
DRAWS = (10, 100, 1000)


class KLExplorer(TeachingWidget):
    """Move q = N(mu, sigma^2) against p = N(0, 1) and read KL(q || p), or KL(p || q), in nats.

    The closed form, an integral with its signed areas and a sample of draws stand side by side.
    All traits may be set, observed and linked; the arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = traitlets.Float(0.8, help="mean of q, from -3 to 3").tag(sync=True)
    logvar = traitlets.Float(-0.25, help="log of the variance of q, -4 to 2").tag(sync=True)
    reverse = traitlets.Bool(False, help="show KL(p || q) instead of KL(q || p)").tag(sync=True)
    draws = traitlets.Int(100, help="draws of the sample: 10, 100 or 1000").tag(sync=True)
    seed = traitlets.Int(0, help="counts the rows of noise drawn in the browser").tag(sync=True)

    @traitlets.validate("mu", "logvar")
    def _check_range(self, proposal: dict) -> float:
        return within(proposal, LIMITS)

    @traitlets.validate("draws")
    def _check_draws(self, proposal: dict) -> int:
        if proposal["value"] not in DRAWS:
            raise traitlets.TraitError(
                f"draws must be one of {DRAWS}, but it is {proposal['value']}"
            )
        return proposal["value"]

    def __repr__(self) -> str:
        name = "KL(p || q)" if self.reverse else "KL(q || p)"
        return f"KLExplorer(mu={self.mu:g}, logvar={self.logvar:g}, {name}, {self.draws} draws)"
