"""Likelihoods against torch.distributions, hand-worked values and their own samples."""

import math

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Independent, Normal

from vae_teach.likelihoods import Bernoulli, Gaussian, make_likelihood


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


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.5)], ids=["bernoulli", "gaussian"])
def test_samples_have_the_mean_that_is_shown(likelihood):
    """Catches a sampler and a mean that read params differently."""
    params = torch.tensor([[-1.0, 0.0, 2.0]])
    n = 20_000
    x = likelihood.sample(params.expand(n, 3), torch.Generator().manual_seed(0))
    std_error = x.std(0) / math.sqrt(n)
    assert (std_error < 0.01).all()  # power: an error of 0.04 would show
    # 4 standard errors: one false alarm in 16 000 runs
    assert ((x.mean(0) - likelihood.mean(params)[0]).abs() < 4 * std_error).all()


def test_bernoulli_samples_are_zero_or_one():
    sample = Bernoulli().sample(torch.zeros(50, 4), torch.Generator().manual_seed(0))
    assert set(sample.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.5)], ids=["bernoulli", "gaussian"])
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
    with pytest.raises(ValueError, match=r"'poisson'.*bernoulli"):
        make_likelihood("poisson")


def test_a_saved_form_rebuilds_the_likelihood():
    assert make_likelihood({"name": "gaussian", "sigma_x": 0.2}) == Gaussian(0.2)
