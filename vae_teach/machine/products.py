"""A linear layer whose products take half the time on some CPUs.

On a CPU, PyTorch has its float32 products made by MKL, whose kernel for AMD's Zen processors works
with vectors of 256 bits. oneDNN, which PyTorch for x86 brings along too, takes 512 where they have
them: the three products of a layer 784-400 and 128 rows then take 1.02 ms instead of 2.20 (one core
of an EPYC of the fifth generation, least of 40). It adds in another order, so last bits differ.
Shapes: B rows, I inputs, O outputs.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NARROWEST = 32  # of B, I and O: with a thinner matrix oneDNN is the slower one
SMALLEST = 2_000_000  # B I O: below, calling it takes longer than what it saves


def wide_vectors_unused() -> bool:
    """Whether this is a CPU on which MKL leaves half of the vector units idle."""
    # a PyTorch that does not say what CPU it is on stays with MKL
    known: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return known.get("avx512_f", False) and str(known.get("cpu_name")).startswith("AMD")


def available() -> bool:
    """Whether this PyTorch has what is private in it under the names that are used here."""
    one = torch.ones(1, 1, dtype=torch.float32)
    try:
        return _is_plain(one, one) and bool(onednn(one, 2 * one, one[0]) == 3)
    except (AttributeError, TypeError, RuntimeError):  # gone, with other arguments, not built in
        return False


def faster_here() -> bool:
    """Whether layers are made by oneDNN on this machine."""
    return wide_vectors_unused() and available()


class Linear(nn.Linear):
    """`torch.nn.Linear`, by oneDNN where that is faster."""

    def forward(self, x: Tensor) -> Tensor:
        """x W^T + b: (..., I) -> (..., O)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b, by oneDNN where that is faster: (..., I), (O, I), (O,) -> (..., O)."""
    if suits(x, weight):
        return _Product.apply(x, weight, bias)
    return F.linear(x, weight, bias)


def suits(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is the faster one for x W^T, and nothing stands in its way."""
    return BY_ONEDNN and _is_large(x, weight) and _is_plain(x, weight)


def _is_large(x: Tensor, weight: Tensor) -> bool:
    n_out, n_in = weight.shape
    rows = x.numel() // n_in
    return min(rows, n_in, n_out) >= NARROWEST and rows * n_in * n_out >= SMALLEST


def _is_plain(x: Tensor, weight: Tensor) -> bool:
    """Whether nothing but a product and its derivatives in reverse is asked for."""
    return (
        x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and x.shape[-1] == weight.shape[1]  # else the usual error
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not _is_transformed()
        and torch.autograd.forward_ad._current_level < 0  # outside any `dual_level`
    )


def _is_transformed() -> bool:
    """Whether vmap, jvp, jacrev or another of `torch.func` is at work."""
    return torch._C._are_functorch_transforms_active()


def onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b of float32 on a CPU: (..., I), (O, I), (O,) -> (..., O); without a derivative."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        # gradients are on here if somebody will ask for the gradient of this gradient, and many
        # gradients at once (a vectorized Jacobian) come through vmap
        usual = torch.is_grad_enabled() or _is_transformed()
        product = F.linear if usual else onednn
        rows = gradient.reshape(-1, gradient.shape[-1])
        to_x, to_weight, to_bias = ctx.needs_input_grad
        return (
            product(gradient, weight.t()) if to_x else None,
            product(rows.t(), x.flatten(0, -2).t()) if to_weight else None,
            rows.sum(0) if to_bias else None,
        )


BY_ONEDNN = faster_here()
