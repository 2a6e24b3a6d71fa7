"""The loop: what it computes, what it remembers, and how it fails.

Everything trains on the machine's accelerator if it has one; a model that reads its losses from a
list takes `replay=False`, since a recorded step would read the list once.
"""

import contextlib
import copy
import gc
import json
import math
import os
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vae_teach.models import VAE, Autoencoder
from vae_teach.training.checkpoint import load_model, read_checkpoint, save_checkpoint
from vae_teach.training.history import History
from vae_teach.training.loop import (
    CheckpointError,
    Trainer,
    _copy_state,
    epoch_generator,
    epoch_seed,
    fit,
)
from vae_teach.training.watch import Watch


def pixels(n=200, d=12, seed=0):
    """Binary rows that agree with one coin in 9 of 10 pixels, so that there is a code to find."""
    g = torch.Generator().manual_seed(seed)
    coin = torch.rand(n, 1, generator=g) < 0.5
    flip = torch.rand(n, d, generator=g) < 0.1
    return (coin ^ flip).float()


def small_vae(seed=0):
    return VAE(12, (8,), 2, (8,), seed=seed)


def run(model, x, **arguments):
    return fit(model, x, **{"progress": False, "batch_size": 32, "replay": False} | arguments)


class Scripted(nn.Module):
    """A model whose loss per call is read from a list, to test what the loop does with it."""

    def __init__(self, train, held_out):
        super().__init__()
        self.config = {}
        self.weight = nn.Parameter(torch.zeros(1))
        self.losses = {True: iter(train), False: iter(held_out)}

    def loss_terms(self, x, *, generator):
        value = next(self.losses[self.training])
        return {"loss": (self.weight + value).expand(len(x))}


def test_training_lowers_the_held_out_loss():
    history = run(small_vae(), pixels(), held_out=pixels(seed=1), epochs=15, lr=1e-2)
    losses = history.column("held_out_loss")
    assert len(history) == 15
    assert losses[-1] < losses[0] - 0.5


def test_history_reports_both_terms_and_their_sum():
    record = run(small_vae(), pixels(), held_out=pixels(seed=1), epochs=1).last
    for part in ("train", "held_out"):
        total = record[f"{part}_reconstruction"] + record[f"{part}_kl"]
        assert record[f"{part}_loss"] == pytest.approx(total, rel=1e-6)


def test_terms_are_averaged_over_examples_not_over_batches():
    """200 = 6 * 32 + 8: a mean of batch means would count the last 8 examples 4 times."""
    model = Scripted([1.0] * 6 + [8.0], [])
    record = fit(model, pixels(), epochs=1, batch_size=32, lr=0.0, progress=False, replay=False)
    assert record.last["train_loss"] == pytest.approx((6 * 32 * 1.0 + 8 * 8.0) / 200)


def test_every_example_is_seen_once_per_epoch():
    seen = []

    class Recorder(Scripted):
        def loss_terms(self, x, *, generator):
            seen.extend(x[:, 0].tolist())
            return super().loss_terms(x, generator=generator)

    x = torch.arange(100.0)[:, None].expand(100, 3)
    run(Recorder([0.0] * 4, []), x, epochs=1)
    assert sorted(seen) == list(range(100))
    assert seen != sorted(seen)


def test_same_seed_same_run_another_seed_another():
    first, second, other = small_vae(), small_vae(), small_vae()
    assert run(first, pixels(), epochs=2).last["train_loss"] == pytest.approx(
        run(second, pixels(), epochs=2).last["train_loss"], abs=0
    )
    assert run(other, pixels(), epochs=2, seed=1).last["train_loss"] != pytest.approx(
        run(second, pixels(), epochs=2).last["train_loss"], abs=1e-9
    )


def test_noise_is_fresh_in_every_epoch():
    """Noise re-used across epochs would let the decoder learn it by heart."""
    trainer_noise = []

    class Recorder(Scripted):
        def loss_terms(self, x, *, generator):
            trainer_noise.append(torch.randn(3, generator=generator, device=x.device).tolist())
            return super().loss_terms(x, generator=generator)

    run(Recorder([0.0] * 10, []), pixels(64), epochs=5)
    assert len({tuple(noise) for noise in trainer_noise}) == 10


