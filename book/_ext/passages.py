"""The text that search.js looks through, cut where a link can lead: section, exercise, term.

Sphinx's own index knows the words of a page but not where they stand; it fetches every page it
found to show an excerpt, which no browser allows in a page opened from a folder. Here the text
itself is a script of the search page: about as long as the book, and nothing else is asked for.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx_exercise.nodes import is_exercise_node, is_solution_node

Passage = tuple[str, str, str, str]  # anchor, heading, text, code


def _is_left_out(node: nodes.Node) -> bool:
    """Displayed formulas, outputs and pictures; and solutions, which are to stay folded."""
    unreadable = nodes.raw | nodes.math_block | nodes.comment | addnodes.index
    output = isinstance(node, nodes.container) and "cell_output" in node["classes"]
    return output or isinstance(node, unreadable) or is_solution_node(node)


def _has_title(section: nodes.section) -> bool:
    """Whether it is a section of the page; sphinx-exercise puts its text into a bare one."""
    return isinstance(section.children[0], nodes.title)


def _words(node: nodes.Node) -> Iterator[tuple[bool, str]]:
    """The words under a node that are not a passage of their own, and whether they are code."""
    if _is_left_out(node) or is_exercise_node(node) or isinstance(node, nodes.title | nodes.term):
        return
    if isinstance(node, nodes.section) and _has_title(node):
        return
    if isinstance(node, nodes.math):
        yield False, "…"  # nobody searches for TeX, and a sentence needs something in its place
        return
    if isinstance(node, nodes.Text):
        yield isinstance(node.parent, nodes.literal_block), node.astext()
    for child in node.children:
        yield from _words(child)
    if isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Inline):
        yield isinstance(node, nodes.literal_block), " "


def _passage(anchor: str, heading: str, children: list[nodes.Node]) -> Passage:
    text, code = "", ""
    for is_code, words in (found for child in children for found in _words(child)):
        text, code = (text, code + words) if is_code else (text + words, code)
    return anchor, " ".join(heading.split()), " ".join(text.split()), " ".join(code.split())


def passages(doctree: nodes.document) -> Iterator[Passage]:
    """Every section, exercise and glossary entry with the text that is its own."""
    for section in filter(_has_title, doctree.findall(nodes.section)):
        yield _passage(section["ids"][0], section.children[0].astext(), section.children)
    for exercise in doctree.findall(is_exercise_node):
        heading = " ".join(part.astext() for part in exercise.children[0].children)
        yield _passage(exercise["ids"][0], heading, exercise.children[1:])
    for entry in doctree.findall(nodes.definition_list_item):
        terms = [child for child in entry.children if isinstance(child, nodes.term)]
        if terms and terms[0]["ids"]:
            heading = ", ".join(term.astext() for term in terms)
            yield _passage(terms[0]["ids"][0], heading, entry.children)


def write_passages(app: Sphinx, error: Exception | None) -> None:
    """Write the passages of all pages; a build that left some pages alone has them all the same."""
    if error or app.builder.format != "html":
        return
    pages = [
        {
            "address": app.builder.get_target_uri(docname),
            "title": app.env.titles[docname].astext(),
            "chapter": docname.startswith("notebooks/"),
            "passages": list(passages(app.env.get_doctree(docname))),
        }
        for docname in sorted(app.env.found_docs)
    ]
    text = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
    script = f"window.vaeTeachPages = {text};\n"
    (Path(app.outdir) / "_static" / "passages.js").write_text(script, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Connect the handler."""
    app.connect("build-finished", write_passages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
