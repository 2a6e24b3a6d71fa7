"""A figure reaches the page with words, in the page's own ink, and no larger than it must be."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from vae_teach.plots.class_colours import CLASS_COLOURS
from vae_teach.plots.page import figure_html, render_svg, show


def embedded(svg: str) -> list[Image.Image]:
    """The pictures inside an SVG."""
    found = re.findall(r'data:image/png;base64,([^"]+)"', svg)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_alt_text_reaches_the_page_escaped():
    page = figure_html("<svg></svg>", 'a curve "f(x) < 1" that falls', caption="loss & epochs")
    assert '<svg role="img" aria-label="a curve &quot;f(x) &lt; 1&quot; that falls">' in page
    assert "<figcaption>loss &amp; epochs</figcaption>" in page


@pytest.mark.parametrize("alt", ["", "figure", "loss_curve.png"])
def test_an_empty_alt_or_a_file_name_is_refused(alt):
    with pytest.raises(ValueError, match="alt must describe"):
        show(plt.figure(), alt=alt)


def test_show_displays_once_and_closes_the_figure(monkeypatch):
    bundles = []
    monkeypatch.setattr(
        "vae_teach.plots.page.display", lambda bundle, **kwargs: bundles.append(bundle)
    )
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    show(figure, alt="a straight line that rises from 0 to 1")
    (bundle,) = bundles
    assert bundle["text/plain"] == "a straight line that rises from 0 to 1"
    assert 'aria-label="a straight line' in bundle["text/html"]
    assert not plt.fignum_exists(figure.number)


def test_black_becomes_the_ink_of_the_page_and_a_colour_stays():
    """Fails if axes, letters or a black line stay black, which a dark page hides."""
    figure, axes = plt.subplots()
    axes.plot([0, 1], color="black")
    axes.plot([1, 0], color="#2277bb", label="a line")
    axes.legend()
    svg = render_svg(figure)
    assert svg.startswith('<svg fill="currentColor"')
    assert "#000000" not in svg and "stroke: currentColor" in svg
    assert "stroke: #2277bb" in svg
    assert "#ffffff" not in svg and "#fefdfc" not in svg  # no white ground, none under the legend


def test_letters_are_text_in_the_typeface_of_the_page():
    figure, axes = plt.subplots()
    axes.set_title("a title", fontsize=12)
    axes.set_xlabel("$x$", fontsize=11)
    svg = render_svg(figure)
    assert ">a title<" in svg and "font-size: 12px" in svg
    assert "DejaVu" not in svg
    assert re.search("font-style: (italic|oblique); font-size: 11px", svg)


def test_a_picture_keeps_its_own_pixels():
    """Fails if 28 by 28 pixels are drawn again at the size of the figure, blurred and large."""
    figure, axes = plt.subplots(figsize=(5, 5))
    grey = np.random.default_rng(0).random((28, 28))
    axes.imshow(grey, cmap="gray_r", vmin=0, vmax=1)
    (picture,) = embedded(render_svg(figure))
    assert picture.size == (28, 28) and picture.mode == "L"
    assert abs(np.asarray(picture) / 255 - (1 - grey)).max() < 1 / 63  # a step of 64 greys


def test_many_dots_become_pixels_and_few_stay_curves():
    """Fails if the codes of a test set make a page of megabytes."""
    few, many = plt.subplots()[0], plt.subplots()[0]
    few.axes[0].scatter(range(10), range(10))
    many.axes[0].scatter(*np.random.default_rng(0).normal(size=(2, 5_000)), s=2)
    assert embedded(render_svg(few)) == []
    svg = render_svg(many)
    assert len(embedded(svg)) == 1 and len(svg) < 100_000


def test_dots_of_a_colour_are_one_path_and_stay_where_they_are():
    """A `<use>` element a dot is six times the bytes: a film of 500 codes would be megabytes."""
    figure, axes = plt.subplots(figsize=(4, 4))
    figure.subplots_adjust(0, 0, 1, 1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    x, y = np.random.default_rng(0).uniform(0.1, 0.9, size=(2, 250))
    axes.scatter(x, y, c=np.array(CLASS_COLOURS)[np.arange(250) % 3], s=16, linewidths=0)
    svg = render_svg(figure, crop=False)
    paths = re.findall(r'<path style="stroke: (#\w+); stroke-linecap: round" d="([^"]*h0)"', svg)
    assert len(paths) == 3 * 3  # three colours in each hundred
    assert 'stroke-width="4.00"' in svg and "clip-path" in svg
    places = {colour: [] for colour in CLASS_COLOURS[:3]}
    for colour, strokes in paths:
        found = re.findall(r"M([\d.]+) ([\d.]+)h0", strokes)
        places[colour] += [(float(left), float(top)) for left, top in found]
    for k, colour in enumerate(CLASS_COLOURS[:3]):
        there = 288 * np.stack([x[k::3], 1 - y[k::3]], axis=1)  # points, from the top left
        assert abs(np.array(places[colour]) - there).max() < 0.0501
    assert len(svg) < 10_000 + 20 * 250


@pytest.mark.parametrize(
    "look",
    [
        {"marker": "s"},
        {"s": 10 * [4, 9, 16]},
        {"alpha": 0.5},
        {"edgecolors": "white", "linewidths": 1},
    ],
    ids=["squares", "sizes", "see-through", "edges"],
)
def test_dots_that_are_no_plain_circles_are_left_alone(look):
    """Fails if squares become round, dots lose an edge, or one under another shines no longer."""
    figure, axes = plt.subplots()
    colours = 10 * list(CLASS_COLOURS[:3])
    axes.scatter(range(30), range(30), c=colours, **({"linewidths": 0} | look))
    svg = render_svg(figure)
    assert "h0" not in svg and len(re.findall(r"fill: #(?!fefdfc)", svg)) == 30


def test_a_picture_of_few_greys_has_a_palette():
    """Half a byte a pixel instead of one, and the greys are those that were there."""
    figure, axes = plt.subplots()
    grey = np.random.default_rng(0).integers(0, 10, size=(84, 84)) / 9
    axes.imshow(grey, cmap="gray_r", vmin=0, vmax=1)
    (picture,) = embedded(render_svg(figure))
    assert picture.mode == "P" and picture.size == (84, 84)
    assert abs(np.asarray(picture.convert("L")) / 255 - (1 - grey)).max() < 1 / 63


def test_frames_of_a_film_keep_the_size_of_the_figure():
    """Fails if each is cropped to its own ink: the axes would jump from frame to frame."""
    for words in ("short", "a title that is much wider than the axes are, and then some more"):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.set_title(words)
        assert 'viewBox="0 0 216 144"' in render_svg(figure, crop=False)


@pytest.mark.parametrize(
    "look, pictures",
    [({"linewidths": 0}, 0), ({}, 1), ({"linewidths": 0, "alpha": 0.5}, 1)],
    ids=["plain", "edges", "see-through"],
)
def test_five_hundred_dots_are_curves_if_they_are_cheap(look, pictures):
    """Fails if dots that need an element each stay curves, or the codes of a film become pixels."""
    figure, axes = plt.subplots()
    axes.scatter(*np.random.default_rng(0).normal(size=(2, 500)), s=2, **look)
    svg = render_svg(figure)
    assert len(embedded(svg)) == pictures and len(svg) < 40_000


def test_coordinates_are_short_and_numbers_in_words_stay():
    figure, axes = plt.subplots()
    axes.plot(np.linspace(0, 1, 50), np.sin(np.arange(50)))
    axes.set_title("ln 2 = 0.69315")
    svg = render_svg(figure)
    assert "0.69315" in svg
    assert not re.search(r' d="[^"]*\.\d{3}', svg)


def test_two_figures_of_a_page_share_no_id():
    """Fails if the clip path of one figure is found by the other, whose axes lie elsewhere."""
    ids = []
    for name, width in [("one", 3), ("two", 5)]:
        figure, axes = plt.subplots(figsize=(width, 2))
        axes.plot([0, 1], "o-")
        ids.append(set(re.findall(r' id="([^"]+)"', render_svg(figure, name=name))))
    assert ids[0] and ids[1] and not ids[0] & ids[1]


def test_the_same_figure_makes_the_same_page():
    def draw():
        figure, axes = plt.subplots()
        axes.plot([0, 1], "o-")
        return render_svg(figure, name="line")

    assert draw() == draw()
