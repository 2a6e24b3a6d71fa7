"""Reproduction runs: exact numbers of steps, resuming, protocols, and what is written down."""

import dataclasses
import json
import math

import pytest
import torch
from torch import nn

from vae_teach import data, evaluate
from vae_teach.__main__ import main
from vae_teach.data import Dataset, Split
from vae_teach.machine.device import describe_device, pick_device
from vae_teach.machine.one_writer import one_writer
from vae_teach.models import Autoencoder
from vae_teach.systems.measures import MEASURES, Trained
from vae_teach.systems.reproduce import reproduce
from vae_teach.systems.table import PRESETS
from vae_teach.systems.train import train_preset
from vae_teach.training.checkpoint import load_model
from vae_teach.training.early_stopping import EarlyStopping, Validation
from vae_teach.training.history import History
from vae_teach.training.provenance import git_commit, pixel_checksum

pytestmark = pytest.mark.usefixtures("one_thread")

HERE = pick_device()
SSE_CONSTANT = 784 / 2 * math.log(math.pi)  # 448.73 nats


@pytest.fixture(scope="module")
def digits():
    """600 + 60 grey pictures that look like nothing but have structure: shifted blobs."""
    g = torch.Generator().manual_seed(0)
    axis = torch.arange(28.0)
    centre = 8 + 12 * torch.rand(660, 2, 1, generator=g)
    rows, columns = torch.exp(-((axis - centre) ** 2) / 18).unbind(dim=1)
    images = (rows[:, :, None] * columns[:, None, :]).flatten(1)
    labels = ((centre[:, 0, 0] - 8) / 1.2).long()  # from the top row to the bottom row
    train, test = Split(images[:600], labels[:600]), Split(images[600:], labels[600:])
    return Dataset("blobs", train, test, (28, 28), "Blobs.")


def run(name, digits, **options):
    return reproduce(name, dataset=digits, progress=False, **options)


def test_a_run_makes_exactly_the_steps_that_are_asked_for(digits):
    """The sources count iterations, not epochs: 25 steps of 64 on 600 pictures is 2.5 epochs."""
    counted = []
    preset = PRESETS["lazy2"]
    model = preset.build(0)
    original = preset.make_optimizer(model.parameters(), 10)
    hooked = type(original).step

    def step(self, closure=None):
        counted.append(1)
        return hooked(self, closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(original), "step", step)
        pixels = preset.pixels(digits, seed=0, n_test=None)
        history = train_preset(preset, model, pixels, steps=25, seed=0, device=HERE, progress=False)
    assert len(counted) == 25
    assert history.column("epoch") == [1, 2, 3]


def test_the_rest_of_an_epoch_goes_on_with_the_same_optimizer(digits):
    """A fresh optimizer would forget its averages, and its stage of the learning rate."""
    preset, made = PRESETS["burda1"], []
    model = preset.build(0)
    pixels = preset.pixels(digits, seed=0, n_test=None)
    with pytest.MonkeyPatch.context() as patch:
        make = type(preset).make_optimizer
        patch.setattr(
            type(preset),
            "make_optimizer",
            lambda self, *a: made.append(make(self, *a)) or made[-1],
        )
        train_preset(preset, model, pixels, steps=40, seed=0, device=HERE, progress=False)
    assert len(made) == 1
    slots = made[0].state[model.to_mu.weight]
    assert slots["step"].item() == 40  # 30 steps an epoch
    assert made[0].param_groups[0]["lr"] == pytest.approx(7.2e-4)  # the second stage


def test_an_interrupted_run_resumes_to_the_same_weights(digits, tmp_path):
    """Whole epochs come from the checkpoint, the rest of one is made again: nothing drifts."""
    straight = run("lazy2", digits, steps=25, out=tmp_path / "a")
    run("lazy2", digits, steps=10, out=tmp_path / "b")
    resumed = run("lazy2", digits, steps=25, out=tmp_path / "b")
    assert resumed["results"] == straight["results"]
    assert resumed["history"] == straight["history"]
    weights = [load_model(tmp_path / d / "lazy2-seed0.safetensors") for d in "ab"]
    assert torch.equal(weights[0].to_mu.weight, weights[1].to_mu.weight)


