"""KL from two log-densities alone: signed areas, crossings and Monte Carlo."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_teach.maths.estimate import measure_mean
from vae_teach.maths.kl_numeric import kl_by_quadrature, kl_from_draws

Q = Normal(torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.88, dtype=torch.float64))
P = Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))


def area(q=Q, p=P, lo=-10.0, hi=10.0, **kwargs):
    return kl_by_quadrature(q.log_prob, p.log_prob, lo, hi, **kwargs)


def test_the_signed_area_is_the_closed_form():
    """mathybit's figure, whose area is 0.335."""
    result = area()
    assert result.value.item() == pytest.approx(kl_divergence(Q, P).item(), abs=1e-10)
    assert result.value.item() == pytest.approx(0.335, abs=5e-4)


def test_a_hundred_random_pairs_agree_with_torch():
    """Another library, to 1e-8: a range too short, or too few points."""
    g = torch.Generator().manual_seed(0)
    draws = torch.randn(100, 4, generator=g, dtype=torch.float64)
    for a, b, c, d in draws:
        q, p = Normal(a, (0.4 * b).exp()), Normal(c, (0.4 * d).exp())
        result = area(q, p, lo=-30.0, hi=30.0, n=8001)
        assert result.value.item() == pytest.approx(kl_divergence(q, p).item(), abs=1e-8)


def test_the_two_signs_are_split_where_the_densities_cross():
    """Negative left of x = 0.29, positive right, and together the divergence."""
    result = area()
    # q = p where a quadratic vanishes; its root between -10 and 10 nearest the modes
    near = result.crossings[(result.crossings - 0.29).abs().argmin()]
    assert near.item() == pytest.approx(0.29, abs=5e-3)
    torch.testing.assert_close(
        Q.log_prob(result.crossings), P.log_prob(result.crossings), rtol=0, atol=1e-12
    )
    assert result.negative < 0 < result.positive
    left = result.x < near
    below = torch.trapezoid(result.integrand[left].clamp(max=0), result.x[left])
    assert below.item() == pytest.approx(result.negative.item(), abs=1e-5)


def test_every_crossing_is_a_point_of_the_curve():
    """A figure whose two shaded signs leave a gap or overlap at the axis."""
    result = area(n=51)
    at_crossing = torch.isin(result.x, result.crossings)
    assert len(result.crossings) == at_crossing.sum() == 2
    assert result.integrand[at_crossing].abs().max() < 1e-14
    signs = result.integrand[~at_crossing].sign()
    assert (signs.diff() != 0).sum() == 2


def test_the_split_does_not_depend_on_where_the_grid_falls():
    """A cell that holds both signs, counted in one of them."""
    fine = area(n=40001)
    for n in (1001, 1003, 1015):
        # h^2 / 12 times the slope at the crossings, which is below 1, with h = 0.02
        assert area(n=n).positive.item() == pytest.approx(fine.positive.item(), abs=3.4e-5)
        assert area(n=n).negative.item() == pytest.approx(fine.negative.item(), abs=3.4e-5)
    assert area(n=1001).value.item() == pytest.approx(fine.value.item(), abs=1e-13)


def test_equal_densities_have_no_area():
    """A crossing at every grid point."""
    result = area(P, P)
    assert result.value == 0 and len(result.crossings) == 0


def test_a_range_that_cuts_q_off_is_refused():
    """Half a divergence reported as a whole one."""
    with pytest.raises(ValueError, match=r"q has mass 0\.8"):
        area(lo=-10.0, hi=1.6)
    with pytest.raises(ValueError, match="need lo < hi"):
        area(lo=1.0, hi=0.0)


def test_monte_carlo_is_within_its_error_bar_and_the_bar_is_right():
    """A standard error without the square root is 300 times too small."""
    g = torch.Generator().manual_seed(0)
    draws = 0.8 + 0.88 * torch.randn(100_000, generator=g, dtype=torch.float64)
    value, std_error = kl_from_draws(Q.log_prob, P.log_prob, draws)
    assert abs(value - kl_divergence(Q, P)) < 4 * std_error
    assert 1.6e-3 < std_error < 6.4e-3
    blocks = kl_from_draws(Q.log_prob, P.log_prob, draws.view(100, 1000)).value
    # the spread of the means of 1000 blocks of 100 draws is known to 2 percent
    assert blocks.std().item() == pytest.approx(std_error.item() * math.sqrt(1000), rel=0.1)


def test_one_draw_has_no_standard_error():
    """A NaN error bar."""
    with pytest.raises(ValueError, match="at least 2 rows, but its shape is"):
        measure_mean(torch.zeros(1))
