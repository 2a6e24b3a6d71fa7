"""What every test file shares: the order of a run, and lines of counts at its end."""

import os
import sys

import pytest
from hypothesis import settings

from vae_teach.machine.threads import share_cores

# jsonschema, which nbformat loads, looks for this grammar of web addresses: a second a process.
sys.modules.setdefault("rfc3987_syntax", None)
share_cores()  # before PyTorch is loaded: others may compute on this machine
os.environ["VAE_TEACH_STRICT"] = "1"  # in every kernel too: a false conclusion fails its chapter

_COUNTED = pytest.StashKey[dict[str, dict[str, int]]]()

LONG = ("notebooks", "processes", "jupyterlab")  # marks of tests that may take minutes alone


def pytest_configure(config):
    # A worker of pytest-xdist hands its counts over at its end; see pytest_testnodedown.
    output = getattr(config, "workeroutput", {})
    config.stash[_COUNTED] = output.setdefault("counted", {})


@pytest.hookimpl(trylast=True)  # after other plugins have ordered and left out theirs
def pytest_collection_modifyitems(items):
    """The longest first: a core that is done takes short tests over from the other, to the end."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for line, counts in getattr(node, "workeroutput", {}).get("counted", {}).items():
        _add(node.config, line, counts)


def _add(config, line, counts):
    """Plain dictionaries: a worker's output can hold nothing else."""
    known = config.stash[_COUNTED].setdefault(line, {})
    for name, count in counts.items():
        known[name] = known.get(name, 0) + count


@pytest.fixture(scope="session")
def report_counts(pytestconfig):
    """A function that adds a line to the end of the run, for counts worth seeing.

    `report_counts("{tests} passed there", tests=5)`: what several processes count is added up.
    """

    def report_counts(line: str, **counts: int) -> None:
        _add(pytestconfig, line, counts)

    return report_counts


@pytest.fixture(scope="module")
def one_thread():
    """For tests of thousands of tiny products, which a second thread only slows down."""
    import torch  # late: the cores are shared out before PyTorch is loaded

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_terminal_summary(terminalreporter, config):
    if counted := config.stash[_COUNTED]:
        terminalreporter.section("counted")
        for line, counts in counted.items():
            terminalreporter.write_line(line.format_map(counts))


# No test fails because its machine is slow; the limits of time are in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
