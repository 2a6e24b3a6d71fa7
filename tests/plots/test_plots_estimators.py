"""The figures of chapter 5 show the numbers they are given, with their uncertainty."""

import numpy as np
import pytest
import torch

from vae_teach.estimators import Estimate, measure_median
from vae_teach.plots.estimators import draw_estimates, draw_measured, draw_medians


def measured(*pairs):
    return [Estimate(torch.tensor(value), torch.tensor(error)) for value, error in pairs]


def texts(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_histograms_share_their_bins_and_name_the_truth():
    """Catches two histograms on bins of their own, which cannot be compared."""
    g = torch.Generator().manual_seed(0)
    narrow, wide = torch.randn(2_000, generator=g), 5 * torch.randn(2_000, generator=g)
    ax = draw_estimates({"narrow": narrow, "wide": wide}, 0.5, xlabel="estimate")
    assert texts(ax)[-1] == "true gradient 0.5" and set(texts(ax)) > {"narrow", "wide"}
    ends = [(p.get_xy()[:, 0].min(), p.get_xy()[:, 0].max()) for p in ax.patches]
    assert ends[0] == ends[1]
    assert ends[0][1] > 8  # the wide one sets the frame


def test_points_stand_at_their_values_and_bars_span_95_percent():
    """Catches bars of one standard error under a caption that says 95 %."""
    ax = draw_measured(
        [1, 10], {"a": measured((4.0, 0.5), (40.0, 1.0))}, xlabel="L", ylabel="variance"
    )
    (container,) = ax.containers
    np.testing.assert_allclose(container[0].get_xydata(), [[1, 4], [10, 40]])
    (segments,) = (bars.get_segments() for bars in container[2])
    np.testing.assert_allclose(segments[0][:, 1], [4 - 0.97998, 4 + 0.97998], rtol=1e-5)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10"]


def test_a_closed_form_is_drawn_as_the_line_of_its_own_method():
    """Catches lines that join the measured points and so always agree with them."""
    ax = draw_measured(
        [1, 2],
        {"a": measured((4.0, 0.1), (9.0, 0.1)), "b": measured((1.0, 0.1), (1.0, 0.1))},
        {"a": [4.0, 8.0]},
        xlabel="L",
        ylabel="variance",
    )
    lines = {
        line.get_color(): line.get_ydata().tolist()
        for line in ax.lines
        if len(line.get_ydata()) and line.get_linestyle() != "None"
    }
    colours = {c.get_label(): c[0].get_color() for c in ax.containers}
    assert lines[colours["a"]] == [4.0, 8.0]
    assert lines[colours["b"]] == [1.0, 1.0]


def test_an_axis_of_less_than_two_decades_has_more_than_one_number():
    ax = draw_measured([1, 2], {"a": measured((0.3, 0.01), (2.5, 0.01))}, xlabel="L", ylabel="e")
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    shown = [v for v in ax.yaxis.get_majorticklocs() if low <= v <= high]
    assert len(shown) >= 3


def test_a_series_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a has 1 values but x has 2"):
        draw_measured([1, 2], {"a": measured((1.0, 0.1))}, xlabel="L", ylabel="v")


def test_medians_stand_in_their_rows_with_the_interval_around_them():
    """Catches a symmetric bar: the interval of a median need not be."""
    rows = {
        "raw": {"usual": measure_median([1, 2, 9]), "other": measure_median([4, 5, 6])},
        "exp": {"usual": measure_median([3, 3, 4])},
    }
    ax = draw_medians(rows, xlabel="steps")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["raw", "exp"]
    assert texts(ax) == ["usual", "other"]
    usual = ax.containers[0]
    assert usual[0].get_xdata().tolist() == [2, 3]
    segments = usual[2][0].get_segments()
    assert [segment[:, 0].tolist() for segment in segments] == [[1, 9], [3, 4]]
    low, high = sorted(ax.get_ylim())
    assert low < -0.3 and high > 1.3  # no row is cut off
