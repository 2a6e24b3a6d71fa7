"""The built book, opened from its folder with the network cut: every page, wide, narrow, dark.

Console errors and requests to another host fail a test through `open_page`. The checks are in
`page_checks.py` and are themselves tried on pages with mistakes in `test_page_checks.py`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import page_checks
import pytest
import yaml
from absent import unbuilt
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
KEEP_WINDOWS = False  # MathJax may be at work for seconds on a page that a test has done with

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VIEWS = {
    f"{name}-{scheme}": {"viewport": size, "color_scheme": scheme}
    for name, size in (("wide", WIDE), ("narrow", NARROW))
    for scheme in ("light", "dark")
}
LOADED_IN = {"wide": "light", "narrow": "dark"}


def chapters() -> list[str]:
    """Every page that the table of contents names, without its suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


@pytest.fixture(scope="module")
def book() -> Path:
    """The built book; without one a skip line for a user and a failure in CI."""
    missing = [page for page in chapters() if not (HTML / f"{page}.html").is_file()]
    if missing:
        unbuilt(f"{missing[0]}.html")
    return HTML


@pytest.fixture
def open_chapter(open_page, book):
    """Open a page of the book in one of VIEWS and wait until it has settled."""

    def open_chapter(page, view="wide-light"):
        opened = open_page(book / f"{page}.html", **VIEWS[view])
        page_checks.settle(opened)
        return opened

    return open_chapter


class Loaded(NamedTuple):
    """A page that has settled, its scheme then, and what its console has warned of since."""

    page: Page
    scheme: str
    warnings: list[str]


@pytest.fixture(scope="module")
def loaded(request, opening, book) -> Iterator[Loaded]:
    """A page in a window, loaded once for all that is measured on it: MathJax takes the time.

    Its tests run in the order in which they stand here. Those that unfold, resize or move something
    come after those that look, and leave nothing that changes what comes after them.
    """
    name, window = request.param
    with opening() as open_page:
        page = open_page(book / f"{name}.html", **VIEWS[f"{window}-{LOADED_IN[window]}"])
        page_checks.settle(page)
        yield Loaded(page, LOADED_IN[window], open_page.warnings)


@pytest.fixture
def scheme(loaded) -> str:
    """The one that the page was loaded in, unless a test names others."""
    return loaded.scheme


@pytest.fixture
def opened(loaded, scheme) -> Page:
    """The loaded page in the scheme."""
    return in_scheme(scheme, loaded.page)


