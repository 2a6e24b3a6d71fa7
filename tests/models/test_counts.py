"""Likelihoods of counts against torch.distributions and sums over all counts; the model's depth."""

import math

import pytest
import torch
from torch.distributions import NegativeBinomial as TorchNegativeBinomial
from torch.distributions import Normal
from torch.distributions import Poisson as TorchPoisson

from vae_teach.evaluate import importance_bounds
from vae_teach.models import CountVAE, NegativeBinomial, Poisson, RoundedLogGaussian
from vae_teach.models.counts import log_normal_mass, log_totals

EVERY = [Poisson(), NegativeBinomial(1.7), RoundedLogGaussian(3, 0.4)]


def name_of(likelihood):
    return type(likelihood).__name__


def log_rates(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def counts(*shape):
    g = torch.Generator().manual_seed(1)
    return torch.randint(0, 30, shape, generator=g).double()


def test_poisson_and_negative_binomial_agree_with_torch_distributions():
    """Catches r taken for a probability, a mean for a total, and a lost factorial."""
    x, params = counts(4, 6), log_rates(4, 6)
    oracle = TorchPoisson(params.exp()).log_prob(x).sum(-1)
    torch.testing.assert_close(Poisson().log_prob(x, params), oracle, rtol=1e-12, atol=0)
    likelihood = NegativeBinomial(1.7).double()
    r = likelihood.log_dispersion.exp()
    oracle = TorchNegativeBinomial(r, logits=params - r.log()).log_prob(x).sum(-1)
    torch.testing.assert_close(likelihood.log_prob(x, params), oracle, rtol=1e-10, atol=0)


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_the_probabilities_of_all_counts_add_up_to_one(likelihood):
    """Catches a tail that is lost at 0, and a density passed off as a probability."""
    likelihood = likelihood.double() if hasattr(likelihood, "double") else likelihood
    params = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    x = torch.arange(3_000, dtype=torch.float64)
    one = likelihood
    if isinstance(likelihood, RoundedLogGaussian):
        one = RoundedLogGaussian(1, 0.4).double()
    for j in range(3):
        total = one.log_prob(x[:, None], params[j : j + 1].expand(3_000, 1)).exp().sum()
        assert abs(total.item() - 1) < 1e-6


def test_the_density_at_the_counts_is_no_probability():
    """It may add up to more than 1: a ranking with it would favour it for nothing."""
    likelihood = RoundedLogGaussian(1, 0.05, density=True)
    x = torch.arange(200.0)
    log_rate = torch.tensor([[math.log(2.0)]]).expand(200, 1)  # a count's neighbours are far off
    assert likelihood.log_prob(x[:, None], log_rate).exp().sum() > 2


def test_the_density_is_that_of_the_logs_with_its_change_of_variables():
    likelihood = RoundedLogGaussian(4, 0.3, density=True).double()
    x, params = counts(5, 4), log_rates(5, 4)
    normal = Normal(torch.log1p(params.exp()), likelihood.sigma_x)
    oracle = (normal.log_prob(torch.log1p(x)) - torch.log1p(x)).sum(-1)
    torch.testing.assert_close(likelihood.log_prob(x, params), oracle, rtol=1e-10, atol=0)


def test_the_mass_of_an_interval_is_exact_in_both_tails():
    """1 minus a number near 1 is 0 in the right tail, and its log infinite."""
    below = torch.tensor([-12.0, 11.0, -1.0, 30.0], dtype=torch.float64)
    above = torch.tensor([-11.0, 12.0, 1.0, 31.0], dtype=torch.float64)
    mass = log_normal_mass(below, above)
    assert mass[0] == mass[1] and mass.isfinite().all()
    assert abs(mass[2].exp() - math.erf(1 / math.sqrt(2))) < 1e-12
    assert log_normal_mass(torch.tensor(-math.inf), torch.tensor(0.0)).exp() == pytest.approx(0.5)


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_gradients_are_finite_and_right(likelihood):
    """Catches the NaN of infinity minus infinity at the count 0."""
    likelihood = likelihood.double() if hasattr(likelihood, "double") else likelihood
    x = torch.tensor([[0.0, 1.0, 40.0]], dtype=torch.float64)
    params = torch.tensor([[-3.0, 0.5, 2.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: likelihood.log_prob(x, p), params)
    likelihood.log_prob(x, params).sum().backward()
    if isinstance(likelihood, torch.nn.Module):
        assert all(p.grad.isfinite().all() for p in likelihood.parameters())


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_samples_are_counts_of_their_own_probabilities(likelihood):
    """Share of 0 and of 1 among 20,000 draws; 4 standard errors."""
    likelihood = likelihood.float() if hasattr(likelihood, "float") else likelihood
    params = torch.tensor([0.2, 0.2, 0.2]).expand(20_000, 3)
    x = likelihood.sample(params, torch.Generator().manual_seed(0)).detach()
    assert torch.equal(x, x.round()) and x.min() >= 0
    for count in (0.0, 1.0):
        value = torch.full((1, 3), count)
        p = (likelihood.log_prob(value, params[:1]) / 3).exp().item()  # three alike
        share = (x == count).double().mean().item()
        assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / x.numel())


@pytest.mark.parametrize("likelihood", EVERY, ids=name_of)
def test_what_is_no_count_is_refused_by_name(likelihood):
    with pytest.raises(ValueError, match=r"train must hold whole numbers, but one of them is 0.5"):
        likelihood.require_data(torch.tensor([[1.0, 0.5]]), "train")
    with pytest.raises(ValueError, match="train must be a tensor of finite floats from 0"):
        likelihood.require_data(torch.tensor([[-1.0]]), "train")


def test_the_first_latent_moves_the_depth_and_no_share():
    """Catches a decoder that sees the depth too, or one that reads another latent for it."""
    model = CountVAE(6, (5,), 3, log_depth=4.0, depth_spread=0.5, seed=0)
    z = torch.tensor([[0.0, 0.3, -0.2], [2.0, 0.3, -0.2]])
    rates = model.mean_image(z)
    torch.testing.assert_close(rates.sum(1), torch.tensor([4.0, 5.0]).exp())
    torch.testing.assert_close(rates[0] / rates[0].sum(), rates[1] / rates[1].sum())


def test_totals_give_the_prior_of_the_depth():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    mean, spread = log_totals(x)
    assert mean == pytest.approx(math.log(7) / 2)
    assert spread == pytest.approx(math.log(7) / math.sqrt(2))
    with pytest.raises(ValueError, match="x has no count at all in row 1"):
        log_totals(torch.tensor([[1.0], [0.0]]))
    with pytest.raises(ValueError, match="latent_dim is 1, but the depth and one more make 2"):
        CountVAE(latent_dim=1)


def test_bounds_are_those_of_a_latent_model():
    model = CountVAE(6, (5,), 3, log_depth=4.0, depth_spread=0.5, seed=0)
    x = counts(4, 6).float()
    g = torch.Generator().manual_seed(0)
    bounds = importance_bounds(model, x, n_samples=200, generator=g)
    assert (bounds.log_px.per_image > bounds.elbo.per_image).all()