def test_a_checkpoint_that_is_ahead_is_refused(digits, tmp_path):
    """Otherwise 10 steps would be written beside a model that had made 20."""
    run("lazy2", digits, steps=20, out=tmp_path)
    (tmp_path / "lazy2-seed0.json").unlink()  # as if it had been stopped
    with pytest.raises(ValueError, match="has 2 epochs, but 1 are asked for"):
        run("lazy2", digits, steps=10, out=tmp_path)


def refused(folder, match, *arguments, **options):
    """The run is refused with these words, and not a byte of the folder has changed."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match=match):
        run(*arguments, out=folder, **options)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_shorter_run_replaces_no_longer_one(digits, tmp_path):
    """A trial of 2 steps was written over the result of 600, model and all."""
    run("lazy2", digits, steps=20, out=tmp_path)
    refused(tmp_path, "the result of 20 steps, which 2 would replace", "lazy2", digits, steps=2)


def test_another_evaluation_replaces_no_result(digits, tmp_path):
    run("altosaar-mf", digits, steps=2, importance_samples=4, n_test=20, out=tmp_path)
    options = {"steps": 2, "importance_samples": 4, "n_test": 20}
    refused(
        tmp_path, "importance_samples was 4, but is 3 now",
        "altosaar-mf", digits, **options | {"importance_samples": 3},
    )  # fmt: skip
    refused(
        tmp_path, "test_images was 20, but is 5 now",
        "altosaar-mf", digits, **options | {"n_test": 5},
    )  # fmt: skip


@pytest.mark.parametrize("steps", [7, 12])  # in the first epoch of ten steps, and after it
def test_the_model_of_other_pictures_is_not_gone_on_with(digits, tmp_path, steps):
    """One data set's model was printed under the name of another, byte for byte."""
    other = dataclasses.replace(
        digits, name="dots", train=Split(digits.train.images.flip(1), digits.train.labels)
    )
    run("lazy2", digits, steps=steps, out=tmp_path)
    said = r"its data was blobs \(\w{12}\), but is dots \(\w{12}\) now"
    refused(tmp_path, said, "lazy2", other, steps=20)


def test_a_stopped_run_of_other_pictures_is_not_gone_on_with(digits, tmp_path):
    """Where no result tells the pictures' name, the checkpoint tells them by their checksum."""
    other = dataclasses.replace(digits, train=Split(digits.train.images.flip(1)))
    run("lazy2", digits, steps=12, out=tmp_path)
    (tmp_path / "lazy2-seed0.json").unlink()
    refused(tmp_path, "data was '.*' there, but is '.*' now", "lazy2", other, steps=20)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"format": "x", "preset": []}'])
def test_a_damaged_result_is_named_and_kept(digits, tmp_path, text):
    (tmp_path / "lazy2-seed0.json").write_text(text)
    refused(tmp_path, r"lazy2-seed0\.json is no result", "lazy2", digits, steps=2)


