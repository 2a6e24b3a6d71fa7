"""The Python half of the scrubber: frames that belong together, sharp, none without words."""

import io

import matplotlib.pyplot as plt
import pytest
import torch
import traitlets
from PIL import Image

from vae_teach.plots import sheet_png
from vae_teach.widgets import Frame, FrameScrubber


def png(size=(8, 6), colour="white"):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="png")
    return buffer.getvalue()


def frame(i=0, **changes):
    return Frame(**({"picture": png(), "label": f"step {i}", "alt": f"Picture {i}."} | changes))


def draw(step):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, step], [0, 1])
    ax.set(xlim=(0, 10), title=f"step {step}")
    return figure


def scrubber(moments, **options):
    words = {"label": lambda s: f"step {s}", "alt": lambda s: f"A line that ends at {s}."}
    return FrameScrubber.from_figures(draw, moments, **words, **options)


def test_every_frame_comes_out_of_the_bytes_as_it_went_in():
    """A size off by one would shift every later picture."""
    frames = [frame(i, picture=png(colour=(10 * i, 0, 0))) for i in range(3)]
    widget = FrameScrubber(frames)
    start = 0
    for i, size in enumerate(widget.sizes):
        assert widget.pictures[start : start + size] == frames[i].picture
        start += size
    assert start == len(widget.pictures)
    assert (widget.shape, widget.labels) == ([8, 6], ["step 0", "step 1", "step 2"])


def test_figures_become_curves_of_one_size_and_are_closed():
    """A picture of one pixel for each of the page's is soft on a dense screen; frames that are
    cropped each to its own ink jump; thirty open figures draw a warning."""
    before = plt.get_fignums()
    widget = scrubber([1, 5, 9])
    assert plt.get_fignums() == before
    assert (widget.kind, widget.shape) == ("svg", [300, 200])
    first = widget.pictures[: widget.sizes[0]].decode()
    assert "<image" not in first and ">step 1<" in first
    assert widget.alts[1] == "A line that ends at 5."


def test_a_picture_of_few_pixels_is_shown_larger():
    """Fails if a digit of 28 pixels is shown 28 pixels wide, or is enlarged before it is kept."""
    widget = FrameScrubber([frame(0), frame(1)], scale=4)
    assert (widget.kind, widget.shape, widget.scale) == ("png", [32, 24], 4)
    assert widget.pictures == png() + png()
    with pytest.raises(ValueError, match="scale must be at least 1, but it is 0"):
        FrameScrubber([frame(0)], scale=0)


def test_sheets_stand_in_the_order_of_their_moments():
    """Fails for a film run backwards, or one whose words belong to another frame."""
    dark = {0: 0.0, 5: 0.4, 9: 1.0}
    widget = FrameScrubber.from_sheets(
        lambda step: torch.full((4, 784), dark[step]), dark, columns=2, shades=6, scale=3,
        label="step {}".format, alt="Four tiles at step {}.".format,
    )  # fmt: skip
    assert widget.labels == ["step 0", "step 5", "step 9"] and "step 5" in widget.alts[1]
    pages = [
        Frame(sheet_png(torch.full((4, 784), d), 2, shades=6), "a", "b") for d in dark.values()
    ]
    expected = FrameScrubber(pages, scale=3)
    assert (widget.pictures, widget.shape) == (expected.pictures, expected.shape)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"alt": " "}, "frame 1 has no alt"),
        ({"label": ""}, "frame 1 has no label"),
        ({"picture": png((9, 6))}, r"frame 1 \(step 1\) has 9 x 6 pixels, but frame 0 has 8 x 6"),
        ({"picture": b"GIF89a"}, r"frame 1 \(step 1\) is no PNG file"),
        (
            {"picture": '<svg viewBox="0 0 72 36"></svg>'},
            r"frame 1 \(step 1\) is an SVG of 100 x 50, but frame 0 has 8 x 6 pixels",
        ),
        ({"picture": "<p>"}, r"frame 1 \(step 1\) is no <svg> element with a viewBox from 0 0"),
        ({"picture": None}, r"frame 1 \(step 1\) must be bytes of a PNG .* but it is None"),
    ],
    ids=["alt", "label", "size", "file", "kind", "text", "type"],
)
def test_a_frame_that_does_not_fit_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        FrameScrubber([frame(0), frame(1, **wrong)])


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        FrameScrubber([])


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_without_a_frame_is_refused(index):
    with pytest.raises(traitlets.TraitError, match=f"index must be from 0 to 1, but it is {index}"):
        FrameScrubber([frame(0), frame(1)], index=index)


def test_thirty_frames_fit_into_a_page(tmp_path):
    """The bar of the book is 1.5 MB a page, for all of its figures."""
    path = scrubber(range(1, 34)).to_html(tmp_path / "page.html", title="Lines")
    assert path.stat().st_size < 200_000
    assert repr(scrubber([1, 2], index=1)) == "FrameScrubber(2 frames, frame: step 2)"
