"""Where a number comes from: the code, its libraries, the machine and the pixels."""

import hashlib
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

import vae_teach
from vae_teach.data.dataset import Dataset
from vae_teach.machine.device import describe_device


def provenance(dataset: Dataset, device: torch.device) -> dict:
    """Where a number comes from: code, libraries, machine and the pixels themselves."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "vae_teach": vae_teach.__version__,
        "git_commit": git_commit(Path(__file__).parents[2]),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": describe_device(device),
        "data_source": dataset.source,
        "data_sha256": pixel_checksum(dataset),
    }


def pixel_checksum(dataset: Dataset) -> str:
    """SHA-256 of all pixels as bytes 0 to 255, training pictures first."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.test):
        digest.update((split.images * 255).round().to(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def git_commit(folder: Path) -> str | None:
    """The commit checked out in `folder`, with "+" if tracked files differ; None without git."""
    try:
        commit, changes = (
            subprocess.run(
                ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
            ).stdout.strip()
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + "+" * bool(changes)
