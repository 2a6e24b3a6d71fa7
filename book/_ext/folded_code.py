"""The code of a figure is folded, and stands under the figure that it draws.

A cell with the tag `hide-input` is folded by myst-nb, above what it shows. A reader looks at the
figure first, so the fold follows it. The prompts of _config.yml speak of a figure; a cell that
prints, or only defines, says "this code".
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from docutils import nodes
from myst_nb.sphinx_ import HideInputCells
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class FoldUnderOutput(SphinxPostTransform):
    """Move the folded code of a cell behind its output."""

    default_priority = HideInputCells.default_priority + 1
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Reorder the children of every cell whose code alone is folded."""
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") == "cell_code" and cell.get("hide_mode") == "input":
                code, *output = cell.children
                cell.children = [*output, code]
                if not any(isinstance(n, (nodes.raw, nodes.image)) for n in walk(output)):
                    for prompt in ("prompt_show", "prompt_hide"):
                        code[prompt] = code[prompt].replace("the code of this figure", "this code")


def walk(roots: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    """All nodes under the roots, and these."""
    return chain.from_iterable(root.findall() for root in roots)


def setup(app: Sphinx) -> dict:
    """Connect the transform."""
    app.add_post_transform(FoldUnderOutput)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
