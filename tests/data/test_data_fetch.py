"""Fetching: mirrors, resuming, refusals, two processes, copies. All of it on loopback."""

import gzip
import io
import selectors
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from data_tools import SHAPES, Mirror, child_environment, isolate, payload, tiny_source, write_files

from vae_teach.data import fetch as fetch_module
from vae_teach.data import transfer
from vae_teach.data.fetch import fetch
from vae_teach.data.idx import CorruptFileError, read_idx
from vae_teach.data.places import load_source

NAMES = sorted(f"{filename}.gz" for filename, _ in SHAPES.values())
FIRST = "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def mirror():
    with Mirror() as mirror:
        yield mirror


@pytest.fixture
def second():
    with Mirror() as mirror:
        yield mirror


def get(folder: Path, *mirrors: Mirror, **options) -> list[str]:
    lines: list[str] = []
    source = tiny_source(*(mirror.url for mirror in mirrors))
    fetch(source, folder, progress=False, log=lines.append, **options)
    return lines


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".fetch.lock")


def requested(mirror: Mirror) -> list[tuple[str, str | None]]:
    return [(name, wanted) for name, wanted in mirror.requests if name == FIRST]


def test_all_files_arrive_verified_and_nothing_else(tmp_path, mirror):
    lines = get(tmp_path, mirror)
    assert left_in(tmp_path) == NAMES
    assert len(lines) == 4 and all("checksum verified" in line for line in lines)
    for role, file in tiny_source().files.items():
        assert read_idx(tmp_path / f"{file.name}.gz", file).shape == SHAPES[role][1]


def test_what_is_here_is_not_fetched_again(tmp_path, mirror):
    get(tmp_path, mirror)
    asked = len(mirror.requests)
    lines = get(tmp_path, mirror)
    assert len(mirror.requests) == asked
    assert all("already here" in line for line in lines)


def test_a_damaged_file_that_is_here_is_replaced(tmp_path, mirror):
    """Fails if a file is believed because of its name."""
    get(tmp_path, mirror)
    (tmp_path / FIRST).write_bytes(b"not this")
    lines = get(tmp_path, mirror)
    assert any(FIRST in line and "replaced" in line for line in lines)
    read_idx(tmp_path / FIRST, tiny_source().files["train_images"])


def test_the_next_mirror_is_asked_when_one_lacks_the_file(tmp_path, mirror, second):
    mirror.files.clear()
    get(tmp_path, mirror, second)
    assert left_in(tmp_path) == NAMES
    assert len(requested(mirror)) == 1  # a 404 is not asked three times


def test_a_mirror_that_is_not_there_is_passed_over(tmp_path, second):
    gone = Mirror()  # listens on a port, then lets it go
    gone.server.server_close()
    get(tmp_path, gone, second)
    assert left_in(tmp_path) == NAMES


BAD = {
    "a web page": b"<html>log in to the hotel's wi-fi</html>",
    "an empty file": b"",
    "another file": gzip.compress(payload("train_labels")),
    "a changed pixel": gzip.compress(payload("train_images")[:-1] + b"?"),
    "a broken gzip": gzip.compress(payload("train_images"))[:200],
    "a file too long": gzip.compress(payload("train_images") + b"more"),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_wrong_content_is_refused_and_leaves_nothing_behind(tmp_path, mirror, body):
    """The message has the file's name and both values; no file, no .part, no temporary file."""
    mirror.files[FIRST] = body
    with pytest.raises(OSError, match=FIRST.replace(".", r"\.")) as caught:
        get(tmp_path, mirror)
    assert "expected" in str(caught.value) and "found" in str(caught.value)
    assert "--from FOLDER" in str(caught.value)  # and what to do
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_wrong_content_of_one_mirror_is_mended_by_the_next(tmp_path, mirror, second, body):
    mirror.files[FIRST] = body
    get(tmp_path, mirror, second)
    assert left_in(tmp_path) == NAMES


def test_a_server_that_unpacks_on_the_way_is_accepted(tmp_path, mirror):
    """Raw bytes under the .gz address are an honest copy; they get the raw name."""
    mirror.files[FIRST] = payload("train_images")
    get(tmp_path, mirror)
    assert FIRST.removesuffix(".gz") in left_in(tmp_path) and FIRST not in left_in(tmp_path)
    read_idx(tmp_path / FIRST.removesuffix(".gz"), tiny_source().files["train_images"])


def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path, mirror):
    """Within one call, and every time further on."""
    mirror.break_after = [100, 50]
    get(tmp_path, mirror)
    assert requested(mirror) == [(FIRST, None), (FIRST, "bytes=100-"), (FIRST, "bytes=150-")]
    assert left_in(tmp_path) == NAMES


