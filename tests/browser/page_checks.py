"""What every page of the book must satisfy. Each check returns its findings; none means well.

The browser checks take a Playwright page that has settled; the file checks take a built folder.
`test_page_checks.py` shows each of them a page with the mistake it is for.
"""

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Locator, Page

_SETTLED = """async () => {
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); // widgets learn their width
  await document.fonts.ready;
  if (document.querySelector("script[src*=mathjax]")) {
    if (!window.MathJax?.startup?.promise) return false;
    await MathJax.startup.promise;
  }
  const busy = "[data-vae-teach=waiting], [data-vae-teach=starting]";
  return document.readyState === "complete" && !document.querySelector(busy);
}"""

_RAW_MATHEMATICS = r"""() => {
  const found = [...document.querySelectorAll("mjx-merror")].map((e) => "error: " + e.title);
  const skip = "code, pre, script, style, noscript, mjx-container, textarea";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent;
    if (texts.currentNode.parentElement.closest(skip)) continue;
    if (/\\\(|\\\[|\$\$|\\begin\{|\{(term|cite|doc|ref|math)[^}]*\}`/.test(text)) {
      found.push(text.trim().slice(0, 80));
    }
  }
  return found;
}"""

_NO_TEXT = """() => {
  const shown = (e) => !e.closest("[aria-hidden=true], [hidden], mjx-container");
  const name = (e) => e.ariaLabel || e.title || e.getAttribute("aria-labelledby") ||
    (e.tagName === "svg" && e.querySelector("title")?.textContent);
  const found = [];
  for (const e of document.querySelectorAll("img, svg, canvas")) {
    if (!shown(e) || e.getAttribute("role") === "presentation") continue;
    if (e.parentElement.closest("svg")) continue; // a part of the drawing around it
    const control = e.closest("button, summary, a");
    if (control?.ariaLabel || control?.textContent.trim()) continue; // its icon
    const words = e.tagName === "IMG" ? e.alt || name(e) : name(e);
    const picture = e.matches("img, figure svg") && e.closest("article");
    if (!words) found.push(`no text: ${e.outerHTML.slice(0, 80)}`);
    else if (picture && words.trim().split(/\\s+/).length < 4) found.push(`slug: ${words}`);
  }
  return found;
}"""

_CUT_OFF = """() => {
  const found = [];
  for (const e of document.querySelectorAll("article, article *")) {
    const style = getComputedStyle(e);
    if (style.overflowX !== "hidden" && style.overflowX !== "clip") continue;
    if (style.position === "absolute" || e.closest("mjx-container, svg, [hidden]")) continue;
    // A formula carries unseen MathML for screen readers, so its own ink is measured.
    const ink = e.matches("span.math") && e.querySelector("mjx-math");
    const width = ink ? ink.getBoundingClientRect().width : e.scrollWidth;
    if (e.clientWidth > 2 && width > e.clientWidth + 2) {
      found.push(`${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 60)}`);
    }
  }
  return found;
}"""

_SMALL_LETTERS = """() => {
  const found = [];
  const letters = ":is(.vt-figure, .frame-scrubber) svg :is(text, tspan)";
  for (const e of document.querySelectorAll(letters)) {
    const svg = e.ownerSVGElement, width = svg.getBoundingClientRect().width;
    const isWhole = !(e.matches("text") && e.querySelector("tspan")); // its pieces have sizes
    if (!width || !e.textContent.trim() || !isWhole) continue;
    const scale = width / svg.viewBox.baseVal.width;
    const high = parseFloat(getComputedStyle(e).fontSize) * scale;
    const least = e.matches("tspan") ? 6.5 : 9; // a tspan may be a subscript
    if (high < least - 0.05) found.push(`${high.toFixed(1)} px: ${e.textContent.trim()}`);
  }
  return [...new Set(found)];
}"""


_SCROLLING_FORMULAS = """() => [...document.querySelectorAll("span.math, span.math *")]
  .filter((e) => {
    const { overflowX, borderTopWidth, borderBottomWidth } = getComputedStyle(e);
    const borders = parseFloat(borderTopWidth) + parseFloat(borderBottomWidth);
    const ink = e.querySelector("mjx-math")?.getBoundingClientRect().width ?? 0;
    const bar = e.offsetHeight - borders > e.clientHeight + 1;
    return overflowX !== "visible" && bar && ink <= e.clientWidth &&
      !e.closest("mjx-assistive-mml");
  })
  .map((e) => e.closest("span.math").textContent)"""

# Without preload: axe would fetch the style sheets again, which no page on file:// may. Of what
# passes it need not tell every element.
_AXE = """async () => (await axe.run({ preload: false, resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id}: ${target.join(" ")}: ${failureSummary}`))"""

