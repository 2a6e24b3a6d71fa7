"""Arguments that several commands have."""

import argparse
from pathlib import Path


def folder(text: str) -> Path:
    """A folder's name, with ~ as the user's own."""
    if not text.strip():
        raise argparse.ArgumentTypeError("give the name of a folder")
    try:
        valid = "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:  # bytes that are no text; the format of checkpoints refuses them
        valid = False
    if not valid:
        raise argparse.ArgumentTypeError(f"{text!r} is no name in UTF-8 that a folder can have")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def add_machine_options(group) -> None:
    """Add --seed, --device and --threads."""
    group.add_argument(
        "--seed", type=int, default=0, help="0 to 9,223,372,036,854,775,807; default: %(default)s"
    )
    group.add_argument("--device", help="such as cpu or cuda; default: what the machine has")
    group.add_argument(
        "--threads", type=int, metavar="T",
        help="CPU threads; default: $OMP_NUM_THREADS, else a share of the cores",
    )  # fmt: skip
