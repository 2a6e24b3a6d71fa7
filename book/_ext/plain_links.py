"""Glossary terms and the bibliography's entries as targets of ordinary Markdown links.

A notebook is read in JupyterLab too, which knows no roles of Sphinx. It therefore links to a term
by `[words](../book/glossary.md#kl-divergence)` and to a publication by
`[Doersch, 2016](../book/references.md#doersch2016tutorial)`. Here both are made known to MyST
beside the headings of their page: a term by its words joined with hyphens, an entry by its key.
A link to neither is a warning of MyST, and so stops the build.
"""

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def slug(term: str) -> str:
    """The anchor of a term: `KL divergence` becomes `kl-divergence`."""
    return "-".join(term.lower().split())


def add_targets(app: Sphinx, env: BuildEnvironment) -> None:
    """Add each term and each entry to the anchors of the page that holds it."""
    targets = [
        (docname, slug(name), anchor, name)
        for (kind, name), (docname, anchor) in env.get_domain("std").objects.items()
        if kind == "term"
    ]
    targets += [
        (citation.bibliography_key.docname, citation.key, citation.citation_id, citation.key)
        for citation in env.get_domain("cite").citations
    ]
    for docname, name, anchor, words in targets:
        slugs = env.metadata[docname].setdefault("myst_slugs", {})
        slugs.setdefault(name, (0, anchor, words))  # what MyST keeps: line, anchor, words


def setup(app: Sphinx) -> dict:
    """Connect the handler; it runs when all pages are read and before links are resolved."""
    app.connect("env-updated", add_targets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
