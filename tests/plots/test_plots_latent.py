"""Figures of a code space are asked questions: orientation, ticks, colours, what is left out."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from scipy.stats import norm

from vae_teach import plots
from vae_teach.plots import latent as plots_latent


def codes(n=40, size=2, seed=0):
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed))


def flat_tiles(values):
    """Tiles of one brightness each, (n * n, 784)."""
    return values[:, None].expand(-1, 784)


def test_tiles_share_the_plane_evenly_and_start_at_the_top_left():
    """Centres of cells, not `linspace` from edge to edge."""
    grid = plots_latent.tile_centres(4, 2.0)
    assert grid[0].tolist() == [-1.5, 1.5] and grid[-1].tolist() == [1.5, -1.5]
    assert grid[1].tolist() == [-0.5, 1.5]  # the second tile is to the right of the first
    assert sorted(set(grid[:, 0].tolist())) == [-1.5, -0.5, 0.5, 1.5]


@pytest.mark.parametrize("n", [1, 5, 20])
def test_a_code_is_shown_by_the_tile_nearest_to_it(n):
    """Catches axes swapped, a map upside down, and rounding in place of flooring."""
    z, grid = 1.5 * codes(500), plots_latent.tile_centres(n, 4.0)
    assert torch.equal(plots_latent.tile_at(z, n, 4.0), torch.cdist(z, grid).argmin(dim=1))
    assert torch.equal(plots_latent.tile_at(grid, n, 4.0), torch.arange(n * n))


def test_the_map_shows_every_tile_at_the_place_of_its_code():
    """Brightness grows with z[0]: to the right on the sheet and in data coordinates alike."""
    grid = plots_latent.tile_centres(3, 3.0)
    ax = plots_latent.draw_map(flat_tiles((grid[:, 0] + 3) / 6), 3.0)
    sheet, (left, right, bottom, top) = ax.images[0].get_array(), ax.images[0].get_extent()
    assert (left, right, bottom, top) == (-3, 3, -3, 3)
    assert sheet[0, 14] == pytest.approx(1 / 6) and sheet[0, 70] == pytest.approx(5 / 6)
    ax = plots_latent.draw_map(flat_tiles((grid[:, 1] + 3) / 6), 3.0)
    assert ax.images[0].get_array()[0, 0] == pytest.approx(5 / 6)  # first row: largest z[1]
    assert ax.images[0].origin == "upper"


def test_percentile_ticks_stand_where_their_codes_are():
    """The labels of a linear axis under a percentile grid."""
    ax = plots_latent.draw_map(torch.zeros(9, 784))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["-2", "-1", "0", "1", "2"]
    np.testing.assert_allclose(ax.get_xticks(), norm.cdf([-2, -1, 0, 1, 2]), rtol=1e-12)
    np.testing.assert_allclose(ax.get_yticks(), ax.get_xticks())
    assert ax.images[0].get_extent() == [0, 1, 0, 1]


def test_a_map_that_is_no_square_is_refused():
    with pytest.raises(ValueError, match="square of tiles, but there are 8"):
        plots_latent.draw_map(torch.zeros(8, 784), 1.0)


def test_both_panels_of_the_tableau_have_the_same_axes():
    """A scatter that matplotlib cut to its own points would not match the map."""
    figure = plots_latent.draw_tableau(
        3 * codes(), torch.arange(40) % 10, torch.zeros(16, 784), 2.5
    )
    scatter, tiles = figure.axes[:2]
    for ax in (scatter, tiles):
        assert ax.get_xlim() == ax.get_ylim() == (-2.5, 2.5)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("z[0]", "z[1]")
    assert len(scatter.collections[0].get_offsets()) == 40


@pytest.mark.parametrize("chosen", [[0, 1, 4], [5, 2, 4], [0, 1, 2, 4, 5, 7]], ids=str)
def test_only_the_chosen_digits_are_drawn_each_in_its_own_colour(chosen):
    """A colour map over 0 ... 9 cut down to three would recolour the digits."""
    labels = torch.arange(60) % 10
    ax = plots_latent.draw_classes(codes(60), labels, chosen)
    points = ax.collections[0]
    assert len(points.get_offsets()) == 6 * len(chosen)
    ax.figure.canvas.draw()
    drawn = labels[torch.isin(labels, torch.tensor(chosen))]
    for digit, colour in zip(drawn.tolist(), points.get_facecolors(), strict=True):
        assert to_rgb(colour) == pytest.approx(plots.CLASS_COLOURS[digit])


def test_ticks_of_the_bar_stand_mid_colour_and_name_the_digits():
    ax = plots_latent.draw_classes(codes(60), torch.arange(60) % 10, [7, 2, 5])
    bar = ax.collections[0].colorbar
    assert [t.get_text() for t in bar.ax.get_yticklabels()] == ["2", "5", "7"]
    assert list(bar.get_ticks()) == [0, 1, 2]
    assert bar.vmin == -0.5 and bar.vmax == 2.5
    assert bar.ax.get_title() == "digit"


def test_unknown_digits_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"from 0 to 9, but they are \[3, 12\]"):
        plots_latent.draw_classes(codes(), torch.zeros(40), [12, 3])
    with pytest.raises(ValueError, match=r"\(N, 2\), but it is \(40, 3\)"):
        plots_latent.draw_classes(codes(40, 3), torch.zeros(40))


def test_a_field_has_its_first_number_top_left_and_its_quantity_above():
    ax = plt.subplots()[1]
    plots_latent.draw_field(torch.arange(9.0), 2.0, "height (m)", ax=ax, between=(1.0, 5.0))
    image = ax.images[0]
    assert image.get_array()[0, 0] == 0 and image.get_array()[2, 2] == 8
    assert image.get_extent() == [-2, 2, -2, 2] and image.origin == "upper"
    assert image.get_clim() == (1, 5)
    assert ax.get_title() == "height (m)" and image.colorbar.extend == "both"


def test_histograms_show_draws_means_and_the_normal():
    """A collapsed dimension's draws and means must be told apart."""
    mu = codes(300, 6) * torch.tensor([1, 1, 0.001, 1, 1, 1])
    figure = plots_latent.draw_means_and_draws(mu, codes(300, 6, seed=1), [0, 2, 5], columns=2)
    assert [ax.get_xlabel() for ax in figure.axes[:3]] == ["z[0]", "z[2]", "z[5]"]
    assert not figure.axes[3].axison  # the place after the last dimension is empty
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "z, drawn", "μ, the mean", "N(0, 1)",
    ]  # fmt: skip
    for ax in figure.axes[:3]:
        assert ax.lines[0].get_ydata().max() == pytest.approx(0.39894, abs=1e-4)


