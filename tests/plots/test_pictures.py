"""Figures are asked questions: labels, ticks, numbers of artists, orientation."""

import pytest
import torch
from matplotlib.patches import Circle

from vae_teach import plots
from vae_teach.models import VAE, Autoencoder
from vae_teach.plots.diagrams import graphical as diagrams_graphical
from vae_teach.plots.diagrams import networks as diagrams
from vae_teach.training.history import History


def history(n=3, held_out=True):
    parts = ["train", "held_out"] if held_out else ["train"]
    return History([
        {"epoch": e + 1, "seconds": 0.1} | {f"{p}_kl": 3.0 - e for p in parts} for e in range(n)
    ])  # fmt: skip


def test_tiles_stand_row_by_row_with_separators():
    images = torch.arange(5.0)[:, None].expand(5, 6) / 5  # 5 images of 2 x 3
    sheet = plots.tile(images, 2, image_shape=(2, 3), gap=1)
    assert sheet.shape == (3 * 3 - 1, 2 * 4 - 1)
    assert sheet[0, 4] == pytest.approx(1 / 5)  # second image, to the right of the first
    assert sheet[3, 0] == pytest.approx(2 / 5)  # third image, below the first
    assert (sheet[2] == 0).all() and (sheet[:, 3] == 0).all()
    assert (sheet[6:, 4:] == 0).all()  # the place after the last image is paper


def test_tile_names_both_sizes_when_they_differ():
    with pytest.raises(ValueError, match=r"784 pixels but image_shape \(8, 8\) has 64"):
        plots.tile(torch.zeros(2, 784), 2, image_shape=(8, 8))
    with pytest.raises(ValueError, match="columns must be at least 1"):
        plots.tile(torch.zeros(2, 64), 0, image_shape=(8, 8))


def test_one_digit_stands_on_pixel_axes():
    ax = plots.draw_digit(torch.zeros(784))
    assert ax.get_xlim() == (0, 28) and ax.get_ylim() == (28, 0)
    assert list(ax.get_xticks()) == list(range(0, 29, 4))
    assert ax.get_xlabel() == "column (pixels)" and ax.get_ylabel() == "row (pixels)"
    assert ax.images[0].get_cmap().name == "gray_r"


def test_rows_belong_together_column_by_column():
    figure = plots.draw_rows({"a": torch.zeros(4, 784), "b": torch.ones(4, 784)})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    with pytest.raises(ValueError, match=r"\{'a': 4, 'b': 3\}"):
        plots.draw_rows({"a": torch.zeros(4, 784), "b": torch.zeros(3, 784)})


def test_curves_name_both_parts_and_the_unit():
    figure = plots.draw_history(history(), ["kl"])
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["training", "held out"]
    assert ax.get_ylabel() == "KL (nats per picture)" and ax.get_xlabel() == "epoch"
    (ax,) = plots.draw_history(history(held_out=False), ["kl"]).axes
    assert len(ax.lines) == 1


def test_colour_bar_ticks_are_the_digits():
    ax = plots.draw_codes(torch.zeros(10, 2), torch.arange(10), limit=4)
    bar = ax.figure.axes[1]
    assert [t.get_text() for t in bar.get_yticklabels()] == [str(d) for d in range(10)]
    assert ax.get_xlim() == (-4, 4) and (ax.get_xlabel(), ax.get_ylabel()) == ("z[0]", "z[1]")
    assert len({tuple(c) for c in plots.CLASS_COLOURS}) == 10


def test_codes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(N, 2\), but it is \(5, 3\)"):
        plots.draw_codes(torch.zeros(5, 3), None)
    with pytest.raises(ValueError, match="labels has 4 rows but codes has 5"):
        plots.draw_codes(torch.zeros(5, 2), torch.zeros(4))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: plots.percentile_grid(0), "n"),
        (lambda: plots.linear_grid(2.5, 1.0), "n"),
        (lambda: plots.linear_grid(3, -1.0), "limit"),
    ],
)
def test_a_grid_of_nothing_is_refused(make, name):
    """Fails if a map without a tile is drawn in silence."""
    with pytest.raises(ValueError, match=f"{name} must be"):
        make()


