"""Calling a student's function: on fresh inputs, whatever it does, and reading what it returns.

Everything that can go wrong becomes a `Fault`, whose text is the sentence shown to the student.
"""

import contextlib
import copy
import dis
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_teach.check.engine import limit
from vae_teach.check.engine.limit import TimeUp
from vae_teach.check.engine.verdict import NOT_ATTEMPTED
from vae_teach.check.engine.words import call_text, error_text, kind

MOST_NUMBERS = 1_000_000  # in an answer; the largest right one has 100,000


class Fault(Exception):
    """One thing wrong with an answer; its text is the student's sentence."""


def random_states() -> tuple:
    """Snapshot of the three global random states a student may have used."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


@contextlib.contextmanager
def untouched_random_states() -> Iterator[None]:
    """Put the global random states back: a check must not shift the notebook's later draws."""
    torch_state, numpy_state, python_state = random_states()
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


@contextlib.contextmanager
def untouched_dtype() -> Iterator[None]:
    """Put the default dtype back, which a student's function may set."""
    dtype = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)


def _is_stub(error: NotImplementedError) -> bool:
    """Tell a stub's own `raise` from PyTorch's NotImplementedError for a missing kernel or method.

    The stub's is raised by a `raise` of the student's own code, the others in that of a library:
    in C, which leaves the student's call as the last line, or in Python.
    """
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return True
    code = traceback.tb_frame.f_code
    is_raise = code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return is_raise and not {"site-packages", "dist-packages"} & set(Path(code.co_filename).parts)


