"""The device is chosen at run time and a wrong wish is named."""

from typing import NamedTuple

import pytest
import torch

from vae_teach.machine.device import (
    as_float64,
    borrowed,
    describe_device,
    device_of,
    on_accelerator,
    pick_device,
)


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DEVICE", "abacus")
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="device 'abacus'"):
        pick_device()


def test_an_accelerator_is_used_when_there_is_one(monkeypatch):
    monkeypatch.delenv("VAE_TEACH_DEVICE", raising=False)
    gpu = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: gpu)
    assert pick_device() == gpu
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    assert pick_device().type == "cpu"


NOT_HERE = ["abacus", "meta", "hpu", "privateuseone", "cuda:99"]
if torch._C._get_privateuse1_backend_name() != "privateuseone":
    NOT_HERE.remove("privateuseone")  # the pretend accelerator is what that name means here


@pytest.mark.parametrize("name", NOT_HERE)
def test_a_device_that_cannot_compute_is_refused_in_one_line(name):
    """A missing backend raised ModuleNotFoundError; "meta" was taken, and holds no numbers."""
    with pytest.raises(ValueError, match=f"device '{name}' cannot be used here") as refusal:
        pick_device(name)
    assert "\n" not in str(refusal.value)


def linear(*, dtype=torch.float32):
    return torch.nn.Linear(3, 2, dtype=dtype)


def test_a_borrowed_model_is_given_back_whatever_happens():
    model, device = linear(), pick_device()
    model.register_buffer("mean", torch.zeros(2), persistent=False)
    with borrowed(model, device):
        assert device_of(model).type == model.mean.device.type == device.type
    assert device_of(model).type == model.mean.device.type == "cpu"
    with pytest.raises(KeyboardInterrupt), borrowed(model, device):
        raise KeyboardInterrupt
    assert device_of(model).type == "cpu"
    assert device_of(torch.nn.Identity()) is None


class Parts(NamedTuple):
    values: torch.Tensor
    name: str


def test_heavy_work_is_done_on_the_accelerator_and_its_results_lie_on_the_cpu():
    """The model, the pictures and a second module are moved; a result in any packing comes back."""
    seen = []

    @on_accelerator
    def heavy(model, images, *, other):
        seen.extend({device_of(model), device_of(other), images.device})
        return {"parts": Parts(model(images), "a")}, other(images), 3

    model, other = linear(), linear()
    parts, values, three = heavy(model, torch.zeros(4, 3), other=other)
    assert {device.type for device in seen} == {pick_device().type}
    assert parts["parts"].values.device.type == values.device.type == "cpu" and three == 3
    assert parts["parts"].name == "a"
    assert device_of(model).type == device_of(other).type == "cpu"


def test_float64_is_taken_to_the_cpu_where_the_device_has_none(monkeypatch):
    """Apple's accelerator knows no float64: a float64 model stays on the CPU."""
    monkeypatch.setattr("vae_teach.machine.device.pick_device", lambda: torch.device("mps"))
    work = on_accelerator(lambda model, x: model(x))
    double = work(linear(dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64))
    assert double.dtype == torch.float64
    assert as_float64(torch.zeros(2)).dtype == torch.float64


def test_the_cpu_is_described_with_its_threads():
    n = torch.get_num_threads()
    assert describe_device(torch.device("cpu")) == (
        "CPU, 1 thread" if n == 1 else f"CPU, {n} threads"
    )
