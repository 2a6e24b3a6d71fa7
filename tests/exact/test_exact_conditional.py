"""Doersch's Eqs. 12-15 on a model with known answers, and what a conditional prior adds to it."""

import dataclasses

import pytest
import torch
from seeded import generator

from vae_teach.evaluate.conditional_grid import conditional_grid_log_likelihood
from vae_teach.exact import Grid
from vae_teach.exact.conditional import ConditionalLinearGaussian, expected_log_normal
from vae_teach.maths.gaussian_full import cholesky, log_full_normal
from vae_teach.models.conditional import CVAE

B, D, C, L = 5, 4, 3, 2


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


@pytest.fixture
def model():
    return ConditionalLinearGaussian.random(D, L, C, generator=generator())


@pytest.fixture
def xc():
    return draw(B, D, seed=1), draw(B, C, seed=2)


@pytest.fixture
def q():
    """A q that is nobody's posterior: means (B, L) and a correlated covariance (L, L)."""
    return draw(B, L, seed=3), torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64)


def test_eqs_13_14_15_hold(model, xc, q):
    """Doersch's equations with a condition. Closed forms in float64 agree to 1e-10."""
    identities = model.identities(*xc, *q)
    assert [i.name for i in identities] == ["Eq. 13", "Eq. 14", "Eq. 15"]
    for identity in identities:
        assert identity.left.shape == (B,)
        assert identity.gap < 1e-10, identity.name


@pytest.mark.parametrize("part", ["A", "sigma_x"])
def test_the_identities_notice_a_wrong_posterior(model, xc, q, part, monkeypatch):
    """A posterior of another model breaks Eqs. 14 and 15; Eq. 13 only defines the divergence."""
    right, wrong = ConditionalLinearGaussian.posterior, 1.1 * getattr(model, part)
    other = dataclasses.replace(model, **{part: wrong})
    monkeypatch.setattr(
        ConditionalLinearGaussian, "posterior", lambda self, x, c: right(other, x, c)
    )
    gaps = {i.name: i.gap for i in model.identities(*xc, *q)}
    assert {name for name, gap in gaps.items() if gap < 1e-6} == {"Eq. 13"}


def test_the_identities_are_what_sampling_says(model, xc, q):
    """The right-hand side of Eq. 13 by 40,000 draws of q: closed forms could share a mistake."""
    (x, c), (mu, cov) = xc, q
    z = mu + draw(40_000, B, L, seed=4) @ cholesky(cov).T
    mean, post = model.posterior(x, c)
    sampled = log_full_normal(z, mu, cov) - log_full_normal(z, mean, post)
    error = sampled.std(0) / 200
    gap = (sampled.mean(0) - model.identities(x, c, mu, cov)[0].right).abs()
    assert (gap < 5 * error).all() and (error < 0.2).all()


def test_the_evidence_is_what_sampling_says(model):
    """Draw z, then x given z: the mean and covariance of x given c are those of p(x|c)."""
    c = draw(C, seed=5)
    mean, cov = model.prior(c)
    z = mean + draw(60_000, L, seed=6) @ cholesky(cov).T
    x = model.decode(z, c) + model.sigma_x * draw(60_000, D, seed=7)
    expected = model.W @ cov @ model.W.T + model.sigma_x**2 * torch.eye(D)
    sd = expected.diagonal().sqrt()
    assert ((x.mean(0) - model.decode(mean, c)).abs() < 5 * sd / 60_000**0.5).all()
    assert ((x.T.cov() - expected).abs() < 5 * sd[:, None] * sd * (2 / 60_000) ** 0.5).all()


def test_the_evidence_is_joint_over_posterior_at_every_z(model, xc):
    """Bayes' rule at points z that have nothing to do with x."""
    x, c = xc
    z = draw(B, L, seed=8)
    joint = model.log_likelihood(x, z, c) + log_full_normal(z, *model.prior(c))
    evidence = joint - log_full_normal(z, *model.posterior(x, c))
    torch.testing.assert_close(evidence, model.log_evidence(x, c), rtol=1e-10, atol=1e-10)


def test_the_bound_is_reached_by_the_posterior_and_by_nothing_else(model, xc, q):
    """ELBO <= log p(x|c), with equality for q = p(z|x, c)."""
    x, c = xc
    evidence = model.log_evidence(x, c)
    assert (model.elbo(x, c, *q) < evidence - 1e-3).all()
    reached = model.elbo(x, c, *model.posterior(x, c))
    torch.testing.assert_close(reached, evidence, rtol=1e-10, atol=1e-10)


def test_the_condition_changes_the_output(model, xc):
    x, c = xc
    assert (model.log_evidence(x, c) - model.log_evidence(x, c.roll(1, 0))).abs().min() > 1e-3


