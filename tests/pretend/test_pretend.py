"""On the pretend accelerator: what it refuses, and all tests of what may run on a GPU."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

TESTS = Path(__file__).parents[1]
SAME_ON_A_GPU = (
    "pretend/refusals.py",
    "models/test_completion.py",
    "models/test_conditional.py",
    "systems/test_convolutional.py",
    "machine/test_device.py",
    "commands/test_doctor.py",
    "evaluate/test_evaluate.py",
    "models/test_likelihoods.py",
    "systems/test_reproduce.py",
    "training/test_recorder.py",
    "training/test_loop.py",
    "commands/test_train_command.py",
)
SLOW = ("test_a_result_beats_its_untrained_self", "test_ctrl_c_itself_keeps_the_epochs")


def on_pretend(*arguments):
    """The result of `python ARGUMENT...` where the accelerator is the pretend one."""
    return subprocess.run(
        [sys.executable, TESTS / "pretend" / "run.py", *arguments],
        cwd=TESTS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.timeout(1800)
def test_training_and_evaluation_pass_on_an_accelerator(report_counts):
    """Every mixed device is refused there, as on CUDA; on a machine with a CPU alone none is."""
    files = [str(TESTS / name) for name in SAME_ON_A_GPU]
    but = ["-k", " and ".join(f"not {name}" for name in SLOW)]
    done = on_pretend("-m", "pytest", "-q", "-p", "no:cacheprovider", *but, *files)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 250
    report_counts("{passed} tests passed on the pretend accelerator", passed=passed)


MIXED = """
import torch
from vae_teach import VAE, fit
for mistake in (
    lambda x, g: x * torch.ones(4),
    lambda x, g: x + torch.rand(x.shape, generator=g),
    lambda x, g: torch.from_numpy(x.numpy()),
):
    try:
        fit(VAE(4, (3,), 2, (3,), seed=0), torch.zeros(8, 4), epochs=1, progress=False,
            transform=mistake)
        print("trained")
    except (RuntimeError, TypeError) as error:
        print(error)
"""


def test_a_program_that_mixes_devices_fails_there_and_only_there():
    """A CPU tensor, noise on the CPU from the device's generator, and NumPy."""
    plain = subprocess.run(
        [sys.executable, "-c", MIXED], capture_output=True, text=True, check=False
    )
    assert plain.stdout.splitlines() == ["trained"] * 3
    told = on_pretend("-c", MIXED).stdout.splitlines()
    for line, words in zip(
        told,
        ("on the same device, but found", "for generator but found 'pretend'", "can't convert"),
        strict=True,
    ):
        assert words in line
