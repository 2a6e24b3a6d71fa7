"""A recorded step is the step itself: same numbers, same noise, or it is not used.

No machine without a GPU can make a CUDA graph, so these tests record the kernels on the CPU.
"""

import importlib
import random

import pytest
import torch
from recorded_ops import RecordedOps

from vae_teach.data import treatments
from vae_teach.data.treatments import treat
from vae_teach.models import VAE
from vae_teach.systems.optimizers import make_optimizer
from vae_teach.systems.table import PRESETS
from vae_teach.training import steps
from vae_teach.training.loop import fit
from vae_teach.training.recorder import Recorder

REPLAYED = "one recorded step, replayed"


def pixels(n=100, d=12, seed=0):
    return (torch.rand(n, d, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def small_vae():
    return VAE(12, (8,), 2, (8,), seed=0)


@pytest.fixture
def recording(monkeypatch):
    """The CPU counts as a device that can record a step; every recording is listed."""
    made = []

    def make(generator):
        made.append(RecordedOps(generator))
        return made[-1]

    monkeypatch.setitem(steps.RECORDINGS, "cpu", make)
    monkeypatch.setattr(treatments, "_in_a_recording", lambda x: any(r.recording for r in made))
    return made


def both_ways(monkeypatch, make_model=small_vae, x=None, **options):
    """The same run as written and by replay: two models and two histories."""
    x = pixels() if x is None else x
    options = {"epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"} | options
    models, histories = [make_model(), make_model()], []
    for model, replay in zip(models, (False, True), strict=True):
        histories.append(fit(model, x, replay=replay, **options))
    return models, histories


def assert_same_run(models, histories):
    assert [history.how for history in histories] == ["step by step (as asked)", REPLAYED]
    for name in histories[0].last:
        if name != "seconds":
            assert histories[1].column(name) == pytest.approx(histories[0].column(name), rel=1e-5)
    for mine, theirs in zip(models[1].parameters(), models[0].parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def clipped(parameters):
    return make_optimizer(parameters, "Adam", lr=1e-2, weight_decay=1e-3, clip=0.01)


OPTIMIZERS = {
    "fused Adam, as fit makes it": {},
    "clipping and weight decay": {"optimizer": clipped},
    "RMSprop": {"optimizer": lambda p: torch.optim.RMSprop(p, lr=1e-3, centered=True)},
    "RMSpropTF": {"optimizer": lambda p: make_optimizer(p, "RMSpropTF", lr=1e-3)},
    "SGD": {"optimizer": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9)},
}


@pytest.fixture(autouse=True)
def adam_may_count_on_the_cpu(monkeypatch):
    """PyTorch lets an optimizer count its steps on the device on some devices; here on the CPU."""
    for name in ("adam", "rmsprop"):
        module = importlib.import_module(f"torch.optim.{name}")
        monkeypatch.setattr(module, "_get_capturable_supported_devices", lambda *a, **k: ["cpu"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_both_ways_give_the_same_run(monkeypatch, recording, name):
    """Catches frozen noise or batches, a lost or repeated step, and a frozen count of steps."""
    models, histories = both_ways(monkeypatch, held_out=pixels(seed=1), **OPTIMIZERS[name])
    assert_same_run(models, histories)
    # 6 whole batches and one of 4 rows an epoch: all whole ones but the warm-up, and two tries
    (made,) = recording
    assert made.replays == 3 * 6 - steps.WARM_UP + 2


@pytest.mark.parametrize(
    "options",
    [
        {"weights": {"kl": 4.0}},
        {"transform": lambda x, g: treat(x, "stochastic", generator=g)},
        {"patience": 2, "held_out": pixels(seed=1), "epochs": 9, "lr": 0.05},
        {"batch_size": 100},
        {"batch_size": 3, "seed": 2**63 - 1},
    ],
    ids=["weights", "transform", "patience", "one batch an epoch", "large seed"],
)
def test_the_options_of_fit_keep_their_meaning(monkeypatch, recording, options):
    options = {"epochs": 6} | options
    assert_same_run(*both_ways(monkeypatch, x=0.3 + 0.4 * pixels(), **options))


def test_a_resumed_run_replays_too_and_equals_one_that_never_stopped(recording, tmp_path):
    """The optimizer's state from the file must lie where the recording looks for it."""
    options = {"batch_size": 16, "progress": False, "device": "cpu"}
    whole, parts, path = small_vae(), small_vae(), tmp_path / "run.safetensors"
    expected = fit(whole, pixels(), epochs=4, **options)
    fit(parts, pixels(), epochs=2, checkpoint=path, **options)
    history = fit(parts, pixels(), epochs=4, checkpoint=path, resume=True, **options)
    assert history.how == expected.how == REPLAYED
    assert history.column("train_loss") == pytest.approx(expected.column("train_loss"), rel=1e-6)
    fit(parts, pixels(), epochs=5, checkpoint=path, resume=True, replay=False, **options)


def test_a_recorder_sees_every_step_that_it_asks_for(recording):
    """A callback that is recorded too would be called once, at the recording."""
    seen = {}
    for replay in (False, True):
        look = Recorder([0, 1, 3, 4, 5, 7, 8, 21], bias=lambda m: m.to_mu.bias)
        model = small_vae()
        fit(model, pixels(), epochs=3, batch_size=16, on_step=look, replay=replay,
            progress=False, device="cpu")  # fmt: skip
        seen[replay] = look
    assert seen[True].steps == seen[False].steps
    for mine, theirs in zip(seen[True].snapshots, seen[False].snapshots, strict=True):
        torch.testing.assert_close(mine["bias"], theirs["bias"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bad_row", [40, 99])
def test_nan_is_found_and_named_as_without_a_recording(recording, bad_row):
    errors = []
    for replay in (False, True):
        x = pixels()
        x[bad_row] = 0.5
        model = small_vae()
        with pytest.raises(FloatingPointError) as error:
            fit(
                model, x, epochs=3, batch_size=16, replay=replay, progress=False, device="cpu",
                transform=lambda x, g: torch.where(x == 0.5, torch.nan, x),
            )  # fmt: skip
        errors.append(str(error.value))
        assert all(torch.isfinite(p).all() for p in model.parameters())
    assert errors[0] == errors[1]


class Waits(VAE):
    """Looks at a number in the middle of a step."""

    def loss_terms(self, x, *, generator):
        terms = super().loss_terms(x, generator=generator)
        if terms["kl"].mean().item() < 0:
            raise AssertionError
        return terms


class Counts(VAE):
    """Counts its calls in Python and weighs the KL by the count: a recording freezes it."""

    calls = 0

    def loss_terms(self, x, *, generator):
        self.calls += 1
        terms = super().loss_terms(x, generator=generator)
        return terms | {"kl": terms["kl"] * min(1.0, self.calls / 10)}


class OwnNoise(VAE):
    """Draws from Python's generator, which a recording does not know."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.own = random.Random(0)

    def loss_terms(self, x, *, generator):
        shift = self.own.random()
        return {n: t * (1 + shift) for n, t in super().loss_terms(x, generator=generator).items()}


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Waits, "recording failed: operation not permitted when stream is capturing"),
        (Counts, "a replayed step gives other terms"),
        (OwnNoise, "a replayed step gives other terms"),
    ],
)
def test_a_step_that_cannot_be_replayed_is_made_as_written(recording, model, why):
    def make():
        return model(12, (8,), 2, (8,), seed=0)

    models, histories = both_ways(None, make)
    assert histories[1].how.startswith(f"step by step ({why}")
    if model is Waits:  # the others did something else at the calls that tried the recording
        for mine, theirs in zip(models[1].parameters(), models[0].parameters(), strict=True):
            assert torch.equal(mine, theirs)
        assert histories[1].column("train_loss") == histories[0].column("train_loss")


def test_noise_that_the_recording_does_not_take_is_found(monkeypatch):
    """A generator that was not registered leaves its state as it was: the same noise every time."""

    class Deaf(RecordedOps):
        def replay(self):
            state = self.generator.get_state()
            super().replay()
            self.generator.set_state(state)

    monkeypatch.setitem(steps.RECORDINGS, "cpu", Deaf)
    _, histories = both_ways(monkeypatch)
    assert histories[1].how == "step by step (a replayed step takes other noise)"
    assert histories[1].column("train_loss") == histories[0].column("train_loss")


@pytest.mark.parametrize(
    ("preset", "why"),
    [
        ("burda1", "AdamBurda computes with numbers that a recording would freeze"),
        ("ffl2", None),
        ("altosaar2", None),
        ("altosaar-mf", None),
        ("doersch", None),
    ],
)
def test_the_presets_optimizers_are_recorded_where_they_may(preset, why):
    model = small_vae()
    assert steps._obstacle(PRESETS[preset].make_optimizer(model.parameters(), 10)) == why


def test_a_hook_that_reads_the_count_of_steps_is_not_recorded():
    """A rate that falls with the steps would stay what it was at the recording."""
    stages = make_optimizer(
        small_vae().parameters(), "Adam", lr=1e-3, stages=[(5, 1e-3), (5, 1e-4)]
    )
    assert steps._obstacle(stages) == "Adam has a hook that may do something else at every step"


def test_too_few_steps_to_record_one_are_made_as_written(recording):
    history = fit(small_vae(), pixels(32), epochs=1, batch_size=16, progress=False, device="cpu")
    assert history.how == "step by step (too few steps to record one)"
    assert recording[0].replays == 0


def test_a_device_without_graphs_says_so():
    history = fit(small_vae(), pixels(), epochs=1, progress=False, device="cpu")
    assert history.how == "step by step (no graphs on cpu)"


def test_the_optimizers_flags_are_given_back(recording, tmp_path):
    """A checkpoint with capturable=True could not be resumed on a machine without CUDA."""
    made = []

    def optimizer(parameters):
        made.append(torch.optim.Adam(parameters, lr=1e-3))
        return made[-1]

    fit(small_vae(), pixels(), epochs=2, batch_size=16, optimizer=optimizer, progress=False,
        device="cpu", checkpoint=tmp_path / "run")  # fmt: skip
    assert [group["capturable"] for group in made[0].param_groups] == [False]
