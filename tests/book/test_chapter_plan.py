"""The tables of chapters and the minutes on their pages, made from notebooks."""

import nbformat
import pytest
from chapters import CHAPTERS, extension
from nbformat.v4 import new_markdown_cell, new_notebook

reading_time, plan = extension("reading_time"), extension("chapter_plan")


def test_every_chapter_has_a_question_for_the_map():
    """Fails for a new notebook without `metadata.chapter.question`, before the book is built."""
    assert all(reading_time.read_chapter(path).question.endswith("?") for path in CHAPTERS)


def chapters(**titles):
    sections = (reading_time.Section("", words=7_500, exercises=2),)
    return {
        f"notebooks/{name}": reading_time.Chapter(title, f"{title}?", "Extra" in title, 9, sections)
        for name, title in titles.items()
    }


TWO = {"c02_b": "Two", "c10_c": "Ten: and more", "c09_x": "Extra"}


def named(titles):
    """Chapters by names that no keyword could have: those of `titles` without their first c."""
    return {name.replace("/c", "/"): chapter for name, chapter in chapters(**titles).items()}


@pytest.fixture
def two():
    return named(TWO)


def test_the_map_has_chapters_by_number_and_those_in_preparation_between_them(two):
    waiting = ["Appendix. Last | Why?", "3. Three (in preparation) | How?"]
    assert plan.map_rows(two, waiting) == [
        ("2. {doc}`Two </notebooks/02_b>`", "Two?"),
        ("3. Three (in preparation)", "How?"),
        ("9. {doc}`Extra </notebooks/09_x>` *(optional)*", "Extra?"),
        ("10. {doc}`Ten </notebooks/10_c>`", "Ten: and more?"),
        ("Appendix. Last", "Why?"),
    ]


@pytest.mark.parametrize(
    ("docname", "number"),
    [
        ("notebooks/08_evaluation", "8"),
        ("notebooks/10_latent_space", "10"),
        ("notebooks/A_zero_error", "A"),
        ("notebooks/Appendix_x", None),
        ("book/index", None),
        ("book/A_page", None),
    ],
)
def test_a_chapter_has_its_number_and_an_appendix_its_letter(docname, number):
    """Fails if an appendix has no number in its title, its minutes and the map of chapters."""
    assert extension("chapter_numbers").chapter_number(docname) == number


def test_an_appendix_comes_after_the_last_chapter():
    """Fails if `A` is sorted before `2`, or among the chapters that are in preparation."""
    rows = plan.map_rows(named({"cA_z": "Extra", **TWO}), ["13. More (in preparation) | How?"])
    assert [row[0].split(".")[0] for row in rows] == ["2", "9", "10", "13", "A"]
    assert rows[-1] == ("A. {doc}`Extra </notebooks/A_z>` *(optional)*", "Extra?")


@pytest.mark.parametrize(
    "line", ["9. Extra (in preparation) | Why?", "no number | Why?", "3. Only"]
)
def test_a_chapter_that_exists_is_not_called_in_preparation(two, line):
    with pytest.raises(ValueError, match=r"there is a chapter 9|not of the form"):
        plan.map_rows(two, [line])


def test_the_table_of_minutes_ends_with_their_sum(two):
    rows = plan.minutes_rows(two)
    assert rows[0] == ("2. {doc}`Two </notebooks/02_b>`", "50", "2")
    assert rows[-1] == ("together", "2 hours", "6")


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.2, "1 minute"), (1.4, "1 minute"), (2, "2 minutes")]
)
def test_what_takes_seconds_takes_a_minute(minutes, text):
    assert plan.minutes_text(minutes) == text


def test_a_notebook_without_a_question_is_named(tmp_path):
    path = tmp_path / "03_x.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# X")]), path)
    with pytest.raises(ValueError, match=r"03_x\.ipynb has no metadata\.chapter\.question"):
        reading_time.read_chapter(path)


@pytest.mark.processes
def test_pages_show_the_minutes_and_mark_an_optional_chapter(small_book):
    """Fails if a chapter's minutes stand beside the wrong heading, or in its description."""
    index, chapter = small_book("index"), small_book("notebooks/03_x")
    assert "3. X: a chapter (optional)</h1>" in chapter.replace("<a ", "</h1><a ")
    told = [part.partition("</p>")[0].split("<p>")[1] for part in chapter.split("vt-minutes")[1:]]
    assert told == [
        "About 6 minutes, the time for the exercises not counted.", "3 minutes", "1 minute"
    ]  # fmt: skip
    assert 'content="It begins.' in chapter
    assert "Four (in preparation)" in index and index.count("<em>(optional)</em>") == 2
    assert index.index("Why?") < index.index("Which?") < index.index("How?")
