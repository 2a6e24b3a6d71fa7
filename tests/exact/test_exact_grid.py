"""Evidence and posterior on a grid, for a decoder that is not linear."""

import math

import pytest
import torch

from vae_teach.exact import (
    DecoderModel,
    Grid,
    LinearGaussian,
    ascend,
    grid_posterior,
    quadrature_elbo,
)

F64 = torch.float64
WIDE = Grid(-8, 8, 801)


def curve(z):
    """A bent line in the plane: (..., 1) -> (..., 2)."""
    return torch.cat([torch.sin(1.5 * z), z + 0.3 * z.square()], dim=-1)


def surface(z):
    """A sheet in three dimensions: (..., 2) -> (..., 3)."""
    a, b = z.unbind(-1)
    return torch.stack([a, torch.tanh(b), a * b / 2], dim=-1)


BENT = DecoderModel(curve, 0.4)
SHEET = DecoderModel(surface, 0.5, latent_dim=2)
POINTS = torch.tensor([[0.9, 1.2], [0.2, -0.4], [-0.5, 0.5]], dtype=F64)
SPACE = torch.tensor([[0.5, 0.2, 0.1], [-1.0, 0.6, 0.0]], dtype=F64)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_a_linear_decoder_on_the_grid_gives_the_closed_form(latent_dim):
    """Weights that forget an edge, a dimension or the spacing."""
    linear = LinearGaussian(randn(3, latent_dim), randn(3, seed=1), 0.7)
    x = linear.sample(4, generator=torch.Generator().manual_seed(2))[0]
    on_grid = DecoderModel(linear.decode, 0.7, latent_dim)
    found = grid_posterior(on_grid, x, Grid(-7, 7, 161, latent_dim))
    torch.testing.assert_close(found.log_evidence, linear.log_evidence(x), rtol=0, atol=1e-9)
    mean, cov = linear.posterior(x)
    torch.testing.assert_close(found.moments()[0], mean, rtol=0, atol=1e-8)
    torch.testing.assert_close(found.moments()[1], cov.expand(4, -1, -1), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("model", "x", "grid"), [(BENT, POINTS, WIDE), (SHEET, SPACE, Grid(-7, 7, 181, 2))]
)
def test_bound_and_gap_add_up_to_the_evidence(model, x, grid):
    """The chapter's claim, to 1e-6: the bound by Gauss-Hermite, the gap and evidence on the grid.

    The three numbers share no quadrature, so none can be wrong in step with another.
    """
    exact = grid_posterior(model, x, grid)
    for seed in range(10):
        mu = randn(len(x), model.latent_dim, seed=seed)
        logvar = randn(len(x), model.latent_dim, seed=100 + seed).clamp(max=1) - 2
        bound = quadrature_elbo(model, x, mu, logvar)
        gap = exact.kl_from(mu, logvar)
        assert (gap > 0).all() and (bound < exact.log_evidence).all()
        torch.testing.assert_close(bound + gap, exact.log_evidence, rtol=0, atol=1e-6)


def test_gauss_hermite_agrees_with_itself_at_twice_the_order():
    """Too few nodes for the decoder's bends."""
    mu, logvar = randn(3, 1), randn(3, 1, seed=1) - 1.0
    coarse = quadrature_elbo(BENT, POINTS, mu, logvar, order=32)
    fine = quadrature_elbo(BENT, POINTS, mu, logvar, order=64)
    torch.testing.assert_close(coarse, fine, rtol=0, atol=1e-9)


@pytest.mark.parametrize("model_x", [(BENT, POINTS), (SHEET, SPACE)], ids=["line", "plane"])
def test_ascent_raises_the_bound_and_ends_where_the_gap_is_least(model_x):
    """Maximising the bound is minimising the divergence from the posterior."""
    model, x = model_x
    grid = WIDE if model.latent_dim == 1 else Grid(-7, 7, 181, 2)
    start = torch.zeros(len(x), model.latent_dim, dtype=F64)
    path = ascend(model, x, start, start - 1, steps=150)
    assert (path.elbo.sum(dim=1).diff() >= -1e-12).all()
    exact = grid_posterior(model, x, grid)
    gaps = torch.stack([exact.kl_from(m, s) for m, s in zip(path.mu, path.logvar, strict=True)])
    assert (gaps.sum(dim=1).diff() <= 1e-9).all()
    torch.testing.assert_close(
        gaps + path.elbo, exact.log_evidence.expand_as(gaps), rtol=0, atol=1e-6
    )
    for nudge in (0.02, -0.02):
        assert (exact.kl_from(path.mu[-1] + nudge, path.logvar[-1]) > gaps[-1]).all()
        assert (exact.kl_from(path.mu[-1], path.logvar[-1] + nudge) > gaps[-1]).all()


