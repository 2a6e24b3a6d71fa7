"""The conditional figures: what is coloured, what is aligned, what is left out."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from seeded import generator

from vae_teach.models.completion import column_task, quadrant_task
from vae_teach.plots import conditional as plots
from vae_teach.plots.conditional import GIVEN_INK, GIVEN_PAPER
from vae_teach.plots.diagrams.conditional import conditional_graph, draw_cvae


def test_exactly_the_given_column_is_coloured_by_its_own_values():
    """The coloured column is the condition, not a column of something else."""
    task = column_task()
    images = torch.rand(2, 784, generator=generator())
    images.view(2, 28, 28)[:, :, 13] = torch.arange(28) % 2.0
    sheet = plots.tile_marked(images, task, 2)
    assert sheet.shape == (28, 58, 3)
    for start, image in zip((0, 30), images.view(2, 28, 28).numpy(), strict=True):
        column = sheet[:, start + 13]
        np.testing.assert_allclose(column[0::2], np.tile(GIVEN_PAPER, (14, 1)), rtol=1e-6)
        np.testing.assert_allclose(column[1::2], np.tile(GIVEN_INK, (14, 1)), rtol=1e-6)
        others = np.delete(sheet[:, start : start + 28], 13, axis=1)
        grey = np.delete(1 - image, 13, axis=1)[..., None].repeat(3, axis=2)
        np.testing.assert_allclose(others, grey, rtol=1e-6)
    assert (sheet[:, 28:30] == 1).all()  # the gap is paper


def test_panels_are_labelled_and_aligned():
    task, images = quadrant_task(1), torch.rand(6, 784, generator=generator())
    figure = plots.draw_completions({"CVAE": images, "truth": images}, task, columns=3)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["CVAE", "truth"]
    shapes = {ax.images[0].get_array().shape for ax in figure.axes}
    assert shapes == {(2 * 30 - 2, 3 * 30 - 2, 3)}
    with pytest.raises(ValueError, match=r"'CVAE': 6, 'truth': 5"):
        plots.draw_completions({"CVAE": images, "truth": images[:5]}, task)


def test_a_grid_names_its_columns_and_rows():
    images = torch.rand(2, 3, 784, generator=generator())
    ax = plots.draw_grid(images, ["a", "b", "c"], ["one", "two"], xlabel="digit")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "two"]
    assert ax.get_xlabel() == "digit"
    sheet = ax.images[0].get_array()
    assert sheet.shape == (58, 88)
    np.testing.assert_array_equal(sheet[30:58, 60:88], images[1, 2].view(28, 28))
    with pytest.raises(ValueError, match="2 rows and 3 columns, but there are 2 and 2 names"):
        plots.draw_grid(images, ["a", "b"])


def test_answers_share_their_axis():
    points = torch.zeros(5, 1), torch.ones(5, 1)
    figure = plots.draw_answers({"truth": points, "model": points})
    assert [ax.get_title() for ax in figure.axes] == ["truth", "model"]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("condition c", "answer x")
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_drawing_needs_no_encoder_and_the_condition_goes_to_both_networks():
    """At test time encoder, noise trick and losses are gone; c enters encoder and decoder."""
    nodes, edges = conditional_graph(training=True)
    assert {target for source, target in edges if source == "c"} == {"encoder", "decoder"}
    assert [n.kind for n in nodes.values()].count("loss") == 2
    assert ("noise", "z") in edges and nodes["z"].kind == "plain"
    drawing, edges = conditional_graph(training=False)
    assert set(drawing) == {"c", "z", "decoder", "f"}
    assert drawing["z"].kind == "sampling"
    assert set(edges) == {("c", "decoder"), ("z", "decoder"), ("decoder", "f")}
    figure = draw_cvae()
    assert [ax.get_title() for ax in figure.axes] == ["while it trains", "while it draws"]
    words = {text.get_text() for text in figure.axes[1].texts}
    assert "encoder q" not in words and "decoder p" in words


def test_pixels_are_shown_as_they_are():
    """Smoothed pixels hide what the model draws, and double the bytes of a page."""
    pictures = torch.rand(2, 3, 784, generator=torch.Generator().manual_seed(0))
    sheets = plots.draw_completions({"a": pictures[0]}, column_task(), columns=3).axes
    for ax in (*sheets, plots.draw_grid(pictures, ["1", "2", "3"])):
        assert [image.get_interpolation() for image in ax.images] == ["nearest"]
    plt.close("all")