def test_global_random_state_and_the_data_are_left_alone():
    x, state = pixels(), torch.get_rng_state()
    before = x.clone()
    run(small_vae(), x, held_out=x, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, before)


def test_a_scale_is_that_of_the_whole_loss():
    """A step of plain gradient descent is so many times as long, and the terms stay as they are."""

    def trained(**arguments):
        model = small_vae()
        sgd = {"optimizer": lambda p: torch.optim.SGD(p, lr=arguments.pop("lr"))}
        return model, run(model, pixels(32), epochs=1, **sgd, **arguments).last

    (long, scaled), (same, plain) = trained(lr=1e-3, scale=8.0), trained(lr=8e-3)
    assert scaled["train_loss"] == pytest.approx(8 * plain["train_loss"], rel=1e-6)
    assert scaled["train_kl"] == plain["train_kl"]
    for a, b in zip(long.parameters(), same.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8)
    for wrong in (0, -1.0, float("nan"), None):
        with pytest.raises(ValueError, match="scale must be positive and finite, but it is"):
            run(small_vae(), pixels(), epochs=1, scale=wrong)


def test_weights_scale_a_term_in_the_loss_only():
    record = run(small_vae(), pixels(), epochs=1, weights={"kl": 4.0}).last
    expected = record["train_reconstruction"] + 4 * record["train_kl"]
    assert record["train_loss"] == pytest.approx(expected, rel=1e-6)


def test_zero_weight_on_kl_lets_it_grow():
    free, bound = small_vae(), small_vae()
    arguments = {"epochs": 20, "lr": 1e-2}
    without = run(free, pixels(), weights={"kl": 0.0}, **arguments).last["train_kl"]
    assert without > 2 * run(bound, pixels(), **arguments).last["train_kl"]


def test_transform_is_drawn_fresh_for_training_and_fixed_for_evaluation():
    images = {True: [], False: []}

    class Recorder(Scripted):
        def loss_terms(self, x, *, generator):
            images[self.training].append(x.sum().item())
            return super().loss_terms(x, generator=generator)

    def noise(x, generator):
        return torch.rand(x.shape, generator=generator, device=x.device)

    x = pixels(32)
    run(Recorder([0.0] * 3, [0.0] * 3), x, held_out=x, epochs=3, transform=noise)
    assert len(set(images[True])) == 3
    assert len(set(images[False])) == 1


def test_a_resumed_run_equals_one_that_never_stopped(tmp_path):
    """Catches a lost optimizer state, a repeated order of data, and repeated noise."""
    whole, parts = small_vae(), small_vae()
    arguments = {"held_out": pixels(seed=1), "lr": 1e-2}
    expected = run(whole, pixels(), epochs=4, **arguments)
    file = tmp_path / "run.safetensors"
    run(parts, pixels(), epochs=2, checkpoint=file, **arguments)
    fresh = small_vae(seed=9)  # its weights must come from the file
    history = run(fresh, pixels(), epochs=4, checkpoint=file, resume=True, **arguments)
    assert len(history) == 4
    assert history.column("train_loss") == expected.column("train_loss")
    for mine, theirs in zip(fresh.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_resuming_on_other_data_is_refused_with_both_checksums(tmp_path):
    """The rest of a run on other pictures would stand under the name of the first ones."""
    file, x = tmp_path / "run.safetensors", pixels()
    run(small_vae(), x, held_out=x[:9], epochs=1, checkpoint=file)
    run(small_vae(), x.clone(), held_out=x[:9], epochs=2, checkpoint=file, resume=True)
    with pytest.raises(ValueError, match=r"train data was '.{16}' there, but is '.{16}' now"):
        run(small_vae(), 1 - x, held_out=x[:9], epochs=3, checkpoint=file, resume=True)
    with pytest.raises(ValueError, match=r"held-out data was '.{16}' there, but is '.{16}' now"):
        run(small_vae(), x, held_out=x[:8], epochs=3, checkpoint=file, resume=True)


def test_resume_without_a_checkpoint_starts_fresh(tmp_path):
    file = tmp_path / "none.safetensors"
    assert len(run(small_vae(), pixels(), epochs=1, checkpoint=file, resume=True)) == 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 16}, r"batch_size was 32 there, but is 16 now"),
        ({"seed": 3}, r"seed was 0 there, but is 3 now"),
        ({"lr": 0.5}, r"optimizer was .*'lr': 0.001.* but is .*'lr': 0.5"),
    ],
    ids=["batch_size", "seed", "lr"],
)
def test_resume_refuses_other_settings(tmp_path, change, message):
    file = tmp_path / "run.safetensors"
    run(small_vae(), pixels(), epochs=1, checkpoint=file)
    with pytest.raises(ValueError, match=message):
        run(small_vae(), pixels(), epochs=2, checkpoint=file, resume=True, **change)


