"""What every test file shares: a line of its own in the summary at the end of a run."""

import os

import pytest
from hypothesis import settings

from vae_teach.machine.threads import share_cores

share_cores()  # before PyTorch is loaded: others may compute on this machine
os.environ["VAE_TEACH_STRICT"] = "1"  # in every kernel too: a false conclusion fails its chapter

_LINES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    # A worker of pytest-xdist hands its lines over at its end; see pytest_testnodedown.
    output = getattr(config, "workeroutput", {})
    config.stash[_LINES] = output.setdefault("lines", [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[_LINES] += getattr(node, "workeroutput", {}).get("lines", [])


@pytest.fixture(scope="session")
def report_line(pytestconfig):
    """A function that adds one line to the end of the run, for counts worth seeing."""
    return pytestconfig.stash[_LINES].append


@pytest.fixture(scope="module")
def one_thread():
    """For tests of thousands of tiny products, which a second thread only slows down."""
    import torch  # late: the cores are shared out before PyTorch is loaded

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_terminal_summary(terminalreporter, config):
    if lines := config.stash[_LINES]:
        terminalreporter.section("counted")
        for line in lines:
            terminalreporter.write_line(line)


# No test fails because its machine is slow; the limits of time are in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
