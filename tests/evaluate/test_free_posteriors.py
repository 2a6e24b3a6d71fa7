"""q fitted to each picture, and the gap taken apart, against models whose answers are known."""

import math

import pytest
import torch
from seeded import generator
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vae_teach import evaluate
from vae_teach.evaluate.free_posteriors import FreePosterior, refine
from vae_teach.evaluate.gap import split_gap
from vae_teach.exact import LinearGaussian
from vae_teach.exact.bound import normal_nodes
from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models import VAE, GaussianCodes
from vae_teach.models.likelihoods import Gaussian

pytestmark = pytest.mark.usefixtures("one_thread")

F64 = torch.float64
GRID = {"reach": 6.0, "n": 201}


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


class Linear(GaussianCodes, nn.Module):
    """A linear-Gaussian model behind a VAE's interface, with an encoder that is off by a shift."""

    def __init__(self, exact, shift=0.0, widen=0.0):
        super().__init__()
        self.latent_dim, self.likelihood = exact.latent_dim, Gaussian(exact.sigma_x)
        _, cov = exact.posterior(exact.b)
        _, logvar = exact.best_factorized(exact.b)
        buffers = {"W": exact.W, "b": exact.b, "gain": cov @ exact.W.T / exact.sigma_x**2}
        buffers |= {"shift": torch.tensor(shift, dtype=F64), "logvar": logvar + widen}
        for name, value in buffers.items():  # so that they move with the model
            self.register_buffer(name, value)

    def encode(self, x):
        mu = (x - self.b) @ self.gain.T + self.shift
        return mu, self.logvar.expand_as(mu)

    def decode(self, z):
        return z @ self.W.T + self.b

    mean_image = decode


class Folded(GaussianCodes, nn.Module):
    """x = (|z_1| by a smooth fold, z_2) with noise: every posterior has two equal humps."""

    latent_dim, likelihood = 2, Gaussian(0.2)

    def encode(self, x):
        mean = torch.stack([torch.full_like(x[:, 0], 0.3), x[:, 1]], dim=1)
        return mean, torch.full_like(x, -1.0)  # nearer to one hump: between them is a saddle

    def decode(self, z):
        first, second = z.unbind(dim=-1)
        return torch.stack([(first.square() + 0.01).sqrt(), second], dim=-1)

    mean_image = decode


EXACT = LinearGaussian(draws(5, 2), draws(5, seed=1), 0.6)
X, _ = EXACT.sample(4, generator=generator(2))
OFF = Linear(EXACT, shift=0.4, widen=0.5)


def divergence(model, x):
    """KL of the encoder's q from the exact posterior, (N,)."""
    mu, logvar = model.encode(x)
    mean, cov = EXACT.posterior(x)
    posterior = MultivariateNormal(mean, cov)
    q = MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
    return torch.distributions.kl_divergence(q, posterior)


def test_a_full_gaussian_fitted_to_a_picture_is_the_posterior_of_a_linear_model():
    """An off-diagonal that is not trained, or a root that is transposed: KL above 0."""
    best = refine(OFF, X, full=True, steps=600)
    mean, cov = EXACT.posterior(X)
    torch.testing.assert_close(best.mu[0], mean, rtol=0, atol=1e-3)
    root = best.roots()[0]
    torch.testing.assert_close(root @ root.mT, cov.expand(4, 2, 2), rtol=0, atol=1e-3)
    found = evaluate.grid_log_likelihood(OFF, X, posterior=best, **GRID)
    torch.testing.assert_close(found.kl_to_posterior, torch.zeros(4, dtype=F64), rtol=0, atol=1e-4)


def test_a_diagonal_one_is_the_best_factorized():
    """Its mean is exact and its variances are those of one coordinate given the others."""
    best = refine(OFF, X, steps=600)
    mu, logvar = EXACT.best_factorized(X)
    torch.testing.assert_close(best.mu[0], mu, rtol=0, atol=1e-3)
    torch.testing.assert_close(best.logvar[0], logvar.expand(4, 2), rtol=0, atol=2e-3)
    assert torch.equal(best.below, torch.zeros(1, 4, 2, 2, dtype=F64))


def test_two_components_find_both_humps_and_one_misses_log_2():
    """Components that stay together, or shares that are not trained, gain nothing."""
    x = torch.tensor([[1.2, 0.3], [1.5, -0.5]], dtype=F64)
    model, grid = Folded(), {"reach": 5.0, "n": 321}
    kls = {}
    for m in (1, 2):
        best = refine(model, x, components=m, steps=500, generator=generator(0))
        kls[m] = evaluate.grid_log_likelihood(model, x, posterior=best, **grid).kl_to_posterior
    torch.testing.assert_close(kls[1], kls[1] * 0 + math.log(2), rtol=0, atol=0.03)
    assert (kls[2] < 0.03).all()


