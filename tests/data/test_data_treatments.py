"""The four treatments: what each does to a pixel, and which of them draw anew."""

import math
import struct

import pytest
import torch
from data_tools import REAL_MNIST, needs_mnist
from hypothesis import given
from hypothesis import strategies as st

from vae_teach import data
from vae_teach.data import TREATMENTS, treat


def grey_images(n: int, pixels: int = 784) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.rand(n, pixels, generator=g)


def draw(images, how, seed=0):
    return treat(images, how, generator=torch.Generator().manual_seed(seed))


def test_grey_leaves_pixels_alone():
    images = grey_images(3)
    assert treat(images, "grey") is images


def test_threshold_is_strict_at_one_half():
    """0.5 itself becomes 0: x > 0.5, as the sources have it."""
    images = torch.tensor([[0.0, 0.5, 0.5000001, 1.0]])
    assert treat(images, "threshold").tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("how", ["stochastic", "fixed"])
def test_black_stays_black_and_white_stays_white(how):
    """Fails if u can be 1."""
    images = torch.tensor([[0.0, 1.0]]).repeat(50, 50_000)
    assert torch.equal(draw(images, how), images)


def test_black_stays_black_even_where_the_uniform_number_is_zero(monkeypatch):
    """Once in 16 million pixels; fails if the comparison is x >= u."""
    monkeypatch.setattr(torch, "rand", lambda shape, **kwargs: torch.zeros(shape))
    assert draw(torch.tensor([[0.0, 0.1]]), "stochastic").tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("how", ["stochastic", "fixed"])
def test_half_precision_keeps_white_white(how):
    """Fails if u is rounded to the images' dtype: just below 1 it would become 1."""
    images = torch.ones(100, 10_000, dtype=torch.float16)
    assert torch.equal(draw(images, how), images)


