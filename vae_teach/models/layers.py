"""What every network is made of: dense layers, first weights from a seed, and sizes that fit."""

import contextlib
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from vae_teach.validation import AT_LEAST_1, checked, require_rows

# of the arguments of every model that has them
SIZES = dict.fromkeys(
    ("n_pixels", "encoder_hidden", "latent_dim", "decoder_hidden", "prior_hidden", "hidden"),
    AT_LEAST_1,
)
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "sigmoid": nn.Sigmoid}


def _activation(name: str) -> nn.Module:
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
        layers += [nn.Linear(fan_in, fan_out), _activation(activation)]
    layers.pop()  # the last Linear is followed by `last`, not by the hidden activation
    if last is not None:
        layers.append(_activation(last))
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