_HEADINGS = """() => [...document.querySelectorAll("article :is(h1, h2, h3, h4, h5, h6)")]
  .map((e) => Number(e.tagName[1]))"""


def settle(page: Page) -> None:
    """Wait until fonts, mathematics and widgets are there."""
    page.wait_for_function(_SETTLED)


def unfold(page: Page) -> None:
    """Open every fold, as a reader does before looking at what is in it."""
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")


def raw_mathematics(page: Page) -> list[str]:
    """Formulas that MathJax left or refused, and roles that were not rendered."""
    found = page.evaluate(_RAW_MATHEMATICS)
    written, typeset = page.locator(".math").count(), page.locator(".math mjx-container").count()
    if typeset < written:
        found.append(f"{written} formulas but {typeset} typeset")
    return found


def pictures_without_text(page: Page) -> list[str]:
    """Images, drawings and canvases that a screen reader passes in silence or calls by a slug."""
    return page.evaluate(_NO_TEXT)


def sideways_overflow(page: Page) -> list[str]:
    """The page is wider than its window."""
    excess = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"the page is {excess} px wider than the window"] if excess > 0 else []


def cut_off(page: Page) -> list[str]:
    """Content of the article wider than a box that neither shows nor scrolls the rest."""
    return page.evaluate(_CUT_OFF)


def small_letters(page: Page) -> list[str]:
    """Letters in figures that are less than 9 CSS pixels high as shown, subscripts 6.5."""
    return page.evaluate(_SMALL_LETTERS)


def formulas_with_scroll_bar(page: Page) -> list[str]:
    """Formulas in a line of text that fit and yet carry a scroll bar, as high as the line."""
    return page.evaluate(_SCROLLING_FORMULAS)


def barriers(page: Page, axe: Path) -> list[str]:
    """What axe-core calls serious or critical: it stops who uses a keyboard or a screen reader."""
    # Folded code fades in when it is first looked at: half seen, it has half its contrast.
    page.add_style_tag(content="* { animation: none !important; transition: none !important }")
    page.add_script_tag(path=axe)
    return page.evaluate(_AXE)


def heading_faults(page: Page) -> list[str]:
    """Not exactly one title, or a level that was jumped over."""
    levels = page.evaluate(_HEADINGS)
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} titles"]
    return found + [
        f"h{before} is followed by h{after}"
        for before, after in itertools.pairwise(levels)
        if after > before + 1
    ]


def dead_sliders(page: Page) -> list[str]:
    """Sliders whose two ends show the same picture, apart from the sliders themselves."""
    page.add_style_tag(content="input[type=range] { opacity: 0 !important }")
    unfold(page)
    dead = [slider for slider in page.locator("input[type=range]").all() if not _moves(slider)]
    # the only weight of a mixture is a share of 100 % until another slider has moved
    dead = [slider for slider in dead if not _moves(slider)]
    return [
        f"slider {slider.get_attribute('aria-label') or slider.get_attribute('id') or index}"
        for index, slider in enumerate(dead)
    ]


def _moves(slider: Locator) -> bool:
    """Whether Home and End, on the keyboard, differ in what is around the slider."""
    around = slider.locator(
        "xpath=(ancestor::body | ancestor::*[@data-vae-teach or contains(@class, 'cell_output')])"
        "[last()]"
    )
    slider.press("Home")
    low = around.screenshot(animations="disabled")
    slider.press("End")
    return around.screenshot(animations="disabled") != low


class _Links(HTMLParser):
    """Collects a page's ids, the links it offers and the files it loads by itself."""

    LOADS = (("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"))

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort one element's attributes."""
        values = {name: value for name, value in attrs if value}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") in (
            "stylesheet",
            "icon",
            "preload",
            "shortcut icon",
        ):
            self.loads.append(values["href"])
        self.loads += [values[name] for t, name in self.LOADS if t == tag and name in values]


def _read(page: Path) -> _Links:
    links = _Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


def broken_links(root: Path, pages: list[Path]) -> Iterator[str]:
    """Links and loaded files inside the book that lead nowhere, and anchors that do not exist."""
    read = {page: _read(page) for page in pages}
    for page, content in read.items():
        for address in content.links + content.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            where = f"{page.relative_to(root)}: {address}"
            if not target.is_file():
                yield f"{where} is no file"
            elif parts.fragment and target.suffix == ".html":
                ids = (read.get(target) or _read(target)).ids
                if unquote(parts.fragment) not in ids:
                    yield f"{where} names no such anchor"


def foreign_loads(root: Path, pages: list[Path]) -> Iterator[str]:
    """Scripts, styles, pictures and fonts that would come from another host."""
    for page in pages:
        for address in _read(page).loads:
            if urlsplit(address).netloc:
                yield f"{page.relative_to(root)} loads {address}"
    for style in root.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        for address in re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", text):
            yield f"{style.relative_to(root)} loads {address}"
