"""Every identity of the bound, on a model where both sides are known in closed form."""

import math

import pytest
import torch
from seeded import generator
from torch.distributions import MultivariateNormal

from vae_teach.data.strokes import draw
from vae_teach.exact import (
    AmortizedGuide,
    LinearGaussian,
    fit_guide,
    fit_ppca,
    variational_em,
)
from vae_teach.maths.gaussian_full import (
    kl_between_full_normals,
    kl_full_to_standard_normal,
    log_full_normal,
)

F64 = torch.float64
EXACT = {"rtol": 1e-10, "atol": 1e-10}  # float64 identities through a few 5 x 5 Cholesky factors


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


@pytest.fixture(scope="module")
def model():
    return LinearGaussian(randn(5, 2, seed=1), randn(5, seed=2), 0.6)


@pytest.fixture(scope="module")
def x(model):
    return model.sample(100, generator=generator(3))[0]


@pytest.fixture(scope="module")
def q():
    """A hundred random Gaussians q, one a data point: means (100, 2), covariances (100, 2, 2)."""
    root = 0.3 * randn(100, 2, 2, seed=4)
    return randn(100, 2, seed=5), root @ root.mT + 0.05 * torch.eye(2, dtype=F64)


def draws_of(q, k, seed=6):
    """k draws of every q: (k, 100, 2)."""
    mu, cov = q
    noise = randn(k, *mu.shape, seed=seed)
    return mu + (torch.linalg.cholesky(cov) @ noise[..., None])[..., 0]


def within_error(values, expected, errors=5.0, power=0.2):
    """Averages over draws (K, B) agree with (B,); 5 standard errors over 100 data points."""
    std_error = values.std(dim=0) / math.sqrt(len(values))
    assert (abs(values.mean(dim=0) - expected) < errors * std_error).all()
    assert std_error.median() < power  # a term missing or counted twice is worth several nats


# --- the model


def test_evidence_is_the_integral_of_the_joint():
    """Quadrature of equation 1 against N(b, w^2 + sigma_x^2)."""
    line = LinearGaussian(torch.tensor([[1.7]], dtype=F64), torch.tensor([0.4], dtype=F64), 0.5)
    z = torch.linspace(-12, 12, 4001, dtype=F64)[:, None]
    for value in (-3.0, 0.4, 2.5):
        point = torch.tensor([value], dtype=F64)
        total = torch.trapezoid(line.log_joint(point, z).exp(), z[:, 0])
        assert line.log_evidence(point).item() == pytest.approx(total.log().item(), abs=1e-10)
        by_hand = -0.5 * (math.log(2 * math.pi * 3.14) + (value - 0.4) ** 2 / 3.14)  # 1.7^2 + 0.5^2
        assert line.log_evidence(point).item() == pytest.approx(by_hand, rel=1e-12)


def test_joint_is_likelihood_times_prior_and_bayes_rule_holds(model, x):
    """Three densities that do not belong to one model."""
    z = randn(100, 2, seed=7)
    prior = MultivariateNormal(torch.zeros(2, dtype=F64), torch.eye(2, dtype=F64)).log_prob(z)
    likelihood = MultivariateNormal(model.decode(z), 0.36 * torch.eye(5, dtype=F64)).log_prob(x)
    torch.testing.assert_close(model.log_joint(x, z), likelihood + prior, **EXACT)
    posterior = log_full_normal(z, *model.posterior(x))
    torch.testing.assert_close(model.log_joint(x, z) - model.log_evidence(x), posterior, **EXACT)


def test_ancestral_samples_have_the_moments_of_the_evidence(model):
    """Noise added with a variance for a standard deviation."""
    x, z = model.sample(100_000, generator=generator())
    # the sd of a sample covariance entry is at most sqrt(2 / n) times the largest variance
    bound = 5 * math.sqrt(2 / 100_000)
    assert (torch.cov(z.T) - torch.eye(2)).abs().max() < bound
    assert z.mean(dim=0).abs().max() < 0.02
    largest = model.covariance.diagonal().max()
    assert (torch.cov(x.T) - model.covariance).abs().max() < bound * largest


