"""`python -m vae_teach train`: from pictures to an explorer, nothing lost."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from data_tools import isolate
from PIL import Image

from vae_teach.__main__ import main
from vae_teach.data.shapes import draw_shapes, write_folder
from vae_teach.machine.one_writer import one_writer
from vae_teach.models import count_parameters
from vae_teach.runs.folder import epochs_kept
from vae_teach.runs.own import Plan
from vae_teach.training import loop as train
from vae_teach.training.checkpoint import load_model, read_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

FILES = {
    "checkpoint.safetensors",
    "model.safetensors",
    "curves.png",
    "samples.png",
    "reconstructions.png",
    "explorer.html",
    "run.json",
}
SIDE = 10

# A shell that starts a job in the background has it ignore Ctrl-C, and its children with it.
LISTENING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from vae_teach.__main__ import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    return isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    g = torch.Generator().manual_seed(0)
    return write_folder(
        tmp_path_factory.mktemp("made") / "own", draw_shapes(40, generator=g), generator=g
    )


@pytest.fixture
def pictures(written, tmp_path):
    """Forty coloured pictures of odd sizes in three folders, and a broken one."""
    return shutil.copytree(written, tmp_path / "own")


def arguments(pictures, out, *more, epochs=2):
    usual = f"--size {SIDE} --hidden 16 --latent 3 --batch-size 8 --epochs {epochs}"
    where = ["--data", f"images:{pictures}", "--out", str(out)]
    return ["train", *where, *usual.split(), *map(str, more)]


def command(pictures, out, *more, epochs=2):
    return main(arguments(pictures, out, *more, epochs=epochs))


def record(out):
    return json.loads((out / "run.json").read_text("utf-8"))


def weights(out):
    return read_checkpoint(out / "checkpoint.safetensors")[1]


def error(capsys):
    """The one error line; anything more on stderr than notes and the bar would be a traceback."""
    lines = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(lines) == 1, lines
    return lines[0]


def test_a_folder_becomes_a_model_pictures_and_an_explorer(pictures, tmp_path, capsys):
    out = tmp_path / "deep" / "run"
    assert command(pictures, out) == 0
    said = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == FILES
    assert "disc/broken.png: " in said.err and "32 for training and 8 for testing" in said.out
    for name in ("curves", "samples", "reconstructions"):
        with Image.open(out / f"{name}.png") as image:
            image.load()
            assert min(image.size) > 100
    page = (out / "explorer.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and "Explorer: images:own" in page
    model = load_model(out / "model.safetensors")
    assert model.n_pixels == 3 * SIDE * SIDE and model.latent_dim == 3
    assert model.config["likelihood"]["name"] == "learned_gaussian"


def test_a_model_with_convolutions_is_trained_kept_and_gone_on_with(pictures, tmp_path, capsys):
    """Fails if the layers are dense after all, or if such a folder takes another's model."""
    out = tmp_path / "run"
    conv = ("--size", 12, "--conv", 4, 6)
    assert command(pictures, out, *conv) == 0
    assert {path.name for path in out.iterdir()} == FILES - {"explorer.html"}
    assert "explorer" not in capsys.readouterr().out
    model = load_model(out / "model.safetensors")
    assert list(model.config["channels"]) == [4, 6] and model.n_pixels == 3 * 12 * 12
    assert record(out)["protocol"]["model"] == "ConvVAE"
    assert command(pictures, out, *conv, epochs=3) == 0
    assert record(out)["protocol"]["epochs_made"] == 3
    assert command(pictures, out, "--size", 12) == 1
    assert "conv was [4, 6] there, but is [] now" in error(capsys)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--conv", 0), "conv must be channels from 1 to 1,000, but it is (0,)"),
        (("--conv", 4, 6), "4 must divide both"),  # the side is 10
    ],
)
def test_convolutions_that_do_not_fit_are_refused(pictures, tmp_path, capsys, more, said):
    assert command(pictures, tmp_path / "run", *more) == 1
    assert said in error(capsys)


