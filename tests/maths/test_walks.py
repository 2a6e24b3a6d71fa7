"""Paths through code space: ends, lengths, loops, and the walk that leaves the prior alone."""

import math

import pytest
import torch
from seeded import generator

from vae_teach.maths.walks import (
    interpolate,
    interpolate_sphere,
    morph,
    neighbour_sheet,
    one_of_each,
    prior_walk,
)

PATHS = [interpolate, interpolate_sphere]


def codes(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed))


def test_a_straight_line_ends_exactly_at_the_two_codes():
    """The strip's ends must decode to the two reconstructions, bit for bit."""
    a, b = codes(5, 3), codes(5, 3, seed=1)
    path = interpolate(a, b, 20)
    assert path.shape == (20, 5, 3)
    assert torch.equal(path[0], a) and torch.equal(path[-1], b)
    steps = path.diff(dim=0)
    torch.testing.assert_close(steps, (b - a).expand(19, 5, 3) / 19, rtol=1e-4, atol=1e-6)


def test_an_arc_keeps_the_length_that_a_chord_loses():
    """In 50 dimensions the middle of the chord between two prior draws is at 0.71 of the length."""
    a, b = codes(400, 50), codes(400, 50, seed=1)
    middle = {path: path(a, b, 3)[1].norm(dim=-1) for path in PATHS}
    ends = (a.norm(dim=-1) + b.norm(dim=-1)) / 2
    torch.testing.assert_close(middle[interpolate_sphere], ends)
    assert (middle[interpolate] / ends).mean().item() == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_the_angle_of_an_arc_moves_evenly():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    path = interpolate_sphere(a, b, 4)
    degrees = torch.rad2deg(torch.atan2(path[:, 1], path[:, 0]))
    torch.testing.assert_close(degrees, torch.tensor([0.0, 30.0, 60.0, 90.0]), atol=1e-4, rtol=0)


def test_an_arc_between_parallel_codes_is_the_straight_line():
    """The formula is 0 / 0 there."""
    a = torch.tensor([[3.0, 4.0]])
    torch.testing.assert_close(interpolate_sphere(a, 2 * a, 5), interpolate(a, 2 * a, 5))


def test_a_closed_morph_through_ten_digits_has_a_hundred_frames_and_loops():
    """Catches a last leg that is missing and a stop that is shown twice."""
    stops = codes(10, 4)
    film = morph(stops, 10)
    assert film.shape == (100, 4)
    assert torch.equal(film[::10], stops)
    steps = torch.cat([film, film[:1]]).diff(dim=0)  # the last step leads back to frame 0
    legs = torch.cat([stops, stops[:1]]).diff(dim=0)
    expected = legs.repeat_interleave(10, dim=0) / 10
    torch.testing.assert_close(steps, expected, rtol=1e-4, atol=1e-6)


def test_an_open_morph_ends_at_its_last_stop():
    film = morph(codes(3, 4), 10, closed=False)
    assert len(film) == 21
    assert torch.equal(film[-1], codes(3, 4)[-1])


def test_many_codes_morph_together():
    """21 codes through 5 sets of targets, 15 frames a leg, loop closed: 75 frames."""
    film = morph(codes(5, 21, 16), 15)
    assert film.shape == (75, 21, 16)
    assert torch.equal(film[15], codes(5, 21, 16)[1])


def test_the_neighbour_sheets_last_row_is_the_first_one_rolled():
    """16 codes in 8 rows, each on its way to its neighbour."""
    sheet = neighbour_sheet(codes(16, 3))
    assert sheet.shape == (8, 16, 3)
    assert torch.equal(sheet[-1], sheet[0].roll(-1, dims=0))


def test_one_of_each_finds_the_digits_in_the_order_asked():
    labels = torch.tensor([3, 1, 3, 0, 1, 2])
    assert one_of_each(labels, range(3, -1, -1)).tolist() == [0, 5, 1, 3]
    picks = [one_of_each(labels, [3], generator=generator(s)).item() for s in range(20)]
    assert set(picks) == {0, 2}
    with pytest.raises(ValueError, match=r"no example has label 7; there are \[0, 1, 2, 3\]"):
        one_of_each(labels, [7])


def test_the_walk_keeps_the_prior_and_the_sources_does_not():
    """After 50 steps of 0.15 the variance is still 1; adding alone gives 2.1."""
    z = codes(20_000, 1)
    path = prior_walk(z, 50, generator=generator(1))
    assert path.shape == (51, 20_000, 1)
    assert torch.equal(path[0], z)
    # the variance of 20 000 normals has a standard error of sqrt(2 / 20 000) = 0.01
    assert path[-1].var().item() == pytest.approx(1, abs=0.04)
    assert path[-1].mean().item() == pytest.approx(0, abs=4 / math.sqrt(20_000))
    steps = (path[1:] - path[:-1]).std().item()
    assert steps == pytest.approx(0.15, abs=0.005)
    adding = z + 0.15 * torch.randn(50, 20_000, 1, generator=generator(2)).sum(0)
    assert adding.std().item() == pytest.approx(math.sqrt(1 + 50 * 0.15**2), abs=0.03)


def test_a_walk_forgets_where_it_started_at_the_known_rate():
    """corr(z_0, z_t) = (1 - delta^2)^(t / 2). Catches delta used as a variance."""
    z = codes(20_000)
    path = prior_walk(z, 20, step_size=0.3, generator=generator(1))
    correlation = (path[0] * path[-1]).mean().item()
    assert correlation == pytest.approx((1 - 0.09) ** 10, abs=0.03)


def test_errors_name_both_sides():
    with pytest.raises(ValueError, match="steps must be at least 2, the two ends, but it is 1"):
        interpolate(codes(3), codes(3), 1)
    with pytest.raises(ValueError, match=r"a has shape \(3,\) but b has \(4,\)"):
        interpolate_sphere(codes(3), codes(4), 5)
    with pytest.raises(ValueError, match="there are 1 stops"):
        morph(codes(1, 3))
    with pytest.raises(ValueError, match=r"they are 1\.5 and 5"):
        prior_walk(codes(3), 5, step_size=1.5, generator=generator())
