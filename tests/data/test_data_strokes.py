"""Drawn digits: the factors mean what they say, the pens do what they should, seeds repeat."""

import inspect
import math
import time

import numpy as np
import pytest
import torch
from data_tools import isolate
from hypothesis import given
from hypothesis import strategies as st

from vae_teach import data
from vae_teach.data import FACTORS, NEAT, Hand, draw, hands, ink, pens, splines, strokes
from vae_teach.data.pens import PENS

ROWS, COLUMNS = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
STRAIGHT = {"digit": 1, "variant": 0, "slant": 0.0, "rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


def seeded(n: int, seed: int = 0, hand: Hand = data.HAND, **fixed):
    return draw(n, generator=torch.Generator().manual_seed(seed), hand=hand, **fixed)


def pictures(split) -> torch.Tensor:
    return split.images.view(-1, 28, 28)


def moments(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Mean row, mean column, and the central second moments rr, rc, cc; each (N,)."""
    mass = images.sum(dim=(1, 2))
    row, column = ((images * grid).sum(dim=(1, 2)) / mass for grid in (ROWS, COLUMNS))
    r, c = ROWS - row[:, None, None], COLUMNS - column[:, None, None]
    second = ((images * product).sum(dim=(1, 2)) / mass for product in (r * r, r * c, c * c))
    return row, column, *second


# --- the images as a whole ---


def test_images_look_like_mnists_to_a_program():
    """Whole 255ths in [0, 1], (N, 784) float32, so that no notebook changes between the two."""
    split = seeded(500)
    assert split.images.shape == (500, 784) and split.images.dtype == torch.float32
    levels = split.images * 255
    assert torch.equal(levels, levels.round()) and split.images.amin() == 0
    assert split.images.amax() == 1
    assert split.labels.dtype == torch.int64 and set(split.labels.tolist()) == set(range(10))


def test_images_are_as_dark_and_as_soft_as_mnists():
    """MNIST's training images have mean 0.1307 and 19 % pixels strictly between 0 and 1.

    Fails when pens get too thick or edges too soft; 5,000 images give the mean to +-0.0007.
    """
    images = seeded(5000).images
    assert images.mean().item() == pytest.approx(0.1307, abs=0.01)
    assert ((images > 0) & (images < 1)).float().mean().item() == pytest.approx(0.19, abs=0.03)


def test_no_ink_is_cut_off_at_the_border():
    """20 pixels of ink in 28, centred by mass: in MNIST 1.2 % of the images touch the border."""
    images = pictures(seeded(5000))
    border = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], dim=1)
    assert (border.amax(dim=1) > 0.5).float().mean() < 0.012


def test_ink_is_centred_as_in_mnist():
    """There the mean row and column are 14.0 with a spread of 0.29, by whole-pixel rounding."""
    row, column, *_ = moments(pictures(seeded(5000)))
    for centre in (row, column):
        assert abs(centre.mean() - 14.0) < 0.1
        assert centre.std() < 0.5


# --- seeds ---


def test_the_same_seed_draws_the_same_images_and_another_seed_others():
    first, again, other = seeded(50), seeded(50), seeded(50, seed=1)
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_drawing_leaves_the_global_generators_and_the_threads_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        seeded(10)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002


def test_training_and_test_digits_come_from_streams_that_differ_in_32_bits():
    """torch's CPU generator reads 32 bits of a seed: 0 and 2**32 would draw the same digits."""
    streams = strokes._stream("train"), strokes._stream("test")
    assert all(0 <= stream < 2**32 for stream in streams) and streams[0] != streams[1]
    low, high = (torch.Generator().manual_seed(seed) for seed in (0, 2**32))
    assert torch.equal(torch.rand(3, generator=low), torch.rand(3, generator=high))


def test_load_draws_once_then_reads_the_same_from_the_cache(cache, monkeypatch, capsys):
    """Fresh and cached images are equal to the bit, and no test image is a training image."""
    monkeypatch.setattr(strokes, "N_TRAIN", 300)
    monkeypatch.setattr(strokes, "N_TEST", 100)
    fresh = data.load("strokes")
    monkeypatch.setattr(strokes, "draw", None)  # a second drawing would fail
    cached = data.load("strokes")
    for name in ("train", "test"):
        one, two = getattr(fresh, name), getattr(cached, name)
        assert torch.equal(one.images, two.images) and torch.equal(one.labels, two.labels)
        assert all(torch.equal(one.factors[f], two.factors[f]) for f in FACTORS)
    assert (len(fresh.train), len(fresh.test), fresh.image_shape) == (300, 100, (28, 28))
    assert len(torch.cat([fresh.train.images, fresh.test.images]).unique(dim=0)) == 400
    assert "300 training and 100 test images of digits drawn by this package" in fresh.source
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("module", [pens, hands, ink, splines, strokes], ids=lambda m: m.__name__)
def test_a_changed_generator_does_not_read_the_old_ones_cache(monkeypatch, module):
    """The key hashes the source of everything that the images depend on."""
    before, getsource = strokes._key(), inspect.getsource

    def edited(m):
        return getsource(m) + ("# edited" if m is module else "")

    monkeypatch.setattr(strokes.inspect, "getsource", edited)
    assert strokes._key() != before


def test_drawing_takes_a_fraction_of_what_is_allowed():
    """The bar is 10 seconds for 24,000 on two idle cores; 2,400 may take 1 s of processor time."""
    seeded(10)  # builds the splines
    start = time.process_time()
    seeded(2400)
    assert time.process_time() - start < 1.0


# --- factors ---


def test_every_factor_is_there_for_every_image():
    split = seeded(7)
    assert tuple(split.factors) == FACTORS
    assert all(v.shape == (7,) and v.dtype == torch.float32 for v in split.factors.values())
    assert torch.equal(split.labels, split.factors["digit"].long())


@pytest.mark.parametrize("name", FACTORS)
def test_fixing_a_factor_leaves_the_others_as_they_were(name):
    """Fails if a fixed factor draws no random number and so shifts all that follow."""
    free = seeded(40).factors
    value = {"digit": 3, "variant": 0}.get(name, 1.5)
    fixed = seeded(40, **{name: value}).factors
    assert (fixed[name] == value).all()
    others = [f for f in FACTORS if f != name and not (name == "digit" and f == "variant")]
    assert all(torch.equal(free[f], fixed[f]) for f in others)


def test_variants_come_as_often_as_their_weights_say():
    """4 standard errors, for each variant of each digit."""
    n = 40_000
    factors = hands.draw_factors(n, torch.Generator().manual_seed(0), data.HAND, {})
    for digit, every in PENS.items():
        total = sum(pen.weight for pen in every)
        for variant, pen in enumerate(every):
            share = ((factors["digit"] == digit) & (factors["variant"] == variant)).float().mean()
            expected = pen.weight / total / 10
            assert abs(share - expected) < 4 * math.sqrt(expected / n), (digit, variant)


@pytest.mark.parametrize("slant", [-0.4, 0.0, 0.3])
def test_slant_is_columns_per_row_tops_to_the_right(slant):
    """A neat 1 is a straight line, so the ink's own moments give the shear back: -rc / rr."""
    split = seeded(1, hand=NEAT, **{**STRAIGHT, "slant": slant})
    _, _, rr, rc, _ = moments(pictures(split))
    assert (-rc / rr).item() == pytest.approx(slant, abs=0.02)


@pytest.mark.parametrize("angle", [-0.5, 0.2, 0.8])
def test_rotation_is_in_radians_clockwise(angle):
    """The axis of a neat 1, by its moments; clockwise on the page takes the top to the right."""
    split = seeded(1, hand=NEAT, **{**STRAIGHT, "rotation": angle})
    _, _, rr, rc, cc = moments(pictures(split))
    assert 0.5 * torch.atan2(-2 * rc, rr - cc).item() == pytest.approx(angle, abs=0.02)


@pytest.mark.parametrize("width", [1.5, 3.0, 4.5])
def test_width_is_the_pens_in_pixels(width):
    """Across a vertical line the ink adds up to the width, as the sigmoid's integral does.

    20 positions of the line within a pixel make the sum over pixels that integral.
    """
    options = {**STRAIGHT, "width": width, "shift_x": torch.arange(20) / 20}
    ink_across = pictures(seeded(20, hand=NEAT, **options))[:, 14].sum(dim=1)
    assert ink_across.mean().item() == pytest.approx(width, abs=0.02)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.2])
