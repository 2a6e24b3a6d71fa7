"""The column painter without a kernel, opened from file:// with the network cut."""

import pytest
import torch
from explorer_page import render_with_model, settle
from playwright.sync_api import expect
from torch import nn

from vae_teach.models.completion import column_task
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.widgets import ColumnPainter

pytestmark = pytest.mark.browser

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}


def contrasty_models(**options) -> tuple[CVAE, Regressor]:
    """Models whose pictures are as black and white as trained ones', without training."""
    cvae = CVAE(756, 28, (8,), 4, (60,), seed=0, **options)
    regressor = Regressor(756, 28, (60,), seed=1)
    with torch.no_grad():
        for layer in [*cvae.decoder, *regressor.net]:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(3)
    return cvae, regressor


@pytest.fixture
def show(open_page, tmp_path):
    """Write a painter's page, open it, return its element."""

    def show(*, examples=None, page_options=None, regressor=True, **keywords):
        cvae, other = contrasty_models()
        painter = ColumnPainter.from_models(
            cvae, other if regressor else None, examples, **keywords
        )
        page = open_page(painter.to_html(tmp_path / "page.html"), **(page_options or {}))
        settle(page)
        return page.locator(".column-painter")

    return show


def blank_page(open_page, tmp_path):
    path = tmp_path / "blank.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title>", encoding="utf-8")
    return open_page(path)


def painted(painter):
    """The rows with ink, from 1, as the checkboxes have them."""
    boxes = painter.get_by_role("checkbox")
    return [
        k + 1 for k, on in enumerate(boxes.evaluate_all("all => all.map(b => b.checked)")) if on
    ]


def picture(painter, name):
    """The red channel of one answer, (28, 28)."""
    values = painter.get_by_role("img", name=name, exact=True).evaluate(
        """canvas => [...canvas.getContext("2d")
             .getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0)"""
    )
    return torch.tensor(values).view(28, 28)


def all_pictures(painter):
    names = [f"draw {k} of the CVAE" for k in range(1, 9)] + ["the regressor's answer"]
    return torch.stack([picture(painter, name) for name in names])


def middle_of(strip, row):
    """Page coordinates of the middle of a row, counted from 1."""
    box = strip.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + (row - 0.5) / 28 * box["height"]


@pytest.mark.parametrize("prior_hidden", [None, (7,)], ids=["N(0, I)", "learned prior"])
def test_the_completions_are_those_that_pytorch_draws(open_page, tmp_path, prior_hidden):
    """Eight draws and the regressor's answer to four columns, to 2/255 a pixel.

    Fails if the given column is put anywhere but at 13, or 13 + 1 + 14 columns do not make 28.
    """
    cvae, regressor = contrasty_models(prior_hidden=prior_hidden)
    g = torch.Generator().manual_seed(3)
    widget = ColumnPainter.from_models(cvae, regressor, torch.rand(4, 28, generator=g).round())
    columns = torch.rand(4, 28, generator=g).round()
    page = blank_page(open_page, tmp_path)
    render_with_model(page, widget)
    painter, task = page.locator(".column-painter"), column_task()
    for given in columns:
        page.evaluate("given => model.set('given', given)", given.int().tolist())
        with torch.no_grad():
            mu, logvar = cvae.prior(given)
            z = mu + torch.exp(0.5 * logvar) * torch.tensor(widget.noise)
            answers = torch.cat([cvae.mean_image(z, given), regressor.mean_image(given)[None]])
        whole = task.compose(given.expand(9, -1), answers).view(9, 28, 28)
        want = 255 * (1 - whole)
        want[:, :, 13] = 158 + given * (217 - 158)  # blue paper, orange ink
        assert (all_pictures(painter) - want).abs().max() <= 2
        assert want[:8].std(dim=0).mean() > 10  # the test has power: the draws differ


def test_keys_paint_the_column(show):
    painter = show()
    first = painter.get_by_role("checkbox", name="row 1", exact=True)
    before = all_pictures(painter)
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "Space", "Shift+ArrowDown", "Shift+ArrowDown"):
        painter.page.keyboard.press(key)
    assert painted(painter) == [3, 4, 5]
    after = all_pictures(painter)
    assert ((after - before).abs().amax(dim=(1, 2)) > 20).all(), "an answer did not change"
    painter.page.keyboard.press("End")
    painter.page.keyboard.press("Space")
    assert painted(painter) == [3, 4, 5, 28]
    painter.page.keyboard.press("Space")  # and off again
    painter.page.keyboard.press("ArrowDown")  # the last row stays the last
    expect(painter.get_by_role("checkbox", name="row 28")).to_be_focused()
    assert painted(painter) == [3, 4, 5]
    expect(painter.get_by_role("status")).to_contain_text("Ink in rows 3 to 5.")


def test_the_strip_is_one_stop_for_the_tab_key(show):
    painter = show(examples=torch.zeros(1, 28))
    painter.get_by_role("checkbox", name="row 1", exact=True).focus()
    painter.page.keyboard.press("Tab")
    expect(painter.get_by_role("button", name="A test column")).to_be_focused()