def test_the_record_has_protocol_results_and_provenance(pictures, tmp_path):
    """House rule: no number without data, split, architecture, epochs, seed, device, minutes."""
    out = tmp_path / "run"
    command(pictures, out)
    found = record(out)
    protocol = found["protocol"]
    counts = {n: protocol[f"{n}_images"] for n in ("train", "validation", "test")}
    assert counts == {"train": 29, "validation": 3, "test": 8}
    assert protocol["image_shape"] == [3, SIDE, SIDE] and protocol["epochs_made"] == 2
    assert protocol["parameters"] == count_parameters(load_model(out / "model.safetensors"))
    assert {"data_sha256", "device", "torch", "training_minutes", "date"} <= set(
        found["provenance"]
    )
    assert str(tmp_path) not in (out / "run.json").read_text(
        "utf-8"
    )  # no one's folders in a record
    assert len(found["history"]["held_out_loss"]) == 2
    test = found["results"]["test"]
    assert 0 < test["pixel_error"] < 1 and test["sigma_x"] > 0
    assert test["kl_nats"] >= 0


def test_a_run_that_goes_on_ends_where_an_uninterrupted_one_does(pictures, tmp_path, capsys):
    """Fails if the second call starts afresh, or with another order or other noise."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command(pictures, whole, epochs=4)
    command(pictures, parts, epochs=2)
    command(pictures, parts, epochs=4)
    assert "had 2 epochs already: 2 were added" in capsys.readouterr().out
    one, two = weights(whole), weights(parts)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert record(whole)["results"] == record(parts)["results"]


def test_fewer_epochs_than_there_are_draw_again_and_train_nothing(pictures, tmp_path):
    out = tmp_path / "run"
    command(pictures, out, epochs=3)
    before = (out / "checkpoint.safetensors").read_bytes()
    (out / "samples.png").unlink()
    assert command(pictures, out, epochs=1) == 0
    assert (out / "checkpoint.safetensors").read_bytes() == before
    assert (out / "samples.png").exists()
    protocol = record(out)["protocol"]
    assert (protocol["epochs"], protocol["epochs_made"]) == (3, 3)  # 1 epoch made no such model


def test_an_interrupted_run_keeps_its_epochs_and_says_how_to_go_on(
    pictures, tmp_path, capsys, monkeypatch
):
    """Ctrl-C in the third epoch: two are kept, and the same command ends as if nothing had been."""
    whole, out = tmp_path / "whole", tmp_path / "run"
    command(pictures, whole, epochs=3)
    original = train.Trainer.train_epoch

    def stopped(self, epoch, bar):
        if epoch == 2:
            raise KeyboardInterrupt
        return original(self, epoch, bar)

    with monkeypatch.context() as patch:
        patch.setattr(train.Trainer, "train_epoch", stopped)
        assert command(pictures, out, epochs=3) == 130
    said = capsys.readouterr().out
    assert "keeps 2 whole epochs; the same command goes on" in said and "--epochs 2" in said
    assert command(pictures, out, epochs=3) == 0
    assert all(torch.equal(value, weights(out)[name]) for name, value in weights(whole).items())


@pytest.mark.processes
def test_ctrl_c_itself_keeps_the_epochs(pictures, tmp_path):
    """The signal, sent to a process: fails if it is not caught, or a file is left half."""
    out = tmp_path / "run"
    endless = arguments(pictures, out, "--patience", 0, "--threads", 1, epochs=1_000_000)
    line = [sys.executable, "-c", LISTENING, *endless]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while epochs_kept(out) < 2 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    kept = epochs_kept(out)
    assert kept >= 2 and f"keeps {kept} whole epochs" in said
    assert {path.name for path in out.iterdir()} == {"checkpoint.safetensors", "run.json"}
    assert command(pictures, out, epochs=kept) == 0
    assert {path.name for path in out.iterdir()} == FILES


def test_a_stop_before_the_first_epoch_has_ended_is_told(pictures, tmp_path, capsys, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.Trainer, "train_epoch", stopped)
    assert command(pictures, tmp_path / "run") == 130
    assert "keeps no whole epoch yet; the same command starts again" in capsys.readouterr().out
    monkeypatch.undo()
    assert command(pictures, tmp_path / "run", "--latent", "5") == 0  # nothing was there to lose


def test_another_architecture_is_refused_and_the_folder_is_left_alone(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    command(pictures, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command(pictures, out, "--latent", "5", epochs=4) == 1
    said = error(capsys)
    assert "latent_dim was 3 there, but is 5 now" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_other_pictures_are_refused_with_both_values(pictures, tmp_path, capsys):
    """Fails if a picture that was added or exchanged goes unseen: held-out pictures would move."""
    out = tmp_path / "run"
    command(pictures, out)
    capsys.readouterr()
    assert command(pictures, out, "--channels", "1") == 1
    assert "image_shape was [3, 10, 10] there, but is [10, 10] now" in error(capsys)
    names = sorted((pictures / "disc").glob("0*.png"))
    shutil.copy(names[0], names[1])
    assert command(pictures, out) == 1
    assert "pixels (the files, fit, invert) was " in error(capsys)
    names[0].unlink()
    assert command(pictures, out) == 1
    assert "train_images was 29 there, but is 28 now" in error(capsys)


def test_a_renamed_folder_of_the_same_pictures_goes_on(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    command(pictures, out)
    assert command(pictures.rename(tmp_path / "renamed"), out, epochs=3) == 0
    assert record(out)["protocol"]["epochs_made"] == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--hidden", "8"], "hidden was [16] there, but is [8] now"),
        (["--lr", "0.5"], "lr was 0.001 there, but is 0.5 now"),
        (["--batch-size", "4"], "batch_size was 8 there, but is 4 now"),
        (["--beta", "2"], "beta was 1.0 there, but is 2.0 now"),
        (["--seed", "1"], "seed was 0 there, but is 1 now"),
        (["--likelihood", "laplace"], "likelihood was {"),
        (["--invert"], "pixels (the files, fit, invert) was "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_another_setting_is_named_and_the_run_left_alone(trained, capsys, more, said):
    pictures, out = trained
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command(pictures, out, *more, epochs=3) == 1
    assert said in error(capsys)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.fixture(scope="module")
def trained(written, tmp_path_factory):
    """A finished run, which no test may change."""
    out = tmp_path_factory.mktemp("trained") / "run"
    assert command(written, out) == 0
    return written, out


@pytest.mark.parametrize("name", sorted(FILES - {"run.json"}))
def test_a_file_that_no_run_wrote_is_not_written_over(pictures, tmp_path, capsys, name):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text("mine")
    assert command(pictures, out) == 1
    assert f"which has {name} but no run.json" in error(capsys)
    assert (out / name).read_text() == "mine" and len(list(out.iterdir())) == 1


def test_a_model_without_its_checkpoint_is_not_written_over(pictures, tmp_path, capsys):
    """The large file was deleted to save space: the model must stay."""
    out = tmp_path / "run"
    command(pictures, out)
    (out / "checkpoint.safetensors").unlink()
    before = (out / "model.safetensors").read_bytes()
    assert command(pictures, out, "--latent", "5") == 1
    assert "has model.safetensors but no checkpoint.safetensors" in error(capsys)
    assert (out / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("below", ["", "run", "disc/run"])
def test_nothing_is_written_among_the_pictures(pictures, capsys, below):
    """The next call would take the samples for pictures, or the folder for a label."""
    before = sorted(pictures.rglob("*"))
    assert command(pictures, pictures / below) == 1
    assert "inside the pictures' folder" in error(capsys)
    assert sorted(pictures.rglob("*")) == before


def test_what_is_trained_can_be_read_by_others(trained):
    """A class shares a machine: fails if files are for their owner alone."""
    modes = {path.stat().st_mode & 0o777 for path in trained[1].iterdir()}
    assert len(modes) == 1


def test_a_checkpoint_without_its_record_is_not_written_over(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    command(pictures, out)
    (out / "run.json").unlink()
    assert command(pictures, out) == 1
    assert "has checkpoint.safetensors but no run.json" in error(capsys)
    (out / "run.json").write_text("[1]")
    assert command(pictures, out) == 1
    assert "run.json is no record of a run" in error(capsys)


def test_a_damaged_checkpoint_is_named_and_kept(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    command(pictures, out)
    path = out / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert command(pictures, out) == 1
    assert "checkpoint.safetensors is not a readable checkpoint" in error(capsys)
    assert len(path.read_bytes()) == 100


def test_unusable_pictures_are_refused_when_asked(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    assert command(pictures, out, "--on-bad", "refuse") == 1
    assert "files refused in" in error(capsys) and not out.exists()


def test_grey_pictures_get_a_bernoulli_and_colour_can_be_told_otherwise(pictures, tmp_path):
    command(pictures, tmp_path / "grey", "--channels", "1", "--size", "8x10")
    assert record(tmp_path / "grey")["protocol"]["config"]["likelihood"] == "bernoulli"
    assert record(tmp_path / "grey")["protocol"]["image_shape"] == [8, 10]
    command(pictures, tmp_path / "laplace", "--likelihood", "laplace")
    told = record(tmp_path / "laplace")["protocol"]["config"]["likelihood"]
    assert told == {"name": "laplace", "squash": True}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--size", "0"], "size is 0 x 0 but both must be at least 1"),
        (["--epochs", "0"], "epochs must be at least 1, but it is 0"),
        (["--latent", "0"], "latent_dim must be at least 1, but it is 0"),
        (["--hidden", "0"], "hidden must be sizes from 1 to 100,000, but it is (0,)"),
        (["--batch-size", "-1"], "batch_size must be at least 1, but it is -1"),
        (["--lr", "0"], "lr must be positive and finite, but it is 0.0"),
        (["--lr", "inf"], "lr must be positive and finite, but it is inf"),
        (["--beta", "nan"], "beta must be at least 0 and finite, but it is nan"),
        (["--beta", "-1"], "beta must be at least 0 and finite, but it is -1.0"),
        (["--patience", "-1"], "patience must be at least 0, but it is -1"),
        (["--seed", str(2**64)], "seed must be at most 9,223,372,036,854,775,807"),
        (["--latent", "10000000000"], "latent_dim must be at most 10,000"),
        (["--hidden", "99999999999999999999"], "hidden must be sizes from 1 to 100,000"),
        (["--hidden", "100000", "100000"], "but at most 200,000,000 are trained here"),
        (["--size", "1025"], "size is 1025 x 1025 but both must be at least 1 and at most 1024"),
        (["--likelihood", "bernouli"], "likelihood is 'bernouli', but the known ones are bern"),
        (["--seed", "-1"], "seed must be at least 0, but it is -1"),
        (["--threads", "9999999999"], "--threads must be from 1 to 1024"),
        (["--data", "mnits"], "--data is 'mnits' but the data sets are strokes"),
        (["--threads", "0"], "--threads must be from 1 to 1024, but it is 0"),
        (["--device", "abacus"], "device 'abacus' cannot be used here"),
        (["--data", "strokes"], "--size goes with --data images:FOLDER, not with --data strokes"),
        (["--data", "images:nowhere"], "no folder nowhere"),
        (["--data", "tests"], "did you mean images:tests?"),
    ],
)
def test_an_argument_that_makes_no_sense_costs_one_line(pictures, tmp_path, capsys, more, said):
    out = tmp_path / "run"
    assert command(pictures, out, *more) == 1
    assert said in error(capsys)
    assert not out.exists()


def test_a_folder_with_too_few_pictures_or_none_is_refused(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command(empty, tmp_path / "run") == 1
    assert "has 0 usable images but at least 10 are needed" in error(capsys)
    for i in range(9):
        Image.new("RGB", (5, 5)).save(empty / f"{i}.png")
    assert command(empty, tmp_path / "run") == 1
    assert "has 9 usable images but at least 10 are needed" in error(capsys)
    Image.new("RGB", (5, 5), "red").save(empty / "9.png")
    assert command(empty, tmp_path / "run", epochs=1) == 0


@pytest.mark.parametrize("below", [False, True])
def test_an_out_that_is_a_file_is_told_before_any_training(pictures, tmp_path, capsys, below):
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    assert command(pictures, blocked / "run" if below else blocked) == 1
    told = "but nothing can be written there" if below else "which is a file: give a folder"
    assert told in error(capsys)
    assert blocked.read_text() == "mine"


def test_training_that_explodes_is_one_line_and_keeps_the_checkpoint(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    assert command(pictures, out, "--lr", "1e20", "--likelihood", "gaussian") == 1
    assert "A smaller lr" in error(capsys)


def test_results_are_kept_where_no_explorer_can_be_made(pictures, tmp_path, capsys, monkeypatch):
    """Weights beyond the page's float16 were told at the very end, and the results were lost."""
    out = tmp_path / "run"

    def refuse(*args, **options):
        raise ValueError("a weight is 1e6, but float16 ends at 65,504")

    monkeypatch.setattr("vae_teach.runs.folder.LatentExplorer.from_model", refuse)
    assert command(pictures, out) == 1
    assert "has the model and its results, but not every picture of it: a weight" in error(capsys)
    assert {path.name for path in out.iterdir()} == FILES - {"explorer.html"}
    assert record(out)["results"]["test"]["pixel_error"] > 0
    monkeypatch.undo()
    assert command(pictures, out) == 0  # the same command draws what is missing
    assert {path.name for path in out.iterdir()} == FILES


