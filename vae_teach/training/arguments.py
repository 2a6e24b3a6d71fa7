"""What `fit` refuses before anything is moved, trained or written."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from vae_teach.validation import kind, require_count, require_number, require_rows

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
        raise ValueError(f"{name} must be a tensor or a tuple of tensors, but it is {kind(data)}")
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
    if n_pixels is not None:
        require_rows(x, "train", n_pixels, "pixels", like=next(model.parameters()))


def require_dtype(model: nn.Module, x: Tensor, error: RuntimeError) -> None:
    """Raise a ValueError, from `error`, if x is not of the weights' dtype."""
    dtype = next((p.dtype for p in model.parameters()), x.dtype)
    if x.dtype != dtype:
        raise ValueError(
            f"the model is given {kind(x)}, but its weights are {dtype}: {error}"
        ) from error


def require_run(
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    lr: float,
    weights: Mapping[str, float],
    scale: float,
    patience: int | None,
    held_out: object,
) -> None:
    """Raise a ValueError, naming the argument and both sides, if a number makes no sense."""
    require_count(epochs, "epochs")
    require_count(batch_size, "batch_size")
    require_count(seed, "seed", 0, LARGEST_SEED)
    require_number(lr, "lr", 0)
    require_number(scale, "scale", 0, ends=False)
    for name, weight in weights.items():
        require_number(weight, f"weights[{name!r}]")
    if patience is not None:
        if held_out is None:
            raise ValueError(f"patience={patience} needs held_out data to be patient about")
        require_count(patience, "patience")


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
