"""The latent explorer in a page without a kernel, opened from file:// with the network cut."""

import re
from types import SimpleNamespace

import pytest
import torch
from explorer_page import explorers, picture, render_with_model, values
from playwright.sync_api import expect
from torch import nn

from vae_teach.widgets import LatentExplorer

pytestmark = pytest.mark.browser


COUNT_IMPORTS = """<script>
  window.imports = 0;
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => (window.imports += 1) && make(blob);
</script>"""


@pytest.fixture
def show(open_page, make_explorer, tmp_path):
    """Write an explorer's page, open it, return its element."""

    def show(latent_dim=2, *, page_options=None, **keywords):
        path = make_explorer(latent_dim, **keywords).to_html(tmp_path / "page.html", title="Codes")
        return explorers(open_page(path, **(page_options or {})))

    return show


def pad_of(explorer):
    return explorer.get_by_role("application", name="Pad")


@pytest.mark.parametrize("latent_dim", [1, 2, 20])
def test_every_slider_moves_its_value_and_the_picture_by_keyboard(show, latent_dim):
    explorer = show(latent_dim)
    assert values(explorer) == [0.0] * latent_dim
    for d in range(latent_dim):
        before = picture(explorer)
        slider = explorer.get_by_role("slider", name=f"z[{d}]", exact=True)
        slider.press("ArrowRight")
        assert values(explorer)[d] == pytest.approx(float(slider.get_attribute("step")))
        slider.press("End")
        assert values(explorer)[d] == pytest.approx(float(slider.get_attribute("max")))
        assert picture(explorer) != before, f"slider {d} left the picture as it was"
    assert values(explorer) == [values(explorer)[0]] * latent_dim


def test_arrow_keys_on_the_pad_move_both_values(show):
    explorer = show()
    pad = pad_of(explorer)
    before = picture(explorer)
    pad.press("ArrowUp")
    pad.press("ArrowLeft")
    step = float(explorer.get_by_role("slider").first.get_attribute("step"))
    assert values(explorer) == pytest.approx([-step, step])  # left is less, up is more
    pad.press("Shift+ArrowRight")
    pad.press("ArrowDown")
    assert values(explorer) == pytest.approx([9 * step, 0])
    assert picture(explorer) != before


def test_home_end_and_page_keys_move_the_pad_far(show):
    explorer = show()
    pad = pad_of(explorer)
    pad.press("End")
    assert values(explorer) == pytest.approx([ends(explorer, "max")[0], 0])
    pad.press("Home")
    assert values(explorer) == pytest.approx([ends(explorer, "min")[0], 0])
    step = float(explorer.get_by_role("slider").first.get_attribute("step"))
    pad.press("PageUp")
    assert values(explorer)[1] == pytest.approx(10 * step)
    pad.press("PageDown")
    assert values(explorer)[1] == 0


def test_the_pads_arrows_stop_at_its_edge(show):
    explorer = show()
    slider = explorer.get_by_role("slider", name="z[0]")
    slider.press("End")
    pad_of(explorer).press("ArrowRight")
    assert values(explorer)[0] == pytest.approx(float(slider.get_attribute("max")))


def test_dragging_on_the_pad_moves_z_even_outside_it(show):
    """Fails without pointer capture, or with the vertical axis upside down."""
    explorer = show()
    mouse = explorer.page.mouse
    box = pad_of(explorer).bounding_box()
    before = picture(explorer)
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    mouse.down()
    across, up = values(explorer)
    assert across < 0 and up < 0
    mouse.move(box["x"] + box["width"] + 40, box["y"] - 40, steps=4)
    assert values(explorer) == pytest.approx(ends(explorer, "max"))
    assert picture(explorer) != before
    mouse.up()
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    assert values(explorer) == pytest.approx(ends(explorer, "max")), "z moved with no button held"


def ends(explorer, name):
    sliders = explorer.get_by_role("slider")
    return [float(end) for end in sliders.evaluate_all(f"all => all.map(s => s.{name})")]


