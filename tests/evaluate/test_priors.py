"""Priors fitted after training, against closed forms and against N(0, I) itself."""

import math

import pytest
import torch
from seeded import generator
from torch import nn
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from vae_teach.evaluate.priors import (
    MixturePrior,
    VampPrior,
    fit_mixture_prior,
    fit_vamp_prior,
    prior_gain,
)
from vae_teach.models import VAE, GaussianCodes

pytestmark = pytest.mark.usefixtures("one_thread")

F64 = torch.float64


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


class Codes(GaussianCodes, nn.Module):
    """An encoder whose q(z|x) is N(6 x - 3, 0.3^2) for the first two pixels of x."""

    latent_dim = 2

    def encode(self, x):
        mu = 6 * x[:, :2] - 3
        return mu, torch.full_like(mu, 2 * math.log(0.3))


def two_heaps(n=1_000, seed=0):
    """Pictures (n, 2) near (0.2, 0.2) and (0.8, 0.8): codes near -1.8 and 1.8."""
    heaps = 0.2 + 0.6 * torch.randint(2, (n, 1), generator=generator(seed)).double()
    return heaps + 0.02 * draws(n, 2, seed=seed + 1)


def test_a_mixture_prior_is_torchs_mixture():
    """A determinant or a weight that is wrong."""
    root = draws(3, 2, 2).tril()
    root.diagonal(dim1=-2, dim2=-1).abs_().add_(0.3)
    weights, mu = torch.tensor([0.2, 0.5, 0.3], dtype=F64), draws(3, 2, seed=1)
    prior = MixturePrior(weights, mu, root)
    torchs = MixtureSameFamily(Categorical(weights), MultivariateNormal(mu, scale_tril=root))
    z = draws(4, 5, 2, seed=2)
    torch.testing.assert_close(prior.log_prob(z), torchs.log_prob(z))
    drawn = prior.sample(50_000, generator=generator(3))
    torch.testing.assert_close(drawn.mean(0), torchs.mean, rtol=0, atol=0.03)
    torch.testing.assert_close(drawn.var(0), torchs.variance, rtol=0.03, atol=0)


def test_a_vamp_prior_is_the_mixture_of_the_posteriors_at_its_pseudo_inputs():
    prior = VampPrior(Codes(), two_heaps(4))
    with torch.no_grad():
        prior.logits += draws(4, seed=7)
    mu, logvar = Codes().encode(prior.pseudo_inputs)
    parts = Independent(Normal(mu, (logvar / 2).exp()), 1)
    torchs = MixtureSameFamily(Categorical(logits=prior.logits), parts)
    z = draws(3, 5, 2, seed=2)
    torch.testing.assert_close(prior.log_prob(z), torchs.log_prob(z))
    drawn = prior.sample(50_000, generator=generator(3))
    torch.testing.assert_close(drawn.mean(0), torchs.mean.detach(), rtol=0, atol=0.03)
    torch.testing.assert_close(drawn.var(0), torchs.variance.detach(), rtol=0.03, atol=0)


def test_a_fitted_mixture_finds_the_heaps_of_the_drawn_codes():
    """Means in place of draws would give a variance of 0.12^2, not 0.12^2 + 0.3^2."""
    prior = fit_mixture_prior(Codes(), two_heaps(), 2, generator=generator(0))
    order = prior.mu[:, 0].argsort()
    want = torch.tensor([[-1.8, -1.8], [1.8, 1.8]], dtype=F64)
    torch.testing.assert_close(prior.mu[order], want, rtol=0, atol=0.06)
    cov = prior.roots @ prior.roots.mT
    want = (0.12**2 + 0.3**2) * torch.eye(2, dtype=F64)
    torch.testing.assert_close(cov, want.expand(2, 2, 2), rtol=0, atol=0.02)


def test_a_fitted_vamp_prior_gains_on_its_start_and_moves_no_encoder():
    model = VAE(6, (8,), 2, (8,), seed=0)
    with torch.no_grad():  # codes as far apart as those of a trained one
        model.to_mu.weight.mul_(20)
        model.to_logvar.bias.fill_(-3.0)
    x = torch.rand(200, 6, generator=generator(0))
    before = [weight.detach().clone() for weight in model.parameters()]
    gains = {}
    for steps in (0, 300):
        prior = fit_vamp_prior(model, x, 3, generator=generator(1), steps=steps, batch_size=100)
        gains[steps] = prior_gain(model, x, prior, n_samples=20, generator=generator(2))
    assert gains[300].mean > gains[0].mean + 5 * gains[0].noise
    assert all(map(torch.equal, before, model.parameters()))
    assert all(weight.grad is None for weight in model.parameters())
    assert ((prior.pseudo_inputs > 0) & (prior.pseudo_inputs < 1)).all()


def test_the_gain_is_what_the_standard_prior_wastes():
    """On average it is KL(aggregate || N(0, I)) - KL(aggregate || new prior), here by hand."""
    x = two_heaps()
    prior = fit_mixture_prior(Codes(), x, 2, generator=generator(0))
    gain = prior_gain(Codes(), x, prior, n_samples=50, generator=generator(1))
    z = x.repeat(50, 1) * 6 - 3 + 0.3 * draws(50_000, 2, seed=5)
    aggregate = Independent(
        Normal(torch.tensor([[-1.8] * 2, [1.8] * 2], dtype=F64), (0.12**2 + 0.3**2) ** 0.5), 1
    )
    log_q = MixtureSameFamily(Categorical(torch.ones(2, dtype=F64)), aggregate).log_prob(z)
    standard = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    wasted, left = (log_q - standard).mean(), (log_q - prior.log_prob(z)).mean()
    assert gain.mean == pytest.approx((wasted - left).item(), abs=0.05)
    assert gain.mean > 2.5


def test_the_standard_normal_gains_nothing_and_one_draw_has_no_error():
    eye = torch.eye(2, dtype=F64)[None]
    same = MixturePrior(torch.ones(1, dtype=F64), torch.zeros(1, 2, dtype=F64), eye)
    gain = prior_gain(Codes(), two_heaps(10), same, n_samples=1, generator=generator(0))
    torch.testing.assert_close(gain.per_image, torch.zeros(10, dtype=F64), rtol=0, atol=1e-12)
    assert gain.errors.isnan().all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"5 components need as many images, but there are 3"):
        fit_mixture_prior(Codes(), two_heaps(3), 5, generator=generator(0))
    with pytest.raises(ValueError, match=r"5 components need as many images, but there are 3"):
        fit_vamp_prior(Codes(), two_heaps(3), 5, generator=generator(0))
    with pytest.raises(ValueError, match=r"weights must be shares, but they sum to 2"):
        MixturePrior(torch.ones(2), torch.zeros(2, 2), torch.eye(2).expand(2, 2, 2))
    with pytest.raises(ValueError, match=r"but mu has \(2, 2\)"):
        MixturePrior(torch.ones(1), torch.zeros(2, 2), torch.eye(2).expand(2, 2, 2))
