"""What a reader and a teacher plan by, made from the notebooks: questions, minutes, exercises.

The minutes of a chapter stand under its title and those of each section under its heading; a title
says if the chapter is optional. Two directives make tables of all chapters. `chapter-map` has their
questions; its lines are chapters that do not exist yet, which come where their number says:

    ```{chapter-map}
    12. The objective (in preparation) | What do the two terms trade against each other?
    ```

`chapter-minutes` has their minutes and the number of their exercises.
"""

import re
from pathlib import Path

from chapter_numbers import chapter_number
from docutils import nodes
from docutils.statemachine import StringList
from reading_time import Chapter, read_chapter
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

FOLDER = "notebooks"


def minutes_text(minutes: float) -> str:
    """`1 minute`, `12 minutes`; what takes less than one takes one."""
    count = max(1, round(minutes))
    return "1 minute" if count == 1 else f"{count} minutes"


def place(number: str) -> tuple[float, str]:
    """Where a chapter stands among the others; an appendix, which has a letter, is the last."""
    digits = re.match(r"\d+", number)
    return (float(digits[0]) if digits else float("inf"), number)


def map_rows(chapters: dict[str, Chapter], waiting: list[str]) -> list[tuple[str, str]]:
    """(chapter, question) for the chapters by their names, and for those that are waited for.

    Raises:
        ValueError: if a line of `waiting` is no chapter and its question, or the chapter exists.
    """
    rows = {chapter_number(name): (_link(name, c), c.question) for name, c in chapters.items()}
    for line in waiting:
        found = re.fullmatch(r"(\w+)\. (.+?) \| (.+)", line)
        if found is None:
            raise ValueError(f"{line!r} is not of the form 'number. title | question'")
        number, title, question = found.groups()
        if number in rows:
            raise ValueError(f"{line!r} is waited for, but there is a chapter {number}")
        rows[number] = (f"{number}. {title}", question)
    return [rows[number] for number in sorted(rows, key=place)]


def minutes_rows(chapters: dict[str, Chapter]) -> list[tuple[str, str, str]]:
    """(chapter, minutes, exercises) for the chapters by their names, and for all of them."""
    plans = chapters.values()
    hours = sum(chapter.minutes for chapter in plans) / 60
    return [
        *((_link(name, c), str(c.minutes), str(c.exercises)) for name, c in chapters.items()),
        ("together", f"{hours:.0f} hours", str(sum(c.exercises for c in plans))),
    ]


def _link(name: str, chapter: Chapter) -> str:
    """The chapter's number, the short form of its title as a link, and whether it is optional."""
    short, optional = chapter.title.partition(":")[0], " *(optional)*" * chapter.optional
    return f"{chapter_number(name)}. {{doc}}`{short} </{name}>`{optional}"


class _OfAllChapters(SphinxDirective):
    """A table with a row for each chapter."""

    head: tuple[str, ...]
    has_content = True

    def rows(self, chapters: dict[str, Chapter]) -> list[tuple[str, ...]]:
        """The cells of the table, as Markdown."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Draw the table; the page depends on every chapter."""
        paths = sorted((Path(self.env.srcdir) / FOLDER).glob("*.ipynb"))
        for path in paths:
            self.env.note_dependency(str(path))
        try:
            rows = self.rows({f"{FOLDER}/{path.stem}": read_chapter(path) for path in paths})
        except ValueError as error:
            raise self.error(str(error)) from error
        lines = [" | ".join(row) for row in (self.head, ["---"] * len(self.head), *rows)]
        box = nodes.container()
        table = StringList([f"| {line} |" for line in lines], source="")
        self.state.nested_parse(table, self.content_offset, box)
        return box.children


class ChapterMap(_OfAllChapters):
    """Which question each chapter answers."""

    head = ("chapter", "question")

    def rows(self, chapters: dict[str, Chapter]) -> list[tuple[str, ...]]:
        """Those that exist, and those that the directive's lines announce."""
        return map_rows(chapters, [line for line in self.content if line.strip()])


class ChapterMinutes(_OfAllChapters):
    """How long each chapter takes."""

    head = ("chapter", "minutes", "exercises")

    def rows(self, chapters: dict[str, Chapter]) -> list[tuple[str, ...]]:
        """Those that exist."""
        return minutes_rows(chapters)


class MarkOptional(SphinxTransform):
    """Say in the title of an optional chapter that it is: sidebar and search show the title."""

    default_priority = 10  # before Sphinx collects titles

    def apply(self) -> None:
        """Add the word to the first title."""
        title = next(self.document.findall(nodes.title), None)
        if (
            title
            and chapter_number(self.env.docname)
            and _chapter(self.app, self.env.docname).optional
        ):
            title += nodes.Text(" (optional)")


def show_minutes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the minutes under the title and under the headings of the second level.

    They are no part of the page's own text, which is searched and quoted.
    """
    if chapter_number(docname) is None:
        return
    chapter = _chapter(app, docname)
    whole = f"About {minutes_text(chapter.minutes)}, the time for the exercises not counted."
    page = next(doctree.findall(nodes.section))
    titles = [page.next_node(nodes.title)]
    titles += [s.next_node(nodes.title) for s in page.children if isinstance(s, nodes.section)]
    parts = [minutes_text(section.minutes) for section in chapter.sections[1:]]
    for title, text in zip(titles, [whole, *parts], strict=True):
        box = nodes.container(classes=["vt-minutes"])
        box += nodes.paragraph("", text)
        title.parent.insert(title.parent.index(title) + 1, box)


def _chapter(app: Sphinx, docname: str) -> Chapter:
    return read_chapter(Path(app.env.doc2path(docname)))


def setup(app: Sphinx) -> dict:
    """Make the directives known and connect the handler."""
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("chapter-minutes", ChapterMinutes)
    app.add_transform(MarkOptional)
    app.connect("doctree-resolved", show_minutes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
