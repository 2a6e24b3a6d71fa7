"""The parts of networks: dense layers, convolutions, first weights from a seed, sizes that fit."""

import contextlib
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.validation import AT_LEAST_1, checked, require_rows

# of the arguments of every model that has them
SIZES = dict.fromkeys(
    ("n_pixels", "encoder_hidden", "latent_dim", "decoder_hidden", "prior_hidden", "hidden"),
    AT_LEAST_1,
)
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "sigmoid": nn.Sigmoid}


def make_activation(name: str) -> nn.Module:
    """The activation of that name; a ValueError lists the known ones."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name!r}, but the known ones are {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


@checked
def dense_chain(sizes: tuple[int, ...], activation: str, last: str | None = None) -> nn.Sequential:
    """Linear layers from sizes[0] to sizes[-1] with `activation` between and `last` at the end.

    Raises:
        ValueError: for fewer than two sizes, a size below 1, or an unknown activation.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be at least two positive numbers, but they are {sizes}")
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [Linear(fan_in, fan_out), make_activation(activation)]
    layers.pop()  # the last Linear is followed by `last`, not by the hidden activation
    if last is not None:
        layers.append(make_activation(last))
    return nn.Sequential(*layers)


@checked
@contextlib.contextmanager
def seeded_initialization(seed: int | None) -> Iterator[None]:
    """Draw initial weights from `seed`, then put the global random state back; None leaves it."""
    if seed is None:
        yield
        return
    # torch.nn offers no generator argument, so the global state is borrowed and returned.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@checked(kernel=AT_LEAST_1)
def same_padding(kernel: int) -> nn.ZeroPad2d:
    """Zeros around a picture so that a convolution keeps its size; an even kernel gets the extra
    row and column at the bottom and the right, as in Keras."""
    before, after = (kernel - 1) // 2, kernel // 2
    return nn.ZeroPad2d((before, after, before, after))


@checked(channels_in=AT_LEAST_1, channels_out=AT_LEAST_1, kernel=AT_LEAST_1, stride=AT_LEAST_1)
def conv_block(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1
) -> list[nn.Module]:
    """Padding and a convolution: it keeps the picture's sides, or divides them by `stride`."""
    return [same_padding(kernel), nn.Conv2d(channels_in, channels_out, kernel, stride)]


def require_pixels(x: Tensor, n_pixels: int, like: Tensor | None = None) -> None:
    """Raise a ValueError unless x is (..., n_pixels) of floats, of the dtype of `like`."""
    require_rows(x, "x", n_pixels, "pixels", like)


def require_code(z: Tensor, latent_dim: int, like: Tensor | None = None) -> None:
    """Raise a ValueError unless z is (..., latent_dim) of floats, of the dtype of `like`."""
    require_rows(z, "z", latent_dim, "values", like)


@checked
def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts: all weights and biases."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