@pytest.mark.parametrize("grid", [plots.percentile_grid(5), plots.linear_grid(5, 2.0)])
def test_first_coordinate_grows_to_the_right_and_second_upward(grid):
    """Sources of this book store (y, x): the scatter and the map then disagree."""
    square = grid.reshape(5, 5, 2)
    assert (square[:, 1:, 0] > square[:, :-1, 0]).all()
    assert (square[:-1, :, 1] > square[1:, :, 1]).all()


@pytest.mark.parametrize("n", [2, 24, 100])
def test_percentile_codes_are_symmetric_and_finite(n):
    """Percentiles 0 and 1 would put the outermost codes at infinity; clipping them puts 8."""
    axis = plots.percentile_grid(n)[:n, 0]
    torch.testing.assert_close(axis, -axis.flip(0))
    assert axis.abs().max() < 3.5
    uniform = 0.5 * (1 + torch.erf(axis.double() / 2**0.5))
    torch.testing.assert_close(
        uniform.diff(), torch.full((n - 1,), 1 / n).double(), rtol=1e-4, atol=0
    )


def test_every_tile_shows_the_code_of_its_place():
    """Decode z to a flat picture of brightness (z[0] + 10 z[1]); read it back from the sheet."""
    codes = plots.linear_grid(3, 1.0)
    brightness = codes[:, :1] + 10 * codes[:, 1:]
    ax = plots.draw_manifold(lambda z: brightness.expand(9, 784), codes)
    sheet = ax.images[0].get_array()
    assert sheet[14, 14] == pytest.approx(-1 + 10)  # top left: z = (-1, 1)
    assert sheet[70, 70] == pytest.approx(1 - 10)  # bottom right: z = (1, -1)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["-1.0", "0.0", "1.0"]
    with pytest.raises(ValueError, match="square grid, but it has 8 rows"):
        plots.draw_manifold(lambda z: z, codes[:8])


def test_histograms_overlay_the_standard_normal():
    figure = plots.draw_code_histograms(torch.randn(200, 6), [0, 2, 5])
    titles = [ax.get_xlabel() for ax in figure.axes[:3]]
    assert titles == ["z[0]", "z[2]", "z[5]"]
    top = figure.axes[0].lines[0].get_ydata().max()
    assert top == pytest.approx(0.39894, abs=1e-4)


def texts(ax):
    return [t.get_text() for t in ax.texts if t.get_text()]


def test_diagrams_are_drawn_from_the_modules():
    shown = texts(diagrams.draw_autoencoder(Autoencoder(784, (250,), 16, (320,))))
    assert shown[:5] == [
        "x\n784 pixels", "dense 250\nrelu", "code z\n16\ntanh", "dense 320\nrelu",
        "output\n784\nsigmoid",
    ]  # fmt: skip
    shown = texts(diagrams.draw_vae(VAE(784, (250,), 30, (320,))))
    assert {"μ\ndense 30", "logvar\ndense 30", "ε ~ N(0, I)", "logits\n784"} <= set(shown)
    shown = texts(diagrams.draw_generation(VAE(784, (250,), 30, (320,))))
    assert shown == ["z ~ N(0, I)\n30", "dense 320\nrelu", "logits\n784"]


@pytest.mark.parametrize("inference, names", [(False, "zᵢ xᵢ θ"), (True, "zᵢ xᵢ θ φ")], ids=str)
def test_only_the_data_are_shaded_and_the_encoder_is_dashed(inference, names):
    """The encoder belongs to q: a solid arrow from x to z would make a cycle of the model."""
    ax = diagrams_graphical.draw_plate(inference=inference)
    assert set(names.split()) <= set(texts(ax))
    circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert [c.get_facecolor()[3] > 0 for c in circles] == [False, True]
    dashed = [
        a for a in ax.texts if getattr(a, "arrow_patch", None) and a.arrow_patch.get_ls() == "--"
    ]
    assert len(dashed) == (2 if inference else 0)
