"""What an argument must be: each function raises a ValueError that names the argument.

The message says both sides, what is wanted and what was found. `checked` reads it off a function's
type hints. `require_floats` reads every value and on an accelerator waits for it, so it belongs at
the door and not into a training step; the others look at types and shapes alone, which costs
microseconds.
"""

import functools
import inspect
import math
import numbers
import traceback
from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import NamedTuple, get_args, get_origin

import torch
from torch import Tensor, nn


def kind(value: object) -> str:
    """What a value is, for a message: "None", "a str", "a tensor of torch.uint8"."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, float | str) and len(repr(value)) < 40:
        return f"a {type(value).__name__}, {value!r}"
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


def require_count(value: object, name: str, least: int | None = 1, most: int | None = None) -> None:
    """Raise unless `value` is a whole number, neither True nor 3.0, from `least` to `most`."""
    limits = f"at least {least}" if most is None else f"from {least} to {most}"
    if type(value) is not int and (
        isinstance(value, bool) or not isinstance(value, numbers.Integral)
    ):
        wanted = "a whole number" if least is None else f"a whole number, {limits}"
        raise ValueError(f"{name} must be {wanted}, but it is {kind(value)}")
    number = int(value)
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"{name} must be {limits}, but it is {value}")


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
    wanted = f"{name} must be {_range(low, high, ends)}"
    if type(value) is not float and (
        isinstance(value, bool) or not isinstance(value, numbers.Real)
    ):
        raise ValueError(f"{wanted}, but it is {kind(value)}")
    number = float(value)
    if not ((low <= number <= high if ends else low < number < high) and math.isfinite(number)):
        raise ValueError(f"{wanted}, but it is {number:g}")


def _range(low: float, high: float, ends: bool) -> str:
    """The numbers allowed, in words: "positive and finite", "from 0 to 1"."""
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        least = f"at least {low:g}" if ends else "positive" if low == 0 else f"above {low:g}"
        return f"{least} and finite"
    return f"from {low:g} to {high:g}" if ends else f"strictly between {low:g} and {high:g}"


def require_generator(value: object, name: str = "generator") -> None:
    """Raise unless `value` is a torch.Generator, the only source of noise here."""
    _require(isinstance(value, torch.Generator), name, _GENERATOR, value)


class Range(NamedTuple):
    """The numbers that an argument may be; `ends` says whether low and high are among them."""

    low: float = -math.inf
    high: float = math.inf
    ends: bool = True


POSITIVE = Range(0, ends=False)
NOT_NEGATIVE = Range(0)
AT_LEAST_1 = Range(1)
SHARE = Range(0, 1, ends=False)

Check = Callable[[object, str], None]


def checked(target: Callable | type | None = None, /, **ranges: Range) -> Callable:
    """Decorate a function, or a class for its constructor: arguments must be what their hints say.

    Looked at are classes, numbers, callables and tuples of whole numbers, each also with "| None";
    other hints are left alone. No value of a tensor is read, so a call costs a microsecond or two
    more.

    Args:
        target: the function or class.
        **ranges: of the arguments that are numbers or tuples of numbers.

    Raises:
        ValueError: from what is decorated, with the argument, what it must be and what it is.
        MisfitError: a ValueError too, in place of torch's own where tensors do not go together.
    """
    if target is None:
        return functools.partial(checked, **ranges)
    if isinstance(target, type):
        target.__init__ = checked(target.__init__, **ranges)  # type: ignore[misc]  # on purpose
        return target
    names = [p.name for p in inspect.signature(target).parameters.values()
             if p.kind is p.POSITIONAL_OR_KEYWORD]  # fmt: skip
    checks = {name: check for name, hint in target.__annotations__.items()
              if (check := _check_of(hint, ranges.get(name, Range()))) is not None}  # fmt: skip

    @functools.wraps(target)
    def wrapper(*args, **kwargs):
        for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
            if name in checks:
                checks[name](value, name)
        try:
            return target(*args, **kwargs)
        except MisfitError:
            raise
        except (RuntimeError, IndexError, TypeError) as error:
            tensors = {name: value for name, value in [*zip(names, args, strict=False),
                       *kwargs.items()] if isinstance(value, Tensor)}  # fmt: skip
            if not tensors or not _is_of_tensors(error):
                raise
            raise MisfitError(_misfit(target.__name__, tensors, error)) from error

    return wrapper


class MisfitError(ValueError, RuntimeError):
    """Tensors whose shapes, types or devices do not go together: torch's error, with the names."""


