"""Chapter 3's widget in a page without a kernel, opened from file:// with the network cut."""

import pytest
from explorer_page import render_with_model, settle
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
    widget.get_by_role("combobox", name="number of draws").select_option("1000")
    expect(widget.get_by_role("status")).to_contain_text("1000 draws estimate")


def test_two_widgets_on_a_page_are_independent(open_page, tmp_path):
    path = tmp_path / "two.html"
    path.write_text(
        "<!doctype html><meta charset=utf-8><title>two</title>"
        + KLExplorer(mu=0.0, logvar=0.0).snippet()
        + KLExplorer(mu=1.0, logvar=0.0).snippet(),
        encoding="utf-8",
    )
    page = open_page(path)
    settle(page)
    expect(page.locator("[data-vae-teach=ready]")).to_have_count(2)
    first, second = page.locator(".kl-explorer").all()
    first.get_by_role("slider", name="mean μ").press("End")
    assert (nats(first, "closed form"), nats(second, "closed form")) == (4.5, 0.5)
    ids = page.locator("pattern").evaluate_all("all => all.map(p => p.id)")
    assert len(set(ids)) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(show, scheme):
    widget = show(page_options={"viewport": {"width": 390, "height": 800}, "color_scheme": scheme})
    assert widget.evaluate("e => document.documentElement.scrollWidth <= innerWidth")


def test_the_model_moves_the_view_and_cleanup_leaves_nothing_behind(open_page, tmp_path):
    """A listener that stays keeps a dead view alive after every re-run of the cell."""
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><meta charset=utf-8><title>host</title>")
    page = open_page(blank)
    render_with_model(page, KLExplorer())
    assert page.evaluate("heard") == 5
    page.evaluate("() => { model.set('mu', -1.5); }")
    expect(page.get_by_role("slider", name="mean μ")).to_have_value("-1.5")
    page.evaluate("cleanup()")
    assert page.evaluate("[heard, el.childElementCount]") == [0, 0]
