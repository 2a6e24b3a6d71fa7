"""Chapter 4's widget in a page without a kernel, opened from file:// with the network cut."""

import pytest
from explorer_page import render_with_model, settle
from playwright.sync_api import expect

from vae_teach.widgets import BoundExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def show(open_page, tmp_path):
    """Write the widget's page, open it, return its element."""

    def show(*, page_options=None, **traits):
        path = BoundExplorer(**traits).to_html(tmp_path / "page.html", title="The bound")
        page = open_page(path, **(page_options or {}))
        settle(page)
        return page.locator(".bound-explorer")

    return show


def nats(widget):
    """The table: likelihood, minus KL, ELBO, gap, sum, log p(x)."""
    texts = widget.get_by_role("cell").all_inner_texts()
    return [float(text.replace("−", "-")) for text in texts]


def mean(widget):
    return widget.get_by_role("slider", name="mean μ")


def button(widget, name):
    return widget.get_by_role("button", name=name)


def place(widget, kind):
    """Left end and length of a bar, in pixels."""
    return widget.locator(f"rect.{kind}").evaluate(
        "r => [Number(r.getAttribute('x')), Number(r.getAttribute('width'))]"
    )


def test_the_keyboard_moves_q_and_every_number_but_the_sum(show):
    widget = show()
    first = nats(widget)
    for slider in (mean(widget), widget.get_by_role("slider", name="log σ²")):
        for key in ("ArrowRight", "ArrowRight", "Home", "ArrowRight"):
            before = nats(widget)
            slider.press(key)
            now = nats(widget)
            assert all(a != b for a, b in zip(before[2:4], now[2:4], strict=True))
            assert now[4:] == first[4:] == [-1.725, -1.725]
            # every number is rounded by itself
            assert now[0] - now[1] == pytest.approx(now[2], abs=0.002)
            assert now[2] + now[3] == pytest.approx(now[4], abs=0.002)


def test_elbo_and_gap_share_an_axis_that_ends_at_log_evidence(show):
    """Fails if a bar is drawn from its own zero, or log p(x) moves with q."""
    widget = show()
    line = widget.locator("line.evidence")
    evidence = float(line.get_attribute("x1"))
    (low, elbo), (start, gap) = place(widget, "elbo"), place(widget, "gap")
    assert low + elbo == pytest.approx(start, abs=1e-6)
    assert start + gap == pytest.approx(evidence, abs=1e-6)
    numbers = nats(widget)
    # the axis starts at -8: both bars have the same number of pixels a nat
    assert elbo / (numbers[2] + 8) == pytest.approx(gap / numbers[3], rel=0.002)
    mean(widget).press("ArrowRight")
    assert place(widget, "gap")[1] != gap
    assert float(line.get_attribute("x1")) == evidence


def test_an_elbo_off_the_axis_has_an_arrow(show):
    widget = show()
    assert widget.locator("path.beyond").count() == 0
    mean(widget).press("End")
    assert nats(widget)[2] < -8
    assert widget.locator("path.beyond").count() == 2
    assert place(widget, "elbo")[1] == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_climbing_raises_the_elbo_and_starting_over_returns(show, motion):
    widget = show(page_options={"reduced_motion": motion})
    first = nats(widget)
    button(widget, "Climb").click()
    if motion == "reduce":  # at once
        assert nats(widget)[2] > first[2] + 0.5
    expect(widget.get_by_text("At the top")).to_be_visible(timeout=30_000)
    expect(widget.locator("polyline.trail")).to_be_visible()
    expect(widget.get_by_role("row", name="= ELBO")).to_contain_text("−2.462")
    assert nats(widget)[4] == first[4]
    expect(widget.get_by_role("status")).to_contain_text("The ELBO is level here")
    button(widget, "Start over").click()
    assert nats(widget) == first
    expect(mean(widget)).to_have_value("0.5")
    expect(widget.locator("polyline.trail")).to_have_count(0)
    expect(widget.get_by_text("At the top")).to_be_hidden()


def test_a_press_at_the_top_says_that_it_is_the_top(show):
    widget = show(mu=0.0, logvar=-0.6235)
    before = nats(widget)
    for name in ("Climb", "One step"):
        button(widget, name).click()
        expect(widget.get_by_text("At the top")).to_be_visible()
        mean(widget).evaluate("e => e.dispatchEvent(new Event('input', { bubbles: true }))")
        expect(widget.get_by_text("At the top")).to_be_hidden()
    assert nats(widget) == before


def test_the_data_point_and_the_noise_can_be_moved(show):
    """Both change log p(x), which q does not."""
    widget = show()
    seen = {nats(widget)[5]}
    for name in ("data point x", "noise"):
        widget.get_by_role("slider", name=name).press("End")
        numbers = nats(widget)
        assert numbers[4] == pytest.approx(numbers[5], abs=0.002)
        seen.add(numbers[5])
    assert len(seen) == 3
    button(widget, "Start over").click()
    assert nats(widget)[5] == -1.725


