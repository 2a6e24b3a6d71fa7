"""A mixture as q(z|x): its density on a grid, its draws, and the gradient of its bound."""

import math

import pytest
import torch
from seeded import generator

from vae_teach import evaluate
from vae_teach.maths.gaussian import log_standard_normal
from vae_teach.models import PosteriorVAE, build_model
from vae_teach.models.mixture_posterior import MixturePosterior, choose_by_noise
from vae_teach.models.posterior import GaussianPosterior
from vae_teach.training.importance import ImportanceWeighted
from vae_teach.training.loop import fit

F64 = torch.float64


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


def heads(b=4, latent=2, m=3):
    """Mean and raw output of the first, logits of all, means and raw outputs of the others."""
    shapes = (b, latent), (b, latent), (b, m), (b, (m - 1) * latent), (b, (m - 1) * latent)
    return tuple(draws(*shape, seed=i) for i, shape in enumerate(shapes))


Q = MixturePosterior(8, 2, components=3)
HEADS = heads()


def test_the_density_integrates_to_one():
    """Shares that do not sum to 1, or a component with another normalisation."""
    axis = torch.linspace(-15, 15, 201, dtype=F64)  # sigmas from 0.36 to 2.1
    points = torch.cartesian_prod(axis, axis)[:, None].expand(-1, 4, -1)
    total = Q.log_prob(HEADS, points).exp().sum(dim=0) * 0.15**2
    torch.testing.assert_close(total, torch.ones(4, dtype=F64), rtol=1e-9, atol=0)


def test_the_heads_of_the_components_are_not_mixed_up():
    """A mean read as that of another picture, component or latent; by hand, one density a time."""
    mu, a, logits, mus, raws = HEADS
    z = draws(4, 2, seed=9)
    for b in range(4):
        w = logits[b].softmax(0)
        centres = torch.stack([mu[b], mus[b, :2], mus[b, 2:]])
        spreads = (torch.stack([a[b], raws[b, :2], raws[b, 2:]]) / 2).exp()
        each = torch.distributions.Normal(centres, spreads).log_prob(z[b]).sum(-1)
        by_hand = (w * each.exp()).sum().log()
        torch.testing.assert_close(Q.log_prob(HEADS, z)[b], by_hand)


def test_one_component_is_the_gaussian_with_a_sampled_kl():
    one, plain = MixturePosterior(8, 3, components=1), GaussianPosterior(sampled_kl=True)
    found, eps = heads(latent=3, m=1), draws(6, 4, 3, seed=7)
    for mine, theirs in zip(one.draw(found, eps), plain.draw(found[:2], eps), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)
    z, kl = one.draw_with_kl(found, eps)
    for mine, theirs in zip((z, kl), plain.draw_with_kl(found[:2], eps), strict=True):
        torch.testing.assert_close(mine.squeeze(1), theirs)
    assert torch.equal(one.shares(found), torch.ones(1, 4, dtype=F64))


def box_of(z):
    """Which of 12 x 12 boxes between -6 and 6 a point lies in."""
    return (z + 6).floor().long() @ torch.tensor([12, 1])


def test_draws_fall_into_boxes_as_often_as_the_density_says():
    """Shares of the wrong components, or noise that the choice has used up: its tails are lost."""
    n = 100_000
    z, _ = Q.draw(HEADS, draws(n, 4, 2, seed=5))
    middles = torch.arange(-5.975, 6, 0.05, dtype=F64)  # 20 of them in a box of width 1
    cells = torch.cartesian_prod(middles, middles)
    mass = Q.log_prob(HEADS, cells[:, None].expand(-1, 4, -1)).exp() * 0.05**2
    for b in range(4):
        expected = torch.zeros(144, dtype=F64).index_add_(0, box_of(cells), mass[:, b])
        inside = z[:, b][(z[:, b].abs() < 6).all(dim=1)]
        found = torch.bincount(box_of(inside), minlength=144) / n
        error = (expected * (1 - expected) / n).sqrt()
        seen = expected > 1e-3
        # 5 standard errors in some 100 boxes: one false alarm in 10,000 runs
        assert ((found - expected)[seen].abs() / error[seen]).max() < 5


