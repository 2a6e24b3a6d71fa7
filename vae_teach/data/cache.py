"""Files the kit keeps for itself: where they lie, how they are written whole, how they are reread.

Nothing here is precious: every file can be made or fetched again, so a damaged one is thrown away
and a folder that cannot be written costs time, never a crash.
"""

import contextlib
import hashlib
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import filelock
import numpy as np
import platformdirs

from vae_teach.machine.whole_file import whole_file

LOCK_TIMEOUT = 120.0  # seconds; making the strokes takes a few

Arrays = dict[str, np.ndarray]

_DIGEST = 64  # bytes: a SHA-256 in hexadecimal


def cache_dir() -> Path:
    """Return where fetched and generated data lie: $VAE_TEACH_CACHE, else the user's cache."""
    return Path(os.environ.get("VAE_TEACH_CACHE") or platformdirs.user_cache_dir("vae_teach"))


def cached_arrays(name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
    """Return `make()`'s arrays, from the cache where it has them under this key.

    Args:
        name: the file's first part; files of the same name and another key are stale and removed.
        key: what the arrays depend on, as letters and digits.
        make: called at most once, when the cache has no usable copy.

    A cache that cannot be written, or a file in it that cannot be read, is reported in one line
    on stderr, never raised.
    """
    path = cache_dir() / f"{name}-{key}.npz"
    with contextlib.suppress(OSError, ValueError):  # which is reported below, once it can be mended
        if (arrays := _read(path)) is not None:
            return arrays
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(filelock.FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT))
        except (OSError, NotImplementedError) as error:  # the latter: no locks on this file system
            _report(f"cache {path.parent} cannot be used ({error}); {name} is made in memory")
            return make()
        try:
            arrays = _read(path)  # another process may have made it while this one waited
        except (OSError, ValueError) as error:
            _report(f"cache file {path} is damaged ({error}) and made again")
            arrays = None
        if arrays is None:
            arrays = make()
            _write(path, name, arrays)
    return arrays


def _read(path: Path) -> Arrays | None:
    """Return the arrays of a file that `_write` wrote, or None where there is none.

    Raises:
        ValueError: if a byte of it has changed.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if _digest(data) != data[-_DIGEST:]:
        raise ValueError("its checksum is wrong")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _write(path: Path, name: str, arrays: Arrays) -> None:
    """Write the arrays and remove what other keys left behind."""
    try:
        with whole_file(path) as file:
            file.write(_packed(arrays))
    except OSError as error:
        _report(f"cache {path.parent} cannot be written ({error}); {name} stays in memory")
        return
    for stale in path.parent.glob(f"{name}-*.npz*"):
        if not stale.name.startswith(path.name):
            with contextlib.suppress(OSError):  # open elsewhere: it will be removed another day
                stale.unlink()


def _packed(arrays: Arrays) -> bytes:
    """Return an .npz file whose archive comment is the checksum of all bytes before it.

    The archive's own checksums leave its directory uncovered: a flipped bit there can hide an
    array, or raise whatever zipfile raises.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # an array's name might be allow_pickle
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(_DIGEST)
    data = buffer.getvalue()
    return data[:-_DIGEST] + _digest(data)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(memoryview(data)[:-_DIGEST]).hexdigest().encode()


def _report(line: str) -> None:
    print(f"vae_teach: {line}", file=sys.stderr)