def test_a_decoder_that_sees_c_can_take_over_the_prior(model, xc):
    """p(z|c) = N(0, I) loses nothing here. Fails if R R^T is put where R belongs."""
    fixed = model.with_fixed_prior()
    x, c = xc
    mean, cov = fixed.prior(c)
    assert not mean.any() and torch.equal(cov, torch.eye(L, dtype=torch.float64))
    torch.testing.assert_close(
        fixed.log_evidence(x, c), model.log_evidence(x, c), rtol=1e-10, atol=1e-10
    )


def test_a_decoder_that_does_not_see_c_needs_the_conditional_prior(model, xc):
    """B = 0: with a fixed prior p(x|c) = p(x); the conditional prior carries c through z."""
    x, c = xc
    blind = dataclasses.replace(model, B=torch.zeros_like(model.B))
    forgets = dataclasses.replace(blind, A=torch.zeros_like(model.A))
    moved = blind.log_evidence(x, c) - blind.log_evidence(x, c.roll(1, 0))
    assert moved.abs().min() > 1e-3
    torch.testing.assert_close(
        forgets.log_evidence(x, c), forgets.log_evidence(x, c.roll(1, 0)), rtol=0, atol=0
    )


def test_holding_c_leaves_the_unconditional_model(model, xc):
    """Against the other exact model of the book, one condition at a time."""
    x, c = xc
    for x_row, c_row, here in zip(x, c, model.log_evidence(x, c), strict=True):
        torch.testing.assert_close(model.at(c_row).log_evidence(x_row), here, rtol=1e-10, atol=0)


def test_expected_log_density_against_quadrature():
    """One dimension, 4,001 points: E_q[log N(z | m, s)]."""
    z = torch.linspace(-12, 12, 4_001, dtype=torch.float64)[:, None]
    one = torch.ones(1, 1, dtype=torch.float64)
    mu, m = torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([[-0.4]], dtype=torch.float64)
    weights = log_full_normal(z, mu, 0.6 * one).exp()
    by_grid = torch.trapezoid(weights * log_full_normal(z, m, 1.7 * one), z[:, 0])
    closed = expected_log_normal(mu, 0.6 * one, m, 1.7 * one)[0]
    torch.testing.assert_close(closed, by_grid, rtol=1e-10, atol=0)


def test_shapes_are_checked(model):
    with pytest.raises(ValueError, match=r"A has shape \(3, 2\), but W and B ask for \(2, 3\)"):
        dataclasses.replace(model, A=model.A.T)
    with pytest.raises(ValueError, match="S is not symmetric and positive definite"):
        dataclasses.replace(model, S=-model.S)


# --- one latent dimension, any decoder ---


@pytest.mark.parametrize("prior_hidden", [None, (4,)])
def test_the_grid_agrees_with_importance_sampling(prior_hidden):
    """Two ways to log p(x|c): fails if the grid integrates against the wrong prior."""
    gaussian = {"name": "gaussian", "sigma_x": 0.5}
    model = CVAE(2, 2, (8,), 1, (8,), "tanh", gaussian, prior_hidden=prior_hidden, seed=0)
    x, c = torch.randn(5, 2, generator=generator()), torch.randn(5, 2, generator=generator(1))
    by_grid = conditional_grid_log_likelihood(model, x, c, Grid(-8, 8, 1_001))
    sampled = model.log_likelihood(x, c, n_draws=4_000, generator=generator(2))
    torch.testing.assert_close(by_grid.float(), sampled, rtol=0, atol=0.05)


def test_the_grid_refuses_another_dimension():
    model = CVAE(2, 2, (4,), 2, (4,), seed=0)
    with pytest.raises(ValueError, match="the model has 2, grid 1"):
        conditional_grid_log_likelihood(
            model, torch.zeros(1, 2), torch.zeros(1, 2), Grid(-8, 8, 101)
        )


def test_a_grid_that_misses_the_mass_is_refused():
    """Silently, the answers were off by ten nats."""
    model = CVAE(2, 2, (8,), 1, (8,), "tanh", {"name": "gaussian", "sigma_x": 0.1}, seed=0)
    x, c = torch.randn(5, 2, generator=generator()), torch.randn(5, 2, generator=generator(1))
    with pytest.raises(ValueError, match="9 points from -8 to 8 are too few"):
        conditional_grid_log_likelihood(model, x, c, Grid(-8, 8, 9))
    with pytest.raises(ValueError, match="reaches an end of the grid, 2 or 3"):
        conditional_grid_log_likelihood(model, x, c, Grid(2, 3, 1_001))


@pytest.mark.parametrize("sigma_x", [0.0, -1.0, float("nan")])
def test_a_noise_that_is_no_standard_deviation_is_refused(sigma_x):
    model = ConditionalLinearGaussian.random(generator=generator())
    with pytest.raises(ValueError, match="sigma_x must be positive and finite"):
        dataclasses.replace(model, sigma_x=sigma_x)