def test_scale_is_the_longer_side_of_the_ink_in_twentieths(scale):
    split = seeded(1, hand=NEAT, **{**STRAIGHT, "scale": scale})
    column = pictures(split)[0].amax(dim=1)  # (28,) the darkest ink of each row
    assert column.sum().item() == pytest.approx(20 * scale, abs=0.5)


@pytest.mark.parametrize("digit", [d for d in PENS if d != 1])
def test_aspect_is_a_horizontal_stretch(digit):
    """Twice the stretch makes the ink of every digit wider for its height; a 1 has no width."""
    options = {**STRAIGHT, "digit": digit, "width": 1.5}
    del options["variant"]
    spread = []
    for aspect in (1.0, 2.0):
        *_, rr, _, cc = moments(pictures(seeded(20, hand=NEAT, aspect=aspect, **options)))
        spread.append((cc / rr).sqrt())
    assert (spread[1] > 1.5 * spread[0]).all()


def test_shift_moves_the_centre_right_and_down():
    options = {**STRAIGHT, "shift_x": 2.0, "shift_y": -1.0}
    row, column, *_ = moments(pictures(seeded(1, hand=NEAT, **options)))
    assert (row.item(), column.item()) == pytest.approx((13.0, 16.0), abs=0.05)


def test_a_factor_may_differ_from_image_to_image():
    """A sweep: all else held, only the named factor changes the picture."""
    sweep = torch.linspace(-0.4, 0.4, 9)
    split = seeded(9, hand=NEAT, **{**STRAIGHT, "width": 3.0, "scale": 1.0, "slant": sweep})
    _, _, rr, rc, _ = moments(pictures(split))
    torch.testing.assert_close(-rc / rr, sweep, atol=0.02, rtol=0)


