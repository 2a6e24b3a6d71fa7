"""Checkpoints without pickles: tensors in a safetensors file, everything else as JSON in its head.

A checkpoint holds the architecture, the weights, the optimizer's state and the history, so that
`load_model` needs no other file and a resumed run continues exactly where it stopped.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vae_teach.history import History
from vae_teach.models import build_model
from vae_teach.whole_file import whole_file

FORMAT = "vae_teach checkpoint 1"


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": t.detach().cpu().contiguous() for name, t in tensors.items()}


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
    head = {
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
    with whole_file(Path(path)) as file:
        file.write(save(tensors, metadata={"vae_teach": json.dumps(head)}))


def read_checkpoint(path: str | os.PathLike) -> tuple[dict, dict[str, Tensor]]:
    """Return the head (a dict) and all tensors of a checkpoint.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is not a checkpoint of this kit or is damaged.
    """
    return _read(Path(path), with_tensors=True)


def read_head(path: str | os.PathLike) -> dict:
    """Return the head of a checkpoint, without reading a tensor; raises as `read_checkpoint`."""
    return _read(Path(path), with_tensors=False)[0]


def _read(path: Path, *, with_tensors: bool) -> tuple[dict, dict[str, Tensor]]:
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            head = json.loads((file.metadata() or {}).get("vae_teach", "{}"))
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except Exception as error:  # safetensors raises its own type for a damaged file
        raise ValueError(f"{path} is not a readable checkpoint: {error}") from error
    if head.get("format") != FORMAT:
        raise ValueError(f"{path} has format {head.get('format')!r}, but {FORMAT!r} was expected")
    return head, tensors


def load_model(path: str | os.PathLike) -> nn.Module:
    """Rebuild the model a checkpoint holds, from the checkpoint alone, on the CPU."""
    head, tensors = read_checkpoint(path)
    model = build_model(head["model"], head["config"])
    model.load_state_dict(_without_prefix("model", tensors))
    return model


def restore(
    path: str | os.PathLike,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    settings: dict,
) -> tuple[History, dict[str, Tensor] | None]:
    """Put a checkpoint's weights and optimizer state into `model` and `optimizer`.

    Nothing is changed unless the whole checkpoint fits.

    Returns:
        The history so far and the best epoch's state dict, or None if there was none.

    Raises:
        ValueError: naming what differs and both values, if model or settings do not agree.
    """
    head, tensors = read_checkpoint(path)
    mine = {"model": type(model).__name__, **_jsonable(model.config), **_jsonable(settings)}
    theirs = {"model": head["model"], **head["config"], **head["settings"]}
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            raise ValueError(
                f"cannot resume from {path}: {name} was {theirs.get(name)!r} there, "
                f"but is {mine.get(name)!r} now"
            )
    model.load_state_dict(_without_prefix("model", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _without_prefix("optimizer", tensors).items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": head["param_groups"]})
    return History(**head["history"]), _without_prefix("best", tensors) or None


def _jsonable(values: dict) -> dict:
    """The same values as they come back from JSON: tuples as lists."""
    return json.loads(json.dumps(values))
