"""First weights: spread, sparsity, determinism."""

import math

import pytest
import torch
from torch import nn

from vae_teach.systems.initialization import SCHEMES, initialize

STD = {  # of a layer with fan_in 784 and fan_out 500
    "he-normal": math.sqrt(2 / 784),
    "twice-normal": 2 / math.sqrt(784),
    "fan-out-normal": math.sqrt(2 / 500),
    "glorot-uniform": math.sqrt(2 / (784 + 500)),
    "caffe-dense": 0.1,
    "caffe-sparse": 0.1 * math.sqrt(15 / 500),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_have_the_spread_of_the_source_and_biases_are_zero(scheme):
    """The sources differ by sqrt(2) and by the fan."""
    layer = nn.Linear(784, 500)
    initialize(layer, scheme, seed=0)
    # 392 000 draws: the relative error of a standard deviation is near 1 / sqrt(2 n) = 0.1 %,
    # 1 % where only 15 of 500 are not zero
    assert layer.weight.std().item() == pytest.approx(STD[scheme], rel=0.01)
    assert abs(layer.weight.mean().item()) < 4 * STD[scheme] / math.sqrt(784 * 500)
    assert layer.bias.abs().max() == 0


def test_sparse_weights_are_as_many_as_caffe_keeps():
    """A share 15 / outputs is kept, so an output reads 15 * 784 / 1000 = 11.76 inputs."""
    layer = nn.Linear(784, 1_000)
    initialize(layer, "caffe-sparse", seed=0)
    per_output = (layer.weight != 0).sum(dim=1).double()
    error = per_output.std().item() / math.sqrt(1_000)
    assert error < 0.12
    assert per_output.mean().item() == pytest.approx(11.76, abs=4 * error)


def test_a_layer_with_few_outputs_keeps_every_weight():
    layer = nn.Linear(20, 10)
    initialize(layer, "caffe-sparse", seed=0)
    assert (layer.weight != 0).all()


def test_uniform_weights_stay_inside_their_bound():
    layer = nn.Linear(784, 500)
    initialize(layer, "glorot-uniform", seed=0)
    bound = math.sqrt(6 / 1284)
    assert 0.999 * bound < layer.weight.abs().max() <= bound


@pytest.mark.parametrize(
    ("scheme", "std"),
    [
        ("he-normal", math.sqrt(2 / (4 * 25))),
        ("twice-normal", 2 / math.sqrt(4 * 25)),
        ("fan-out-normal", math.sqrt(2 / (800 * 25))),
        ("glorot-uniform", math.sqrt(2 / ((4 + 800) * 25))),
    ],
)
def test_fans_of_a_convolution_count_its_window(scheme, std):
    """Keras: fan_in = 5 * 5 * 4 inputs. Catches in and out exchanged, and a window left out."""
    layer = nn.Conv2d(4, 800, 5)
    initialize(layer, scheme, seed=0)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.01)  # 80,000 draws: 0.25 %


def test_heads_can_follow_another_scheme():
    module = nn.ModuleDict({"trunk": nn.Linear(100, 300), "head": nn.Linear(300, 300)})
    initialize(module, "caffe-sparse", seed=0, heads={module["head"]: "caffe-dense"})
    assert (module["head"].weight != 0).all()
    assert (module["trunk"].weight != 0).double().mean() < 0.1


def test_a_seed_fixes_the_weights_and_the_global_stream_is_left_alone():
    state = torch.get_rng_state()
    layers = [nn.Linear(6, 5) for _ in range(4)]
    torch.set_rng_state(state)
    for layer, seed in zip(layers, (0, 0, 1, None), strict=True):
        initialize(layer, "he-normal", seed)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert not torch.equal(layers[0].weight, layers[2].weight)
    assert not torch.equal(layers[0].weight, layers[3].weight)


def test_torch_leaves_everything_as_it_was():
    layer = nn.Linear(6, 5)
    before = layer.bias.clone()
    initialize(layer, "torch", seed=0)
    assert torch.equal(layer.bias, before)


def test_an_unknown_scheme_is_named():
    with pytest.raises(ValueError, match=r"'orthogonal'.*he-normal"):
        initialize(nn.Linear(2, 2), "orthogonal", seed=0)