@given(st.sampled_from(TREATMENTS), st.sampled_from([torch.float32, torch.float64]))
def test_shape_and_dtype_are_kept(how, dtype):
    images = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(1), dtype=dtype)
    treated = draw(images, how)
    assert treated.shape == images.shape and treated.dtype == dtype
    assert how == "grey" or set(treated.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("how", ["stochastic", "fixed"])
@pytest.mark.parametrize("x", [0.1, 0.5, 0.9])
def test_a_pixel_is_set_with_probability_x(how, x):
    """500 images of 784 equal pixels; "fixed" must vary between images that differ at all."""
    images = torch.full((500, 784), x) + torch.linspace(0, 1e-4, 500)[:, None]
    share = draw(images, how).mean().item()
    std_error = math.sqrt(x * (1 - x) / images.numel())
    assert abs(share - images.mean().item()) < 4 * std_error
    assert std_error < 0.001  # the test can see a bias of one half of a percent


def test_the_mean_of_many_stochastic_draws_is_the_grey_image():
    """1,000 draws, each pixel within five standard errors."""
    images = grey_images(1, 100)
    g = torch.Generator().manual_seed(0)
    mean = torch.stack([treat(images, "stochastic", generator=g) for _ in range(1000)]).mean(dim=0)
    std_error = (images * (1 - images) / 1000).sqrt()
    assert ((mean - images).abs() < 5 * std_error).all()


def test_stochastic_draws_anew_on_each_call_and_repeats_with_its_seed():
    images, g = grey_images(2), torch.Generator().manual_seed(0)
    first, again = (treat(images, "stochastic", generator=g) for _ in range(2))
    assert not torch.equal(first, again)
    assert torch.equal(first, draw(images, "stochastic", seed=0))


def test_stochastic_without_a_generator_is_refused():
    """Fails if it falls back on the global generator, which would make runs differ."""
    with pytest.raises(ValueError, match="generator is None"):
        treat(grey_images(1), "stochastic")


@given(st.randoms(use_true_random=False), st.integers(1, 20))
def test_fixed_depends_on_the_image_alone(random, batch):
    """Whatever batch, order or device an image comes in, its draw is the same.

    A generator with a constant seed passes a plain repeat but fails here.
    """
    images = grey_images(20, 30)
    whole = treat(images, "fixed")
    order = list(range(20))
    random.shuffle(order)
    pieces = [treat(images[piece], "fixed") for piece in torch.tensor(order).split(batch)]
    assert torch.equal(torch.cat(pieces), whole[order])


def mix(x: int) -> int:
    """SplitMix64's finaliser on whole numbers of any size, as published."""
    x = x * 0x9E3779B97F4A7C15 % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def test_fixed_is_the_same_on_every_machine_and_in_every_version():
    """Against whole-number arithmetic written out: numbers published today need these bits later.

    Fails if numbers overflow into floats, or if a library's own generator gets into it.
    """
    pixels = [[(7 * i + 3 * j) % 65 / 64 for j in range(40)] for i in range(3)]
    positions = [mix(j) for j in range(1, 41)]
    expected = []
    for row in pixels:
        bits = [int.from_bytes(struct.pack(">f", x), "big") for x in row]
        image = mix(sum(b * (p | 1) for b, p in zip(bits, positions, strict=True)) % 2**64)
        uniform = [(mix((image + p) % 2**64) >> 40) / 2**24 for p in positions]
        expected.append([float(x > u) for x, u in zip(row, uniform, strict=True)])
    assert treat(torch.tensor(pixels), "fixed").tolist() == expected


def test_a_single_image_is_drawn_as_it_is_in_a_batch():
    """Fails if the pixels of one image (784,) are taken for 784 images of one pixel."""
    images = grey_images(3)
    assert torch.equal(treat(images[1], "fixed"), treat(images, "fixed")[1])


def test_fixed_treats_different_images_independently():
    """Two images that differ in one pixel by 1/255 share no more of their draw than chance has."""
    images = torch.full((2, 100_000), 0.5)
    images[1, 0] += 1 / 255
    first, second = treat(images, "fixed")
    agreement = (first == second).float().mean().item()
    assert abs(agreement - 0.5) < 4 * math.sqrt(0.25 / 100_000)


def test_fixed_is_independent_from_pixel_to_pixel():
    """Neighbouring pixels, and the same pixel of neighbouring images, are uncorrelated."""
    images = torch.full((300, 1000), 0.5) + torch.linspace(0, 1e-3, 300)[:, None]
    centred = treat(images, "fixed") - 0.5
    along, across = centred[:, 1:] * centred[:, :-1], centred[1:] * centred[:-1]
    for product in (along, across):
        assert abs(product.mean()) < 4 * 0.25 / math.sqrt(product.numel())


def test_no_treatment_touches_the_global_generator():
    before = torch.get_rng_state()
    for how in TREATMENTS:
        draw(grey_images(2), how)
    assert torch.equal(before, torch.get_rng_state())


def test_an_unknown_treatment_is_refused_and_the_known_ones_listed():
    with pytest.raises(ValueError, match=r"'binary'.*grey, threshold, stochastic, fixed"):
        treat(grey_images(1), "binary")


@pytest.mark.parametrize("how", TREATMENTS)
@pytest.mark.parametrize("bad", [-0.01, 1.01, 255.0, math.nan, math.inf])
def test_pixels_outside_the_unit_interval_are_refused(how, bad):
    """Fails for NaN if the check asks whether a pixel is below 0 or above 1."""
    images = grey_images(2)
    images[1, 5] = bad
    with pytest.raises(ValueError, match=r"in \[0, 1\] but range from .* to"):
        draw(images, how)


def test_bytes_are_refused():
    with pytest.raises(ValueError, match=r"torch\.uint8"):
        treat(torch.zeros(2, 3, dtype=torch.uint8), "threshold")


def test_no_images_are_no_problem():
    assert draw(torch.zeros(0, 784), "fixed").shape == (0, 784)


@needs_mnist
@pytest.mark.mnist
def test_grey_pixels_entropy_and_ink_of_mnist_are_the_known_ones(monkeypatch):
    """Of the test pixels 18.6 % are grey, with 45.5 nats of entropy an image; mean ink 0.1325."""
    monkeypatch.setenv("VAE_TEACH_DATA", str(REAL_MNIST))
    x = data.load("mnist").test.images.double()
    assert ((x > 0) & (x < 1)).double().mean().item() == pytest.approx(0.186, abs=5e-4)
    entropy = -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum(dim=1).mean().item()
    assert entropy == pytest.approx(45.5, abs=0.05)
    assert x.mean().item() == pytest.approx(0.1325, abs=5e-5)
    assert treat(x, "threshold").mean().item() == pytest.approx(0.1342, abs=5e-5)