def test_a_break_that_the_server_does_not_tell_is_seen_in_the_content(tmp_path, mirror, second):
    """Without Content-Length a short answer looks finished; the next mirror starts afresh."""
    mirror.lengths, mirror.break_after = False, [100]
    get(tmp_path, mirror, second)
    assert requested(second) == [(FIRST, None)]
    assert left_in(tmp_path) == NAMES


def test_an_interrupted_download_is_resumed_by_the_next_call(tmp_path, mirror):
    """What a first call leaves is a .part, never the file's own name."""
    mirror.break_after = [100, 0, 0]
    with pytest.raises(OSError, match="broke off after 100 of"):
        get(tmp_path, mirror)
    assert left_in(tmp_path) == [f"{FIRST}.part"]
    assert (tmp_path / f"{FIRST}.part").stat().st_size == 100
    mirror.requests.clear()
    get(tmp_path, mirror)
    assert requested(mirror) == [(FIRST, "bytes=100-")]
    assert left_in(tmp_path) == NAMES


def test_ctrl_c_leaves_what_came_and_the_next_call_goes_on(tmp_path, mirror, monkeypatch):
    receive = transfer._receive

    def one_chunk_then_ctrl_c(response, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return receive(response)

    monkeypatch.setattr(transfer, "_CHUNK", 64)
    monkeypatch.setattr(transfer, "_receive", one_chunk_then_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path, mirror)
    assert left_in(tmp_path) == [f"{FIRST}.part"]
    monkeypatch.setattr(transfer, "_receive", receive)
    get(tmp_path, mirror)
    assert requested(mirror)[-1] == (FIRST, "bytes=64-")
    assert left_in(tmp_path) == NAMES


def test_a_server_that_ignores_ranges_starts_over(tmp_path, mirror):
    """Fails if the whole file is appended to the part of it that was there."""
    (tmp_path / f"{FIRST}.part").write_bytes(mirror.files[FIRST][:100])
    mirror.ranges = False
    get(tmp_path, mirror)
    assert requested(mirror) == [(FIRST, "bytes=100-")]
    assert (tmp_path / FIRST).read_bytes() == mirror.files[FIRST]


def test_a_part_of_another_copy_is_thrown_away(tmp_path, mirror):
    """Mirrors may pack the same content differently: a mixture is refused, then all refetched."""
    (tmp_path / f"{FIRST}.part").write_bytes(b"\x1f\x8b" + b"?" * 98)
    get(tmp_path, mirror)
    assert requested(mirror) == [(FIRST, "bytes=100-"), (FIRST, None)]
    assert left_in(tmp_path) == NAMES


@pytest.mark.parametrize("extra", [0, 7], ids=["whole", "too long"])
def test_a_part_with_nothing_left_to_fetch_is_judged_by_its_content(tmp_path, mirror, extra):
    """The server answers 416: whole already, or longer than the file ever was."""
    whole = mirror.files[FIRST]
    (tmp_path / f"{FIRST}.part").write_bytes(whole + b"?" * extra)
    get(tmp_path, mirror)
    assert len(requested(mirror)) == (1 if extra == 0 else 2)
    assert (tmp_path / FIRST).read_bytes() == whole


def test_an_answer_without_end_is_cut_off(tmp_path, mirror, monkeypatch):
    """Fails if a wrong address could fill the disk."""
    monkeypatch.setattr(transfer, "SLACK", 64)
    monkeypatch.setattr(transfer, "_CHUNK", 64)
    mirror.files[FIRST] = bytes(1 << 22)
    with pytest.raises(OSError, match="expected at most"):
        get(tmp_path, mirror)
    assert left_in(tmp_path) == []


def test_a_silent_server_is_given_up(tmp_path, mirror, second, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    mirror.gate.clear()
    get(tmp_path, mirror, second)
    assert left_in(tmp_path) == NAMES


def test_a_server_that_trickles_is_given_up(tmp_path, mirror, second, monkeypatch):
    """A byte every few seconds never runs into the timeout: the download waited for ever."""
    monkeypatch.setattr(transfer, "GRACE", 0.1)
    mirror.pause = 0.05
    get(tmp_path, mirror, second)
    assert left_in(tmp_path) == NAMES
    assert len(requested(mirror)) == 1  # too slow once is too slow: it is not asked again


@pytest.mark.parametrize("length", ["²", "-1", "1" * 5000, "many"])
def test_a_length_that_is_no_number_is_passed_over(tmp_path, mirror, length):
    """Catches a digit that int() refuses: "invalid literal", and no other mirror was asked."""
    mirror.length = length
    get(tmp_path, mirror)
    assert left_in(tmp_path) == NAMES


@pytest.mark.parametrize("scheme", ["ftp", "file", "data", "gopher"])
def test_a_redirect_leads_to_the_web_only(tmp_path, mirror, second, scheme):
    mirror.redirect = f"{scheme}://127.0.0.1:9/"
    get(tmp_path, mirror, second)
    assert left_in(tmp_path) == NAMES and len(requested(second)) == 1
    with pytest.raises(OSError, match=f"{scheme}.* (is refused|not allowed)"):
        get(tmp_path / "again", mirror)


def test_a_redirect_to_another_server_is_followed(tmp_path, mirror, second):
    mirror.redirect = second.url
    get(tmp_path, mirror)
    assert left_in(tmp_path) == NAMES


def test_a_part_that_is_a_link_is_not_written_through(tmp_path, mirror):
    """Fails if a download can be led to write over any file of the user's."""
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / f"{FIRST}.part").symlink_to(other)
    get(tmp_path, mirror)
    assert other.read_bytes() == b"precious"
    assert left_in(tmp_path) == sorted([*NAMES, "other"])


def test_a_full_disk_is_not_blamed_on_the_mirror(tmp_path, mirror, second, monkeypatch):
    """An error of the disk goes up as it is; other mirrors would not help."""

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer, "open", lambda *args: Full(), raising=False)
    with pytest.raises(OSError, match="No space left"):
        get(tmp_path, mirror, second)
    assert second.requests == []


