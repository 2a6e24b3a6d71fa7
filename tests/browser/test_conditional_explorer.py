"""Chapter 14's explorer without a kernel, opened from file:// with the network cut."""

import re

import pytest
import torch
from explorer_page import explorers, picture, render_with_model
from playwright.sync_api import expect
from torch import nn

from vae_teach.models.conditional import CVAE
from vae_teach.widgets import ConditionalExplorer

pytestmark = pytest.mark.browser


def contrasty_cvae(**options) -> CVAE:
    """A CVAE whose pictures are as black and white as a trained one's, without training."""
    model = CVAE(784, 10, (8,), 4, (60,), seed=0, **options)
    with torch.no_grad():
        for layer in model.decoder:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(3)
    return model


@pytest.fixture
def show(open_page, tmp_path):
    """Write an explorer's page, open it, return its element."""

    def show(model=None, *, page_options=None, **traits):
        codes = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
        model = contrasty_cvae() if model is None else model
        widget = ConditionalExplorer.from_model(model, codes, torch.arange(200) % 10, **traits)
        page = open_page(widget.to_html(tmp_path / "page.html"), **(page_options or {}))
        return explorers(page)

    return show


def codes_of(explorer):
    """z as the style sliders' value texts give it."""
    sliders = explorer.get_by_role("slider", name=re.compile(r"^z\["))
    texts = sliders.evaluate_all("all => all.map(s => s.ariaValueText)")
    return [float(text.replace("\u2212", "-")) for text in texts]


def small_picture(explorer, k):
    """The red channel of class k's button."""
    return (
        explorer.locator(".choices button")
        .nth(k)
        .locator("canvas")
        .evaluate(
            """canvas => [...canvas.getContext("2d")
             .getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0)"""
        )
    )


def expected(model, z, c):
    """What PyTorch draws, black ink on white."""
    with torch.no_grad():
        return 255 * (1 - model.mean_image(torch.as_tensor(z), torch.as_tensor(c)))


def blank_page(open_page, tmp_path):
    path = tmp_path / "blank.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title>", encoding="utf-8")
    return open_page(path)


def test_the_pictures_are_those_that_pytorch_draws(open_page, tmp_path):
    """32 requests, pure and mixed, to 2/255 a pixel.

    Fails if z and c trade places in the decoder's input, or a mixture is not brought to sum 1.
    """
    model = contrasty_cvae()
    g = torch.Generator().manual_seed(2)
    z, mix = torch.randn(32, 4, generator=g), torch.rand(32, 10, generator=g)
    mix[:16] = torch.eye(10)[torch.arange(16) % 10]
    want = expected(model, z, mix / mix.sum(dim=1, keepdim=True))
    page = blank_page(open_page, tmp_path)
    explorer = render_with_model(page, ConditionalExplorer.from_model(model))
    shown = []
    for code, weights in zip(z.tolist(), mix.tolist(), strict=True):
        page.evaluate(
            "([z, mix]) => { model.set('z', z); model.set('mix', mix); }", [code, weights]
        )
        shown.append(picture(explorer))
    assert (torch.tensor(shown) - want).abs().max() <= 2
    assert want[:16].std(dim=0).mean() > 20  # the test has power: pictures depend on the request


def test_every_button_shows_its_class_in_the_present_style(open_page, tmp_path):
    model, page = contrasty_cvae(), blank_page(open_page, tmp_path)
    explorer = render_with_model(page, ConditionalExplorer.from_model(model))
    z = [0.5, -1.0, 1.5, 0.25]
    page.evaluate("z => model.set('z', z)", z)
    for k in range(10):
        want = expected(model, z, torch.eye(10)[k])
        assert (torch.tensor(small_picture(explorer, k)) - want).abs().max() <= 2


def test_a_learned_prior_carries_the_style_along(open_page, tmp_path):
    """z keeps its place in p(z | c), unless the reader says otherwise."""
    model = contrasty_cvae(prior_hidden=(7,))
    with torch.no_grad():
        model.prior_net[-1].weight.mul_(5)
        mu, logvar = model.prior(torch.eye(10))
    page = blank_page(open_page, tmp_path)
    explorer = render_with_model(page, ConditionalExplorer.from_model(model))
    sigma = torch.exp(0.5 * logvar)
    eps = torch.tensor([1.0, -0.5, 0.25, 0.0])
    start, carried = mu[0] + sigma[0] * eps, mu[6] + sigma[6] * eps
    page.evaluate("z => model.set('z', z)", start.tolist())
    explorer.get_by_role("button", name="Ask for 6").click()
    # float16 keeps 11 bits of each weight of the prior
    assert page.evaluate("model.get('z')") == pytest.approx(carried.tolist(), abs=0.02)
    assert (carried - start).abs().max() > 0.2  # the test has power
    explorer.get_by_role("checkbox", name="z follows p(z | c)").uncheck()
    before = page.evaluate("model.get('z')")
    explorer.get_by_role("button", name="Ask for 3").click()
    assert page.evaluate("model.get('z')") == before


