"""One process at a time writes a run's files, on this machine and where folders are shared."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def one_writer(folder: Path, name: str = "run") -> Iterator[None]:
    """Hold `folder`, made if it is missing, for the files of `name`, as long as the process lives.

    Raises:
        OSError: if nothing can be written there, or another process holds it: at once, because a
            training lasts.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / f".{name}.lock", timeout=0)
            stack.enter_context(lock)
        except filelock.Timeout as error:
            raise BlockingIOError(
                f"another process is writing {name} in {folder}: wait for it, or give another "
                "folder"
            ) from error
        except NotImplementedError:
            pass  # no locks on this file system: as safe as without
        except OSError as error:
            reason = error.strerror or error
            raise OSError(f"out is {folder}, but nothing can be written there: {reason}") from error
        else:
            stack.callback(_remove, Path(lock.lock_file))  # while it is held
        yield


def _remove(lock: Path) -> None:
    with contextlib.suppress(OSError):  # Windows removes no open file
        lock.unlink()
