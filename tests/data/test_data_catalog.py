"""Which data set is used, where it is looked for, and the command that lists and gets them."""

import dataclasses
import gzip
import socket
import subprocess
import sys

import pytest
import torch
from data_tools import (
    REAL_MNIST,
    SHAPES,
    Mirror,
    child_environment,
    isolate,
    needs_mnist,
    payload,
    tiny_source,
    values,
    write_files,
)

from vae_teach import data
from vae_teach.__main__ import main
from vae_teach.data import catalog, places, sources, strokes
from vae_teach.data.idx import CorruptFileError
from vae_teach.data.places import find_folder, load_source

FIRST = "train-images-idx3-ubyte"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def tiny(monkeypatch):
    """The tiny data set takes the place of MNIST, so that every rule can be tried on it."""
    source = tiny_source(name="mnist")
    monkeypatch.setattr(catalog, "MNIST", source)
    for module in (catalog, places, sources):
        monkeypatch.setitem(module.SOURCES, "mnist", source)
    return source


@pytest.fixture
def few_strokes(monkeypatch):
    monkeypatch.setattr(strokes, "N_TRAIN", 30)
    monkeypatch.setattr(strokes, "N_TEST", 10)


# --- reading ---


def test_pixels_become_255ths_and_labels_whole_numbers(cache, tiny):
    write_files(cache / "mnist")
    mnist = data.load("mnist")
    expected = torch.from_numpy(values("train_images").reshape(20, 20)).float() / 255
    assert torch.equal(mnist.train.images, expected)
    assert mnist.train.labels.tolist() == values("train_labels").tolist()
    assert mnist.train.labels.dtype == torch.int64 and mnist.image_shape == (5, 4)
    assert (len(mnist.test), mnist.name) == (6, "mnist")
    assert mnist.label_names == tuple("0123456789")
    mnist.train.images[0, 0] = 0.5  # writable: a read-only buffer makes torch warn and misbehave


@pytest.mark.parametrize(("limit", "sizes"), [(3, (3, 3)), (8, (8, 6)), (1000, (20, 6))])
def test_limit_keeps_the_first_of_each_split(cache, tiny, limit, sizes):
    write_files(cache / "mnist")
    whole, cut = data.load("mnist"), data.load("mnist", limit=limit)
    assert (len(cut.train), len(cut.test)) == sizes
    assert torch.equal(cut.train.images, whole.train.images[:limit])
    assert f"{sizes[0]} training and {sizes[1]} test" in cut.source


@pytest.mark.parametrize("name", ["strokes", "mnist"])
def test_a_limit_below_one_is_refused(name):
    with pytest.raises(ValueError, match="limit is 0"):
        data.load(name, limit=0)


def test_options_are_for_folders_of_images_only():
    with pytest.raises(TypeError, match="size: only images:FOLDER takes options, not strokes"):
        data.load("strokes", size=14)


def test_load_never_opens_a_socket(cache, tiny, few_strokes, monkeypatch):
    """Not for data that is here, and not for data that is missing either."""

    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    data.load("strokes")
    with pytest.raises(FileNotFoundError):
        data.load("fashion_mnist")
    write_files(cache / "mnist")
    data.load()
    data.inventory()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_missing_data_is_an_error_with_the_command_that_gets_it(cache, name):
    with pytest.raises(FileNotFoundError, match=f"python -m vae_teach data {name}") as caught:
        data.load(name)
    assert str(cache) in str(caught.value)


