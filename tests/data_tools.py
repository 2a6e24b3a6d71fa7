"""What the data tests share: a data set of a few hundred bytes, a mirror on loopback, isolation.

`python tests/data_tools.py MIRROR FOLDER` fetches the tiny data set, for tests of two processes.
"""

import contextlib
import gzip
import hashlib
import http.server
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from vae_teach.data.idx import IdxFile
from vae_teach.data.places import locate
from vae_teach.data.sources import MNIST, Source

SHAPES = {
    "train_images": ("train-images-idx3-ubyte", (20, 5, 4)),
    "train_labels": ("train-labels-idx1-ubyte", (20,)),
    "test_images": ("t10k-images-idx3-ubyte", (6, 5, 4)),
    "test_labels": ("t10k-labels-idx1-ubyte", (6,)),
}
VARIABLES = ("VAE_TEACH_DATA", "VAE_TEACH_DATASET")


def real_mnist() -> Path | None:
    """The folder of the real files; to be asked at import, before a test hides the environment."""
    with contextlib.suppress(OSError):
        if found := locate(MNIST):
            return found[1]["train_images"].parent
    return None


REAL_MNIST = real_mnist()
needs_mnist = pytest.mark.skipif(
    REAL_MNIST is None,
    reason="real MNIST is not on this machine; get it with: python -m vae_teach data mnist",
)


def isolate(monkeypatch, tmp_path: Path) -> Path:
    """Hide the machine's own data and cache from a test; return its empty cache folder."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("VAE_TEACH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def values(role: str) -> np.ndarray:
    """The values of one file: noise, so that gzip cannot make a file much smaller than it is."""
    shape = SHAPES[role][1]
    high = 256 if len(shape) == 3 else 10
    rng = np.random.default_rng(list(SHAPES).index(role))
    return rng.integers(0, high, shape, dtype=np.uint8)


def payload(role: str) -> bytes:
    """The bytes of one uncompressed IDX file."""
    array = values(role)
    header = [0x0800 + array.ndim, *array.shape]
    return np.array(header, dtype=">u4").tobytes() + array.tobytes()


def tiny_source(*mirrors: str, name: str = "tiny") -> Source:
    """A data set with the files of MNIST, each a few hundred bytes."""
    files = {
        role: IdxFile(filename, shape, hashlib.sha256(payload(role)).hexdigest())
        for role, (filename, shape) in SHAPES.items()
    }
    return Source(name, "Tiny images", files, (name,), mirrors, tuple("0123456789"))


def write_files(folder: Path, *, gz: bool = True) -> Path:
    """Write the tiny data set's files, gzipped or raw."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, (filename, _) in SHAPES.items():
        data = payload(role)
        path = folder / (f"{filename}.gz" if gz else filename)
        path.write_bytes(gzip.compress(data, mtime=0) if gz else data)
    return folder


class Mirror:
    """A web server on loopback that serves the tiny data set as well or as badly as told.

    Attributes:
        files: name -> bytes; a name that is missing answers 404.
        requests: (name, Range header or None) in order.
        ranges: whether Range is honoured; if not, the whole file comes with status 200.
        lengths: whether Content-Length is sent.
        break_after: for each coming request, how many bytes to send before hanging up; None for
            all. When the list is used up, all.
        length: a Content-Length to send instead of the right one.
        pause: seconds to wait after each byte sent.
        redirect: where every request is sent on to, if anywhere.
        gate: requests wait for this event.
    """

    def __init__(self):
        self.files = {
            f"{filename}.gz": gzip.compress(payload(role), mtime=0)
            for role, (filename, _) in SHAPES.items()
        }
        self.requests: list[tuple[str, str | None]] = []
        self.ranges = self.lengths = True
        self.break_after: list[int | None] = []
        self.length = self.redirect = None
        self.pause = 0.0
        self.gate = threading.Event()
        self.gate.set()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        name, wanted = request.path.lstrip("/"), request.headers["Range"]
        self.requests.append((name, wanted))
        self.gate.wait(60)
        body = self.files.get(name)
        if self.redirect is not None:
            request.send_response(302)
            request.send_header("Location", self.redirect + name)
            return request.end_headers()
        if body is None:
            return request.send_error(404)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start and start >= len(body):
            return request.send_error(416)
        request.send_response(206 if wanted and self.ranges else 200)
        if wanted and self.ranges:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.lengths:
            length = str(len(body) - start) if self.length is None else self.length
            request.send_header("Content-Length", length)
        request.end_headers()
        limit = self.break_after.pop(0) if self.break_after else None
        with contextlib.suppress(OSError):  # a client that has seen enough hangs up
            if not self.pause:
                request.wfile.write(body[start:][:limit])
            for byte in body[start:][:limit] if self.pause else b"":
                request.wfile.write(bytes([byte]))
                time.sleep(self.pause)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def child_environment() -> dict[str, str]:
    """The environment for a child process that is to find this file and the package."""
    root = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}


if __name__ == "__main__":
    from vae_teach.data.fetch import fetch

    fetch(tiny_source(sys.argv[1]), Path(sys.argv[2]), progress=False)
