"""Checkpoints without pickles: tensors in a safetensors file, everything else as JSON in its head.

A checkpoint holds the architecture, the weights, the optimizer's state and the history, so that
`load_model` needs no other file and a resumed run continues exactly where it stopped. A SHA-256 of
all of it finds a single changed bit; files from before there was one are read without it.
"""

import copy
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vae_teach.machine.whole_file import whole_file
from vae_teach.models.registry import build_model
from vae_teach.training.history import History
from vae_teach.training.older_files import as_of_today

FORMAT = "vae_teach checkpoint 1"
_PARTS = {"model": str, "config": dict, "history": dict, "settings": dict}  # of every head


def fingerprint(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """SHA-256 of tensors, with their names, types and shapes, and of a text: 64 hexadecimal digits.

    The same on every machine of the usual byte order; the order of the names does not matter.
    """
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    kind = torch.contiguous_format  # copies, because safetensors refuses two names for one memory
    return {f"{prefix}/{n}": t.detach().cpu().clone(memory_format=kind) for n, t in tensors.items()}


def _without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def _split_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], list[dict]]:
    state = optimizer.state_dict()
    tensors = {
        f"{index}/{key}": value
        for index, entry in state["state"].items()
        for key, value in entry.items()
    }
    return tensors, state["param_groups"]


def save_checkpoint(
    path: str | os.PathLike,
    model: nn.Module,
    *,
    history: History,
    settings: dict,
    optimizer: torch.optim.Optimizer | None = None,
    best: dict[str, Tensor] | None = None,
) -> None:
    """Write one file, all or nothing: a crash while writing leaves the older file as it was.

    Args:
        path: where to write; the folder must exist.
        model: must carry `config`.
        history: the epochs so far.
        settings: what must agree when the run is resumed; JSON-serialisable.
        optimizer: its state is saved if given.
        best: the state dict of the best epoch so far, for early stopping.

    Raises:
        OSError: if it cannot be written; the older file is as it was.
    """
    tensors = _with_prefix("model", model.state_dict())
    head: dict[str, Any] = {
        "format": FORMAT,
        "model": type(model).__name__,
        "config": model.config,
        "history": asdict(history),
        "settings": settings,
        "torch": torch.__version__,
    }
    if optimizer is not None:
        state, head["param_groups"] = _split_optimizer(optimizer)
        tensors |= _with_prefix("optimizer", state)
    if best is not None:
        tensors |= _with_prefix("best", best)
    text = json.dumps(head)
    with whole_file(path) as file:
        file.write(save(tensors, {"vae_teach": text, "sha256": fingerprint(tensors, text)}))


def read_checkpoint(path: str | os.PathLike) -> tuple[dict, dict[str, Tensor]]:
    """Return the head (a dict) and all tensors of a checkpoint.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is not a checkpoint of this kit or a bit of it changed.
    """
    return _read(Path(path), with_tensors=True)


def read_head(path: str | os.PathLike) -> dict:
    """Return the head of a checkpoint, without reading a tensor, so without their checksum.

    Raises:
        FileNotFoundError, ValueError: as `read_checkpoint`.
    """
    return _read(Path(path), with_tensors=False)[0]


