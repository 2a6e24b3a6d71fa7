"""What holds for each of the seven widgets, whatever it shows."""

import itertools

import matplotlib.pyplot as plt
import pytest
import torch
from explorer_page import contrasty_vae, render_with_model, settle
from playwright.sync_api import expect

from vae_teach.models import VAE
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.widgets import (
    BoundExplorer,
    ColumnPainter,
    ConditionalExplorer,
    FrameScrubber,
    KLExplorer,
    LatentExplorer,
    Reparameterization,
)
from vae_teach.widgets.kl_explorer import DRAWS
from vae_teach.widgets.parts.sliders import SliderWidget

pytestmark = pytest.mark.browser


def latent() -> LatentExplorer:
    codes = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(30) % 4
    return LatentExplorer.from_model(contrasty_vae(3), codes, labels, examples=torch.zeros(2, 784))


def painter() -> ColumnPainter:
    return ColumnPainter.from_models(
        CVAE(756, 28, (8,), 2, (8,), seed=0), Regressor(756, 28, (8,), seed=0), torch.zeros(2, 28)
    )


def frames() -> FrameScrubber:
    def draw(i):
        figure, ax = plt.subplots(figsize=(1, 1))
        ax.plot([0, i])
        return figure

    label, alt = "step {}".format, "a line to {}".format
    return FrameScrubber.from_figures(draw, [0, 1, 2], label=label, alt=alt)


def conditional() -> ConditionalExplorer:
    return ConditionalExplorer.from_model(CVAE(784, 3, (8,), 2, (8,), seed=0))


# each with a trait that a reader moves, and a value for it
WIDGETS = {
    "latent": (latent, "z", [1.0, -1.0, 0.5]),
    "conditional": (conditional, "z", [1, 0]),
    "painter": (painter, "given", [1] * 28),
    "frames": (frames, "index", 2),
    "bound": (BoundExplorer, "mu", 1.5),
    "kl": (KLExplorer, "mu", 1.5),
    "reparameterization": (Reparameterization, "mu", 1.5),
}
WITH_SLIDERS = [
    name for name, (make, *_) in WIDGETS.items() if make in SliderWidget.__subclasses__()
]


@pytest.fixture(params=WIDGETS)
def case(request):
    make, trait, value = WIDGETS[request.param]
    return make(), trait, value


@pytest.fixture(scope="module")
def window(opening, tmp_path_factory):
    """One window for all tests, the file of an empty page, and what the window complains of."""
    path = tmp_path_factory.mktemp("empty") / "empty.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>t</title>")
    with opening() as open_page:
        yield open_page(path), path, open_page.complaints


@pytest.fixture
def page(window):
    """The empty page, loaded anew in the window as it was made."""
    page, path, complaints = window
    page.emulate_media(media="null", color_scheme="null", forced_colors="null")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(path.as_uri())
    yield page
    found = complaints.copy()
    complaints.clear()  # else every later test would fail for them too
    assert found == []


def test_every_control_keeps_its_keys_from_jupyterlab(case, page):
    """JupyterLab asks the element in focus; an attribute further out comes too late."""
    render_with_model(page, case[0])
    without = page.evaluate(
        """() => [...el.querySelectorAll("input, select, button, summary, [tabindex]")]
          .filter((control) => !("lmSuppressShortcuts" in control.dataset))
          .map((control) => control.outerHTML)"""
    )
    assert without == []
    assert page.evaluate("el.querySelectorAll('[data-lm-suppress-shortcuts]').length") > 0


@pytest.mark.parametrize("name", WITH_SLIDERS)
def test_the_sliders_end_where_their_traits_do(page, name):
    """A slider beyond the trait's limit would raise in the kernel."""
    widget = WIDGETS[name][0]()
    render_with_model(page, widget)
    ends = page.evaluate(
        """() => Object.fromEntries([...el.querySelectorAll("input[data-trait]")]
          .map((slider) => [slider.dataset.trait, [Number(slider.min), Number(slider.max)]]))"""
    )
    assert ends == widget.limits


def test_the_menu_of_draws_is_pythons_list(page):
    render_with_model(page, KLExplorer())
    options = page.evaluate("[...el.querySelectorAll('option')].map((o) => Number(o.value))")
    assert options == list(DRAWS)


def test_two_views_of_one_model_show_the_same(case, page):
    """Everything said, printed and drawn; fails if a view keeps what only the model should hold."""
    widget, trait, value = case
    render_with_model(page, widget)
    page.evaluate("secondView()")
    expect(page.locator("[role=status]")).to_have_count(2)
    page.evaluate("([trait, value]) => model.set(trait, value)", [trait, value])
    page.wait_for_timeout(600)  # past the rest that the sentence waits for
    first, second = page.evaluate(
        """() => [el, otherEl].map((root) => ({
          words: root.innerText.replace(/\\s+/g, " "),
          controls: [...root.querySelectorAll("input, select")].map((c) => [c.value, c.checked]),
          pictures: [...root.querySelectorAll("canvas")].map((c) => c.toDataURL()),
        }))"""
    )
    assert first == second
    assert any(first["words"]) and first["controls"]


