"""Likelihoods against torch.distributions, hand-worked values and their own samples."""

import itertools
import math

import mpmath
import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli
from torch.distributions import Independent, Normal
from torch.distributions import Laplace as TorchLaplace

from vae_teach.data.treatments import treat
from vae_teach.maths import continuous_bernoulli as cb
from vae_teach.models import VAE
from vae_teach.models.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    ContinuousBernoulli,
    Gaussian,
    Laplace,
    LearnedGaussian,
    make_likelihood,
)
from vae_teach.training.checkpoint import load_model, save_checkpoint
from vae_teach.training.loop import fit

EVERY = [
    Bernoulli(), ContinuousBernoulli(), Gaussian(0.5), Gaussian(0.5, squash=True),
    LearnedGaussian(0.5), LearnedGaussian(0.5, squash=True), Laplace(0.3),
]  # fmt: skip


def name_of(likelihood):
    squash = "-squashed" if getattr(likelihood, "squash", False) else ""
    return type(likelihood).__name__ + squash


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)], ids=str)
def test_bernoulli_agrees_with_torch_distributions_on_binary_pixels(shape):
    """Catches a lost (1 - x) term, a mean instead of a sum, and a wrong sign."""
    logits = 3 * draws(*shape)
    x = (draws(*shape, seed=1) > 0).double()
    oracle = Independent(TorchBernoulli(logits=logits), 1).log_prob(x)
    torch.testing.assert_close(Bernoulli().log_prob(x, logits), oracle, rtol=1e-12, atol=1e-12)


def test_bernoulli_is_minus_the_cross_entropy_on_grey_pixels():
    """The usual loss of VAE tutorials is minus this number, also for pixels between 0 and 1."""
    logits, x = 3 * draws(5, 9), torch.sigmoid(draws(5, 9, seed=1))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
    torch.testing.assert_close(
        Bernoulli().log_prob(x, logits), -entropy.sum(-1), rtol=1e-12, atol=0
    )


def test_bernoulli_is_exact_where_probabilities_would_round_to_zero():
    """Clipping probabilities at 1e-7 would cap the cost at 16.1 nats and kill the gradient."""
    logits = torch.tensor([[100.0], [-100.0]], requires_grad=True)
    x = torch.tensor([[0.0], [1.0]])
    log_prob = Bernoulli().log_prob(x, logits)
    assert log_prob.tolist() == [-100.0, -100.0]
    log_prob.sum().backward()
    assert logits.grad.flatten().tolist() == [-1.0, 1.0]


def test_gaussian_agrees_with_torch_distributions():
    """Catches sigma_x read as a variance and a lost constant."""
    x, mean = draws(4, 6), draws(4, 6, seed=1)
    oracle = Independent(Normal(mean, torch.full_like(mean, 0.3)), 1).log_prob(x)
    torch.testing.assert_close(Gaussian(0.3).log_prob(x, mean), oracle, rtol=1e-12, atol=0)


def test_sum_of_squared_errors_is_the_gaussian_with_variance_one_half():
    """For 784 pixels the constant that the bare sum of squares leaves out is 448.73 nats."""
    x, mean = draws(3, 784), draws(3, 784, seed=1)
    nll = -Gaussian().log_prob(x, mean)
    constant = 784 / 2 * math.log(math.pi)
    assert round(constant, 2) == 448.73
    torch.testing.assert_close(nll, (x - mean).square().sum(-1) + constant, rtol=1e-12, atol=0)


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_samples_have_the_mean_that_is_shown(likelihood):
    """Catches a sampler and a mean that read params differently."""
    params = torch.tensor([[-1.0, 0.0, 2.0]])
    n = 20_000
    x = likelihood.sample(params.expand(n, 3), torch.Generator().manual_seed(0)).detach()
    std_error = x.std(0) / math.sqrt(n)
    assert (std_error < 0.01).all()  # power: an error of 0.04 would show
    # 4 standard errors: one false alarm in 16 000 runs
    assert ((x.mean(0) - likelihood.mean(params)[0]).abs() < 4 * std_error).all()