def test_resume_refuses_another_architecture_and_changes_nothing(tmp_path):
    file = tmp_path / "run.safetensors"
    run(small_vae(), pixels(), epochs=1, checkpoint=file)
    other = VAE(12, (9,), 2, (8,), seed=0)
    before = other.to_mu.weight.clone()
    with pytest.raises(ValueError, match=r"encoder_hidden was \[8\] there, but is \[9\] now"):
        run(other, pixels(), epochs=2, checkpoint=file, resume=True)
    assert torch.equal(other.to_mu.weight, before)


@pytest.mark.parametrize("model", [small_vae(), Autoencoder(12, (8,), 2, (8,), seed=0)])
def test_a_checkpoint_alone_rebuilds_the_model(tmp_path, model):
    file = tmp_path / "run.safetensors"
    run(model, pixels(), epochs=1, checkpoint=file)
    twin = load_model(file)
    z = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(twin.decode(z), model.decode(z))


def test_a_damaged_or_foreign_checkpoint_is_refused_by_name(tmp_path):
    file = tmp_path / "run.safetensors"
    run(small_vae(), pixels(), epochs=1, checkpoint=file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"run\.safetensors is not a readable checkpoint"):
        read_checkpoint(file)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "absent")
    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="format None"):
        read_checkpoint(file)


def test_a_crash_while_saving_keeps_the_older_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "run.safetensors"
    model = small_vae()
    save_checkpoint(file, model, history=History(), settings={})
    before = file.read_bytes()

    def crash(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("vae_teach.machine.whole_file.os.replace", crash)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(file, model, history=History(), settings={})
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": float("inf")}, "lr must be at least 0 and finite, but it is inf"),
        ({"lr": -1.0}, "lr must be at least 0 and finite, but it is -1"),
        (
            {"weights": {"kl": float("nan")}},
            r"weights\['kl'\] must be a finite number, but it is nan",
        ),
    ],
    ids=["infinite", "negative", "weight"],
)
def test_a_rate_or_a_weight_that_is_no_number_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(small_vae(), pixels(8), epochs=1, progress=False, **options)


def test_early_stop_waits_for_patience_and_keeps_the_best_weights():
    """Held-out losses 5, 3, 4, 4, 4, 1: with patience 3 the run must end before the 1.

    SGD at lr 1 moves the weight by -1 an epoch, so the script adds what the weight takes away.
    """
    wanted = [5.0, 3.0, 4.0, 4.0, 4.0, 1.0]
    model = Scripted([0.0] * 6, [loss + epoch for epoch, loss in enumerate(wanted, start=1)])
    history = fit(
        model, pixels(32), held_out=pixels(8), epochs=6, batch_size=32, patience=3,
        progress=False, replay=False, optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
    )  # fmt: skip
    assert history.column("held_out_loss") == wanted[:5]
    assert history.best_epoch == 2
    assert model.weight.item() == -2.0  # the weights of epoch 2, not of epoch 5


def test_early_stop_on_a_loss_that_only_rises():
    model = Scripted([0.0] * 9, [1.0, 3.0, 6.0, 10.0, 15.0, 21.0])
    history = fit(
        model, pixels(32), held_out=pixels(8), epochs=9, batch_size=32, patience=2,
        progress=False, replay=False, optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
    )  # fmt: skip
    assert history.column("held_out_loss") == [0.0, 1.0, 3.0]
    assert history.best_epoch == 1
    assert model.weight.item() == -1.0  # the weights of epoch 1, not of epoch 3


