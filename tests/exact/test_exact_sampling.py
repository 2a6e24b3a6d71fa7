"""The ring, the inverse transform and the conditional method, against their known laws."""

import math

import pytest
import scipy.stats
import torch

from vae_teach.exact import Mixture, PlanarMixture, conditional_transform, inverse_transform, ring

F64 = torch.float64


def tensor(*values):
    return torch.tensor(values, dtype=F64)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


HILLS = Mixture(tensor(0.2, 0.5, 0.3), tensor(-3, 0, 2.5), tensor(0.5, 1.0, 0.3).log() * 2)
BLOBS = PlanarMixture(
    tensor(0.6, 0.4),
    torch.tensor([[-1.0, 0.5], [2.0, -1.0]], dtype=F64),
    torch.tensor([[[1.0, 0.7], [0.7, 0.8]], [[0.5, -0.4], [-0.4, 1.2]]], dtype=F64),
)


def test_the_ring_has_the_radius_it_should():
    """1 + r / 10 with r Rayleigh: mean 1.1253, sd 0.0655, never below 1."""
    radius = ring(randn(100_000, 2)).norm(dim=1)
    sd = math.sqrt((4 - math.pi) / 2) / 10
    assert radius.mean().item() == pytest.approx(
        1 + math.sqrt(math.pi / 2) / 10, abs=4 * sd / math.sqrt(100_000)
    )
    assert radius.std().item() == pytest.approx(sd, rel=0.02)
    assert radius.min() > 1
    z = randn(5, 2)
    torch.testing.assert_close(torch.atan2(*ring(z).T), torch.atan2(*z.T), rtol=1e-12, atol=0)


def test_the_mixture_s_density_is_the_slope_of_its_distribution_function():
    """log_prob and cdf of two different mixtures."""
    x = torch.linspace(-6, 6, 200, dtype=F64)
    slope = (HILLS.cdf(x + 1e-5) - HILLS.cdf(x - 1e-5)) / 2e-5
    torch.testing.assert_close(HILLS.log_prob(x).exp(), slope, rtol=1e-6, atol=1e-9)


def test_the_inverse_is_an_inverse_far_into_both_tails():
    """A bracket too short for the tails."""
    u = torch.cat([torch.logspace(-12, -1, 50, dtype=F64), torch.linspace(0.1, 0.999, 50).double()])
    torch.testing.assert_close(HILLS.cdf(HILLS.inverse_cdf(u)), u, rtol=1e-10, atol=0)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        HILLS.inverse_cdf(tensor(0.5, 1.0))


def test_inverse_transform_makes_the_mixture_from_normals():
    """Kolmogorov-Smirnov against the target, and against one it must reject."""
    x = inverse_transform(randn(10_000), HILLS)
    good = scipy.stats.kstest(x.numpy(), lambda v: HILLS.cdf(torch.from_numpy(v)).numpy())
    assert good.pvalue > 0.01
    wrong = Mixture(HILLS.weights.flip(0), HILLS.mu, HILLS.logvar)
    bad = scipy.stats.kstest(x.numpy(), lambda v: wrong.cdf(torch.from_numpy(v)).numpy())
    assert bad.pvalue < 1e-6


def test_inverse_transform_is_increasing():
    """1 - Phi for Phi also passes the Kolmogorov-Smirnov test."""
    z = torch.linspace(-5, 5, 101, dtype=F64)
    assert (inverse_transform(z, HILLS).diff() > 0).all()


def energy(a, b):
    """Twice the mean distance between samples, less the mean distances within."""
    return (
        2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
    ).item()


def ancestral(n, seed):
    """The same mixture drawn another way: a component, then a Gaussian."""
    g = torch.Generator().manual_seed(seed)
    which = torch.multinomial(BLOBS.weights, n, replacement=True, generator=g)
    root = torch.linalg.cholesky(BLOBS.cov)[which]
    noise = torch.randn(n, 2, 1, generator=g, dtype=F64)
    return BLOBS.mu[which] + (root @ noise)[..., 0]


def test_one_conditional_at_a_time_makes_a_planar_mixture():
    """In two dimensions, by the energy distance and its permutation distribution."""
    x, y = conditional_transform(randn(1000, 2), BLOBS), ancestral(1000, seed=1)
    both = torch.cat([x, y])
    shuffles = []
    for seed in range(100):
        order = torch.randperm(2000, generator=torch.Generator().manual_seed(seed))
        shuffles.append(energy(both[order[:1000]], both[order[1000:]]))
    assert energy(x, y) < sorted(shuffles)[98]  # fails one right sampler in a hundred
    independent = torch.stack([x[:, 0], x[torch.randperm(1000), 1]], dim=1)
    assert energy(independent, y) > max(shuffles)  # right marginals, wrong conditional


def test_marginal_and_conditional_multiply_to_the_joint():
    """Component weights not updated by what the first coordinate says."""
    x = ancestral(50, seed=2)
    product = BLOBS.marginal().log_prob(x[:, 0]) + BLOBS.conditional(x[:, 0]).log_prob(x[:, 1])
    torch.testing.assert_close(product, BLOBS.log_prob(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "far"), [(torch.float32, 6.0), (torch.float64, 9.0)], ids=str)
def test_a_normal_draw_far_out_still_has_its_place(dtype, far):
    """Phi(z) rounds to 1 there, and the inverse CDF of 1 is infinite."""
    hills = Mixture(HILLS.weights.to(dtype), HILLS.mu.to(dtype), HILLS.logvar.to(dtype))
    x = inverse_transform(torch.tensor([-40, -far, far, 40], dtype=dtype), hills)
    assert torch.isfinite(x).all()
    assert (x.diff() >= 0).all()
