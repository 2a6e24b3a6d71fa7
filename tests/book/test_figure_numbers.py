"""The numbers of figures: in the order of the page, with the chapter's number in front."""

import pytest

pytestmark = pytest.mark.processes


def test_figures_of_a_chapter_are_numbered_in_the_order_of_the_page(small_book):
    """Two figures of one cell had one number, or a figure without a caption none."""
    parts = small_book("notebooks/07_y").split("<figcaption>")[1:]
    label = '<span class="vt-figure-number">Figure 7.{}</span>'.format
    captions = [part.partition("</figcaption>")[0] for part in parts]
    assert captions == [f"{label(1)}. A.", label(2), f"{label(3)}. B."]


def test_a_page_that_is_no_chapter_has_no_numbers(small_book):
    assert "<figcaption>A.</figcaption>" in small_book("pages/z")
