"""Every data set by name: which one notebooks use, how it is loaded, what is on this machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vae_teach.data.cache import cache_dir
from vae_teach.data.dataset import Dataset
from vae_teach.data.folder import load_folder
from vae_teach.data.idx import CorruptFileError, read_idx
from vae_teach.data.places import find_files, how_to_mend, load_source, locate, places
from vae_teach.data.sources import MNIST, SOURCES, Source
from vae_teach.data.strokes import load_strokes

IMAGES = "images:"
USABLE = ("built in", "present")  # states of an `Entry` that can be loaded
NAMES = ("strokes", *SOURCES, f"{IMAGES}FOLDER")


def load(name: str | None = None, *, limit: int | None = None, **options) -> Dataset:
    """Return a data set by name; never touches the network.

    Args:
        name: "strokes", one of `SOURCES` such as "mnist", or "images:FOLDER"; None for what
            $VAE_TEACH_DATASET says, else MNIST if it is on this machine, else strokes.
        limit: keep at most this many examples of each split, the first ones.
        **options: for "images:FOLDER" only, as `load_folder` takes them: size, channels, fit, ...

    Raises:
        ValueError: on an unknown name, a file that is not what it should be, or a limit below 1.
        FileNotFoundError: if the data set is not here; the message has the command that gets it.
        TypeError: if the name is no text, or options are given for a data set that has none.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit} but a split needs at least 1 image")
    name = choose()[0] if name is None else require_known(name, "name")
    if name.startswith(IMAGES):
        data = load_folder(name.removeprefix(IMAGES), **options)
    elif options:
        raise TypeError(f"{', '.join(options)}: only {IMAGES}FOLDER takes options, not {name}")
    elif name in SOURCES:
        return load_source(SOURCES[name], limit=limit)
    else:
        data = load_strokes()
    return data if limit is None else data.limited(limit)


def choose() -> tuple[str, str]:
    """Return the data set that `load()` uses, and the reason in a few words.

    Raises:
        ValueError: if $VAE_TEACH_DATASET names no data set.
        FileNotFoundError: if $VAE_TEACH_DATA names no folder.
    """
    name = os.environ.get("VAE_TEACH_DATASET")
    if name:
        return require_known(name, "VAE_TEACH_DATASET"), "VAE_TEACH_DATASET says so"
    if locate(MNIST) is not None:
        return "mnist", "it is on this machine"
    return "strokes", "it needs no download and MNIST is not on this machine"


def require_known(name: str, what: str) -> str:
    """Return the name of a data set, or raise a ValueError that calls it `what`."""
    if not isinstance(name, str):
        raise TypeError(f"{what} is {name!r} but must be a text, such as 'strokes'")
    has_folder = name.startswith(IMAGES) and name != IMAGES
    if name not in ("strokes", *SOURCES) and not has_folder:
        meant = f"; did you mean {IMAGES}{name}?" if name and Path(name).is_dir() else ""
        raise ValueError(f"{what} is {name!r} but the data sets are {', '.join(NAMES)}{meant}")
    return name


@dataclass(frozen=True)
class Entry:
    """One line of the inventory.

    Attributes:
        name: of the data set.
        state: "built in", "present", "incomplete", "damaged" or "missing".
        detail: where it is and its size, or what is wrong and the command that mends it.
    """

    name: str
    state: str
    detail: str


def inventory() -> list[Entry]:
    """Return what is on this machine, every file verified. Opens no socket, loads no images."""
    return [_strokes_entry(), *(_entry(source) for source in SOURCES.values())]


def _strokes_entry() -> Entry:
    files = sorted(cache_dir().glob("strokes-*.npz"))
    if not files:
        return Entry("strokes", "built in", "drawn on first use, in seconds")
    return Entry("strokes", "built in", f"drawn already, {_size(files)} in {cache_dir()}")


def _entry(source: Source) -> Entry:
    command = f"python -m vae_teach data {source.name}"
    found = locate(source)
    if found is None:
        partial = [paths for _, folder in places() if (paths := find_files(source, folder))]
        if not partial:
            return Entry(source.name, "missing", f"get it with: {command}")
        have = f"{len(partial[0])} of {len(source.files)} files"
        folder = next(iter(partial[0].values())).parent
        return Entry(source.name, "incomplete", f"{have} in {folder}; get the rest with: {command}")
    place, paths = found
    folder = next(iter(paths.values())).parent
    try:
        for role, path in paths.items():
            read_idx(path, source.files[role])
    except CorruptFileError as error:
        return Entry(source.name, "damaged", f"{error}; {how_to_mend(source, place, folder)}")
    return Entry(source.name, "present", f"{_size(paths.values())} in {folder}, checksums verified")


def _size(paths: Iterable[Path]) -> str:
    return f"{sum(path.stat().st_size for path in paths) / 1e6:.1f} MB"
