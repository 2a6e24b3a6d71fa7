"""What a notebook shows that was saved with a widget and is opened again.

JupyterLab then has no model for the view, says "Error displaying widget: model not found", and does
not look at the HTML beside it. A style sheet in an output of its own, above the view's, is there
again with the saved notebook: it puts a sentence in the place of the error, and shows nothing as
long as there is a view.
"""

import os

from IPython.display import display

SENTENCE = "Run this cell to see its interactive figure."

# The error is a node of the class jupyter-widgets with no element in it; a view has elements.
_NOTE = f"""\
<style class="vae-teach-reopened">
.jp-OutputArea-child:has(.vae-teach-reopened) {{ display: none; }}
.jp-OutputArea-child:has(.vae-teach-reopened) + .jp-OutputArea-child
> .jupyter-widgets:not(:has(*)) {{
  font-size: 0;
  &::after {{ content: "{SENTENCE}"; font-size: var(--jp-content-font-size1, 14px); }}
}}
</style>"""


def show_note() -> None:
    """Display the note if a Jupyter server runs this kernel; a book's build has no use for it."""
    if "JPY_SESSION_NAME" in os.environ:
        display({"text/html": _NOTE}, raw=True)
