"""Every file that the kit writes is whole or not there, whatever fails while it is written."""

import errno
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from vae_teach.handout import copies
from vae_teach.machine import whole_file as module
from vae_teach.machine.whole_file import whole_file, write_text
from vae_teach.models import VAE
from vae_teach.runs import folder as run_folder
from vae_teach.training.checkpoint import save_checkpoint
from vae_teach.training.history import History
from vae_teach.widgets import KLExplorer

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "handout_example.ipynb"


def strip_notebooks(path):
    """The tool of `make format`, on the notebook that somebody wrote."""
    place = ROOT / "book" / "strip_notebooks.py"
    spec = importlib.util.spec_from_file_location("strip_notebooks", place)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.main([str(path)])


def tiny():
    return VAE(4, (3,), 2, (3,), seed=0)


WRITERS = {
    "bytes.bin": lambda path: _write(path, b"new"),
    "text.txt": lambda path: write_text(path, "new"),
    "page.html": lambda path: KLExplorer().to_html(path),
    "copy.ipynb": lambda path: copies.write(copies.read(FIXTURE), path),
    "run.json": lambda path: run_folder.write_record(path.parent, {"protocol": {}}),
    "model.safetensors": lambda path: save_checkpoint(path, tiny(), history=History(), settings={}),
    "chapter.ipynb": strip_notebooks,
}


def _write(path, data):
    with whole_file(path) as file:
        file.write(data)


@pytest.fixture(params=WRITERS)
def target(request, tmp_path):
    """A file of an earlier day, and what writes it anew."""
    path = tmp_path / request.param
    path.write_text("old")
    if request.param == "chapter.ipynb":  # the tool reads what it writes
        code = nbformat.v4.new_code_cell("1", execution_count=7)
        nbformat.write(nbformat.v4.new_notebook(cells=[code]), path)
    return path, WRITERS[request.param]


class Full:
    """An open file on a disk that is full."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.file.write(data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refusing(number):
    def refuse(*args, **options):
        raise OSError(number, os.strerror(number))

    return refuse


def full(path, mode="r", *args):
    """`open` on a full disk: files can be made, and read, but nothing gets into them."""
    file = open(path, mode, *args)
    return Full(file) if mode == "xb" else file


FAULTS = {
    "may not be made": ("open", refusing(errno.EACCES), "Permission denied"),
    "read-only": ("open", refusing(errno.EROFS), "Read-only file system"),
    "full": ("open", full, "No space left on device"),
    "full when it is synced": ("os.fsync", refusing(errno.ENOSPC), "No space left on device"),
    "disk error": ("os.fsync", refusing(errno.EIO), "Input/output error"),
    "rename refused": ("os.replace", refusing(errno.EBUSY), "busy"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_keeps_the_old_file_and_names_it(target, monkeypatch, fault):
    """A good page was cut to 8 kB by a full disk, and the error named no file."""
    path, write = target
    before = path.read_bytes()
    where, fake, said = FAULTS[fault]
    monkeypatch.setattr(f"vae_teach.machine.whole_file.{where}", fake, raising=False)
    with pytest.raises(OSError, match=said) as told:
        write(path)
    assert str(path) in str(told.value) and ".tmp" not in str(told.value)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("where", ["open", "fcntl.flock", "os.replace"])
def test_a_write_that_is_stopped_keeps_the_old_file_alone(target, monkeypatch, where, stop):
    """Ctrl-C between the making of the temporary file and its first byte left it in the folder."""
    path, write = target
    before = path.read_bytes()

    def stopped(*args):
        if where == "open":
            open(*args).close()  # the file is made, and the signal comes before it is returned
        raise stop

    monkeypatch.setattr(f"vae_teach.machine.whole_file.{where}", stopped, raising=False)
    with pytest.raises(stop):
        write(path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(target, tmp_path_factory):
    """A link in a shared folder would let its owner have any file written over."""
    path, write = target
    elsewhere = tmp_path_factory.mktemp("elsewhere") / path.name
    before = path.read_bytes()
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    write(path)
    assert elsewhere.read_bytes() == before != path.read_bytes() and not path.is_symlink()


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("folder", "is a folder"), ("pipe", "is no regular file")):
        with pytest.raises(OSError, match=rf"{name} {said}"):
            write_text(tmp_path / name, "x")
    assert {p.name for p in tmp_path.iterdir()} == {"folder", "pipe"}
    with pytest.raises(FileNotFoundError, match=r"nowhere/file'$"):
        write_text(tmp_path / "nowhere" / "file", "x")


def test_a_file_that_may_not_be_written_over_is_not(tmp_path, monkeypatch):
    """A rename asks for no permission of the file itself. Root may do anything, so it is asked."""
    path = tmp_path / "kept"
    path.write_text("old")
    monkeypatch.setattr(module.os, "access", lambda *args: False)
    with pytest.raises(PermissionError, match="kept may not be written over"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_who_may_read_a_file_stays_as_it_was(tmp_path):
    """A class shares new files as usual; a file that was its owner's alone stays so."""
    (tmp_path / "usual").write_bytes(b"x")
    (tmp_path / "mine").write_bytes(b"x")
    (tmp_path / "mine").chmod(0o600)
    for name in ("new", "mine"):
        write_text(tmp_path / name, "x")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes["new"] == modes["usual"] and modes["mine"] == 0o600


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "\U0001f600" * 63])
def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_half_a_character_does_not_end_a_run(tmp_path):
    """Names of bytes that are no text come with halves of surrogate pairs."""
    page = KLExplorer().to_html(tmp_path / "page.html", title="b\udcffd <b>")
    assert "<h1>b?d &lt;b&gt;</h1>" in page.read_text("utf-8")