def test_two_runs_of_one_name_do_not_write_at_once(digits, tmp_path):
    with one_writer(tmp_path, "lazy2-seed0"):
        with pytest.raises(BlockingIOError, match="another process is writing lazy2-seed0"):
            run("lazy2", digits, steps=2, out=tmp_path)
        run("lazy2", digits, steps=2, seed=1, out=tmp_path)  # another name is no danger
    assert not list(tmp_path.glob("*seed0*"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": -1}, "seed must be from 0 to 9,223,372,036,854,775,807, but it is -1"),
        ({"seed": 2**63}, "seed must be from 0 to"),
        ({"steps": 0}, "steps must be at least 1, but it is 0"),
        ({"importance_samples": 0}, "samples must be at least 1, but it is 0"),
        ({"n_test": 0}, "images must be at least 1, but it is 0"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_before_anything_is_written(
    digits, tmp_path, change, said
):
    refused(tmp_path, said, "lazy2", digits, **{"steps": 2} | change)


@pytest.mark.parametrize("seed", [1_732_700_000_000_000_000, 2**63 - 1])
def test_a_seed_of_63_bits_trains(digits, tmp_path, seed):
    """Nanoseconds since 1970 are a seed that people take: it ended in an overflow."""
    run("lazy2", digits, steps=12, seed=seed, out=tmp_path)


@pytest.mark.parametrize("name", ["altosaar-mf", "altosaar-iaf"])
def test_the_rule_ends_the_sources_logs_where_they_end(name):
    """With a patience off by one it would end a validation earlier, or go on."""
    preset = PRESETS[name]
    bounds = [bound for _, bound, _ in preset.published_validations]
    over = [preset.early_stopping.is_over(bounds[: n + 1]) for n in range(len(bounds))]
    assert over == [False] * (len(bounds) - 1) + [True]
    steps = [step for step, *_ in preset.published_validations]
    assert all(preset.early_stopping.is_due(step + 1) for step in steps)


def stopping(patch, *rule, name="altosaar-mf"):
    """The preset of that name with another rule of stopping."""
    early = dataclasses.replace(PRESETS[name], early_stopping=EarlyStopping(*rule))
    patch.setitem(PRESETS, name, early)
    return early


def test_the_weights_of_the_best_validation_bound_are_tested(digits, tmp_path, monkeypatch):
    """The last weights are not the best: a run that is cut at the best has the same numbers."""
    early = stopping(monkeypatch, 3, 0)
    options = {"importance_samples": 8, "out": tmp_path / "a"}
    result = run("altosaar-mf", digits, **options)
    told = result["early_stopping"]
    columns, best = told["validations"], told["best_step"]
    steps, bounds = columns["step"], columns["elbo"]
    assert told["stopped"] and best == steps[-2] and bounds[-1] < max(bounds) == bounds[-2]
    assert result["protocol"]["steps"] == steps[-1] + 1 == 3 * (len(steps) - 1) + 1
    assert result["protocol"]["epochs"] == round((steps[-1] + 1) / 4, 2)  # 480 pictures, 128 a step
    cut = run("altosaar-mf", digits, **options | {"steps": best + 1, "out": tmp_path / "b"})
    assert cut["results"] == result["results"] and not cut["early_stopping"]["stopped"]
    # and the bound is that of the pictures held out, by the same draws as the test's
    model = load_model(tmp_path / "a" / "altosaar-mf-seed0.safetensors")
    held_out = early.pixels(digits, seed=0).validation
    assert torch.equal(held_out, data.treat(digits.train.images[480:], "fixed"))
    noise = torch.Generator().manual_seed(0)
    bound = evaluate.importance_bounds(model, held_out, n_samples=8, generator=noise)
    at = steps.index(best)
    assert bound.elbo.mean == pytest.approx(bounds[at], abs=1e-3)
    assert bound.log_px.mean == pytest.approx(columns["log_px"][at], abs=1e-3)
    assert -700 < columns["train_elbo"][0] < -400  # a picture's, not a batch's, and untrained


def test_an_interrupted_run_resumes_to_the_same_best(digits, tmp_path, monkeypatch):
    """The best weights of before the interruption, and how long there was none better."""
    stopping(monkeypatch, 2, 100)
    options = {"importance_samples": 4}
    straight = run("altosaar-mf", digits, steps=11, out=tmp_path / "a", **options)
    run("altosaar-mf", digits, steps=6, out=tmp_path / "b", **options)
    resumed = run("altosaar-mf", digits, steps=11, out=tmp_path / "b", **options)
    for part in ("results", "history", "early_stopping"):
        assert resumed[part] == straight[part]


def test_a_result_of_the_last_weights_is_not_replaced_by_one_of_the_best(
    digits, tmp_path, monkeypatch
):
    """Or a folder would hold the checkpoint of one rule and the result of another."""
    rule = stopping(monkeypatch, 2, 1)
    last = dataclasses.replace(rule, early_stopping=None)
    with monkeypatch.context() as patch:
        patch.setitem(PRESETS, "altosaar-mf", last)
        run("altosaar-mf", digits, steps=5, importance_samples=4, out=tmp_path)
    options = {"steps": 5, "importance_samples": 4}
    refused(tmp_path, "early_stopping was None, but is", "altosaar-mf", digits, **options)
    (tmp_path / "altosaar-mf-seed0.json").unlink()
    refused(tmp_path, "early stopping was not noted there", "altosaar-mf", digits, **options)


@pytest.mark.parametrize(
    "change", [{"validation": 0}, {"treatment": "stochastic"}, {"condition": "label"}]
)
def test_early_stopping_needs_pictures_that_stay_as_they_are(change):
    with pytest.raises(ValueError, match="early stopping needs validation pictures of a fixed"):
        dataclasses.replace(PRESETS["altosaar-mf"], **change)


def test_seeds_change_the_result_and_repeat_it(digits):
    values = [run("lazy2", digits, steps=5, seed=seed)["results"][0]["value"] for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_the_result_says_what_was_done(digits, tmp_path):
    """Every number stands with its protocol: what a table or a reader would ask for."""
    result = run("altosaar-mf", digits, steps=6, importance_samples=7, n_test=20, out=tmp_path)
    written = json.loads((tmp_path / "altosaar-mf-seed0.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(result))
    protocol, provenance = written["protocol"], written["provenance"]
    assert protocol["data"] == "blobs" and protocol["treatment"] == "fixed"
    assert protocol["train_images"] == 600 - 120  # validation: at most a fifth
    assert (protocol["steps"], protocol["planned_steps"]) == (6, 300_000)
    assert protocol["parameters"] == 632_848
    assert protocol["optimizer"] == {"name": "RMSprop", "lr": 1e-3, "centered": True}
    assert provenance["torch"] == torch.__version__
    assert provenance["device"] == describe_device(HERE)
    assert len(provenance["data_sha256"]) == 64
    by_measure = {line["measure"]: line for line in written["results"]}
    assert by_measure["test_log_px"]["published"]["value"] == -97.10
    assert by_measure["test_log_px"]["samples"] == 7
    assert by_measure["test_log_px"]["images"] == 20
    assert by_measure["test_elbo"]["value"] < by_measure["test_log_px"]["value"]


def test_fixed_pictures_are_the_same_every_time_and_stochastic_ones_are_not(digits):
    """Pictures said to be re-binarised at every batch must be, and fixed ones must not."""
    fixed = [PRESETS["altosaar-mf"].pixels(digits, seed=s, n_test=None) for s in (0, 1)]
    assert torch.equal(fixed[0].train, fixed[1].train) and fixed[0].transform is None
    assert set(fixed[0].train.unique().tolist()) == {0.0, 1.0}
    burda = PRESETS["burda1"].pixels(digits, seed=0, n_test=None)
    g = torch.Generator().manual_seed(0)
    first, second = (burda.transform(burda.train, g) for _ in range(2))
    assert not torch.equal(first, second)
    assert set(burda.test.unique().tolist()) == {0.0, 1.0}
    assert burda.train.unique().numel() > 2  # treated batch by batch, not here


def test_pictures_held_out_are_not_trained_on(digits):
    """The source's split: the last pictures of the training set are neither seen nor judged."""
    pixels = PRESETS["ffl50"].pixels(digits, seed=0, n_test=None)
    assert torch.equal(pixels.train, digits.train.images[:480])
    assert torch.equal(pixels.test, digits.test.images)


def test_training_changes_none_of_the_pictures(digits):
    """The source shuffles its data in place, so labels no longer match."""
    before = digits.train.images.clone()
    run("lazy2", digits, steps=3)
    assert torch.equal(digits.train.images, before)


def test_the_sum_over_the_batch_is_128_times_the_mean(digits):
    """The printed value stays nats a picture whatever the reduction."""
    result = run("altosaar-mf", digits, steps=4)
    reconstruction = result["history"]["train_reconstruction"][0]
    assert 100 < reconstruction < 1_500  # per picture; 128 of them would be above 50 000


def test_a_result_beats_its_untrained_self(digits, monkeypatch):
    """The loop, the treatment and the measure fit together for each kind of model."""
    stopping(monkeypatch, 19, 5, name="altosaar-iaf")  # else it keeps the weights of step 0
    vaes = ("mathybit", "mathybit-cvae", "altosaar-iaf", "doersch-cvae")
    for name in (*vaes, "mathybit-ae", "lazy-ae", "doersch-regressor"):
        early, late = (run(name, digits, steps=n, importance_samples=4) for n in (1, 20))
        a, b = (r["results"][-1]["value"] for r in (early, late))
        assert (a < b) if a < 0 else (b < a), name


# --- conditional models ---------------------------------------------------------------------------


class Recorder(nn.Module):
    """A conditional model that keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.config = {}
        self.weight = nn.Parameter(torch.ones(()))
        self.seen = []

    def loss_terms(self, x, c, *, generator):
        self.seen.append((x.cpu().clone(), c.cpu().clone()))
        return {"reconstruction": self.weight * x.sum(dim=-1), "kl": c.sum(dim=-1)}


def test_every_picture_comes_with_its_own_label(digits):
    """Fails if the order is drawn for the pictures alone, in whole epochs or in the rest of one."""
    preset, model = PRESETS["mathybit-cvae"], Recorder()
    pixels = preset.pixels(digits, seed=0, n_test=7)
    assert [len(t) for t in (*pixels.train_given, *pixels.test_given)] == [600, 7]
    train_preset(preset, model, pixels, steps=4, seed=0, device=HERE, progress=False)
    seen_x, seen_c = (torch.cat(parts) for parts in zip(*model.seen, strict=True))
    assert len(seen_x) >= 850  # an epoch of 600, and 250 of the second
    index = torch.cdist(seen_x, digits.train.images).argmin(dim=1)
    assert torch.equal(seen_c.argmax(dim=1), digits.train.labels[index])


def test_a_conditional_preset_needs_labels(digits):
    bare = Dataset("bare", Split(digits.train.images), digits.test, (28, 28), "No labels.")
    with pytest.raises(ValueError, match="told each picture's label, but there are no labels"):
        PRESETS["mathybit-cvae"].pixels(bare, seed=0, n_test=None)


def test_a_conditional_preset_may_sum_over_the_batch(digits):
    """The names of the terms were asked for without a condition: a TypeError."""
    preset = dataclasses.replace(PRESETS["mathybit-cvae"], reduction="sum")
    model, pixels = preset.build(0), preset.pixels(digits, seed=0, n_test=7)
    before = model.to_mu.bias.clone()
    train_preset(preset, model, pixels, steps=1, seed=0, device=HERE, progress=False)
    assert not torch.equal(model.to_mu.bias, before)


def test_conditional_measures_are_told_the_label(digits):
    """By hand from the same draws; both numbers move if the labels do."""
    preset = PRESETS["mathybit-cvae"]
    model, pixels = preset.build(0), preset.pixels(digits, seed=0, n_test=None)
    x, (c,) = pixels.test, pixels.test_given
    g = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(3)  # else the picture is nearly the same for all labels
        losses = [sum(model.loss_terms(x, c, generator=g).values()).mean() for _ in range(16)]
        squared = (model.reconstruct(x, c) - x).square().sum(1).mean().item()
    by_hand = {
        "test_loss": torch.stack(losses).mean().item() - SSE_CONSTANT,
        "test_sse_of_mean": squared,
    }
    right = Trained(model, History(), x, 1, 0, (c,))
    wrong = Trained(model, History(), x, 1, 0, (c.roll(1, dims=1),))
    for name, value in by_hand.items():
        assert MEASURES[name].take(right).value == pytest.approx(value, rel=1e-5)
        assert MEASURES[name].take(wrong).value != pytest.approx(value, rel=1e-5)


# --- measures -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(digits):
    model = PRESETS["mathybit"].build(0)
    history = History([{"epoch": 1, "train_reconstruction": 470.0, "train_kl": 10.0}])
    return Trained(model, history, digits.test.images, 8, seed=0)


def test_training_loss_is_free_of_the_gaussians_constant(trained):
    """470 + 10 nats are a squared error and KL of 31.27, which is what mathybit prints."""
    value = MEASURES["training_loss"].take(trained)
    assert value.value == pytest.approx(480 - SSE_CONSTANT, abs=1e-3)


def test_test_loss_and_elbo_are_the_same_number_in_two_units(trained):
    loss, bound = (MEASURES[name].take(trained) for name in ("test_loss", "test_elbo_closed"))
    assert loss.value == pytest.approx(-bound.value - SSE_CONSTANT, abs=1e-3)


def test_reconstruction_errors_are_summed_or_averaged_over_pixels(trained):
    model, x = trained.model, trained.test
    by_hand = ((model.reconstruct(x) - x) ** 2).sum(1).mean().item()
    total, per_pixel = (
        MEASURES[name].take(trained).value for name in ("test_sse_of_mean", "test_mse")
    )
    assert total == pytest.approx(by_hand, rel=1e-5)
    assert per_pixel == pytest.approx(by_hand / 784, rel=1e-5)


def test_an_autoencoder_has_errors_too(digits):
    model = Autoencoder(seed=0)
    value = MEASURES["test_mse"].take(Trained(model, History(), digits.test.images, 1, 0))
    by_hand = ((model(digits.test.images) - digits.test.images) ** 2).mean().item()
    assert value.value == pytest.approx(by_hand, rel=1e-5)
    assert value.images == 60


def test_both_bounds_come_from_the_same_draws(trained):
    elbo, log_px = (MEASURES[name].take(trained) for name in ("test_elbo", "test_log_px"))
    bounds = evaluate.importance_bounds(
        trained.model, trained.test, n_samples=8, generator=torch.Generator().manual_seed(0)
    )
    assert (elbo.value, log_px.value) == (bounds.elbo.mean, bounds.log_px.mean)
    assert (elbo.samples, elbo.images) == (8, 60)


# --- provenance and the command line ------------------------------------------------------------


def test_the_checksum_sees_one_changed_pixel(digits):
    images = digits.test.images.clone()
    images[3, 5] = 1 - images[3, 5].round()
    changed = Dataset("blobs", digits.train, Split(images), (28, 28), "Blobs.")
    assert pixel_checksum(digits) == pixel_checksum(digits) != pixel_checksum(changed)


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert git_commit(tmp_path) is None


def test_the_command_lists_every_preset(capsys):
    assert main(["reproduce", "--list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(PRESETS)


def test_the_command_trains_evaluates_and_writes(digits, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name: digits)
    arguments = ["--steps", "2", "--seed", "3", "--device", "cpu", "--samples", "3"]
    threads = ["--threads", str(torch.get_num_threads())]
    command = ["reproduce", "altosaar-mf", *arguments, *threads, "--out", str(tmp_path)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "2 of at most 300,000 steps" in out and "published -97.1" in out
    assert "not stopped by the rule yet; the weights are those of step 0" in out
    assert json.loads((tmp_path / "altosaar-mf-seed3.json").read_text())["protocol"]["seed"] == 3


def test_the_command_says_that_no_validation_chose_the_weights(
    digits, tmp_path, capsys, monkeypatch
):
    """Every bound is NaN, so there is no best step: printing it was a TypeError."""
    monkeypatch.setattr(data, "load", lambda name: digits)
    lost = {"elbo": math.nan, "log_px": math.nan}
    monkeypatch.setattr(Validation, "measured", lambda *_: lost)
    command = ["reproduce", "altosaar-mf", "--steps", "2", "--device", "cpu", "--samples", "3"]
    threads = ["--threads", str(torch.get_num_threads())]
    assert main([*command, *threads, "--out", str(tmp_path)]) == 0
    said = "the weights are the last, because no validation bound is a number"
    assert f"not stopped by the rule yet; {said}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "give a preset, one of ffl50"),
        (["mathibit"], "preset is 'mathibit', but the known ones are"),
        (["mathybit", "--steps", "0"], "steps must be at least 1, but it is 0"),
        (["mathybit", "--steps", "9" * 30], "steps must be at most 100,000,000, but it is 999"),
        (["mathybit", "--images", "-5"], "images must be at least 1, but it is -5"),
        (["mathybit", "--samples", "0"], "samples must be at least 1, but it is 0"),
        (["mathybit", "--seed", "-1"], "seed must be from 0 to 9,223,372,036,854,775,807, but"),
        (["mathybit", "--threads", "99999"], "--threads must be from 1 to 1024, but it is 99999"),
        (["mathybit", "--device", "abacus"], "device 'abacus' cannot be used here"),
        (["mathybit", "--data", "mnits"], "the data sets are strokes"),
    ],
)
def test_a_wrong_command_is_told_in_one_line(arguments, message, capsys):
    assert main(["reproduce", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "b\udcffd", "~nobody-of-this-name/x"])
@pytest.mark.parametrize("command", ["reproduce mathybit --out", "train --out", "handout x -o"])
def test_an_out_that_no_folder_can_be_called_is_refused(capsys, command, name):
    """`--out "$DIR"` with an empty variable wrote into the folder at hand."""
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), name])
    assert stop.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "argument " in said and ("folder" in said or "home" in said)
