"""The check of `collapsed_dimensions` (chapter 10): which latent dimensions carry nothing.

Shapes: N pictures, L latent.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.gaussian import kl_to_standard_normal

THRESHOLD = 0.01

# (centre of the means, their standard deviation, sigma): what dimensions of an encoder do
KINDS = {
    "in use": (0.0, 0.95, 0.3),
    "collapsed": (0.0, 0.002, 1.0),
    "collapsed off centre": (1.5, 0.0, 1.0),
    "barely in use": (0.0, 0.15, 0.985),
    "nearly collapsed": (0.0, 0.05, 1.0),
    "narrow but constant": (0.0, 0.0, 0.3),
    "in use, off centre": (0.8, 0.5, 0.8),
    "just collapsed": (0.0, 0.09, 0.99),
    "just in use": (0.0, 0.105, 0.99),
    "faintly moving": (0.0, 0.02, 1.0),
    "sd just above 0.01": (0.0, 0.0115, 1.0),
    "sd just below 0.01": (0.0, 0.0085, 1.0),
    "sharp and nearly constant": (0.0, 0.05, 0.05),
    "in use and vague": (0.0, 0.2, 5.0),
    "in use, twenty times the others": (0.0, 20.0, 0.3),
    "in use for the last pictures only": (0.0, 0.3, 0.8),
}
LATE = "in use for the last pictures only"


def _case(n: int, kinds: tuple[str, ...]) -> Case:
    g = torch.Generator().manual_seed(n)
    centre, spread, sigma = torch.tensor([KINDS[kind] for kind in kinds]).T
    noise = torch.randn(n, len(kinds), generator=g)
    if LATE in kinds:
        noise[: 3 * n // 4, kinds.index(LATE)] = 0
    noise = (noise - noise.mean(dim=0)) / noise.std(dim=0)  # so that the spread is exact
    logvar = 2 * sigma.log().expand(n, -1) + 0.01 * torch.randn(n, len(kinds), generator=g)
    return Case({"mu": centre + spread * noise, "logvar": logvar})


def _right(mu: Tensor, logvar: Tensor) -> Tensor:
    return mu.var(dim=0, correction=0) < THRESHOLD


def _variance_of_draws(mu: Tensor, logvar: Tensor) -> Tensor:
    """Var(z) over the data: the variance of the means plus the mean of the variances."""
    return mu.var(dim=0) + logvar.exp().mean(dim=0)


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """One dimension that is answered wrongly, and by how much its means vary."""
    if any(((got != 0) & (got != 1)).any() for got in gots):
        return None
    for got, want, case in zip(gots, wants, cases, strict=True):
        for i in (got != want).nonzero()[:, 0].tolist():
            mu, logvar = (case.args[name][:, i].double() for name in ("mu", "logvar"))
            said, than = ("in use", "less") if want[i] else ("collapsed", "more")
            varies, lies = mu.var(correction=0).item(), round(mu.mean().item(), 3) + 0.0
            sigma = (logvar / 2).exp().mean().item()
            return (
                f"You call a dimension {said} whose mean varies by {varies:.2g} over the pictures, "
                f"{than} than 0.01 (it lies about {lies:.2g}, and sigma about {sigma:.2g})."
            )
    return None


COLLAPSED = Exercise(
    name="collapsed_dimensions",
    right=_right,
    cases=lambda: [
        _case(200, tuple(KINDS)),
        _case(150, ("barely in use", "collapsed off centre", "in use", "narrow but constant")),
        _case(120, ("collapsed", "nearly collapsed", "narrow but constant")),
    ],
    roles={"mu": Role("NL"), "logvar": Role("NL", LOGVAR)},
    ones="L",
    fixed="N",
    explain=_explain,
    mistakes=(
        Mistake(
            "none",
            "You mark no dimension at all: some of these have a mean that varies by less than "
            "0.01.",
            lambda mu, logvar: torch.zeros(mu.shape[1]),
        ),
        Mistake(
            "all",
            "You mark every dimension: some of these have a mean that varies by more than 0.01.",
            lambda mu, logvar: torch.ones(mu.shape[1]),
        ),
        Mistake(
            "active-instead",
            "You mark the dimensions that are in use: mark those that are not.",
            lambda mu, logvar: ~_right(mu, logvar),
        ),
        Mistake(
            "variance-of-the-draws",
            "You take the variance of z, to which the noise sigma^2 adds: take that of the means.",
            lambda *args: _variance_of_draws(*args) < THRESHOLD,
        ),
        Mistake(
            "looks-normal",
            "You ask whether z looks like N(0, 1): a dimension in use may look so too, "
            "and a collapsed one may lie off centre.",
            lambda *args: (_variance_of_draws(*args) - 1).abs() < 0.1,
        ),
        Mistake(
            "standard-deviation",
            "You compare the standard deviation with 0.01: it is the variance that counts.",
            lambda mu, logvar: mu.std(dim=0) < THRESHOLD,
        ),
        Mistake(
            "second-moment",
            "You average mu^2: a mean that is the same for every picture carries nothing, "
            "wherever it lies.",
            lambda mu, logvar: mu.square().mean(dim=0) < THRESHOLD,
        ),
        Mistake(
            "mean-near-zero",
            "You look at the average of the means: it says where they lie, not whether they move.",
            lambda mu, logvar: mu.mean(dim=0).abs() < THRESHOLD,
        ),
        Mistake(
            "kl",
            "You compare the KL term with 0.01: a dimension can cost nats and carry nothing, "
            "or cost little and carry a little.",
            lambda mu, logvar: (
                kl_to_standard_normal(mu[..., None], logvar[..., None]).mean(dim=0) < THRESHOLD
            ),
        ),
        Mistake(
            "sigma-near-one",
            "You look at sigma: a dimension carries something if its means differ, "
            "however exact they are.",
            lambda mu, logvar: (logvar.exp().mean(dim=0) - 1).abs() < 0.1,
        ),
        Mistake(
            "variances",
            "You return the variances: compare them with 0.01.",
            lambda mu, logvar: mu.var(dim=0),
        ),
        Mistake(
            "number",
            "You count the collapsed dimensions: return True or False for each.",
            lambda mu, logvar: _right(mu, logvar).sum(),
        ),
        Mistake(
            "one-answer",
            "You give one answer for all dimensions: take the variance over the pictures, "
            "dim=0, and return True or False for each dimension.",
            matches=lambda got, want, mu, logvar: got.shape == (),
        ),
        Mistake(
            "each-picture",
            "You answer for every picture apart: a dimension has collapsed if its mean varies "
            "little over all pictures.",
            matches=lambda got, want, mu, logvar: got.shape == mu.shape,
        ),
        Mistake(
            "total-of-squares",
            "You add the squared deviations up: a variance is their mean over the pictures.",
            lambda mu, logvar: (mu - mu.mean(0)).square().sum(0) < THRESHOLD,
        ),
        Mistake(
            "absolute-deviation",
            "You average the absolute deviations: a variance averages their squares.",
            lambda mu, logvar: (mu - mu.mean(0)).abs().mean(0) < THRESHOLD,
        ),
        Mistake(
            "over-dimensions",
            "You take the variance over the dimensions of one picture: take it over the pictures.",
            matches=lambda got, want, mu, logvar: got.shape == mu.shape[:1],
        ),
        Mistake(
            "indices",
            "You return the numbers of the collapsed dimensions: return True or False for each.",
            lambda mu, logvar: _right(mu, logvar).nonzero()[:, 0],
        ),
    ),
)


@check(COLLAPSED)
def collapsed_dimensions(student: Callable) -> Verdict:
    """Check f(mu, logvar) -> (L,): True where the means (N, L) vary by less than 0.01."""
    return judge(student, COLLAPSED)
