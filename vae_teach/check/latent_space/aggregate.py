"""The check of `aggregate_log_density` (chapter 10): how many codes of the data lie about z.

Shapes: M places z, N posteriors, L latent.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.terms import wrong_factor
from vae_teach.check.engine.verdict import Verdict

LOG_2PI = math.log(2 * math.pi)


def _each(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z_m | mu_n, diag exp(logvar_n)) of each dimension, (M, N, L)."""
    squares = (z[:, None] - mu).square() * torch.exp(-logvar)
    return -0.5 * (squares + logvar + LOG_2PI)


def _mixed(each: Tensor) -> Tensor:
    """log of the average over the N, from terms (M, N, L)."""
    return torch.logsumexp(each.sum(-1), dim=1) - math.log(each.shape[1])


def _right(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _mixed(_each(z, mu, logvar))


def _build(
    square: float = 1, log: float = 1, constant: float = 1, whole: float = 1
) -> Callable[..., Tensor]:
    """The mixture with the terms of each Gaussian multiplied by a factor."""

    def answer(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        squares = (z[:, None] - mu).square() * torch.exp(-logvar)
        return _mixed(-0.5 * whole * (square * squares + log * logvar + constant * LOG_2PI))

    return answer


_TERMS = {
    "square": "Your term -(z - mu)^2 / (2 sigma^2)",
    "log": "Your term -logvar / 2",
    "constant": "Your term -log(2 pi) / 2 of each dimension",
    "whole": "The log-density of each of your Gaussians",
}


def _divided_by(n: Callable[..., float]) -> Callable[..., Tensor]:
    """The sum of the densities divided by another number than N: n(z, mu)."""
    return lambda z, mu, logvar: _right(z, mu, logvar) + math.log(len(mu) / n(z, mu))


def _with_one_largest(*args: Tensor) -> Tensor:
    """The mixture with the largest of all log-densities taken out before exp."""
    each = _each(*args).sum(-1)
    return (each - each.max()).exp().mean(1).log() + each.max()


def _spread(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The mixture with another variance of the squares: change(logvar)."""

    def answer(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        squares = (z[:, None] - mu).square() / change(logvar)
        return _mixed(-0.5 * (squares + logvar + LOG_2PI))

    return answer


def _one_gaussian(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    variance = logvar.exp().mean(dim=0, keepdim=True)
    return _mixed(_each(z, mu.mean(dim=0, keepdim=True), variance.log()))


def _gaussian_of_the_averages(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _mixed(_each(z, mu.mean(dim=0, keepdim=True), logvar.mean(dim=0, keepdim=True)))


def _gaussian_of_the_moments(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    variance = mu.var(dim=0, correction=0) + logvar.exp().mean(dim=0)
    return _mixed(_each(z, mu.mean(dim=0, keepdim=True), variance.log()[None]))


def _case(m: int, n: int, size: int, **options) -> Case:
    g = torch.Generator().manual_seed(m * n)
    logvar = torch.randn(n, size, generator=g) - 1
    z, mu = torch.randn(m, size, generator=g), torch.randn(n, size, generator=g)
    return Case({"z": z, "mu": mu, "logvar": logvar}, **options)


def _at_all_distances() -> Case:
    """Posteriors hundreds of standard deviations apart, and places near none, at all distances."""
    case = _case(3, 4, 2)
    places = torch.tensor([40.0, 150.0, 400.0])[:, None]
    means = torch.tensor([300.0, 0.0, 100.0, 200.0])[:, None]
    args = case.args | {"z": case.args["z"] + places, "mu": case.args["mu"] + means}
    return Case(args, note="posteriors far from each other", hard=True)


def _far_from_the_origin() -> Case:
    """Places and codes some units apart, and 600 from 0."""
    case = _case(4, 5, 2)
    moved = {name: case.args[name] + 600 for name in ("z", "mu")}
    moved["logvar"] = case.args["logvar"].clamp(-2, 1)  # ordinary, so that nothing else fails here
    return Case(case.args | moved, note="codes far from the origin", hard=True)


AGGREGATE = Exercise(
    name="aggregate_log_density",
    right=_right,
    cases=lambda: [
        _case(3, 5, 2),
        _case(4, 7, 3),
        _case(2, 3, 1),
        _at_all_distances(),
        _far_from_the_origin(),
    ],
    roles={"z": Role("BL"), "mu": Role("NL"), "logvar": Role("NL", LOGVAR)},
    ones="BNL",
    explain=wrong_factor(_TERMS, _build),
    mistakes=(
        Mistake(
            "mean-of-logs",
            "You average the logarithms: average the densities and take the logarithm afterwards.",
            lambda *args: _each(*args).sum(-1).mean(dim=1),
        ),
        Mistake(
            "sum-over-posteriors",
            "You add the N densities up: divide by N, or subtract log N, so that it integrates "
            "to 1.",
            lambda *args: torch.logsumexp(_each(*args).sum(-1), dim=1),
        ),
        Mistake(
            "not-a-logarithm",
            "Your values are densities: return their logarithm.",
            lambda *args: _right(*args).exp(),
        ),
        Mistake(
            "negative",
            "The sign is flipped: a place where many codes lie has the larger log-density.",
            lambda *args: -_right(*args),
        ),
        Mistake(
            "nearest-only",
            "You keep the largest of the N densities only: all of them count.",
            (
                lambda *args: _each(*args).sum(-1).amax(dim=1) - math.log(len(args[1])),
                lambda *args: _each(*args).sum(-1).amax(dim=1),
            ),
        ),
        Mistake(
            "mean-over-dimensions",
            "You average over the latent dimensions: their log-densities add up.",
            lambda *args: _mixed(_each(*args).mean(-1, keepdim=True)),
        ),
        Mistake(
            "one-gaussian",
            "You take one Gaussian for all N: average the N densities.",
            (_one_gaussian, _gaussian_of_the_averages, _gaussian_of_the_moments),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma = exp(logvar / 2).",
            lambda z, mu, logvar: _right(z, mu, 2 * logvar),
        ),
        Mistake(
            "sigma-for-variance",
            "You divide the squared distance by sigma: divide it by sigma^2 = exp(logvar).",
            _spread(lambda logvar: (0.5 * logvar).exp()),
        ),
        Mistake(
            "variance-multiplied",
            "You multiply the squared distance by the variance: divide by it.",
            _spread(lambda logvar: (-logvar).exp()),
        ),
        Mistake(
            "logvar-as-sigma",
            "You take logvar for sigma: sigma = exp(logvar / 2).",
            (
                lambda z, mu, logvar: _right(z, mu, 2 * logvar.abs().log()),
                lambda z, mu, logvar: _right(z, mu, logvar.abs().log()),
            ),
        ),
        Mistake(
            "distance-not-squared",
            "You do not square the distance: the exponent has (z - mu)^2.",
            (
                lambda z, mu, logvar: _mixed(
                    -0.5 * ((z[:, None] - mu) / logvar.exp() + logvar + LOG_2PI)
                ),
                lambda z, mu, logvar: _mixed(
                    -0.5 * ((z[:, None] - mu).abs() / logvar.exp() + logvar + LOG_2PI)
                ),
            ),
        ),
        Mistake(
            "constant-once",
            "You subtract log(2 pi) / 2 once: every latent dimension has its own.",
            lambda z, mu, logvar: _build(constant=0)(z, mu, logvar) - 0.5 * LOG_2PI,
        ),
        Mistake(
            "pi-without-its-two",
            "Your constant has log(pi): it is log(2 pi) / 2 for each dimension.",
            _build(constant=math.log(math.pi) / LOG_2PI),
        ),
        Mistake(
            "places-for-posteriors",
            "You divide by the number of places z: divide by N, the number of posteriors.",
            _divided_by(lambda z, mu: len(z)),
        ),
        Mistake(
            "dimensions-for-posteriors",
            "You divide by the number of dimensions: divide by N, the number of posteriors.",
            _divided_by(lambda z, mu: mu.shape[1]),
        ),
        Mistake(
            "one-less",
            "You divide by N - 1: a mean divides by N.",
            _divided_by(lambda z, mu: len(mu) - 1),
        ),
        Mistake(
            "log-n-added",
            "You add log N: dividing the sum by N subtracts it.",
            _divided_by(lambda z, mu: 1 / len(mu)),
        ),
        Mistake(
            "n-not-logged",
            "You subtract N: dividing by N inside a logarithm subtracts log N.",
            lambda *args: _right(*args) + math.log(len(args[1])) - len(args[1]),
        ),
        Mistake(
            "log-n-for-each-dimension",
            "You subtract log N in every dimension: subtract it once, after the sum over them.",
            lambda *args: _right(*args) - (args[1].shape[1] - 1) * math.log(len(args[1])),
        ),
        Mistake(
            "product-of-mixtures",
            "You average each dimension's densities and multiply then: sum over the dimensions "
            "first, and average the N whole densities.",
            lambda *args: (torch.logsumexp(_each(*args), dim=1) - math.log(len(args[1]))).sum(-1),
        ),
        Mistake(
            "prior",
            "You return the log-density of N(0, I): the aggregate posterior is made of the N.",
            lambda z, mu, logvar: -0.5 * (z.square() + LOG_2PI).sum(-1),
        ),
        Mistake(
            "over-the-places",
            "You sum over the places z: average over the N posteriors, and keep the places.",
            lambda *args: torch.logsumexp(_each(*args).sum(-1), dim=0) - math.log(len(args[0])),
        ),
        Mistake(
            "means-only",
            "You give every posterior the variance 1: its own is exp(logvar).",
            lambda z, mu, logvar: _right(z, mu, torch.zeros_like(logvar)),
        ),
        Mistake(
            "each-pair",
            "You return the density of every z under every posterior: average over the N.",
            lambda *args: _each(*args).sum(-1),
        ),
        Mistake(
            "one-value",
            "You average over the places z: return one value for each, shape (M,).",
            lambda *args: _right(*args).mean(),
        ),
        Mistake(
            "one-largest-for-all",
            "You take one number out of the log-densities of all places: take each place's own "
            "largest, or torch.logsumexp(..., dim=1).",
            matches=lambda got, want, *args: agree(got, _with_one_largest(*args)),
            hard=True,
        ),
        Mistake(
            "square-expanded",
            "Your values are right for codes near 0, but not far from it: subtract mu from z "
            "first, then square, for the terms of the expanded square cancel badly there.",
            matches=lambda got, want, z, mu, logvar: (
                bool(got.isfinite().all()) and (agree(got, want) or z.abs().min() > 500)
            ),
            hard=True,
        ),
        Mistake(
            "underflow",
            "Your values are right near the codes, but infinite or NaN where densities are too "
            "small for a float: use torch.logsumexp, which takes each place's largest out first.",
            matches=lambda got, want, *args: agree(got, want) or not bool(got.isfinite().all()),
            hard=True,
        ),
    ),
)


@check(AGGREGATE)
def aggregate_log_density(student: Callable) -> Verdict:
    """Check f(z, mu, logvar) -> (M,): log of the average of N Gaussians (N, L) at z (M, L)."""
    return judge(student, AGGREGATE)
