"""The cache of arrays: used when it is good, remade when it is not, never in the way."""

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from data_tools import isolate
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_teach.data import cache as cache_module
from vae_teach.data.cache import cache_dir, cached_arrays
from vae_teach.machine import whole_file as whole_file_module


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


def arrays() -> dict[str, np.ndarray]:
    return {"pixels": np.arange(60, dtype=np.uint8), "slant": np.linspace(0, 1, 5)}


def never() -> dict[str, np.ndarray]:
    raise AssertionError("the arrays are in the cache and must not be made again")


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(
        first[k].dtype == second[k].dtype and np.array_equal(first[k], second[k]) for k in first
    )


def test_the_folder_is_the_users_cache_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("VAE_TEACH_CACHE")
    assert cache_dir().is_absolute() and "vae_teach" in str(cache_dir())


def test_the_second_call_reads_what_the_first_one_made(cache, capsys):
    assert same(cached_arrays("x", "k", arrays), arrays())
    assert same(cached_arrays("x", "k", never), arrays())
    assert capsys.readouterr() == ("", "")


def test_another_key_makes_the_arrays_anew_and_removes_the_stale_file(cache):
    """Fails if an old generator's images survive a change of the pens."""
    cached_arrays("x", "old", arrays)
    cached_arrays("y", "old", arrays)
    made = cached_arrays("x", "new", lambda: {"pixels": np.zeros(3)})
    assert made["pixels"].tolist() == [0, 0, 0]
    files = {path.name for path in cache.iterdir() if path.suffix == ".npz"}
    assert files == {"x-new.npz", "y-old.npz"}


def damage(change) -> tuple[dict[str, np.ndarray], int]:
    """Change the bytes of a cache file; return what is read then, and how often it was made."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_TEACH_CACHE", folder)
        cached_arrays("x", "k", arrays)
        path = Path(folder) / "x-k.npz"
        path.write_bytes(change(path.read_bytes()))
        made = []
        result = cached_arrays("x", "k", lambda: made.append(1) or arrays())
        assert same(cached_arrays("x", "k", never), arrays())  # the file is good again
        return result, len(made)


@settings(max_examples=60)
@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_anywhere_is_made_again(share):
    result, made = damage(lambda data: data[: int(share * len(data))])
    assert same(result, arrays()) and made == 1


@settings(max_examples=150)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_never_changes_what_is_read(share, change):
    """Fails with numpy's own archive: its directory is covered by no checksum."""

    def flip(data):
        position = int(share * len(data))
        return data[:position] + bytes([data[position] ^ change]) + data[position + 1 :]

    result, made = damage(flip)
    assert same(result, arrays()) and made == 1


def test_a_damaged_file_is_reported_in_one_line(cache, capsys):
    cached_arrays("x", "k", arrays)
    (cache / "x-k.npz").write_bytes(b"not an archive")
    cached_arrays("x", "k", arrays)
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "x-k.npz is damaged (its checksum is wrong) and made again" in err


def test_the_file_is_an_ordinary_npz(cache):
    """It can be looked into with numpy alone: the checksum sits in the archive's comment."""
    cached_arrays("x", "k", arrays)
    with np.load(cache / "x-k.npz", allow_pickle=False) as file:
        assert same(dict(file), arrays())


def test_pickles_are_not_opened(cache, capsys):
    """A cache folder that others can write must not run their code."""

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(cache / "sprung"),))

    cache.mkdir()
    trap = cache_module._packed({"pixels": np.array([Trap()], dtype=object)})
    (cache / "x-k.npz").write_bytes(trap)
    assert same(cached_arrays("x", "k", arrays), arrays())
    assert not (cache / "sprung").exists()
    assert "damaged" in capsys.readouterr().err


def refuse(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("step", ["mkdir", "lock", "open", "replace"])
def test_a_cache_that_cannot_be_written_is_reported_in_one_line(cache, capsys, monkeypatch, step):
    """At whichever step the system says no: the arrays come all the same, and nothing is left."""
    target = {
        "mkdir": (Path, "mkdir"),
        "lock": (cache_module.filelock.FileLock, "acquire"),
        "open": (whole_file_module, "open"),
        "replace": (whole_file_module.os, "replace"),
    }[step]
    monkeypatch.setattr(*target, refuse, raising=False)
    assert same(cached_arrays("x", "k", arrays), arrays())
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and str(cache) in err and "Permission denied" in err
    left = [] if not cache.exists() else [p.name for p in cache.iterdir() if p.suffix != ".lock"]
    assert left == []


def test_a_file_where_the_cache_should_be_is_reported_in_one_line(cache, capsys):
    """No patching: the system's own refusal."""
    cache.write_text("in the way")
    assert same(cached_arrays("x", "k", arrays), arrays())
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and str(cache) in err and "in memory" in err


def test_a_read_only_cache_that_holds_the_arrays_is_simply_used(cache, capsys, monkeypatch):
    """A teacher may fill it once for a whole class."""
    cached_arrays("x", "k", arrays)
    monkeypatch.setattr(cache_module.os, "replace", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert same(cached_arrays("x", "k", never), arrays())
    assert capsys.readouterr().err == ""


def test_a_file_system_without_locks_is_reported_in_one_line(cache, capsys, monkeypatch):
    def no_locks(self, *args, **kwargs):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(cache_module.filelock.FileLock, "acquire", no_locks)
    assert same(cached_arrays("x", "k", arrays), arrays())
    assert capsys.readouterr().err.count("\n") == 1


def test_two_at_once_make_the_arrays_once(cache):
    """The second waits for the first and reads its file; without the lock both would draw."""
    started, made = threading.Event(), []

    def slowly():
        made.append(1)
        started.set()
        wait_for_second.wait(2)
        return arrays()

    wait_for_second = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cached_arrays, "x", "k", slowly)
        assert started.wait(30)
        second = pool.submit(cached_arrays, "x", "k", slowly)
        wait_for_second.wait(0.2)  # the second reaches the lock meanwhile
        wait_for_second.set()
        results = first.result(30), second.result(30)
    assert all(same(result, arrays()) for result in results) and len(made) == 1
