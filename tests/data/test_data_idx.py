"""IDX files: what is exactly right is read, anything else is refused with name and both values."""

import dataclasses
import gzip
import hashlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from data_tools import payload, tiny_source, values
from hypothesis import given
from hypothesis import strategies as st

from vae_teach.data import idx
from vae_teach.data.idx import CorruptFileError, read_idx, read_payload
from vae_teach.data.sources import MNIST, SOURCES

FILE = tiny_source().files["train_images"]
PAYLOAD = payload("train_images")


def read(data: bytes, file=FILE) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some-images.gz"
        path.write_bytes(data)
        return read_idx(path, file)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def refusal(data: bytes, file=FILE) -> str:
    with pytest.raises(CorruptFileError) as caught:
        read(data, file)
    assert "some-images.gz" in str(caught.value)  # the file's own name, whatever is wrong with it
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzipped"])
def test_a_good_file_gives_its_values_whether_compressed_or_not(pack):
    """Fails if the name decides instead of the content: both are called some-images.gz here."""
    np.testing.assert_array_equal(read(pack(PAYLOAD)), values("train_images"))


def test_values_are_row_major_and_unsigned():
    """A hand-made file of one 2 x 3 image with a byte above 127."""
    data = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    file = dataclasses.replace(FILE, shape=(1, 2, 3), sha256=sha256(data))
    assert read(data, file).tolist() == [[[1, 2, 3], [4, 5, 255]]]


def test_magic_number_and_size_follow_from_the_shape():
    """The published numbers of MNIST: 2051 and 2049, 47,040,016 and 60,008 bytes."""
    images, labels = MNIST.files["train_images"], MNIST.files["train_labels"]
    assert (images.magic, labels.magic) == (2051, 2049)
    assert (images.n_bytes, labels.n_bytes) == (47_040_016, 60_008)


def test_wrong_magic_is_refused_with_both_values():
    """A labels file under an images file's name."""
    message = refusal(b"\0\0\x08\1" + PAYLOAD[4:])
    assert "0x00000803" in message and "0x00000801" in message


def test_wrong_axes_are_refused_with_both_values():
    """The right number of bytes, but of pictures of another shape."""
    axes = np.array([20, 4, 5], dtype=">u4").tobytes()
    message = refusal(PAYLOAD[:4] + axes + PAYLOAD[16:])
    assert "20 x 5 x 4" in message and "20 x 4 x 5" in message


def test_wrong_checksum_is_refused_with_both_values():
    """A file that is right in everything but one pixel."""
    message = refusal(PAYLOAD[:-1] + bytes([PAYLOAD[-1] ^ 1]))
    assert FILE.sha256 in message and sha256(PAYLOAD[:-1] + bytes([PAYLOAD[-1] ^ 1])) in message


def test_bytes_too_many_are_refused_with_the_size_expected():
    message = refusal(PAYLOAD + b"x")
    assert f"expected {len(PAYLOAD)}" in message and "found more" in message


@given(st.integers(0, len(PAYLOAD) - 1))
def test_a_file_cut_short_anywhere_is_refused(length):
    """Fails if a short header, an empty file or a missing last byte slips through or crashes."""
    message = refusal(PAYLOAD[:length])
    assert "expected" in message and "found" in message


@given(st.integers(0, len(gzip.compress(PAYLOAD)) - 1))
def test_a_gzip_file_cut_short_anywhere_is_refused(length):
    """Fails if the last bytes (gzip's own checksum and size) may be missing."""
    message = refusal(gzip.compress(PAYLOAD, mtime=0)[:length])
    assert "expected" in message and "found" in message


@given(st.integers(0, len(PAYLOAD) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(position, change):
    """Fails if header or values are not covered by the checks."""
    data = bytearray(PAYLOAD)
    data[position] ^= change
    refusal(bytes(data))


@given(st.binary(max_size=600))
def test_no_bytes_crash_the_reader(data):
    """Noise is refused with the same error as a near miss, never another exception."""
    refusal(data)
    refusal(b"\x1f\x8b\x08" + data)


def test_gzip_files_of_several_streams_and_with_padding_are_read():
    """Some tools write a gzip file in pieces or pad it; the content is what counts."""
    pieces = gzip.compress(PAYLOAD[:100]) + gzip.compress(PAYLOAD[100:]) + b"\0" * 512
    np.testing.assert_array_equal(read(pieces), values("train_images"))


def test_garbage_after_a_gzip_stream_is_refused():
    refusal(gzip.compress(PAYLOAD) + b"garbage")


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    """64 MB of zeros in 64 kB: reading stops one byte after what the file may have."""
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(PAYLOAD + bytes(1 << 26)))
    assert len(read_payload(path, FILE)) == FILE.n_bytes + 1
    with pytest.raises(CorruptFileError, match=r"bomb\.gz.*found more"):
        read_idx(path, FILE)


def test_a_gzip_file_longer_than_its_content_is_not_read(tmp_path):
    """A file of 100 GB, all of it a hole, was read into memory before anything was compared."""
    path = tmp_path / "hole.gz"
    path.write_bytes(gzip.compress(PAYLOAD))
    os.truncate(path, 100_000_000_000)
    with pytest.raises(CorruptFileError, match=r"hole\.gz .* at most .*found 100,000,000,000"):
        read_payload(path, FILE)


def test_a_gzip_file_is_unpacked_piece_by_piece(tmp_path, monkeypatch):
    """Each of 400,000 empty streams copied all that was left: 49 seconds for 8 MB."""
    pieces = []

    class Watched(io.FileIO):
        def readinto(self, buffer):
            pieces.append(super().readinto(buffer))
            return pieces[-1]

        def readall(self):
            pieces.append(path.stat().st_size)
            return super().readall()

    path = tmp_path / "empty.gz"
    path.write_bytes(gzip.compress(b"", mtime=0) * 30_000 + gzip.compress(PAYLOAD))
    monkeypatch.setattr(idx, "SLACK", 1 << 20)
    monkeypatch.setattr(idx, "open", lambda p, m: io.BufferedReader(Watched(p)), raising=False)
    assert read_payload(path, FILE) == PAYLOAD
    assert max(pieces) <= 1 << 18 < path.stat().st_size


def test_the_two_data_sets_differ_in_every_file():
    """Fails if a checksum is pasted into the wrong data set or the wrong line."""
    digests = [f.sha256 for source in SOURCES.values() for f in source.files.values()]
    assert len(set(digests)) == 8 and all(len(d) == 64 for d in digests)