@pytest.mark.parametrize("bad_step", [3, 7, 10])
def test_nan_names_step_and_term_and_restores_the_last_whole_epoch(bad_step):
    """5 steps an epoch: step 3 falls in epoch 1, step 7 in epoch 2, step 10 ends it."""
    losses = [0.0] * 10
    losses[bad_step - 1] = math.nan
    model = Scripted(losses, [])
    with pytest.raises(FloatingPointError, match=rf"step {bad_step}: the term 'loss' is nan"):
        fit(
            model, pixels(160), epochs=2, batch_size=32, progress=False, replay=False,
            optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
        )  # fmt: skip
    assert model.weight.item() == (0.0 if bad_step <= 5 else -5.0)


def test_a_look_between_epochs_still_finds_the_first_bad_step():
    """The terms are looked at every 50 steps; the step named must be the first bad one."""
    losses = [0.0] * 120
    for step in (63, 70, 110):
        losses[step - 1] = math.inf
    with pytest.raises(FloatingPointError, match="step 63: the term 'loss' is inf"):
        run(Scripted(losses, []), pixels(120), epochs=1, batch_size=1)


def test_interrupting_keeps_what_was_learned():
    model = small_vae()

    def stop(step, _):
        if step == 10:
            raise KeyboardInterrupt

    history = run(model, pixels(), epochs=5, on_step=stop)
    assert history.interrupted
    assert len(history) == 1  # 7 steps an epoch: one whole epoch was over


def test_on_step_sees_the_untrained_model_first():
    steps = []
    run(small_vae(), pixels(64), epochs=2, on_step=lambda step, _: steps.append(step))
    assert steps == [0, 1, 2, 3, 4]


class Mean(VAE):
    """A VAE with a buffer that is not saved."""

    def __init__(self):
        super().__init__(12, (8,), 2, (8,), seed=0)
        self.register_buffer("mean", torch.zeros(3), persistent=False)


def interrupt(step, _):
    if step == 10:
        raise KeyboardInterrupt


def spoil(x, generator):
    return x * math.nan


WAYS_OUT = {
    "the end": ({}, None),
    "early stop": ({"held_out": pixels(8), "patience": 1, "lr": 5.0}, None),
    "interrupt": ({"on_step": interrupt}, None),
    "interrupt before the first step": ({"on_step": lambda step, _: interrupt(10, _)}, "stop"),
    "error before the first epoch": ({"weights": {"KL": 1.0}}, ValueError),
    "error in an epoch": ({"transform": spoil}, FloatingPointError),
    "error in the optimizer": ({"optimizer": lambda p: torch.optim.SGD(p, lr=-1.0)}, ValueError),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_model_comes_back_to_where_it_was_in_every_way_out(way):
    """A chapter's next cell put CPU pictures into a model that `fit` had left on the card."""
    options, error = WAYS_OUT[way]
    model = Mean()
    expected = contextlib.nullcontext()
    if error is not None:
        expected = pytest.raises(KeyboardInterrupt if error == "stop" else error)
    with expected:
        run(model, pixels(), **{"epochs": 4} | options)
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"cpu"}
    assert {p.grad.device.type for p in model.parameters() if p.grad is not None} <= {"cpu"}


def test_a_callback_sees_the_model_where_it_lay_with_its_newest_weights():
    """On an accelerator it is a copy; a copy that is not brought up to date shows old weights."""
    model, shown = Mean(), {}

    def look(step, seen):
        assert seen.mean.device.type == "cpu" and seen.training
        shown[step] = seen.encode(pixels())[0].detach()  # with pictures on the CPU

    untrained = model.encode(pixels())[0].detach()
    run(model, pixels(), epochs=2, on_step=look)
    assert sorted(shown) == list(range(15))
    torch.testing.assert_close(shown[0], untrained)
    torch.testing.assert_close(shown[14], model.encode(pixels())[0].detach())
    assert len({v.sum().item() for v in shown.values()}) == 15


def test_nothing_of_a_training_stays_behind():
    """A circle of references kept the data of ten trainings on the card until it was full."""
    gc.collect()
    gc.disable()
    try:
        run(small_vae(), pixels(), epochs=1, replay=True)
        assert not any(type(left) is Trainer for left in gc.get_objects())
    finally:
        gc.enable()


