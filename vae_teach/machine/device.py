"""Which device to compute on, chosen at run time, and how heavy work borrows it.

The accelerator is used if there is one, else the CPU. Whoever moves a model to the accelerator puts
it back where it was: the rule is on the developers' page.
"""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

P = ParamSpec("P")
R = TypeVar("R")
ENVIRONMENT_VARIABLE = "VAE_TEACH_DEVICE"


def pick_device(name: str | None = None) -> torch.device:
    """Return the device called `name`, else $VAE_TEACH_DEVICE, else the accelerator, else the CPU.

    Raises:
        ValueError: if the device asked for is unknown, not on this machine, or holds no numbers.
    """
    name = name or os.environ.get(ENVIRONMENT_VARIABLE) or None
    if name is None:
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        (torch.ones(1, device=device) + 1).item()  # the only honest way to learn whether it works
    except Exception as error:  # each backend that is missing has an exception of its own
        reason = str(error).splitlines()[0].split(". ")[0]  # some go on for a page
        raise ValueError(f"device {name!r} cannot be used here: {reason}") from error
    return device


def describe_device(device: torch.device) -> str:
    """Name the device for a protocol line, such as 'CPU, 2 threads' or the card's own name."""
    if device.type == "cpu":
        n = torch.get_num_threads()
        return f"CPU, {n} thread{'s' * (n > 1)}"
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(device)


def device_of(model: nn.Module) -> torch.device | None:
    """Where a model's tensors are: the first one's device, None if it has none."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), None)


@contextlib.contextmanager
def borrowed(model: nn.Module, device: torch.device) -> Iterator[nn.Module]:
    """The model on `device`, and back where it was afterwards, whatever happens in between."""
    home = device_of(model)
    try:
        yield model.to(device)
    finally:
        if home is not None:
            model.to(home)


def as_float64(values: Tensor) -> Tensor:
    """The values in float64, on the CPU if their own device knows no float64, as Apple's."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def _workplace(modules: list[nn.Module]) -> torch.device | None:
    """Where heavy work on these models is done; None if nothing is to be moved."""
    homes = [home for home in map(device_of, modules) if home is not None]
    if modules and not homes:
        return None
    for home in homes:
        if home.type != "cpu":
            return home  # its owner has placed it
    device = pick_device()
    doubles = any(p.dtype == torch.float64 for module in modules for p in module.parameters())
    return None if device.type == "mps" and doubles else device


def on_accelerator(heavy: Callable[P, R]) -> Callable[P, R]:
    """Run a heavy function on the accelerator: it borrows every model and tensor it is given.

    The models are given back, and what comes back lies on the CPU. A model that is not on the CPU
    was placed by its owner: it is used where it is. Generators stay: noise is drawn where they are.
    """

    @functools.wraps(heavy)
    def run(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        modules = [value for value in given if isinstance(value, nn.Module)]
        device = _workplace(modules)
        with contextlib.ExitStack() as loans:
            if device is not None:
                for module in modules:
                    loans.enter_context(borrowed(module, device))
                args = tuple(_moved(value, device) for value in args)
                kwargs = {name: _moved(value, device) for name, value in kwargs.items()}
            return _each_tensor(heavy(*args, **kwargs), torch.device("cpu"))

    return run


def _moved(value: object, device: torch.device) -> object:
    return value.to(device) if isinstance(value, Tensor) else value


def _each_tensor(value: Any, device: torch.device) -> Any:
    """The same value with its tensors on `device`: a tensor, or tuples and dicts of them."""
    if isinstance(value, dict):
        return {name: _each_tensor(part, device) for name, part in value.items()}
    if isinstance(value, tuple):
        parts = [_each_tensor(part, device) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return _moved(value, device)
