"""The numbers of figures: in the order of the page, with the chapter's number in front."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vae_teach.plots.page import figure_html

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"


def cell(*figures: str):
    outputs = [
        new_output("display_data", {"text/html": figure, "text/plain": "a picture"})
        for figure in figures
    ]
    return new_code_cell("draw()", outputs=outputs)


def build(folder, name, *cells):
    """The page of a notebook with these cells, and the warnings."""
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "conf.py").write_text(
        "extensions = ['myst_nb', 'chapter_numbers', 'figure_numbers']\n"
        "nb_execution_mode = 'off'\nnb_mime_priority_overrides = [('html', 'text/html', 0)]\n"
    )
    (folder / "index.md").write_text(f"# Book\n\n```{{toctree}}\nnotebooks/{name}\n```\n")
    about = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    notebook = new_notebook(cells=[new_markdown_cell("# X"), *cells], metadata=about)
    nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
    # in a process of its own: a second Sphinx in one process may lack the first one's parsers
    done = subprocess.run(
        [sys.executable, "-B", "-m", "sphinx", "-q", folder, folder / "out"],
        env={**os.environ, "PYTHONPATH": str(EXTENSIONS)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return (folder / "out" / "notebooks" / f"{name}.html").read_text("utf-8"), done.stderr


def test_figures_of_a_chapter_are_numbered_in_the_order_of_the_page(tmp_path):
    """Two figures of one cell had one number, or a figure without a caption none."""
    one, two, three = (
        figure_html("<svg></svg>", "four words are enough", c) for c in ("A.", None, "B.")
    )
    page, warnings = build(tmp_path, "07_x", cell(one, two), cell("<p>no figure</p>"), cell(three))
    assert warnings == ""
    captions = [part.partition("</figcaption>")[0] for part in page.split("<figcaption>")[1:]]
    label = '<span class="vt-figure-number">Figure 7.{}</span>'.format
    assert captions == [f"{label(1)}. A.", label(2), f"{label(3)}. B."]


def test_a_page_that_is_no_chapter_has_no_numbers(tmp_path):
    figure = figure_html("<svg></svg>", "four words are enough", "A.")
    page, _ = build(tmp_path, "x", cell(figure))
    assert "<figcaption>A.</figcaption>" in page
