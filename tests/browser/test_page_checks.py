"""Each check of the pages is shown the mistake it is for, and a page without it."""

import page_checks
import pytest

pytestmark = pytest.mark.browser

NARROW = {"viewport": {"width": 390, "height": 844}}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
FIGURE = '<figure class="vt-figure"'
SLIDER = '<input type="range" aria-label="s" min="0" max="9" value="5"'

MISTAKES = {
    "formula-left-raw": (page_checks.raw_mathematics, r"<p>\(x^2\)</p>"),
    "display-left-raw": (page_checks.raw_mathematics, "<p>$$x^2$$</p>"),
    "formula-refused": (page_checks.raw_mathematics, '<mjx-merror title="bad">?</mjx-merror>'),
    "formula-not-typeset": (page_checks.raw_mathematics, '<span class="math">x</span>'),
    "role-not-rendered": (page_checks.raw_mathematics, "<p>a {term}`code` here</p>"),
    "image-without-alt": (page_checks.pictures_without_text, f'<img src="{PIXEL}">'),
    "image-with-empty-alt": (page_checks.pictures_without_text, f'<img alt="" src="{PIXEL}">'),
    "image-with-a-slug": (page_checks.pictures_without_text, f'<img alt="fig 1" src="{PIXEL}">'),
    "canvas-without-name": (page_checks.pictures_without_text, "<canvas></canvas>"),
    "svg-without-name": (page_checks.pictures_without_text, "<svg><circle r='3'/></svg>"),
    "button-without-name": (page_checks.pictures_without_text, "<button><svg></svg></button>"),
    "page-too-wide": (page_checks.sideways_overflow, '<div style="width: 500px">wide</div>'),
    "text-cut-off": (
        page_checks.cut_off,
        '<div style="width: 90px; overflow: hidden; white-space: nowrap">far too long to fit</div>',
    ),
    "letters-too-small": (
        page_checks.small_letters,
        f'{FIGURE}><svg viewBox="0 0 700 90"><text font-size="12">small</text></svg></figure>',
    ),
    "figure-with-a-slug": (
        page_checks.pictures_without_text,
        f'{FIGURE}><svg aria-label="fig 1"></svg></figure>',
    ),
    "formula-with-scroll-bar": (
        page_checks.formulas_with_scroll_bar,
        '<span class="math" style="display: inline-block; width: 90px; overflow-x: scroll">'
        "<mjx-container>x + y</mjx-container></span>",
    ),
    "two-titles": (page_checks.heading_faults, "<h1>another</h1>"),
    "level-jumped": (page_checks.heading_faults, "<h3>too deep</h3>"),
    "slider-without-effect": (page_checks.dead_sliders, f"{SLIDER}>"),
    "slider-that-only-stores": (
        page_checks.dead_sliders,
        f'{SLIDER} oninput="this.dataset.kept = this.value">',
    ),
}

SOUND = f"""
<p>x² and <code>\\(raw\\)</code></p>
<span class="math"><mjx-container>x²</mjx-container></span>
<img alt="A rising line from one to three" src="{PIXEL}">
<canvas aria-label="Decoded picture"></canvas>
<svg aria-hidden="true"></svg><button aria-label="Open"><svg></svg></button>
<svg><title>Two clouds of points</title></svg>
<div style="overflow-x: auto"><div style="width: 900px">scrolls</div></div>
{FIGURE}><svg aria-label="A rising line from one to three" viewBox="0 0 350 90">
<text font-size="12">read</text></svg></figure>
<h2>one</h2><h3>two</h3><h2>three</h2>
{SLIDER} oninput="this.nextElementSibling.textContent = this.value"><output>5</output>
"""


@pytest.fixture(scope="module")
def window(opening, tmp_path_factory):
    """One narrow window for all bodies, and what it complained of."""
    blank = tmp_path_factory.mktemp("blank") / "blank.html"
    blank.write_text("<!DOCTYPE html><title>t</title>")
    with opening() as open_page:
        yield open_page(blank, **NARROW), open_page.complaints


@pytest.fixture
def show(window, tmp_path):
    """Open a page with one title and the given body, on a narrow screen."""

    def show(body):
        path = tmp_path / "page.html"
        head = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title></head>'
        path.write_text(f"{head}<body><article><h1>title</h1>{body}</article></body></html>")
        window[0].goto(path.as_uri())
        return window[0]

    return show


@pytest.fixture
def complaints(window):
    """What the window complains of in one test, which has to expect all of it."""
    assert window[1] == []
    yield window[1]
    window[1].clear()


@pytest.mark.parametrize(("check", "body"), MISTAKES.values(), ids=MISTAKES)
def test_the_check_finds_its_mistake(show, check, body):
    assert len(check(show(body))) == 1


