"""Where data sets are looked for on this machine, and how one of IDX files is read. No network.

Shapes: images (N, H, W) uint8 on disk become (N, H * W) float32 in [0, 1]; labels (N,) int64.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from vae_teach.data.cache import cache_dir
from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.idx import CorruptFileError, IdxFile, read_idx
from vae_teach.data.sources import SOURCES, Source

CACHE = "the cache"


def find_folder(text: str | Path) -> Path:
    """Return the folder that `text` names; a relative one is also sought from the parents.

    A notebook runs in its own folder and a command in the project's: "../data", set once, means
    the same place to both.

    Raises:
        ValueError: if the text is empty, which would name the current folder.
        FileNotFoundError: if there is none.
        NotADirectoryError: if it is a file.
    """
    if not str(text).strip():
        raise ValueError("the folder's name is empty: give the folder")
    wanted = Path(text).expanduser()
    for start in (Path.cwd(), *Path.cwd().parents):
        if (start / wanted).is_dir():
            return (start / wanted).resolve()
    if wanted.exists():
        raise NotADirectoryError(f"{text} is a file, not a folder")
    looked = "" if wanted.is_absolute() else f" in {Path.cwd()} or in a folder above it"
    raise FileNotFoundError(f"no folder {text}{looked}")


def data_folder() -> Path | None:
    """Return the folder that $VAE_TEACH_DATA names, or None where it is not set.

    Raises:
        FileNotFoundError: if it names a folder that does not exist.
    """
    text = os.environ.get("VAE_TEACH_DATA")
    if not text:
        return None
    try:
        return find_folder(text)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"VAE_TEACH_DATA is {text}, but there is {error}") from error


def places() -> Iterator[tuple[str, Path]]:
    """Yield where data sets are looked for, in order: what to call the place, and its folder."""
    folder = data_folder()
    if folder is not None:
        yield "the folder that VAE_TEACH_DATA names", folder
    yield CACHE, cache_dir()


def find_file(folder: Path, file: IdxFile) -> Path | None:
    """Return the file in this folder under one of its usual names, raw or gzipped, or None."""
    dotted = file.name.replace("-idx", ".idx")  # as some archives unpack it
    for name in (file.name, f"{file.name}.gz", dotted, f"{dotted}.gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def find_files(source: Source, root: Path) -> dict[str, Path]:
    """Return role -> path of the files in `root`, or in a subfolder of it named for them.

    The first folder that has all four wins; else the one that has most of them.
    """
    best: dict[str, Path] = {}
    for folder in (*(root / name for name in source.folders), root):
        candidates = {role: find_file(folder, file) for role, file in source.files.items()}
        paths = {role: path for role, path in candidates.items() if path is not None}
        if len(paths) > len(best) and not (folder == root and _is_another(source, paths)):
            best = paths
    return best


def _is_another(source: Source, paths: dict[str, Path]) -> bool:
    """Say whether these are another data set's files: all of them use the same four names."""
    for other in SOURCES.values():
        if other.name != source.name and "test_labels" in paths:
            try:
                read_idx(paths["test_labels"], other.files["test_labels"])
            except (CorruptFileError, OSError):
                continue
            return True
    return False


def locate(source: Source) -> tuple[str, dict[str, Path]] | None:
    """Return where all files of a data set are, and role -> path, or None where it is missing."""
    for place, folder in places():
        paths = find_files(source, folder)
        if len(paths) == len(source.files):
            return place, paths
    return None


def load_source(source: Source, *, limit: int | None = None) -> Dataset:
    """Return a data set of IDX files that is on this machine; every file is verified first.

    Raises:
        FileNotFoundError: if it is not here; the message has the command that gets it.
        CorruptFileError: if a file is not what it should be.
    """
    found = locate(source)
    if found is None:
        looked = ", ".join(_describe(source, folder) for _, folder in places())
        command = f"python -m vae_teach data {source.name}"
        raise FileNotFoundError(f"{source.name} is not in {looked}; get it with: {command}")
    place, paths = found
    try:
        arrays = {role: read_idx(path, source.files[role]) for role, path in paths.items()}
    except CorruptFileError as error:
        folder = next(iter(paths.values())).parent
        raise CorruptFileError(f"{error}; {how_to_mend(source, place, folder)}") from error
    train, test = (_split(arrays, part, limit) for part in ("train", "test"))
    sizes = f"{len(train):,} training and {len(test):,} test images"
    sentence = f"{source.title}: {sizes}, read from {place}, checksums verified."
    shape = source.files["train_images"].shape[1:]
    return Dataset(source.name, train, test, shape, sentence, label_names=source.label_names)


def _describe(source: Source, folder: Path) -> str:
    paths = find_files(source, folder)
    missing = [file.name for role, file in source.files.items() if role not in paths]
    return f"{folder}" if not paths else f"{folder} (which lacks {', '.join(missing)})"


def how_to_mend(source: Source, place: str, folder: Path) -> str:
    """Say what to do about a damaged file: the kit replaces only what lies in its own cache."""
    if place == CACHE:
        return f"it is in {folder}; replace it with: python -m vae_teach data {source.name}"
    return f"it is in {folder}, which VAE_TEACH_DATA names; put a good copy there"


def _split(arrays: dict[str, np.ndarray], part: str, limit: int | None) -> Split:
    pixels = arrays[f"{part}_images"][:limit]
    # in memory of PyTorch: NumPy asks for pages of 2 MB, and on a virtual machine waits for them
    images = torch.empty(len(pixels), math.prod(pixels.shape[1:]))
    np.divide(pixels.reshape(images.shape), 255, out=images.numpy(), dtype=np.float32)
    labels = arrays[f"{part}_labels"][:limit].astype(np.int64)
    return Split(images, torch.from_numpy(labels))