@pytest.mark.parametrize("gz", [True, False], ids=["gz", "raw"])
def test_copies_in_a_folder_are_taken(tmp_path, gz):
    copies, folder = write_files(tmp_path / "copies", gz=gz), tmp_path / "here"
    get(folder, from_folder=copies)
    assert left_in(folder) == left_in(copies)


def test_copies_in_a_subfolder_of_the_data_sets_name_are_taken(tmp_path):
    write_files(tmp_path / "copies" / "tiny")
    get(tmp_path / "here", from_folder=tmp_path / "copies")
    assert left_in(tmp_path / "here") == NAMES


def test_a_bad_copy_is_refused_and_leaves_nothing_behind(tmp_path):
    copies = write_files(tmp_path / "copies")
    (copies / FIRST).write_bytes(gzip.compress(payload("test_images")))
    with pytest.raises(CorruptFileError, match=r"train-images.*20 x 5 x 4.*6 x 5 x 4"):
        get(tmp_path / "here", from_folder=copies)
    assert left_in(tmp_path / "here") == []


def test_a_missing_copy_is_named(tmp_path):
    copies = write_files(tmp_path / "copies")
    (copies / FIRST).unlink()
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte of tiny"):
        get(tmp_path / "here", from_folder=copies)


def test_a_copy_that_fails_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    def half(reader, writer):
        writer.write(reader.read(50))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch_module.shutil, "copyfileobj", half)
    copies = write_files(tmp_path / "copies")
    with pytest.raises(OSError, match="No space left"):
        get(tmp_path / "here", from_folder=copies)
    assert left_in(tmp_path / "here") == []


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, mirror):
    (tmp_path / "file").write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"cannot write to .*VAE_TEACH_CACHE"):
        get(tmp_path / "file" / "tiny", mirror)


def test_waiting_for_another_process_has_an_end(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(fetch_module, "LOCK_TIMEOUT", 0.05)
    tmp_path.mkdir(exist_ok=True)
    with filelock.FileLock(tmp_path / ".fetch.lock"), pytest.raises(OSError, match=r"fetch\.lock"):
        get(tmp_path, mirror)


@pytest.mark.processes
def test_two_processes_at_once_do_not_harm_each_other(cache, mirror):
    """The first is held at the server until the second has said that it waits.

    Without the lock both would write the same .part; every file is asked for once, and both end
    well with verified files.
    """
    folder = cache / "tiny"
    script = Path(__file__).parents[1].joinpath("data_tools.py")
    command = [sys.executable, str(script), mirror.url, str(folder)]
    mirror.gate.clear()
    processes = [
        subprocess.Popen(
            command,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        first_line_of_one = wait_for_the_waiting(processes)
        mirror.gate.set()
        rest = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()
    assert "waiting for it" in first_line_of_one
    assert [process.returncode for process in processes] == [0, 0], rest
    assert sorted(mirror.requests) == [(name, None) for name in NAMES]
    assert "".join(rest).count("already here") == 4
    assert left_in(folder) == NAMES
    assert len(load_source(tiny_source()).train) == 20


def wait_for_the_waiting(processes: list[subprocess.Popen]) -> str:
    """The first line that either process prints: only the one that waits has anything to say."""
    with selectors.DefaultSelector() as selector:
        for process in processes:
            selector.register(process.stdout, selectors.EVENT_READ)
        ready = selector.select(timeout=120)
        assert ready, "neither process said that it waits"
        return ready[0][0].fileobj.readline()


def test_the_progress_bar_is_on_stderr(tmp_path, mirror, capsys):
    """stdout is for the result, so that it can be piped."""
    fetch(tiny_source(mirror.url), tmp_path, progress=True, log=lambda line: None)
    out, err = capsys.readouterr()
    assert out == "" and FIRST.removesuffix(".gz") in err and "100%" in err