def test_shapes_are_checked_by_name():
    """A transposed W fails far away, in a matrix product."""
    with pytest.raises(ValueError, match=r"\(2, 5\) and \(5,\)"):
        LinearGaussian(torch.zeros(2, 5), torch.zeros(5), 1.0)
    with pytest.raises(ValueError, match="sigma_x must be positive and finite, but it is 0"):
        LinearGaussian(torch.zeros(5, 2), torch.zeros(5), 0.0)


# --- the identities


def test_equation_2_the_gap_is_an_expectation(model, x, q):
    """KL(q || p(z|x)) = E_q[log q - log p(z|x)]."""
    z = draws_of(q, 4000)
    values = log_full_normal(z, *q) - log_full_normal(z, *model.posterior(x))
    within_error(values, model.kl_to_posterior(x, *q))


def test_equation_3_the_evidence_leaves_the_expectation(model, x, q):
    """E_q[log q - log p(x|z) - log p(z)] + log p(x), in closed form."""
    mu, cov = q
    entropy = 0.5 * (2 * (1 + math.log(2 * math.pi)) + cov.logdet())
    spread = cov.diagonal(dim1=-2, dim2=-1).sum(-1)
    expected_prior = -0.5 * (2 * math.log(2 * math.pi) + (mu**2).sum(-1) + spread)
    expected_likelihood = model.expected_log_likelihood(x, *q)
    right = -entropy - expected_likelihood - expected_prior + model.log_evidence(x)
    torch.testing.assert_close(right, model.kl_to_posterior(x, *q), **EXACT)


def test_equations_4_and_5_evidence_less_gap_is_the_bound(model, x, q):
    """For 100 random q: a bound with a term missing or counted twice."""
    left = model.log_evidence(x) - model.kl_to_posterior(x, *q)
    right = model.expected_log_likelihood(x, *q) - kl_full_to_standard_normal(*q)
    torch.testing.assert_close(left, right, **EXACT)
    torch.testing.assert_close(model.elbo(x, *q), right, rtol=0, atol=0)


def test_equation_8_is_the_mean_of_equation_5(model, x, q):
    """The objective of a data set is the mean over its points, and not their sum."""
    left = (model.log_evidence(x) - model.kl_to_posterior(x, *q)).mean()
    assert model.elbo(x, *q).mean().item() == pytest.approx(left.item(), rel=1e-12)


def test_the_expected_log_likelihood_is_an_expectation(model, x, q):
    """A trace with W on the wrong side, which the identities share."""
    values = model.log_likelihood(x, draws_of(q, 4000))
    within_error(values, model.expected_log_likelihood(x, *q))


def test_both_forms_of_the_bound_agree_in_expectation(model, x, q):
    """E_q[log p(x, z) - log q(z)] and E_q[log p(x|z)] - KL(q || p(z))."""
    z = draws_of(q, 4000)
    joint_form = model.log_joint(x, z) - log_full_normal(z, *q)
    kl_form = model.log_likelihood(x, z) - kl_full_to_standard_normal(*q)
    for values in (joint_form, kl_form):
        within_error(values, model.elbo(x, *q))


def test_the_bound_never_exceeds_the_evidence_and_meets_it_at_the_posterior(model):
    """For 1,000 random q: log p(x) less the bound is KL(q || p(z|x)), never negative."""
    x = model.sample(1000, generator=generator(8))[0]
    root = 0.5 * randn(1000, 2, 2, seed=9)
    cov = root @ root.mT + 0.01 * torch.eye(2, dtype=F64)
    gap = model.log_evidence(x) - model.elbo(x, randn(1000, 2, seed=10), cov)
    assert (gap > 0).all()
    tight = model.log_evidence(x) - model.elbo(x, *model.posterior(x))
    torch.testing.assert_close(tight, torch.zeros_like(tight), rtol=0, atol=1e-11)


def test_the_misprinted_bound_is_off_by_two_divergences(model, x, q):
    """With KL(q || p(z|x)) in place of KL(q || p(z)), and by how much."""
    misprint = model.expected_log_likelihood(x, *q) - model.kl_to_posterior(x, *q)
    expected = kl_full_to_standard_normal(*q) - model.kl_to_posterior(x, *q)
    torch.testing.assert_close(misprint - model.elbo(x, *q), expected, **EXACT)
    assert (abs(misprint - model.elbo(x, *q)) > 1e-2).all()


