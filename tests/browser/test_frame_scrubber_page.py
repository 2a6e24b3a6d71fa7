"""The scrubber in a page without a kernel, opened from file:// with the network cut."""

import io

import pytest
from explorer_page import settle
from PIL import Image
from playwright.sync_api import expect

from vae_teach.widgets import Frame, FrameScrubber

pytestmark = pytest.mark.browser
COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)]


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, format="png")
    return buffer.getvalue()


@pytest.fixture
def show(open_page, tmp_path):
    """Write a page with four frames of one colour each, open it, return the widget's element."""

    def show(*, times=1, **page_options):
        frames = [
            Frame(png(colour), f"step {10**i}", f"A field of colour {i}.")
            for i, colour in enumerate(times * COLOURS)
        ]
        path = FrameScrubber(frames, title="training step").to_html(tmp_path / "page.html")
        page = open_page(path, **page_options)
        settle(page)
        return page.locator(".frame-scrubber")

    return show


def colour_shown(widget):
    """The colour in the middle of the picture, as the browser paints it."""
    picture = Image.open(io.BytesIO(widget.get_by_role("img").screenshot())).convert("RGB")
    return picture.getpixel((picture.width // 2, picture.height // 2))


def test_keys_move_the_slider_and_the_picture_follows(show):
    widget = show()
    slider = widget.get_by_role("slider", name="training step")
    for i, key in enumerate(["Home", "ArrowRight", "ArrowRight", "End"]):
        slider.press(key)
        expect(widget.get_by_role("img", name=f"A field of colour {i}.")).to_be_visible()
        assert colour_shown(widget) == COLOURS[i]
        assert slider.get_attribute("aria-valuetext") == f"step {10**i}, {i + 1} of 4"


def test_play_runs_to_the_end_and_starts_over(show):
    widget = show()
    button = widget.get_by_role("button")
    button.click()
    expect(button).to_have_text("Pause")
    expect(widget.get_by_role("img", name="A field of colour 3.")).to_be_visible()
    expect(button).to_have_text("Play")
    button.click()
    expect(widget.get_by_role("img", name="A field of colour 0.")).to_be_visible()


def test_pause_holds_the_frame(show):
    widget = show(times=25)  # half a minute: a slow machine cannot miss it
    button, picture = widget.get_by_role("button"), widget.get_by_role("img")
    button.click()
    expect(picture).not_to_have_attribute("alt", "A field of colour 0.")
    button.click()
    expect(button).to_have_text("Play")
    held = picture.get_attribute("alt")
    # the sentence comes after a rest, longer than a frame is shown
    expect(widget.get_by_role("status")).to_contain_text(held)
    assert picture.get_attribute("alt") == held


def test_nothing_plays_by_itself(show):
    widget = show()
    expect(widget.get_by_role("status")).to_have_text("step 1, 1 of 4. A field of colour 0.")
    expect(widget.get_by_role("button")).to_have_text("Play")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(show, scheme):
    widget = show(viewport={"width": 320, "height": 600}, color_scheme=scheme)
    assert widget.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert widget.get_by_role("slider").bounding_box()["width"] >= 100
