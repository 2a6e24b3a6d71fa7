"""The fork: its density, its mean, and what each kind of model can make of it."""

import pytest
import torch
from seeded import generator

from vae_teach.evaluate.conditional_grid import conditional_grid_log_likelihood
from vae_teach.exact import Grid
from vae_teach.exact.fork import Fork
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.training.loop import fit

FORK = Fork()
GAUSSIAN = {"name": "gaussian", "sigma_x": FORK.sigma_x}


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


def test_the_mean_is_between_the_answers():
    """The best squared error answers 0, where nothing ever lies."""
    x, c = FORK.sample(200_000, generator=generator())
    for low in (0.0, 0.4, 0.8):
        inside = (c >= low) & (c < low + 0.2)
        error = x[inside].std() / inside.sum().sqrt()
        assert abs(x[inside].mean()) < 5 * error
    assert not FORK.mean(c).any()
    assert (FORK.log_likelihood(torch.zeros(1, 1), torch.ones(1, 1)) < -40).all()


def test_the_regressor_averages_and_the_cvae_chooses():
    """Trained: one answers about 0, the other about +c or -c; and the order of the bounds."""
    torch.set_num_threads(1)
    x, c = FORK.sample(2_000, generator=generator())
    cvae = CVAE(1, 1, (50, 50), 1, (50, 50), likelihood=GAUSSIAN, seed=0)
    regressor = Regressor(1, 1, (50, 50), likelihood=GAUSSIAN, seed=0)
    options = {"batch_size": 100, "lr": 5e-3, "device": "cpu", "progress": False}
    fit(cvae, (x, c), epochs=30, **options)
    fit(regressor, (x, c), epochs=5, **options)
    at = torch.tensor([0.8])
    samples = cvae.sample(at, 1_000, generator=generator(1)).detach()
    near = (samples.abs() - 0.8).abs() < 3 * FORK.sigma_x
    assert abs(regressor.mean_image(at).item()) < 0.2
    assert near.float().mean() > 0.7
    assert 0.3 < (samples > 0).float().mean() < 0.7
    x, c = FORK.sample(500, generator=generator(2))
    truth, model = (
        FORK.log_likelihood(x, c),
        conditional_grid_log_likelihood(cvae, x, c, Grid(-6, 6, 1_001)),
    )
    eps = torch.randn(100, 500, 1, generator=generator(3))
    bounds = torch.stack([cvae.elbo(x, c, e).value.detach() for e in eps])  # (100, 500)
    bound = bounds.mean(0)
    assert (bound - 5 * bounds.std(0) / 10 < model).all()
    ordered = [t.mean().item() for t in (regressor.log_likelihood(x, c), bound, model, truth)]
    assert ordered == sorted(ordered)
    assert ordered[1] - ordered[0] > 5


def test_noise_must_be_positive():
    with pytest.raises(ValueError, match="sigma_x must be positive and finite"):
        Fork(0.0)


def test_a_table_of_every_x_with_every_c_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(6,\), but \(..., 1\) is wanted"):
        FORK.log_likelihood(torch.zeros(6), torch.zeros(6, 1))
