"""One file from one address, resumed where an earlier try broke off, accepted only if it is right.

What is being fetched is called NAME.gz.part. It stays when the network fails, so that the next
try can go on from there, and is removed when its content proved wrong.
"""

import http.client
import os
import re
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tqdm import tqdm

from vae_teach.data.idx import SLACK, CorruptFileError, IdxFile, is_gzipped, read_idx

TIMEOUT = 20.0  # seconds without a byte before an address is given up
GRACE = 30.0  # seconds after which an address must have been faster than SLOWEST
SLOWEST = 4_000  # bytes per second; below, a megabyte takes four minutes
TRIES = 3  # per address: each goes on where the last broke off
_CHUNK = 1 << 16  # bytes
_NOTHING_LEFT = 416  # HTTP: the file has no bytes from there on


class MirrorError(Exception):
    """One address did not deliver; another may."""


class BrokenOffError(MirrorError):
    """The connection ended before the file did; what came is kept."""


def download(url: str, file: IdxFile, folder: Path, *, progress: bool = True) -> Path:
    """Fetch one file into `folder` under its own name and return its path.

    Raises:
        MirrorError: if the address does not deliver.
        CorruptFileError: if it delivers something else.
        OSError: if the disk does not take it.
    """
    part = folder / f"{file.name}.gz.part"
    if part.is_symlink():  # not ours: whatever it leads to must not be written over
        part.unlink()
    for tries_left in reversed(range(TRIES)):
        resumed = _size(part) > 0
        try:
            _transfer(url, part, file, progress)
            return _accept(part, file)
        except BrokenOffError:
            if not tries_left:
                raise
        except CorruptFileError:
            part.unlink(missing_ok=True)
            if not (resumed and tries_left):  # the start may be another address's: fetch it all
                raise
    raise AssertionError("the last try returns or raises")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _accept(part: Path, file: IdxFile) -> Path:
    """Verify a finished download and give it its name."""
    try:
        read_idx(part, file)
    except CorruptFileError as error:
        raise CorruptFileError(str(error).replace(part.name, f"{file.name}.gz")) from error
    target = part.with_name(file.name + (".gz" if is_gzipped(part) else ""))
    os.replace(part, target)
    return target


def _transfer(url: str, part: Path, file: IdxFile, progress: bool) -> None:
    """Append to `part` what it still lacks, or write it anew where the server cannot resume."""
    have = _size(part)
    response = _ask(url, have)
    if response is None:
        return  # nothing is left to send; whether `part` is right, its checksum will say
    with response:
        have = have if _resumes(response, have) else 0
        length = _length(response)
        total = None if length is None else have + length
        bar = tqdm(
            total=total,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=file.name,
            disable=not progress,
        )
        with open(part, "ab" if have else "wb") as writer, bar:
            started, came = time.monotonic(), 0
            while chunk := _receive(response):
                have, came = have + len(chunk), came + len(chunk)
                _require_pace(time.monotonic() - started, came)
                _require_room(file, have)
                writer.write(chunk)
                bar.update(len(chunk))
    if total is not None and have < total:
        raise BrokenOffError(f"broke off after {have:,} of {total:,} bytes")


class _HttpOnly(HTTPRedirectHandler):
    """Follows redirects to http and https; urllib would go on by ftp."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Refuse another kind of address, as urllib refuses file: and data:."""
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise HTTPError(newurl, code, f"redirect to {newurl} is refused", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _ask(url: str, have: int) -> http.client.HTTPResponse | None:
    """Request the bytes from `have` on; None if the server says that there are none."""
    headers = {"User-Agent": "vae_teach", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return build_opener(_HttpOnly).open(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        with error:  # closes its connection
            if error.code == _NOTHING_LEFT and have:
                return None
            raise MirrorError(f"HTTP {error.code} {error.reason}") from error
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise MirrorError(str(error)) from error  # ValueError: of an address or a header


def _resumes(response: http.client.HTTPResponse, have: int) -> bool:
    """Say whether the answer starts where `part` ends: a server may ignore the question."""
    start = response.headers.get("Content-Range", "")
    return have > 0 and response.status == 206 and start.startswith(f"bytes {have}-")


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)  # what is there: `read` waits for all of it, however slow
    except (OSError, http.client.HTTPException) as error:
        raise BrokenOffError(f"broke off ({error})") from error


def _length(response: http.client.HTTPResponse) -> int | None:
    """The Content-Length, or None where the server says none that makes sense."""
    text = response.headers.get("Content-Length", "")
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else None


def _require_pace(seconds: float, n_bytes: int) -> None:
    """Give up an address that would take hours, one byte after the other."""
    if seconds > GRACE and n_bytes < SLOWEST * seconds:
        raise MirrorError(f"too slow: {n_bytes:,} bytes in {seconds:.0f} seconds")


def _require_room(file: IdxFile, n_bytes: int) -> None:
    """Refuse an answer without end before it fills the disk."""
    most = file.n_bytes + SLACK
    if n_bytes > most:
        expected = f"size in bytes expected at most {most:,}, found more"
        raise CorruptFileError(f"{file.name}.gz is refused: {expected}")
