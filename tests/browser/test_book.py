"""The built book, opened from its folder with the network cut: every page, wide, narrow, dark.

Console errors and requests to another host fail a test through `open_page`. The checks are in
`page_checks.py` and are themselves tried on pages with mistakes in `test_page_checks.py`.
"""

import os
import re
from pathlib import Path

import page_checks
import pytest
import yaml
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VIEWS = {
    f"{name}-{scheme}": {"viewport": size, "color_scheme": scheme}
    for name, size in (("wide", WIDE), ("narrow", NARROW))
    for scheme in ("light", "dark")
}


def chapters() -> list[str]:
    """Every page that the table of contents names, without its suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


@pytest.fixture(scope="module")
def book() -> Path:
    """The built book; without one a skip line for a user and a failure in CI."""
    missing = [page for page in chapters() if not (HTML / f"{page}.html").is_file()]
    if missing:
        reason = f"the book is not built (no {missing[0]}.html): run `make book` first"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return HTML


@pytest.fixture
def open_chapter(open_page, book):
    """Open a page of the book in one of VIEWS and wait until it has settled."""

    def open_chapter(page, view="wide-light"):
        opened = open_page(book / f"{page}.html", **VIEWS[view])
        page_checks.settle(opened)
        return opened

    return open_chapter


@pytest.mark.parametrize("chapter", [page for page in chapters() if "notebooks/" in page])
def test_code_fits_the_page_and_that_of_a_figure_is_folded_under_it(open_chapter, chapter):
    """Fails if code needs sideways scrolling, or if plotting code comes before its figure."""
    page = open_chapter(chapter)
    folds = page.evaluate(
        """[...document.querySelectorAll(".tag_hide-input")].map(({children}) =>
            [...children].map(part => part.matches("details:not([open])")))"""
    )
    assert folds and all(fold in ([True], [False, True]) for fold in folds)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    scrolled = page.evaluate(
        """[...document.querySelectorAll(".cell_input pre")]
            .filter(code => code.scrollWidth > code.clientWidth).map(code => code.innerText)"""
    )
    assert scrolled == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("chapter", [*chapters(), "genindex"])
def test_page_is_whole_at_every_width_and_in_the_dark(open_chapter, chapter, view):
    page = open_chapter(chapter, view)
    expect(page.locator("html")).to_have_attribute("data-theme", view.split("-")[1])
    findings = {
        check.__name__: check(page)
        for check in (
            page_checks.raw_mathematics,
            page_checks.pictures_without_text,
            page_checks.sideways_overflow,
            page_checks.cut_off,
            page_checks.small_letters,
            page_checks.heading_faults,
        )
    }
    assert {name: found for name, found in findings.items() if found} == {}


@pytest.mark.parametrize("chapter", chapters())
def test_page_warns_of_nothing(open_chapter, chapter):
    """No console warning either, such as a preload that is never used."""
    page = open_chapter(chapter)
    warnings = []
    page.on("console", lambda message: message.type == "warning" and warnings.append(message.text))
    page.reload()
    page_checks.settle(page)
    assert warnings == []


@pytest.mark.parametrize("chapter", chapters())
def test_every_slider_moves_something_by_keyboard(open_chapter, chapter):
    assert page_checks.dead_sliders(open_chapter(chapter)) == []


def test_links_and_files_exist_and_come_from_the_book(book):
    pages = [book / f"{page}.html" for page in [*chapters(), "genindex", "search"]]
    assert list(page_checks.broken_links(book, pages)) == []
    assert list(page_checks.foreign_loads(book, pages)) == []


def test_the_front_door_leads_to_the_first_page(open_page, book):
    page = open_page(book / "index.html")
    page.wait_for_url(f"**/{chapters()[0]}.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Variational autoencoders")


def test_search_finds_a_term_from_a_folder(open_chapter):
    """Type into the search box, press Enter, read the results, follow one."""
    page = open_chapter("book/index")
    page.keyboard.press("Control+k")
    page.get_by_role("searchbox").or_(page.locator("#search-input")).last.fill("reparameterization")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=reparameterization*")
    results = page.locator("#search-results")
    expect(results).to_contain_text(re.compile(r"found [1-9]\d* page"))
    results.get_by_role("link", name="Glossary").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Glossary")


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
    """A page stays under 1.5 MB of its own, the shared files of all pages under 5 MB.

    Fails if widget state is embedded again (it doubles a page) or all 24 MB of MathJax come back.
    """
    own = {page: (book / f"{page}.html").stat().st_size for page in chapters()}
    assert {page: size for page, size in own.items() if size > 1_500_000} == {}
    shared = sum(
        file.stat().st_size
        for file in (book / "_static").rglob("*")
        if file.suffix in (".js", ".css", ".woff", ".woff2", ".json")
    )
    assert shared < 5_000_000


def test_printed_tables_keep_their_columns_on_a_phone_and_sentences_wrap(open_chapter):
    """Fails if a row of a printed table is broken in two, or a sentence needs a scroll bar."""
    page = open_chapter("notebooks/09_cvae", "narrow-light")
    table = page.locator("div.output pre").filter(has_text="c goes to")
    height, line = table.evaluate(
        "e => [e.getBoundingClientRect().height, parseFloat(getComputedStyle(e).lineHeight)]"
    )
    assert height / line < 6 + 3  # a title and five rows, within the padding
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=table.element_handle())
    sentence = page.locator("div.output pre").filter(has_text="training and 4,000 test").first
    assert sentence.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_wide_figure_scrolls_on_a_phone_by_keyboard_too(open_chapter):
    """Fails if it is shrunk until its letters cannot be read, or widens the page."""
    page = open_chapter("notebooks/09_cvae", "narrow-light")
    box = page.locator(".vt-figure-box").first
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("e => e.scrollLeft > 0", arg=box.element_handle())


def test_a_figure_takes_no_tab_stop_where_the_page_is_wide(open_chapter):
    page = open_chapter("notebooks/09_cvae")
    assert page.locator(".vt-figure-box[tabindex]").count() == 0
