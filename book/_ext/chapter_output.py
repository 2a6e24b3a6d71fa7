"""`chapter-output` shows on one page what a chapter's cell has put out, found by the cell's tag:

    ```{chapter-output} ../notebooks/07_vae explorer
    ```

So the first page has the very explorer of the chapter, and the model is trained once.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join, logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class chapter_output(nodes.General, nodes.Element):  # docutils names nodes in lower case
    """Where the output is to stand: `chapter` is a document, `tag` that of one of its cells."""


class ChapterOutput(SphinxDirective):
    """Leave a place for the output; the chapter may not have been read yet."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return the placeholder; the page depends on the chapter."""
        chapter = docname_join(self.env.docname, self.arguments[0])
        self.env.note_dependency(self.env.doc2path(chapter))
        place = chapter_output(chapter=chapter, tag=self.arguments[1])
        self.set_source_info(place)
        return [place]


class FillIn(SphinxPostTransform):
    """Put the output into its place."""

    default_priority = 1  # before MyST-NB picks the form of each output that suits the builder

    def run(self, **keywords: object) -> None:
        """Copy the outputs of the tagged cell."""
        for place in list(self.document.findall(chapter_output)):
            found = [
                output
                for cell in self.env.get_doctree(place["chapter"]).findall(nodes.container)
                if f"tag_{place['tag']}" in cell["classes"]
                for output in cell.findall(nodes.container)
                if "cell_output" in output["classes"]
            ]
            if len(found) != 1:
                words = "%s has %d outputs of cells tagged %s, not one"
                logger.warning(words, place["chapter"], len(found), place["tag"], location=place)
            place.replace_self([output.deepcopy() for output in found])


def setup(app: Sphinx) -> dict:
    """Make the directive and its filling known."""
    app.add_node(chapter_output)
    app.add_directive("chapter-output", ChapterOutput)
    app.add_post_transform(FillIn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
