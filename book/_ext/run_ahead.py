"""Execute the notebooks that the cache lacks several at a time, before Sphinx reads them singly.

MyST-NB runs a notebook when it comes to its page, so that a machine's other cores wait. What is put
into the cache here it finds there. A notebook that fails is left to it: it tells the error.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from execution_order import longest_first
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.application import Sphinx
from sphinx.util import logging

AT_ONCE = 4  # a chapter needs up to 1 GB
log = logging.getLogger(__name__)


def missing(cache: JupyterCacheAbstract, folder: Path) -> Iterator[Path]:
    """The notebooks of the folder whose code is not in the cache, the longest first."""
    for path in longest_first(folder.glob("*.ipynb")):
        try:
            cache.match_cache_notebook(nbformat.read(path, as_version=4))
        except KeyError:
            yield path


def execute(path: Path, timeout: int) -> CacheBundleIn | None:
    """The executed notebook, or None if a cell failed."""
    notebook = nbformat.read(path, as_version=4)
    done = single_nb_execution(notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False)
    if done.err is not None:
        return None
    log.info("executed %s in %.0f seconds", path.name, done.time)
    return CacheBundleIn(notebook, str(path), data={"execution_seconds": done.time})


def run_ahead(app: Sphinx) -> None:
    """Fill the cache; nothing happens where one core, or one notebook, is all there is."""
    if app.config.nb_execution_mode != "cache":
        return
    cache = get_cache(app.config.nb_execution_cache_path)
    paths = list(missing(cache, Path(app.srcdir) / "notebooks"))
    workers = min(os.cpu_count() or 1, AT_ONCE)
    if workers == 1 or len(paths) < 2:
        return
    log.info("executing %d notebooks, %d at a time", len(paths), workers)
    with ThreadPoolExecutor(workers) as pool:
        for bundle in pool.map(execute, paths, [app.config.nb_execution_timeout] * len(paths)):
            if bundle is not None:
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def setup(app: Sphinx) -> dict:
    """Connect the handler; the cache's path is known once the configuration is read."""
    app.connect("builder-inited", run_ahead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