def free(m=3, *, full=True):
    """A posterior for four pictures with all of its parameters away from where they start."""
    found = FreePosterior(
        draws(4, 2), draws(4, 2, seed=1), components=m, full=full, generator=generator(2)
    )
    with torch.no_grad():
        found.logvar += draws(m, 4, 2, seed=3)
        found.logits += draws(m, 4, seed=4)
        found.below += draws(m, 4, 2, 2, seed=5)
    return found


@pytest.mark.parametrize("full", [False, True])
def test_log_prob_is_that_of_torchs_mixture(full):
    """A determinant, a share or an axis that is wrong."""
    q, z = free(full=full), draws(7, 4, 2, seed=6)
    parts = MultivariateNormal(q.mu.transpose(0, 1), scale_tril=q.roots().transpose(0, 1))
    torchs = MixtureSameFamily(Categorical(logits=q.logits.T), parts)
    torch.testing.assert_close(q.log_prob(z), torchs.log_prob(z))
    assert full or torch.equal(q.roots(), torch.diag_embed((q.logvar / 2).exp()))


def test_the_bound_by_quadrature_is_the_closed_form():
    """E_q[log p(x|z)] - KL for a diagonal q of a linear model, at any parameters."""
    q = free(1, full=False)
    nodes, weights = normal_nodes(2, 6)
    found = q.bound(lambda z: evaluate.log_joint(OFF, X, z), nodes, weights)
    torch.testing.assert_close(found, EXACT.elbo_diagonal(X, q.mu[0], q.logvar[0]))
    apart = q.bound(lambda z: -0.5 * z.square().sum(-1) - math.log(2 * math.pi), nodes, weights)
    torch.testing.assert_close(-apart, kl_to_standard_normal(q.mu[0], q.logvar[0]))


def test_refining_raises_the_bound_and_leaves_the_model_alone():
    """On the grid, for a trained kind of network; weights and gradients stay as they were."""
    model = VAE(12, (16,), 2, (16,), activation="tanh", seed=0)
    x = (draws(6, 12).float() > 0).float()
    before = [weight.detach().clone() for weight in model.parameters()]
    own = evaluate.grid_log_likelihood(model, x, reach=8, n=241)
    bounds = [own.elbo]
    for options in ({}, {"full": True}):
        best = refine(model, x, steps=200, **options)
        bounds.append(evaluate.grid_log_likelihood(model, x, posterior=best, reach=8, n=241).elbo)
    assert (bounds[1] >= bounds[0] - 1e-4).all() and (bounds[1] > bounds[0] + 1e-3).any()
    assert (bounds[2] >= bounds[1] - 1e-3).all()
    assert all(map(torch.equal, before, model.parameters()))
    assert all(weight.grad is None for weight in model.parameters())


def test_the_parts_of_the_gap_are_the_divergences_of_a_linear_model():
    """Parts that are exchanged or overlap: each has a closed form here."""
    best, settled = refine(OFF, X, steps=600), Linear(EXACT, shift=0.1)
    split = split_gap(OFF, X, refined=best, settled=settled, **GRID)
    factorized = divergence(Linear(EXACT), X)
    torch.testing.assert_close(split.approximation, factorized, rtol=0, atol=1e-4)
    want = divergence(settled, X) - factorized
    torch.testing.assert_close(split.amortization, want, rtol=0, atol=1e-4)
    want = divergence(OFF, X) - divergence(settled, X)
    torch.testing.assert_close(split.optimization, want, rtol=0, atol=1e-4)
    torch.testing.assert_close(split.total, divergence(OFF, X), rtol=0, atol=1e-6)
    torch.testing.assert_close(split.log_px, EXACT.log_evidence(X), rtol=0, atol=1e-8)


def test_without_a_settled_encoder_all_of_the_rest_is_amortization():
    best = refine(OFF, X, steps=300)
    split = split_gap(OFF, X, refined=best, **GRID)
    assert torch.equal(split.optimization, torch.zeros(4, dtype=F64))
    torch.testing.assert_close(split.total, divergence(OFF, X), rtol=0, atol=1e-6)


def test_another_decoder_other_pictures_and_too_many_latents_are_refused():
    best = refine(OFF, X, steps=1)
    other = Linear(LinearGaussian(draws(5, 2, seed=9), draws(5, seed=1), 0.6))
    with pytest.raises(ValueError, match=r"settled must have the decoder of model"):
        split_gap(OFF, X, refined=best, settled=other, **GRID)
    with pytest.raises(ValueError, match=r"posterior is for 4 images, but there are 3"):
        split_gap(OFF, X[:3], refined=best, **GRID)
    wide = Linear(LinearGaussian(draws(5, 5), draws(5, seed=1), 0.6))
    with pytest.raises(ValueError, match=r"model has 5 latents, but 10\^L nodes"):
        refine(wide, X)
    with pytest.raises(ValueError, match=r"2 components start apart: pass a generator"):
        refine(OFF, X, components=2)
    with pytest.raises(ValueError, match=r"mu and logvar must both be \(N, L\)"):
        FreePosterior(X, X[:2])
