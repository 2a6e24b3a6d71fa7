"""Recording a model while it trains: the right steps, fixed inputs, no trace left in the run."""

import pytest
import torch

from vae_teach import VAE, fit
from vae_teach.training.recorder import Recorder, log_moments


def images(n=64):
    return torch.rand(n, 16, generator=torch.Generator().manual_seed(0))


def small():
    return VAE(16, (8,), 2, (8,), seed=0)


def train(recorder, *, model=None, epochs=2):
    model = small() if model is None else model
    fit(
        model,
        images(),
        epochs=epochs,
        batch_size=16,
        progress=False,
        on_step=recorder,
    )
    return model


def test_moments_are_the_sources_without_its_double_first_frame():
    """round(2^(k/2)) for k = 0 ... 32. Catches a frame lost at an exact power of two."""
    moments = log_moments(2**16)
    assert moments[:12] == [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45]
    assert moments[1:] == sorted({round(2 ** (k / 2)) for k in range(33)})
    assert len(moments) == 33 and moments[-1] == 2**16
    assert log_moments(1) == [0, 1]
    assert log_moments(10, per_doubling=1) == [0, 1, 2, 4, 8]


def test_moments_without_a_step_are_refused():
    with pytest.raises(ValueError, match="last must be at least 1, but it is 0"):
        log_moments(0)
    with pytest.raises(ValueError, match="per_doubling must be at least 1, but it is 0"):
        log_moments(8, per_doubling=0)


@pytest.mark.parametrize(
    ("moments", "look", "message"),
    [
        (10, torch.zeros, "moments must be steps"),
        ([0.5], torch.zeros, "a moment must be a whole number"),
        ([-1], torch.zeros, "a moment must be at least 0"),
        ([1], torch.zeros(3), "the look 'it' must be a function"),
    ],
)
def test_a_recorder_that_could_never_look_is_refused_at_once(moments, look, message):
    """A look that is no function was told in the middle of a training."""
    with pytest.raises(ValueError, match=message):
        Recorder(moments, it=look)


def test_a_look_that_returns_no_tensor_is_named():
    with pytest.raises(ValueError, match="the look 'it' must return a tensor, but it returned a"):
        Recorder([1], it=lambda model: 3.0)(1, small())


def test_it_records_the_moments_asked_and_no_other():
    recorder = Recorder([0, 1, 3, 8, 99], mu=lambda m: m.encode(images())[0])
    train(recorder)
    assert recorder.steps == [0, 1, 3, 8]  # 2 epochs of 4 steps; step 99 never comes
    assert recorder.at(3)["mu"].shape == (64, 2)
    with pytest.raises(KeyError, match=r"no snapshot of step 2; there are \[0, 1, 3, 8\]"):
        recorder.at(2)


def test_first_and_last_snapshot_are_the_untrained_and_the_trained_model():
    """Catches a hook that is called before the step, and a look that is kept as a view."""
    recorder = Recorder([0, 8], bias=lambda m: m.to_mu.bias, mu=lambda m: m.encode(images())[0])
    trained = train(recorder)
    for snapshot, model in zip(recorder.snapshots, [small(), trained], strict=True):
        assert torch.equal(snapshot["bias"], model.to_mu.bias)
        torch.testing.assert_close(snapshot["mu"], model.encode(images())[0])
    assert not torch.equal(recorder.at(0)["bias"], recorder.at(8)["bias"])
    assert not recorder.at(8)["bias"].requires_grad


def test_watching_does_not_change_what_is_learned():
    """Dropout switched off for the rest of the epoch, or noise drawn from the training's stream."""
    looks = {
        "mu": lambda m: m.encode(images())[0],
        "grid": lambda m: m.mean_image(torch.zeros(3, 2)),
    }
    watched, alone = train(Recorder(range(9), **looks)), train(None)
    for a, b in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_model_is_looked_at_in_evaluation_mode_and_put_back():
    modes = []

    def look(model):
        modes.append(model.training)
        return torch.zeros(1)

    model = small().train()
    Recorder([5], look=look)(5, model)
    assert modes == [False] and model.training

    def failing(model):
        raise RuntimeError("no look")

    with pytest.raises(RuntimeError):
        Recorder([5], look=failing)(5, model)
    assert model.training