def test_a_disk_that_fills_up_is_told_with_the_folder_and_the_epochs(
    pictures, tmp_path, capsys, monkeypatch
):
    """'[Errno 28]' alone says neither where nor what is left."""
    out = tmp_path / "run"
    command(pictures, out, epochs=2)

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vae_teach.machine.whole_file.os.fsync", full)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command(pictures, out, epochs=4) == 1
    said = error(capsys)
    assert "No space left on device" in said and str(out / "checkpoint.safetensors") in said
    assert f"{out} keeps 2 whole epochs" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_two_runs_do_not_write_into_one_folder(pictures, tmp_path, capsys):
    """Both ended well, and only one of the two models was there."""
    out = tmp_path / "run"
    with one_writer(out):
        assert command(pictures, out) == 1
        assert f"another process is writing run in {out}" in error(capsys)
        assert {path.name for path in out.iterdir()} == {".run.lock"}
    assert command(pictures, out) == 0
    assert {path.name for path in out.iterdir()} == FILES


HOLDING = """
import sys, time
from pathlib import Path
from vae_teach.machine.one_writer import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.processes
def test_the_lock_of_a_killed_run_holds_nobody_up(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    line = [sys.executable, "-c", HOLDING, str(out)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert command(pictures, out) == 1
        process.kill()
        process.wait()
    assert "another process is writing" in error(capsys)
    assert command(pictures, out) == 0


@pytest.mark.parametrize(
    "text", ["", "[1]", "{}", "null", "[" * 100_000, '{"protocol": [], "provenance": {}}', "\ufeff"]
)
def test_a_damaged_record_is_named_and_kept(trained, tmp_path, capsys, text):
    """A record of 100,000 brackets ended in a RecursionError."""
    pictures, run = trained
    out = shutil.copytree(run, tmp_path / "run")
    (out / "run.json").write_text(text, "utf-8")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command(pictures, out, epochs=3) == 1
    assert "run.json is no record of a run" in error(capsys)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("name", ["epochs", "patience", "config", "seed", "image_shape"])
def test_a_record_without_one_of_its_lines_is_named(trained, tmp_path, capsys, name):
    pictures, run = trained
    out = shutil.copytree(run, tmp_path / "run")
    found = record(out)
    del found["protocol"][name]
    (out / "run.json").write_text(json.dumps(found), "utf-8")
    assert command(pictures, out, epochs=1) == 1
    assert "run.json is no record of a run (KeyError)" in error(capsys)


def test_the_size_of_the_explorer_is_told_whatever_it_is(pictures, tmp_path, capsys, monkeypatch):
    """A page of 31 kB had 0.0 MB."""
    command(pictures, tmp_path / "run")
    told = re.search(r"explorer.html \((\S+) (kB|MB)\)", capsys.readouterr().out)
    size = float(told[1]) * {"kB": 1e3, "MB": 1e6}[told[2]]
    assert size == pytest.approx((tmp_path / "run" / "explorer.html").stat().st_size, rel=0.06)


@pytest.mark.parametrize("seed", [1_732_700_000_000_000_000, 2**63 - 1])
def test_a_seed_of_63_bits_trains(pictures, tmp_path, seed):
    """Nanoseconds since 1970 ended in an overflow, with a record left behind."""
    assert command(pictures, tmp_path / "run", "--seed", seed, epochs=1) == 0


def test_an_epoch_that_ends_in_no_number_is_not_kept(pictures, tmp_path, capsys, monkeypatch):
    """Its weights would be gone on from for ever: the checkpoint before it stays."""
    out = tmp_path / "run"
    command(pictures, out, epochs=1)
    original = train.Trainer.evaluate
    monkeypatch.setattr(
        train.Trainer, "evaluate", lambda *args: original(*args) | {"kl": float("nan")}
    )
    assert command(pictures, out, epochs=3) == 1
    assert "epoch 2: the term 'kl' is nan on the held-out data" in error(capsys)
    assert epochs_kept(out) == 1


def test_the_variable_that_names_a_folder_is_a_folder_here_too(pictures, tmp_path, monkeypatch):
    """Fails if only --data is asked: the pictures would be trained on in grey, at 28 x 28."""
    monkeypatch.setenv("VAE_TEACH_DATASET", f"images:{pictures}")
    out = tmp_path / "run"
    line = ["train", "--out", str(out), "--size", "9", "--epochs", "1", "--hidden", "8"]
    assert main([*line, "--device", "cpu"]) == 0
    assert record(out)["protocol"]["image_shape"] == [3, 9, 9]


def test_a_plan_takes_a_likelihood_in_full():
    told = {"name": "gaussian", "sigma_x": 0.3}
    assert Plan(likelihood=told).likelihood_for((28, 28)) == told


def test_an_empty_name_for_the_folder_is_refused(pictures, capsys):
    with pytest.raises(SystemExit):
        command(pictures, "")
    assert "give the name of a folder" in capsys.readouterr().err


def test_the_length_of_a_run_depends_on_the_pictures():
    """Fails if 30 pictures get the epochs of 60,000: a handful of steps would learn nothing."""
    assert Plan(batch_size=128).epochs_for(60_000) == 11
    assert Plan(batch_size=128).epochs_for(100) == 5_000
    assert Plan(batch_size=128).epochs_for(10**6) == 10
    assert Plan(epochs=3).epochs_for(100) == 3


def test_early_stopping_draws_the_best_epoch(pictures, tmp_path, monkeypatch):
    """Fails if samples and results come from the last epoch, which over-fits."""
    scores = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    original = train.Trainer.evaluate

    def told(self, data):
        return {name: next(scores) for name in original(self, data) if name == "kl"}

    monkeypatch.setattr(train.Trainer, "evaluate", told)
    monkeypatch.setattr(train.Trainer, "loss", lambda self, terms: sum(terms.values()))
    monkeypatch.setattr("vae_teach.runs.folder.plots.draw_history", lambda *a: _empty())
    out = tmp_path / "run"
    command(pictures, out, "--patience", "3", epochs=50)
    assert record(out)["protocol"]["best_epoch"] == 2
    assert record(out)["protocol"]["epochs_made"] == 5
    best = {n.removeprefix("best/"): v for n, v in weights(out).items() if n.startswith("best/")}
    model = load_model(out / "model.safetensors").state_dict()
    assert all(torch.equal(model[name], best[name]) for name in model)


def _empty():
    import matplotlib.pyplot as plt

    return plt.figure()


def test_a_data_set_of_the_kit_is_trained_on_too(tmp_path, monkeypatch, capsys):
    """`--data strokes` needs no options; here with few pictures, for speed."""
    from vae_teach import data
    from vae_teach.data import catalog

    g = torch.Generator().manual_seed(0)
    few = data.Dataset(
        "strokes", data.draw(40, generator=g), data.draw(10, generator=g), (28, 28), "Few."
    )
    monkeypatch.setattr(catalog, "load_strokes", lambda: few)
    out = tmp_path / "run"
    shared = ["--out", str(out), "--epochs", "1", "--hidden", "16", "--device", "cpu"]
    assert main(["train", "--data", "strokes", *shared]) == 0
    assert record(out)["protocol"]["data"] == "strokes"
    assert load_model(out / "model.safetensors").config["likelihood"] == "bernoulli"
