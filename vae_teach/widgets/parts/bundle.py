"""One text from several files, for hosts that know one text only.

anywidget and host.js load a widget from its text, where `./other.js` would mean nothing. So every
file that a widget imports, directly or not, is put before it once, as a function that returns what
the file exports. A style sheet is put after those that it shares with other widgets.
"""

import re
from pathlib import Path

_IMPORT = re.compile(
    r"""^import \{([^}]*)\} from "\./((?:[\w-]+/)*[\w-]+\.js)";$""", flags=re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let) (\w+))", flags=re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export (?!default )).*", flags=re.MULTILINE)


def bundle(path: Path) -> str:
    """Return the module and all that it imports, as one module.

    An import has the form `import { a, b } from "./folder/name.js";`, an export is a function or a
    variable with one name, and the module's own `export default`.

    Raises:
        FileNotFoundError: if an imported file is not there.
        ValueError: if files import one another in a circle, or a file imports or exports in
            another form; the message has the file's name.
    """
    texts: dict[str, str] = {}  # by file name, each after those that it imports
    _collect(path, texts, ())
    *shared, main = texts
    return "\n".join([*(_closed(name, texts[name]) for name in shared), texts[main]])


def _collect(path: Path, texts: dict[str, str], importers: tuple[str, ...]) -> None:
    """Put the file's text, its imports replaced, after those of all files that it imports."""
    if path.name in importers:
        circle = " imports ".join([*importers, path.name])
        raise ValueError(f"files import one another in a circle: {circle}")
    if path.name in texts:
        return
    text = path.read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        _collect(path.parent / found[2], texts, (*importers, path.name))
    text = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_variable(found[2])};", text)
    odd = _OTHER.search(_EXPORT.sub("", text))
    if odd is not None:
        raise ValueError(f"{path.name} has a line that cannot be bundled: {odd[0]}")
    texts[path.name] = text


def _closed(name: str, text: str) -> str:
    """The file's text inside a function, so that none of its names meets another file's."""
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", text)
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _variable(name: str) -> str:
    return "module_" + name.rpartition("/")[2].removesuffix(".js").replace("-", "_")


def sheet(path: Path, *shared: str) -> str:
    """Return `parts/common.css`, the shared sheets named and then the own one, as one text.

    A shared sheet is one of `parts`, or that of another widget whose class the own element has too.
    In those of `parts` `.widget` stands for the class that the own sheet begins with, so that no
    widget's rules reach another one on the same page.

    Raises:
        FileNotFoundError: if a sheet is not there.
        ValueError: if the own sheet has no rule for a class.
    """
    own = path.read_text(encoding="utf-8")
    root = re.search(r"^(\.[\w-]+) \{", own, flags=re.MULTILINE)
    if root is None:
        raise ValueError(f"{path} has no line such as '.name {{', so its class is not known")
    parts = path.parent / "parts"
    files = [parts / f"{name}.css" for name in ("common", *shared)]
    files = [file if file.is_file() else path.with_name(file.name) for file in files]
    texts = [file.read_text(encoding="utf-8").replace(".widget", root[1]) for file in files]
    return "\n".join([*texts, own])