def test_neat_hands_draw_every_image_of_a_variant_alike():
    held = dict(zip(FACTORS, (5, 0, 0.1, 0.0, 1.0, 3.0, 1.0, 0.0, 0.0), strict=True))
    neat, human = seeded(2, hand=NEAT, **held).images, seeded(2, **held).images
    assert torch.equal(neat[0], neat[1]) and not torch.equal(human[0], human[1])


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"tilt": 1.0}, r"'tilt'.*digit, variant, slant"),
        ({"slant": torch.zeros(3)}, r"slant has shape \(3,\) but n is 5"),
        ({"digit": 10}, r"digit is 10 .* 0 to 9"),
        ({"digit": 2.5}, r"digit is 2\.5"),
        ({"digit": 1, "variant": 99}, r"variant is 99 .* digit 1 has variants 0 to"),
        ({"width": 0.0}, r"width is 0 but must be positive"),
        ({"width": 30.0, "scale": 1.0}, "width is 30 but the digit's box is only 20 pixels long"),
        ({"width": float("inf")}, "width is inf but must be finite"),
        ({"slant": float("nan")}, "slant is nan but must be finite"),
        ({"scale": float("nan")}, r"scale is nan but must be positive"),
    ],
    ids=str,
)
def test_impossible_factors_are_refused_by_name(fixed, message):
    with pytest.raises(ValueError, match=message):
        seeded(5, **fixed)


def test_no_images_may_be_asked_for():
    assert seeded(0).images.shape == (0, 784)


# --- splines ---