def test_bernoulli_samples_are_zero_or_one():
    sample = Bernoulli().sample(torch.zeros(50, 4), torch.Generator().manual_seed(0))
    assert set(sample.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_log_prob_is_differentiable_in_params(likelihood):
    x = torch.sigmoid(draws(2, 3))
    assert torch.autograd.gradcheck(
        lambda params: likelihood.log_prob(x, params), draws(2, 3, seed=1).requires_grad_()
    )


def test_errors_name_both_sides():
    with pytest.raises(ValueError, match=r"x has 4 pixels but params has 5"):
        Bernoulli().log_prob(torch.zeros(2, 4), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="sigma_x must be positive and finite, but it is 0"):
        Gaussian(0.0)
    with pytest.raises(ValueError, match=r"'cauchy'.*bernoulli"):
        make_likelihood("cauchy")


def test_a_saved_form_rebuilds_the_likelihood():
    assert make_likelihood({"name": "gaussian", "sigma_x": 0.2}) == Gaussian(0.2)


# --- grey pixels under a Bernoulli --------------------------------------------------------------


def test_cross_entropy_is_the_expected_log_probability_of_random_binarisations():
    """Grey x stands for X' ~ Bernoulli(x). Catches a binarisation with P(1) != x."""
    g = torch.Generator().manual_seed(0)
    x, logits = torch.rand(20, generator=g), 2 * torch.randn(20, generator=g)
    drawn = treat(x.expand(10_000, 20), "stochastic", generator=g)
    values = Bernoulli().log_prob(drawn, logits.expand(10_000, 20))
    std_error = values.std() / 100
    assert std_error < 0.05
    # 4 standard errors: one false alarm in 16 000 runs
    assert abs(values.mean() - Bernoulli().log_prob(x, logits)) < 4 * std_error


def test_grey_pixels_put_a_floor_under_the_cross_entropy():
    """No decoder beats the pixels' own entropy, so the number is not an NLL of x."""
    x = torch.tensor([[0.2, 0.5, 0.9]], dtype=torch.float64)
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).sum(-1)
    best = Bernoulli().log_prob(x, torch.logit(x))
    torch.testing.assert_close(-best, entropy, rtol=1e-12, atol=0)
    for shift in (-0.1, 0.1):
        assert Bernoulli().log_prob(x, torch.logit(x) + shift) < best


def test_clipped_probabilities_lose_the_gradient_that_logits_keep():
    """A saturated, wrong pixel gets slope 0 under clipping and -1 from logits."""
    x = torch.tensor([0.0])
    for log_prob, slope in (
        (lambda a: torch.log(1 - torch.sigmoid(a).clamp(1e-7, 1 - 1e-7)).sum(), 0.0),
        (lambda a: Bernoulli().log_prob(x, a), -1.0),
    ):
        logits = torch.tensor([100.0], requires_grad=True)
        log_prob(logits).backward()
        assert logits.grad.item() == slope


def test_a_density_can_be_made_as_large_as_one_likes_and_a_probability_cannot():
    """A perfect reconstruction's NLL falls without end with sigma_x."""
    x = torch.tensor([[0.0, 1.0]])
    nll = [-Gaussian(sigma).log_prob(x, x).item() for sigma in (1e-1, 1e-3, 1e-5)]
    steps = [a - b for a, b in itertools.pairwise(nll)]
    assert steps == pytest.approx([2 * math.log(100)] * 2, rel=1e-5)
    assert -Bernoulli().log_prob(x, torch.tensor([[-60.0, 60.0]])).item() >= 0


# --- the continuous Bernoulli -------------------------------------------------------------------


def logits_of(*probabilities):
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64))


