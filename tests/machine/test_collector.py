"""The collector that stands still while libraries are loaded, and is as before afterwards."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from vae_teach.machine.collector import paused_collector

ROOT = Path(__file__).parents[2]
PASSES = """
import gc
import vae_teach
def passes():
    return [generation["collections"] for generation in gc.get_stats()]
before = passes()
from vae_teach import VAE, data, fit
print(passes() == before, gc.isenabled(), gc.get_freeze_count(), gc.get_count()[0] < 5_000)
"""


class Node:
    """What can be in a circle, which only the collector frees."""


def circle():
    node = Node()
    node.itself = node
    return weakref.ref(node)


@pytest.mark.processes
def test_the_front_door_loads_pytorch_without_a_pass_of_the_collector():
    """Fails if a quarter of a second comes back to every program, at the import or right after."""
    done = subprocess.run(
        [sys.executable, "-c", PASSES], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["True", "True", "0", "True"]


def test_what_was_thrown_away_meanwhile_is_freed_by_the_next_full_pass():
    """Fails if objects stay frozen: a model in a circle would keep its memory for ever."""
    before = circle()
    with paused_collector():
        meanwhile = circle()
        assert not gc.isenabled() and meanwhile() is not None
    assert gc.isenabled()
    gc.collect()
    assert before() is None and meanwhile() is None


def test_a_library_that_cannot_be_loaded_leaves_the_collector_on():
    with pytest.raises(ImportError), paused_collector():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_somebody_has_set_up_is_left_as_it_is():
    """Fails if a program that switched it off has it on again, or its frozen objects are thawed."""
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with paused_collector():
            assert gc.isenabled()
        assert gc.get_freeze_count() == count > 0
    finally:
        gc.unfreeze()
