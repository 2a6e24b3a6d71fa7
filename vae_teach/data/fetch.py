"""Bring a data set's files to this machine: from mirrors, or from a folder of copies.

A file under its own name in the destination is always whole and verified.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from vae_teach.data.idx import CorruptFileError, IdxFile, is_gzipped, read_idx
from vae_teach.data.places import find_file, find_files
from vae_teach.data.sources import Source
from vae_teach.data.transfer import MirrorError, download
from vae_teach.machine.whole_file import whole_file

LOCK_TIMEOUT = 1800.0  # seconds to wait for another process that fetches the same data set

Log = Callable[[str], None]


def fetch(
    source: Source,
    folder: Path,
    *,
    from_folder: Path | None = None,
    progress: bool = True,
    log: Log = print,
) -> None:
    """Bring all files of a data set into `folder`, verified; good files that are there stay.

    Two processes may do this at once: the second waits, then finds the first one's files.

    Args:
        source: which data set.
        folder: where to; made if need be.
        from_folder: copy from here (raw or gzipped files) instead of downloading.
        progress: show a bar on stderr.
        log: called with one line at a time, about one a file.

    Raises:
        FileNotFoundError: if `from_folder` lacks a file.
        CorruptFileError: if a file in `from_folder` is not what it should be.
        OSError: if no mirror delivers, or `folder` cannot be written.
    """
    with _alone_in(folder, log):
        for role, file in source.files.items():
            if _is_here(folder, file, log):
                continue
            if from_folder is None:
                path = _from_mirrors(source, file, folder, progress)
            else:
                path = _from_folder(source, role, from_folder, folder)
            log(f"{path.name}: {path.stat().st_size:,} bytes, checksum verified")


@contextlib.contextmanager
def _alone_in(folder: Path, log: Log) -> Iterator[None]:
    """Keep other processes out of the folder while this one writes to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".fetch.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            log(f"another process is writing to {folder}; waiting for it")
            lock.acquire(timeout=LOCK_TIMEOUT)
    except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
        hint = "set VAE_TEACH_CACHE to a folder that can be written"
        raise OSError(f"cannot write to {folder} ({error}); {hint}") from error
    try:
        yield
    finally:
        lock.release()


def _is_here(folder: Path, file: IdxFile, log: Log) -> bool:
    """Say whether a good copy is in the folder; remove a bad one."""
    path = find_file(folder, file)
    if path is None:
        return False
    try:
        read_idx(path, file)
    except CorruptFileError as error:
        log(f"{error}; it is replaced")
        path.unlink()
        return False
    log(f"{path.name}: already here, checksum verified")
    return True


def _from_mirrors(source: Source, file: IdxFile, folder: Path, progress: bool) -> Path:
    failures = []
    for mirror in source.mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            return download(url, file, folder, progress=progress)
        except (MirrorError, CorruptFileError) as error:
            failures.append(f"{url}: {error}")
    advice = f"files you have already: python -m vae_teach data {source.name} --from FOLDER"
    raise OSError("\n  ".join([f"no mirror delivered {file.name}.gz", *failures, advice]))


def _from_folder(source: Source, role: str, from_folder: Path, folder: Path) -> Path:
    file = source.files[role]
    original = find_files(source, from_folder).get(role)
    if original is None:
        raise FileNotFoundError(f"{from_folder} has no {file.name} of {source.name}, raw or .gz")
    read_idx(original, file)
    target = folder / (file.name + (".gz" if is_gzipped(original) else ""))
    with open(original, "rb") as reader, whole_file(target) as writer:
        shutil.copyfileobj(reader, writer)
    return target
