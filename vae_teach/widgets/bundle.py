"""One text from several ES modules, for hosts that know one text only.

anywidget and host.js load a widget from its text, where `./other.js` would mean nothing. So an
import of a file beside it is replaced by an import of that file's own text.
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
