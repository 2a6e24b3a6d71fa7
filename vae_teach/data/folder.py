"""Your own pictures as a data set: a folder of image files, resized, checked and split.

Subfolders are labels: cats/*.jpg and dogs/*.jpg give labels 0 and 1, in the order of their names.
Shapes: N images, C channels (1 grey, 3 colour); images (N, C * H * W) float32 in [0, 1].
"""

import hashlib
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
_LISTED = 20  # unusable files named one by one in a report
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
        size: pixels, one number or (height, width).
        channels: 1 for grey, 3 for colour.
        fit: how a picture of another proportion gets there: "crop" its sides, "pad" it with
            black, or "stretch" it.
        invert: turn dark ink on white paper into light on black, as MNIST's is.
        on_bad: "skip" files that cannot be used, naming them on stderr, or "refuse" them all.
        test_fraction: of the images, kept for testing. Which ones depends on the files' names
            only, so a new picture hardly moves the others.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if an argument makes no sense, if fewer than 10 images can be used, or, with
            on_bad="refuse", if any cannot.
    """
    height, width = (size, size) if isinstance(size, int) else size
    _require_sense(height, width, channels, fit, on_bad, test_fraction)
    root = find_folder(str(folder))
    pictures, bad = {}, {}
    candidates = _candidates(root)
    labelled = any(path.parent != root for path in candidates)
    for path in candidates:
        try:
            if labelled and path.parent == root:
                raise UnusableError("lies beside the folders of labels, in none of them")
            pictures[path] = read_picture(path, (height, width), channels, fit)
        except UnusableError as error:
            bad[path.relative_to(root).as_posix()] = str(error)
    _report(root, bad, on_bad)
    if len(pictures) < AT_LEAST:
        raise ValueError(
            f"{root} has {len(pictures)} usable images but at least {AT_LEAST} are needed"
        )
    shape = (height, width) if channels == 1 else (channels, height, width)
    return _assemble(root, pictures, shape, invert, test_fraction)


def _require_sense(height, width, channels, fit, on_bad, test_fraction) -> None:
    if not (height >= 1 and width >= 1):
        raise ValueError(f"size is {height} x {width} but both must be at least 1")
    for name, value, allowed in (
        ("channels", channels, (1, 3)),
        ("fit", fit, ("crop", "pad", "stretch")),
        ("on_bad", on_bad, ("skip", "refuse")),
    ):
        if value not in allowed:
            choices = " or ".join(repr(choice) for choice in allowed)
            raise ValueError(f"{name} is {value!r} but must be {choices}")
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction} but must lie between 0 and 1")


def _candidates(root: Path) -> list[Path]:
    """Return every file below the folder except hidden ones, in an order of names."""
    files = (path for path in root.rglob("*") if path.is_file())
    visible = (p for p in files if not any(s.startswith(".") for s in p.relative_to(root).parts))
    return sorted(path for path in visible if path.name.lower() not in _IGNORED)


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
    sentence = (
        f"your own images: {len(train):,} for training and {len(test):,} for testing{of}, "
        f"from the folder {root.name}."
    )
    return Dataset(f"images:{root.name}", train, test, shape, sentence, label_names=names)


def _rank(root: Path, path: Path) -> bytes:
    """Order files by a hash of their names: shuffled, yet the same on every machine."""
    return hashlib.sha256(path.relative_to(root).as_posix().encode(errors="replace")).digest()


def _labels(root: Path, paths: list[Path]) -> tuple[tuple[str, ...] | None, Tensor | None]:
    folders = [path.relative_to(root).parts[0] for path in paths if path.parent != root]
    if not folders:
        return None, None
    names = tuple(sorted(set(folders)))
    return names, torch.tensor([names.index(folder) for folder in folders])


def _report(root: Path, bad: dict[str, str], on_bad: str) -> None:
    """Name the unusable files: raise with on_bad="refuse", else print them on stderr."""
    if not bad:
        return
    lines = [f"{name}: {reason}" for name, reason in list(bad.items())[:_LISTED]]
    if len(bad) > _LISTED:
        lines.append(f"and {len(bad) - _LISTED} more")
    verb = "refused" if on_bad == "refuse" else "skipped"
    text = "\n  ".join([f"files {verb} in {root}: {len(bad)}", *lines])
    if on_bad == "refuse":
        raise ValueError(text)
    print(f"vae_teach: {text}", file=sys.stderr)
