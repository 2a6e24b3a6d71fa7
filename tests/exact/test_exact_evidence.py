"""Why sampling from the prior fails in sixteen dimensions, against the exact answer."""

import math

import pytest
import torch

from vae_teach.exact import (
    effective_sample_size,
    importance_log_evidence,
    log_mean_exp,
    share_that_counts,
    sixteen_dimensions,
)
from vae_teach.maths.gaussian_full import log_full_normal

F64 = torch.float64
MODEL, X = sixteen_dimensions()


def prior_draws(n, seed):
    return torch.randn(n, 16, generator=torch.Generator().manual_seed(seed), dtype=F64)


def naive(n, seed):
    return log_mean_exp(MODEL.log_likelihood(X, prior_draws(n, seed))).item()


def test_the_exact_answer_is_the_one_in_the_docstring():
    """By hand: 16 independent N(0, 1.04), each at one: -8 log(2 pi 1.04) - 8 / 1.04."""
    assert MODEL.log_evidence(X).item() == pytest.approx(-22.709, abs=5e-4)
    by_hand = -8 * math.log(2 * math.pi * 1.04) - 8 / 1.04
    assert MODEL.log_evidence(X).item() == pytest.approx(by_hand, rel=1e-12)


def test_naive_sampling_is_hopeless_and_improves_slowly():
    """Hundreds of nats short with 10 draws, dozens with 100,000, for every seed."""
    exact = MODEL.log_evidence(X).item()
    few, some, many = ([naive(n, seed) for seed in range(10)] for n in (10, 1000, 100_000))
    assert max(few) < exact - 100
    assert max(some) < exact - 30
    assert exact - 80 < min(many) and max(many) < exact - 15
    assert max(few) < min(many)


def near_posterior(n, seed, stretch=1.1):
    """Draws of a q centred a little off the posterior and a little wider."""
    mean, cov = MODEL.posterior(X)
    mean, cov = mean + 0.02, cov * stretch**2
    z = mean + prior_draws(n, seed) @ torch.linalg.cholesky(cov).T
    return z, log_full_normal(z, mean, cov)


def test_ten_draws_near_the_posterior_do_what_a_million_cannot():
    """Importance weights without the prior or log q: the exact value would be missed."""
    exact = MODEL.log_evidence(X).item()
    for seed in range(10):
        z, log_q = near_posterior(10, seed)
        found = importance_log_evidence(MODEL.log_joint(X, z), log_q).item()
        assert found == pytest.approx(exact, abs=1.0)


def test_draws_of_the_posterior_itself_are_exact():
    """Every weight is p(x): a weight upside down or without the prior is not constant."""
    z, log_q = near_posterior(5, seed=0, stretch=1.0)
    mean, cov = MODEL.posterior(X)
    z, log_q = z - 0.02, log_full_normal(z - 0.02, mean, cov)
    weights = MODEL.log_joint(X, z) - log_q
    torch.testing.assert_close(weights, MODEL.log_evidence(X).expand(5), rtol=1e-10, atol=0)


def test_almost_no_prior_draw_counts_and_almost_every_draw_of_q_does():
    """Shares and effective sample sizes that do not tell the prior from a near posterior."""
    from_prior = MODEL.log_likelihood(X, prior_draws(10_000, seed=0))
    z, log_q = near_posterior(10_000, seed=1)
    assert share_that_counts(from_prior) < 0.001
    assert share_that_counts(MODEL.log_likelihood(X, z)) > 0.5
    assert effective_sample_size(from_prior) < 5
    assert effective_sample_size(MODEL.log_joint(X, z) - log_q) > 5000


def test_the_naive_estimate_is_unbiased_before_the_log():
    """In one dimension, where it works: the mean of p(x|z) is p(x); its log is below on average."""
    g = torch.Generator().manual_seed(0)
    z = torch.randn(20_000, 10, generator=g, dtype=F64)
    log_likelihood = -0.5 * (math.log(2 * math.pi * 0.25) + (1.0 - z).square() / 0.25)
    exact = math.exp(-0.5 * (math.log(2 * math.pi * 1.25) + 1 / 1.25))
    estimates = log_mean_exp(log_likelihood.T).exp()  # 20,000 estimates from 10 draws each
    std_error = estimates.std() / math.sqrt(20_000)
    assert abs(estimates.mean() - exact) < 4 * std_error
    assert estimates.log().mean() < math.log(exact) - 0.05


def test_log_mean_exp_and_sample_size_by_hand():
    """A sum for a mean."""
    assert log_mean_exp(torch.tensor([0.0, math.log(3)])).item() == pytest.approx(math.log(2))
    assert log_mean_exp(torch.full((7,), -1e4)).item() == -1e4  # exp alone would be 0
    assert effective_sample_size(torch.zeros(9)).item() == pytest.approx(9)
    assert effective_sample_size(torch.tensor([0.0, -1e3])).item() == pytest.approx(1)


def test_weights_of_two_shapes_are_refused():
    """(K,) against (K, B) broadcasts into a plausible number."""
    with pytest.raises(ValueError, match=r"\(10, 3\) but log_q has \(10,\)"):
        importance_log_evidence(torch.zeros(10, 3), torch.zeros(10))