def test_minibatches_add_up_to_the_data_set(model, x, q):
    """A bound whose terms depend on their neighbours in the batch."""
    mu, cov = q
    batches = [model.elbo(x[i::4], mu[i::4], cov[i::4]).mean() for i in range(4)]
    assert torch.stack(batches).mean().item() == pytest.approx(
        model.elbo(x, mu, cov).mean().item(), rel=1e-12
    )


def test_one_sample_estimates_are_unbiased_and_their_variance_falls_as_one_over_l(model, x, q):
    """Averaging inside a log, or over the wrong axis."""
    z = draws_of(q, 20_000)[:, :1]
    mu, cov = q[0][:1], q[1][:1]
    one = model.log_likelihood(x[:1], z) - kl_full_to_standard_normal(mu, cov)  # (K, 1)
    within_error(one, model.elbo(x[:1], mu, cov), errors=4.0)
    for n in (4, 16):
        ratio = one.var() / one.view(-1, n).mean(dim=1).var()
        # the log of a variance ratio of m and m n draws has sd about sqrt(2 / m)
        assert math.log(ratio / n) == pytest.approx(0, abs=4 * math.sqrt(2 * n / 20_000 * 3))


# --- inference


def test_the_best_factorized_q_beats_its_neighbours_and_leaves_a_known_gap(model, x):
    """The marginal variances of the posterior are not the best choice."""
    mu, logvar = model.best_factorized(x)
    best = model.elbo_diagonal(x, mu, logvar)
    for direction in torch.eye(4, dtype=F64):
        for step in (1e-3, -1e-3):
            nudged = model.elbo_diagonal(
                x, mu + step * direction[:2], logvar + step * direction[2:]
            )
            assert (nudged < best).all()
    mean, cov = model.posterior(x)
    marginal = model.elbo_diagonal(x, mean, cov.diagonal().log().expand_as(mean))
    assert (marginal < best).all()
    precision = torch.linalg.inv(cov)
    gap = 0.5 * (precision.diagonal().log().sum() - precision.logdet())
    torch.testing.assert_close(model.log_evidence(x) - best, gap.expand(100), **EXACT)


def test_raising_the_bound_ends_at_the_posterior(model, x):
    """A full-covariance q by gradient ascent reaches KL < 1e-4."""
    mu = torch.zeros(2, dtype=F64, requires_grad=True)
    root = torch.eye(2, dtype=F64).requires_grad_()
    optimizer = torch.optim.LBFGS([mu, root], line_search_fn="strong_wolfe", max_iter=200)

    def cov():
        return root.tril() @ root.tril().T

    def closure():
        optimizer.zero_grad()
        loss = -model.elbo(x[:1], mu, cov()).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        gap = model.kl_to_posterior(x[:1], mu, cov())
        assert 0 <= gap.item() < 1e-8
        assert model.elbo(x[:1], mu, cov()).item() == pytest.approx(
            model.log_evidence(x[:1]).item(), abs=1e-8
        )


# --- maximum likelihood


@pytest.fixture(scope="module")
def data():
    """2,000 points whose covariance has eigenvalues near 9, 4, 1 and the rest 0.25."""
    rotation = torch.linalg.qr(randn(6, 6, seed=11)).Q
    scale = torch.tensor([9.0, 4.0, 1.0, 0.25, 0.25, 0.25], dtype=F64).sqrt()
    return randn(2000, 6, seed=12) * scale @ rotation.T + randn(6, seed=13)


def test_ppca_beats_every_nearby_model(data):
    """Tipping & Bishop's solution, judged by the likelihood it claims to maximise."""
    best = fit_ppca(data, 2).model
    top = best.log_evidence(data).mean()
    for seed in range(20):
        nudge = 1e-3 * randn(6, 2, seed=seed)
        other = LinearGaussian(best.W + nudge, best.b, best.sigma_x)
        assert other.log_evidence(data).mean() < top
    for factor in (0.99, 1.01):
        other = LinearGaussian(best.W, best.b, best.sigma_x * factor)
        assert other.log_evidence(data).mean() < top


