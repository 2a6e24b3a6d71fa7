"""Checks for chapter 6b, evaluation: the importance-weighted bound, nats from squared errors, and
which results may stand in one ranking.

Shapes: K draws lead, B batch. Nats.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict

__all__ = ["gaussian_cost", "importance_bound", "may_be_ranked"]


def _bound(log_w: Tensor) -> Tensor:
    return log_w.logsumexp(0) - math.log(len(log_w))


def _weights(k: int, b: int, low: float, **options) -> Case:
    g = torch.Generator().manual_seed(10 * k + b)
    return Case({"log_w": low + 2 * torch.randn(k, b, generator=g)}, **options)


IMPORTANCE_BOUND = Exercise(
    name="importance_bound",
    right=_bound,
    cases=lambda: [
        _weights(4, 3, -1.0),
        _weights(7, 2, 0.0),
        _weights(3, 5, -2.0),
        _weights(5, 3, -400.0, note="log-weights near -400", hard=True),
        _weights(5, 3, 300.0, note="log-weights near 300", hard=True),
    ],
    gradients=("log_w",),
    mistakes=(
        Mistake(
            "mean-of-the-logs",
            "You average the log-weights, which is the ELBO: take the log of the mean weight.",
            lambda log_w: log_w.mean(0),
        ),
        Mistake(
            "log-k-missing",
            "You add the weights up: the bound holds their mean, so subtract log K.",
            lambda log_w: log_w.logsumexp(0),
        ),
        Mistake(
            "log-k-added",
            "You add log K: dividing the sum of the weights by K subtracts it.",
            lambda log_w: log_w.logsumexp(0) + math.log(len(log_w)),
        ),
        Mistake(
            "k-not-logged",
            "You subtract K: dividing by K inside a logarithm subtracts log K.",
            lambda log_w: log_w.logsumexp(0) - len(log_w),
        ),
        Mistake(
            "over-the-pictures",
            "You add up over the pictures: draws lead, so reduce axis 0 and keep one value each.",
            lambda log_w: log_w.logsumexp(1) - math.log(log_w.shape[1]),
        ),
        Mistake(
            "wrong-k",
            "You divide by the number of pictures: K is the number of draws, len(log_w).",
            lambda log_w: log_w.logsumexp(0) - math.log(log_w.shape[1]),
        ),
        Mistake(
            "not-a-logarithm",
            "Your values are mean weights: return their logarithm, which does not underflow.",
            lambda log_w: log_w.exp().mean(0),
        ),
        Mistake(
            "best-draw",
            "You keep the largest weight only: the bound averages over all draws.",
            lambda log_w: log_w.amax(0),
        ),
        Mistake(
            "loss",
            "The sign is flipped, as a loss would have it: return the bound itself.",
            lambda log_w: -_bound(log_w),
        ),
        Mistake(
            "averaged-over-pictures",
            "You average over the pictures: return one value per picture, shape (B,).",
            lambda log_w: _bound(log_w).mean(),
        ),
        Mistake(
            "overflow",
            "Your values are right for small weights, but infinite or NaN for log-weights of "
            "some hundreds: use torch.logsumexp, which never forms the weights.",
            matches=lambda got, want, log_w: not bool(got.isfinite().all()),
            hard=True,
        ),
    ),
)


def importance_bound(student: Callable) -> Verdict:
    """Check f(log_w (K, B)) -> (B,): the log of the mean weight over K draws, in nats."""
    return judge(student, IMPORTANCE_BOUND)


def _cost(squared_error: Tensor, n_pixels: int, sigma_x: float) -> Tensor:
    constant = 0.5 * n_pixels * math.log(2 * math.pi * sigma_x**2)
    return squared_error / (2 * sigma_x**2) + constant


def _errors(b: int, n_pixels: int, sigma_x: float) -> Case:
    g = torch.Generator().manual_seed(n_pixels)
    squared_error = 5 + 10 * torch.rand(b, generator=g)
    return Case({"squared_error": squared_error, "n_pixels": n_pixels, "sigma_x": sigma_x})


GAUSSIAN_COST = Exercise(
    name="gaussian_cost",
    right=_cost,
    cases=lambda: [_errors(3, 784, 0.5), _errors(4, 10, 0.1), _errors(2, 64, 2.0)],
    gradients=("squared_error",),
    mistakes=(
        Mistake(
            "constant-missing",
            "The constant of the density is missing: add D/2 log(2 pi sigma_x^2).",
            lambda s, d, sigma: s / (2 * sigma**2),
        ),
        Mistake(
            "bare-error",
            "You return the squared error itself: divide by 2 sigma_x^2 and add the constant.",
            lambda s, d, sigma: s,
        ),
        Mistake(
            "half-missing",
            "You divide the error by sigma_x^2: the exponent of a Gaussian has 2 sigma_x^2.",
            lambda s, d, sigma: _cost(2 * s, d, sigma),
        ),
        Mistake(
            "sigma-for-variance",
            "You read sigma_x as the variance: it is a standard deviation, so square it.",
            lambda s, d, sigma: _cost(s, d, math.sqrt(sigma)),
        ),
        Mistake(
            "constant-of-one-pixel",
            "Your constant is that of one pixel: there are n_pixels of them.",
            lambda s, d, sigma: s / (2 * sigma**2) + 0.5 * math.log(2 * math.pi * sigma**2),
        ),
        Mistake(
            "half-of-the-constant",
            "Your constant is twice the right one: it is log(2 pi sigma_x^2) / 2 per pixel.",
            lambda s, d, sigma: s / (2 * sigma**2) + d * math.log(2 * math.pi * sigma**2),
        ),
        Mistake(
            "two-pi-missing",
            "Your constant lacks 2 pi: it is D/2 log(2 pi sigma_x^2).",
            lambda s, d, sigma: s / (2 * sigma**2) + d * math.log(sigma),
        ),
        Mistake(
            "constant-subtracted",
            "The constant has the wrong sign: a wider density is lower, so it costs more.",
            lambda s, d, sigma: s / sigma**2 - _cost(s, d, sigma),
        ),
        Mistake(
            "log-likelihood",
            "You return log p(x | z): the cost is its negative.",
            lambda s, d, sigma: -_cost(s, d, sigma),
        ),
        Mistake(
            "averaged-over-pictures",
            "You average over the pictures: return one cost per picture, shape (B,).",
            lambda s, d, sigma: _cost(s, d, sigma).mean(),
        ),
        Mistake(
            "per-pixel",
            "You divide by the number of pixels: return the cost of the whole picture.",
            lambda s, d, sigma: _cost(s, d, sigma) / d,
        ),
    ),
)


def gaussian_cost(student: Callable) -> Verdict:
    """Check f(squared_error (B,), n_pixels, sigma_x) -> (B,): -log p(x | z) in nats."""
    return judge(student, GAUSSIAN_COST)


BASE = {
    "data": "mnist test",
    "treatment": "stochastic",
    "likelihood": "bernoulli",
    "number": "log p(x)",
    "draws": 5_000,
    "model": "784-400-20",
    "epochs": 10,
    "seed": 0,
}
ALWAYS = ("data", "treatment", "likelihood", "number")


def _rank(a: dict, b: dict, keys: tuple[str, ...] = ALWAYS, *, draws: str = "log p(x)") -> bool:
    """Whether these keys agree, and the draws too where the number is `draws` ("" for never)."""
    same_draws = a["draws"] == b["draws"] or a["number"] != draws
    return all(a[key] == b[key] for key in keys) and same_draws


def _pairs() -> list[Case]:
    elbo = {"number": "ELBO"}
    changes = [
        ({}, {"model": "784-200-200-50", "epochs": 100}),
        ({}, {"seed": 1}),
        ({}, {"treatment": "grey"}),
        ({}, {"treatment": "threshold", "seed": 1}),
        ({}, {"data": "mnist training"}),
        ({}, {"likelihood": "continuous bernoulli"}),
        ({}, elbo),
        ({}, {"draws": 50}),
        (elbo | {"draws": 1}, elbo | {"draws": 16, "model": "784-500-2"}),
    ]
    return [Case({"a": BASE | first, "b": BASE | second}) for first, second in changes]


def _without(key: str) -> Callable[[dict, dict], bool]:
    return lambda a, b: _rank(a, b, tuple(k for k in ALWAYS if k != key))


MAY_BE_RANKED = Exercise(
    name="may_be_ranked",
    right=_rank,
    cases=_pairs,
    mistakes=(
        Mistake(
            "treatment-ignored",
            "You rank results on differently treated pixels: those are different data sets.",
            _without("treatment"),
        ),
        Mistake(
            "data-ignored",
            "You rank a result on training pictures with one on test pictures.",
            _without("data"),
        ),
        Mistake(
            "likelihood-ignored",
            "You rank results under different likelihoods: a Bernoulli gives probabilities, "
            "a continuous Bernoulli densities.",
            _without("likelihood"),
        ),
        Mistake(
            "number-ignored",
            "You rank an ELBO with an estimate of log p(x): the first is lower for every model.",
            _without("number"),
        ),
        Mistake(
            "draws-ignored",
            "You rank estimates of log p(x) with different draws: they rise with K.",
            lambda a, b: _rank(a, b, draws=""),
        ),
        Mistake(
            "draws-of-an-elbo",
            "You refuse two ELBOs with different draws: more draws make an ELBO less noisy, "
            "but do not move its mean.",
            lambda a, b: _rank(a, b, (*ALWAYS, "draws")),
        ),
        Mistake(
            "model-must-agree",
            "You refuse to rank different models: that is what a ranking is for.",
            lambda a, b: _rank(a, b, (*ALWAYS, "model", "epochs")),
        ),
        Mistake(
            "seed-must-agree",
            "You refuse results of different seeds: a seed is no part of what is measured.",
            lambda a, b: _rank(a, b, (*ALWAYS, "seed")),
        ),
        Mistake(
            "everything-must-agree",
            "You rank only results that agree in everything, which leaves nothing to compare: "
            "ask which entries change the meaning of the number.",
            lambda a, b: a == b,
        ),
        Mistake(
            "reversed",
            "You have it the wrong way round: True says that the two may stand in one ranking.",
            lambda a, b: not _rank(a, b),
        ),
    ),
)


def may_be_ranked(student: Callable) -> Verdict:
    """Check f(a, b) -> bool for two protocols: whether their results may stand in one ranking."""
    return judge(student, MAY_BE_RANKED)


_TABLES = (IMPORTANCE_BOUND, GAUSSIAN_COST, MAY_BE_RANKED)
HINTS = {table.name: table.hints for table in _TABLES}
