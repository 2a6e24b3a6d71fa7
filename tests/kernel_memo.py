"""Imported by the kernel of a notebook that is run again and again: equal computations cost once.

A training, a fitted mixture and an evaluation are functions of what goes in: models, pictures,
other arguments, the states of generators. A second call with the same gets what the first returned
and left behind, so that running a chapter four times takes little longer than running it once. A
`Recorder`'s snapshots belong to that; what another callback sees cannot be given again, nor a file
that is written: such calls are computed.
"""

import copy
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

RECOMPUTED = ("on_step", "checkpoint")  # options of `fit` with an effect that is not remembered


def install(*, mixtures: bool) -> None:
    """Remember what is dear, before the notebook imports it; mixtures take a second to load."""
    import vae_teach.data
    import vae_teach.evaluate
    import vae_teach.training.loop

    if mixtures:
        from sklearn.mixture import GaussianMixture

        GaussianMixture.fit = remember(GaussianMixture.fit)  # type: ignore[method-assign]
    vae_teach.data.load = remember(vae_teach.data.load)
    vae_teach.training.loop.fit = remember(vae_teach.training.loop.fit)
    for name in vae_teach.evaluate.__all__:
        if inspect.isfunction(function := getattr(vae_teach.evaluate, name)):
            setattr(vae_teach.evaluate, name, remember(function))


def remember(function: Callable) -> Callable:
    """The function, whose second call with the same arguments is not computed.

    What it changes comes back too: the weights of models and the states of generators, recorders
    and scikit-learn's estimators among the arguments, and the global random numbers. Where these
    stand is one of the arguments of a call that has moved them; of another it is not, or one cell
    that draws from them would have every training after it computed anew.
    """
    known: dict[str | tuple[str, str], tuple] = {}

    @functools.wraps(function)
    def remembered(*args, **options):
        changed = list(_changed((args, options)))
        if any(options.get(name) not in (None, *changed) for name in RECOMPUTED):
            return function(*args, **options)
        before, asked = digest(_randomness()), digest(args, options)
        if asked not in known and (asked, before) not in known:
            result = function(*args, **options)
            itself = [n for n, value in enumerate(changed) if value is result]
            moved = _randomness() if digest(_randomness()) != before else None
            kept = None if itself else result, list(map(_state, changed)), moved
            known[(asked, before) if moved else asked] = itself, copy.deepcopy(kept)
        itself, kept = known.get(asked) or known[asked, before]
        result, states, moved = copy.deepcopy(kept)
        for value, state in zip(changed, states, strict=True):
            _put_back(value, state)
        if moved:
            torch.set_rng_state(moved[0])
            np.random.set_state(moved[1])  # noqa: NPY002 - what scikit-learn draws from
        return changed[itself[0]] if itself else result

    return remembered


def _randomness() -> tuple:
    """What PyTorch and NumPy draw from where no generator is given."""
    return torch.get_rng_state(), np.random.get_state()  # noqa: NPY002


def _is_estimator(value: object) -> bool:
    return hasattr(value, "get_params")


def _changed(value: object) -> Iterator[Any]:
    """What a call may change among its arguments, in order."""
    from vae_teach.training.recorder import Recorder

    if isinstance(value, nn.Module | torch.Generator | Recorder) or _is_estimator(value):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _changed(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _changed(part)


def _state(value: Any) -> Any:
    if isinstance(value, nn.Module):
        return value.state_dict(), value.training
    if isinstance(value, torch.Generator):
        return value.get_state()
    return vars(value) if _is_estimator(value) else value.snapshots


def _put_back(value: Any, state: Any) -> None:
    if isinstance(value, nn.Module):
        weights, training = state
        value.load_state_dict(weights)
        value.train(training)
    elif isinstance(value, torch.Generator):
        value.set_state(state)
    elif _is_estimator(value):
        vars(value).update(state)
    else:
        value.snapshots = state


def digest(*values: object) -> str:
    """A hash that is the same for equal models, tensors, functions and plain values."""
    found = hashlib.sha256()
    for value in values:
        for part in _parts(value):
            found.update(part if isinstance(part, bytes) else digest(part).encode())
    return found.hexdigest()


def _parts(value: object) -> list:
    """What tells a value from others: bytes, or smaller values."""
    kind = type(value).__qualname__.encode()
    if isinstance(value, torch.Tensor):
        raw = value.detach().cpu().contiguous()
        return [kind, str((raw.dtype, raw.shape)).encode(), raw.numpy().tobytes()]
    if isinstance(value, np.ndarray):
        return [kind, str((value.dtype, value.shape)).encode(), value.tobytes()]
    if isinstance(value, torch.Generator):
        return [kind, value.get_state()]
    if isinstance(value, nn.Module):
        rest = {name: part for name, part in vars(value).items() if not name.startswith("_")}
        return [kind, repr(value).encode(), value.state_dict(), rest]
    if isinstance(value, Mapping):
        return [kind, *(part for item in value.items() for part in item)]
    if isinstance(value, list | tuple | set | frozenset):
        return [kind, *value]
    if isinstance(value, types.FunctionType):
        return [kind, *_function(value, set())]
    if isinstance(value, types.MethodType):
        return [kind, value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [kind, value.func, value.args, value.keywords]
    try:
        return [kind, vars(value)]
    except TypeError:  # a plain value
        return [kind, repr(value).encode()]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The instructions of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _instructions(code: types.CodeType) -> bytes:
    """What a function does, without its address and its place in a file."""
    constants = [None if isinstance(c, types.CodeType) else c for c in code.co_consts]
    return repr((code.co_code, code.co_names, constants)).encode()


def _function(function: types.FunctionType, seen: set[types.FunctionType]) -> Iterator[object]:
    """What a function does, holds and reads from around it, and those beside it that it calls."""
    seen.add(function)
    yield from map(_instructions, _codes(function.__code__))
    yield [cell.cell_contents for cell in function.__closure__ or ()]
    yield [function.__defaults__, function.__kwdefaults__]
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        if not isinstance(value, types.FunctionType):
            is_library = isinstance(value, types.ModuleType | type) or callable(value)
            yield None if is_library and not isinstance(value, nn.Module) else value
        elif value.__globals__ is not function.__globals__:  # of a library, which stays as it is
            yield [*map(_instructions, _codes(value.__code__))]
        elif value not in seen:
            yield from _function(value, seen)