def test_a_callback_with_moments_is_called_at_these_only():
    """Between them nothing is copied from the accelerator, so looking costs nothing there."""

    class Look:
        moments, steps = (0, 3, 9), []

        def __call__(self, step, model):
            self.steps.append(step)

    run(small_vae(), pixels(), epochs=2, on_step=Look())
    assert Look.steps == [0, 3, 9]


def test_the_copy_that_is_looked_at_follows_the_models_mode_and_buffers():
    """Dropout and running averages: a look at a copy must be a look at the model."""
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout())
    seen = []
    watch = Watch(lambda step, shown: seen.append(shown), model, torch.device("meta"))
    assert watch.twin is not None
    watch.twin = copy.deepcopy(model)  # numbers cannot be read on "meta"
    model[0].running_mean += 1
    model[1].eval()
    watch(1)
    assert seen[0] is watch.twin
    assert torch.equal(seen[0][0].running_mean.cpu(), torch.ones(3))
    assert seen[0][0].training and not seen[0][1].training


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        (None, {}, "train must be a tensor or a tuple of tensors, but it is None"),
        ([], {}, "train must be a tensor or a tuple of tensors, but it is a list"),
        ((pixels() * 255).to(torch.uint8), {}, "train must be .* floats, but it is .* torch.uint8"),
        (pixels().double(), {}, "train is .* torch.float64, but the model computes in .*32"),
        (pixels(d=11), {}, "train has 11 pixels but the model was built for 12"),
        (torch.tensor(1.0), {}, r"train needs tensors with the same number of rows"),
        (pixels() * 255, {}, r"train .*\[0, 1\]|train .*0 to 1"),
        (pixels(), {"held_out": pixels(d=11)}, r"rows of \(12,\).*held_out has rows of \(11,\)"),
        (pixels(), {"held_out": pixels().double()}, "float32, but held_out has .*float64"),
        (pixels(), {"held_out": (pixels(), pixels())}, "but held_out has rows of .* and "),
        (pixels(), {"held_out": -pixels()}, "held_out .*-1"),
    ],
    ids=["None", "empty", "uint8", "float64", "width", "a number", "0 to 255", "held-out width",
         "held-out dtype", "held-out tuple", "held-out range"],
)  # fmt: skip
def test_data_that_cannot_be_trained_on_is_refused_before_anything_moves(train, options, message):
    """A held-out set of another shape was told after an epoch; a wrong dtype in PyTorch's words."""
    model, called = small_vae(), []
    before = _copy_state(model)
    with pytest.raises(ValueError, match=message):
        run(model, train, epochs=1, on_step=lambda *a: called.append(a), **options)
    assert called == []
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


def test_a_wrong_dtype_is_named_for_a_model_of_ones_own_too():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.config, self.layer = {}, nn.Linear(12, 1)

        def loss_terms(self, x, *, generator):
            return {"loss": self.layer(x)[:, 0]}

    with pytest.raises(
        ValueError, match=r"given a tensor of torch.float64, but its weights are torch.float32"
    ):
        run(Own(), pixels().double(), epochs=1)


@pytest.mark.parametrize("seed", [2**63 - 1, 1_732_700_000_000_000_000, 2**64 - 1])
def test_a_seed_of_63_bits_works(seed):
    first, second = (run(small_vae(), pixels(), epochs=1, seed=seed).last for _ in range(2))
    assert first["train_loss"] == second["train_loss"]
    assert first["train_loss"] != run(small_vae(), pixels(), epochs=1).last["train_loss"]


def test_small_seeds_keep_their_noise():
    """The numbers of the book are those of seed * 1,000,003 + epoch."""
    assert epoch_seed(3, 2) == 3_000_011
    noise = torch.Generator().manual_seed(-1)  # of the held-out data with seed 0
    assert epoch_generator(0, -1).initial_seed() == noise.initial_seed()
    assert len({epoch_seed(seed, 1) for seed in (0, 1, 2**62, 2**63 - 1, 2**64 - 1)}) == 5