@pytest.mark.parametrize("dtype", [torch.float32, F64], ids=str)
def test_the_choice_and_the_noise_that_is_left_are_independent(dtype):
    """A choice by rounded noise, whose far tail is cut, or noise that tells what was chosen."""
    shares = torch.tensor([[0.1], [0.7], [0.2]], dtype=dtype)
    eps = torch.randn(300_000, 1, 2, generator=generator(3), dtype=dtype)
    chosen, left = choose_by_noise(shares, eps)
    for m, share in enumerate((0.1, 0.7, 0.2)):
        own = left[chosen == m]
        assert abs(len(own) / len(eps) - share) < 4 * math.sqrt(share * (1 - share) / len(eps))
        assert own.mean(0).abs().max() < 4 / math.sqrt(len(own))
        assert (own.var(0) - 1).abs().max() < 4 * math.sqrt(2 / len(own))
        assert own[:, 0].abs().max() > 3.7  # of 30,000 draws of |N(0, 1)|, all but 1 in 500 times
    assert torch.isfinite(choose_by_noise(shares, 100 * eps)[1]).all()


def test_noise_zero_becomes_the_mean_of_the_largest_component():
    """What reconstructions and posterior means are made of; a boundary there would be a tail."""
    z, _ = Q.draw(HEADS, torch.zeros(4, 2, dtype=F64))
    log_shares, mu, _ = Q.of_components(HEADS)
    largest = log_shares.argmax(dim=0)
    torch.testing.assert_close(z, mu[largest, torch.arange(4)])


def model_with_one_latent():
    posterior = {"name": "mixture", "components": 3}
    return PosteriorVAE(6, (7,), 1, (7,), "tanh", posterior=posterior, seed=0).double()


X = (draws(2, 6, seed=11) > 0).double()
AXIS = torch.linspace(-12, 12, 4801, dtype=F64)


def exact_bound(model):
    """E_q[log p(x, z) - log q(z|x)] as a sum over the line, averaged over the pictures."""
    z = AXIS[:, None, None].expand(-1, 2, -1)
    log_q = model.log_posterior(X, z)
    log_joint = model.likelihood.log_prob(X, model.decode(z)) + log_standard_normal(z)
    return (log_q.exp() * (log_joint - log_q)).sum(dim=0).mean() * (AXIS[1] - AXIS[0])


def stratified_bound(model, n=4_000):
    """The same by the model's own elbo, with the n middle quantiles of the normal as noise."""
    quantiles = (torch.arange(n, dtype=F64) + 0.5) / n
    eps = torch.special.ndtri(quantiles)[:, None, None].expand(-1, 2, -1)
    return model.elbo(X, eps).value.mean()


def test_the_gradient_of_the_stratified_bound_is_that_of_the_bound():
    """A part that is left out: the shares', or what log q has of the other components.

    Finite differences of a sum over the line, which knows of no draw, against autograd through
    the draws. The quantiles stand for all noise, so nothing is left to chance.
    """
    model = model_with_one_latent()
    with torch.no_grad():  # components that differ, and shares that are not equal
        model.posterior.to_rest.weight.copy_(draws(7, 7, seed=12))
        model.posterior.to_rest.bias.copy_(draws(7, seed=13))
    torch.testing.assert_close(stratified_bound(model), exact_bound(model), rtol=0, atol=2e-4)
    weights = [model.posterior.to_rest.bias, model.to_mu.bias, model.to_logvar.bias]
    slopes = torch.cat(torch.autograd.grad(stratified_bound(model), weights))
    by_differences, h = [], 1e-5
    with torch.no_grad():
        for weight in weights:
            for i in range(len(weight)):
                ends = []
                for step in (h, -2 * h):
                    weight[i] += step
                    ends.append(exact_bound(model))
                weight[i] += h
                by_differences.append((ends[0] - ends[1]) / (2 * h))
    torch.testing.assert_close(slopes, torch.stack(by_differences), rtol=0, atol=1e-3)
    assert slopes[:3].abs().max() > 0.05  # the shares have a slope that could be missing


