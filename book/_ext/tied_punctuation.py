"""A comma or a full stop stays on the line of the formula before it."""

import re

from docutils import nodes
from sphinx.application import Sphinx


def tie(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put each formula and the sign after it into one span that the style sheet keeps together."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        sign = re.match(r"[,.;:?!)]+", after) if isinstance(after, nodes.Text) else None
        if sign is None:
            continue
        tied = nodes.inline(classes=["vt-tied"])
        formula.replace_self(tied)
        tied += [formula, nodes.Text(sign[0])]
        after.parent.replace(after, nodes.Text(after[sign.end() :]))


def setup(app: Sphinx) -> dict:
    """Connect the handler."""
    app.connect("doctree-resolved", tie)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
