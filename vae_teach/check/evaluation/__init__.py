"""Checks for chapter 8, evaluation: nats from squared errors, which results may stand in one
ranking, and the luck of a seed.

Shapes: B batch. Nats.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, Result, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.terms import wrong_term
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import listed


def _cost(squared_error: Tensor, n_pixels: int, sigma_x: float) -> Tensor:
    constant = 0.5 * n_pixels * math.log(2 * math.pi * sigma_x**2)
    return squared_error / (2 * sigma_x**2) + constant


def _errors(b: int, n_pixels: int, sigma_x: float) -> Case:
    g = torch.Generator().manual_seed(n_pixels)
    squared_error = min(1.0, 100 * sigma_x**2) * (5 + 10 * torch.rand(b, generator=g))
    return Case({"squared_error": squared_error, "n_pixels": n_pixels, "sigma_x": sigma_x})


_COST_TERMS = {
    "Your term squared_error / (2 sigma_x^2)": lambda s, d, sigma: s / (2 * sigma**2),
    "Your term n_pixels / 2 log(2 pi)": lambda s, d, sigma: (
        0.5 * d * math.log(2 * math.pi) * torch.ones_like(s)
    ),
    "Your term n_pixels log(sigma_x)": lambda s, d, sigma: d * math.log(sigma) * torch.ones_like(s),
}


GAUSSIAN_COST = Exercise(
    name="gaussian_cost",
    right=_cost,
    cases=lambda: [
        _errors(3, 64, 0.5),
        _errors(4, 10, 0.1),
        _errors(2, 40, 2.0),
        _errors(5, 784, 0.3),
        _errors(3, 20, 1.5),
        _errors(3, 30, 0.01),
    ],
    roles={"squared_error": Role("B")},
    explain=wrong_term(_COST_TERMS, groups={"Your constant": tuple(_COST_TERMS)[1:]}),
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
            "sigma-in-the-constant",
            "Your constant has log(2 pi sigma_x): it is the variance that stands there, "
            "log(2 pi sigma_x^2).",
            lambda s, d, sigma: s / (2 * sigma**2) + 0.5 * d * math.log(2 * math.pi * sigma),
        ),
        Mistake(
            "sigma-in-the-exponent",
            "You divide the squared error by 2 sigma_x: divide it by 2 sigma_x^2.",
            lambda s, d, sigma: s / (2 * sigma) + 0.5 * d * math.log(2 * math.pi * sigma**2),
        ),
        Mistake(
            "multiplied-by-the-variance",
            "You multiply the squared error by the variance: divide by 2 sigma_x^2, for a wide "
            "Gaussian minds an error less.",
            (
                lambda s, d, sigma: s * 2 * sigma**2 + _cost(0 * s, d, sigma),
                lambda s, d, sigma: s * sigma**2 / 2 + _cost(0 * s, d, sigma),
            ),
        ),
        Mistake(
            "pi-without-its-two",
            "Your constant has log(pi sigma_x^2): it is log(2 pi sigma_x^2).",
            lambda s, d, sigma: s / (2 * sigma**2) + 0.5 * d * math.log(math.pi * sigma**2),
        ),
        Mistake(
            "root-not-taken-apart",
            "You add the root of 2 pi sigma_x^2 for each pixel: add its logarithm.",
            lambda s, d, sigma: s / (2 * sigma**2) + d * math.sqrt(2 * math.pi * sigma**2),
        ),
        Mistake(
            "mean-over-pixels",
            "You divide the squared error by the number of pixels: it is the sum that counts.",
            lambda s, d, sigma: _cost(s / d, d, sigma),
        ),
        Mistake(
            "squared-again",
            "You square the squared error once more.",
            lambda s, d, sigma: _cost(s**2, d, sigma),
        ),
        Mistake(
            "root-of-the-error",
            "You take the root of the squared error: it is the square that stands in the exponent.",
            lambda s, d, sigma: _cost(s.sqrt(), d, sigma),
        ),
        Mistake(
            "variance-twice",
            "You square sigma_x twice: sigma_x^2 is the variance.",
            lambda s, d, sigma: _cost(s, d, sigma**2),
        ),
        Mistake(
            "pictures-for-pixels",
            "Your constant counts the pictures: it counts the pixels, n_pixels.",
            lambda s, d, sigma: _cost(s, len(s), sigma),
        ),
        Mistake(
            "one-number-of-pixels",
            "Your constant is that of 784 pixels: there are n_pixels of them.",
            lambda s, d, sigma: _cost(s, 784, sigma),
        ),
        Mistake(
            "one-spread",
            "You keep sigma_x^2 = 1/2, the chapter's case: divide by 2 sigma_x^2, in the constant "
            "too.",
            lambda s, d, sigma: _cost(s, d, math.sqrt(0.5)),
        ),
        Mistake(
            "density",
            "You return the density p(x | z), which underflows: return -log p(x | z).",
            lambda s, d, sigma: (-_cost(s, d, sigma)).exp(),
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


@check(GAUSSIAN_COST)
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


def _rank(a: dict, b: dict) -> bool:
    return all(a[key] == b[key] for key in ALWAYS) and _draws_agree(a, b)


def _draws_agree(a: dict, b: dict) -> bool:
    return a["number"] == "ELBO" or a["draws"] == b["draws"]


_ELBO = {"number": "ELBO"}
_OTHER = {"data": "omniglot test", "treatment": "threshold", "seed": 3, "draws": 64}
_GREY = {"treatment": "grey", "likelihood": "continuous bernoulli"}

# What one pair shows: what the first has, what the second has, what to tell whoever gets it wrong.
_PAIRS: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("models", {}, {"model": "784-200-200-50", "epochs": 100},
     "You refuse results that differ in the model and its training: to compare these is what a "
     "ranking is for."),
    ("seeds", {}, {"seed": 1},
     "You refuse results that differ in the seed only: it is no part of what is measured."),
    ("same", {}, {},
     "You refuse two results of one protocol: a model trained again may stand in the ranking."),
    ("other-models", _OTHER, _OTHER | {"model": "784-500-2"},
     "You rank only what is measured as in the example: any two results may be ranked whose "
     "protocols measure the same thing."),
    ("elbos-of-models", _GREY | _ELBO, _GREY | _ELBO | {"model": "784-500-2"},
     "You refuse the ELBOs of two models: measured alike, they can be ranked as estimates of "
     "log p(x) can."),
    ("treatment", {}, {"treatment": "grey"},
     "You rank results on differently treated pixels: those are different data sets."),
    ("treatment", _OTHER, _OTHER | {"treatment": "stochastic"}, ""),
    ("treatment", _ELBO, _ELBO | {"treatment": "threshold", "seed": 1}, ""),
    ("data", {}, {"data": "mnist training"},
     "You rank results on different pictures, such as training and test pictures."),
    ("data", {}, {"data": "omniglot test"}, ""),
    ("data", _ELBO, _ELBO | {"data": "fashion-mnist test"}, ""),
    ("likelihood", {}, {"likelihood": "continuous bernoulli"},
     "You rank results under different likelihoods: a Bernoulli gives probabilities, "
     "a continuous Bernoulli densities."),
    ("likelihood", _GREY | _ELBO, _GREY | _ELBO | {"likelihood": "gaussian"}, ""),
    ("number", {}, _ELBO,
     "You rank an ELBO with an estimate of log p(x): the first is lower for every model."),
    ("number", {"draws": 64}, _ELBO | {"draws": 64}, ""),
    ("draws", {}, {"draws": 50},
     "You rank estimates of log p(x) with different numbers of draws: they rise with the number."),
    ("draws", {}, {"draws": 1_000}, ""),
    ("draws", {"draws": 64}, {"draws": 65, "model": "784-500-2"}, ""),
    ("draws", {"draws": 100_000}, {"draws": 200_000}, ""),
    ("draws", {"draws": 1}, {"draws": 2}, ""),
    ("draws-of-an-elbo", _ELBO | {"draws": 1}, _ELBO | {"draws": 16, "model": "784-500-2"},
     "You refuse two ELBOs with different draws: more draws make an ELBO less noisy, "
     "but do not move its mean."),
    ("draws-of-an-elbo", _ELBO | {"draws": 1}, _ELBO | {"draws": 5_000}, ""),
)  # fmt: skip


def _pairs() -> list[Case]:
    """Each pair of protocols in both orders: a comparison must be symmetric.

    Equal entries are objects of their own, as from two files: `is` is no comparison.
    """
    return [
        Case(
            {"a": _read(BASE | left), "b": _read(BASE | right)},
            note=f"they differ in {_differing(left, right)}",
        )
        for _, one, two, _ in _PAIRS
        for left, right in ((one, two), (two, one))
    ]


def _read(protocol: dict) -> dict:
    return json.loads(json.dumps(protocol))


def _differing(left: dict, right: dict) -> str:
    a, b = BASE | left, BASE | right
    return listed(key for key in BASE if a[key] != b[key]) or "nothing"


@dataclass(frozen=True)
class _Shown(Mistake):
    """A mistake that some of the pairs show: what is said of them is true of each of them."""

    def explains(self, gots: list[Result], wants: list[Result], cases: Sequence[Case]) -> bool:
        if any(got.shape != () or got not in (0, 1) for (got,) in gots):
            return False
        names = [name for name, *_ in _PAIRS for _ in range(2)]
        return any(
            name == self.name and got != want
            for name, (got,), (want,) in zip(names, gots, wants, strict=True)
        )


def _constant(value: bool) -> Callable[..., bool]:
    return lambda a, b: value


MAY_BE_RANKED = Exercise(
    name="may_be_ranked",
    right=_rank,
    cases=_pairs,
    mistakes=(
        Mistake(
            "always",
            "You answer True for every pair: results under different protocols may differ by "
            "hundreds of nats for one and the same model.",
            _constant(True),
        ),
        Mistake(
            "never",
            "You answer False for every pair: ask which entries change the meaning of the number.",
            _constant(False),
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
        Mistake(
            "identity",
            "You compare with `is`, which asks for one and the same object: compare with ==.",
            lambda a, b: _rank(a, b) and (a["number"] == "ELBO" or a["draws"] is b["draws"]),
        ),
        *(_Shown(name, hint) for name, _, _, hint in _PAIRS if hint),
    ),
)


@check(MAY_BE_RANKED)
def may_be_ranked(student: Callable) -> Verdict:
    """Check f(a, b) -> bool for two protocols: whether their results may stand in one ranking."""
    return judge(student, MAY_BE_RANKED)