def _split(args: dict[str, Any], keywords: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments given by position, and those given by keyword."""
    by_name = {name: value for name, value in args.items() if name in keywords}
    return [value for name, value in args.items() if name not in keywords], by_name


def _accepted_keywords(
    student: Callable, name: str, args: dict[str, Any], keywords: Sequence[str]
) -> Sequence[str]:
    """The arguments to give by keyword: none where a student has given them other names."""
    try:
        signature = inspect.signature(student)
    except (ValueError, TypeError):  # some built-ins have no signature
        return keywords
    for wanted in (keywords, ()):
        positional, by_name = _split(args, wanted)
        with contextlib.suppress(TypeError):
            signature.bind(*positional, **by_name)
            return wanted
    shown = ", ".join(f"{a}={a}" if a in keywords else a for a in args)
    raise Fault(
        f"Your function takes {' '.join(str(signature).split())}, "
        f"but the check calls it with ({shown})."
    )


def caller(
    student: Callable, name: str, args: dict[str, Any], *, keywords: Sequence[str] = ()
) -> Callable[[dict[str, Any]], Any]:
    """How to call `student` with such arguments: by keyword those in `keywords`, if it has them.

    Raises:
        Fault: if it is no function or cannot take these arguments.
    """
    if not callable(student):
        raise Fault(
            f"The check needs your function itself, but got {kind(student)}: "
            f"write check.{name}(your_function), without calling it first."
        )
    accepted = _accepted_keywords(student, name, args, keywords)

    def run(args: dict[str, Any]) -> Any:
        positional, by_name = _split(args, accepted)
        with untouched_dtype():
            return student(*positional, **by_name)

    return run


def call(
    student: Callable,
    name: str,
    args: dict[str, Any],
    *,
    keywords: Sequence[str] = (),
    note: str = "",
) -> Any:
    """Call `student` with `args`, those named in `keywords` by keyword, and return its result.

    Raises:
        Fault: if it is no function, cannot take these arguments, is a stub, raises, takes too long
            or writes into an argument.
    """
    run = caller(student, name, args, keywords=keywords)
    before = {name: _remembered(value) for name, value in args.items()}
    where = call_text(args, note)
    try:
        result = run(args)
    except Fault:
        raise
    except TimeUp:
        raise Fault(
            f"Your function was stopped after {limit.SECONDS:g} seconds, all calls together, when "
            f"called with {where}: look for a loop that never ends, or work on whole tensors."
        ) from None
    except (Exception, SystemExit) as error:
        if isinstance(error, NotImplementedError) and _is_stub(error):
            raise Fault(NOT_ATTEMPTED) from None
        raise Fault(
            f"Your function raised {error_text(error)} when called with {where}."
        ) from error
    if written := changed(before, args):
        raise Fault(
            f"Your function changes its argument {written[0]} in place: work on a copy of it."
        )
    return result


def _copied(value: Any) -> Any:
    """A copy of tensors, arrays and what holds them; a model or a generator is handed on."""
    if isinstance(value, Tensor):
        return value.detach().clone() if value.is_leaf else value
    if isinstance(value, dict):
        return {key: _copied(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_copied(v) for v in value]
    return copy.copy(value) if isinstance(value, np.ndarray | set) else value


def _state(model: nn.Module) -> dict[str, Any]:
    """What of a model a student could leave changed, but for its gradients."""
    flags = {name: p.requires_grad for name, p in model.named_parameters()}
    modes = [module.training for module in model.modules()]
    return {"tensors": _copied(dict(model.state_dict())), "flags": flags, "modes": modes}


def _remembered(value: Any) -> Any:
    return _state(value) if isinstance(value, nn.Module) else _copied(value)


def fresh(args: dict[str, Any]) -> dict[str, Any]:
    """A copy of the arguments, so that a student who writes into one spoils nothing."""
    return {name: _copied(value) for name, value in args.items()}


def _same(before: Any, after: Any) -> bool:
    if isinstance(after, nn.Module):
        return _same(before, _state(after))
    if isinstance(before, Tensor):
        if before.dtype != after.dtype or before.shape != after.shape:
            return False
        both_nan = (before != before) & (after != after)
        return bool(((before == after) | both_nan).all())
    if isinstance(before, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after)
    if isinstance(before, dict):
        same_keys = list(before) == list(after)
        return same_keys and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    return before == after if isinstance(before, set | str | int | float) else True


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the tensors, arrays, lists, sets and dictionaries that a call has written into."""
    return [name for name in before if not _same(before[name], after[name])]


def _size(result: Any) -> int:
    if isinstance(result, Tensor):
        return result.numel()
    if isinstance(result, np.ndarray):
        return result.size
    return len(result) if isinstance(result, list | tuple | range) else 1


def numbers(result: Any) -> Tensor:
    """The numbers in a result as a float64 tensor on the CPU: tensors, arrays, lists or a number.

    Raises:
        Fault: if there are none or far too many, or they are complex.
    """
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if isinstance(result, tuple):
        raise Fault(f"Your function returned a tuple of {len(result)}: return one result only.")
    if _size(result) > MOST_NUMBERS:
        raise Fault(
            f"Your function returned {_size(result):,} numbers, far more than the inputs ask for: "
            "look for an axis that is there twice."
        )
    try:
        if isinstance(result, list) and any(isinstance(r, Tensor) for r in result):
            result = torch.stack([torch.as_tensor(r) for r in result])
        if isinstance(result, Tensor):
            tensor = result.detach().to("cpu", copy=True).to_dense()
        else:
            array = np.asarray(result)
            if array.dtype.kind not in "biufc":
                raise TypeError
            tensor = torch.from_numpy(np.array(array, order="C"))
    except Exception:
        raise Fault(
            f"Your function returned {kind(result)}, which is not a tensor of numbers."
        ) from None
    if tensor.is_complex():
        raise Fault("Your function returned complex numbers, but the right answer is real.")
    return tensor.to(torch.float64)


def parts_of(result: Any, parts: Sequence[str]) -> tuple[Tensor, ...]:
    """The numbers in a result that consists of these parts, or in one of a single part.

    Raises:
        Fault: if it has not as many parts, or one of them holds no numbers.
    """
    if not parts or result is None:
        return (numbers(result),)
    many = isinstance(result, tuple | list)
    if not many or len(result) != len(parts):
        what = f"{kind(result)} of {len(result)}" if many else kind(result)
        raise Fault(
            f"Your function returned {what}: return {len(parts)} things, {', '.join(parts)}."
        )
    return tuple(map(numbers, result))