def test_one_step_is_one_step(show):
    widget = show()
    first = nats(widget)
    button(widget, "One step").press("Enter")
    second = nats(widget)
    assert first[2] < second[2] < first[2] + 0.1
    button(widget, "One step").press("Space")
    assert second[2] < nats(widget)[2] < second[2] + 0.1


def test_a_reader_who_moves_a_slider_ends_the_climb(show):
    """Fails if thirty steps go on under the reader's hand."""
    widget = show()
    page = widget.page
    page.clock.install()
    button(widget, "Climb").click()
    page.clock.run_for(300)
    climbing = nats(widget)
    mean(widget).press("Home")
    assert nats(widget) != climbing
    page.clock.run_for(5000)
    assert mean(widget).input_value() == "-3"


def test_a_climb_ends_with_its_view(open_page, tmp_path):
    """Fails if the climb's timer outlives the view."""
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><meta charset=utf-8><title>host</title>")
    page = open_page(blank)
    page.clock.install()
    render_with_model(page, BoundExplorer(mu=-1.5))
    button(page.locator(".bound-explorer"), "Climb").click()
    page.clock.run_for(100)
    page.evaluate("cleanup()")
    left = page.evaluate("model.get('mu')")
    assert left != -1.5
    page.clock.run_for(5000)
    assert page.evaluate("model.get('mu')") == left


def test_the_sliders_rounding_stays_its_own(open_page, tmp_path):
    """Fails if painting writes to the model."""
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><meta charset=utf-8><title>host</title>")
    page = open_page(blank)
    render_with_model(page, BoundExplorer())
    page.evaluate("() => { model.set('mu', -1.512); }")
    expect(mean(page.locator(".bound-explorer"))).to_have_value("-1.5")
    assert page.evaluate("model.get('mu')") == -1.512


def test_q_off_the_sheet_says_how_high_it_goes(show):
    widget = show(logvar=-6.0)
    # 1 / (sqrt(2 pi) exp(-3)) = 8.0
    expect(widget.locator("text.name")).to_have_text("q ↑ to 8.0")


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("traits", [{}, {"mu": -3.0, "logvar": -6.0, "x": -1.0, "sigma_x": 0.3}])
def test_it_fits_the_page(show, width, traits):
    """Nothing wider than the screen, no word cut off, none smaller than 12 pixels."""
    widget = show(page_options={"viewport": {"width": width, "height": 800}}, **traits)
    assert widget.page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = widget.locator("text").evaluate_all(
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))"
    )
    assert min(sizes) >= 12
    outside = widget.locator("svg").evaluate_all(
        """all => all.flatMap(svg => [...svg.querySelectorAll('text')].filter(t => {
             const [a, b] = [t.getBoundingClientRect(), svg.getBoundingClientRect()];
             return a.left < b.left - 1 || a.right > b.right + 1 ||
                    a.top < b.top - 1 || a.bottom > b.bottom + 1;
           }).map(t => t.textContent))"""
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_words_can_be_read_in_light_and_dark(show, scheme):
    """Contrast of words 4.5 to 1, of lines and of what the gap and ELBO are drawn in 3 to 1."""
    widget = show(page_options={"color_scheme": scheme})
    contrast = widget.evaluate(
        """root => {
          const paint = document.createElement("canvas").getContext("2d");
          const light = (colour) => {
            paint.fillStyle = colour;
            paint.fillRect(0, 0, 1, 1);
            const parts = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
              const c = byte / 255;
              return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const paper = light(getComputedStyle(root).backgroundColor);
          const ratio = (selector, property) => {
            const own = light(getComputedStyle(root.querySelector(selector))[property]);
            const [high, low] = [own, paper].sort((a, b) => b - a);
            return (high + 0.05) / (low + 0.05);
          };
          return { paper, words: ratio("text", "fill"), marks: [
            ratio("svg .prior", "stroke"), ratio("svg .q", "stroke"), ratio("svg .elbo", "fill"),
            ratio("svg .gap", "stroke"), ratio("svg .evidence", "stroke")] };
        }"""
    )
    assert contrast["words"] >= 4.5
    assert min(contrast["marks"]) >= 3
    assert (contrast["paper"] > 0.5) == (scheme == "light")


def test_a_finger_can_reach_every_control(show):
    """On a touch screen sliders and buttons are at least 44 pixels tall."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    widget = show(page_options=options)
    heights = widget.locator(".dials label, button").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
    first = nats(widget)
    button(widget, "One step").tap()
    assert nats(widget)[2] > first[2]
