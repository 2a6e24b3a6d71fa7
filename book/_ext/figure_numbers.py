"""Figures of a chapter are numbered, so that a class can be told which to look at: "Figure 4.3".

`show` writes a figure as HTML without a number, because a notebook does not know its place in the
book. The number is put at the front of its caption when the pages are made; a figure without a
caption gets one that has only the number.
"""

import re
from collections.abc import Iterator
from itertools import count

from chapter_numbers import chapter_number
from docutils import nodes
from myst_nb.sphinx_ import SelectMimeType
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

FIGURE = re.compile(
    r'(<figure class="vt-figure">.*?)(?:<figcaption>(.*?)</figcaption>)?</figure>', re.S
)


def numbered(html: str, chapter: str, numbers: Iterator[int]) -> str:
    """The HTML with the next of `numbers` in front of the caption of each figure in it."""

    def with_caption(found: re.Match) -> str:
        picture, words = found.groups()
        label = f'<span class="vt-figure-number">Figure {chapter}.{next(numbers)}</span>'
        caption = f"{label}. {words}" if words else label
        return f"{picture}<figcaption>{caption}</figcaption></figure>"

    return FIGURE.sub(with_caption, html)


class NumberFigures(SphinxPostTransform):
    """Number the figures of a chapter in the order of the page."""

    default_priority = SelectMimeType.default_priority + 1  # one form of each output is left
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Change the HTML of every output that holds a figure."""
        chapter, numbers = chapter_number(self.env.docname), count(1)
        if chapter is None:
            return
        for raw in list(self.document.findall(nodes.raw)):
            text = raw.astext()
            if "vt-figure" in text:
                raw.children = [nodes.Text(numbered(text, chapter, numbers))]


def setup(app: Sphinx) -> dict:
    """Connect the transform."""
    app.add_post_transform(NumberFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