@pytest.mark.parametrize("probability", [1e-9, 0.1, 0.4999, 0.5, 0.5001, 0.9, 1 - 1e-9])
def test_continuous_bernoulli_integrates_to_one_and_the_bernoulli_does_not(probability):
    nodes, weights = (torch.tensor(a) for a in _gauss_legendre(200))
    params = logits_of(probability).expand(len(nodes), 1)
    densities = {
        type(p): (p.log_prob(nodes[:, None], params).exp() * weights).sum().item()
        for p in (ContinuousBernoulli(), Bernoulli())
    }
    assert densities[ContinuousBernoulli] == pytest.approx(1, abs=1e-10)
    assert densities[Bernoulli] < 0.51  # at most C = 2 is missing


def _gauss_legendre(n):
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


def test_continuous_bernoulli_agrees_with_torch_distributions():
    """PyTorch's own is a Taylor series inside (0.499, 0.501), hence the tolerance."""
    logits = torch.linspace(-8, 8, 161, dtype=torch.float64)[:, None]
    x = torch.rand(161, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    oracle = TorchContinuousBernoulli(logits=logits)
    ours = ContinuousBernoulli()
    log_prob = oracle.log_prob(x)[:, 0]
    torch.testing.assert_close(ours.log_prob(x, logits), log_prob, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours.mean(logits), oracle.mean, rtol=1e-8, atol=1e-9)


AROUND_HALF = [-3.0, -0.31, -0.29, -1e-2, -1e-5, -1e-9, 0.0, 1e-12, 1e-7, 1e-3, 0.1, 0.3, 2.0, 40.0]


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 4e-15), (torch.float32, 1e-6)])
def test_continuous_bernoulli_normaliser_and_slopes_are_right_around_one_half(dtype, tolerance):
    """The closed form is 0 / 0 at logit 0. Catches a NaN slope, a jump where the series takes
    over, and digits lost to cancellation. The oracle is 40-digit arithmetic. The slope's closed
    form takes 1 / l, at most 3.4, from its neighbour and the curvature 1 / l^2, so they may lose
    one and two digits more than the value.
    """
    logits = torch.tensor(AROUND_HALF, dtype=dtype, requires_grad=True)
    value = cb.log_partition(logits)
    (slope,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), logits)
    with mpmath.workdps(40):
        for i, logit in enumerate(logits.tolist()):  # the rounded logit is the one that counts
            exact = _exact_log_partition(mpmath.mpf(logit))
            assert value[i].item() == pytest.approx(float(exact[0]), rel=tolerance, abs=tolerance)
            assert slope[i].item() == pytest.approx(float(exact[1]), rel=20 * tolerance)
            assert curvature[i].item() == pytest.approx(float(exact[2]), rel=400 * tolerance)
    torch.testing.assert_close(cb.mean(logits), slope, rtol=40 * tolerance, atol=0)


def _exact_log_partition(l):  # noqa: E741 - the letter of the formula
    """log((e^l - 1) / l) and its first two derivatives."""
    if abs(l) < mpmath.mpf("1e-8"):
        return l / 2 + l**2 / 24, mpmath.mpf(1) / 2 + l / 12, mpmath.mpf(1) / 12
    slope = 1 / (1 - mpmath.exp(-l)) - 1 / l
    return mpmath.log(mpmath.expm1(l) / l), slope, 1 / l**2 - 1 / (4 * mpmath.sinh(l / 2) ** 2)


def test_continuous_bernoulli_is_finite_at_extreme_logits():
    logits = torch.tensor([-1e4, -100.0, 100.0, 1e4], requires_grad=True)
    for x in (0.0, 0.4, 1.0):
        log_prob = ContinuousBernoulli().log_prob(torch.full((4, 1), x), logits[:, None])
        assert torch.isfinite(log_prob).all()
        (slope,) = torch.autograd.grad(log_prob.sum(), logits)
        assert torch.isfinite(slope).all()