def test_an_incomplete_data_set_is_missing_and_says_what_it_lacks(cache, tiny):
    (write_files(cache / "mnist") / f"{FIRST}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=f"which lacks {FIRST}"):
        data.load("mnist")
    assert data.choose()[0] == "strokes"


def test_a_damaged_file_is_refused_with_what_mends_it(cache, tiny, tmp_path, monkeypatch):
    """In the cache a command replaces it; in the user's own folder the user must."""
    write_files(cache / "mnist")
    bad = gzip.compress(payload("train_images")[:-1])
    (cache / "mnist" / f"{FIRST}.gz").write_bytes(bad)
    with pytest.raises(CorruptFileError, match=f"{FIRST}.gz is refused: size.*replace it with"):
        data.load("mnist")
    monkeypatch.setenv("VAE_TEACH_DATA", str(cache))
    with pytest.raises(CorruptFileError, match="which VAE_TEACH_DATA names; put a good copy there"):
        data.load("mnist")


# --- where ---


@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("gz", [True, False], ids=["gz", "raw"])
def test_files_are_found_directly_or_in_the_usual_subfolders(tmp_path, monkeypatch, folder, gz):
    source = dataclasses.replace(tiny_source(name="mnist"), folders=sources.MNIST.folders)
    write_files(tmp_path / "own" / folder, gz=gz)
    monkeypatch.setenv("VAE_TEACH_DATA", str(tmp_path / "own"))
    assert "the folder that VAE_TEACH_DATA names" in load_source(source).source


def test_names_with_a_dot_are_found_too(cache):
    """train-images.idx3-ubyte, as some archives call it."""
    folder = write_files(cache / "tiny", gz=False)
    for filename, _ in SHAPES.values():
        (folder / filename).rename(folder / filename.replace("-idx", ".idx"))
    assert len(load_source(tiny_source()).train) == 20


def test_the_users_folder_goes_before_the_cache(cache, tiny, tmp_path, monkeypatch):
    write_files(cache / "mnist")
    write_files(tmp_path / "own")
    assert "from the cache" in data.load("mnist").source
    monkeypatch.setenv("VAE_TEACH_DATA", str(tmp_path / "own"))
    assert "VAE_TEACH_DATA" in data.load("mnist").source


def test_a_users_folder_without_the_data_leaves_the_cache(cache, tiny, tmp_path, monkeypatch):
    write_files(cache / "mnist")
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("VAE_TEACH_DATA", str(tmp_path / "own"))
    assert "from the cache" in data.load("mnist").source


def test_a_users_folder_that_does_not_exist_is_an_error(tmp_path, monkeypatch):
    """Fails if a typing mistake quietly trains every notebook on other data."""
    monkeypatch.setenv("VAE_TEACH_DATA", str(tmp_path / "tpyo"))
    for call in (data.load, data.choose, lambda: data.load("mnist")):
        with pytest.raises(FileNotFoundError, match=r"VAE_TEACH_DATA is .*tpyo"):
            call()


def test_one_data_sets_files_are_not_taken_for_anothers(tiny, tmp_path, monkeypatch):
    """MNIST and Fashion-MNIST have the same file names; the content says whose they are."""
    monkeypatch.setenv("VAE_TEACH_DATA", str(write_files(tmp_path / "own")))
    assert data.load("mnist").name == "mnist"
    with pytest.raises(FileNotFoundError, match="fashion_mnist is not in"):
        data.load("fashion_mnist")


def test_a_relative_folder_is_sought_here_and_upwards(tmp_path, monkeypatch):
    (tmp_path / "project" / "notebooks").mkdir(parents=True)
    (tmp_path / "files").mkdir()
    for here in ("project", "project/notebooks"):
        monkeypatch.chdir(tmp_path / here)
        assert find_folder("../files") == (tmp_path / "files").resolve()
    with pytest.raises(FileNotFoundError, match="no folder gone in"):
        find_folder("gone")


# --- which ---


def test_strokes_unless_mnist_is_here(cache, tiny, few_strokes):
    assert data.choose() == ("strokes", "it needs no download and MNIST is not on this machine")
    assert data.load().name == "strokes"
    write_files(cache / "mnist")
    assert data.choose() == ("mnist", "it is on this machine")
    assert data.load().name == "mnist"


def test_the_environment_chooses(cache, tiny, few_strokes, monkeypatch):
    write_files(cache / "mnist")
    monkeypatch.setenv("VAE_TEACH_DATASET", "strokes")
    assert data.choose() == ("strokes", "VAE_TEACH_DATASET says so")
    assert data.load().name == "strokes" and data.load("mnist").name == "mnist"


@pytest.mark.parametrize("name", ["MNIST", "cifar", "images", "images:", ""])
def test_an_unknown_name_is_refused_and_the_known_ones_listed(name):
    with pytest.raises(ValueError, match=r"strokes, mnist, fashion_mnist, images:FOLDER"):
        data.load(name)


def test_an_unknown_name_in_the_environment_is_refused_by_the_variables_name(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DATASET", "cifar")
    with pytest.raises(ValueError, match="VAE_TEACH_DATASET is 'cifar'"):
        data.load()


# --- the command ---


def test_the_list_says_what_is_here_and_what_gets_the_rest(cache, tiny, capsys):
    write_files(cache / "mnist")
    assert main(["data"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert "built in" in lines["strokes"]
    assert "present" in lines["mnist"] and str(cache / "mnist") in lines["mnist"]
    assert "missing" in lines["fashion_mnist"]
    assert "python -m vae_teach data fashion_mnist" in lines["fashion_mnist"]
    assert f"cache: {cache}" in out and "VAE_TEACH_DATA: not set" in out
    assert "Notebooks use mnist: it is on this machine." in out


def test_the_list_says_what_is_damaged_or_incomplete(cache, tiny):
    folder = write_files(cache / "mnist")
    (folder / f"{FIRST}.gz").write_bytes(b"nonsense")
    entry = data.inventory()[1]
    assert (entry.name, entry.state) == ("mnist", "damaged")
    assert f"{FIRST}.gz is refused" in entry.detail and "vae_teach data mnist" in entry.detail
    (folder / f"{FIRST}.gz").unlink()
    entry = data.inventory()[1]
    assert entry.state == "incomplete" and entry.detail.startswith("3 of 4 files in")


def test_the_command_ends_with_an_error_where_the_notebooks_data_is_damaged(cache, tiny, capsys):
    """It said "Notebooks use mnist" with success, and the first notebook failed."""
    (write_files(cache / "mnist") / f"{FIRST}.gz").write_bytes(b"nonsense")
    assert main(["data"]) == 1
    assert "But mnist cannot be loaded as it is" in capsys.readouterr().out


def test_the_list_says_when_strokes_are_drawn_already(few_strokes):
    assert "first use" in data.inventory()[0].detail
    data.load("strokes")
    assert "drawn already" in data.inventory()[0].detail


def test_the_command_fetches_into_the_cache_then_describes(cache, tiny, monkeypatch, capsys):
    with Mirror() as mirror:
        source = dataclasses.replace(tiny, mirrors=(mirror.url,))
        for module in (catalog, places, sources):
            monkeypatch.setitem(module.SOURCES, "mnist", source)
        assert main(["data", "mnist"]) == 0
    assert sorted(p.name for p in (cache / "mnist").glob("*.gz")) == sorted(
        f"{filename}.gz" for filename, _ in SHAPES.values()
    )
    assert "20 training and 6 test images, read from the cache" in capsys.readouterr().out


def test_the_command_copies_from_a_folder(cache, tiny, tmp_path, capsys):
    write_files(tmp_path / "own", gz=False)
    assert main(["data", "mnist", "--from", str(tmp_path / "own")]) == 0
    assert len(list((cache / "mnist").glob("*-ubyte"))) == 4
    assert "checksum verified" in capsys.readouterr().out


def test_the_command_fetches_nothing_that_the_users_folder_has(cache, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DATA", str(write_files(tmp_path / "own")))
    assert main(["data", "mnist"]) == 0  # the tiny source has no mirror: fetching would fail
    assert not cache.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist"], "no mirror delivered"),
        (["mnist", "--from", "/nowhere/at/all"], "no folder /nowhere/at/all"),
        (["cifar"], "the data sets are strokes, mnist, fashion_mnist, images:FOLDER"),
        (["strokes", "--from", "."], "--from goes with mnist or fashion_mnist, not with strokes"),
        (["--from", "."], "--from goes with mnist or fashion_mnist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_command_fails_with_a_sentence(tiny, capsys, arguments, message):
    assert main(["data", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and message in err


@pytest.mark.processes
def test_importing_the_package_does_nothing_but_define(cache):
    """No folder made, nothing printed, no random number drawn, no setting of torch changed."""
    script = (
        "import torch; state = torch.get_rng_state(); threads = torch.get_num_threads()\n"
        "import vae_teach.data\n"
        "assert torch.equal(state, torch.get_rng_state()) and threads == torch.get_num_threads()"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not cache.exists()


# --- the real thing ---


@needs_mnist
@pytest.mark.mnist
def test_real_mnist_is_read_whole_from_its_folder_and_from_the_cache(monkeypatch, cache, capsys):
    monkeypatch.setenv("VAE_TEACH_DATA", str(REAL_MNIST))
    direct = data.load()
    assert (direct.name, len(direct.train), len(direct.test)) == ("mnist", 60_000, 10_000)
    assert direct.train.images.mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert direct.train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert direct.test.labels.bincount().tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    monkeypatch.delenv("VAE_TEACH_DATA")
    assert main(["data", "mnist", "--from", str(REAL_MNIST)]) == 0
    cached = data.load()
    assert torch.equal(direct.train.images, cached.train.images)
    assert torch.equal(direct.test.labels, cached.test.labels)
