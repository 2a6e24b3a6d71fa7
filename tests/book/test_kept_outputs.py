"""What the book's cells printed when it was built, against the outputs that the notebooks keep.

`make book` has run every cell already; nothing is run again here.
"""

import nbformat
import pytest
from absent import unbuilt
from chapters import CHAPTERS, ROOT
from jupyter_cache import get_cache
from notebook_runs import Step, findings

CACHES = ROOT / "_build" / ".jupyter_cache"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_book_shows_the_kept_outputs(path):
    """Fails for a number in the file that a run no longer gives, and for a chapter that failed."""
    notebook = nbformat.read(path, as_version=4)
    executed = executed_by_the_book(notebook)
    if executed is None:
        unbuilt(f"run of this {path.name}")
    cells = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    done = [(Step(n, "in the book"), executed.cells[n]) for n in cells]
    assert list(findings(notebook, done)) == []


def executed_by_the_book(notebook):
    """The notebook with the outputs of its run, or None where no cache has that code."""
    for folder in CACHES.glob("*"):
        try:
            return get_cache(folder).merge_match_into_notebook(notebook)[1]
        except KeyError:
            continue
    return None
