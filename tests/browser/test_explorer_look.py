"""The explorer on narrow screens and in the dark."""

import re

import page_checks
import pytest
from explorer_page import explorers
from playwright.sync_api import expect

from vae_teach import plots

pytestmark = pytest.mark.browser

# What each host writes to say that it is dark or light, against the system's wish.
HOSTS = {
    "system": "",
    "book": "document.documentElement.dataset.theme = '{}'",
    "JupyterLab": "document.body.dataset.jpThemeLight = String('{}' === 'light')",
}


@pytest.fixture
def show(open_page, make_explorer, tmp_path):
    def show(latent_dim=2, **page_options):
        path = make_explorer(latent_dim).to_html(tmp_path / "page.html", title="Codes")
        return explorers(open_page(path, **page_options))

    return show


def colour(locator, name="color") -> tuple[float, float, float]:
    """A computed colour as red, green and blue in [0, 1]."""
    text = locator.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    red, green, blue = re.findall(r"[\d.]+", text)[:3]
    return int(red) / 255, int(green) / 255, int(blue) / 255


def linear(rgb):
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]


def contrast(a, b) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(rgb), strict=True)) + 0.05)
        for rgb in (a, b)
    )[::-1]
    return light / dark


@pytest.mark.parametrize("latent_dim", [2, 20])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_width_needs_sideways_scrolling(show, latent_dim, width):
    explorer = show(latent_dim, viewport={"width": width, "height": 800})
    assert page_checks.sideways_overflow(explorer.page) == []
    for role in ("slider", "button", "img"):
        for box in (found.bounding_box() for found in explorer.get_by_role(role).all()):
            assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_on_a_phone_the_picture_stays_in_sight_at_the_last_slider(show):
    phone = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
    explorer = show(20, **phone)
    explorer.get_by_role("slider", name="z[19]").scroll_into_view_if_needed()
    expect(explorer.get_by_role("img")).to_be_in_viewport(ratio=0.99)
    assert explorer.get_by_role("slider").first.evaluate(
        "input => input.parentElement.getBoundingClientRect().height >= 44"
    )  # room for a finger


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("host", HOSTS)
def test_text_and_classes_can_be_read_in_light_and_dark(show, host, scheme):
    """Each host's own switch wins over the system's, and everything keeps its contrast."""
    system = scheme if host == "system" else {"light": "dark", "dark": "light"}[scheme]
    explorer = show(color_scheme=system)
    explorer.page.evaluate(HOSTS[host].format(scheme))
    paper = colour(explorer, "backgroundColor")
    assert (sum(paper) > 1.5) == (scheme == "light")
    assert contrast(colour(explorer), paper) >= 7  # WCAG AAA for text
    edge = explorer.get_by_role("button", name="Back to 0")
    assert contrast(colour(edge, "borderTopColor"), paper) >= 3  # WCAG AA for controls
    # a digit's colour is the same in the dark, and in the figures beside the explorer
    classes = [colour(swatch) for swatch in explorer.locator(".swatch").all()]
    assert classes == [pytest.approx(one) for one in plots.CLASS_COLOURS]


@pytest.mark.parametrize("host", ["book", "JupyterLab"])
def test_the_pad_is_drawn_again_when_the_host_turns_dark(show, host):
    """A canvas keeps its old ink unless somebody repaints it."""
    explorer = show(color_scheme="light")
    scatter = explorer.locator(".pad canvas")
    before = scatter.evaluate("canvas => canvas.toDataURL()")
    explorer.page.evaluate(HOSTS[host].format("dark"))
    explorer.page.wait_for_function(
        "old => document.querySelector('.pad canvas').toDataURL() !== old", arg=before
    )


def test_keyboard_focus_is_seen_on_every_control(show):
    explorer = show(3)
    page, reached = explorer.page, set()
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() == 0:
            break
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        assert focused.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2
        reached.add(focused.evaluate("e => e.ariaLabel || e.textContent"))
    assert {"z[0]", "z[1]", "z[2]", "Across", "Up", "Back to 0", "Highlight class 3"} <= reached
    assert any(name.startswith("Pad:") for name in reached)


def test_the_drawing_is_as_sharp_as_the_screen(show):
    explorer = show(device_scale_factor=3, viewport={"width": 390, "height": 800})
    canvas = explorer.locator(".pad canvas")
    assert canvas.evaluate("c => Math.abs(c.width / c.clientWidth - 3)") < 0.02