def test_a_stroke_of_the_pointer_paints_every_row_it_passes(show):
    """Fails if a fast stroke leaves gaps, or if the click at its end undoes its first row."""
    painter = show()
    strip, mouse = painter.get_by_role("group", name="The column to paint"), painter.page.mouse
    before = all_pictures(painter)
    mouse.move(*middle_of(strip, 8))
    mouse.down()
    assert painted(painter) == [8]
    mouse.move(*middle_of(strip, 15))
    mouse.up()
    assert painted(painter) == list(range(8, 16))
    assert (all_pictures(painter) - before).abs().max() > 50
    mouse.move(*middle_of(strip, 20))
    assert painted(painter) == list(range(8, 16)), "painted with no button held"
    mouse.move(*middle_of(strip, 10))  # a stroke that starts on ink takes ink away
    mouse.down()
    mouse.move(*middle_of(strip, 12), steps=3)
    mouse.up()
    assert painted(painter) == [8, 9, 13, 14, 15]


def test_a_single_click_toggles_one_row(show):
    painter = show()
    strip = painter.get_by_role("group", name="The column to paint")
    painter.page.mouse.click(*middle_of(strip, 20))
    assert painted(painter) == [20]
    painter.page.mouse.click(*middle_of(strip, 20))
    assert painted(painter) == []


def test_a_finger_paints_and_does_not_scroll(show):
    """A real touch, through the browser's own input pipeline."""
    painter = show(page_options=PHONE)
    page = painter.page
    strip = painter.get_by_role("group", name="The column to paint")
    before = all_pictures(painter)
    touch = page.context.new_cdp_session(page).send
    x, y = middle_of(strip, 6)
    touch("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for row in (9, 12, 14):
        at = dict(zip("xy", middle_of(strip, row), strict=True))
        touch("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
    touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(painter.get_by_role("checkbox", name="row 14")).to_be_checked()
    assert painted(painter) == list(range(6, 15))
    assert page.evaluate("scrollY") == 0
    assert (all_pictures(painter) - before).abs().max() > 50
    page.touchscreen.tap(*middle_of(strip, 20))
    assert painted(painter) == [*range(6, 15), 20]


def test_buttons_clear_redraw_and_take_a_test_column(show):
    column = torch.zeros(1, 28)
    column[0, 9:12] = 1
    painter = show(examples=column)
    press = lambda name: painter.get_by_role("button", name=name).click()  # noqa: E731
    assert painted(painter) == [10, 11, 12]
    press("Clear")
    assert painted(painter) == []
    expect(painter.get_by_role("status")).to_contain_text("The column is empty.")
    press("A test column")
    assert painted(painter) == [10, 11, 12]
    before = all_pictures(painter)
    press("New draws")
    after = all_pictures(painter)
    changed = (after - before).abs().amax(dim=(1, 2)) > 20
    assert changed[:8].all() and not changed[8], "the draws change, the regressor's answer stays"


def test_undo_takes_back_a_stroke_at_a_time(show):
    painter = show()
    strip, mouse = painter.get_by_role("group", name="The column to paint"), painter.page.mouse
    undo = painter.get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    painter.page.clock.install()
    for first, last in ((3, 6), (10, 12)):
        painter.page.clock.run_for(1000)
        mouse.move(*middle_of(strip, first))
        mouse.down()
        mouse.move(*middle_of(strip, last))
        mouse.up()
    assert painted(painter) == [3, 4, 5, 6, 10, 11, 12]
    undo.click()
    assert painted(painter) == [3, 4, 5, 6]
    undo.press("Enter")
    assert painted(painter) == []
    expect(undo).to_have_attribute("aria-disabled", "true")
    undo.press("Enter")
    assert painted(painter) == []


def test_a_row_is_wide_enough_for_a_finger_and_leaves_it_room_to_scroll(show):
    painter = show(page_options=PHONE)
    sizes = painter.get_by_role("checkbox").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(({ width, height }) => [width, height])"
    )
    assert min(min(size) for size in sizes) >= 24  # WCAG 2.2
    strip = painter.get_by_role("group", name="The column to paint")
    box, whole = strip.bounding_box(), painter.bounding_box()
    assert box["x"] - whole["x"] >= 12 and box["width"] < 0.25 * whole["width"]


def test_a_painter_without_regressor_or_examples(show):
    painter = show(regressor=False)
    assert painter.get_by_role("img").count() == 8
    expect(painter.get_by_role("button", name="A test column")).to_have_count(0)


def test_the_description_says_what_came_of_it(show):
    painter = show()
    status = painter.get_by_role("status")
    expect(status).to_have_attribute("aria-live", "polite")
    expect(status).to_contain_text("The 8 draws differ by")
    expect(status).to_contain_text("of the regressor's")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_screen_needs_sideways_scrolling(show, width, scheme):
    painter = show(
        page_options={"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    )
    assert painter.evaluate("e => document.documentElement.scrollWidth <= innerWidth")
    paper = painter.evaluate("e => getComputedStyle(e).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