@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_a_spline_passes_its_points_and_its_weights_add_up_to_one(k, seed):
    """The second fact makes the curve move with its points when they are all moved alike."""
    points = np.random.default_rng(seed).standard_normal((k, 2))
    at_points = splines.catmull_rom(np.arange(k, dtype=float), k)
    np.testing.assert_allclose(at_points @ points, points, atol=1e-12)
    between = splines.catmull_rom(np.linspace(0, k - 1, 50), k)
    np.testing.assert_allclose(between.sum(axis=1), 1, rtol=1e-12)


def test_a_spline_has_the_published_slope_at_an_inner_point():
    """(p[i+1] - p[i-1]) / 2, from both sides: central differences of step 1e-4 err by 1e-8."""
    points, h = np.array([0.0, 1.0, 5.0, 2.0, -3.0]), 1e-4
    for i, slope in ((1, 2.5), (2, 0.5), (3, -4.0)):
        before, at, after = splines.catmull_rom(np.array([i - h, i, i + h]), 5) @ points
        assert (after - at) / h == pytest.approx(slope, abs=1e-2)
        assert (at - before) / h == pytest.approx(slope, abs=1e-2)


def test_every_variant_is_a_path_of_even_steps_through_its_control_points():
    for digit, every in splines.splines().items():
        for spline, pen in zip(every, PENS[digit], strict=True):
            path = spline.basis @ spline.control  # (P, 2)
            assert path.shape == (splines.POINTS, 2)
            steps = path.diff(dim=0).norm(dim=1)[spline.ink[:-1] > 0]
            # Chords of equal arcs: only those that cut a corner are shorter.
            assert steps.max() < 1.05 * steps.median()
            assert (steps > 0.95 * steps.max()).float().mean() > 0.9
            side = (path.amax(dim=0) - path.amin(dim=0)).max()
            assert 20 * steps.max() / side < 0.6  # pixels: closer than half the finest pen's width
            nearest = torch.cdist(spline.control, path).amin(dim=1)
            assert nearest.max() <= steps.max() + 1e-6
            assert (spline.ink == 0).sum() == len(pen.strokes)


def test_a_wobble_keeps_its_size_and_stays_within_its_stroke():
    """Rows of unit length: smoothing must not make long strokes tidier than short ones."""
    for every in splines.splines().values():
        for spline in every:
            torch.testing.assert_close(
                spline.smooth.norm(dim=1), torch.ones(len(spline.control)), rtol=1e-5, atol=0
            )
    two_strokes = splines.splines()[4][0]
    assert (two_strokes.smooth[:3, 3:] == 0).all() and (two_strokes.smooth[3:, :3] == 0).all()


def test_pens_stay_in_their_box_and_have_weight():
    for every in PENS.values():
        for pen in every:
            assert pen.weight > 0
            assert all(abs(x) <= 1 and abs(y) <= 1 for stroke in pen.strokes for x, y in stroke)
    assert sorted(PENS) == list(range(10))
    assert all(len(PENS[digit]) >= 5 for digit in (1, 2, 4, 7, 9))


# --- ink ---


def test_rendering_is_the_sigmoid_of_the_distance_to_the_path():
    """Against loops in float64 over every pixel and every point."""
    g = torch.Generator().manual_seed(0)
    path = torch.rand(3, 20, 2, generator=g) * 28
    width = torch.tensor([1.0, 2.5, 5.0])
    drawn = ink.render(path, width, softness=0.3)
    for n, row, column in [(0, 3, 4), (1, 14, 20), (2, 27, 0), (2, 9, 9)]:
        distance = min(math.hypot(column - x, row - y) for x, y in path[n].double().tolist())
        expected = 1 / (1 + math.exp(-(width[n].item() / 2 - distance) / 0.3))
        assert drawn[n, row, column].item() == pytest.approx(expected, rel=1e-4, abs=1e-30)


def test_rendering_does_not_depend_on_the_batch():
    """More images than are drawn at a time."""
    g = torch.Generator().manual_seed(0)
    path, width = torch.rand(600, 8, 2, generator=g) * 28, torch.full((600,), 3.0)
    assert torch.equal(ink.render(path, width, 0.2)[400:], ink.render(path[400:], width[400:], 0.2))
