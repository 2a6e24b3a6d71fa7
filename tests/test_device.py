"""The device is chosen at run time and a wrong wish is named."""

import pytest
import torch

from vae_teach.device import describe_device, pick_device


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DEVICE", "meta")
    assert pick_device("cpu").type == "cpu"
    assert pick_device().type == "meta"


def test_an_accelerator_is_used_when_there_is_one(monkeypatch):
    monkeypatch.delenv("VAE_TEACH_DEVICE", raising=False)
    gpu = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: gpu)
    assert pick_device() == gpu
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    assert pick_device().type == "cpu"


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used here"):
        pick_device("abacus")


def test_the_cpu_is_described_with_its_threads():
    n = torch.get_num_threads()
    assert describe_device(torch.device("cpu")) == (
        "CPU, 1 thread" if n == 1 else f"CPU, {n} threads"
    )