def test_em_reaches_the_ppca_solution_and_never_lowers_the_bound(data):
    """W is known up to a rotation of the latent space, so W W^T is compared."""
    start = LinearGaussian(randn(6, 2, seed=14), torch.zeros(6, dtype=F64), 2.0)
    path = variational_em(start, data, steps=300)
    best = fit_ppca(data, 2).model
    assert (path.elbo.diff() >= -1e-12).all()
    torch.testing.assert_close(path.model.W @ path.model.W.T, best.W @ best.W.T, rtol=0, atol=1e-6)
    assert path.model.sigma_x == pytest.approx(best.sigma_x, abs=1e-8)
    torch.testing.assert_close(path.model.b, best.b, rtol=0, atol=1e-6)
    # after an exact E-step the bound is the evidence
    assert path.elbo[-1].item() == pytest.approx(best.log_evidence(data).mean().item(), abs=1e-8)


def test_em_with_a_factorized_q_also_never_lowers_the_bound_and_finds_axes(data):
    """A mean-field E-step pushes W towards orthogonal columns, where it costs nothing."""
    start = LinearGaussian(randn(6, 2, seed=14), torch.zeros(6, dtype=F64), 2.0)
    path = variational_em(start, data, steps=400, factorized=True)
    assert (path.elbo.diff() >= -1e-12).all()
    best = fit_ppca(data, 2).model.log_evidence(data).mean()
    assert path.elbo[-1].item() == pytest.approx(best.item(), abs=1e-6)
    columns = path.model.W / path.model.W.norm(dim=0)
    assert abs(columns[:, 0] @ columns[:, 1]) < 1e-2


def test_which_dimensions_collapse_is_known_before_training(data):
    """Dimensions whose eigenvalue is at most sigma_x^2 stay unused, and EM agrees."""
    predicted = fit_ppca(data, 4, sigma_x=1.5)
    assert predicted.collapsed.tolist() == [False, False, True, True]  # 9 and 4 against 2.25
    start = LinearGaussian(randn(6, 4, seed=15), data.mean(dim=0), 1.5)
    trained = variational_em(start, data, steps=300, learn_sigma_x=False).model
    torch.testing.assert_close(
        trained.W @ trained.W.T, predicted.model.W @ predicted.model.W.T, rtol=0, atol=1e-3
    )
    _, cov = predicted.model.posterior(data)
    torch.testing.assert_close(
        cov[2:, 2:], torch.eye(2, dtype=F64), rtol=0, atol=1e-12
    )  # the prior


def test_ppca_refuses_dimensions_it_has_no_noise_left_for(data):
    """An average over no eigenvalues is NaN."""
    with pytest.raises(ValueError, match=r"1\.\.5, but it is 6"):
        fit_ppca(data, 6)
    assert fit_ppca(data, 6, sigma_x=0.1).model.latent_dim == 6


def test_one_linear_encoder_is_as_good_as_free_parameters_here(model, x):
    """The best means are linear in x, so amortization can cost nothing."""
    mu, logvar = model.best_factorized(x)
    best = model.elbo_diagonal(x, mu, logvar).mean()
    guide = AmortizedGuide(5, 2, 32, generator=generator())
    path = fit_guide(guide, model.elbo_diagonal, x, steps=300, lr=0.03)
    assert (path <= best + 1e-9).all()
    assert path[-1] > path[0] + 1
    assert best - path[-1] < 0.05


def test_kl_to_posterior_is_the_divergence_from_the_posterior(model, x, q):
    """Arguments swapped in the one function the gap rests on."""
    mean, cov = model.posterior(x)
    torch.testing.assert_close(
        model.kl_to_posterior(x, *q),
        kl_between_full_normals(*q, mean, cov.expand(100, 2, 2)),
        rtol=0,
        atol=1e-12,
    )
    assert (abs(kl_between_full_normals(mean, cov, *q) - model.kl_to_posterior(x, *q)) > 1e-3).all()


def test_the_reconstruction_of_a_negative_costs_thousands_of_nats_more():
    """A first term of the bound that lets ink stand where there is paper; chapter 4's numbers."""
    digits = draw(600, generator=generator()).images.double()
    fitted, new = fit_ppca(digits[:500], 20).model, digits[500:]

    def cost(seen):
        return -fitted.log_likelihood(new, fitted.posterior(seen)[0])

    assert cost(new).mean().item() == pytest.approx(-404, abs=10)
    assert cost(1 - new).mean().item() == pytest.approx(4623, abs=50)
    assert (cost(1 - new) > cost(new) + 1000).all()
