"""Your own pictures as a data set: a folder of image files, resized, checked and split.

Subfolders are labels: cats/*.jpg and dogs/*.jpg give labels 0 and 1, in the order of their names.
Above them may stand the user's own split, train/cats/*.jpg and so on (see `layout`).
Shapes: N images, C channels (1 grey, 3 colour); images (N, C * H * W) float32 in [0, 1].
"""

import hashlib
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch

from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.layout import Layout, read_layout
from vae_teach.data.listing import list_files
from vae_teach.data.pictures import BITS, Depth, Fit, UnusableError, read_depth, read_picture
from vae_teach.data.places import find_folder
from vae_teach.validation import kind, require_number

AT_LEAST = 10  # usable images; fewer are too few to fit on some and test on others
LARGEST = 1024  # pixels a side: networks of dense layers end long before
MAX_GB = 4.0  # of memory: what a teaching machine can spare
TEST_FRACTION = 0.2
_LISTED = 20  # skipped files, and labels, named one by one
_BYTES = 5  # per value of a picture while a folder is read: as a byte, and as a float32

Found = TypeVar("Found")


def load_folder(
    folder: str | Path,
    *,
    size: int | tuple[int, int] = 28,
    channels: int = 1,
    fit: Fit = "crop",
    invert: bool = False,
    on_bad: Literal["skip", "refuse"] = "skip",
    test_fraction: float | None = None,
    bits: int | None = None,
    max_gb: float = MAX_GB,
) -> Dataset:
    """Return a folder of images as a data set.

    Args:
        folder: of image files, or of one folder of image files per label, or of folders train,
            test and perhaps val with either.
        size: pixels, one number or (height, width), at most 1024 a side.
        channels: 1 for grey, 3 for colour.
        fit: how a picture of another proportion gets there: "crop" its sides, "pad" it with
            black, or "stretch" it.
        invert: turn dark ink on white paper into light on black, as MNIST's is.
        on_bad: "skip" files that cannot be used, naming the first 20 on stderr, or "refuse" the
            folder, naming all.
        test_fraction: of the images, kept for testing; 0.2 unless the folder is split already.
            Which ones depends on the files' names only, so a new picture hardly moves the others.
        bits: which of the 16 or 32 bits of such pictures are used: 8, 10, 12, 14 or 16. By
            default, as many as their largest value needs, which stderr says if it is below 16.
        max_gb: memory, in units of 10^9 bytes, that the pictures may take while they are read.

    Raises:
        FileNotFoundError: if there is no such folder.
        OSError: if it cannot be read.
        ValueError: if an argument makes no sense, if fewer than 10 images can be used, if the
            folders are neither labels nor a whole split, if the pictures would take too much
            memory, or, with on_bad="refuse", if any file cannot be used.
    """
    height, width = _sides(size)
    _require_sense(folder, channels, fit, invert, on_bad, test_fraction, bits, max_gb)
    root = find_folder(str(folder))
    candidates, bad = list_files(root)
    depths = _each(candidates, read_depth, bad)
    _require_enough(root, depths)
    if read_layout(root, depths).is_split and test_fraction is not None:
        raise ValueError(f"test_fraction is {test_fraction}, but {root} is split by its folders")
    _require_memory(root, len(depths), channels * height * width, max_gb)
    grey, colour = (_bits(root, depths.values(), colour, bits) for colour in (False, True))
    border: Literal["black", "white"] = "white" if invert else "black"  # which is black in the end

    def read(path: Path) -> np.ndarray:
        used = colour if depths[path].colour else grey
        return read_picture(path, (height, width), channels, fit, border, used)

    pictures = _each(depths, read, bad)
    layout = read_layout(root, pictures)
    for path in layout.loose:
        bad[path] = "lies beside the folders of pictures, in none of them"
        del pictures[path]
    _report(root, bad, on_bad)
    _require_enough(root, pictures)
    shape = (height, width) if channels == 1 else (channels, height, width)
    return _assemble(root, pictures, layout, shape, invert, test_fraction or TEST_FRACTION)


def _each(
    paths: Iterable[Path], look: Callable[[Path], Found], bad: dict[Path, str]
) -> dict[Path, Found]:
    """Path -> what `look` finds there; the reason goes into `bad` where it finds nothing."""
    found = {}
    for path in paths:
        try:
            found[path] = look(path)
        except UnusableError as error:
            bad[path] = str(error)
    return found


def _require_enough(root: Path, pictures: dict) -> None:
    if len(pictures) < AT_LEAST:
        images = "image" if len(pictures) == 1 else "images"
        raise ValueError(
            f"{root} has {len(pictures)} usable {images} but at least {AT_LEAST} are needed"
        )


