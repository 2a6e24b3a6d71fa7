"""The notebooks of the book, for the tests that read them."""

from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

CHAPTERS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """The code cells with their places among all cells, from 0."""
    return ((n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