def test_the_elbo_has_the_expectation_of_the_draws_own():
    """Shares that weigh one term and not the other, or components averaged without them."""
    posterior = {"name": "mixture", "components": 3}
    model = PosteriorVAE(12, (16,), 2, (16,), posterior=posterior, seed=0).double()
    with torch.no_grad():
        model.posterior.to_rest.bias.copy_(2 * draws(11, seed=14))
        x = (draws(3, 12, seed=15) > 0).double()
        mine = model.elbo(x, draws(20_000, 3, 2, seed=16)).value
    other = evaluate.importance_bounds(model, x, n_samples=40_000, generator=generator(4)).elbo
    assert ((mine - other.per_image).abs() < 5 * other.errors).all()
    assert other.errors.max() < 0.02


def test_a_config_rebuilds_it_and_its_sigmas_start_where_they_are_told():
    posterior = {"name": "mixture", "components": 4, "initial_sigma": 0.25}
    model = PosteriorVAE(12, (16,), 2, (16,), posterior=posterior, seed=0)
    again = build_model("PosteriorVAE", model.config)
    again.load_state_dict(model.state_dict())
    x, eps = (draws(5, 12).float() > 0).float(), draws(5, 2).float()
    assert torch.equal(again.elbo(x, eps).value, model.elbo(x, eps).value)
    parts = model.posterior.of_components(model.heads(torch.zeros(1, 12)))
    assert (parts.logvar.exp().sqrt() / 0.25).log().abs().max() < 0.7
    torch.testing.assert_close(parts.log_shares.exp(), torch.full((4, 1), 0.25))
    assert not model.has_closed_kl


@pytest.mark.usefixtures("one_thread")
def test_training_keeps_both_peaks_of_a_posterior():
    """A gradient by which the components do not learn, or by which one of them is lost.

    The decoder is the same at z and -z, so most posteriors have two peaks, and a q that covers one
    of them loses log 2 = 0.69. The second component starts as the mirror image of the first.
    """
    g = generator(5)
    size = torch.randn(600, 1, generator=g).abs()
    x = (4 * size - 4 + torch.randn(600, 12, generator=g) > 0).float()
    model = PosteriorVAE(12, (16,), 2, (16,), "tanh", posterior="mixture", seed=0)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.zero_().requires_grad_(False)
        model.decoder[0].weight[:2, 0] = torch.tensor([2.0, -2.0])
        model.decoder[0].bias.fill_(-2.0)
        model.decoder[2].weight[:, :2] = 4.0
        model.decoder[2].bias.fill_(4.0)
        model.to_mu.bias.fill_(1.0)
        for i, (first, sign) in enumerate(((model.to_mu, -1), (model.to_logvar, 1))):
            rows = slice(2 + 2 * i, 4 + 2 * i)
            model.posterior.to_rest.weight[rows] = sign * first.weight
            model.posterior.to_rest.bias[rows] = sign * first.bias
    fit(model, x, epochs=20, batch_size=100, lr=2e-2, progress=False)
    judged = evaluate.grid_log_likelihood(model, x[:20], reach=7, n=401, tolerance=1e-3)
    assert judged.kl_to_posterior.mean() < 0.4


def test_what_has_no_gradient_by_the_shares_is_not_trained_on_draws():
    model = PosteriorVAE(12, (16,), 2, (16,), posterior="mixture", seed=0)
    with pytest.raises(ValueError, match="PosteriorVAE is a mixture, whose draws have no gradient"):
        ImportanceWeighted(model, 5)


def test_no_components_and_noise_of_another_size_are_refused():
    with pytest.raises(ValueError, match="components"):
        MixturePosterior(8, 2, components=0)
    with pytest.raises(ValueError, match="latent dimensions"):
        Q.draw(HEADS, draws(4, 3))
    with pytest.raises(ValueError, match="latent dimensions"):
        Q.draw_with_kl(HEADS, draws(4, 3))
    with pytest.raises(ValueError, match="no closed form"):
        Q.kl(HEADS)