def _require_memory(root: Path, n: int, n_values: int, max_gb: float) -> None:
    needed = _BYTES * n * n_values / 1e9
    if needed > max_gb:
        raise ValueError(
            f"{n:,} pictures of {n_values:,} values take {needed:.2g} GB of memory, but max_gb is "
            f"{max_gb:g}: read {_printed(root)} with a smaller size, or max_gb={math.ceil(needed)}"
        )


def _bits(root: Path, depths: Iterable[Depth], colour: bool, asked: int | None) -> int:
    """How many bits the deep pictures of one kind use: as asked, or as their values need."""
    if asked is not None:
        return asked
    deep = [depth.largest for depth in depths if depth.largest and depth.colour == colour]
    largest = max(deep, default=0)
    used = next((bits for bits in BITS if largest < 2**bits), 16)
    if deep and used < 16:
        print(
            f"vae_teach: {_printed(root)}: {len(deep)} of the pictures are stored with 16 or more "
            f"bits but use {used}, their largest value is {largest}: white is {2**used - 1:,}. "
            "bits=16 leaves them as they are",
            file=sys.stderr,
        )
    return used


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


def _require_sense(folder, channels, fit, invert, on_bad, test_fraction, bits, max_gb) -> None:
    if not isinstance(folder, str | Path):
        raise ValueError(f"folder must be a path, but it is {kind(folder)}")
    if not str(folder):
        raise ValueError("folder is empty: give the folder of the pictures")
    for name, value, allowed in (
        ("invert", invert, (True, False)),
        ("channels", channels, (1, 3)),
        ("fit", fit, ("crop", "pad", "stretch")),
        ("on_bad", on_bad, ("skip", "refuse")),
        ("bits", bits, (None, *BITS)),
    ):
        if not any(type(value) is type(choice) and value == choice for choice in allowed):
            choices = " or ".join(repr(choice) for choice in allowed)
            raise ValueError(f"{name} is {value!r} but must be {choices}")
    if test_fraction is not None:
        require_number(test_fraction, "test_fraction", 0, 1, ends=False)
    require_number(max_gb, "max_gb", 0, ends=False)


def _assemble(
    root: Path,
    pictures: dict[Path, np.ndarray],
    layout: Layout,
    shape: tuple[int, ...],
    invert: bool,
    test_fraction: float,
) -> Dataset:
    parts = layout.parts
    if not layout.is_split:
        paths = sorted(pictures, key=lambda path: _rank(root, path))
        n_test = min(max(1, round(test_fraction * len(paths))), len(paths) - 1)
        parts = {"train": paths[n_test:], "test": paths[:n_test]}
    splits = {
        part: _split(sorted(paths, key=lambda path: _rank(root, path)), pictures, layout, invert)
        for part, paths in parts.items()
    }
    name = _printed(Path(root.name))
    sentence = f"your own images: {_counts(splits)}{_of_labels(layout)}, from the folder {name}."
    return Dataset(
        f"images:{name}", splits["train"], splits["test"], shape, sentence,
        splits.get("validation"), layout.names,
    )  # fmt: skip


def _split(
    paths: list[Path], pictures: dict[Path, np.ndarray], layout: Layout, invert: bool
) -> Split:
    """Take these pictures out of the dictionary, so that no byte is held longer than need be."""
    images = torch.empty(len(paths), pictures[paths[0]].size)
    for row, path in zip(images.numpy(), paths, strict=True):
        row[:] = pictures.pop(path)
    images.div_(255)
    if invert:
        images.neg_().add_(1)
    labels = torch.tensor([layout.label[path] for path in paths]) if layout.names else None
    return Split(images, labels)


def _counts(splits: dict[str, Split]) -> str:
    """ "8 for training and 2 for testing"."""
    words = {"train": "training", "validation": "validation", "test": "testing"}
    counts = [f"{len(splits[p]):,} for {words[p]}" for p in words if p in splits]
    return f"{', '.join(counts[:-1])} and {counts[-1]}"


def _of_labels(layout: Layout) -> str:
    """ " of 2 labels (cats, dogs)"; nothing where there are none."""
    if layout.names is None:
        return ""
    names = [_printed(Path(name)) for name in layout.names[:_LISTED]]
    more = len(layout.names) - len(names)
    return (
        f" of {len(layout.names)} labels ({', '.join(names)}{f' and {more} more' if more else ''})"
    )


def _rank(root: Path, path: Path) -> bytes:
    """Order files by a hash of their names: shuffled, yet the same on every machine."""
    return hashlib.sha256(path.relative_to(root).as_posix().encode(errors="replace")).digest()


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
