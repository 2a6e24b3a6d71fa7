"""Chapter 5's widget in a page without a kernel, opened from file:// with the network cut."""

import re

import pytest
from explorer_page import settle
from playwright.sync_api import expect

from vae_teach.widgets.reparameterization import Reparameterization

pytestmark = pytest.mark.browser


@pytest.fixture
def show(open_page, tmp_path):
    """Write the widget's page, open it, return its element."""

    def show(*, page_options=None, **traits):
        path = Reparameterization(**traits).to_html(tmp_path / "page.html", title="Noise")
        page = open_page(path, **(page_options or {}))
        settle(page)
        return page.locator(".reparameterization")

    return show


def row(widget, name):
    """The numbers of one line of the table: measured, exact."""
    cells = widget.get_by_role("row", name=name).get_by_role("cell").all_inner_texts()
    return [float(text.replace("−", "-")) if re.search(r"\d", text) else text for text in cells]


def places(widget, kind):
    """Horizontal centres of all circles of one kind, left to right as drawn."""
    return widget.locator(f"circle.{kind}").evaluate_all(
        "all => all.map(c => Number(c.getAttribute('cx')))"
    )


def mean_slider(widget):
    return widget.get_by_role("slider", name="mean μ")


def test_moving_mu_carries_every_sample_along_and_leaves_the_noise(show):
    """Fails if the slider draws new noise, or moves the samples by different amounts."""
    widget = show()
    noise, samples = places(widget, "noise"), places(widget, "sample")
    mean_slider(widget).press("End")  # mu = 2
    assert places(widget, "noise") == noise
    # the first half of the circles lies on the axis, the second on the arrows: the same shift
    shifts = [b - a for a, b in zip(samples, places(widget, "sample"), strict=True)]
    assert shifts == pytest.approx([shifts[0]] * len(shifts), abs=1e-6)
    assert shifts[0] > 5
    assert row(widget, "slope in μ")[1] == 4.0


def test_log_variance_spreads_the_samples_around_mu(show):
    """Four times the variance is twice the distance: fails where logvar is read as log sigma."""
    widget = show(mu=0.0, logvar=-2.77, eps=[-1.0, 1.0])  # sigma = 0.25
    left, right = places(widget, "sample")[:2]
    slider = widget.get_by_role("slider", name="log σ²")
    slider.evaluate(
        "s => { s.value = -1.4; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    wider_left, wider_right = places(widget, "sample")[:2]
    # the slider's step rounds log sigma^2 to 0.05: the ratio is exp(0.685) = 1.98
    assert (wider_right - wider_left) / (right - left) == pytest.approx(1.98, abs=0.03)
    assert row(widget, "slope in log σ²") == [0.25, 0.25]


def test_every_sample_has_an_arrow_and_redrawing_takes_them_away(show):
    widget = show()
    assert widget.locator("path.arrow:not(.scale)").count() == 11  # ten samples and their average
    assert widget.locator("polyline.average").count() == 1
    widget.get_by_role("checkbox", name="draw new noise at every move").check()
    assert widget.locator("path.arrow").count() == 0
    assert widget.locator("polyline.average").count() == 0
    assert widget.locator("circle.cloud").count() == 81
    assert row(widget, "slope in μ") == ["none", 2.0]
    expect(widget.get_by_role("status")).to_contain_text("there is no slope")


def test_redrawing_moves_the_noise_with_every_step(show):
    """What the toggle is for: a small step of mu, a jump of the average."""
    widget = show(redraw=True)
    jumps = []
    for _ in range(6):
        noise = places(widget, "noise")
        mean_slider(widget).press("ArrowRight")
        assert places(widget, "noise") != noise
        measured, exact = row(widget, "change at the last move")
        assert abs(exact) < 0.2
        jumps.append(abs(measured))
    assert max(jumps) > 0.5


def test_a_step_at_fixed_noise_changes_the_average_as_its_slope_says(show):
    widget = show()
    slope = row(widget, "slope in μ")[0]
    mean_slider(widget).press("ArrowRight")
    measured, exact = row(widget, "change at the last move")
    # mu goes from 1 to 1.05: slope * 0.05 + 0.05^2, both numbers printed to two digits
    assert measured == pytest.approx(0.05 * slope + 0.0025, abs=0.006)
    assert exact == pytest.approx(0.1025, abs=0.006)


def test_what_leaves_the_frame_is_cut_off_there_and_not_bent(show):
    """The curve once ran along the frame's upper edge, as if the average stayed at 10."""
    widget = show(mu=-2.0, logvar=1.5)
    tops = widget.locator("polyline.average").evaluate(
        """line => {
          const points = line.getAttribute("points").split(" ").map((xy) => xy.split(",")[1] * 1);
          const frame = line.ownerSVGElement; // inside the drawing; what is above it is cut off
          const overflow = getComputedStyle(frame).overflowY;
          return [points[0], points[1], frame.y.baseVal.value, overflow === "hidden"];
        }"""
    )
    assert tops[3] and tops[0] < tops[1] < tops[2], "above the frame, each in its place"
    expect(widget.get_by_text(re.compile(r"now ↑ \d+\.\d\d"))).to_be_visible()


def test_new_noise_keeps_mu_and_sigma(show):
    widget = show()
    noise = places(widget, "noise")
    widget.get_by_role("button", name="New noise").click()
    assert places(widget, "noise") != noise
    assert mean_slider(widget).input_value() == "1"
    assert row(widget, "change at the last move") == ["no move yet"] * 2
    assert row(widget, "average of z²")[1] == 2.0


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_page_and_its_words_can_be_read(show, width, scheme):
    """Nothing wider than the screen; text at least 12 pixels, contrast at least 4.5 to 1."""
    widget = show(
        page_options={"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    )
    page = widget.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = widget.locator("text").evaluate_all(
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize))"
    )
    assert min(sizes) >= 12
    inside = widget.locator("svg").evaluate_all(
        """all => all.every(svg => [...svg.querySelectorAll('text')].every(t => {
             const [a, b] = [t.getBoundingClientRect(), svg.getBoundingClientRect()];
             return a.left >= b.left - 1 && a.right <= b.right + 1 && a.bottom <= b.bottom + 1;
           }))"""
    )
    assert inside
    contrast = widget.evaluate(
        """element => {
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
          const style = getComputedStyle(element);
          const pair = [light(style.color), light(style.backgroundColor)].sort((a, b) => b - a);
          return (pair[0] + 0.05) / (pair[1] + 0.05);
        }"""
    )
    assert contrast >= 4.5


def test_a_finger_can_reach_every_control(show):
    """On a touch screen sliders, toggle and button are at least 44 pixels tall."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    widget = show(page_options=options)
    heights = widget.locator(".dials label, button").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
