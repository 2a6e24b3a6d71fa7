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


def play(widget):
    return widget.locator("button.play")


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
    button = play(widget)
    button.click()
    expect(button).to_have_text("Pause")
    expect(widget.get_by_role("img", name="A field of colour 3.")).to_be_visible()
    expect(button).to_have_text("Play")
    button.click()
    expect(widget.get_by_role("img", name="A field of colour 0.")).to_be_visible()


def test_pause_holds_the_frame(show):
    widget = show(times=25)
    widget.get_by_role("combobox", name="Speed").select_option("0.5")  # 24 s: none can miss it
    button, picture = play(widget), widget.get_by_role("img")
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
    expect(play(widget)).to_have_text("Play")


def test_buttons_and_the_space_bar_step_and_play(show):
    widget = show()
    slider = widget.get_by_role("slider")
    on, back = (widget.get_by_role("button", name=f"One frame {way}") for way in ("on", "back"))
    for button, i in ((on, 1), (on, 2), (on, 3), (on, 3), (back, 2)):
        button.click()
        expect(slider).to_have_value(str(i))
    slider.press("Space")
    expect(play(widget)).to_have_text("Pause")
    slider.press("Space")
    expect(play(widget)).to_have_text("Play")


def test_a_loop_goes_on_from_the_beginning(show):
    widget = show()
    widget.page.clock.install()
    widget.get_by_role("checkbox", name="Loop").check()
    widget.get_by_role("combobox", name="Speed").select_option("2")
    play(widget).click()
    seen = []
    for _ in range(6):
        seen.append(widget.get_by_role("slider").input_value())
        widget.page.clock.run_for(175)  # 350 ms a frame, twice as fast
    assert seen == ["0", "1", "2", "3", "0", "1"]


def test_nothing_plays_for_who_wants_no_motion(show):
    """The steps are left, by button and by the space bar."""
    widget = show(reduced_motion="reduce")
    expect(play(widget)).to_be_hidden()
    slider = widget.get_by_role("slider")
    widget.page.clock.install()
    slider.press("Space")
    assert slider.input_value() == "1"
    widget.page.clock.run_for(5000)
    assert slider.input_value() == "1"


def test_a_frame_can_be_enlarged(show):
    """On a phone to twice the page's width, and then it scrolls in its own box."""
    widget = show(viewport={"width": 390, "height": 600})
    picture = widget.get_by_role("img")
    small = picture.bounding_box()["width"]
    widget.get_by_role("button", name="Enlarge").click()
    assert picture.bounding_box()["width"] > 2 * small
    assert widget.page.evaluate("document.documentElement.scrollWidth") <= 390
    widget.get_by_role("button", name="Fit to the page").click()
    assert picture.bounding_box()["width"] == small


def test_the_books_theme_leaves_its_brightness_alone_in_the_dark(show):
    """The theme dims every picture that has not this class, and puts a grey card behind it."""
    picture = show().get_by_role("img")
    assert picture.evaluate("e => e.matches('.dark-light')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(show, scheme):
    widget = show(viewport={"width": 320, "height": 600}, color_scheme=scheme)
    assert widget.evaluate("e => e.scrollWidth <= e.clientWidth")
    slider, label = widget.get_by_role("slider").bounding_box(), widget.locator(".label")
    assert slider["width"] >= 100
    assert label.bounding_box()["x"] > slider["x"], "what the slider says stands beside it"
