"""Minutes of chapters and sections, as computed from the notebooks, and their limits."""

import re

import nbformat
import pytest
from chapters import CHAPTERS, extension
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import vae_teach.widgets
from vae_teach.widgets import Frame

reading_time = extension("reading_time")

MOST_CELLS, MOST_MINUTES = 60, 60
STATED = re.compile(r"\bTime: \d+ minutes")

# Chapters that are longer than the limits, or state minutes of their own: (cells, minutes) now.
# They may become shorter, not longer, and a line that is not needed any more has to go.
UNREVISED: dict[str, tuple[int, int]] = {}


def topic(path) -> str:
    """A chapter's name without its number, which may change."""
    return path.stem.split("_", 1)[1]


def needs_a_line(path) -> bool:
    """Whether the chapter is too long, or states its minutes in its first cell."""
    chapter = reading_time.read_chapter(path)
    stated = STATED.search(nbformat.read(path, as_version=4).cells[0].source)
    return bool(chapter.cells > MOST_CELLS or chapter.minutes > MOST_MINUTES or stated)


@pytest.mark.parametrize("path", CHAPTERS, ids=topic)
def test_a_chapter_is_a_lesson_of_an_hour(path):
    """Fails for a chapter that grows beyond what a class or a reader takes at a sitting."""
    chapter = reading_time.read_chapter(path)
    cells, minutes = UNREVISED.get(topic(path), (MOST_CELLS, MOST_MINUTES))
    assert chapter.cells <= cells
    assert chapter.minutes <= minutes
    if topic(path) not in UNREVISED:
        assert not needs_a_line(path), "its minutes are computed: the first cell must not state any"


def test_no_exception_outlives_its_reason():
    """Fails if a chapter has been cut and its line above still allows it to grow again."""
    assert {topic(path) for path in CHAPTERS if needs_a_line(path)} >= set(UNREVISED)


def notebook(*sources: str | tuple[str, list[str]]):
    """A chapter of Markdown texts, and of code given as (source, tags)."""
    cells = [
        new_markdown_cell(source)
        if isinstance(source, str)
        else new_code_cell(source[0], metadata={"tags": source[1]})
        for source in sources
    ]
    return new_notebook(cells=cells)


def only(*sources):
    (section,) = reading_time.sections(notebook(*sources))
    return section


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        ("Three plain words.", 3, 0),
        ("A [glossary term](../book/glossary.md#term) - and | bars", 5, 0),
        ("Here $q(z \\mid x) \\le 1$, a formula.", 4, 0),
        ("It costs \\$5 or \\$6.", 5, 0),
        ("$$a = b$$ follows", 1, 1),
        ("$$\na = b \\\\\nc = d\n$$", 0, 2),
        ("$$\na = b \\\\\nc = d \\\\\n$$", 0, 2),
        ("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\nfollows", 1, 2),
        ("```{math}\na = b\n```\nfollows", 1, 1),
        ("```{admonition} Title of it\n:class: tip\nTwo words\n```", 2, 0),
        ("<!-- no word of this -->one", 1, 0),
    ],
)
def test_words_and_lines_of_formulas_are_counted_and_markup_is_not(text, words, lines):
    section = only(text)
    assert (section.words, section.lines) == (words, lines)


@pytest.mark.parametrize(
    ("tags", "lines", "widgets"),
    [
        ([], 2, 1),
        (["hide-input"], 0, 1),
        (["remove-input"], 0, 1),
        (["solution"], 0, 0),
        (["remove-cell", "conclusion"], 0, 0),
    ],
)
def test_code_that_a_reader_does_not_see_takes_no_time(tags, lines, widgets):
    section = only(("x = 1\n\nKLExplorer()", tags))
    assert (section.lines, section.widgets) == (lines, widgets)


def test_a_folded_cell_is_known_by_its_metadata_too():
    chapter = notebook(("x = 1", []))
    chapter.cells[0].metadata.jupyter = {"source_hidden": True}
    assert reading_time.sections(chapter)[0].lines == 0


def test_a_folded_solution_takes_no_time():
    chapter = notebook("a word " * 300)
    chapter.cells[0].metadata.tags = ["solution"]
    assert reading_time.sections(chapter)[0].minutes == 0


def test_minutes_follow_from_the_counts():
    section = only(
        "word " * 298 + "Predict first", ("x = 1\n" * 24, []), ("KLExplorer()", ["hide-input"])
    )
    assert section.minutes == pytest.approx(2 + 2 + 2 + 2)


def test_sections_begin_at_headings_of_the_second_level():
    text = "# Title\nopening\n\n## First\none\n\n### Part\ntwo\n\n## Second\nthree"
    found = reading_time.sections(notebook(text, "```{exercise-start}\n```"))
    assert [section.title for section in found] == ["", "First", "Second"]
    assert [section.exercises for section in found] == [0, 0, 1]
    assert [section.words for section in found] == [2, 4, 2]


CLASSES = {name for name, thing in vars(vae_teach.widgets).items() if isinstance(thing, type)}


@pytest.mark.parametrize("name", sorted(CLASSES - {Frame.__name__}))
@pytest.mark.parametrize("call", ["{}(x)", "w = {}.from_model(vae)"])
def test_every_widget_of_the_package_is_known(name, call):
    """Fails if a widget's files and its class have different names: nobody would count it."""
    assert only((call.format(name), [])).widgets == 1


def test_a_frame_or_a_variable_is_no_widget():
    assert only(("frame = Frame(1)\nkl_explorer(2)\nreparameterization(3)", [])).widgets == 0
