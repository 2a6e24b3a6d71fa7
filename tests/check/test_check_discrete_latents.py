"""The checks of the chapter on discrete latents: what students write, right and wrong (judged by
test_check_tables.py), and our own right answers against independent oracles."""

import contextlib
import functools
import io
import math

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch.distributions import Categorical, Normal

from vae_teach import check
from vae_teach.check import discrete_latents
from vae_teach.check.discrete_latents import temperature
from vae_teach.estimators import discrete

ANSWERS = {"temperature_table"}
TAUS = (0.1, 0.3, 1.0, 3.0)


def others(values):
    return (values.sum() - values) / (len(values) - 1)


def weigh(weight, score=lambda z, p: z - p, reduce=lambda each: each.mean(0)):
    """A student's gradient: weight(values), the score, and how the K estimates are put together."""
    return lambda values, z, p: reduce(weight(values)[:, None] * score(z, p))


def by_loop(values, z, p):
    total = torch.zeros_like(p)
    for k in range(len(values)):
        rest = torch.cat([values[:k], values[k + 1 :]])
        total += (values[k] - rest.mean()) * (z[k] - p)
    return total / len(values)


def by_autograd(values, z, p):
    logits = p.log().requires_grad_()
    log_q = Categorical(logits=logits).log_prob(z.argmax(-1))
    return torch.autograd.grad(((values - others(values)) * log_q).mean(), logits)[0]


def as_covariance(values, z, p):
    """The sample covariance of values and draws, divided by K - 1."""
    return ((values - values.mean())[:, None] * (z - z.mean(0))).sum(0) / (len(values) - 1)


def normal(z, mean, s):
    return torch.exp(-0.5 * ((z - mean) / s) ** 2) / (s * math.sqrt(2 * math.pi))


def mixture(z, w, m1, m2, s):
    return w * normal(z, m1, s) + (1 - w) * normal(z, m2, s)


def implicit_by_autograd(z, w, m1, m2, s):
    mean = torch.tensor(m1, dtype=z.dtype).requires_grad_()
    slopes = []
    for value in z:
        rank = w * Normal(mean, s).cdf(value) + (1 - w) * Normal(m2, s).cdf(value)
        slopes.append(-torch.autograd.grad(rank, mean)[0])
    return torch.stack(slopes) / mixture(z, w, m1, m2, s)


def by_log_odds(z, w, m1, m2, s):
    odds = math.log(w / (1 - w)) + ((z - m2) ** 2 - (z - m1) ** 2) / (2 * s**2)
    return torch.sigmoid(odds)


EXACT = {tau: (temperature.moments(tau)[0] - 0.016, temperature.moments(tau)[1]) for tau in TAUS}


def coin(chance):
    return torch.tensor([[1 - chance, chance]], dtype=torch.float64).log()


def loss(z):
    return (z[..., 0, 1] - 0.45).square()


@functools.cache
def measured(tau, chance=0.2, hard=False, n=100_000):
    """Bias and standard deviation of one-draw estimates by the logit of z = 1."""
    g = torch.Generator().manual_seed(round(10 * tau))
    noise = discrete.gumbel(n, 1, 1, 2, generator=g, dtype=torch.float64)
    got = discrete.gumbel_softmax(loss, coin(chance), noise, temperature=tau, hard=hard)[:, 0, 1]
    truth = discrete.enumerate_gradient(loss, coin(chance))[0, 1]
    return (got.mean() - truth).item(), got.std().item()


def without_noise(tau):
    leaf = coin(0.2).requires_grad_()
    z = (leaf / tau).softmax(-1)
    return torch.autograd.grad(loss(z), leaf)[0][0, 1].item() - 0.016, 0.0


def table_with(change=lambda bias, spread: (bias, spread), **how):
    return {tau: change(*measured(tau, **how)) for tau in TAUS}


RIGHT = {
    "choice_gradient": {
        "as-in-the-text": weigh(lambda v: v - others(v)),
        "a-loop": by_loop,
        "autograd": by_autograd,
        "a-covariance": as_covariance,
        "without-p": weigh(lambda v: v - others(v), score=lambda z, p: z),  # the weights sum to 0
        "rescaled-own-average": lambda v, z, p: (
            weigh(lambda v: v - v.mean())(v, z, p) * len(v) / (len(v) - 1) + (z.mean(0) - p) * 0
        ),
    },
    "slope_by_mean": {
        "responsibility": lambda z, w, m1, m2, s: w * normal(z, m1, s) / mixture(z, w, m1, m2, s),
        "implicit-by-autograd": implicit_by_autograd,
        "log-odds": by_log_odds,
        "tanh": lambda *a: (1 + torch.tanh(by_log_odds(*a).logit() / 2)) / 2,
    },
    "temperature_table": {
        "measured": table_with(),
        "exact": EXACT,
        "by-text-in-another-order": {str(tau): list(EXACT[tau]) for tau in reversed(TAUS)},
    },
}
# The own average rescaled by K / (K - 1) is the average of the others in disguise.

