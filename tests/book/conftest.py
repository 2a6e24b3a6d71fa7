"""A book of four pages with the kit's own extensions, built once for the tests that look at it."""

import os
import subprocess
import sys
from collections.abc import Callable

import nbformat
import pytest
from chapters import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vae_teach.plots.page import figure_html

INDEX = """# Book

```{chapter-map}
4. Four (in preparation) | Which?
```

```{chapter-minutes}
```

```{toctree}
notebooks/03_x
notebooks/07_y
pages/z
```
"""
SETTINGS = """
extensions = ['myst_nb', 'chapter_numbers', 'chapter_plan', 'figure_numbers', 'page_head']
nb_execution_mode = 'off'
nb_mime_priority_overrides = [('html', 'text/html', 0)]
"""
WORDS = "word " * 444
LESSON = [
    new_markdown_cell(f"# X: a chapter\n\nIt begins. {WORDS}"),
    new_markdown_cell(f"## First\n\n{WORDS}\n\n### Part\n\n## Last\n\nShort."),
]


def drawing(*captions: str | None):
    """A cell that has put out a figure for each caption."""
    data = [
        {"text/html": figure_html("<svg></svg>", "four words are enough", c), "text/plain": "a"}
        for c in captions
    ]
    return new_code_cell("draw()", outputs=[new_output("display_data", d) for d in data])


@pytest.fixture(scope="session")
def small_book(tmp_path_factory) -> Callable[[str], str]:
    """The pages by name, `index` or `notebooks/03_x`; the build warns of nothing.

    Chapter 3 is optional and has a section of three minutes and one of less than one; chapter 7 has
    the figures A, one without a caption, and B in two cells; the page `z` has the figure A.
    """
    folder = tmp_path_factory.mktemp("small_book")
    no_figure = new_code_cell("1", outputs=[new_output("display_data", {"text/html": "<p>1</p>"})])
    pages = {
        "notebooks/03_x": (LESSON, {"question": "Why?", "optional": True}),
        "notebooks/07_y": ([drawing("A.", None), no_figure, drawing("B.")], {"question": "How?"}),
        "pages/z": ([drawing("A.")], {}),
    }
    for name, (cells, about) in pages.items():
        (folder / name).parent.mkdir(exist_ok=True)
        title = [] if cells is LESSON else [new_markdown_cell("# X")]
        language = {"name": "python", "pygments_lexer": "ipython3"}
        metadata = {"chapter": about, "language_info": language}
        nbformat.write(
            new_notebook(cells=title + cells, metadata=metadata), folder / f"{name}.ipynb"
        )
    (folder / "index.md").write_text(INDEX)
    (folder / "conf.py").write_text(SETTINGS)
    # in a process of its own: a second Sphinx in one process may lack the first one's parsers
    done = subprocess.run(
        [sys.executable, "-B", "-m", "sphinx", "-q", folder, folder / "out"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "book" / "_ext")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return lambda name: (folder / "out" / f"{name}.html").read_text("utf-8")
