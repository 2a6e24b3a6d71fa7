"""The loop: what it computes, what it remembers, and how it fails."""

import math

import pytest
import torch
from torch import nn

from vae_teach.checkpoint import load_model, read_checkpoint, save_checkpoint
from vae_teach.history import History
from vae_teach.models import VAE, Autoencoder
from vae_teach.train import fit


def pixels(n=200, d=12, seed=0):
    """Binary rows that agree with one coin in 9 of 10 pixels, so that there is a code to find."""
    g = torch.Generator().manual_seed(seed)
    coin = torch.rand(n, 1, generator=g) < 0.5
    flip = torch.rand(n, d, generator=g) < 0.1
    return (coin ^ flip).float()


def small_vae(seed=0):
    return VAE(12, (8,), 2, (8,), seed=seed)


def run(model, x, **arguments):
    return fit(model, x, **{"progress": False, "device": "cpu", "batch_size": 32} | arguments)


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
    record = fit(model, pixels(), epochs=1, batch_size=32, lr=0.0, progress=False, device="cpu")
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
            trainer_noise.append(torch.randn(3, generator=generator).tolist())
            return super().loss_terms(x, generator=generator)

    run(Recorder([0.0] * 10, []), pixels(64), epochs=5)
    assert len({tuple(noise) for noise in trainer_noise}) == 10


def test_global_random_state_and_the_data_are_left_alone():
    x, state = pixels(), torch.get_rng_state()
    before = x.clone()
    run(small_vae(), x, held_out=x, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, before)


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
        return torch.rand(x.shape, generator=generator)

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
    from safetensors.torch import save_file

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

    monkeypatch.setattr("vae_teach.whole_file.os.replace", crash)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(file, model, history=History(), settings={})
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": float("inf")}, "lr must be at least 0 and finite, but it is inf"),
        ({"lr": -1.0}, "lr must be at least 0 and finite, but it is -1.0"),
        ({"weights": {"kl": float("nan")}}, r"weights\['kl'\] must be finite, but it is nan"),
    ],
    ids=["infinite", "negative", "weight"],
)
def test_a_rate_or_a_weight_that_is_no_number_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(small_vae(), pixels(8), epochs=1, progress=False, device="cpu", **options)


def test_early_stop_waits_for_patience_and_keeps_the_best_weights():
    """Held-out losses 5, 3, 4, 4, 4, 1: with patience 3 the run must end before the 1."""
    held_out = [5.0, 3.0, 4.0, 4.0, 4.0, 1.0]
    model = Scripted([0.0] * 6, held_out)
    weights = []
    history = fit(
        model, pixels(32), held_out=pixels(8), epochs=6, batch_size=32, lr=1.0, patience=3,
        progress=False, device="cpu", on_step=lambda step, m: weights.append(m.weight.item()),
        optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
    )  # fmt: skip
    # SGD at lr 1 moves the weight by -1 a step, so the held-out losses are 4, 1, 1, 0, ...
    assert history.column("held_out_loss") == [4.0, 1.0, 1.0, 0.0, -1.0, -5.0]
    assert history.best_epoch == 6


def test_early_stop_on_a_loss_that_only_rises():
    model = Scripted([0.0] * 9, [1.0, 3.0, 6.0, 10.0, 15.0, 21.0])
    history = fit(
        model, pixels(32), held_out=pixels(8), epochs=9, batch_size=32, patience=2,
        progress=False, device="cpu", optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
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
            model, pixels(160), epochs=2, batch_size=32, progress=False, device="cpu",
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


def test_the_progress_bar_names_both_terms(capsys):
    fit(small_vae(), pixels(64), held_out=pixels(32), epochs=1, device="cpu")
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
