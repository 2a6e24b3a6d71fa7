"""Chapter 3's widget in a page without a kernel, opened from file:// with the network cut."""

import itertools

import pytest
from explorer_page import settle
from playwright.sync_api import expect

from vae_teach.widgets import KLExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def show(open_page, tmp_path):
    """Write the widget's page, open it, return its element."""

    def show(*, page_options=None, **traits):
        path = KLExplorer(**traits).to_html(tmp_path / "page.html", title="KL")
        page = open_page(path, **(page_options or {}))
        settle(page)
        return page.locator(".kl-explorer")

    return show


def nats(widget, name):
    """The number of nats in one line of the table."""
    cell = widget.get_by_role("row", name=name).get_by_role("cell").first
    return float(cell.inner_text().split(" ")[0].replace("−", "-"))


def test_arrow_keys_move_the_mean_and_every_number_follows(show):
    widget = show(mu=0.0, logvar=0.0)
    assert nats(widget, "closed form") == 0.0
    widget.get_by_role("slider", name="mean μ").press("End")  # mu = 3
    assert nats(widget, "closed form") == nats(widget, "integral") == 4.5
    expect(widget.get_by_role("status")).to_contain_text("KL(q ‖ p) is 4.500 nats")


def test_the_other_direction_is_another_number(show):
    widget = show(mu=0.0, logvar=0.0)
    widget.get_by_role("slider", name="log σ²").press("Home")  # log sigma^2 = -4
    forward = nats(widget, "closed form")
    widget.get_by_role("checkbox").check()
    assert (forward, nats(widget, "closed form")) == (1.509, 24.799)
    expect(widget.get_by_role("columnheader", name="KL(p ‖ q)")).to_be_visible()


def test_a_slider_moves_curve_and_areas(show):
    widget = show()
    picture = lambda: widget.locator("polygon.up").get_attribute("points")  # noqa: E731
    before = picture()
    widget.get_by_role("slider", name="log σ²").press("ArrowRight")
    assert picture() != before
    assert widget.locator("polygon.down").count() == 1


def test_drawing_again_changes_the_sample_alone(show):
    widget = show()
    closed, sample = nats(widget, "closed form"), nats(widget, "sample")
    widget.get_by_role("button", name="Draw again").click()
    assert nats(widget, "closed form") == closed
    assert nats(widget, "sample") != sample
    widget.get_by_role("combobox", name="number of draws").select_option("10")
    expect(widget.get_by_role("status")).to_contain_text("10 draws estimate")
    widget.get_by_role("button", name="Start over").click()
    assert nats(widget, "sample") == sample


def test_p_moves_too(show):
    widget = show(mu=1.0, logvar=0.0)
    widget.get_by_text("Move p too").click()
    mean_of_p = widget.get_by_role("slider", name="mean of p")
    mean_of_p.press("End")  # 3
    assert nats(widget, "closed form") == 2.0  # (3 - 1)^2 / 2
    expect(widget.get_by_role("status")).to_contain_text("p has mean 3.00")
    expect(widget.get_by_text("p = N(3.00, 1)")).to_be_visible()


def test_the_scale_follows_the_curve_without_a_jump(show):
    """The axis once jumped from 0.5 to 1 to 2: a step of the slider must not halve the picture."""
    widget = show()
    slider = widget.get_by_role("slider", name="log σ²")
    peak = lambda: widget.locator("polyline.prior").evaluate(  # noqa: E731
        "p => Math.min(...p.getAttribute('points').split(' ').map((xy) => xy.split(',')[1]))"
    )
    slider.press("Home")
    heights = [peak()]
    for _ in range(40):
        slider.press("ArrowRight")
        heights.append(peak())
    assert max(abs(a - b) for a, b in itertools.pairwise(heights)) < 10  # of 160 pixels


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(show, scheme):
    widget = show(page_options={"viewport": {"width": 390, "height": 800}, "color_scheme": scheme})
    assert widget.evaluate("e => document.documentElement.scrollWidth <= innerWidth")
