"""Threads: as many as the cores and the others on the machine leave to a kernel or command."""

import os
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
import torch
from notebook_runs import execute

from vae_teach.machine import threads

ROOT = Path(__file__).parents[2]
KERNEL = ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "/run/kernel-1.json"]
TRAINING = ["python", "-m", "vae_teach", "train", "--out", "run"]


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """Nothing taken yet, nothing said, and this process's own number of threads put back."""
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "_taken", [])
    monkeypatch.setattr(threads, "_counted", [])
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        (KERNEL, True),
        (["C:\\Python\\python.exe", "-m", "ipykernel_launcher"], True),
        (TRAINING, True),
        (["python", "-u", "-m", "vae_teach", "reproduce", "mathybit"], True),
        (["/venv/bin/python", "/venv/bin/vae-teach", "train", "--out", "x"], True),
        (["python", "-m", "vae_teach", "data"], False),
        (["python", "-m", "jupyter", "lab"], False),
        (["bash", "-c", "python -m vae_teach train --out run"], False),
        (["vim", "vae_teach/training/loop.py"], False),
        ([], False),
    ],
)
def test_who_computes_is_told_by_the_command_line(command, counts):
    assert threads.computes(command) is counts


@pytest.mark.parametrize(
    ("cores", "others", "share"),
    [(1, 0, 1), (2, 0, 1), (2, 1, 1), (4, 0, 2), (8, 0, 4), (8, 1, 2), (8, 30, 1), (64, 3, 8)],
)
def test_the_share_follows_from_cores_and_others(monkeypatch, cores, others, share):
    """Two cores and two kernels of two threads each had not ended after 400 s."""
    processes = [types.SimpleNamespace(pid=-1, info={"cmdline": KERNEL})] * others
    mine = types.SimpleNamespace(pid=os.getpid(), info={"cmdline": KERNEL})
    hidden = types.SimpleNamespace(pid=-2, info={"cmdline": None})
    monkeypatch.setattr("psutil.process_iter", lambda attrs: [mine, hidden, *processes])
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert threads.share() == share


def test_later_kernels_do_not_take_more_than_the_cores(monkeypatch):
    """Each takes half of what is left to it, so three may come before any counts again."""
    monkeypatch.setattr(threads, "cores", lambda: 16)
    taken = []
    for there in (1, 2, 3):
        monkeypatch.setattr(threads, "computing_processes", lambda there=there: there)
        taken.append(threads.share())
    assert sum(taken) <= 16


def test_a_number_that_was_said_is_kept(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "7")
    threads.share_cores()
    assert os.environ[threads.VARIABLE] == "7" and torch.get_num_threads() == 2


def test_a_number_that_the_reader_sets_later_is_kept(monkeypatch):
    monkeypatch.setattr(threads, "share", lambda: 1)
    threads.share_cores()
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "AGAIN_AFTER", -1.0)
    threads.share_cores()
    assert torch.get_num_threads() == 2


def test_a_smaller_number_than_the_share_is_not_raised(monkeypatch):
    monkeypatch.setattr(threads, "share", lambda: 5)
    threads.share_cores()
    assert torch.get_num_threads() == 2


def test_the_others_are_counted_again_after_a_while(monkeypatch):
    counts = iter([2, 1])
    monkeypatch.setattr(threads, "share", lambda: next(counts))
    threads.share_cores()
    threads.share_cores()
    assert torch.get_num_threads() == 2  # at once: nothing is counted
    monkeypatch.setattr(threads, "AGAIN_AFTER", -1.0)
    threads.share_cores()
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("count", [0, -1, 1025, 99_999])
def test_a_number_that_makes_no_sense_is_refused(count):
    """99,999 threads took 12 GB before they failed."""
    with pytest.raises(ValueError, match=f"--threads must be from 1 to 1024, but it is {count}"):
        threads.take_threads(count)
    assert torch.get_num_threads() == 2


CELL = """
import os, torch
{order}
from vae_teach.machine import threads
print(os.environ["OMP_NUM_THREADS"], torch.get_num_threads(), threads.share())
"""


@pytest.mark.parametrize("order", ["import vae_teach", "import vae_teach.models"])
@pytest.mark.processes
def test_a_kernel_takes_its_share_whoever_started_it(order, monkeypatch):
    """No Makefile, no variable: as JupyterLab opened by hand starts it."""
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(order=order))])
    execute(notebook, ROOT, timeout=120)
    said, in_force, _ = map(int, notebook.cells[0].outputs[0].text.split())
    assert said == in_force <= max(1, threads.cores() // 2)


COMMANDS = """
import sys
from vae_teach.machine import threads
threads._take = lambda count: sys.exit(f"takes {count}")
from vae_teach.__main__ import main
for command in (["train", "--data", "strokes"], ["reproduce", "mathybit"]):
    try:
        main([*command, "--out", sys.argv[1]])
    except SystemExit as end:
        print(command[0], end)
"""


@pytest.mark.processes
def test_a_command_without_threads_takes_its_share(tmp_path):
    """Two trainings in two terminals stall each other as two kernels do."""
    environment = {k: v for k, v in os.environ.items() if k != threads.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment,
    )  # fmt: skip
    said = [line.rsplit(" ", 1)[0] for line in done.stdout.splitlines()]
    assert said == ["train takes", "reproduce takes"], done.stdout + done.stderr
