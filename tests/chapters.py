"""The notebooks of the book and what the build adds to Sphinx, for the tests that read them."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def extension(name: str) -> ModuleType:
    """A module of book/_ext, which finds its neighbours as Sphinx lets it."""
    folder = str(ROOT / "book" / "_ext")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """The code cells with their places among all cells, from 0."""
    return ((n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