WRONG = {
    "choice_gradient": {
        "no-baseline": weigh(lambda v: v),
        "own-average": weigh(lambda v: v - v.mean()),
        "others-divided-by-k": weigh(lambda v: v - (v.sum() - v) / len(v)),
        "sum-of-others": weigh(lambda v: v - (v.sum() - v)),
        "baseline-added": weigh(lambda v: v + others(v)),
        "baseline-alone": weigh(others),
        "sign": weigh(lambda v: others(v) - v),
        "score-by-probability": weigh(lambda v: v - others(v), score=lambda z, p: z / p),
        "by-the-logs-of-all": weigh(lambda v: v - others(v), score=lambda z, p: z * (1 - p)),
        "draws-summed": weigh(lambda v: v - others(v), reduce=lambda each: each.sum(0)),
        "divided-by-k-minus-one": weigh(
            lambda v: v - others(v), reduce=lambda each: each.sum(0) / (len(each) - 1)
        ),
        "draws-kept": weigh(lambda v: v - others(v), reduce=lambda each: each),
        "times-the-probability": weigh(lambda v: v - others(v), score=lambda z, p: z * p * (1 - p)),
        "score-not-centred": weigh(lambda v: v, score=lambda z, p: z),
        "divided-by-the-spread": weigh(lambda v: (v - v.mean()) / v.std()),
        "median": weigh(lambda v: v - v.median()),
        "neighbour": weigh(lambda v: v - v.roll(1)),
    },
    "slope_by_mean": {
        "sign": lambda *a: -by_log_odds(*a),
        "not-divided": lambda z, w, m1, m2, s: w * normal(z, m1, s),
        "not-divided-and-sign": lambda z, w, m1, m2, s: -w * normal(z, m1, s),
        "own-density": lambda z, w, m1, m2, s: w * normal(z, m1, s) / normal(z, m1, s),
        "weight-missing": lambda z, w, m1, m2, s: normal(z, m1, s) / mixture(z, w, m1, m2, s),
        "weights-missing": lambda z, w, m1, m2, s: (
            normal(z, m1, s) / (normal(z, m1, s) + normal(z, m2, s))
        ),
        "other-mean": lambda *a: 1 - by_log_odds(*a),
        "weights-exchanged": lambda z, w, m1, m2, s: by_log_odds(z, 1 - w, m1, m2, s),
        "by-weight": lambda z, w, m1, m2, s: (
            (Normal(m2, s).cdf(z) - Normal(m1, s).cdf(z)) / mixture(z, w, m1, m2, s)
        ),
        "by-spread": lambda z, w, m1, m2, s: (
            (w * normal(z, m1, s) * (z - m1) + (1 - w) * normal(z, m2, s) * (z - m2))
            / (s * mixture(z, w, m1, m2, s))
        ),
        "variance-for-deviation": lambda z, w, m1, m2, s: by_log_odds(z, w, m1, m2, s**0.5),
        "half-missing": lambda z, w, m1, m2, s: by_log_odds(z, w, m1, m2, s / 2**0.5),
        "weight-twice": lambda z, w, m1, m2, s: by_log_odds(z, w, m1, m2, s) * w,
        "log": lambda *a: by_log_odds(*a).log(),
        "hard": lambda *a: (by_log_odds(*a) > 0.5).float(),
        "distribution-functions": lambda z, w, m1, m2, s: (
            w * Normal(m1, s).cdf(z) / (w * Normal(m1, s).cdf(z) + (1 - w) * Normal(m2, s).cdf(z))
        ),
    },
    "temperature_table": {
        "variances": table_with(lambda bias, spread: (bias, spread**2)),
        "columns-exchanged": table_with(lambda bias, spread: (spread, bias)),
        "bias-sign": table_with(lambda bias, spread: (-bias, spread)),
        "mean-for-bias": table_with(lambda bias, spread: (bias + 0.016, spread)),
        "other-class": table_with(lambda bias, spread: (-(bias + 0.016) - 0.016, spread)),
        "forward-hard": table_with(hard=True),
        "multiplied": {tau: measured(1 / tau) for tau in TAUS},
        "other-coin": table_with(chance=0.4),
        "truth-by-the-probability": table_with(lambda bias, spread: (bias + 0.016 - 0.1, spread)),
        "standard-errors": table_with(lambda bias, spread: (bias, spread / 100_000**0.5)),
        "relative": table_with(lambda bias, spread: (bias / 0.016, spread / 0.016)),
        "four-draws": table_with(lambda bias, spread: (bias, spread / 2)),
        "rows-reversed": {
            tau: measured(other) for tau, other in zip(TAUS, TAUS[::-1], strict=True)
        },
        "factor-forgotten": {
            tau: (tau * (measured(tau)[0] + 0.016) - 0.016, tau * measured(tau)[1]) for tau in TAUS
        },
        "without-noise": {tau: without_noise(tau) for tau in TAUS},
        "chance-exchanged": table_with(chance=0.8),
        "fair-coin": table_with(chance=0.5),
        "zeros": EXACT | {3.0: (0.0, 0.0)},
        "alike": dict.fromkeys(TAUS, EXACT[1.0]),
        "noisy": EXACT | {0.1: (EXACT[0.1][0] + 0.01, EXACT[0.1][1])},
        "other": EXACT | {0.3: (0.3, 0.3)},
        "still-open": EXACT | {3.0: None},
    },
}

