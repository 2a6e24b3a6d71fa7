"""What an argument must be: each function raises a ValueError that names the argument.

The message says both sides, what is wanted and what was found. `require_floats` reads every value
and on an accelerator waits for it, so it belongs at the door and not into a training step; the
others look at types and shapes alone, which costs microseconds.
"""

import math
import numbers

import torch
from torch import Tensor


def kind(value: object) -> str:
    """What a value is, for a message: "None", "a str", "a tensor of torch.uint8"."""
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype}"
    name = type(value).__name__
    return f"a{'n' if name[0].lower() in 'aeiou' else ''} {name}"


def require_rows(
    value: object, name: str, size: int, what: str = "values", like: Tensor | None = None
) -> None:
    """Raise unless `value` is a tensor of floats of shape (..., size); its values are not read.

    Args:
        value: the argument.
        name: of the argument.
        size: of the last axis.
        what: it counts, such as "pixels".
        like: a weight of the model, whose dtype `value` must have.
    """
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        raise ValueError(f"{name} must be a tensor of floats, but it is {kind(value)}")
    found = value.shape[-1] if value.ndim else 0
    if found != size:
        raise ValueError(f"{name} has {found} {what} but the model was built for {size}")
    if like is not None and value.dtype != like.dtype:
        raise ValueError(f"{name} is {kind(value)}, but the model computes in {like.dtype}")


def require_floats(
    value: object, name: str, low: float = -math.inf, high: float = math.inf, why: str = ""
) -> None:
    """Raise unless `value` is a tensor of floats, every one finite and from `low` to `high`.

    Args:
        value: the argument; an empty tensor passes.
        name: of the argument.
        low, high: the ends, both allowed.
        why: ends the message, such as "as the Bernoulli likelihood expects".
    """
    reason = f", {why}" if why else ""
    within = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
    wanted = f"{name} must be a tensor of finite floats{within}{reason}"
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        raise ValueError(f"{wanted}, but it is {kind(value)}")
    if value.numel() == 0:
        return
    least, most = (v.item() for v in torch.aminmax(value.detach()))
    if math.isnan(least):
        raise ValueError(f"{wanted}, but it holds NaN")
    if math.isinf(least) or math.isinf(most) or least < low or most > high:
        raise ValueError(f"{wanted}, but its values go from {least:.6g} to {most:.6g}")


def require_count(value: object, name: str, least: int = 1, most: int | None = None) -> None:
    """Raise unless `value` is a whole number, neither True nor 3.0, from `least` to `most`."""
    wanted = f"at least {least}" if most is None else f"from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        found = (
            f"{kind(value)}, {value!r}" if isinstance(value, bool | float | str) else kind(value)
        )
        raise ValueError(f"{name} must be a whole number, {wanted}, but it is {found}")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {wanted}, but it is {value}")


def require_number(
    value: object, name: str, low: float = -math.inf, high: float = math.inf, *, ends: bool = True
) -> None:
    """Raise unless `value` is a finite number from `low` to `high`.

    Args:
        value: the argument; a tensor of one value passes, True and "0.5" do not.
        name: of the argument.
        low, high: the ends.
        ends: whether the ends themselves are allowed.
    """
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} must be {_range(low, high, ends)}, but it is {kind(value)}")
    inside = low <= value <= high if ends else low < value < high
    if not (inside and math.isfinite(value)):
        raise ValueError(f"{name} must be {_range(low, high, ends)}, but it is {value:g}")


def _range(low: float, high: float, ends: bool) -> str:
    """The numbers allowed, in words: "positive and finite", "from 0 to 1"."""
    if math.isinf(high):
        if math.isinf(low):
            return "a finite number"
        words = {(0, False): "positive", (0, True): "at least 0"}
        least = words.get((low, ends)) or (f"at least {low:g}" if ends else f"above {low:g}")
        return f"{least} and finite"
    return f"from {low:g} to {high:g}" if ends else f"strictly between {low:g} and {high:g}"


def require_generator(value: object, name: str = "generator") -> None:
    """Raise unless `value` is a torch.Generator, the only source of noise here."""
    if not isinstance(value, torch.Generator):
        example = "torch.Generator().manual_seed(0)"
        raise ValueError(
            f"{name} must be a torch.Generator, such as {example}, but it is {kind(value)}"
        )