# --- processes that are killed ------------------------------------------------------------------

KILLED = """
import os, signal, sys
from vae_teach.machine import whole_file
whole_file.os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
whole_file.write_text(sys.argv[1], "never")
"""


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path):
    """Each kill left a file of a checkpoint's size for ever."""
    path = tmp_path / "file"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    write_text(tmp_path / "another", "new")
    assert {p.name for p in tmp_path.iterdir()} == {"file", "another"}


def test_what_another_is_writing_now_is_left_to_it(tmp_path):
    """Fails if every temporary file is taken for a left-over."""
    with whole_file(tmp_path / "slow") as file:
        file.write(b"1")
        write_text(tmp_path / "quick", "x")
        file.write(b"2")
    assert (tmp_path / "slow").read_bytes() == b"12"


def test_only_the_kits_own_left_overs_are_removed(tmp_path):
    others = [".mine.tmp", "mine.12-0123abcd.tmp", ".mine.12-0123abcd.tmpx", ".x.12-0123ABCD.tmp"]
    for name in others:
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.12-0123abcd.tmp").mkdir()
    (tmp_path / ".link.12-0123abcd.tmp").symlink_to(tmp_path / ".mine.tmp")
    write_text(tmp_path / "file", "x")
    assert len(list(tmp_path.iterdir())) == len(others) + 3


def test_the_bytes_are_on_the_disk_before_they_have_the_name(tmp_path, monkeypatch):
    """After a loss of power a file would have its name and no content."""
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*args, real=real, name=name):
            done.append(name)
            return real(*args)

        monkeypatch.setattr(module.os, name, noted)
    write_text(tmp_path / "file", "x")
    assert done[:2] == ["fsync", "replace"]


def test_a_model_of_tied_weights_can_be_written(tmp_path):
    """Two names for one memory are refused by the file format: after an epoch's training."""
    model = tiny()
    model.to_logvar.weight = model.to_mu.weight
    save_checkpoint(tmp_path / "m", model, history=History(), settings={}, best=model.state_dict())
    assert torch.is_tensor(model.to_mu.weight)
