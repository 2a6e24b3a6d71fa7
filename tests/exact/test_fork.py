"""The fork: its density, its mean, and what each kind of model can make of it."""

import math

import pytest
import torch
from seeded import generator

from vae_teach.evaluate.conditional_grid import conditional_grid_log_likelihood
from vae_teach.exact import Grid
from vae_teach.exact.fork import Fork
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.models.mixture_density import MixtureDensity
from vae_teach.training.loop import fit

FORK = Fork()


def test_the_density_integrates_to_one_at_every_c():
    x = torch.linspace(-3, 3, 3_001, dtype=torch.float64)
    for c in (0.0, 0.05, 0.5, 1.0):
        density = FORK.log_likelihood(x[:, None], torch.full((3_001, 1), c).double()).exp()
        assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-9)


def test_the_density_is_that_of_the_samples():
    """A histogram at one c against the density: catches noise of another width."""
    x, c = FORK.sample(400_000, generator=generator())
    x = x[(c > 0.6) & (c < 0.64)]
    counts = torch.histc(x, bins=40, min=-1, max=1)
    edges = torch.linspace(-1, 1, 41, dtype=torch.float64)
    inner = (edges[:-1, None] + torch.linspace(0, 0.05, 101, dtype=torch.float64)).flatten()
    given = torch.linspace(0.6, 0.64, 21, dtype=torch.float64)
    density = torch.stack(
        [FORK.log_likelihood(inner[:, None], torch.full((len(inner), 1), v).double()).exp()
         for v in given]
    ).mean(0)  # fmt: skip
    share = torch.trapezoid(density.view(40, 101), dx=0.0005)
    expected = share * len(x)
    assert ((counts - expected).abs() < 5 * expected.sqrt() + 5).all()


def test_the_conditions_are_spread_evenly_over_their_range():
    """The largest distance of the shares below c from c: five per cent of uniform draws are further
    off than 1.36 / sqrt(n), and one in a million than 2.7 / sqrt(n)."""
    _, c = FORK.sample(40_000, generator=generator())
    below = torch.arange(1, 40_001) / 40_000
    assert (c.flatten().sort().values - below).abs().max() < 2.7 / 40_000**0.5


def test_the_mean_is_between_the_answers():
    """The best squared error answers 0, where nothing ever lies."""
    x, c = FORK.sample(200_000, generator=generator())
    for low in (0.0, 0.4, 0.8):
        inside = (c >= low) & (c < low + 0.2)
        error = x[inside].std() / inside.sum().sqrt()
        assert abs(x[inside].mean()) < 5 * error
    assert not FORK.mean(c).any()
    assert (FORK.log_likelihood(torch.zeros(1, 1), torch.ones(1, 1)) < -40).all()


def best_gaussian():
    """Mean log-density of the best Gaussian for each c: -1/2 log(2 pi e variance), over all c."""
    c = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    variance = c.square() + FORK.sigma_x**2
    return -0.5 * torch.trapezoid((2 * math.pi * math.e * variance).log(), c).item()


@pytest.fixture(scope="module")
def trained():
    """Regressor, mixture and CVAE, each free to learn its variance, after the same epochs."""
    torch.set_num_threads(1)
    pairs = FORK.sample(2_000, generator=generator())
    learned = {"name": "learned_gaussian", "sigma_x": 0.2}
    models = {
        "regressor": MixtureDensity(1, 1, (50, 50), 1, pixels="gaussian", seed=0),
        "mixture": MixtureDensity(1, 1, (50, 50), 5, pixels="gaussian", seed=0),
        "cvae": CVAE(1, 1, (50, 50), 1, (50, 50), likelihood=learned, seed=0),
    }
    for model in models.values():
        fit(model, pairs, epochs=30, batch_size=100, lr=5e-3, device="cpu", progress=False)
    return models


@torch.no_grad()
def test_a_regressor_with_a_variance_comes_near_the_best_gaussian_and_not_beyond(trained):
    """Fails for a regressor that is kept from saying how unsure it is: it pays many nats."""
    x, c = FORK.sample(4_000, generator=generator(2))
    found = trained["regressor"].log_likelihood(x, c)
    error = found.std().item() / len(found) ** 0.5
    assert best_gaussian() - 0.1 < found.mean().item() < best_gaussian() + 4 * error
    frozen = Regressor(1, 1, (50,), likelihood={"name": "gaussian", "sigma_x": FORK.sigma_x})
    at_best = frozen.likelihood.log_prob(x, FORK.mean(c)).mean().item()
    paid = FORK.log_likelihood(x, c).mean().item() - at_best
    assert paid == pytest.approx(16, abs=1)


@torch.no_grad()
def test_what_each_model_makes_of_the_fork(trained):
    """One answers about 0, the others about +c or -c; the mixture is the nearest to the truth."""
    at = torch.full((2_000, 1), 0.8)
    regressor, mixture, cvae = trained.values()
    for model, least in ((mixture, 0.9), (cvae, 0.7)):
        samples = model.sample(at, 1, generator=generator(1))[0]
        near = (samples.abs() - 0.8).abs() < 3 * FORK.sigma_x
        assert near.float().mean() > least
        assert 0.3 < (samples > 0).float().mean() < 0.7
    assert abs(regressor.mean_image(at[0]).item()) < 0.2
    x, c = FORK.sample(500, generator=generator(2))
    truth = FORK.log_likelihood(x, c)
    by_grid = conditional_grid_log_likelihood(cvae, x, c, Grid(-10, 10, 2_001))
    by_draws = cvae.log_likelihood(x, c, n_draws=200, generator=generator(4))
    assert (by_grid - by_draws).mean().abs() < 0.03
    eps = torch.randn(100, 500, 1, generator=generator(3))
    bounds = torch.stack([cvae.elbo(x, c, e).value for e in eps])  # (100, 500)
    assert (bounds.mean(0) - 5 * bounds.std(0) / 10 < by_grid).all()
    of_regressor, of_mixture = (m.log_likelihood(x, c).mean() for m in (regressor, mixture))
    assert of_regressor + 0.4 < by_grid.mean() < of_mixture < truth.mean()


def test_noise_must_be_positive():
    with pytest.raises(ValueError, match="sigma_x must be positive and finite"):
        Fork(0.0)


def test_a_table_of_every_x_with_every_c_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(6,\), but \(..., 1\) is wanted"):
        FORK.log_likelihood(torch.zeros(6), torch.zeros(6, 1))
