"""A file that is whole or not there, whatever happens while it is written.

The bytes go to a temporary file beside the target, reach the disk, and take the target's name in
one step. A process that is killed in between leaves its temporary file; the next write into that
folder removes it. A lock on the file, which ends with its process, tells a dead writer from a slow
one, on another machine too where folders are shared.
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: no lock is needed
    fcntl = None  # type: ignore[assignment]  # a module has no type that allows for its absence

_TEMPORARY = re.compile(r"\..*\.\d+-[0-9a-f]{8}\.tmp", re.DOTALL)
_KEPT = 40  # characters of the target's name: with all of a long name the file could not be made


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for writing bytes; it becomes `path` on success only.

    Where `path` is a link, the link is replaced and what it points to is left alone.

    Raises:
        OSError: naming `path`, if it cannot be written, or is a folder, a device or a file that
            may not be written over; what was there is as it was.
    """
    path = Path(path)
    _require_replaceable(path)
    # named before it is made: Ctrl-C may come before `open` has returned
    temporary = path.with_name(f".{path.name[:_KEPT]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        remove_leftovers(path.parent)
        try:
            with _new_file(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(OSError):  # a file that only its owner reads stays one
                shutil.copymode(path, temporary)
            os.replace(temporary, path)  # atomic: a reader sees the old file or the new one
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error.filename, str) and not _is_temporary(error.filename):
            raise  # of another file, or of this one by its own name
        if error.errno is None:
            raise OSError(f"{path} cannot be written: {error}") from error
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write text as UTF-8, whole or not at all; half a surrogate pair becomes a question mark.

    A file name of bytes that are no text comes to Python with such halves, and must not end a run.

    Raises:
        OSError: as `whole_file`.
    """
    data = text.encode("utf-8", errors="replace")
    with whole_file(path) as file:
        file.write(data)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that are no more; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if _is_temporary(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_unless_written(entry.path)


def _is_temporary(name: str) -> bool:
    return _TEMPORARY.fullmatch(os.path.basename(name)) is not None


def _remove_unless_written(path: str) -> None:
    with contextlib.suppress(OSError):
        if fcntl is None:
            os.unlink(path)
            return
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its writer lives
            os.unlink(path)


def _require_replaceable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, but a file is to be written there")
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no regular file and is not replaced by one")
    if path.is_file() and not path.is_symlink() and not os.access(path, os.W_OK):
        raise PermissionError(f"{path} may not be written over")


@contextlib.contextmanager
def _new_file(temporary: Path) -> Iterator[BinaryIO]:
    """A file of this name that is locked, so that nobody takes it for a left-over."""
    while True:
        with open(temporary, "xb") as file:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # without locks nobody removes it either
                    fcntl.flock(file, fcntl.LOCK_EX)
            if fcntl is None or os.fstat(file.fileno()).st_nlink:
                yield file
                return
        # another process removed it before it was locked


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
