"""How many minutes a chapter and each of its sections take, computed from the notebook.

150 words of text a minute, 12 lines of code, and two minutes for each prediction and each widget.
What a reader opens on request, solutions and folded code, is not counted, and neither is the time
that exercises take; their texts and stubs are. A formula in a sentence counts as one word, and each
line of a displayed formula as a line of code: it is read as slowly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

WORDS_A_MINUTE = 150
LINES_A_MINUTE = 12
MINUTES_TO_TRY = 2  # a prediction, or a widget

UNSEEN = {"solution", "remove-cell"}
FOLDED = {"hide-input", "hide-cell", "remove-input"}
ROOT = Path(__file__).parents[2]
# A widget is a .py, a .js and a .css of one name: KLExplorer is kl_explorer.
_NAMES = [
    f.stem for f in (ROOT / "vae_teach/widgets").glob("*.css") if f.with_suffix(".py").exists()
]
_ANY = "|".join(name.replace("_", "") for name in _NAMES)
_WIDGET = re.compile(rf"\b(?=[A-Z])(?i:{_ANY})(?:\.from_\w+)?\(")
_DISPLAY = re.compile(
    r"\$\$.+?\$\$|^ *([`:]{3,})\{math\}.+?\1|\\begin\{(align|equation)(\*?)\}.+?\\end\{\2\3\}",
    re.DOTALL | re.MULTILINE,
)
_FORMULA = re.compile(r"(?<![\\$])\$(?!\$)[^$]+\$")
_MARKUP = (
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"^ *[`:]{3,}.*$", re.MULTILINE),  # the ends of a directive, and its name
    re.compile(r"^ *:[\w-]+:.*$", re.MULTILINE),  # its options
    re.compile(r"(?<=\])\([^)\s]*\)"),  # where a link goes to
)
_HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What a reader meets under one heading of the second level; the first has no heading."""

    title: str
    words: int = 0
    lines: int = 0
    predictions: int = 0
    widgets: int = 0
    exercises: int = 0

    @property
    def minutes(self) -> float:
        """The minutes of a reader who reads the code too, predicts, and plays with the widgets."""
        reading = self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE
        return reading + MINUTES_TO_TRY * (self.predictions + self.widgets)

    def __add__(self, other: "Section") -> "Section":
        counts = ("words", "lines", "predictions", "widgets", "exercises")
        return Section(self.title, *(getattr(self, c) + getattr(other, c) for c in counts))


@dataclass(frozen=True)
class Chapter:
    """A notebook as its reader and its teacher plan for it."""

    title: str
    question: str
    optional: bool
    cells: int
    sections: tuple[Section, ...]

    @property
    def minutes(self) -> int:
        """The minutes of all sections, exercises not counted."""
        return round(sum(section.minutes for section in self.sections))

    @property
    def exercises(self) -> int:
        """The number of exercises."""
        return sum(section.exercises for section in self.sections)


def read_chapter(path: Path) -> Chapter:
    """A chapter's plan, from its notebook.

    `metadata.chapter` of the notebook holds the `question` that the first page asks, and
    `"optional": true` for a chapter that no later one needs.

    Raises:
        ValueError: naming the file, if it has no question.
    """
    notebook = nbformat.read(path, as_version=4)
    about = notebook.metadata.get("chapter", {})
    if not str(about.get("question", "")).strip():
        raise ValueError(f"{path.name} has no metadata.chapter.question for the map of chapters")
    title = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
    return Chapter(
        title=title,
        question=about["question"],
        optional=about.get("optional", False),
        cells=len(notebook.cells),
        sections=tuple(sections(notebook)),
    )


def sections(notebook: NotebookNode) -> list[Section]:
    """The sections of a notebook, in order; the first is what stands before the first heading."""
    found = [Section("")]
    for cell in notebook.cells:
        for title, part in _parts(cell):
            if title is not None:
                found.append(Section(title))
            found[-1] += part
    return found


def _parts(cell: NotebookNode) -> Iterator[tuple[str | None, Section]]:
    """A cell's counts, with the title where a new section begins."""
    tags = set(cell.metadata.get("tags", []))
    if tags & UNSEEN:
        return
    if cell.cell_type == "code":
        folded = tags & FOLDED or cell.metadata.get("jupyter", {}).get("source_hidden", False)
        lines = 0 if folded else sum(bool(line.strip()) for line in cell.source.splitlines())
        yield None, Section("", lines=lines, widgets=bool(_WIDGET.search(cell.source)))
    elif cell.cell_type == "markdown":
        opening, *rest = _HEADING.split(cell.source)
        yield None, _counts(opening)
        for title, text in zip(rest[::2], rest[1::2], strict=True):
            yield title, _counts(f"{title}\n{text}")


def _counts(text: str) -> Section:
    """The counts of a piece of Markdown."""
    lines = sum(_rows(found[0]) for found in _DISPLAY.finditer(text))
    plain = _FORMULA.sub(" formula ", _DISPLAY.sub(" ", text))
    for markup in _MARKUP:
        plain = markup.sub("", plain)
    return Section(
        "",
        words=sum(any(map(str.isalnum, word)) for word in plain.split()),
        lines=lines,
        predictions=text.count("Predict first"),
        exercises=text.count("{exercise-start}"),
    )


def _rows(display: str) -> int:
    r"""The lines of a displayed formula: one more than its `\\`."""
    return 1 + len(re.findall(r"\\\\(?!\s*(?:\$\$|\\end|`))", display))