def in_scheme(scheme: str, page: Page) -> Page:
    """The page when it has followed a reader who switches the system to this scheme."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
    )
    page_checks.settle(page)
    return page


def on(pages: list[str], windows=("wide", "narrow")):
    """Run a test on each of these pages in each of these windows."""
    params = [(page, window) for page in pages for window in windows]
    return pytest.mark.parametrize("loaded", params, indirect=True, ids="-".join)


in_both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"])

BEYOND = ["genindex", "search"]  # pages that no table of contents names


@on(chapters(), ["wide"])
def test_page_warns_of_nothing(loaded):
    """No console warning either, such as a preload that is never used."""
    assert loaded.warnings == []


@on([*chapters(), "genindex"])
@in_both_schemes
def test_page_is_whole_at_every_width_and_in_the_dark(opened):
    findings = {
        check.__name__: check(opened)
        for check in (
            page_checks.raw_mathematics,
            page_checks.pictures_without_text,
            page_checks.sideways_overflow,
            page_checks.cut_off,
            page_checks.small_letters,
            page_checks.formulas_with_scroll_bar,
            page_checks.heading_faults,
        )
    }
    assert {name: found for name, found in findings.items() if found} == {}


@on([page for page in chapters() if "notebooks/" in page], ["wide"])
def test_code_fits_the_page_and_that_of_a_figure_is_folded_under_it(opened):
    """Fails if code needs sideways scrolling, or if plotting code comes before its figure."""
    folds = opened.evaluate(
        """[...document.querySelectorAll(".tag_hide-input")].map(({children}) =>
            [...children].map(part => part.matches("details:not([open])")))"""
    )
    assert folds and all(fold in ([True], [False, True]) for fold in folds)
    page_checks.unfold(opened)
    scrolled = opened.evaluate(
        """[...document.querySelectorAll(".cell_input pre")]
            .filter(code => code.scrollWidth > code.clientWidth).map(code => code.innerText)"""
    )
    assert scrolled == []


# Contrast depends on the scheme and what is shown on the width: two views have each of both. What
# all pages have around them is looked at in all four, on three of them.
@on([*chapters(), *BEYOND])
def test_no_page_has_a_serious_barrier(opened, axe):
    """Contrast, names, roles, keyboard: the rules of axe-core."""
    page_checks.unfold(opened)
    assert page_checks.barriers(opened, axe) == []


@on(["book/index", "book/how_to_use", "notebooks/03_kl_divergence"])
def test_what_all_pages_share_has_no_barrier_in_the_other_scheme_either(loaded, axe):
    page = in_scheme("dark" if loaded.scheme == "light" else "light", loaded.page)
    page_checks.unfold(page)
    assert page_checks.barriers(page, axe) == []


@on([*chapters(), *BEYOND], ["narrow"])
def test_page_reflows_when_it_is_enlarged_four_times(opened):
    """A window of 1280 pixels enlarged to 400 % has 320: nothing but a box of its own scrolls."""
    opened.set_viewport_size({"width": 320, "height": 640})
    page_checks.settle(opened)
    assert page_checks.sideways_overflow(opened) == []


@on(chapters(), ["wide"])
def test_every_slider_moves_something_by_keyboard(opened):
    assert page_checks.dead_sliders(opened) == []


def test_links_and_files_exist_and_come_from_the_book(book):
    pages = [book / f"{page}.html" for page in [*chapters(), "genindex", "search"]]
    assert list(page_checks.broken_links(book, pages)) == []
    assert list(page_checks.foreign_loads(book, pages)) == []


def test_the_front_door_leads_to_the_first_page(open_page, book):
    page = open_page(book / "index.html")
    page.wait_for_url(f"**/{chapters()[0]}.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Variational autoencoders")


def search(open_chapter, words: str) -> Page:
    """Type into the search box of the first page and press Enter."""
    page = open_chapter("book/index")
    page.keyboard.press("Control+k")
    page.locator("#search-input").last.fill(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    expect(page.get_by_role("status")).to_contain_text("Found")
    return page


def test_search_shows_where_a_word_stands_and_leads_there(open_chapter):
    """Fails if a page comes twice, the glossary first, or a link ends at the top of a page."""
    page = search(open_chapter, "reparameterization")
    titles = page.locator("#search-results h2").all_inner_texts()
    assert len(set(titles)) == len(titles) > 2
    assert titles[0].startswith("5. ")
    assert titles.index("Glossary") > max(i for i, title in enumerate(titles) if title[0].isdigit())
    places = page.locator("#search-results > ol > li").filter(has_text="Glossary").first
    expect(places.locator("p mark").first).to_have_text(re.compile("reparameterization", re.I))
    places.get_by_role("link", name="reparameterization trick").click()
    expect(page.locator("dt:target")).to_be_in_viewport()
    assert page.get_by_text("Hide Search Matches").count() == 0


def test_search_finds_an_exercise_by_its_number_while_it_is_typed(open_chapter):
    page = search(open_chapter, "nothing yet")
    page.get_by_role("searchbox").locator("visible=true").fill("exercise 3.2")
    first = page.locator("#search-results ul a").first
    expect(first).to_have_text(re.compile("Exercise 3.2"))
    first.click()
    expect(page.locator(".exercise:target")).to_contain_text("Exercise 3.2")


def test_chapters_have_their_number_in_sidebar_title_and_neighbours(open_chapter):
    page = open_chapter("notebooks/08_evaluation")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^8\. "))
    sidebar = page.get_by_role("navigation", name="Main")
    expect(sidebar.locator("a", has_text=re.compile(r"^\s*10\. "))).to_be_visible()
    expect(page.locator(".prev-next-area .left-prev")).to_contain_text("7. ")
    expect(page.locator(".prev-next-area .right-next")).to_contain_text("9. ")


def test_the_first_page_has_the_living_explorer(open_chapter):
    page = open_chapter("book/index")
    explorer = page.locator(".latent-explorer")
    before = explorer.locator("canvas.picture").screenshot()
    explorer.get_by_role("slider", name="z[0]", exact=True).press("End")
    assert explorer.locator("canvas.picture").screenshot() != before


@pytest.mark.parametrize(
    "chapter", ["notebooks/03_kl_divergence", "notebooks/05_reparameterization"]
)
def test_a_formula_is_no_tab_stop_and_is_told_to_a_screen_reader(open_chapter, chapter):
    """Fails if MathJax's menu is back: 239 stops before the first slider of chapter 3."""
    page = open_chapter(chapter)
    formulas = page.locator("mjx-container").count()
    assert page.locator("span.math mjx-container[tabindex]").count() == 0
    assert page.locator("mjx-container mjx-assistive-mml").count() == formulas > 100


