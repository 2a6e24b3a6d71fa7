"""How the sources draw their first weights; every bias starts at 0.

A scheme fills one weight tensor of shape (out, in, ...), where fan_in is the number of inputs that
one output unit reads. Nothing touches the global random state.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from vae_teach.validation import checked

Scheme = Callable[[Tensor, Generator], Tensor]

CAFFE_STD, CAFFE_SPARSE = 0.1, 15


@checked
def he_normal(weight: Tensor, generator: Generator) -> Tensor:
    """N(0, 2 / fan_in): Fast Forward Labs, and lazyprogrammer's Theano twin. He et al. 2015."""
    return nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


@checked
def twice_normal(weight: Tensor, generator: Generator) -> Tensor:
    """N(0, 4 / fan_in), sqrt(2) times He's: lazyprogrammer's TensorFlow listing."""
    fan_in = weight[0].numel()
    return nn.init.normal_(weight, std=2 / math.sqrt(fan_in), generator=generator)


@checked
def fan_out_normal(weight: Tensor, generator: Generator) -> Tensor:
    """N(0, 2 / fan_out): lazyprogrammer's plain autoencoder."""
    return nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)


@checked
def glorot_uniform(weight: Tensor, generator: Generator) -> Tensor:
    """U(-a, a), a^2 = 6 / (fan_in + fan_out): Keras and Burda et al. Glorot & Bengio 2010."""
    return nn.init.xavier_uniform_(weight, generator=generator)


@checked
def caffe_dense(weight: Tensor, generator: Generator) -> Tensor:
    """N(0, 0.01), every weight: Doersch's two heads."""
    return nn.init.normal_(weight, std=CAFFE_STD, generator=generator)


@checked
def caffe_sparse(weight: Tensor, generator: Generator) -> Tensor:
    """N(0, 0.01), each weight kept with probability 15 / outputs: Doersch's other layers.

    An output unit then reads 15 fan_in / outputs inputs on average, not 15.
    """
    keep = min(1.0, CAFFE_SPARSE / weight.shape[0])
    mask = torch.rand(weight.shape, generator=generator, device=weight.device) < keep
    return nn.init.normal_(weight, std=CAFFE_STD, generator=generator).mul_(mask)


class FirstWeights(NamedTuple):
    """By which schemes a model's first weights were drawn."""

    scheme: str  # a name in `SCHEMES`, or "torch"
    heads: str | None  # of the layers that follow another one
    layers: tuple[str, ...] = ()  # their names in the model


SCHEMES: dict[str, Scheme] = {
    "he-normal": he_normal,
    "twice-normal": twice_normal,
    "fan-out-normal": fan_out_normal,
    "glorot-uniform": glorot_uniform,
    "caffe-dense": caffe_dense,
    "caffe-sparse": caffe_sparse,
}


@checked
@torch.no_grad()
def initialize(
    module: nn.Module, scheme: str, seed: int | None, *, heads: dict[nn.Module, str] | None = None
) -> None:
    """Draw the weights of every dense and convolutional layer of `module` anew, in place.

    Args:
        module: its `nn.Linear` and `nn.Conv2d` layers are filled in the order of `modules()`;
            its attribute `first_weights` says by which schemes.
        scheme: a name in `SCHEMES`, or "torch", which leaves PyTorch's own weights and biases.
        seed: of the draws; None takes a fresh one.
        heads: layers that follow another scheme.

    Raises:
        ValueError: for a scheme that is not in `SCHEMES`.
    """
    heads = heads or {}
    unknown = {scheme, *heads.values()} - SCHEMES.keys() - {"torch"}
    if unknown:
        known = ["torch", *SCHEMES]
        raise ValueError(f"initialization is {sorted(unknown)}, but the known ones are {known}")
    others = sorted(set(heads.values()) - {scheme})
    told: Any = module  # an nn.Module's attributes are tensors and modules to a type checker
    names = [name for name, layer in module.named_modules() if heads.get(layer, scheme) != scheme]
    told.first_weights = FirstWeights(scheme, ", ".join(others) or None, tuple(names))
    if scheme == "torch":
        return
    generator = Generator()
    generator.seed() if seed is None else generator.manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            SCHEMES[heads.get(layer, scheme)](layer.weight, generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
