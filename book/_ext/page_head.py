"""What a search engine or a chat shows of a page: its title and its first sentences."""

from html import escape

from docutils import nodes
from sphinx.application import Sphinx

LONGEST = 200  # characters; most readers of the tag cut off about there


def first_words(doctree: nodes.document) -> str:
    """The first paragraph that is no part of a box, cut between two words."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            words = " ".join(paragraph.astext().split())
            return words if len(words) <= LONGEST else words[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def add_description(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add the tags to the head of a page made of a document."""
    if doctree is None:
        return
    title = nodes.document.astext(app.env.titles[page])
    described = {
        'name="description"': first_words(doctree),
        'property="og:title"': title,
        'property="og:description"': first_words(doctree),
        'property="og:type"': "article",
        'property="og:site_name"': app.config.html_title or app.config.project,
    }
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n    <meta {name} content="{escape(content)}">' for name, content in described.items()
    )


def setup(app: Sphinx) -> dict:
    """Connect the handler."""
    app.connect("html-page-context", add_description)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