def test_cleaning_up_leaves_no_listener_and_no_element(case, page):
    """On the model, the elements, the theme, the printer and the clock; no element either."""
    render_with_model(page, case[0])
    assert page.evaluate("heard") > 0
    left_over = page.evaluate(
        """async () => {
          const root = el.firstChild;
          const controls = [...root.querySelectorAll("input, select, button, [tabindex]")];
          const states = () => controls.map((c) => [c.value, c.ariaPressed, c.ariaValueText]);
          cleanup();
          let changes = 0;
          model.on("change", () => (changes += 1));
          document.body.append(root); // out of its hands, but alive
          root.querySelectorAll("input[type=range]").forEach((s) => (s.value = s.min));
          const [before, words] = [states(), root.innerText];
          let drawn = 0;
          for (const canvas of root.querySelectorAll("canvas")) {
            canvas.getContext = () => { drawn += 1; return null; };
          }
          for (const control of controls) {
            control.dispatchEvent(new Event("input", { bubbles: true }));
            control.dispatchEvent(new Event("change", { bubbles: true }));
            control.dispatchEvent(new MouseEvent("click"));
            control.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
          }
          document.documentElement.dataset.theme = "dark";
          window.dispatchEvent(new Event("beforeprint"));
          root.style.width = "300px";
          await new Promise((done) => setTimeout(done, 700)); // past the sentence's timer
          const same = JSON.stringify(before) === JSON.stringify(states());
          return { heard, children: el.childNodes.length, changes, drawn, same,
                   silent: words === root.innerText,
                   paper: root.classList.contains("on-paper") };
        }"""
    )
    assert left_over == {
        "heard": 0, "children": 0, "changes": 0, "drawn": 0, "same": True, "silent": True,
        "paper": False,
    }  # fmt: skip


def test_two_widgets_on_a_page_share_nothing(case, page, tmp_path):
    """Two of the same kind, as the book has them: moving one leaves the other as it was."""
    widget, *_ = case
    path = tmp_path / "two.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>t</title>{2 * widget.snippet()}")
    page.goto(path.as_uri())
    settle(page)
    seen = """() => [...document.querySelectorAll("[data-vae-teach]")].map((root) => [
      root.innerText,
      [...root.querySelectorAll("input, select")].map((c) => [c.value, c.checked]),
      [...root.querySelectorAll("canvas")].map((c) => c.toDataURL()),
      [...root.querySelectorAll("svg")].map((s) =>
        s.innerHTML.replace(/(hatch|frames)-[^)"]+/g, "")),
    ])"""
    before = page.evaluate(seen)
    assert before[0] == before[1]
    control = page.locator("[data-vae-teach]").first.locator("input:visible:not(details *)").first
    control.press("Space" if control.get_attribute("type") == "checkbox" else "ArrowRight")
    page.wait_for_timeout(600)  # past the rest that the sentence waits for
    after = page.evaluate(seen)
    assert after[0] != before[0]
    assert after[1] == before[1]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


WORDS_APART = """() => {
  const overlaps = [];
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    const texts = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBBox()]);
    texts.forEach(([one, a], i) => texts.slice(0, i).forEach(([other, b]) => {
      const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
      const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
      // a line's box has room above and below its letters
      if (across > 1 && down > 3) overlaps.push([one, other]);
    }));
  }
  return overlaps;
}"""