def test_a_grid_argmin_of_the_gap_is_the_ascent_s_q():
    """The best q found by looking at every q of a lattice."""
    x = POINTS[:1]
    exact = grid_posterior(BENT, x, WIDE)
    start = torch.zeros(1, 1, dtype=F64)
    path = ascend(BENT, x, start, start, steps=200)
    mus, logvars = torch.linspace(-1, 2, 121, dtype=F64), torch.linspace(-5, 0, 101, dtype=F64)
    gaps = torch.stack([exact.kl_from(mus[:, None], s.expand(121, 1)) for s in logvars])
    best = gaps.argmin()
    row, column = best // 121, best % 121
    assert path.mu[-1].item() == pytest.approx(mus[column].item(), abs=0.025)
    assert path.logvar[-1].item() == pytest.approx(logvars[row].item(), abs=0.05)


def test_the_posterior_density_integrates_to_one():
    """Trapezoid weights that do not sum to the volume."""
    exact = grid_posterior(SHEET, SPACE, Grid(-7, 7, 181, 2))
    total = exact.grid.log_integral(exact.log_density)
    torch.testing.assert_close(total, torch.zeros(2, dtype=F64), rtol=0, atol=1e-12)
    volume = exact.grid.integral(torch.ones(181**2, dtype=F64))
    assert volume.item() == pytest.approx(14.0**2, rel=1e-12)


def test_integral_of_a_signed_function():
    """A log-sum-exp where a sum was needed."""
    grid = Grid(-1, 1, 2001)
    odd = grid.integral(grid.points[:, 0] ** 3)
    even = grid.integral(grid.points[:, 0] ** 2)
    assert odd.item() == pytest.approx(0, abs=1e-15)
    assert even.item() == pytest.approx(2 / 3, abs=1e-6)


def test_a_grid_too_coarse_or_too_narrow_is_refused():
    """A smooth-looking evidence from a grid that steps over the posterior."""
    sharp = DecoderModel(curve, 0.01)
    with pytest.raises(ValueError, match=r"with half the points log p\(x\) moves by"):
        grid_posterior(sharp, POINTS, Grid(-8, 8, 101))
    with pytest.raises(ValueError, match="reaches the edge"):
        grid_posterior(BENT, POINTS, Grid(-1, 1, 801), tolerance=1.0)
    with pytest.raises(ValueError, match="grid has 2 dimensions but the model has 1"):
        grid_posterior(BENT, POINTS, Grid(-8, 8, 101, 2))
    with pytest.raises(ValueError, match="odd n >= 3"):
        Grid(-1, 1, 100)


def test_a_q_the_grid_cannot_hold_is_refused():
    """A gap that is too small because q leaks over the edge, or falls between two points."""
    exact = grid_posterior(BENT, POINTS[:1], WIDE)
    for mu, logvar in ((6.0, 1.0), (0.0, -12.0)):
        with pytest.raises(ValueError, match="the grid sees q with a mass that is off by"):
            exact.kl_from(torch.tensor([[mu]], dtype=F64), torch.tensor([[logvar]], dtype=F64))


def test_the_spacing_error_is_the_error():
    """A reported error that does not shrink with the spacing."""
    coarse = grid_posterior(BENT, POINTS, Grid(-8, 8, 101), tolerance=1.0)
    fine = grid_posterior(BENT, POINTS, WIDE)
    true_error = (coarse.log_evidence - fine.log_evidence).abs().max()
    assert fine.spacing_error < 1e-9
    assert true_error <= coarse.spacing_error


def test_probability_underflows_where_its_log_does_not():
    """As sigma_x falls, the plain mean of p(x|z) is 0 in float32 and has no gradient."""
    z = randn(1000, 1).float()
    x = torch.tensor([0.4, 0.9])
    target = torch.tensor([0.9], requires_grad=True)
    for sigma_x, alive in ((1e-3, False), (0.3, True)):
        squared = (x - target * curve(z)).square().sum(dim=1)
        density = torch.exp(-0.5 * squared / sigma_x**2) / (2 * math.pi * sigma_x**2)
        mean = density.mean()
        (gradient,) = torch.autograd.grad(mean, target)
        assert (mean.item() > 0) == alive
        assert (gradient.item() != 0) == alive


def test_where_q_is_nothing_an_impossible_code_costs_nothing():
    """0 times infinity: a decoder that overflows where q has underflown made the divergence NaN."""
    steep = DecoderModel(lambda z: torch.exp(torch.exp(z)), 0.5)
    found = grid_posterior(steep, torch.tensor([[2.0]], dtype=F64), Grid(-9, 9, 1801))
    kl = found.kl_from(torch.tensor([[-0.4]], dtype=F64), torch.tensor([[-4.0]], dtype=F64))
    assert kl.isfinite() and kl > 0
