"""The scrubber in a page without a kernel, opened from file:// with the network cut."""

import io

import matplotlib.pyplot as plt
import numpy as np
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


@pytest.fixture
def show_figures(open_page, tmp_path):
    """Write a page with three frames of a black triangle, open it, return the widget's element."""

    def draw(i):
        figure, ax = plt.subplots(figsize=(5.4, 2))
        ax.fill([0, 1, 0.2 * i], [0, 0.3, 1], color="black", linewidth=0)
        ax.set_title(f"corner {i}", fontsize=9)
        return figure

    def show_figures(**page_options):
        words = {"label": "corner {}".format, "alt": "A triangle with corner {}.".format}
        path = FrameScrubber.from_figures(draw, range(3), **words).to_html(tmp_path / "page.html")
        page = open_page(path, **page_options)
        settle(page)
        return page.locator(".frame-scrubber")

    return show_figures


def picture_shown(widget):
    """What the browser paints, in pixels of the screen."""
    return Image.open(io.BytesIO(widget.get_by_role("img").screenshot())).convert("RGB")


def colour_shown(widget):
    """The colour in the middle of the picture, as the browser paints it."""
    picture = picture_shown(widget)
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
    widget.page.clock.install(time=0)
    widget.page.clock.pause_at(3_600_000)  # else a slow machine's own time goes on beside ours
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


def test_a_long_label_leaves_room_for_the_slider(open_page, tmp_path):
    """Beside 40 letters a slider on a phone was as wide as its thumb; the label wraps below."""
    frame = Frame(png(COLOURS[0]), "4 to 3, 5 tenths (left: one, right: another)", "A field.")
    page = open_page(
        FrameScrubber([frame]).to_html(tmp_path / "page.html"),
        viewport={"width": 390, "height": 600},
    )
    settle(page)
    assert page.get_by_role("slider").bounding_box()["width"] > 250
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_has_the_pixels_of_a_dense_screen(show_figures, scheme):
    """Fails if a frame is a picture of one pixel for each of the page's, which is then enlarged:
    a picture of half the pixels would hold as much."""
    shown = picture_shown(show_figures(device_scale_factor=2, color_scheme=scheme)).convert("L")
    shown = shown.crop((40, 40, shown.width - 40, shown.height - 40))  # without any frame around it
    half = shown.resize((shown.width // 2, shown.height // 2), Image.Resampling.BOX)
    soft = half.resize(shown.size, Image.Resampling.BILINEAR)
    assert abs(np.asarray(shown, float) - np.asarray(soft, float)).max() > 80


def test_pixels_have_sharp_edges_on_a_dense_screen(open_page, tmp_path):
    """Fails if the browser blurs 8 by 6 pixels that are shown 40 times as large."""
    squares = np.indices((6, 8)).sum(axis=0) % 2
    file = io.BytesIO()
    Image.fromarray((255 * squares).astype("uint8")).save(file, format="png")
    widget = FrameScrubber([Frame(file.getvalue(), "a board", "Squares.")], scale=40)
    page = open_page(widget.to_html(tmp_path / "page.html"), device_scale_factor=2)
    settle(page)
    shown = np.asarray(picture_shown(page.locator(".frame-scrubber")).convert("L"))
    board = shown[8:-8, 8:-8]  # inside the white sheet
    assert set(np.unique(board)) == {0, 255}
    assert np.array_equal(board[40], 255 * squares[0].repeat(80))


@pytest.mark.parametrize(
    "scheme, ink, ground", [("light", 31, 255), ("dark", 230, 20)], ids=["light", "dark"]
)
def test_a_figure_takes_the_ink_and_the_ground_of_the_page(show_figures, scheme, ink, ground):
    shown = picture_shown(show_figures(color_scheme=scheme))
    reds = np.asarray(shown)[:, :, 0]
    assert reds[0, 0] == ground
    assert (reds == ink).sum() > 1000  # the triangle, drawn in black


def test_a_figure_follows_the_slider_with_its_words(show_figures):
    widget = show_figures()
    for key, i in (("End", 2), ("ArrowLeft", 1), ("Home", 0)):
        widget.get_by_role("slider").press(key)
        expect(widget.get_by_role("img", name=f"A triangle with corner {i}.")).to_be_visible()
        expect(widget.locator("svg text", has_text="corner")).to_have_text(f"corner {i}")


def test_letters_of_a_figure_are_legible_on_a_phone(show_figures):
    """9 pixels high at least. What is then too wide scrolls in its own box, which Tab reaches."""
    widget = show_figures(viewport={"width": 390, "height": 600})
    title = widget.locator("svg text", has_text="corner")
    size = "e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a"
    assert title.evaluate(size) >= 9
    sheet = widget.get_by_role("group", name="Picture, scrolls sideways")
    assert sheet.evaluate("e => e.tabIndex === 0 && e.scrollWidth > e.clientWidth")
    assert widget.page.evaluate("document.documentElement.scrollWidth") <= 390
    widget.page.set_viewport_size({"width": 900, "height": 600})
    expect(sheet).to_have_count(0)
    assert widget.locator(".sheet").evaluate("e => e.tabIndex") == -1
