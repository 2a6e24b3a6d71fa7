"""Figures of one setting of a sweep: which mark stands out, and where its sheets lie."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from vae_teach.plots import draw_sheets, mark_setting

THREE = [([1, 1], [5, 6]), ([2, 2], [3, 4]), ([3, 3], [1, 2])]


def test_the_chosen_setting_alone_is_large_and_on_top():
    """The marks of another setting, or of the first whatever is chosen."""
    ax = mark_setting(plt.subplots()[1], THREE, 1)
    assert [line.get_markersize() for line in ax.lines] == [3, 7, 3]
    assert [list(line.get_ydata()) for line in ax.lines] == [[5, 6], [3, 4], [1, 2]]
    assert ax.lines[1].get_zorder() > max(ax.lines[0].get_zorder(), ax.lines[2].get_zorder())
    assert ax.lines[1].get_color() != ax.lines[0].get_color()


def test_a_setting_that_is_not_there_is_refused():
    """A place past the end draws no mark, and nobody sees that."""
    with pytest.raises(ValueError, match="chosen is 3, but there are 3 settings"):
        mark_setting(plt.subplots()[1], THREE, 3)


@pytest.mark.parametrize("names", [("above", "below"), ("first", "second", "third")])
def test_sheets_lie_inside_under_their_names_and_apart(names):
    """Sheets in the wrong order, over one another, or beyond the edge of the figure."""
    figure, ax = plt.subplots()
    draw_sheets(ax, {name: np.full((2, 12), i / 4) for i, name in enumerate(names)})
    figure.canvas.draw()
    boxes = ax.child_axes
    assert [box.get_title(loc="left") for box in boxes] == list(names)
    assert [box.images[0].get_array()[0, 0] for box in boxes] == [0, 0.25, 0.5][: len(names)]
    place = ax.get_window_extent()
    extents = [box.get_tightbbox() for box in boxes]
    assert extents[0].y1 <= place.y1 + 8 and extents[-1].y0 >= place.y0
    assert all(upper.y0 > lower.y1 for upper, lower in itertools.pairwise(extents))
