"""Test pictures on the pad, and several decoders at the same z, in a page without a kernel."""

import pytest
import torch
from explorer_page import contrasty_vae, explorers, picture, render_with_model, values
from playwright.sync_api import expect

from vae_teach.models import Autoencoder
from vae_teach.widgets import LatentExplorer

pytestmark = pytest.mark.browser
LABELS = torch.tensor([7, 2, 1, 0])


@pytest.fixture
def model():
    return contrasty_vae(2)


@pytest.fixture
def images():
    return torch.rand(4, 784, generator=torch.Generator().manual_seed(3)).round()


@pytest.fixture
def show(open_page, tmp_path):
    def show(widget, **page_options):
        page = open_page(widget.to_html(tmp_path / "page.html", title="t"), **page_options)
        return explorers(page)

    return show


@pytest.fixture
def explorer(show, model, images):
    codes = torch.randn(50, 2, generator=torch.Generator().manual_seed(4))
    widget = LatentExplorer.from_model(
        model, codes, torch.arange(50) % 10, examples=images, example_labels=LABELS
    )
    return show(widget)


def mean_of(model, image):
    with torch.no_grad():
        mu, logvar = model.encode(image[None])
    return mu[0].tolist(), torch.exp(logvar / 2)[0].tolist()


def thumbnail(explorer, i):
    return explorer.get_by_role("group", name="Test pictures").get_by_role("button").nth(i)


@pytest.mark.parametrize("how", ["click", "keyboard", "drop"])
def test_choosing_a_picture_moves_z_to_its_mean(explorer, model, images, how):
    button = thumbnail(explorer, 1)
    if how == "click":
        button.click()
    elif how == "keyboard":
        button.press("Enter")
    else:
        button.drag_to(explorer.locator(".pad"))
    expect(button).to_have_attribute("aria-pressed", "true")
    assert values(explorer) == pytest.approx(mean_of(model, images[1])[0], abs=0.05)
    expect(explorer.get_by_role("img", name="Test picture 2, class 2")).to_be_visible()
    expect(explorer.get_by_role("status")).to_contain_text("Test picture 2, class 2: its posterior")


def test_the_ellipse_lies_around_the_mean(explorer, model, images):
    """Swapped axes, a diameter for a radius, or an offset of half an ellipse."""
    thumbnail(explorer, 0).click()
    cursor = explorer.locator(".ring").bounding_box()  # z is at the mean now
    middle = lambda box: (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # noqa: E731
    wide, narrow = (explorer.locator(".ellipse").nth(i).bounding_box() for i in (0, 1))
    assert middle(wide) == pytest.approx(middle(cursor), abs=2)
    assert wide["width"] == pytest.approx(2 * narrow["width"], rel=0.05)
    sd = mean_of(model, images[0])[1]
    per_unit = wide["width"] / (4 * sd[0])
    assert wide["height"] / (4 * sd[1]) == pytest.approx(per_unit, rel=0.05)


def test_a_draw_from_the_posterior_stays_near_its_mean(explorer, model, images):
    thumbnail(explorer, 2).click()
    (mean, sd), seen = mean_of(model, images[2]), set()
    for _ in range(5):
        explorer.get_by_role("button", name="Draw z from its posterior").click()
        z = values(explorer)
        assert all(abs(v - m) < 6 * s + 0.1 for v, m, s in zip(z, mean, sd, strict=True))
        seen.add(tuple(z))
    assert len(seen) > 1


def test_a_second_press_lets_the_picture_go(explorer):
    button = thumbnail(explorer, 1)
    button.click()
    z = values(explorer)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(explorer.locator(".ellipse").first).to_be_hidden()
    assert values(explorer) == z


def test_a_picture_of_another_explorer_is_no_picture_of_this_one(
    open_page, tmp_path, model, images
):
    """Its number means another picture here, or none."""
    one = LatentExplorer.from_model(model, examples=images).snippet()
    none = LatentExplorer.from_model(model).snippet()
    path = tmp_path / "two.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>t</title>{one}{none}")
    shown = explorers(open_page(path))
    thumbnail(shown.nth(0), 3).drag_to(shown.nth(1).locator(".pad"))
    expect(shown.nth(1).locator(".original")).to_be_hidden()
    expect(shown.nth(1).locator(".mean")).to_be_hidden()
    assert values(shown.nth(1)) == [0.0, 0.0]


