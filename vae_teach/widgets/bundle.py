"""One text from several files, for hosts that know one text only.

anywidget and host.js load a widget from its text, where `./other.js` would mean nothing. So an
import of a file beside it is replaced by an import of that file's own text. A style sheet is put
after those that it shares with other widgets.
"""

import base64
import re
from pathlib import Path

_IMPORT = re.compile(r"""(\bfrom\s+)(["'])\./([\w-]+\.js)\2""")


def bundle(path: Path) -> str:
    """Return the module's text with every `from "./name.js"` pointing at that file's text.

    Raises:
        FileNotFoundError: if an imported file is not there.
    """
    text = path.read_text(encoding="utf-8")
    return _IMPORT.sub(lambda found: f'{found[1]}"{_data_url(path.with_name(found[3]))}"', text)


def _data_url(path: Path) -> str:
    packed = base64.b64encode(bundle(path).encode()).decode("ascii")
    return f"data:text/javascript;base64,{packed}"


def sheet(path: Path, *shared: str) -> str:
    """Return `common.css`, the shared sheets named and then the widget's own, as one text.

    In a shared sheet `.widget` stands for the class that the own sheet begins with, so that no
    widget's rules reach another one on the same page.

    Raises:
        FileNotFoundError: if a sheet is not there.
        ValueError: if the own sheet has no rule for a class.
    """
    own = path.read_text(encoding="utf-8")
    root = re.search(r"^(\.[\w-]+) \{", own, flags=re.MULTILINE)
    if root is None:
        raise ValueError(f"{path} has no line such as '.name {{', so its class is not known")
    files = (path.with_name(f"{name}.css") for name in ("common", *shared))
    texts = [file.read_text(encoding="utf-8").replace(".widget", root[1]) for file in files]
    return "\n".join([*texts, own])