def _is_of_tensors(error: Exception) -> bool:
    """Say whether an error arose in an operation of the package itself.

    An error in a function that the caller passed is the caller's; one of the accelerator, or of its
    memory, says nothing about the arguments.
    """
    if isinstance(error, (torch.OutOfMemoryError, torch.AcceleratorError)):
        return False
    frames = list(traceback.walk_tb(error.__traceback__))[1:]  # the first is the decorator's own
    files = [Path(frame.f_code.co_filename) for frame, _ in frames]
    own = (_PACKAGE, Path(torch.__file__).parent)
    return bool(files) and all(any(file.is_relative_to(p) for p in own) for file in files)


_PACKAGE = Path(__file__).parent


def _misfit(function: str, tensors: dict[str, Tensor], error: Exception) -> str:
    found = ", ".join(
        f"{name} is {tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}"
        f"{'' if t.device.type == 'cpu' else f' on {t.device}'}"
        for name, t in tensors.items()
    )
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"the tensors of {function} do not go together: {found} ({reason})"


def _check_of(hint: object, limits: Range) -> Check | None:
    """What a type hint asks of an argument; None for a hint that is not looked at."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    wanted = [option for option in options if option is not NoneType]
    if len(wanted) != 1 or (check := _check_of_one(wanted[0], limits)) is None:
        return None
    if len(options) == 1:
        return check
    return lambda value, name: None if value is None else check(value, name)


def _check_of_one(hint: object, limits: Range) -> Check | None:
    if hint is int:
        least = None if math.isinf(limits.low) else int(limits.low)
        return lambda value, name: require_count(value, name, least)
    if hint is float:
        return lambda value, name: require_number(value, name, *limits[:2], ends=limits.ends)
    if get_origin(hint) is tuple and set(get_args(hint)) <= {int, ...}:
        length = None if ... in get_args(hint) else len(get_args(hint))
        return lambda value, name: _require_sizes(value, name, limits, length)
    if hint is Callable or get_origin(hint) is Callable:
        return lambda value, name: _require(callable(value), name, "a function", value)
    if hint is Tensor:
        return _require_real_tensor
    if isinstance(hint, type) and not getattr(hint, "_is_protocol", False):
        words = _WORDS.get(hint, f"a {hint.__name__}")
        return lambda value, name: _require(isinstance(value, hint), name, words, value)
    return None


_GENERATOR = "a torch.Generator, such as torch.Generator().manual_seed(0)"
_WORDS = {
    torch.Generator: _GENERATOR,
    nn.Module: "a model",
    str: "a text",
    bool: "True or False",
}


def _require_real_tensor(value: object, name: str) -> None:
    if not isinstance(value, Tensor) or value.is_complex():
        raise ValueError(f"{name} must be a tensor of real numbers, but it is {kind(value)}")


def _require(true: bool, name: str, wanted: str, value: object) -> None:
    if not true:
        raise ValueError(f"{name} must be {wanted}, but it is {kind(value)}")


def _require_sizes(value: object, name: str, limits: Range, length: int | None) -> None:
    least = None if math.isinf(limits.low) else int(limits.low)
    if not isinstance(value, tuple | list):
        raise ValueError(f"{name} must be a tuple of whole numbers, but it is {kind(value)}")
    if length is not None and len(value) != length:
        raise ValueError(f"{name} must be {length} whole numbers, but it is {value}")
    for i, size in enumerate(value):
        require_count(size, f"{name}[{i}]", least)