def test_continuous_bernoulli_samples_follow_its_distribution_function():
    """Kolmogorov-Smirnov over many logits at once: F(x) of a sample is uniform."""
    n = 4_000
    for logit in (-30.0, -1.0, 0.0, 1e-6, 2.0, 200.0):
        params = torch.full((n,), logit, dtype=torch.float64)
        x = ContinuousBernoulli().sample(params, torch.Generator().manual_seed(0))
        assert ((x >= 0) & (x <= 1)).all()
        share = x if logit == 0 else torch.expm1(logit * x) / math.expm1(logit)
        distance = (share.sort().values - (torch.arange(n) + 0.5) / n).abs().max()
        assert distance < 1.95 / math.sqrt(n)  # one false alarm in a thousand


# --- likelihoods with parameters, and absolute errors -------------------------------------------


def test_laplace_agrees_with_torch_distributions_and_is_the_absolute_error():
    """Catches a scale read as a standard deviation and a lost constant."""
    x, location = draws(4, 6), draws(4, 6, seed=1)
    oracle = Independent(TorchLaplace(location, torch.full_like(location, 0.3)), 1).log_prob(x)
    torch.testing.assert_close(Laplace(0.3).log_prob(x, location), oracle, rtol=1e-12, atol=0)
    l1 = (x - location).abs().sum(-1)
    torch.testing.assert_close(-Laplace().log_prob(x, location), l1 + 6 * math.log(2))


def test_averaging_the_squared_error_over_pixels_is_a_much_larger_sigma_x():
    """SSE / 784 belongs to sigma_x^2 = 392, so the KL weighs 784 times more."""
    x, a, b = draws(1, 784), draws(1, 784, seed=1), draws(1, 784, seed=2)
    wide = Gaussian(math.sqrt(392))
    difference = wide.log_prob(x, a) - wide.log_prob(x, b)
    sse = [(x - mean).square().sum(-1) for mean in (a, b)]
    torch.testing.assert_close(difference, (sse[1] - sse[0]) / 784, rtol=1e-9, atol=0)


@pytest.mark.parametrize("squash", [False, True])
def test_learned_and_fixed_gaussian_are_one_density(squash):
    x, params = draws(3, 5), draws(3, 5, seed=1)
    learned = LearnedGaussian(0.3, squash=squash).double()
    # sigma_x is kept in float32 until .double()
    torch.testing.assert_close(
        learned.log_prob(x, params), Gaussian(0.3, squash=squash).log_prob(x, params), rtol=1e-6,
        atol=0,
    )  # fmt: skip


