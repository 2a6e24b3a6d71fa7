"""A chapter's number, from the name of its notebook, at the front of its title.

The title is what the sidebar, the page, previous and next and the search show, so all have it.
`08_evaluation.ipynb` is chapter 8, `A_zero_error.ipynb` is appendix A: a file is renamed to
renumber a chapter, and nothing else.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


def chapter_number(docname: str) -> str | None:
    """`8` for `notebooks/08_evaluation`, `A` for `notebooks/A_zero_error`; None for other pages."""
    found = re.match(r"notebooks/0*(\d+|[A-Z])_", docname)
    return found and found[1]


class NumberTitle(SphinxTransform):
    """Put the number before the words of the page's title."""

    default_priority = 10  # before Sphinx collects titles

    def apply(self) -> None:
        """Change the first title of a chapter."""
        number = chapter_number(self.env.docname)
        title = next(self.document.findall(nodes.title), None)
        if number and title:
            title.insert(0, nodes.Text(f"{number}. "))


def setup(app: Sphinx) -> dict:
    """Make the transform known."""
    app.add_transform(NumberTitle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
