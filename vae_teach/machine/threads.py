"""How many CPU threads a kernel or a training takes, so that several on one machine do not stall.

Two processes that each compute with all cores wait for each other in every small product: two
kernels of chapter 7 on two cores had not ended after 400 s, where each takes 77 s with one thread.
The networks of this kit are small, so what a second thread would save is little.
"""

import contextlib
import os
import re
import sys
import time

VARIABLE = "OMP_NUM_THREADS"
MOST = 1024
AGAIN_AFTER = 30.0  # seconds between two counts of the machine's processes; one takes 0.1 s

_KERNEL = re.compile(r"\bipykernel(_launcher)?(\.py)?\b")
_TRAINING = re.compile(r"\bvae[_-]teach\b.* (train|reproduce)\b")

_taken: list[int] = []  # the last number is the one in force, unless the reader has set another
_counted: list[float] = []  # when, by the clock that never goes back


def cores() -> int:
    """The cores that this process may use: fewer than the machine's where a scheduler says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computes(command: list[str]) -> bool:
    """Whether a process of this command line is a Jupyter kernel or a training of the kit."""
    if not command or "python" not in os.path.basename(command[0]).lower():
        return False  # a shell or an editor whose command line only names one
    line = " ".join(command[1:])
    return bool(_KERNEL.search(line) or _TRAINING.search(line))


def computing_processes() -> int:
    """This process, and every other kernel or training that runs on this machine."""
    import psutil

    others = (p for p in psutil.process_iter(["cmdline"]) if p.pid != os.getpid())
    return 1 + sum(computes(p.info["cmdline"] or []) for p in others)  # None: another user's


def share() -> int:
    """Half of the cores, divided by those who compute: the other half is for who comes later."""
    return max(1, cores() // (2 * computing_processes()))


def share_cores() -> None:
    """Take this process's share, unless $OMP_NUM_THREADS or the reader has said how many.

    To be called again at the start of a training: others may have come or gone.
    """
    torch = sys.modules.get("torch")
    if _taken:
        if torch is not None and torch.get_num_threads() != _taken[-1]:
            return
        if time.monotonic() - _counted[-1] < AGAIN_AFTER:
            return
        _take(share())
    elif VARIABLE not in os.environ:
        count = share()
        _take(count if torch is None else min(count, torch.get_num_threads()))


def take_threads(count: int | None) -> None:
    """Take `count` threads, or this process's share if it is None.

    Raises:
        ValueError: if it is not from 1 to 1,024; PyTorch would reserve memory for each.
    """
    if count is None:
        return share_cores()
    if not 1 <= count <= MOST:
        raise ValueError(f"--threads must be from 1 to {MOST}, but it is {count}")
    return _take(count)


def share_cores_in_a_kernel() -> None:
    """What `import vae_teach` and `fit` do: so every Jupyter kernel does, whoever started it."""
    if "ipykernel" in sys.modules:
        with contextlib.suppress(Exception):  # of the process list: a chapter runs without it
            share_cores()


def _take(count: int) -> None:
    """Before PyTorch is loaded the environment decides, afterwards a call does."""
    os.environ[VARIABLE] = str(count)
    _taken.append(count)
    _counted.append(time.monotonic())
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
