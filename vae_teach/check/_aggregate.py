"""The check of `aggregate_log_density` (chapter 7): how many codes of the data lie about z.

Shapes: M places z, N posteriors, L latent.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict
from vae_teach.evaluate.aggregate import log_mixture

LOG_2PI = math.log(2 * math.pi)


def _each(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z_m | mu_n, diag exp(logvar_n)) of each dimension, (M, N, L)."""
    squares = (z[:, None] - mu).square() * torch.exp(-logvar)
    return -0.5 * (squares + logvar + LOG_2PI)


def _mixed(each: Tensor) -> Tensor:
    """log of the average over the N, from terms (M, N, L)."""
    return torch.logsumexp(each.sum(-1), dim=1) - math.log(each.shape[1])


def _with(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The mixture with something added to each dimension's term: change(z, mu, logvar)."""
    return lambda z, mu, logvar: _mixed(_each(z, mu, logvar) + change(z, mu, logvar))


def _sigma_for_variance(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    squares = (z[:, None] - mu).square() * torch.exp(-0.5 * logvar)
    return _mixed(-0.5 * (squares + logvar + LOG_2PI))


def _one_gaussian(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    variance = logvar.exp().mean(dim=0, keepdim=True)
    return _mixed(_each(z, mu.mean(dim=0, keepdim=True), variance.log()))


def _case(m: int, n: int, size: int, **options) -> Case:
    g = torch.Generator().manual_seed(m * n)
    logvar = torch.randn(n, size, generator=g) - 1
    z, mu = torch.randn(m, size, generator=g), torch.randn(n, size, generator=g)
    return Case({"z": z, "mu": mu, "logvar": logvar}, **options)


def _far_away() -> Case:
    """Places some fifty standard deviations from every mean: each density underflows to 0."""
    case = _case(3, 4, 2, note="z lies far from every mean", hard=True)
    return Case({**case.args, "z": 40 + case.args["z"]}, note=case.note, hard=True)


AGGREGATE = Exercise(
    name="aggregate_log_density",
    right=log_mixture,
    cases=lambda: [_case(3, 5, 2), _case(4, 7, 3), _case(2, 3, 1), _far_away()],
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
            lambda *args: log_mixture(*args).exp(),
        ),
        Mistake(
            "negative",
            "The sign is flipped: a place where many codes lie has the larger log-density.",
            lambda *args: -log_mixture(*args),
        ),
        Mistake(
            "nearest-only",
            "You keep the largest of the N densities only: all of them count.",
            lambda *args: _each(*args).sum(-1).amax(dim=1) - math.log(len(args[1])),
        ),
        Mistake(
            "mean-over-dimensions",
            "You average over the latent dimensions: their log-densities add up.",
            lambda *args: _mixed(_each(*args).mean(-1, keepdim=True)),
        ),
        Mistake(
            "one-gaussian",
            "You average the parameters and take one Gaussian: average the N densities.",
            _one_gaussian,
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma = exp(logvar / 2).",
            lambda z, mu, logvar: log_mixture(z, mu, 2 * logvar),
        ),
        Mistake(
            "sigma-for-variance",
            "You divide the squared distance by sigma: divide it by sigma^2 = exp(logvar).",
            _sigma_for_variance,
        ),
        Mistake(
            "two-pi-missing",
            "The constant log(2 pi) / 2 of each dimension is missing.",
            _with(lambda *_: torch.tensor(0.5 * LOG_2PI)),
        ),
        Mistake(
            "normaliser-missing",
            "The term -logvar / 2 is missing: a narrow Gaussian is a high one.",
            _with(lambda z, mu, logvar: 0.5 * logvar),
        ),
        Mistake(
            "means-only",
            "You give every posterior the variance 1: its own is exp(logvar).",
            lambda z, mu, logvar: log_mixture(z, mu, torch.zeros_like(logvar)),
        ),
        Mistake(
            "each-pair",
            "You return the density of every z under every posterior: average over the N.",
            lambda *args: _each(*args).sum(-1),
        ),
        Mistake(
            "one-value",
            "You average over the places z: return one value for each, shape (M,).",
            lambda *args: log_mixture(*args).mean(),
        ),
        Mistake(
            "underflow",
            "Your values are right near the codes, but infinite far from them, where every "
            "density rounds to 0: use torch.logsumexp.",
            matches=lambda got, want, *args: not bool(got.isfinite().all()),
            hard=True,
        ),
    ),
)


def aggregate_log_density(student: Callable) -> Verdict:
    """Check f(z, mu, logvar) -> (M,): log of the average of N Gaussians (N, L) at z (M, L)."""
    return judge(student, AGGREGATE)