def test_every_projection_has_a_panel_and_the_digits_one_bar():
    labels = torch.arange(40) % 10
    panels = {name: codes(seed=i) for i, name in enumerate("abc")}
    figure = plots_latent.draw_projections(panels, labels)
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == ["a", "b", "c"]
    assert not figure.axes[3].axison
    (bar,) = figure.axes[4:]
    assert [t.get_text() for t in bar.get_yticklabels()] == [str(d) for d in range(10)]


def test_panels_of_other_pictures_share_one_square_and_one_bar():
    """Each panel has its own labels: with the first one's, points of other sets change colour."""
    panels = {name: (codes(20, seed=i), torch.full((20,), i)) for i, name in enumerate("abc")}
    figure = plots.draw_class_panels(panels, 3.0)
    *axes, bar = figure.axes
    assert [ax.get_title() for ax in axes] == ["a", "b", "c"] and bar.get_ylabel() == "digit"
    for ax, (place, labels) in zip(axes, panels.values(), strict=True):
        (points,) = ax.collections
        assert points.get_array().tolist() == labels.tolist()
        np.testing.assert_allclose(points.get_offsets(), place.numpy())
        assert ax.get_xlim() == ax.get_ylim() == (-3, 3)


def test_solids_are_seen_from_the_side_asked_for():
    panels = {"VAE": codes(40, 3), "autoencoder": codes(40, 3, seed=1)}
    figure = plots_latent.draw_solid(panels, torch.arange(40) % 10, 75)
    assert [ax.get_title() for ax in figure.axes] == ["VAE", "autoencoder"]
    assert [ax.azim for ax in figure.axes] == [75, 75]
    x, y, z = figure.axes[1].collections[0]._offsets3d
    np.testing.assert_allclose(np.stack([x, y, z], axis=1), panels["autoencoder"].numpy())


def test_large_correlations_are_written_out_in_their_cell():
    values = torch.tensor([[0.8, -0.1], [0.2, -0.5]])
    ax = plots_latent.draw_correlations(values, ["slant", "width"], ["3", "7"], xlabel="dimension")
    written = {(t.get_position(), t.get_text()) for t in ax.texts}
    assert written == {((0, 0), "0.8"), ((1, 1), "-0.5")}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["slant", "width"]
    assert ax.images[0].get_clim() == (-1, 1) and ax.get_xlabel() == "dimension"
