"""The bibliography's own form: an entry starts with the name by which the list is sorted."""

from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style
from sphinx.application import Sphinx


class LastNameFirst(Style):
    """`Doersch, Carl. Tutorial on ...`, sorted by author and year: the text cites these two."""

    default_name_style = "lastfirst"
    default_sorting_style = "author_year_title"


def setup(app: Sphinx) -> dict:
    """Give the style its name; `app` is not needed."""
    register_plugin("pybtex.style.formatting", "last_name_first", LastNameFirst)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
