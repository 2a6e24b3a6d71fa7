"""One widget, four hosts: JupyterLab, the static book, an exported page, a test page.

A live kernel shows the anywidget view. Everything else shows the `text/html` beside it: the same
ES module and the widget's state, run by `host.js` with no kernel, no network and no CDN.
"""

import base64
import difflib
import html
import json
import zlib
from pathlib import Path
from typing import Any

import anywidget

from vae_teach.machine.whole_file import write_text
from vae_teach.widgets.parts.reopened import SENTENCE, show_note

_HOST = Path(__file__).with_name("host.js")

# No ids: a page may show the same widget twice. The payload is base64 inside a <script>, so
# nothing in it can close the element, and Sphinx's search index skips it. JupyterLab takes scripts
# and `hidden` out of what a stranger's notebook shows, so there the sentence is seen.
_SNIPPET = """\
<div data-vae-teach="waiting">
<script type="text/plain">{payload}</script>
<noscript>This figure is interactive and needs JavaScript.</noscript>
<p hidden>{sentence}</p>
</div>
<script type="module">
{host}
mountAll();
</script>
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; background: light-dark(#ffffff, #14181e); }}
body {{ margin: 0 auto; max-width: 54rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.5rem; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{snippet}</main>
</body>
</html>
"""


class TeachingWidget(anywidget.AnyWidget):
    """An anywidget that also runs where no kernel does.

    A keyword that is no trait is refused by name; traitlets would only warn and pass it on.

    Subclasses set `_esm` and `_css` to what `bundle` and `sheet` return, and tag their traits
    `sync=True`; a trait holds JSON values or bytes.
    """

    def __init__(self, *args: object, **traits: object):
        known = self.class_trait_names()
        for name in set(traits) - {*known, "model_id"}:  # ipywidgets takes that one itself
            close = difflib.get_close_matches(name, known, n=1)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{type(self).__name__} has no trait {name!r}{hint}")
        super().__init__(*args, **traits)

    def _static_traits(self) -> dict:
        """Return the traits a page needs: the subclass's own, not ipywidgets' plumbing."""
        plumbing = set(anywidget.AnyWidget.class_trait_names())
        names = self.trait_names(sync=True)
        own = sorted(n for n in names if n not in plumbing and not n.startswith("_"))
        return {name: getattr(self, name) for name in own}

    def _payload(self) -> str:
        """Return module, style and state as base64 of zlib; `unpack` in host.js undoes it."""
        traits = self._static_traits()
        blobs = {name: value for name, value in traits.items() if isinstance(value, bytes)}
        header = {
            "esm": str(self._esm),
            "css": str(self._css),
            "state": {name: value for name, value in traits.items() if name not in blobs},
            "buffers": [[name, len(blob)] for name, blob in blobs.items()],
        }
        text = json.dumps(header, allow_nan=False).encode()
        packed = len(text).to_bytes(4, "little") + text + b"".join(blobs.values())
        return base64.b64encode(zlib.compress(packed, 9)).decode()

    def snippet(self) -> str:
        """Return HTML that runs this widget, in its present state, inside any page."""
        host = _HOST.read_text(encoding="utf-8")
        return _SNIPPET.format(payload=self._payload(), host=host, sentence=SENTENCE)

    def to_html(self, path: str | Path, title: str | None = None) -> Path:
        """Write one self-contained page, whole or not at all: needs no server and no network.

        Args:
            path: the file to write; its folder must exist.
            title: heading and window title; the class name when None.

        Returns:
            The path written.

        Raises:
            OSError: naming `path`, if the file cannot be written; an older one is as it was.
        """
        heading = html.escape(type(self).__name__ if title is None else title)
        path = Path(path)
        write_text(path, _PAGE.format(title=heading, snippet=self.snippet()))
        return path

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """Return the live view and, beside it, the page snippet for hosts without a kernel."""
        show_note()
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/plain": repr(self), "text/html": self.snippet()}, metadata
