"""What belongs together stays on one line.

That is a comma or a full stop and the formula before it, a number and its per cent sign, both
factors of a size such as 28 × 28, and the hyphens of an option such as `--seed`.
"""

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


def tie_numbers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put spaces that do not break into the text, and keep options in one piece."""
    as_written = nodes.FixedTextElement | nodes.literal | nodes.math | nodes.raw
    for text in list(doctree.findall(nodes.Text)):
        # an output's HTML, once figure_numbers.py has changed it, has no parent
        if text.parent is None or isinstance(text.parent, as_written):
            continue
        tied = re.sub(r"(?<=\d) (?=%)|(?<=\d) (?=× \d)|(?<=\d[ \xa0]×) (?=\d)", "\xa0", text)
        if tied != text:
            text.parent.replace(text, nodes.Text(tied))
    for literal in doctree.findall(nodes.literal):
        if literal.astext().startswith("-") and " " not in literal.astext():
            literal["classes"].append("vt-tied")


def setup(app: Sphinx) -> dict:
    """Connect the handler."""
    app.connect("doctree-resolved", tie)
    app.connect("doctree-resolved", tie_numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
