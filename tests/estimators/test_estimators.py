"""Gradient estimators: against closed forms, quadrature and enumeration, never a stored draw."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import torch
from seeded import generator
from torch.distributions import Bernoulli, Beta, Gamma, Normal, StudentT

from vae_teach.estimators import (
    discrete,
    exact_gradients,
    implicit_sample,
    kl_monte_carlo,
    kl_monte_carlo_variance,
    leave_one_out,
    measure_mean,
    measure_median,
    measure_quality,
    measure_variance,
    own_average,
    pathwise,
    rsample,
    score_function,
)
from vae_teach.maths.gaussian import kl_to_standard_normal

F64 = torch.float64
LIMIT = 4  # standard errors: one false alarm in 16 000 comparisons, and every seed here is fixed
POINTS = [([1.0], [1.0]), ([0.7, -1.2, 0.3], [0.5, 1.3, 0.9])]
IDS = ["one-dimension", "three-dimensions"]


def point(values):
    return tuple(torch.tensor(v, dtype=F64) for v in values)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


def quadrature(dimensions, nodes=9):
    """Points and weights that integrate polynomials of degree 2 * nodes - 1 in N(0, I) exactly."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    grid = torch.tensor(list(itertools.product(x, repeat=dimensions)), dtype=F64)
    weights = torch.tensor([math.prod(p) for p in itertools.product(w, repeat=dimensions)])
    return grid, weights.to(F64)


def exact_mean_and_variance(per_draw, weights):
    mean = (weights[:, None] * per_draw).sum(0)
    return mean, (weights[:, None] * (per_draw - mean).square()).sum(0)


def assert_within(measured, truth, *, relative_error):
    """The measured value is within LIMIT standard errors, and these are small enough to matter."""
    distance = measured.distance(truth)
    assert (distance < LIMIT).all(), f"{distance.max():.1f} standard errors from the truth"
    assert (measured.standard_error <= relative_error * truth.abs()).all()


# --- continuous z -------------------------------------------------------------------------------


def test_the_textbook_variances_are_4_and_30():
    """E[z^2] at mu = sigma = 1. Catches a variance of the sum or of another parameter."""
    one = torch.ones(1, dtype=F64)
    assert exact_gradients.square_pathwise_variance(one, one).mu.item() == 4
    assert exact_gradients.square_score_variance(one, one).mu.item() == 30
    assert exact_gradients.square_best_baseline(one, one).mu.item() == 4
    assert exact_gradients.square_score_variance(one, one, baseline=4.0).mu.item() == 14