def test_the_cursor_stands_where_the_pointer_was(show):
    """Fails if the drawn axes and the pointer's axes disagree."""
    explorer = show()
    pad, page = pad_of(explorer), explorer.page
    box = pad.bounding_box()
    for x, y in [(0.25, 0.2), (0.6, 0.75)]:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        ring = pad.locator(".ring").bounding_box()
        centre = (ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
        expected = (box["x"] + x * box["width"], box["y"] + y * box["height"])
        assert centre == pytest.approx(expected, abs=1.0)  # CSS pixels; z has two decimals


def test_the_cursor_keeps_its_place_when_paper_shrinks_the_pad(show):
    """Fails if it is placed in pixels: on paper nothing paints again."""
    explorer = show(z=[1.0, -2.0])
    shares = pad_of(explorer).evaluate(
        """pad => {
          const share = () => {
            const [ring, whole] = [pad.querySelector(".ring"), pad]
              .map((e) => e.getBoundingClientRect());
            return [(ring.left + ring.width / 2 - whole.left) / whole.width,
                    (ring.top + ring.height / 2 - whole.top) / whole.height];
          };
          const before = share();
          pad.style.width = "50%";
          return [before, share()]; // before anything could paint
        }"""
    )
    assert shares[0] == pytest.approx(shares[1], abs=0.005)
    assert shares[0][0] > 0.55 < shares[0][1]


def test_the_mouse_over_a_dot_says_what_it_is(show):
    explorer = show(n_codes=1)
    pad, tip = pad_of(explorer), explorer.locator(".tip")
    expect(tip).to_be_hidden()
    explorer.get_by_role("button", name="Random test code").click()
    ring = pad.locator(".ring").bounding_box()  # on the only dot
    explorer.page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    expect(tip).to_contain_text("class 0: z[0] = ")
    explorer.page.mouse.move(ring["x"] + 40, ring["y"] + 40)
    expect(tip).to_be_hidden()


def test_undo_goes_back_one_move_at_a_time(show):
    explorer = show()
    undo = explorer.get_by_role("button", name="Undo")
    explorer.page.clock.install()
    for name in ("z[0]", "z[1]"):
        explorer.page.clock.run_for(1000)
        explorer.get_by_role("slider", name=name).press("End")
    ends_of = ends(explorer, "max")
    assert values(explorer) == ends_of
    undo.click()
    assert values(explorer) == [ends_of[0], 0]
    undo.click()
    assert values(explorer) == [0, 0]
    expect(undo).to_have_attribute("aria-disabled", "true")


def test_back_to_0_lets_highlight_and_test_picture_go(show):
    explorer = show(examples=torch.zeros(2, 784))
    page = explorer.page
    page.get_by_role("button", name="Highlight class 3").click()
    page.get_by_role("button", name="Test picture 1").click()
    page.get_by_role("button", name="Back to 0").click()
    expect(explorer.locator("[aria-pressed=true]")).to_have_count(0)
    expect(explorer.locator(".mean")).to_be_hidden()
    assert values(explorer) == [0, 0]


def test_z_is_copied_as_python_reads_it(show):
    explorer = show(z=[0.25, -1.5], page_options={"permissions": ["clipboard-read"]})
    explorer.get_by_role("button", name="Copy z").click()
    expect(explorer.get_by_role("button", name="Copied")).to_be_visible()
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert explorer.page.evaluate("navigator.clipboard.readText()") == "[0.25, -1.5]"


def test_the_pad_says_of_how_many_codes_it_shows_some(show):
    expect(show(n_codes=300, max_codes=40).get_by_text("40 of 300 test codes.")).to_be_visible()


def test_a_finger_on_the_pad_moves_z_and_does_not_scroll(show):
    """A real touch, through the browser's own input pipeline."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    explorer = show(20, page_options=options)
    page, pad = explorer.page, pad_of(explorer)
    box = pad.bounding_box()
    at = {"x": box["x"] + 0.5 * box["width"], "y": box["y"] + 0.6 * box["height"]}
    touch = page.context.new_cdp_session(page).send
    touch("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    first = values(explorer)
    for lift in (20, 60, 100):
        moved = [{"x": at["x"] + lift, "y": at["y"] - lift}]
        touch("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
    touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("old => document.querySelector('input').value > old", arg=first[0])
    assert values(explorer)[1] > first[1]
    assert page.evaluate("scrollY") == 0
    touch("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    assert pad.evaluate("e => getComputedStyle(e).touchAction") == "none"
    assert explorer.evaluate("e => getComputedStyle(e).touchAction") == "auto"  # else no scrolling
    touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_buttons_go_to_zero_to_the_prior_and_to_a_test_code(show):
    explorer = show(20, n_codes=1)

    def press(name):
        explorer.get_by_role("button", name=name).click()

    press("Random z from the prior")
    drawn = values(explorer)
    assert len(set(drawn)) > 10 and max(map(abs, drawn)) < 6
    press("Random z from the prior")
    assert values(explorer) != drawn
    press("Random test code")
    # two decimals in 20 dimensions: at most 0.005 * sqrt(20) = 0.022 away
    expect(explorer.get_by_role("status")).to_contain_text(re.compile(r"class 0, 0\.0[0-2] away"))
    press("Back to 0")
    assert values(explorer) == [0.0] * 20


def test_menus_choose_the_dimensions_on_the_pad(show):
    explorer = show(5)
    across, up = (explorer.get_by_label(name, exact=True) for name in ("Across", "Up"))
    up.select_option("z[4]")
    pad_of(explorer).press("ArrowUp")
    assert values(explorer)[4] > 0 and values(explorer)[1] == 0
    across.select_option("z[4]")  # taken by the other one: they trade places
    expect(up).to_have_value("0")
    expect(explorer.get_by_role("application", name="Pad: z[4] across, z[0] up")).to_be_visible()


def test_the_legend_highlights_one_class_at_a_time(show):
    explorer = show()
    three, four = (explorer.get_by_role("button", name=f"Highlight class {c}") for c in "34")
    scatter = explorer.locator(".pad canvas")
    plain = scatter.evaluate("c => c.toDataURL()")
    three.click()
    expect(three).to_have_attribute("aria-pressed", "true")
    highlighted = scatter.evaluate("c => c.toDataURL()")
    assert highlighted != plain
    four.click()
    expect(three).to_have_attribute("aria-pressed", "false")
    expect(four).to_have_attribute("aria-pressed", "true")
    four.click()
    expect(four).to_have_attribute("aria-pressed", "false")
    assert scatter.evaluate("c => c.toDataURL()") == plain


def test_the_description_follows_z_and_does_not_flood(show):
    """A screen reader hears the resting place, not every step of a drag."""
    explorer = show()
    status = explorer.get_by_role("status")
    expect(status).to_have_attribute("aria-live", "polite")
    expect(status).to_contain_text("z[0] = 0.00, z[1] = 0.00.")
    status.evaluate(
        """element => {
          window.spoken = 0;
          const count = (records) => (window.spoken += records.length);
          new MutationObserver(count).observe(element, { childList: true });
        }"""
    )
    slider = explorer.get_by_role("slider", name="z[0]")
    slider.evaluate(
        """input => {
          for (let i = 0; i < 100; i++) {
            input.stepUp();
            input.dispatchEvent(new Event("input", { bubbles: true }));
          }
        }"""
    )
    expect(status).to_contain_text(f"z[0] = {values(explorer)[0]:.2f}")
    assert explorer.page.evaluate("spoken") == 1
    expect(status).to_contain_text("Ink covers")
    slider.press("End")
    explorer.get_by_role("slider", name="z[1]").press("End")
    expect(status).to_contain_text("A gap: no test code within")


def test_moving_z_does_not_draw_the_scatter_again(show):
    """Thousands of dots a move would cost more than the decoder."""
    explorer = show(n_codes=1500)
    explorer.page.evaluate(
        """() => {
          window.dots = 0;
          const { arc } = CanvasRenderingContext2D.prototype;
          CanvasRenderingContext2D.prototype.arc = function (...args) {
            window.dots += 1;
            arc.apply(this, args);
          };
        }"""
    )
    pad_of(explorer).press("ArrowUp")
    explorer.get_by_role("slider", name="z[0]").press("End")
    assert explorer.page.evaluate("dots") == 0
    explorer.get_by_role("button", name="Highlight class 1").click()
    assert explorer.page.evaluate("dots") == 1500  # the counter counts


def test_explorers_on_one_page_share_the_module(open_page, make_explorer, tmp_path):
    """The same snippet twice and another kind of code: a page of the book does this."""
    same, other = make_explorer(2).snippet(), make_explorer(3).snippet()
    path = tmp_path / "two.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{COUNT_IMPORTS}{same}<p>{same}{other}")
    shown = explorers(open_page(path))
    expect(shown).to_have_count(3)
    assert shown.page.evaluate("imports") == 1
    assert shown.page.locator("style[data-vae-teach-style]").count() == 1
    assert shown.page.locator("[id]").count() == 0


@pytest.mark.parametrize("case", ["no labels", "no codes", "one dimension", "autoencoder"])
def test_what_is_missing_is_left_out(show, case):
    keywords = {
        "no labels": {"labels": None},
        "no codes": {"n_codes": 0, "labels": None},
        "one dimension": {"latent_dim": 1},
        "autoencoder": {"prior": False},
    }
    explorer = show(**keywords[case])

    def count(role, name):
        return explorer.get_by_role(role, name=name).count()

    assert count("group", "Classes") == (case == "autoencoder")  # one dimension has no plane
    assert count("button", "Random test code") == (case != "no codes")
    assert count("button", "Random z from the prior") == (case != "autoencoder")
    assert count("application", "Pad") == (case != "one dimension")
    assert ("log p(z)" in explorer.inner_text()) == (case != "autoencoder")
    before = picture(explorer)
    explorer.get_by_role("button", name="Random z").click()
    assert picture(explorer) != before


def test_colour_pictures_and_black_ink(open_page, tmp_path):
    """Three channels are red, green and blue; black ink turns grey ones round."""

    def constant(*pixels):
        layer = nn.Linear(2, len(pixels))
        with torch.no_grad():
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor(pixels))
        return SimpleNamespace(decoder=nn.Sequential(layer))

    colour = LatentExplorer.from_model(
        constant(1.0, 0.0, 0.0, 0.0, 0.0, 1.0), image_shape=(3, 1, 2), output="identity"
    )
    grey = LatentExplorer.from_model(
        constant(1.0, 0.0), image_shape=(1, 2), output="identity", ink="black"
    )
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{colour.snippet()}{grey.snippet()}")
    shown = explorers(open_page(path))
    read = "c => [...c.getContext('2d').getImageData(0, 0, 2, 1).data]"
    assert shown.nth(0).get_by_role("img").evaluate(read) == [255, 0, 0, 255, 0, 0, 255, 255]
    assert shown.nth(1).get_by_role("img").evaluate(read) == [0, 0, 0, 255, 255, 255, 255, 255]


def test_a_code_set_from_outside_is_shown_exactly(open_page, make_explorer, tmp_path):
    """A z that Python sets may lie between a slider's steps or beyond its ends."""
    path = tmp_path / "empty.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title>")
    page = open_page(path)
    explorer = render_with_model(page, make_explorer(2))
    page.evaluate("model.set('z', [0.123, 99])")
    assert values(explorer) == [0.12, 99]
    page.evaluate("model.set('axes', [1, 0])")
    expect(explorer.get_by_role("application", name="Pad: z[1] across, z[0] up")).to_be_visible()
    explorer.get_by_role("slider", name="z[1]").press("Home")
    assert page.evaluate("model.get('z')[0]") == 0.123  # the other value is left as it was


def test_a_broken_page_says_so(open_page, make_explorer, tmp_path):
    path = make_explorer(2).to_html(tmp_path / "page.html")
    text = path.read_text()
    path.write_text(re.sub(r'(<script type="text/plain">.{2000})[^<]*', r"\1", text))
    page = open_page(path)
    expect(page.locator("[data-vae-teach=failed]")).to_contain_text("could not start")
    assert open_page.complaints and all("uncaught" in c for c in open_page.complaints)
    open_page.complaints.clear()  # this page was meant to complain