@pytest.mark.parametrize(
    "body",
    ["<button></button>", '<p style="color: #aaa">too pale</p>', '<ul><li role="cell">x</li></ul>'],
)
def test_a_barrier_is_found(show, axe, body):
    assert len(page_checks.barriers(show(body), axe)) >= 1


def test_a_page_without_barriers_passes(show, axe):
    assert page_checks.barriers(show('<h2>two</h2><a href="#x">a link</a>'), axe) == []


@pytest.mark.parametrize(
    "check", dict.fromkeys(check for check, _ in MISTAKES.values()), ids=lambda c: c.__name__
)
def test_the_check_passes_a_sound_page(show, check):
    assert check(show(SOUND)) == []


def test_a_request_to_another_host_is_noticed(show, complaints):
    """`open_page` itself: the request is stopped and reported."""
    page = show(
        '<p>hello</p><img alt="A picture from elsewhere here" src="http://example.org/a.png">'
    )
    page.wait_for_load_state()
    assert any("example.org" in complaint for complaint in complaints)


def test_an_uncaught_error_is_noticed(show, complaints):
    show("<script>nonsense()</script>").wait_for_load_state()
    assert any("nonsense" in complaint for complaint in complaints)


LEFT = """async () => {
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); // a pointer is noticed late
  return {
    stored: localStorage.length + sessionStorage.length,
    width: innerWidth,
    media: ["print", "(prefers-color-scheme: dark)", "(prefers-reduced-motion)",
      "(forced-colors: active)"].map((query) => matchMedia(query).matches),
    hovered: document.querySelectorAll("p:hover").length,
  };
}"""


@pytest.fixture
def paragraph(tmp_path):
    """The file of a page that the pointer is always on."""
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><title>t</title><p style='position: fixed; inset: 0'>x")
    return path


def test_a_kept_window_has_nothing_of_the_page_before(opening, paragraph):
    """Fails if a test passes or fails by what another test has left."""
    with opening() as open_page:
        page = open_page(paragraph)
        new = page.evaluate(LEFT)
        page.evaluate("() => { localStorage.a = sessionStorage.b = 1; }")
        page.emulate_media(
            media="print", color_scheme="dark", reduced_motion="reduce", forced_colors="active"
        )
        page.set_viewport_size(NARROW["viewport"])
        page.mouse.move(50, 50)
        left = page.evaluate(LEFT)
        assert all(left[name] != new[name] for name in new) and all(left["media"])
    with opening() as open_page:
        again = open_page(paragraph)
        assert again is page and again.evaluate(LEFT) == new


def test_a_window_with_a_false_clock_or_of_another_kind_is_not_used_again(opening, paragraph):
    with opening() as open_page:
        first, second = open_page(paragraph), open_page(paragraph)
        assert second is not first  # two at a time
        first.clock.install()
    with opening() as open_page:
        assert open_page(paragraph, has_touch=True) not in (first, second)
        assert open_page(paragraph, color_scheme="dark") is second
        assert open_page(paragraph) is not first


def test_a_complaint_is_told_once(opening, paragraph):
    """Fails if a window that is kept fails every later test, or hears nothing any more."""
    for _ in range(2):
        with pytest.raises(AssertionError, match="wrong"), opening() as open_page:
            open_page(paragraph).evaluate("() => { console.error('wrong'); }")
    with opening() as open_page:
        open_page(paragraph)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        ('<a href="gone.html">x</a>', "page.html: gone.html is no file"),
        ('<a href="#gone">x</a>', "page.html: #gone names no such anchor"),
        ('<a href="other.html#gone">x</a>', "page.html: other.html#gone names no such anchor"),
        ('<img src="gone.png">', "page.html: gone.png is no file"),
        ('<a href="other.html#here">x</a><a href="https://example.org">y</a>', None),
    ],
)
def test_links_are_followed_inside_the_book_only(tmp_path, content, finding):
    (tmp_path / "other.html").write_text('<p id="here">x</p>')
    (tmp_path / "page.html").write_text(content)
    found = list(page_checks.broken_links(tmp_path, [tmp_path / "page.html"]))
    assert found == ([finding] if finding else [])


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("page.html", '<script src="https://example.org/a.js"></script>', True),
        ("page.html", '<link rel="stylesheet" href="//example.org/a.css">', True),
        ("page.html", '<a href="https://example.org">a link may leave</a>', False),
        ("a.css", "p { background: url('https://example.org/a.png') }", True),
        ("a.css", '@import "https://example.org/a.css";', True),
        ("a.css", '@import "../basic.css"; p { background: url(a.png) }', False),
    ],
)
def test_what_a_page_loads_stays_in_the_book(tmp_path, name, content, finding):
    (tmp_path / name).write_text(content)
    pages = [tmp_path / name] if name.endswith(".html") else []
    assert bool(list(page_checks.foreign_loads(tmp_path, pages))) is finding
