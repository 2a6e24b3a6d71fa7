"""What `fit` refuses before anything is moved, trained or written."""

import math
import operator
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, ...]
LARGEST_SEED = 2**64 - 1  # a generator takes 64 bits


def as_batch(name: str, data: Tensor | Batch | None) -> Batch:
    """One or several tensors as a tuple, all with the same number of rows.

    Raises:
        ValueError: if it is anything else.
    """
    batch = (data,) if isinstance(data, Tensor) else data
    if not (
        isinstance(batch, tuple | list) and batch and all(isinstance(t, Tensor) for t in batch)
    ):
        kind = type(data).__name__
        raise ValueError(f"{name} must be a tensor or a tuple of tensors, but it is {kind}")
    shapes = [tuple(t.shape) for t in batch]
    rows = [shape[0] if shape else 0 for shape in shapes]
    if len(set(rows)) > 1 or rows[0] == 0:
        raise ValueError(f"{name} needs tensors with the same number of rows, at least 1: {rows}")
    return tuple(batch)


def require_data(model: nn.Module, train: Batch, held_out: Batch | None, *, treated: bool) -> None:
    """Raise a ValueError, naming both sides, if data and model cannot go together.

    Args:
        model: one that knows how many pixels it takes, and which values, says so.
        train: the tensors to train on.
        held_out: a row of it must be the same kind of thing as a row of `train`.
        treated: a transform stands between the data and the model.
    """
    if held_out is not None and _rows(train) != _rows(held_out):
        raise ValueError(f"train has {_rows(train)}, but held_out has {_rows(held_out)}")
    if treated:
        return
    _require_pixels(model, train[0])
    require_range = getattr(model, "require_data", lambda x, name: None)
    require_range(train[0], "train")
    if held_out is not None:
        require_range(held_out[0], "held_out")


def _rows(batch: Batch) -> str:
    kinds = [f"{tuple(t.shape[1:])} {str(t.dtype).removeprefix('torch.')}" for t in batch]
    return f"rows of {' and '.join(kinds)}"


def _require_pixels(model: nn.Module, x: Tensor) -> None:
    n_pixels = getattr(model, "n_pixels", None)
    if n_pixels is None:
        return
    if x.shape[-1] != n_pixels:
        raise ValueError(f"train has {x.shape[-1]} pixels but the model was built for {n_pixels}")
    require_dtype(model, x, "train")


def require_dtype(
    model: nn.Module, x: Tensor, name: str, error: RuntimeError | None = None
) -> None:
    """Raise a ValueError, from `error`, if x is not of the weights' dtype."""
    dtype = next((p.dtype for p in model.parameters()), x.dtype)
    if x.dtype != dtype:
        cure = " / 255 if they are 0 to 255" if x.dtype == torch.uint8 else ""
        raise ValueError(
            f"{name} is {x.dtype}, but the model's weights are {dtype}: take x.to({dtype}){cure}"
        ) from error


def require_whole(name: str, value: int, low: int, high: int | None = None) -> int:
    """A whole number of this range, as an int.

    Raises:
        ValueError: naming the limit and the value.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, but it is {value!r}") from None
    if number < low:
        raise ValueError(f"{name} must be at least {low}, but it is {number}")
    if high is not None and number > high:
        raise ValueError(f"{name} must be at most {high}, but it is {number}")
    return number


def require_number(name: str, value: float, low: float = -math.inf) -> None:
    """Raise a ValueError unless the value is a finite number of at least `low`."""
    try:
        fits = math.isfinite(value) and value >= low
    except TypeError:
        fits = False
    if not fits:
        limit = f"at least {low:g} and finite" if math.isfinite(low) else "finite"
        raise ValueError(f"{name} must be {limit}, but it is {value!r}")


def require_weights(weights: Mapping[str, float]) -> None:
    """Raise a ValueError unless every term's weight is a finite number."""
    for name, weight in weights.items():
        require_number(f"weights[{name!r}]", weight)


def require_patience(patience: int | None, held_out: object) -> None:
    """Raise a ValueError unless there is something to be patient about."""
    if patience is not None and (held_out is None or require_whole("patience", patience, 0) < 1):
        raise ValueError(f"patience={patience} needs held_out data and a value of at least 1")


def require_checkpoint(checkpoint: str | Path | None, resume: bool) -> None:
    """Raise a ValueError unless a file can be made where the checkpoint is to be."""
    if checkpoint is None:
        if resume:
            raise ValueError("resume=True needs checkpoint, the file to continue from")
        return
    path = Path(checkpoint)
    if path.is_dir():
        raise ValueError(f"checkpoint is {path}, which is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"checkpoint is {path}, but there is no folder {path.parent}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"checkpoint is {path}, but nothing can be written there: {error.strerror}"
        ) from error
