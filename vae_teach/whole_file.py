"""A file that is whole or not there, whatever happens while it is written."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


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
