"""Titles of exercises and solutions as the reader uses them.

sphinx-exercise writes `Exercise (3.1 Two Gaussians)`, and makes the words of a solution's title a
link to the exercise, which stands just above: who presses them to open the solution is taken away.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_exercise.nodes import is_extension_node


def plain_titles(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take the link out of the title of each solution, and the brackets out of every title."""
    for box in doctree.findall(is_extension_node):
        title = box.next_node(nodes.title)
        for link in list(title.findall(nodes.reference)):
            link.replace_self(link.children)
        for text in list(title.findall(nodes.Text)):
            if text in (" (", ")"):
                text.parent.replace(text, nodes.Text(text.strip("()")))


def setup(app: Sphinx) -> dict:
    """Connect the handler; sphinx-exercise has written the titles by then."""
    app.connect("doctree-resolved", plain_titles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