@pytest.mark.parametrize("kind", ["no folder", "a folder", "not writable"])
def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_first_step(
    tmp_path, monkeypatch, kind
):
    """It was told after the first epoch, with the name of a temporary file."""
    path = {"no folder": tmp_path / "absent" / "c", "a folder": tmp_path}.get(kind, tmp_path / "c")
    if kind == "not writable":

        def refuse(**_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("vae_teach.training.arguments.tempfile.TemporaryFile", refuse)
    steps = []
    with pytest.raises(ValueError, match=f"checkpoint is {re.escape(str(path))}, "):
        run(small_vae(), pixels(), epochs=1, checkpoint=path, on_step=lambda *a: steps.append(a))
    assert steps == []


def test_a_disk_that_becomes_full_loses_neither_the_history_nor_the_file(tmp_path, monkeypatch):
    """The message was "[Errno 28]" without a file, and the history of hours was gone."""
    path, model, written = tmp_path / "run.safetensors", small_vae(), []
    replace = os.replace

    def full(*args):
        written.append(args)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return replace(*args)

    monkeypatch.setattr("vae_teach.machine.whole_file.os.replace", full)
    with pytest.raises(CheckpointError, match=rf"{path}: No space left.* keeps 2 epochs") as error:
        run(model, pixels(), epochs=9, checkpoint=path)
    assert error.value.history.column("epoch") == [1, 2, 3]
    assert len(read_checkpoint(path)[0]["history"]["records"]) == 2
    assert next(model.parameters()).device.type == "cpu"
    with pytest.raises(FloatingPointError) as error:
        run(small_vae(), pixels(), epochs=9, lr=1e30)
    assert len(error.value.history) == 0


def test_a_checkpoint_of_an_older_version_is_read(tmp_path):
    """Its history has no word on how the steps were made."""
    path = tmp_path / "run.safetensors"
    run(small_vae(), pixels(), epochs=1, checkpoint=path)
    head, tensors = read_checkpoint(path)
    assert head["history"].pop("how").startswith("step by step")
    save_file(tensors, path, metadata={"vae_teach": json.dumps(head)})
    history = run(small_vae(), pixels(), epochs=2, checkpoint=path, resume=True)
    assert len(history) == 2 and history.how.startswith("step by step")


def test_the_progress_bar_names_both_terms(capsys):
    fit(small_vae(), pixels(64), held_out=pixels(32), epochs=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "held out: reconstruction" in err and "kl" in err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"epochs": 0}, "epochs must be at least 1, but it is 0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size must be at least 1"),
        ({"epochs": 1, "patience": 2}, "patience=2 needs held_out"),
        ({"epochs": 1, "resume": True}, "resume=True needs checkpoint"),
        ({"epochs": 1, "weights": {"KL": 1.0}}, r"weights name \['KL'\].*'kl'"),
        ({"epochs": 1, "held_out": torch.zeros(0, 12)}, "held_out needs"),
        ({"epochs": "3"}, "epochs must be a whole number, at least 1, but it is a str, '3'"),
        (
            {"epochs": 1, "batch_size": 8.0},
            "batch_size must be a whole number, at least 1, but it is a float, 8.0",
        ),
        ({"epochs": 1, "lr": "fast"}, "lr must be at least 0 and finite, but it is a str"),
        ({"epochs": 1, "seed": -1}, "seed must be from 0 to 18446744073709551615, but it is -1"),
        ({"epochs": 1, "seed": 2**64}, "seed must be from 0 to 18446744073709551615"),
        ({"epochs": 1, "device": "abacus"}, "device 'abacus' cannot be used here"),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "",
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        run(small_vae(), pixels(), **arguments)


def test_rows_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"train needs tensors .* \[200, 3\]"):
        run(small_vae(), (pixels(), torch.zeros(3)), epochs=1)


def test_a_history_fits_into_one_line():
    """A cell that ends with fit(...) filled the page with every record."""
    record = {"epoch": 1, "seconds": 0.5, "train_kl": 3.0, "train_loss": 101.239}
    history = History([record, record | {"epoch": 2, "held_out_loss": 99.0}])
    assert repr(history) == "History(2 epochs, last train_loss 101.24, held_out_loss 99.00)"
    assert repr(History()) == "History(no epoch yet)"


def test_history_names_its_columns():
    history = run(small_vae(), pixels(), epochs=1)
    with pytest.raises(KeyError, match="train_kl"):
        history.column("kl")
    with pytest.raises(IndexError, match="no epoch has ended"):
        _ = History().last
