"""Calling a student's function: on fresh inputs, whatever it does, and reading what it returns.

Everything that can go wrong becomes a `Fault`, whose text is the sentence shown to the student.
"""

import contextlib
import copy
import inspect
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_teach.check._verdict import NOT_ATTEMPTED
from vae_teach.check._words import call_text, error_text, kind


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


def _is_stub(error: NotImplementedError) -> bool:
    """Tell a stub's own `raise` from PyTorch's NotImplementedError for a missing kernel or method.

    The stub's is raised in the student's own code, the others in the code of a library.
    """
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return True
    # Under torch.device, as here, torch's own errors pass through its Python code as well.
    folders = Path(traceback.tb_frame.f_code.co_filename).parts
    return not {"site-packages", "dist-packages"} & set(folders)


def _require_function(student: Any, name: str, args: dict[str, Any], keywords: set[str]) -> None:
    if not callable(student):
        raise Fault(
            f"The check needs your function itself, but got {kind(student)}: "
            f"write check.{name}(your_function), without calling it first."
        )
    with contextlib.suppress(ValueError, TypeError):  # some built-ins have no signature
        signature = inspect.signature(student)
        try:
            signature.bind(*_positional(args, keywords), **_named(args, keywords))
        except TypeError:
            wanted = ", ".join(f"{a}={a}" if a in keywords else a for a in args)
            raise Fault(
                f"Your function takes {signature}, but the check calls it with ({wanted})."
            ) from None


def _positional(args: dict[str, Any], keywords: set[str]) -> list[Any]:
    return [value for name, value in args.items() if name not in keywords]


def _named(args: dict[str, Any], keywords: set[str]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name in keywords}


def call(
    student: Callable, name: str, args: dict[str, Any], *, keywords: tuple = (), note: str = ""
) -> Any:
    """Call `student` with `args`, those named in `keywords` by keyword, and return its result.

    Raises:
        Fault: if it is no function, cannot take these arguments, is a stub, or raises.
    """
    _require_function(student, name, args, set(keywords))
    try:
        return student(*_positional(args, set(keywords)), **_named(args, set(keywords)))
    except Fault:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, NotImplementedError) and _is_stub(error):
            raise Fault(NOT_ATTEMPTED) from None
        where = call_text(args, note)
        raise Fault(
            f"Your function raised {error_text(error)} when called with {where}."
        ) from error


def fresh(args: dict[str, Any]) -> dict[str, Any]:
    """A copy of the arguments, so that a student who writes into one spoils nothing."""
    return {k: v.clone() if isinstance(v, Tensor) else copy.copy(v) for k, v in args.items()}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the arguments that a call has written into."""

    def same(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(a, Tensor) else a == b

    return [name for name in before if not same(before[name], after[name])]


def numbers(result: Any) -> Tensor:
    """The numbers in a result as a float64 tensor on the CPU: tensors, arrays, lists or a number.

    Raises:
        Fault: if there are none, or they are complex.
    """
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if isinstance(result, tuple):
        raise Fault(f"Your function returned a tuple of {len(result)}: return one result only.")
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