def test_a_page_without_formulas_loads_no_mathjax(open_chapter):
    assert open_chapter("book/index").locator("script[src*=mathjax]").count() == 0


def test_a_solution_opens_where_its_title_is_pressed(open_chapter):
    """Fails if the title's words are a link, which jumps to the exercise and opens nothing."""
    page = open_chapter("notebooks/03_kl_divergence")
    solution = page.locator(".admonition.solution").first
    expect(solution).to_have_class(re.compile("toggle-hidden"))
    solution.locator(".admonition-title").click(position={"x": 60, "y": 12})
    expect(solution).not_to_have_class(re.compile("toggle-hidden"))
    assert "#" not in page.url


def test_paper_has_all_code_and_no_controls(open_chapter):
    """Fails if code is cut at the margin, if only the text of a box of code is kept together and an
    empty box stays on the page before, or if an answer stands below its exercise."""
    page = open_chapter("notebooks/03_kl_divergence", "wide-dark")
    page.emulate_media(media="print")
    breaks = "(all) => all.map((e) => getComputedStyle(e).breakInside)"
    assert set(page.locator("div.cell_input").evaluate_all(breaks)) == {"avoid"}
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.locator("h1 >> visible=true").count() == 1
    cut = "(all) => all.filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)"
    assert page.locator("div.highlight pre").evaluate_all(f"(all) => ({cut})(all).length") == 0
    for hidden in (
        "[data-vae-teach] input",
        "[data-vae-teach] button",
        ".toggle-button",
        "#jb-print-toc",
        ".admonition.solution pre",
        "button.copybtn",
    ):
        assert page.locator(hidden).count() > 0
        assert page.locator(f"{hidden} >> visible=true").count() == 0, hidden


def test_a_glossary_link_lands_on_its_term(open_chapter):
    page = open_chapter("book/glossary")
    page.get_by_role("link", name="variational family").first.click()
    expect(page.locator("dt:target")).to_contain_text("variational family")
    expect(page.locator("dt:target")).to_be_in_viewport()


def test_the_theme_button_switches_to_dark(open_chapter):
    page = open_chapter("book/index")
    button = page.get_by_role("button", name="light/dark")
    for _ in range(3):  # auto, light, dark
        button.locator("visible=true").first.click()
        if page.locator("html").get_attribute("data-theme") == "dark":
            return
    pytest.fail("three clicks did not reach the dark theme")


def test_what_the_reader_downloads_is_modest(book):
    """A page stays under 1.5 MB of its own, the shared files of all pages under 3.5 MB.

    Fails if widget state is embedded again (it doubles a page) or all 24 MB of MathJax come back.
    """
    own = {page: (book / f"{page}.html").stat().st_size for page in chapters()}
    assert {page: size for page, size in own.items() if size > 1_500_000} == {}
    shared = sum(
        file.stat().st_size
        for file in (book / "_static").rglob("*")
        if file.suffix in (".js", ".css", ".woff", ".woff2", ".json")
    )
    assert shared < 3_500_000


def test_printed_tables_keep_their_columns_on_a_phone_and_sentences_wrap(open_chapter):
    """Fails if a row of a printed table is broken in two, or a sentence needs a scroll bar."""
    page = open_chapter("notebooks/14_cvae", "narrow-light")
    table = page.locator("div.output pre").filter(has_text="c goes to")
    height, line = table.evaluate(
        "e => [e.getBoundingClientRect().height, parseFloat(getComputedStyle(e).lineHeight)]"
    )
    assert height / line < 8 + 3  # what says that it scrolls, a title, six rows, and the padding
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=table.element_handle())
    sentence = page.locator("div.output pre").filter(has_text="training and 4,000 test").first
    assert sentence.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_wide_figure_scrolls_on_a_phone_by_keyboard_too(open_chapter):
    """Fails if it is shrunk until its letters cannot be read, or widens the page."""
    page = open_chapter("notebooks/14_cvae", "narrow-light")
    box = page.locator(".vt-figure-box").first
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=box.element_handle())


def test_a_figure_takes_no_tab_stop_where_the_page_is_wide(open_chapter):
    page = open_chapter("notebooks/14_cvae")
    assert page.locator(".vt-figure-box[tabindex]").count() == 0
