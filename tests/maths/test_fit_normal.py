"""Descent that never goes uphill, and one Gaussian fitted in both directions of KL."""

import math

import pytest
import torch

from vae_teach.exact import Mixture
from vae_teach.maths.descent import descend
from vae_teach.maths.fit_normal import fit_normal
from vae_teach.maths.gaussian import log_normal

GRID = torch.linspace(-15, 15, 601, dtype=torch.float64)


def two_modes():
    """Modes at -3 and 3, the right one heavier; standard deviation 0.7 each."""
    tensor = lambda *values: torch.tensor(values, dtype=torch.float64)  # noqa: E731
    return Mixture(tensor(0.3, 0.7), tensor(-3.0, 3.0), tensor(0.7, 0.7).log() * 2)


def test_descent_never_goes_uphill_and_finds_the_bottom():
    """A fixed step that overshoots a narrow valley."""
    scale = torch.tensor([1.0, 10.0], dtype=torch.float64)
    path = descend(
        lambda x: (scale * (x - 1).square()).sum(), torch.zeros(2).double(), steps=300, rate=10.0
    )
    assert (path.values.diff() <= 0).all()
    torch.testing.assert_close(path.points[-1], torch.ones(2).double(), rtol=0, atol=1e-6)
    assert path.points.shape == (301, 2)


def test_descent_steps_back_from_where_the_objective_is_undefined():
    """log of a negative number accepted because NaN compares as neither larger nor smaller."""
    path = descend(lambda x: (x - x.log()).sum(), torch.tensor([5.0]).double(), steps=50, rate=99.0)
    assert torch.isfinite(path.values).all()
    assert path.points[-1].item() == pytest.approx(1.0, abs=1e-5)


def test_descent_refuses_what_it_cannot_start_from():
    """A path of NaN."""
    with pytest.raises(ValueError, match="the objective is nan"):
        descend(lambda x: x.log().sum(), torch.tensor([-1.0]), steps=3)
    with pytest.raises(ValueError, match=r"start must be a vector, but has shape \(2, 2\)"):
        descend(lambda x: x.sum(), torch.zeros(2, 2), steps=3)


def test_covering_matches_the_mean_and_variance_of_the_target():
    """The minimum of KL(target || q) is known exactly: moment matching."""
    fit = fit_normal(two_modes().log_prob, "cover", mu=2.0, logvar=0.0, grid=GRID, steps=200)
    mean = 0.3 * -3 + 0.7 * 3
    variance = 0.49 + 9 - mean**2
    assert fit.mu[-1].item() == pytest.approx(mean, abs=1e-3)
    assert fit.logvar[-1].item() == pytest.approx(math.log(variance), abs=1e-3)
    assert (fit.kl.diff() <= 0).all()


@pytest.mark.parametrize(("start", "mode", "weight"), [(2.0, 3.0, 0.7), (-2.0, -3.0, 0.3)])
def test_seeking_settles_on_the_mode_it_starts_near(start, mode, weight):
    """With modes this far apart the divergence left is -log of that mode's weight."""
    fit = fit_normal(two_modes().log_prob, "seek", mu=start, logvar=0.0, grid=GRID, steps=200)
    assert fit.mu[-1].item() == pytest.approx(mode, abs=0.01)
    assert fit.logvar[-1].item() == pytest.approx(2 * math.log(0.7), abs=0.02)
    assert fit.kl[-1].item() == pytest.approx(-math.log(weight), abs=1e-3)
    assert (fit.kl.diff() <= 0).all()


def test_fitting_a_gaussian_posterior_ends_at_zero_divergence():
    """KL falls all the way when the target is in the family."""
    target = lambda x: log_normal(x[:, None], torch.tensor([1.2]), torch.tensor([-0.8]))  # noqa: E731
    fit = fit_normal(target, "seek", mu=-1.0, logvar=1.0, grid=GRID, steps=100)
    assert (fit.kl.diff() <= 0).all() and fit.kl[0] > 1
    assert fit.kl[-1] < 1e-6


def test_an_unknown_direction_is_refused():
    """`forward` means opposite things in different books, so it is no name here."""
    with pytest.raises(ValueError, match="'forward'"):
        fit_normal(two_modes().log_prob, "forward", mu=0.0, logvar=0.0, grid=GRID)
