"""Every cell of every chapter can be run twice in a row, and again after the whole chapter.

The first of the runs is the chapter from top to bottom: it also compares the outputs that the file
keeps, as `make nbval` does. Two chapters run at a time, in a kernel each; among several workers of
pytest-xdist each worker runs one.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from chapters import CHAPTERS, extension
from notebook_runs import findings, run

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(0)]

LONGEST_FIRST = extension("execution_order").longest_first(CHAPTERS)


@pytest.fixture(scope="module")
def runs(request) -> Iterator[Callable[[str], Future]]:
    """The run of a chapter by its name; those asked for later have begun, the longest first."""
    paths = {path.stem: path for path in LONGEST_FIRST}
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        if "PYTEST_XDIST_WORKER" in os.environ:  # the later ones may be another worker's
            yield lambda chapter: pool.submit(run, paths[chapter])
        else:
            items = [item for item in request.session.items if item.path == request.path]
            asked = {item.callspec.params["chapter"] for item in items}
            begun = {name: pool.submit(run, path) for name, path in paths.items() if name in asked}
            yield begun.__getitem__
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("chapter", [path.stem for path in LONGEST_FIRST])
def test_every_cell_can_be_run_again(chapter, runs):
    """Fails for a cell that changes what it started from, and for a name with two meanings."""
    assert list(findings(*runs(chapter).result())) == []
