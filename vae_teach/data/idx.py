"""IDX files, the format of MNIST: read them whole, and refuse what is not exactly as promised.

An IDX file is a magic number (two zero bytes, the type, the number of axes), the length of each
axis as a big-endian 32-bit number, then the values. Here the type is always unsigned bytes.

Source: the format's description at http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SLACK = 1 << 16  # bytes by which a gzip file may exceed its content; stored blocks need 5 in 65535
_UNSIGNED_BYTE = 0x08
_GZIP = b"\x1f\x8b"


class CorruptFileError(ValueError):
    """A file that is not what its name promises; the message has the name and both values."""


@dataclass(frozen=True)
class IdxFile:
    """What one file of a data set must be, whether it lies here raw or gzipped.

    Attributes:
        name: without ".gz", as published.
        shape: (N,) for labels, (N, H, W) for images.
        sha256: of the *uncompressed* bytes, so that any honest copy is accepted.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def magic(self) -> int:
        """The first four bytes, read as one big-endian number."""
        return _UNSIGNED_BYTE << 8 | len(self.shape)

    @property
    def n_bytes(self) -> int:
        """The size of the uncompressed file."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


def read_idx(path: Path, file: IdxFile) -> np.ndarray:
    """Return the values of a raw or gzipped IDX file, uint8 of `file.shape`, once all is verified.

    Raises:
        CorruptFileError: if the compression, the magic number, the axes, the size or the checksum
            is not what `file` says.
        OSError: if the file cannot be read.
    """
    payload = read_payload(path, file)
    header = 4 + 4 * len(file.shape)
    _require(path, "magic number", f"0x{file.magic:08x}", f"0x{payload[:4].hex() or 'nothing'}")
    if len(payload) >= header:
        axes = struct.unpack(f">{len(file.shape)}I", payload[4:header])
        _require(path, "axes", _times(file.shape), _times(axes))
    size = "more" if len(payload) > file.n_bytes else f"{len(payload):,}"
    _require(path, "size in bytes, uncompressed", f"{file.n_bytes:,}", size)
    _require(path, "SHA-256", file.sha256, hashlib.sha256(payload).hexdigest())
    return np.frombuffer(payload, np.uint8, offset=header).reshape(file.shape)


def read_payload(path: Path, file: IdxFile) -> bytes:
    """Return the uncompressed bytes, never more than one beyond what the file should have.

    Raises:
        CorruptFileError: if it is gzipped and longer than any packing of the content, or damaged.
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as handle:
        start = handle.read(len(_GZIP))
        handle.seek(0)
        if start != _GZIP:
            return handle.read(file.n_bytes + 1)
        most, size = file.n_bytes + SLACK, os.fstat(handle.fileno()).st_size
        if size > most:
            found = f"{size:,}"
            raise CorruptFileError(_refusal(path, "size in bytes", f"at most {most:,}", found))
        try:
            with gzip.GzipFile(fileobj=handle) as stream:  # may be several streams, and padded
                return stream.read(file.n_bytes + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            whole = f"a gzip stream of {file.n_bytes:,} bytes"
            raise CorruptFileError(_refusal(path, "content", whole, str(error))) from error


def is_gzipped(path: Path) -> bool:
    """Say whether a file starts as a gzip file does, whatever its name."""
    with open(path, "rb") as handle:
        return handle.read(len(_GZIP)) == _GZIP


def _require(path: Path, what: str, expected: str, found: str) -> None:
    if expected != found:
        raise CorruptFileError(_refusal(path, what, expected, found))


def _refusal(path: Path, what: str, expected: str, found: str) -> str:
    return f"{path.name} is refused: {what} expected {expected}, found {found}"


def _times(axes: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in axes)