def _read(path: Path, *, with_tensors: bool) -> tuple[dict, dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
        text = metadata.get("vae_teach", "{}")
        head = json.loads(text)
    except Exception as error:  # safetensors raises its own type for a damaged file
        raise ValueError(f"{path} is not a readable checkpoint: {error}") from error
    found = head.get("format") if isinstance(head, dict) else None
    if found != FORMAT:
        raise ValueError(f"{path} has format {found!r}, but {FORMAT!r} was expected")
    for name, kind in _PARTS.items():
        if not isinstance(head.get(name), kind):
            raise ValueError(f"{path} is damaged: its {name!r} is no {kind.__name__}")
    _history(path, head)
    if with_tensors and "sha256" in metadata:
        if metadata["sha256"] != fingerprint(tensors, text):
            raise ValueError(f"{path} is damaged: its checksum is wrong")
    return as_of_today(head, tensors)


def _history(path: Path, head: dict) -> History:
    try:
        history = History(**head["history"])
        if all(isinstance(record, dict) for record in history.records):
            return history
    except TypeError:  # other names, or records that are no list
        pass
    raise ValueError(f"{path} is damaged: its 'history' is no record of epochs")


def _build(path: Path, head: dict) -> nn.Module:
    try:
        return build_model(head["model"], head["config"])
    except Exception as error:  # whatever a constructor makes of arguments that are not its own
        raise ValueError(f"{path}: its model cannot be built: {error}") from error


def load_model(path: str | os.PathLike) -> nn.Module:
    """Rebuild the model a checkpoint holds, from the checkpoint alone, on the CPU.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is damaged, its model is unknown, or its tensors are not
            those of its model; told before memory is taken for a model that they do not fill.
    """
    path = Path(path)
    head, tensors = read_checkpoint(path)
    weights = _without_prefix("model", tensors)
    with torch.device("meta"):  # names and sizes only
        _require_same_tensors(path, _build(path, head).state_dict(), weights)
    model = _build(path, head)
    model.load_state_dict(weights)
    return model


def _require_same_tensors(path: Path, mine: Mapping[str, Tensor], theirs: dict) -> None:
    """Refuse tensors that are not those of the model, by name and both shapes."""
    for name in sorted(mine.keys() | theirs.keys()):
        now, then = (
            f"of shape {list(t[name].shape)}" if name in t else "missing" for t in (mine, theirs)
        )
        if now != then:
            raise ValueError(f"{path}: the tensor {name} is {then} there, but {now} in the model")


def restore(
    path: str | os.PathLike,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    settings: dict,
) -> tuple[History, dict[str, Tensor] | None]:
    """Put a checkpoint's weights and optimizer state into `model` and `optimizer`.

    Nothing is changed unless the whole checkpoint fits. The optimizer must be fresh.

    Returns:
        The history so far and the best epoch's state dict, or None if there was none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, what differs and both values, if model, settings or the
            optimizer's state do not agree, or if the file is damaged.
    """
    path = Path(path)
    head, tensors = read_checkpoint(path)
    config: Any = model.config
    mine = {"model": type(model).__name__, **_jsonable(config), **_jsonable(settings)}
    theirs = {"model": head["model"], **head["config"], **head["settings"]}
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            was = repr(theirs[name]) if name in theirs else "not noted"
            raise ValueError(
                f"cannot resume from {path}: {name} was {was} there, but is {mine.get(name)!r} now"
            )
    weights, best = _without_prefix("model", tensors), _without_prefix("best", tensors)
    _require_same_tensors(path, model.state_dict(), weights)
    if best:
        _require_same_tensors(path, model.state_dict(), best)
    state = _optimizer_state(path, optimizer, head, _without_prefix("optimizer", tensors))
    model.load_state_dict(weights)
    optimizer.load_state_dict(state)
    return _history(path, head), best or None


def _optimizer_state(
    path: Path, optimizer: torch.optim.Optimizer, head: dict, tensors: dict[str, Tensor]
) -> dict:
    """The state dict for `optimizer`, if its step will find in it what it looks for."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    named, groups = _slot_names(optimizer), optimizer.state_dict()["param_groups"]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, slot = name.partition("/")
        if not index.isdecimal() or int(index) >= len(parameters):
            raise ValueError(f"{path}: the optimizer has no parameter for the tensor {name}")
        if tensor.ndim and tensor.shape != parameters[int(index)].shape:
            raise ValueError(
                f"{path}: the optimizer's {name} has shape {list(tensor.shape)}, but its "
                f"parameter has {list(parameters[int(index)].shape)}"
            )
        state.setdefault(int(index), {})[slot] = tensor
    for number, slots in state.items():
        if slots.keys() != named:
            raise ValueError(
                f"{path}: the optimizer keeps {sorted(slots)} of parameter {number} there, "
                f"but {sorted(named)} here"
            )
    theirs = head.get("param_groups")
    if not isinstance(theirs, list) or [_outline(g) for g in theirs] != [
        _outline(g) for g in groups
    ]:
        raise ValueError(f"{path} has no state of this optimizer to resume from")
    return {"state": state, "param_groups": theirs}


def _outline(group: object) -> dict | None:
    """A parameter group's names and which parameters it has, without rates and the like."""
    if not isinstance(group, dict):
        return None
    return dict.fromkeys(group) | {"params": group.get("params")}


def _slot_names(optimizer: torch.optim.Optimizer) -> set[str]:
    """What the optimizer keeps of a parameter: found by a step of its twin on single numbers."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    stand_ins = {id(p): torch.zeros(1, dtype=p.dtype, device=p.device) for p in parameters}
    twin = copy.deepcopy(optimizer, dict(stand_ins))
    for stand_in in stand_ins.values():
        stand_in.grad = torch.zeros_like(stand_in)
    twin.step()
    return set(next(iter(twin.state.values()), {}))


def _jsonable(values: dict) -> dict:
    """The same values as they come back from JSON: tuples as lists."""
    return json.loads(json.dumps(values))
