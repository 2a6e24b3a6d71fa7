"""The widget of chapter 3: two Gaussians, and their divergence computed three ways."""

from pathlib import Path

import traitlets

from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.validation import within

_HERE = Path(__file__)
_MEAN, _LOGVAR = (-3.0, 3.0), (-4.0, 2.0)
LIMITS = {"mu": _MEAN, "logvar": _LOGVAR, "p_mu": _MEAN, "p_logvar": _LOGVAR}
DRAWS = (10, 100, 1000)


class KLExplorer(TeachingWidget):
    """Move q = N(mu, sigma^2) against p and read KL(q || p), or KL(p || q), in nats.

    p is N(0, 1) until it is moved, by the traits p_mu and p_logvar.
    The closed form, an integral with its signed areas and a sample of draws stand side by side.
    All traits may be set, observed and linked; the arithmetic runs in the browser.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "formula")

    mu = traitlets.Float(0.8, help="mean of q, from -3 to 3").tag(sync=True)
    logvar = traitlets.Float(-0.25, help="log of the variance of q, -4 to 2").tag(sync=True)
    p_mu = traitlets.Float(0.0, help="mean of p, from -3 to 3").tag(sync=True)
    p_logvar = traitlets.Float(0.0, help="log of the variance of p, -4 to 2").tag(sync=True)
    reverse = traitlets.Bool(False, help="show KL(p || q) instead of KL(q || p)").tag(sync=True)
    draws = traitlets.Int(1000, help="draws of the sample: 10, 100 or 1000").tag(sync=True)
    seed = traitlets.Int(0, help="counts the rows of noise drawn in the browser").tag(sync=True)

    @traitlets.validate("mu", "logvar", "p_mu", "p_logvar")
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
        moved = (self.p_mu, self.p_logvar) != (0, 0)
        p = f"p_mu={self.p_mu:g}, p_logvar={self.p_logvar:g}, " if moved else ""
        return f"KLExplorer(mu={self.mu:g}, logvar={self.logvar:g}, {p}{name}, {self.draws} draws)"
