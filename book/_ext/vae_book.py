"""What this book asks of Sphinx beyond its configuration.

- MathJax comes from the book itself, and only the files that a page can ask for.
- A notebook's stored outputs are used again only if nothing they depend on has changed.
- The state of live widgets stays out of the pages: they show their own HTML, with no kernel.
- A conclusion that is false in the run whose outputs the page shows stops the build.
- A page asks for nothing that the browser would refuse on file://, and for nothing twice.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

# sphinx-mathjax-offline carries 24 MB. Asked for at run time: the combined component, its fonts,
# the TeX extensions that \require and autoload name, and the MathML written for screen readers.
MATHJAX = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2/*.woff",
    "input/tex/extensions/*.js",
    "a11y/assistive-mml.js",
)
NOT_MATHJAX = {"all-packages.js"}


def copy_mathjax(app: Sphinx) -> None:
    """Copy the files of MATHJAX into the built book's _static/mathjax."""
    if app.builder.format != "html":
        return
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ExtensionError("sphinx-mathjax-offline is missing: pip install -r requirements.txt")
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for pattern in MATHJAX:
        files = [file for file in source.glob(pattern) if file.name not in NOT_MATHJAX]
        if not files:
            raise ExtensionError(f"{source} has no {pattern}: another MathJax than was pinned")
        for file in files:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def fingerprint(root: Path) -> str:
    """Return a hash of all that a notebook's outputs depend on besides its own code.

    These are the package, the pinned versions, the Python and the data set that is picked.
    """
    from vae_teach import data  # late: it imports torch

    digest = hashlib.sha256()
    package = root / "vae_teach"
    files = [file for ext in ("py", "js", "css", "json") for file in package.rglob(f"*.{ext}")]
    for file in [root / "requirements.txt", *sorted(files)]:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    digest.update(f"{data.choose()[0]} {platform.python_version()}".encode())
    return digest.hexdigest()[:16]


def use_matching_cache(app: Sphinx, config: Config) -> None:
    """Point the notebook cache at a folder named after the fingerprint; drop all others."""
    root = Path(app.srcdir)
    cache = root / "_build" / ".jupyter_cache" / fingerprint(root)
    for old in cache.parent.glob("*"):
        if old.is_dir() and old != cache:  # a stray file is nobody's outputs
            shutil.rmtree(old)
    # A new path also makes Sphinx read every page again, so no page keeps stale outputs.
    config.nb_execution_cache_path = str(cache)


def drop_widget_state(app: Sphinx, doctree: object) -> None:
    """Remove the JSON of every live widget, which would double the page."""
    pages = getattr(app.env, "nb_metadata", {})
    pages.get(app.env.docname, {}).get("js_files", {}).pop("ipywidgets_state", None)


def drop_unused_mathjax(
    app: Sphinx, page: str, template: str, context: dict, doctree: object
) -> None:
    """Leave MathJax out of the first page, which Sphinx takes for a page with formulas.

    It counts the formulas of all pages in the table of contents, which hangs on the first page.
    """
    if not app.env.get_domain("math").data["has_equations"].get(page):
        scripts = context["script_files"]
        scripts[:] = [file for file in scripts if app.config.mathjax_path not in str(file.filename)]


# What the theme writes into every page, and what stands there instead.
PAGE_EDITS = (
    # Hints to preload the icon fonts, which the style sheet loads anyway. The hints ask for CORS,
    # which no page on file:// gets: six console errors on every page.
    (r'<link rel="preload" as="font"[^>]*>\s*', ""),
    # 1.5 MB of script that draw a dozen icons, which the style sheet beside it draws as well.
    (r'<script src="[^"]*/fontawesome/[^"]*/js/all\.min\.js[^"]*"></script>\s*', ""),
    # The name of a button contains the words that it shows.
    (r'(<button class="btn search-button-field[^>]*) aria-label="Search"', r"\1"),
    # So does that of folded code.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # The book's title and its contents belong to a landmark.
    (r'<div( class="bd-sidebar-primary bd-sidebar)', r'<div role="region" aria-label="Book"\1'),
)
# Files of the theme and of the extensions that no page asks for.
UNUSED = ("**/*.map", "locales/**/*.*", "vendor/fontawesome/**/*.js", "vendor/fontawesome/**/*.ttf")


def edit_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply PAGE_EDITS, and leave out what is UNUSED."""
    if error or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = edited = page.read_text(encoding="utf-8")
        for pattern, replacement in PAGE_EDITS:
            edited = re.sub(pattern, replacement, edited)
        if edited != text:
            page.write_text(edited, encoding="utf-8")
    for pattern in UNUSED:
        for file in (Path(app.outdir) / "_static").glob(pattern):
            file.unlink()


def setup(app: Sphinx) -> dict:
    """Connect the handlers."""
    # Jupyter Book sets this one even where its owner, sphinx_comments, is not loaded.
    app.add_config_value("comments_config", {}, "env")
    app.connect("config-inited", use_matching_cache)
    app.connect("builder-inited", copy_mathjax)
    app.connect("doctree-read", drop_widget_state)
    app.connect("html-page-context", drop_unused_mathjax, priority=900)  # after sphinx.ext.mathjax
    app.connect("build-finished", edit_pages)
    os.environ.setdefault("VAE_TEACH_STRICT", "1")  # for the kernels: see vae_teach/check
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
