"""The two training graphs: what the error reaches, and what the reader can tell apart."""

import pytest

from vae_teach.plots.diagrams.sampling import (
    draw_training_graphs,
    draw_trick_as_graph,
    reached_from,
    training_graph,
)

ENCODER = {"encoder", "mu", "sigma"}


def words(ax):
    return [t.get_text() for t in ax.texts]


@pytest.mark.parametrize("trick", [False, True])
def test_the_error_reaches_the_encoder_only_with_the_trick(trick):
    """Catches an arrow that lets the gradient through a draw, or one that is missing."""
    reached = reached_from("error", *training_graph(trick))
    assert {"f", "decoder"} < reached
    assert (reached >= ENCODER) is trick and bool(reached & ENCODER) is trick


@pytest.mark.parametrize("trick", [False, True])
def test_the_kl_reaches_the_encoder_either_way(trick):
    assert reached_from("kl", *training_graph(trick)) >= ENCODER


def test_both_graphs_have_one_draw_two_losses_and_the_same_forward_parts():
    """Figure 4 of Doersch: only the place of the red box differs."""
    graphs = [training_graph(trick)[0] for trick in (False, True)]
    for nodes in graphs:
        kinds = [node.kind for node in nodes.values()]
        assert kinds.count("sampling") == 1 and kinds.count("loss") == 2
    shared = {"x", "encoder", "mu", "sigma", "kl", "decoder", "f", "error"}
    assert all(graphs[0][name] == graphs[1][name] for name in shared)


def test_the_noise_is_multiplied_by_a_root_of_the_covariance():
    """Catches z = μ + Σ ε, whose covariance would be Σ²."""
    nodes, edges = training_graph(True)
    assert nodes["times"].text == r"$\Sigma^{1/2}\,\varepsilon$"
    assert {("sigma", "times"), ("noise", "times")} <= set(edges)


def test_the_figure_draws_every_box_and_tells_sampling_and_loss_without_colour():
    figure = draw_training_graphs()
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["without the trick", "with the trick"]
    for ax, trick in zip(figure.axes, (False, True), strict=True):
        nodes, _ = training_graph(trick)
        assert {node.text for node in nodes.values()} <= set(words(ax))
        dashed = [patch for patch in ax.patches if patch.get_linestyle() == "--"]
        assert len(dashed) == 1  # the draw
        assert len(ax.patches) == len(nodes) + 2  # a second edge around each loss


def test_circles_are_random_and_diamonds_computed():
    """z changes from a circle to a diamond, and the noise is the one new circle."""
    figure = draw_trick_as_graph()
    for ax, random in zip(figure.axes, ({"z"}, {"ε"}), strict=True):
        circles = [p.center for p in ax.patches if type(p).__name__ == "Circle"]
        diamonds = [p.xy for p in ax.patches if type(p).__name__ == "RegularPolygon"]
        at = {t.get_text(): t.get_position() for t in ax.texts if t.get_text()}
        assert {name for name, place in at.items() if place in circles} == random
        assert {name for name, place in at.items() if place in diamonds} == set(at) - random
