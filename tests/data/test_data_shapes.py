"""The coloured shapes: their pixels follow their factors, and their folder is a real one."""

import colorsys
import math

import pytest
import torch
from data_tools import isolate
from PIL import Image
from seeded import generator

from vae_teach import data
from vae_teach.data.shapes import (
    BROKEN,
    NAMES,
    PAPER,
    RANGES,
    SATURATION,
    VALUE,
    draw_shapes,
    hue_to_rgb,
    write_folder,
)

SIDE = 24


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


def ink(split, side=SIDE):
    """How far each pixel is from the paper, (N, side, side): 0 outside, 1 inside the shape."""
    pictures = split.images.view(-1, 3, side, side)
    colour = hue_to_rgb(split.factors["hue"])[:, :, None, None]
    return ((pictures - PAPER) * (colour - PAPER)).sum(1) / (colour - PAPER).square().sum(1)


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_colours_are_those_of_the_standard_library():
    """Fails for a hue turned the wrong way round or a third of a turn off."""
    hues = torch.linspace(0, 1, 61)
    theirs = torch.tensor([colorsys.hsv_to_rgb(float(h), SATURATION, VALUE) for h in hues])
    torch.testing.assert_close(hue_to_rgb(hues), theirs, rtol=0, atol=1e-5)


def test_the_same_seed_gives_the_same_pictures_and_the_global_state_is_left():
    state = torch.get_rng_state()
    one, two, other = (draw_shapes(20, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.images, two.images)
    assert not torch.equal(one.images, other.images)
    assert torch.equal(torch.get_rng_state(), state)


def test_pictures_are_whole_bytes_of_three_channels():
    """Fails if files would not give the pixels back: PNG stores bytes."""
    split = draw_shapes(50, generator=generator())
    assert split.images.shape == (50, 3 * SIDE * SIDE)
    levels = split.images * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    assert 0 <= split.images.min() and split.images.max() <= 1


def test_the_centre_of_a_disc_is_where_its_factors_say():
    """Fails if x and y are swapped, or y points up."""
    split = draw_shapes(200, generator=generator(), shape=0)
    weight = ink(split)
    axis = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
    total = weight.sum((1, 2))
    x, y = (weight.sum(1) @ axis) / total, (weight.sum(2) @ axis) / total
    # The mixed pixels of the edge move it by less than a quarter of a pixel; a swap by several.
    torch.testing.assert_close(x, split.factors["x"], rtol=0, atol=0.25 / SIDE)
    torch.testing.assert_close(y, split.factors["y"], rtol=0, atol=0.25 / SIDE)


def test_the_area_follows_the_size_and_a_square_is_as_large_as_a_disc():
    """Fails if the size enters twice, or shapes can be told by their area alone."""
    size = RANGES["size"]
    for value in size:
        for shape in (0, 1):
            split = draw_shapes(100, generator=generator(), shape=shape, size=value)
            area = ink(split).mean((1, 2)).mean()
            assert area == pytest.approx(math.pi * value**2, rel=0.03), NAMES[shape]


def test_a_triangle_points_up():
    """Fails for a half-plane with the wrong sign: the base has more ink than the top."""
    rows = ink(draw_shapes(1, generator=generator(), shape=2, size=0.24, x=0, y=0))[0].sum(1)
    filled = rows[rows > 0.5]
    assert (filled[1:-1].diff() > -1e-4).all()


def test_the_largest_shape_at_the_edge_stays_on_the_paper():
    """Fails if a range grows: a cut-off shape has another size than its factor says."""
    low, high = RANGES["x"]
    for shape in range(3):
        for x in (low, high):
            for y in (low, high):
                held = {"shape": shape, "size": RANGES["size"][1], "x": x, "y": y}
                picture = ink(draw_shapes(1, generator=generator(), **held))[0]
                border = torch.cat([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
                assert border.abs().max() < 0.6, held


def test_holding_one_factor_leaves_the_others():
    """Fails if a held factor shifts the stream of random numbers: traversals would mix factors."""
    free = draw_shapes(10, generator=generator()).factors
    held = draw_shapes(10, generator=generator(), hue=0.5).factors
    assert (held["hue"] == 0.5).all()
    assert all(torch.equal(free[name], held[name]) for name in free if name != "hue")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"colour": 1}, r"\['colour'\] are no factors: they are shape, hue, size, x, y"),
        ({"size": 0.5}, "size must lie between 0.12 and 0.24"),
        ({"x": torch.tensor([0.1, 0.1, 7.0, 0.1])}, "x must lie between .* but it is 7$"),
        ({"shape": 1.5}, "shape must be 0, 1 or 2"),
        ({"hue": torch.zeros(3)}, r"hue has shape \(3,\) but n is 4"),
        ({"side": 4}, "side is 4 but a shape needs at least 8"),
    ],
)
def test_a_factor_that_makes_no_sense_is_named(held, said):
    with pytest.raises(ValueError, match=said):
        draw_shapes(4, generator=generator(), **held)


def test_the_folder_gives_the_pictures_back_whatever_size_the_files_have(tmp_path, capsys):
    """Fails if margins move the shape: the loader's middle square must be the picture."""
    split = draw_shapes(40, generator=generator())
    folder = write_folder(tmp_path / "own", split, generator=generator())
    sizes = {size_of(path) for path in folder.rglob("0*.png")}
    assert len(sizes) > 20 and any(w > h for w, h in sizes) and any(h > w for w, h in sizes)
    loaded = data.load(f"images:{folder}", size=SIDE, channels=3)
    assert loaded.label_names == NAMES and loaded.image_shape == (3, SIDE, SIDE)
    assert f"disc/{BROKEN}: " in capsys.readouterr().err
    back = torch.cat([loaded.train.images, loaded.test.images])
    assert len(back) == 40
    nearest = torch.cdist(split.images, back).min(1).values / math.sqrt(3 * SIDE * SIDE)
    assert nearest.max() < 0.04  # twice resampled; another picture is at 0.2 and more


def test_the_folder_without_the_broken_file_is_accepted_whole(tmp_path, capsys):
    split = draw_shapes(12, generator=generator())
    folder = write_folder(tmp_path, split, generator=generator(), broken=False)
    data.load(f"images:{folder}", size=SIDE, channels=3, on_bad="refuse")
    assert capsys.readouterr().err == ""
