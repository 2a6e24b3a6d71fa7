"""Chapter 10's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.latent_space import aggregate, collapsed

ANSWERS = {"mixture_table"}


def mixtures(sizes=None, **changed):
    """A right table, with entries changed."""
    sizes = {1: -28.6, 5: -28.1, 10: -28.0, 20: -28.4} if sizes is None else sizes
    right = {"validation": sizes, "chosen": 10, "test": -28.05, "one_gaussian": -28.55}
    return right | changed


def table(z, mu, logvar):
    """log N(z_m | mu_n) of each pair, (M, N)."""
    return Normal(mu, logvar.div(2).exp()).log_prob(z[:, None]).sum(-1)


def mixture(z, mu, logvar):
    return table(z, mu, logvar).logsumexp(1) - math.log(len(mu))


def mixture_by_torch(z, mu, logvar):
    equal = Categorical(logits=torch.zeros(len(mu)))
    parts = Independent(Normal(mu, torch.exp(logvar / 2)), 1)
    return MixtureSameFamily(equal, parts).log_prob(z)


def mixture_by_loop(z, mu, logvar):
    out = []
    for place in z.double().numpy():
        logs = [
            multivariate_normal.logpdf(place, m, np.diag(np.exp(v)))
            for m, v in zip(mu.double().numpy(), logvar.double().numpy(), strict=True)
        ]
        out.append(logsumexp(logs) - np.log(len(logs)))
    return np.array(out)


def by_hand(z, mu, logvar, *, spread=None, half_log=0.5, constant=True):
    variance = logvar.exp() if spread is None else spread(logvar)
    terms = -0.5 * (z[:, None] - mu) ** 2 / variance - half_log * logvar
    terms = terms - 0.5 * math.log(2 * math.pi) if constant else terms
    return torch.logsumexp(terms.sum(-1), 1) - math.log(mu.shape[0])


RIGHT = {
    "mixture_table": {
        "four-sizes": mixtures(),
        "more-sizes": mixtures(
            {1: -5.0, 2: -4.5, 4: -4.0, 8: -4.1, 16: -5.0}, chosen=4, test=-4.2, one_gaussian=-5.1
        ),
        "tensors": mixtures(
            {n: torch.tensor(-1.1 * n) for n in (1, 2, 3, 4)} | {2: 3.0},
            chosen=2,
            test=2.8,
            one_gaussian=-1.2,
        ),
        "numbers-of-numpy": mixtures(
            {np.int64(1): np.float64(-28.6), 5.0: -28.1, 10: -28.0, torch.tensor(20): -28.4}
        ),
        "one-is-best": mixtures(
            {1: -28.37, 2: -28.39, 4: -28.44, 8: -28.6}, chosen=1, test=-28.4, one_gaussian=-28.4
        ),
        "hardly-better": mixtures(
            {1: -28.377, 2: -28.374, 4: -28.44, 8: -28.6},
            chosen=2,
            test=-28.352,
            one_gaussian=-28.35,
        ),
    },
    "collapsed_dimensions": {
        "variance": lambda mu, logvar: mu.var(0) < 0.01,
        "numpy": lambda mu, logvar: np.var(mu.numpy(), axis=0) < 0.01,
        "moments": lambda mu, logvar: (mu**2).mean(0) - mu.mean(0) ** 2 < 0.01,
        "list": lambda mu, logvar: [bool(m.std() < 0.1) for m in mu.T],
    },
    "aggregate_log_density": {
        "normal": mixture,
        "mixture-same-family": mixture_by_torch,
        "scipy-loop": mixture_by_loop,
        "by-hand": by_hand,
    },
}

WRONG = {
    "mixture_table": {
        "no-table": mixtures([-28.6, -28.1]),
        "no-number-of-gaussians": mixtures({1: -3.0, "five": -2.0, 10: -1.0, 20: -1.5}),
        "too-few-sizes": mixtures({1: -28.6, 10: -28.0, 20: -28.4}),
        "one-missing": mixtures({2: -28.6, 5: -28.1, 10: -28.0, 20: -28.4}),
        "chosen-not-tried": mixtures(chosen=15),
        "smallest-chosen": mixtures(chosen=1),
        "not-the-best": mixtures(chosen=5),
        "at-the-end": mixtures({1: -28.6, 5: -28.1, 8: -28.05, 10: -28.0}),
        "validation-for-test": mixtures(test=-28.0),
        "validation-for-one": mixtures(one_gaussian=-28.6),
        "one-for-both": mixtures(one_gaussian=-28.05),
        "exchanged": mixtures(test=-28.55, one_gaussian=-28.05),
        "densities": mixtures({n: math.exp(v) for n, v in mixtures()["validation"].items()},
                              test=math.exp(-28.05), one_gaussian=math.exp(-28.55)),
        "sums": mixtures({n: 987 * v for n, v in mixtures()["validation"].items()},
                         test=-27_685.3, one_gaussian=-28_178.8),
        "far-from-validation": mixtures(test=-14.2),
        "test-below-one": mixtures(test=-28.9, one_gaussian=-28.7),
    },
    "collapsed_dimensions": {
        "none": lambda mu, logvar: [False] * mu.shape[1],
        "all": lambda mu, logvar: torch.ones(mu.shape[1], dtype=torch.bool),
        "number": lambda mu, logvar: int((mu.var(0) < 0.01).sum()),
        "one-answer": lambda mu, logvar: mu.var() < 0.01,
        "each-picture": lambda mu, logvar: (mu - mu.mean(0)) ** 2 < 0.01,
        "total-of-squares": lambda mu, logvar: ((mu - mu.mean(0)) ** 2).sum(0) < 0.01,
        "absolute-deviation": lambda mu, logvar: (mu - mu.mean(0)).abs().mean(0) < 0.01,
        "active-instead": lambda mu, logvar: mu.var(0) > 0.01,
        "variance-of-the-draws": lambda mu, v: mu.var(0) + v.exp().mean(0) < 0.01,
        "looks-normal": lambda mu, v: ((mu.var(0) + v.exp().mean(0)) - 1).abs() < 0.08,
        "standard-deviation": lambda mu, logvar: mu.std(0) < 0.01,
        "second-moment": lambda mu, logvar: mu.pow(2).mean(0) < 0.01,
        "mean-near-zero": lambda mu, logvar: mu.mean(0).abs() < 0.01,
        "kl": lambda mu, v: 0.5 * (mu**2 + v.exp() - 1 - v).mean(0) < 0.01,
        "sigma-near-one": lambda mu, v: (v.exp().mean(0) - 1).abs() < 0.05,
        "variances": lambda mu, logvar: mu.var(0),
        "over-dimensions": lambda mu, logvar: mu.var(1) < 0.01,
        "indices": lambda mu, logvar: torch.where(mu.var(0) < 0.01)[0],
    },
    "aggregate_log_density": {
        "variance-multiplied": lambda *a: by_hand(*a, spread=lambda v: torch.exp(-v)),
        "logvar-as-sigma": lambda z, mu, v: (
            Normal(mu, v.abs()).log_prob(z[:, None]).sum(-1).logsumexp(1) - math.log(len(mu))
        ),
        "distance-not-squared": lambda z, mu, v: (
            -0.5 * ((z[:, None] - mu) / v.exp() + v + math.log(2 * math.pi))
        ).sum(-1).logsumexp(1) - math.log(len(mu)),
        "constant-once": lambda *a: by_hand(*a, constant=False) - 0.5 * math.log(2 * math.pi),
        "pi-without-its-two": lambda *a: (
            by_hand(*a, constant=False) - a[0].shape[1] / 2 * math.log(math.pi)
        ),
        "places-for-posteriors": lambda *a: table(*a).logsumexp(1) - math.log(len(a[0])),
        "dimensions-for-posteriors": lambda *a: table(*a).logsumexp(1) - math.log(a[0].shape[1]),
        "one-less": lambda *a: table(*a).logsumexp(1) - math.log(len(a[1]) - 1),
        "log-n-added": lambda *a: table(*a).logsumexp(1) + math.log(len(a[1])),
        "n-not-logged": lambda *a: table(*a).logsumexp(1) - len(a[1]),
        "log-n-for-each-dimension": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]) - math.log(len(mu))
        ).sum(-1).logsumexp(1),
        "product-of-mixtures": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]).logsumexp(1) - math.log(len(mu))
        ).sum(-1),
        "prior": lambda z, mu, v: Normal(0.0, 1.0).log_prob(z).sum(1),
        "over-the-places": lambda *a: table(*a).logsumexp(0) - math.log(len(a[0])),
        "one-largest-for-all": lambda *a: (
            (table(*a) - table(*a).max()).exp().mean(1).log() + table(*a).max()
        ),
        "mean-of-logs": lambda *args: table(*args).mean(1),
        "sum-over-posteriors": lambda *args: table(*args).logsumexp(1),
        "not-a-logarithm": lambda *args: table(*args).exp().mean(1),
        "negative": lambda *args: -mixture(*args),
        "nearest-only": lambda z, mu, v: table(z, mu, v).max(1).values - math.log(len(mu)),
        "mean-over-dimensions": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]).mean(-1).logsumexp(1) - math.log(len(mu))
        ),
        "one-gaussian": lambda z, mu, v: (
            Normal(mu.mean(0), v.exp().mean(0).sqrt()).log_prob(z).sum(-1)
        ),
        "logvar-as-log-sigma": lambda z, mu, v: mixture(z, mu, 2 * v),
        "sigma-for-variance": lambda *a: by_hand(*a, spread=lambda v: torch.exp(v / 2)),
        "means-only": lambda z, mu, v: mixture(z, mu, 0 * v),
        "each-pair": table,
        "square-expanded": lambda z, mu, v: (
            z.pow(2) @ (-v).exp().T - 2 * z @ (mu / v.exp()).T + (mu**2 / v.exp() + v).sum(1)
            + z.shape[1] * math.log(2 * math.pi)
        ).div(-2).logsumexp(1) - math.log(len(mu)),
        "one-value": lambda *a: mixture(*a).mean(),
        "underflow": lambda *a: table(*a).exp().mean(1).log(),
    },
}  # fmt: skip


UNNAMED = {
    "mixture_table": {
        "bits": (mixtures(test=-28.05 / math.log(2), one_gaussian=-28.55 / math.log(2)), "in nats"),
        "whole-numbers": (
            mixtures({1: -30, 5: -28, 10: -26, 20: -27}, test=-26.5, one_gaussian=-30.5),
            "decimals",
        ),
        "half-a-gaussian": (mixtures({0.5: -29.0, 1: -28.6, 10: -28.0}), "no whole number"),
        "no-sizes": (mixtures({}), "fewer than four"),
        "open": (mixtures(validation=None), "no answer yet for validation"),
        "infinite": (mixtures({1: -9.0, 2: math.inf, 3: 1.0, 4: 0.0}), "infinite or NaN"),
    },
    "collapsed_dimensions": {
        "a-tenth": (
            lambda mu, v: mu.var(0) < 0.1,
            "You call a dimension collapsed whose mean varies by 0.022 over the pictures, more "
            "than 0.01",
        ),
        "beside-the-noise": (
            lambda mu, v: mu.var(0) / v.exp().mean(0) < 0.01,
            "a dimension in use whose mean varies",
        ),
        "beside-the-others": (
            lambda mu, v: mu.var(0) / mu.var(0).sum() < 0.01,
            "a dimension collapsed whose mean",
        ),
        "two-hundredths": (lambda mu, v: mu.var(0) < 0.02, "varies by 0.011 over the pictures"),
        "first-pictures": (lambda mu, v: mu[:20].var(0) < 0.01, "whose mean varies by"),
    },
    "aggregate_log_density": {
        "means-not-used": (
            lambda z, mu, v: mixture(z, 0 * mu, v),
            "right with 0 in place of mu, as if mu were",
        ),
        "two-pi-missing": (
            lambda *a: by_hand(*a, constant=False),
            "-log(2 pi) / 2 of each dimension is missing",
        ),
        "normaliser-missing": (lambda *a: by_hand(*a, half_log=0.0), "-logvar / 2 is missing"),
        "half-missing": (
            lambda *a: by_hand(*a, half_log=1.0),
            "-logvar / 2 is twice the right one",
        ),
        "logvar-sign": (lambda *a: by_hand(*a, half_log=-0.5), "-logvar / 2 has the wrong sign"),
        "mean-taken-out": (
            lambda *a: (
                (table(*a) - table(*a).mean(1, keepdim=True)).exp().mean(1).log()
                + table(*a).mean(1)
            ),
            "too small for a float",
        ),
        "averaged-parameters": (
            lambda z, mu, v: Normal(mu.mean(0), v.mean(0).div(2).exp()).log_prob(z).sum(1),
            "one Gaussian for all",
        ),
        "matched-moments": (
            lambda z, mu, v: (
                Normal(mu.mean(0), (mu.var(0, correction=0) + v.exp().mean(0)).sqrt())
                .log_prob(z)
                .sum(1)
            ),
            "one Gaussian for all",
        ),
        "cut-off": (lambda *a: mixture(*a).clamp(min=-100), "cut off there"),
        "clamped": (lambda z, mu, v: mixture(z, mu, v.clip(-5, 5)), "logvar between -40 and -30"),
        "squeezed": (lambda *a: mixture(*a).squeeze(), "for a batch of one"),
        "log2": (lambda *a: mixture(*a) / math.log(2), "times the right ones"),
    },
}


def test_the_right_density_integrates_to_one():
    """On a grid over the plane. A forgotten 1/N gives N, a forgotten 2 pi another number."""
    g = torch.Generator().manual_seed(0)
    mu, logvar = torch.randn(2, 6, 2, generator=g, dtype=torch.float64)
    axis = torch.linspace(-14, 14, 701, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    total = aggregate.AGGREGATE.right(z, mu, logvar).exp().sum() * (axis[1] - axis[0]) ** 2
    assert total.item() == pytest.approx(1, abs=1e-6)


def test_the_kinds_of_dimensions_are_what_their_names_say():
    """Burda's count: variance over the pictures of the mean, against 0.01."""
    case = collapsed.COLLAPSED.cases()[0]
    answers = evaluate(collapsed.COLLAPSED.right, case).bool().tolist()
    names = dict(zip(collapsed.KINDS, answers, strict=True))
    assert {name for name, gone in names.items() if gone} == {
        "collapsed", "collapsed off centre", "nearly collapsed", "narrow but constant",
        "just collapsed", "faintly moving", "sd just above 0.01", "sd just below 0.01",
        "sharp and nearly constant",
    }  # fmt: skip