def test_learned_sigma_x_settles_at_the_root_mean_squared_error():
    """The optimum is known: sigma_x^2 = mean squared error per pixel. Catches a frozen sigma_x."""
    x, mean = draws(200, 30).float(), torch.zeros(200, 30)
    likelihood = LearnedGaussian(3.0)
    optimizer = torch.optim.LBFGS(likelihood.parameters(), line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = -likelihood.log_prob(0.2 * x, mean).mean()
        value.backward()
        return value

    for _ in range(5):
        optimizer.step(loss)
    assert likelihood.sigma_x == pytest.approx(0.2 * x.square().mean().sqrt().item(), rel=1e-3)


def test_a_vae_trains_saves_and_restores_its_likelihoods_own_parameter(tmp_path):
    """The learned sigma_x must be among the model's weights, or a checkpoint would forget it."""
    likelihood = {"name": "learned_gaussian", "sigma_x": 0.9}
    model = VAE(6, (5,), 2, (5,), likelihood=likelihood, seed=0)
    assert "likelihood.log_sigma_x" in dict(model.named_parameters())
    x = torch.sigmoid(draws(64, 6)).float()
    history = fit(model, x, epochs=3, lr=1e-2, progress=False)
    assert model.likelihood.sigma_x < 0.89
    save_checkpoint(tmp_path / "m.safetensors", model, history=history, settings={})
    again = load_model(tmp_path / "m.safetensors")
    assert again.likelihood.sigma_x == model.likelihood.sigma_x
    assert torch.equal(again.mean_image(torch.ones(1, 2)), model.mean_image(torch.ones(1, 2)))


def test_two_models_do_not_share_one_learned_sigma_x():
    a, b = (VAE(6, (5,), 2, likelihood="learned_gaussian", seed=0) for _ in range(2))
    assert a.likelihood.log_sigma_x is not b.likelihood.log_sigma_x


OF_COUNTS = {"poisson", "negative_binomial", "rounded_log_gaussian"}
WITH_WEIGHTS = {"learned_gaussian", "negative_binomial", "rounded_log_gaussian"}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_fits_in_a_vae(name):
    sized = {"n_values": 6} if name == "rounded_log_gaussian" else {}
    model = VAE(6, (5,), 2, (5,), likelihood={"name": name} | sized, seed=0)
    x = torch.full((3, 6), 2.0 if name in OF_COUNTS else 0.3)
    terms = model.loss_terms(x, generator=torch.Generator().manual_seed(0))
    sum(terms.values()).mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    picture = model.likelihood.sample(
        model.decode(torch.zeros(2, 2)).detach(), torch.Generator().manual_seed(0)
    )
    assert picture.shape == (2, 6)
    assert isinstance(model.likelihood, nn.Module) == (name in WITH_WEIGHTS)


def test_squash_makes_the_mean_a_sigmoid():
    params = torch.tensor([[-2.0, 0.0, 3.0]])
    for likelihood in (Gaussian(squash=True), LearnedGaussian(squash=True), Laplace(squash=True)):
        torch.testing.assert_close(likelihood.mean(params), torch.sigmoid(params))


def test_scales_that_make_no_density_are_refused():
    with pytest.raises(ValueError, match="scale must be positive and finite, but it is 0"):
        Laplace(0.0)
    with pytest.raises(ValueError, match="sigma_x must be positive and finite, but it is inf"):
        LearnedGaussian(math.inf)


NORMALIZED = (torch.linspace(0, 1, 12).view(3, 4) - 0.1307) / 0.3081


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_data_that_is_no_finite_float_is_refused_by_its_name(likelihood):
    """Catches pixels of 0 to 255 as bytes, NaN, and a picture that was divided by 0."""
    likelihood.require_data(torch.rand(3, 4, generator=torch.Generator().manual_seed(0)), "train")
    for bad in (torch.tensor([math.nan]), torch.tensor([math.inf]), torch.tensor([255]), None):
        with pytest.raises(ValueError, match="train must be a tensor of finite floats"):
            likelihood.require_data(bad, "train")


@pytest.mark.parametrize("likelihood", [Bernoulli(), ContinuousBernoulli()], ids=name_of)
def test_a_likelihood_of_the_unit_interval_refuses_pixels_outside_it(likelihood):
    """Its loss of normalized pixels falls without end: -12 million after three epochs of MNIST."""
    with pytest.raises(ValueError, match=r"from 0 to 1, as the .*from -0.424213 to 2.82149"):
        likelihood.require_data(NORMALIZED, "train")
    VAE(4, (3,), 2, (3,), likelihood="gaussian").require_data(NORMALIZED)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_the_smallest_and_the_largest_uniform_give_a_finite_sample(likelihood, dtype, monkeypatch):
    """torch.rand returns 0 once in 16 million draws: an inverse CDF must not take its logarithm."""
    logits = torch.tensor([-200.0, -1, 0, 1, 200], dtype=dtype)
    for u in (0.0, 1 - torch.finfo(dtype).eps / 2):
        monkeypatch.setattr(torch, "rand", lambda shape, u=u, **kw: torch.full(shape, u).to(dtype))
        assert torch.isfinite(likelihood.sample(logits, torch.Generator())).all()