def test_a_button_asks_for_its_class_and_keeps_the_style(show):
    explorer = show(z=[1.0, -1.0, 0.5, 0.0])
    before = picture(explorer)
    seven = explorer.get_by_role("button", name="Ask for 7")
    seven.focus()
    seven.press("Enter")
    expect(seven).to_have_attribute("aria-pressed", "true")
    expect(explorer.get_by_role("button", name="Ask for 0")).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(explorer.get_by_role("status")).to_contain_text("Asked for: 7.")
    assert picture(explorer) == small_picture(explorer, 7) != before
    assert codes_of(explorer) == [1.0, -1.0, 0.5, 0.0]


def test_the_mixer_shows_and_sets_shares_by_keyboard(show):
    """Fails if c is the raw weights, which a decoder of one-hots has never seen."""
    explorer = show()
    explorer.get_by_text("Mix classes").press("Enter")
    six, zero = (explorer.get_by_role("slider", name=f"share of {k}") for k in (6, 0))
    for _ in range(25):
        six.press("ArrowRight")
    expect(explorer.get_by_role("status")).to_contain_text("a mixture: 75 % 0, 25 % 6.")
    assert float(zero.input_value()) == 0.75  # the slider stands where its text says
    assert "true" not in explorer.locator(".choices button").evaluate_all(
        "all => all.map(b => b.ariaPressed)"
    )
    zero.press("Home")
    expect(explorer.get_by_role("status")).to_contain_text("Asked for: 6.")
    six.press("ArrowLeft")  # what it gives up goes where it was before
    expect(explorer.get_by_role("status")).to_contain_text("a mixture: 99 % 6, 1 % 0.")


def test_the_share_of_the_only_class_stays_at_all(show):
    """It once slid down from 1.00 with "100 %" beside it."""
    explorer = show()
    explorer.get_by_text("Mix classes").press("Enter")
    only = explorer.get_by_role("slider", name="share of 0")
    expect(explorer.get_by_text("One class has all of the request")).to_be_visible()
    for key in ("ArrowLeft", "PageDown", "Home"):
        only.press(key)
        expect(only).to_have_value("1")
        expect(only).to_have_attribute("aria-valuetext", "100 % of the request")


def test_half_and_half_and_back(show):
    explorer = show()
    explorer.get_by_text("Mix classes").press("Enter")
    explorer.get_by_role("button", name="Ask for 4").click()
    explorer.get_by_role("combobox", name="Half and half with").select_option("9")
    expect(explorer.get_by_role("status")).to_contain_text("a mixture: 50 % 4, 50 % 9.")
    explorer.get_by_role("button", name="One class only").click()
    expect(explorer.get_by_role("status")).to_contain_text("Asked for: 4.")


def test_every_style_slider_changes_the_picture(show):
    explorer = show()
    for d in range(4):
        before = picture(explorer)
        explorer.get_by_role("slider", name=f"z[{d}]").press("End")
        assert picture(explorer) != before, f"slider {d} left the picture as it was"


def test_pad_by_keys_and_pointer(show):
    explorer = show()
    pad, mouse = explorer.get_by_role("application"), explorer.page.mouse
    pad.press("ArrowRight")
    pad.press("ArrowDown")
    across, up, *others = codes_of(explorer)
    assert across > 0 > up and others == [0.0, 0.0]
    box, before = pad.bounding_box(), picture(explorer)
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    across, up, *_ = codes_of(explorer)
    assert across < 0 < up
    mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"], steps=3)
    mouse.up()
    across, up, *_ = codes_of(explorer)
    assert up < 0 < across and picture(explorer) != before


def test_a_finger_chooses_style_and_class(show):
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    explorer = show(page_options=options)
    explorer.get_by_role("button", name="Ask for 4").tap()
    expect(explorer.get_by_role("status")).to_contain_text("Asked for: 4.")
    pad = explorer.get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    explorer.page.touchscreen.tap(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
    across, up, *_ = codes_of(explorer)
    assert across > 0 and up > 0


def test_random_style_and_middle_keep_the_request(show):
    explorer = show(mix=[0.0, 0.5, 0.5] + [0.0] * 7)
    explorer.get_by_role("button", name="Random style").click()
    drawn = codes_of(explorer)
    assert len(set(drawn)) > 2 and max(map(abs, drawn)) < 6
    expect(explorer.get_by_role("status")).to_contain_text("50 % 1, 50 % 2")
    explorer.get_by_role("button", name="Middle of the prior").click()
    assert codes_of(explorer) == [0.0] * 4


def test_menus_choose_the_dimensions_on_the_pad(show):
    explorer = show()
    explorer.get_by_label("Across", exact=True).select_option("z[3]")
    explorer.get_by_role("application").press("Shift+ArrowLeft")
    assert codes_of(explorer)[3] < 0 == codes_of(explorer)[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_screen_needs_sideways_scrolling(show, width, scheme):
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    explorer = show(page_options=options)
    explorer.get_by_text("Mix classes").click()
    assert explorer.evaluate("e => document.documentElement.scrollWidth <= innerWidth")
    paper = explorer.evaluate("e => getComputedStyle(e).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