@pytest.mark.parametrize("values", POINTS, ids=IDS)
@pytest.mark.parametrize("baseline", [0.0, 2.5])
def test_closed_forms_of_the_square_agree_with_exact_quadrature(values, baseline):
    """Every estimate is a polynomial in eps, so 9 nodes a dimension give its moments exactly."""
    mu, sigma = point(values)
    grid, weights = quadrature(len(mu))
    eps = grid[:, None, :]  # one draw per estimate
    f, true = exact_gradients.square, exact_gradients.square_gradient(mu, sigma)
    path = exact_gradients.square_pathwise_variance(mu, sigma)
    score = exact_gradients.square_score_variance(mu, sigma, baseline=baseline)
    for estimate, variance in (
        (pathwise(f, mu, sigma, eps), path),
        (score_function(f, mu, sigma, eps, baseline=baseline), score),
    ):
        for got, want, spread in zip(estimate, true, variance, strict=True):
            mean, var = exact_mean_and_variance(got, weights)
            torch.testing.assert_close(mean, want, rtol=1e-11, atol=1e-11)
            torch.testing.assert_close(var, spread, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("values", POINTS, ids=IDS)
@pytest.mark.parametrize("draws", [1, 8])
def test_measured_variances_agree_with_the_closed_forms(values, draws):
    """Bias and variance of pathwise and score function, within four measured standard errors."""
    mu, sigma = point(values)
    eps = noise(400_000 // draws, draws, len(mu), seed=1)
    f, true = exact_gradients.square, exact_gradients.square_gradient(mu, sigma)
    cases = [
        (pathwise(f, mu, sigma, eps), exact_gradients.square_pathwise_variance(mu, sigma, draws)),
        (
            score_function(f, mu, sigma, eps),
            exact_gradients.square_score_variance(mu, sigma, draws),
        ),
    ]
    for estimate, variance in cases:
        for got, want, spread in zip(estimate, true, variance, strict=True):
            quality = measure_quality(got, want)
            assert (quality.bias.distance(0.0) < LIMIT).all()
            # the score's fourth power has heavy tails: 400 000 draws give its variance to 5 %
            assert_within(quality.variance, spread, relative_error=0.05)


@pytest.mark.parametrize("values", POINTS, ids=IDS)
@pytest.mark.parametrize("draws", [2, 8])
def test_leave_one_out_is_unbiased_and_has_the_variance_of_a_sample_covariance(values, draws):
    """Catches a baseline that has seen its own draw, and (K - 1) mistaken for K."""
    mu, sigma = point(values)
    eps = noise(100_000, draws, len(mu), seed=2)
    estimate = score_function(exact_gradients.square, mu, sigma, eps, baseline=leave_one_out)
    true = exact_gradients.square_gradient(mu, sigma)
    variance = exact_gradients.square_leave_one_out_variance(mu, sigma, draws)
    for got, want, spread in zip(estimate, true, variance, strict=True):
        quality = measure_quality(got, want)
        assert (quality.bias.distance(0.0) < LIMIT).all()
        assert_within(quality.variance, spread, relative_error=0.06)


def test_a_baseline_of_the_own_average_shrinks_the_gradient_by_one_part_in_m():
    """The tempting baseline is biased; its bias is -1/K of the gradient, found here at K = 4."""
    mu, sigma = point(POINTS[0])
    eps = noise(200_000, 4, 1, seed=3)
    estimate = score_function(exact_gradients.square, mu, sigma, eps, baseline=own_average)
    measured = measure_mean(estimate.mu)
    true = exact_gradients.square_gradient(mu, sigma).mu
    assert_within(measured, 0.75 * true, relative_error=0.01)
    assert (measured.distance(true) > 20).all()  # and the bias is seen


def test_no_constant_baseline_beats_the_best_one():
    """Catches a best baseline of E[f], which is the usual choice but not the minimum."""
    mu, sigma = point(POINTS[1])
    best = exact_gradients.square_best_baseline(mu, sigma)
    least = exact_gradients.square_score_variance(mu, sigma, baseline=best)
    for shift in (-0.1, 0.1):
        other = exact_gradients.Gradient(best.mu + shift, best.sigma + shift)
        worse = exact_gradients.square_score_variance(mu, sigma, baseline=other)
        assert (worse.mu > least.mu).all() and (worse.sigma > least.sigma).all()


@pytest.mark.parametrize("dimensions", [1, 2, 5, 64])
def test_only_the_score_function_grows_with_the_dimension(dimensions):
    """At mu = sigma = 1, n = L - 1: pathwise 4, score 30 + 22 n + 4 n^2, best baseline 14 + 6 n."""
    one, n = torch.ones(dimensions, dtype=F64), dimensions - 1
    path = exact_gradients.square_pathwise_variance(one, one).mu
    score = exact_gradients.square_score_variance(one, one).mu
    best = exact_gradients.square_best_baseline(one, one)
    with_best = exact_gradients.square_score_variance(one, one, baseline=best).mu
    assert (path == 4).all()
    assert (score == 30 + 22 * n + 4 * n**2).all()
    torch.testing.assert_close(with_best, torch.full_like(one, 14 + 6 * n), rtol=1e-12, atol=0)


def square_plus_sine(z):
    return (z.square() + z.sin()).sum(-1)


def test_pathwise_is_the_finite_difference_at_fixed_noise():
    """With eps held still the average is a smooth function of the parameters."""
    mu, sigma = point(POINTS[1])
    eps, h = noise(16, 3, seed=4), 1e-5

    def average(m, s):
        return square_plus_sine(m + s * eps).mean()

    got = pathwise(square_plus_sine, mu, sigma, eps)
    for i in range(3):
        step = h * torch.eye(3, dtype=F64)[i]
        by_mu = (average(mu + step, sigma) - average(mu - step, sigma)) / (2 * h)
        by_sigma = (average(mu, sigma + step) - average(mu, sigma - step)) / (2 * h)
        # central differences err by h^2 / 6 = 2e-11 and round at 1e-16 / h = 1e-11
        torch.testing.assert_close(got.mu[i], by_mu, rtol=0, atol=1e-9)
        torch.testing.assert_close(got.sigma[i], by_sigma, rtol=0, atol=1e-9)


@pytest.mark.parametrize("w", [0.3, 1.0, 1.1, 1.15, 3.0])
def test_which_estimator_wins_for_a_sine_turns_near_a_frequency_of_1_1(w):
    """The solution of exercise 5.4, against quadrature: pathwise minus score, at mu = 0."""
    x, weights = np.polynomial.hermite_e.hermegauss(80)
    mean = weights / weights.sum()
    path, score = w * np.cos(w * x), np.sin(w * x) * x
    difference = (mean @ path**2 - (mean @ path) ** 2) - (mean @ score**2 - (mean @ score) ** 2)
    by_hand = 0.5 * (w**2 - 1 + (1 - 3 * w**2) * math.exp(-2 * w**2))
    assert difference == pytest.approx(by_hand, abs=1e-12)
    assert (difference > 0) == (w > 1.12)


def test_score_function_never_differentiates_f():
    """A step function has slope 0, yet its expectation has a gradient, and the score finds it."""
    mu, sigma = point(([0.3], [0.8]))
    eps = noise(200_000, 1, 1, seed=5)

    def step(z):
        return (z[..., 0] > 0).to(F64)

    density = Normal(0.0, 1.0).log_prob(mu / sigma).exp() / sigma  # d/dmu P(z > 0)
    assert_within(
        measure_mean(score_function(step, mu, sigma, eps).mu), density, relative_error=0.01
    )


@pytest.mark.parametrize(
    "mu, sigma, eps, message",
    [
        (torch.zeros(2), torch.ones(3), torch.zeros(4, 2), "must both have shape"),
        (torch.zeros(2), torch.ones(2), torch.zeros(4, 3), r"eps must have shape \(..., K, 2\)"),
        (torch.zeros(2), torch.ones(2), torch.zeros(2), "eps must have shape"),
    ],
)
@pytest.mark.parametrize("estimator", [pathwise, score_function])
def test_shapes_that_would_broadcast_silently_are_refused(estimator, mu, sigma, eps, message):
    with pytest.raises(ValueError, match=message):
        estimator(exact_gradients.square, mu, sigma, eps)


def test_leave_one_out_needs_two_draws():
    with pytest.raises(ValueError, match="at least 2 draws"):
        leave_one_out(torch.zeros(5, 1))
    with pytest.raises(ValueError, match="at least 2 draws"):
        exact_gradients.square_leave_one_out_variance(torch.ones(1), torch.ones(1), 1)


# --- discrete z ---------------------------------------------------------------------------------

LOGITS = torch.tensor([[0.2, -0.5, 0.8], [1.0, 0.0, -1.0]], dtype=F64)  # two latents, three classes
VALUES = torch.tensor([0.0, 1.0, 3.0], dtype=F64)


def quadratic(z):
    """Squared distance of the chosen values' sum from 1.3: not linear in z."""
    return ((z * VALUES).sum((-2, -1)) - 1.3).square()


def linear(z):
    return (z * VALUES).sum((-2, -1))


def gumbel(*shape, seed=0):
    return discrete.gumbel(*shape, generator=generator(seed), dtype=F64)


def two_class_toy(p, t):
    """One coin with P(1) = p and f = (z - t)^2; the logits' gradient is +-(1 - 2t) p (1 - p)."""
    logits = torch.tensor([[0.0, math.log(p / (1 - p))]], dtype=F64)
    slope = (1 - 2 * t) * p * (1 - p)
    return logits, lambda z: (z[..., 0, 1] - t).square(), torch.tensor([[-slope, slope]], dtype=F64)


def test_gumbel_noise_draws_the_classes_with_their_probabilities():
    """The relaxed way out starts with a right sampler: chi-square over all nine states."""
    z = discrete.draw(LOGITS, gumbel(90_000, 2, 3))
    states = discrete.all_states(2, 3)
    expected = discrete.state_probabilities(LOGITS, states)
    assert math.isclose(expected.sum(), 1, rel_tol=1e-12)
    counts = torch.tensor([(z == s).all(-1).all(-1).sum() for s in states])
    p_value = scipy.stats.chisquare(counts.numpy(), 90_000 * expected.numpy()).pvalue
    assert p_value > 1e-4


def test_gumbel_noise_is_finite_even_where_the_uniform_is_zero(monkeypatch):
    """torch.rand returns exactly 0 about once in 16 million float32 draws."""
    monkeypatch.setattr(torch, "rand", lambda *a, **k: torch.tensor([0.0, 1 - 2.0**-24]))
    assert discrete.gumbel(2, generator=generator()).isfinite().all()


@pytest.mark.parametrize("p, t", [(0.4, 0.45), (0.8, 0.45), (0.3, 0.9)])
def test_enumeration_gives_the_closed_form_of_one_coin(p, t):
    logits, f, truth = two_class_toy(p, t)
    got = discrete.enumerate_gradient(f, logits)
    torch.testing.assert_close(got, truth, rtol=1e-12, atol=1e-15)


def test_enumeration_agrees_with_finite_differences():
    """Central differences of E[f] over all 9 states, written without the functions under test."""

    def expectation(logits):
        p = torch.softmax(logits, -1)
        pairs = itertools.product(range(3), repeat=2)
        return sum(p[0, i] * p[1, j] * (VALUES[i] + VALUES[j] - 1.3) ** 2 for i, j in pairs)

    got, h = discrete.enumerate_gradient(quadratic, LOGITS), 1e-5
    for i, j in itertools.product(range(2), range(3)):
        step = torch.zeros(2, 3, dtype=F64)
        step[i, j] = h
        slope = (expectation(LOGITS + step) - expectation(LOGITS - step)) / (2 * h)
        torch.testing.assert_close(got[i, j], slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize("baseline", [0.0, 2.0, leave_one_out], ids=["none", "constant", "others"])
def test_the_discrete_score_function_is_unbiased(baseline):
    truth = discrete.enumerate_gradient(quadratic, LOGITS)
    got = discrete.score_function(quadratic, LOGITS, gumbel(50_000, 4, 2, 3), baseline=baseline)
    quality = measure_quality(got, truth)
    assert (quality.bias.distance(0.0) < LIMIT).all()
    assert (quality.bias.standard_error < 0.02).all()


def test_straight_through_is_exact_in_the_mean_for_a_linear_objective_only():
    """Its expectation is sum p(z) f'(z) dp/dlogits, computed here by enumeration."""
    z = gumbel(50_000, 1, 2, 3, seed=6)
    linear_truth = discrete.enumerate_gradient(linear, LOGITS)
    got = discrete.straight_through(linear, LOGITS, z)
    torch.testing.assert_close(got, linear_truth.expand_as(got), rtol=1e-12, atol=1e-14)

    states = discrete.all_states(2, 3)
    weights = discrete.state_probabilities(LOGITS, states)
    slope = 2 * ((states * VALUES).sum((-2, -1)) - 1.3) * weights  # f' by every latent's value
    p = torch.softmax(LOGITS, -1)
    by_logits = p * (VALUES - (p * VALUES).sum(-1, keepdim=True))  # d(sum p values)/dlogits
    expectation = slope.sum() * by_logits
    measured = measure_mean(discrete.straight_through(quadratic, LOGITS, z))
    assert (measured.distance(expectation) < LIMIT).all()
    truth = discrete.enumerate_gradient(quadratic, LOGITS)
    assert (measured.distance(truth) > 20).any()  # so the bias is real


def test_straight_through_may_point_the_wrong_way():
    """At p = 0.4, t = 0.45 minimising should lower p, yet straight-through raises it.

    Its expectation is 2 (p - t) p (1 - p), whose sign changes at p = t.
    """
    logits, f, truth = two_class_toy(0.4, 0.45)
    measured = measure_mean(discrete.straight_through(f, logits, gumbel(20_000, 1, 1, 2)))
    expectation = 2 * (0.4 - 0.45) * 0.4 * 0.6
    assert measured.distance(torch.tensor([[-expectation, expectation]]))[0, 1] < LIMIT
    assert truth[0, 1] > 0 > measured.interval(LIMIT)[1][0, 1]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_the_relaxed_gradient_has_the_mean_that_quadrature_gives(temperature):
    """With two classes the noise is one logistic variable u, so its bias is a 1-D integral."""
    p, t = 0.4, 0.45
    logits, f, truth = two_class_toy(p, t)
    u = (torch.arange(1_000_000, dtype=F64) + 0.5) / 1_000_000
    s = torch.sigmoid((math.log(p / (1 - p)) + torch.logit(u)) / temperature)
    expectation = (2 * (s - t) * s * (1 - s) / temperature).mean()
    got = discrete.gumbel_softmax(f, logits, gumbel(100_000, 1, 1, 2), temperature=temperature)
    measured = measure_mean(got[:, 0, 1])
    assert measured.distance(expectation) < LIMIT
    assert measured.standard_error < 0.003
    assert truth[0, 1] - expectation > 0.01  # of 0.024: even a cold relaxation is biased


def test_colder_is_less_biased_and_noisier():
    """The trade that the temperature makes, on the two latents of three classes."""
    truth = discrete.enumerate_gradient(quadratic, LOGITS)
    n = gumbel(50_000, 1, 2, 3, seed=7)
    hot, cold = (
        measure_quality(discrete.gumbel_softmax(quadratic, LOGITS, n, temperature=t), truth)
        for t in (2.0, 0.25)
    )
    assert cold.bias.value.norm() < 0.5 * hot.bias.value.norm()
    assert (cold.variance.value > 2 * hot.variance.value).all()


def test_hard_gumbel_softmax_evaluates_the_objective_at_one_hot_states():
    seen = []

    def spy(z):
        seen.append(z.detach())
        return quadratic(z)

    discrete.gumbel_softmax(spy, LOGITS, gumbel(100, 1, 2, 3), temperature=0.5, hard=True)
    one_hot = discrete.draw(LOGITS, gumbel(100, 1, 2, 3))
    torch.testing.assert_close(seen[0], one_hot, rtol=0, atol=1e-15)


def test_discrete_estimators_name_what_does_not_fit():
    with pytest.raises(ValueError, match=r"noise \(..., L, C\)"):
        discrete.straight_through(linear, LOGITS, gumbel(5, 1, 3, 2))
    with pytest.raises(ValueError, match="temperature must be positive"):
        discrete.gumbel_softmax(linear, LOGITS, gumbel(5, 1, 2, 3), temperature=0.0)
    with pytest.raises(ValueError, match="states"):
        discrete.all_states(21, 2)


# --- the threshold: no path ---------------------------------------------------------------------


def test_a_threshold_has_slope_zero_and_its_finite_difference_is_zero_or_one_jump():
    """h = 1[u < p]: autograd sees no path, and a step of size d misses or jumps by 1/d."""
    u, p, d = torch.rand(10_000, generator=generator(), dtype=F64), 0.3, 1e-2
    leaf = torch.tensor(p, requires_grad=True)
    assert not (u < leaf).requires_grad
    jump = ((u < p + d).to(F64) - (u < p).to(F64)) / d
    assert set(jump.tolist()) == {0.0, 1 / d}
    # right on average, since dE[h]/dp = 1, with variance (1 - d) / d that grows as the step shrinks
    measured = measure_quality(jump, 1.0)
    assert measured.bias.distance(0.0) < LIMIT
    assert measured.variance.distance((1 - d) / d) < LIMIT
    assert not Bernoulli(0.5).has_rsample


# --- implicit reparameterization ----------------------------------------------------------------


def test_implicit_differentiation_gives_the_gaussian_rule_back():
    """dz/dmu = 1 and dz/dsigma = eps, from the CDF alone."""
    mu, sigma = (torch.tensor(v, dtype=F64, requires_grad=True) for v in (0.4, 1.7))
    eps = noise(50)
    z = implicit_sample(
        mu + sigma * eps,
        lambda z: torch.special.ndtr((z - mu) / sigma),
        Normal(mu, sigma).log_prob(mu + sigma * eps).exp(),
    )
    torch.testing.assert_close(z, mu + sigma * eps, rtol=0, atol=0)
    for i in range(len(eps)):
        by_mu, by_sigma = torch.autograd.grad(z[i], (mu, sigma), retain_graph=True)
        torch.testing.assert_close(by_mu.item(), 1.0, rtol=1e-9, atol=0)
        torch.testing.assert_close(by_sigma.item(), eps[i].item(), rtol=1e-9, atol=1e-12)


def quantile_slope(quantile, rank, parameter, h):
    """Central difference of the quantile function at fixed rank."""
    return (quantile(rank, parameter + h) - quantile(rank, parameter - h)) / (2 * h)


GAMMA = ("gamma", lambda a: Gamma(a, torch.ones_like(a)), scipy.stats.gamma, lambda a: (a,))
BETA = ("beta", lambda a: Beta(a, torch.full_like(a, 1.5)), scipy.stats.beta, lambda a: (a, 1.5))


@pytest.mark.parametrize("name, make, reference, arguments", [GAMMA, BETA], ids=["gamma", "beta"])
@pytest.mark.parametrize("parameter", [0.6, 2.5, 7.0])
def test_rsample_follows_the_quantile_at_fixed_rank(name, make, reference, arguments, parameter):
    """dz/dtheta against finite differences of scipy's quantile function, draw by draw.

    PyTorch documents no accuracy; its series for these two is good to about 1e-4.
    """
    theta = torch.full((40,), parameter, dtype=F64, requires_grad=True)  # one parameter per draw
    z = rsample(make(theta), (), generator=generator(8))
    (got,) = torch.autograd.grad(z.sum(), theta)
    values = z.detach().numpy()
    rank = reference.cdf(values, *arguments(parameter))
    want = quantile_slope(
        lambda u, a: reference.ppf(u, *arguments(a)), rank, parameter, 1e-4 * parameter
    )
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-3, atol=1e-6)


def test_student_t_takes_another_path_to_the_same_gradient():
    """z = normal / sqrt(chi2 / nu) is a path of its own: right on average, not at fixed rank."""
    nu = torch.full((200_000,), 9.0, dtype=F64, requires_grad=True)
    z = rsample(StudentT(nu), (), generator=generator(9))
    (per_draw,) = torch.autograd.grad(z.square().sum(), nu)
    truth = torch.tensor(-2 / (9.0 - 2) ** 2)  # E[z^2] = nu / (nu - 2)
    assert_within(measure_mean(per_draw), truth, relative_error=0.05)
    (slope,) = torch.autograd.grad(rsample(StudentT(nu), (), generator=generator(9)).sum(), nu)
    values = z.detach()[:50].numpy()
    rank = scipy.stats.t.cdf(values, 9.0)
    fixed_rank = quantile_slope(scipy.stats.t.ppf, rank, 9.0, 1e-3)
    assert np.abs(slope[:50].numpy() - fixed_rank).max() > 1e-3


def test_a_mixture_is_differentiable_by_its_weight():
    """Which component a draw came from is discrete, yet the mixture's CDF is smooth in the weight.

    E[z^2] = w (m1^2 + s^2) + (1 - w) (m2^2 + s^2), so its slope is m1^2 - m2^2 exactly.
    """
    m1, m2, s = 2.0, -1.0, 0.7
    w = torch.full((200_000,), 0.3, dtype=F64, requires_grad=True)  # one per draw
    first = torch.rand(len(w), generator=generator(), dtype=F64) < w.detach()
    z = torch.where(first, m1, m2) + s * noise(len(w), seed=1)

    def cdf(z):
        return w * torch.special.ndtr((z - m1) / s) + (1 - w) * torch.special.ndtr((z - m2) / s)

    density = w * Normal(m1, s).log_prob(z).exp() + (1 - w) * Normal(m2, s).log_prob(z).exp()
    (per_draw,) = torch.autograd.grad(implicit_sample(z, cdf, density).square().sum(), w)
    measured = measure_mean(per_draw)
    assert_within(measured, torch.tensor(m1**2 - m2**2), relative_error=0.02)


def test_rsample_leaves_the_global_random_state_alone_and_obeys_its_generator():
    before = torch.get_rng_state()
    make = Gamma(torch.tensor(2.0), torch.tensor(1.0))
    a, b = (rsample(make, (5,), generator=generator(1)) for _ in range(2))
    other = rsample(make, (5,), generator=generator(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a, b) and not torch.equal(a, other)


def test_rsample_refuses_a_distribution_without_a_path():
    with pytest.raises(ValueError, match="Bernoulli has no rsample"):
        rsample(Bernoulli(torch.tensor(0.5)), (3,), generator=generator())


# --- the KL term from draws ---------------------------------------------------------------------


def test_monte_carlo_kl_has_the_closed_forms_mean_and_variance():
    """Catches log p - log q, and one of the two read as log sigma."""
    mu = torch.tensor([[0.7, -1.2], [0.0, 0.3]], dtype=F64)
    logvar = torch.tensor([[-1.0, 0.4], [0.5, 0.0]], dtype=F64)
    draws = kl_monte_carlo(mu, logvar, noise(100_000, 2, 2))
    quality = measure_quality(draws, kl_to_standard_normal(mu, logvar))
    assert (quality.bias.distance(0.0) < LIMIT).all()
    assert_within(quality.variance, kl_monte_carlo_variance(mu, logvar), relative_error=0.03)


def test_monte_carlo_kl_is_exact_where_q_is_the_prior():
    zero = torch.zeros(1, 3, dtype=F64)
    assert kl_monte_carlo(zero, zero, noise(50, 1, 3)).abs().max() < 1e-14
    assert kl_monte_carlo_variance(zero, zero).item() == 0


# --- measuring ----------------------------------------------------------------------------------


def test_the_standard_error_of_a_variance_is_its_own_spread():
    """2 000 variances of 200 exponentials scatter as each of them says. Exponential: kurtosis 9."""
    u = torch.rand(200, 2_000, generator=generator(), dtype=F64)
    measured = measure_variance(-torch.log1p(-u))
    scatter = measured.value.std()
    true_error = math.sqrt((9 - 197 / 199) / 200)
    assert abs(scatter / true_error - 1) < 0.1
    # each error is estimated from 200 draws with heavy tails: on average a little too small
    assert 0.75 < measured.standard_error.mean() / true_error < 1.05


@pytest.mark.parametrize(
    "n, ranks, coverage",
    [(5, (0, 4), 15 / 16), (6, (0, 5), 31 / 32), (7, (0, 6), 63 / 64), (15, (3, 11), 0.96484375)],
)
def test_the_interval_of_a_median_is_the_binomial_one(n, ranks, coverage):
    """Five seeds cover the median from smallest to largest 15 times in 16, and no better."""
    median = measure_median(range(n))
    assert (median.low, median.high) == ranks
    assert median.coverage == pytest.approx(coverage, abs=1e-12)
    assert median.value == (n - 1) / 2


def test_the_interval_of_a_median_covers_it_as_often_as_it_says():
    draws = torch.randn(4_000, 15, generator=generator(), dtype=F64).tolist()
    intervals = [measure_median(row) for row in draws]
    covered = np.mean([m.low <= 0 <= m.high for m in intervals])
    error = math.sqrt(0.9648 * 0.0352 / 4_000)
    assert abs(covered - 0.96484375) < LIMIT * error


def test_measuring_refuses_what_it_cannot_measure():
    with pytest.raises(ValueError, match="at least 2 rows"):
        measure_mean(torch.zeros(1))
    with pytest.raises(ValueError, match="finite"):
        measure_variance(torch.tensor([0.0, math.nan, 1.0, 2.0]))
    with pytest.raises(ValueError, match="empty"):
        measure_median([])