def test_without_a_choice_nothing_is_drawn(explorer):
    expect(explorer.locator(".ellipse").first).to_be_hidden()
    expect(explorer.get_by_role("button", name="Draw z from its posterior")).to_be_disabled()


def test_choosing_a_picture_moves_nothing_else(explorer):
    """The decoded picture once shrank to half, and every control under it jumped."""
    places = """root => [...root.querySelectorAll("button, input, canvas, .sentence")].map((e) => {
      const { x, y, width, height } = e.getBoundingClientRect();
      return [x, y, width, height].map(Math.round);
    })"""
    before = explorer.evaluate(places)
    thumbnail(explorer, 1).click()
    expect(explorer.locator(".empty")).to_have_count(0)
    assert explorer.evaluate(places) == before


def test_z_is_exactly_at_the_mean_of_the_chosen_picture(open_page, tmp_path, model, images):
    """Rounded to the sliders' steps it was 0.1 deviations away."""
    path = tmp_path / "empty.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title>")
    page = open_page(path)
    thumbnail(render_with_model(page, LatentExplorer.from_model(model, examples=images)), 1).click()
    mean = torch.tensor(mean_of(model, images[1])[0]).half().tolist()  # as it travels to the page
    assert page.evaluate("model.get('z')") == mean
    expect(page.get_by_role("status")).to_contain_text("z is 0.0 σ from its mean")


def test_the_mouse_over_a_pictures_mean_shows_the_picture(explorer):
    thumbnail(explorer, 1).click()
    ring = explorer.locator(".ring").bounding_box()
    explorer.page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    expect(explorer.locator(".tip canvas")).to_be_visible()
    expect(explorer.locator(".tip")).to_contain_text("Test picture 2, class 2: z[0] = ")


@pytest.fixture
def compared(show, model):
    plain = Autoencoder(784, (8,), 2, (30,), seed=1)
    g = torch.Generator().manual_seed(5)
    codes = {"autoencoder": torch.randn(30, 2, generator=g), "VAE": torch.randn(30, 2, generator=g)}
    return show(
        LatentExplorer.compare({"autoencoder": plain, "VAE": model}, codes, torch.arange(30) % 10)
    )


def pixels(explorer, name):
    """The red channel of one of the pictures."""
    return explorer.get_by_role("img", name=name, exact=True).evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )


def test_one_slider_moves_both_pictures(compared):
    names = ["Decoded picture, autoencoder", "Decoded picture, VAE"]
    before = [pixels(compared, name) for name in names]
    assert before[0] != before[1]
    compared.get_by_role("slider").first.press("End")
    after = [pixels(compared, name) for name in names]
    assert all(old != new for old, new in zip(before, after, strict=True))
    expect(compared.get_by_role("status")).to_contain_text("VAE: Ink covers")


def test_the_menu_puts_the_other_models_codes_on_the_pad(compared):
    points = "c => c.toDataURL()"
    canvas = compared.locator(".pad canvas").first
    before = canvas.evaluate(points)
    compared.get_by_role("combobox", name="Codes of").select_option("VAE")
    assert canvas.evaluate(points) != before


def test_fifty_dimensions_scroll(show):
    explorer = show(LatentExplorer.from_model(contrasty_vae(50)))
    assert len(values(explorer)) == 50
    dials = explorer.locator(".dials")
    assert dials.evaluate("e => e.clientHeight < e.scrollHeight && e.clientHeight < 400")
    before = picture(explorer)
    explorer.get_by_role("slider").last.press("End")
    assert picture(explorer) != before
