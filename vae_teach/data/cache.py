"""Files the kit keeps for itself: where they lie, how they are written whole, how they are reread.

Nothing here is precious: every file can be made or fetched again, so a damaged one is thrown away
and a folder that cannot be written costs time, never a crash.
"""

import contextlib
import os
import secrets
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import filelock
import numpy as np
import platformdirs

LOCK_TIMEOUT = 120.0  # seconds; making the strokes takes a few

Arrays = dict[str, np.ndarray]


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
    arrays = _read(path)
    if arrays is not None:
        return arrays
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(filelock.FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT))
        except (OSError, NotImplementedError) as error:  # the latter: no locks on this file system
            _report(f"cache {path.parent} cannot be used ({error}); {name} is made in memory")
            return make()
        arrays = _read(path)  # another process may have made it while this one waited
        if arrays is None:
            arrays = make()
            _write(path, name, arrays)
    return arrays


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing bytes; it becomes `path` on success only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)  # atomic: a reader sees the old file or the new one
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read(path: Path) -> Arrays | None:
    """Return the arrays of an .npz file, or None where there is no file that can be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        _report(f"cache file {path} is damaged ({error}); it is made again")
        return None


def _write(path: Path, name: str, arrays: Arrays) -> None:
    """Write the arrays and remove what other keys left behind."""
    try:
        with whole_file(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        _report(f"cache {path.parent} cannot be written ({error}); {name} stays in memory")
        return
    for stale in path.parent.glob(f"{name}-*.npz*"):
        if not stale.name.startswith(path.name):
            with contextlib.suppress(OSError):  # open elsewhere: it will be removed another day
                stale.unlink()


def _report(line: str) -> None:
    print(f"vae_teach: {line}", file=sys.stderr)
