"""A trained decoder as plain steps and float16 numbers, for the browser to run.

Half precision keeps 11 bits of each weight and halves the page; tests/browser checks that the
picture stays within 2/255 of PyTorch's.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

_FLOAT16_MAX = 65504.0
_ACTIVATIONS = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.ELU: "elu",
    nn.Sigmoid: "sigmoid",
    nn.Softplus: "softplus",
}


@dataclass(frozen=True)
class Step:
    """One thing the browser does to a vector: an activation, or a dense layer `W x + b`."""

    kind: str  # "dense", or a name in ACTIVATIONS of decoder.js
    weight: Tensor | None = None  # (outputs, inputs)
    bias: Tensor | None = None  # (outputs,)

    def as_json(self) -> dict:
        """Return what the browser needs besides the numbers."""
        if self.weight is None:
            return {"kind": self.kind}
        outputs, inputs = self.weight.shape
        return {"kind": "dense", "inputs": inputs, "outputs": outputs}


def export_decoder(module: nn.Module) -> list[Step]:
    """Return the steps of a Sequential of Linear layers and activations, nested ones flattened.

    Args:
        module: nn.Sequential (or a single layer) of Linear, ReLU, Tanh, ELU, Sigmoid, Softplus
            and Identity.

    Raises:
        TypeError: naming the first layer that the browser cannot run.
        ValueError: if two layers do not fit, or an activation has parameters of its own.
    """
    steps = list(_steps(module, "decoder"))
    weights = [step.weight for step in steps if step.weight is not None]
    if not weights:
        raise ValueError("the decoder has no Linear layer")
    for before, after in itertools.pairwise(weights):
        if before.shape[0] != after.shape[1]:
            raise ValueError(
                f"a Linear layer gives {before.shape[0]} values "
                f"but the next one takes {after.shape[1]}"
            )
    return steps


def _steps(module: nn.Module, where: str):
    """Yield the steps of one layer; `where` is its path, for the error message."""
    if isinstance(module, nn.Sequential):
        for name, child in module.named_children():
            yield from _steps(child, f"{where}.{name}")
    elif isinstance(module, nn.Linear):
        weight = module.weight.detach().cpu().float()
        bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach().cpu()
        yield Step("dense", weight, bias.float())
    elif type(module) in _ACTIVATIONS:
        _require_default_shape(module, where)
        yield Step(_ACTIVATIONS[type(module)])
    elif not isinstance(module, nn.Identity):
        names = ", ".join(["Linear", *(kind.__name__ for kind in _ACTIVATIONS)])
        raise TypeError(
            f"the browser cannot run {where}, a {type(module).__name__}; it knows {names}"
        )


def _require_default_shape(module: nn.Module, where: str) -> None:
    """Refuse an ELU or Softplus whose constants are not the ones the browser has built in."""
    standard = type(module)()
    for name in ("alpha", "beta"):
        if getattr(module, name, None) != getattr(standard, name, None):
            raise ValueError(
                f"{where} has {name}={getattr(module, name)}, but the browser runs "
                f"{type(module).__name__} with {name}={getattr(standard, name)} only"
            )


_ENDINGS = {"sigmoid": torch.sigmoid, "identity": lambda outputs: outputs}
_GAP = 1e-3  # of a pixel's value: what float32 sums may differ by


def pixels_ending(
    steps: list[Step], outputs: Tensor, pixels: Tensor | None, output: str | None = None
) -> list[Step]:
    """Return the steps with the ending that makes pixels of what the network gives.

    Args:
        steps: those of the network.
        outputs: what it gives for a few inputs.
        pixels: what `mean_image`, and so the likelihood, makes of the same inputs; None where no
            one says it. The ending is then a sigmoid, unless the steps end with one.
        output: "sigmoid", "identity" (the network gives pixels already), or None to find out.

    Raises:
        ValueError: for another `output`, or if the pixels would be others.
    """
    if output not in (None, *_ENDINGS):
        raise ValueError(f'output must be "sigmoid" or "identity", but it is {output!r}')
    choices = [output] if output else list(_ENDINGS)
    if pixels is not None:
        gaps = {name: float((_ENDINGS[name](outputs) - pixels).abs().max()) for name in choices}
        choices.sort(key=gaps.__getitem__)
        if gaps[choices[0]] > _GAP:
            raise ValueError(
                f"with output={choices[0]!r} the browser's pixels would differ from "
                f"model.mean_image by up to {gaps[choices[0]]:.3f}; it knows no other way to make "
                "pixels of what this network gives"
            )
    elif output is None and steps[-1].kind == "sigmoid":
        choices = ["identity"]
    return [*steps, Step("sigmoid")] if choices[0] == "sigmoid" else steps


def pack_steps(steps: list[Step]) -> tuple[list[dict], bytes]:
    """Return the steps as JSON and their weights and biases, in order, as packed float16.

    Without steps, for a network that a model may lack, both are empty.
    """
    tensors = [t.flatten() for s in steps for t in (s.weight, s.bias) if t is not None]
    numbers = torch.cat(tensors) if tensors else torch.empty(0)
    return [step.as_json() for step in steps], pack_half(numbers, "decoder weights")


def pack_half(values: Tensor, name: str) -> bytes:
    """Return float16 numbers as bytes: all the low bytes, then all the high bytes.

    Apart, the high bytes (sign and exponent) compress to about half; interleaved, hardly at all.

    Args:
        values: any shape, read row by row.
        name: what they are, for the error message.

    Raises:
        ValueError: if a value is not finite or does not fit into float16.
    """
    numbers = values.detach().cpu().float().flatten()
    largest = float(numbers.abs().max()) if numbers.numel() else 0.0
    if not largest <= _FLOAT16_MAX:  # also true of NaN
        raise ValueError(f"{name} reach {largest}, but float16 ends at {_FLOAT16_MAX:.0f}")
    pairs = numbers.numpy().astype("<f2").view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def join_halves(parts: Sequence[bytes]) -> bytes:
    """Several results of `pack_half` as one: all the low bytes, then all the high bytes."""
    return b"".join(p[: len(p) // 2] for p in parts) + b"".join(p[len(p) // 2 :] for p in parts)