@pytest.mark.parametrize("width", [320, 720])
@pytest.mark.parametrize("name", WITH_SLIDERS)
def test_no_words_lie_on_other_words(name, width, page):
    """Wherever the sliders stand: the name of a peak once lay on the name of its axis."""
    page.set_viewport_size({"width": width, "height": 900})
    widget = WIDGETS[name][0]()
    limits = widget.limits
    render_with_model(page, widget)
    settled = (
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    page.evaluate(settled)
    for values in itertools.product(*limits.values()):
        state = dict(zip(limits, values, strict=True))
        page.evaluate("s => Object.entries(s).forEach(([k, v]) => model.set(k, v))", state)
        page.evaluate(settled)
        assert page.evaluate(WORDS_APART) == [], state


@pytest.mark.parametrize("name", ["kl", "frames", "latent"])
def test_a_finger_that_scrolls_leaves_the_slider_where_it_was(name, open_page, tmp_path):
    """A real touch: up the page over a slider, then along the slider."""
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 600}}
    path = WIDGETS[name][0]().to_html(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("</main>", "<p style='height: 200vh'></main>"), encoding="utf-8")
    page = open_page(path, **phone)
    settle(page)
    slider = page.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    before, box, start = slider.input_value(), slider.bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page).send

    def stroke(*points):
        for kind, point in zip(["touchStart", *["touchMove"] * len(points)], points, strict=False):
            at = [dict(zip("xy", point, strict=True))]
            touch("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2
    stroke(*[(x, y - 20 * i) for i in range(8)])
    page.wait_for_function("start => scrollY > start + 50", arg=start)
    assert slider.input_value() == before
    page.wait_for_timeout(500)  # until the page's own movement has ended
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"], box["y"] + box["height"] / 2
    stroke(*[(x + box["width"] * share, y) for share in (0.5, 0.6, 0.7, 0.8, 0.9)])
    assert slider.input_value() != before


@pytest.mark.parametrize("name", WIDGETS)
def test_a_dark_widget_is_light_on_paper_and_keeps_its_colours(name, page):
    """A page in dark mode printed pale text on white, and class colours vanished."""
    page.emulate_media(color_scheme="dark")
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    render_with_model(page, WIDGETS[name][0]())
    style = """() => {
      const { color, backgroundColor, printColorAdjust } = getComputedStyle(el.firstChild);
      return [color, backgroundColor, printColorAdjust];
    }"""
    on_screen = page.evaluate(style)
    drawn = "() => [...el.querySelectorAll('.pad > canvas')].map((canvas) => canvas.toDataURL())"
    dark = page.evaluate(drawn)
    page.evaluate("() => { dispatchEvent(new Event('beforeprint')); }")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(style) == ["rgb(31, 35, 40)", "rgb(255, 255, 255)", "exact"]
    assert on_screen[:2] != ["rgb(31, 35, 40)", "rgb(255, 255, 255)"]
    light = page.evaluate(drawn)
    assert all(a != b for a, b in zip(dark, light, strict=True))
    for act in page.locator(".acts").all():
        expect(act).to_be_hidden()
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate("() => { dispatchEvent(new Event('afterprint')); }")
    assert page.evaluate(style) == on_screen
    assert page.evaluate(drawn) == dark


def test_a_change_just_before_the_end_paints_nothing(case, page):
    """Painting waits for the end of the task; by then the view may be gone."""
    widget, trait, value = case
    render_with_model(page, widget)
    painted = page.evaluate(
        """async ([trait, value]) => {
          const root = el.firstChild;
          model.set(trait, value);
          cleanup();
          const before = root.outerHTML;
          await new Promise((done) => setTimeout(done, 600));
          return root.outerHTML !== before;
        }""",
        [trait, value],
    )
    assert painted is False


def test_a_film_stops_when_its_view_is_gone(page):
    render_with_model(page, frames())
    moved = page.evaluate(
        """async () => {
          el.querySelector("button.play").click();
          cleanup();
          const index = model.get("index");
          await new Promise((done) => setTimeout(done, 900)); // two frames
          return model.get("index") !== index;
        }"""
    )
    assert moved is False


def test_a_frame_that_there_is_not_is_the_last_one(page):
    """Another widget's slider, linked to this one, may be longer."""
    render_with_model(page, frames())
    page.evaluate("model.set('index', 7)")
    expect(page.get_by_role("img", name="a line to 2")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "step 2, 3 of 3")


def test_noise_and_mean_that_change_together_are_one_move(page):
    """Fails if a view takes each trait of one move for a move of its own."""
    render_with_model(page, Reparameterization(redraw=True))
    page.evaluate("secondView()")
    page.evaluate(
        "() => { const slider = el.querySelector('input'); slider.value = -1.5; "
        "slider.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    last = "root => [...root.querySelectorAll('table tr')].at(-1).innerText"
    rows = [page.evaluate(f"({last})({root})") for root in ("el", "otherEl")]
    assert rows[0] == rows[1]
    assert any(character.isdigit() for character in rows[1])


def test_a_code_of_one_dimension_has_no_pad(page):
    model = CVAE(784, 3, (8,), 1, (8,))
    explorer = render_with_model(page, ConditionalExplorer.from_model(model))
    expect(explorer.get_by_role("slider", name="z[0]")).to_be_visible()
    assert explorer.get_by_role("application", name="Pad").count() == 0


def test_a_random_code_needs_a_prior_or_codes(page):
    explorer = render_with_model(page, LatentExplorer.from_model(VAE(latent_dim=2), prior=False))
    expect(explorer.get_by_role("button", name="Back to 0")).to_be_visible()
    assert explorer.get_by_role("button", name="Random z").count() == 0


def test_what_python_highlights_stands_out(page):
    explorer = render_with_model(page, latent())
    page.evaluate("model.set('highlight', 2)")
    button = explorer.get_by_role("button", name="Highlight class 2")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    assert page.evaluate("model.get('highlight')") == -1


def test_the_sentence_follows_the_axes_and_the_test_picture(page):
    explorer = render_with_model(page, latent())
    status = explorer.get_by_role("status")
    page.evaluate("model.set('axes', [2, 0])")
    expect(status).to_contain_text("z[2] = 0.00, z[0] = 0.00")
    page.evaluate("model.set('example', 1)")
    expect(status).to_contain_text("Test picture 2")


def test_the_painted_column_shows_in_forced_colours(page):
    """High contrast: fails if the system's colours cover what is painted."""
    page.emulate_media(forced_colors="active")
    render_with_model(page, painter())
    page.evaluate("model.set('given', [1, ...Array(27).fill(0)])")
    colours = page.evaluate(
        "() => [...el.querySelectorAll('.strip input')].slice(0, 2)"
        ".map((cell) => getComputedStyle(cell).backgroundColor)"
    )
    assert colours[0] != colours[1]