UNNAMED = {
    "choice_gradient": {
        "clamped": (
            lambda values, z, p: weigh(lambda v: v - others(v))(values, z, p).clamp(-1, 1),
            "entry [0] of the result should be",
        ),
        "classes-summed": (
            weigh(lambda v: v - others(v), reduce=lambda each: each.mean(0).sum()),
            "The shape is () where (3,) is asked",
        ),
        "in-place": (
            lambda values, z, p: weigh(lambda v: v.sub_(others(v)))(values, z, p),
            "changes its argument values in place",
        ),
    },
    "slope_by_mean": {
        "a-number": (lambda z, w, m1, m2, s: w, "shape"),
        "constant-added": (
            lambda z, w, m1, m2, s: w * normal(z, m1, s) / (mixture(z, w, m1, m2, s) + 1e-8),
            "of the result should be",
        ),
        "components-exchanged": (
            lambda z, w, m1, m2, s: by_log_odds(z, w, m2, m1, s),
            "",
        ),
    },
    "temperature_table": {
        "a-number": (0.3, "a float: give a dictionary {τ: (bias, standard deviation)}"),
        "a-row-missing": ({0.1: (0, 1)}, "Your table lacks τ = 0.3, 1 and 3"),
        "three-numbers": (EXACT | {1.0: (1, 2, 3)}, "Your row for τ = 1 has 3 numbers"),
    },
}


# --- our own answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("tau", TAUS)
def test_the_moments_of_the_relaxed_coin_are_those_of_scipys_integral(tau):
    """An own midpoint rule that misses a narrow peak."""
    u, mean = np.linspace(-40, 40, 50_001), {}
    z = special.expit((math.log(0.25) + u) / tau)
    for power in (1, 2):
        slope = 2 * (z - 0.45) * z * (1 - z) / tau
        mean[power] = integrate.trapezoid(slope**power * stats.logistic.pdf(u), u)
    got = temperature.moments(tau)
    assert got[0] == pytest.approx(mean[1], abs=1e-5)
    assert got[1] == pytest.approx(math.sqrt(mean[2] - mean[1] ** 2), abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_measured_table_passes_whatever_it_draws(seed):
    """An allowance so tight that a right measurement of the size asked for is refused."""
    rng, table = np.random.default_rng(seed), {}
    for tau in TAUS:
        z = 1 / (1 + np.exp(-(math.log(0.25) + rng.logistic(size=100_000)) / tau))
        got = 2 * (z - 0.45) * z * (1 - z) / tau
        table[tau] = got.mean() - 0.1 * 0.16, got.std()
    with contextlib.redirect_stdout(io.StringIO()):
        assert check.temperature_table(table).passed


def test_the_slope_is_that_of_the_quantile_at_fixed_rank():
    """dz/dm1 against a finite difference of the mixture's quantile, found by bisection."""
    w, m1, m2, s, h = 0.3, 2.0, -1.0, 0.7, 1e-4

    def quantile(rank, mean):
        low, high = -10.0, 10.0
        for _ in range(80):
            middle = 0.5 * (low + high)
            value = w * stats.norm.cdf(middle, mean, s) + (1 - w) * stats.norm.cdf(middle, m2, s)
            low, high = (middle, high) if value < rank else (low, middle)
        return middle

    z = torch.tensor([-1.5, -0.3, 0.4, 1.1, 2.2], dtype=torch.float64)
    ranks = w * stats.norm.cdf(z, m1, s) + (1 - w) * stats.norm.cdf(z, m2, s)
    wanted = [(quantile(r, m1 + h) - quantile(r, m1 - h)) / (2 * h) for r in ranks]
    np.testing.assert_allclose(discrete_latents._slope(z, w, m1, m2, s), wanted, rtol=1e-5)


def test_the_leave_one_out_gradient_of_a_choice_is_right_on_average():
    """Against the exact sum over the classes, at four standard errors."""
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    f = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(p, 30_000 * 4, replacement=True, generator=g).reshape(-1, 4)
    z = torch.eye(3, dtype=torch.float64)[drawn]
    got = torch.stack(
        [discrete_latents._choice_gradient(f[d], one, p) for d, one in zip(drawn, z, strict=True)]
    )
    wanted = p * (f - (p * f).sum())
    errors = got.std(0) / math.sqrt(len(got))
    assert ((got.mean(0) - wanted).abs() < 4 * errors).all()
