"""Whether training could differentiate an answer whose values are right."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, fresh
from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.words import call_text, error_text, kind


def _as_leaf(value: Tensor, dtype: torch.dtype) -> Tensor:
    return value.to(dtype).requires_grad_()


def _gradients(
    function: Callable, args: dict[str, Any], names: Sequence[str], dtype: torch.dtype
) -> list[Tensor | None]:
    args = fresh(args)
    args |= {name: _as_leaf(args[name], dtype) for name in names}
    result = function(*args.values())
    if not isinstance(result, Tensor):
        raise Fault(
            f"Your values are right, but they come as {kind(result)}: "
            "return a torch tensor, so that training can differentiate it."
        )
    if not result.requires_grad:
        raise Fault(
            "Your values are right, but no gradient can flow back through them: "
            "avoid .item(), .detach(), .numpy() and torch.no_grad()."
        )
    leaves = [args[name] for name in names]
    return list(torch.autograd.grad(result.sum(), leaves, allow_unused=True))


def examine_gradients(
    student: Callable, right: Callable, args: dict[str, Any], names: Sequence[str], note: str = ""
) -> None:
    """Compare the gradients of a student's result with the right ones, for the named arguments.

    `note` says what is special about these arguments.

    Raises:
        Fault: if the result is no tensor, is cut off from its inputs, or has other gradients.
    """
    try:
        gots = _gradients(student, args, names, torch.float32)
    except Fault:
        raise
    except (Exception, SystemExit) as error:
        raise Fault(
            "Your values are right, but the function fails on tensors that require a gradient, "
            f"with {error_text(error)}: use torch operations only."
        ) from error
    wants = _gradients(right, args, names, torch.float64)
    for name, got, want in zip(names, gots, wants, strict=True):
        if got is None:
            raise Fault(f"Your values are right, but no gradient flows back to {name}.")
        if not agree(got.double(), torch.zeros_like(got).double() if want is None else want):
            wrong = "is wrong" if got.isfinite().all() else "contains NaN or infinity"
            raise Fault(
                f"Your values are right, but their gradient with respect to {name} {wrong}, "
                f"for {call_text(args, note)}."
            )
