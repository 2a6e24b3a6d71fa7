"""Your own pictures as a data set: a folder of image files, resized, checked and split.

Subfolders are labels: cats/*.jpg and dogs/*.jpg give labels 0 and 1, in the order of their names.
Shapes: N images, C channels (1 grey, 3 colour); images (N, C * H * W) float32 in [0, 1].
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.pictures import Fit, UnusableError, read_picture
from vae_teach.data.places import find_folder

AT_LEAST = 10  # usable images; fewer are too few to fit on some and test on others
LARGEST = 1024  # pixels a side: networks of dense layers end long before
_LISTED = 20  # skipped files named one by one
_IGNORED = {"thumbs.db", "desktop.ini"}  # what file managers leave behind


def load_folder(
    folder: str | Path,
    *,
    size: int | tuple[int, int] = 28,
    channels: int = 1,
    fit: Fit = "crop",
    invert: bool = False,
    on_bad: Literal["skip", "refuse"] = "skip",
    test_fraction: float = 0.2,
) -> Dataset:
    """Return a folder of images as a data set.

    Args:
        folder: of image files, or of one folder of image files per label.
        size: pixels, one number or (height, width), at most 1024 a side.
        channels: 1 for grey, 3 for colour.
        fit: how a picture of another proportion gets there: "crop" its sides, "pad" it with
            black, or "stretch" it.
        invert: turn dark ink on white paper into light on black, as MNIST's is.
        on_bad: "skip" files that cannot be used, naming the first 20 on stderr, or "refuse" the
            folder, naming all.
        test_fraction: of the images, kept for testing. Which ones depends on the files' names
            only, so a new picture hardly moves the others.

    Raises:
        FileNotFoundError: if there is no such folder.
        OSError: if it cannot be read.
        ValueError: if an argument makes no sense, if fewer than 10 images can be used, or, with
            on_bad="refuse", if any cannot.
    """
    height, width = _sides(size)
    _require_sense(folder, channels, fit, invert, on_bad, test_fraction)
    root = find_folder(str(folder))
    candidates, bad = _candidates(root)
    border = "white" if invert else "black"  # which is black in the end
    pictures = {}
    for path in candidates:
        try:
            pictures[path] = read_picture(path, (height, width), channels, fit, border)
        except UnusableError as error:
            bad[path] = str(error)
    if any(path.parent != root for path in pictures):
        for path in [path for path in pictures if path.parent == root]:
            bad[path] = "lies beside the folders of labels, in none of them"
            del pictures[path]
    _report(root, bad, on_bad)
    if len(pictures) < AT_LEAST:
        images = "image" if len(pictures) == 1 else "images"
        raise ValueError(
            f"{root} has {len(pictures)} usable {images} but at least {AT_LEAST} are needed"
        )
    shape = (height, width) if channels == 1 else (channels, height, width)
    return _assemble(root, pictures, shape, invert, test_fraction)


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width, whole numbers from 1 to `LARGEST`."""
    sides = (size, size) if isinstance(size, int) else size
    whole = isinstance(sides, tuple | list) and all(type(side) is int for side in sides)
    if not whole or len(sides) != 2:
        raise ValueError(f"size is {size!r} but must be a whole number or (height, width)")
    if not all(1 <= side <= LARGEST for side in sides):
        raise ValueError(
            f"size is {sides[0]} x {sides[1]} but both must be at least 1 and at most {LARGEST}"
        )
    return sides[0], sides[1]


def _require_sense(folder, channels, fit, invert, on_bad, test_fraction) -> None:
    if not str(folder):
        raise ValueError("folder is empty: give the folder of the pictures")
    for name, value, allowed in (
        ("invert", invert, (True, False)),
        ("channels", channels, (1, 3)),
        ("fit", fit, ("crop", "pad", "stretch")),
        ("on_bad", on_bad, ("skip", "refuse")),
    ):
        if value not in allowed:
            choices = " or ".join(repr(choice) for choice in allowed)
            raise ValueError(f"{name} is {value!r} but must be {choices}")
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction} but must lie between 0 and 1")


def _candidates(root: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return every file below the folder in an order of names, and the folders not entered.

    Hidden files and folders are passed over. A linked folder is not entered, because it may lead
    back up.

    Raises:
        OSError: if the folder itself cannot be read.
    """
    files, closed = [], {}

    def cannot_be_read(error: OSError) -> None:
        if Path(error.filename) == root:
            raise error
        closed[Path(error.filename)] = f"a folder that cannot be read: {error.strerror}"

    for name, folders, names in os.walk(root, onerror=cannot_be_read):
        here = Path(name)
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        for folder in folders:
            if (here / folder).is_symlink():
                closed[here / folder] = "a link to a folder: put the pictures themselves here"
        seen = (n for n in names if not n.startswith(".") and n.lower() not in _IGNORED)
        files += [here / n for n in seen if (here / n).is_file()]
    return sorted(files), closed


def _assemble(
    root: Path,
    pictures: dict[Path, np.ndarray],
    shape: tuple[int, ...],
    invert: bool,
    test_fraction: float,
) -> Dataset:
    paths = sorted(pictures, key=lambda path: _rank(root, path))
    pixels = torch.from_numpy(np.stack([pictures[path] for path in paths])).float().div_(255)
    images = 1 - pixels if invert else pixels
    names, labels = _labels(root, paths)
    n_test = min(max(1, round(test_fraction * len(paths))), len(paths) - 1)
    whole = Split(images, labels)
    train, test = whole[n_test:], whole[:n_test]
    of = f" of {len(names)} labels" if names else ""
    name = _printed(Path(root.name))
    sentence = (
        f"your own images: {len(train):,} for training and {len(test):,} for testing{of}, "
        f"from the folder {name}."
    )
    return Dataset(f"images:{name}", train, test, shape, sentence, label_names=names)


def _rank(root: Path, path: Path) -> bytes:
    """Order files by a hash of their names: shuffled, yet the same on every machine."""
    return hashlib.sha256(path.relative_to(root).as_posix().encode(errors="replace")).digest()


def _labels(root: Path, paths: list[Path]) -> tuple[tuple[str, ...] | None, Tensor | None]:
    folders = [path.relative_to(root).parts[0] for path in paths if path.parent != root]
    if not folders:
        return None, None
    names = tuple(sorted(set(folders)))
    return names, torch.tensor([names.index(folder) for folder in folders])


def _report(root: Path, bad: dict[Path, str], on_bad: str) -> None:
    """Name the unusable files: raise with all of them on "refuse", else print some on stderr."""
    if not bad:
        return
    lines = [f"{_printed(path.relative_to(root))}: {bad[path]}" for path in sorted(bad)]
    if on_bad == "refuse":
        raise ValueError("\n  ".join([f"files refused in {_printed(root)}: {len(bad)}", *lines]))
    if len(lines) > _LISTED:
        lines[_LISTED:] = [f"and {len(lines) - _LISTED} more; on_bad='refuse' names all of them"]
    text = "\n  ".join([f"files skipped in {_printed(root)}: {len(bad)}", *lines])
    print(f"vae_teach: {text}", file=sys.stderr)


def _printed(path: Path) -> str:
    """A path for a terminal: a line break, a colour code or half a letter as an escape."""
    text = path.as_posix()
    return text if text.isprintable() else text.encode("unicode_escape", "surrogateescape").decode()
