"""Completion tasks: some pixels of a picture are given, the others are to be filled in.

A task says which pixels are seen. It splits a picture into the condition c (the seen pixels) and
the target x (the others), and puts the two together again at their own places.
Shapes: N or B images, D = height * width pixels, C of them seen, T = D - C to fill in.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vae_teach.models.registry import build_model
from vae_teach.validation import AT_LEAST_1, checked

COLUMN = 13  # Doersch's, counted from 0: 13 columns before it, 14 after it


@checked(image_shape=AT_LEAST_1)
@dataclass(frozen=True, eq=False)
class Completion:
    """Which pixels are given, and how.

    Attributes:
        name: for captions.
        seen: (D,) bool, True where the pixel is given.
        image_shape: (height, width).
        binarised: whether a given pixel is 1 with probability equal to its intensity, drawn anew
            whenever the picture is passed, or grey as it is.
    """

    name: str
    seen: Tensor
    image_shape: tuple[int, int] = (28, 28)
    binarised: bool = False

    def __post_init__(self):
        height, width = self.image_shape
        if self.seen.dtype != torch.bool or self.seen.shape != (height * width,):
            raise ValueError(
                f"seen must be bool of shape ({height * width},) for image_shape "
                f"{self.image_shape}, but it is {self.seen.dtype} of shape {tuple(self.seen.shape)}"
            )
        if self.seen.all() or not self.seen.any():
            raise ValueError(f"the task {self.name!r} must give some pixels and ask for others")

    @property
    def n_seen(self) -> int:
        """C, the size of the condition."""
        return int(self.seen.sum())

    @property
    def n_asked(self) -> int:
        """T, the size of the target."""
        return len(self.seen) - self.n_seen

    def _require_images(self, images: Tensor) -> None:
        if images.shape[-1] != len(self.seen):
            raise ValueError(
                f"images have {images.shape[-1]} pixels but the task {self.name!r} has "
                f"{len(self.seen)}"
            )

    @checked
    def condition(self, images: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The given pixels: (..., D) -> (..., C); a fresh draw where the task binarises.

        Raises:
            ValueError: if a generator is needed and not given, or D is another one.
        """
        self._require_images(images)
        given = images[..., self.seen.to(images.device)]
        if not self.binarised:
            return given
        if generator is None:
            raise ValueError(f"the task {self.name!r} draws its condition: pass a generator")
        # Uniform on [0, 1), so P(1) is the intensity. Noise on [0, 2), as in the display scripts
        # of Doersch's repository, would halve it.
        uniform = torch.rand(given.shape, generator=generator, device=given.device)
        return (uniform < given).to(given.dtype)

    @checked
    def target(self, images: Tensor) -> Tensor:
        """The pixels to fill in, grey as they are: (..., D) -> (..., T)."""
        self._require_images(images)
        return images[..., ~self.seen.to(images.device)]

    @checked
    def compose(self, c: Tensor, x: Tensor) -> Tensor:
        """Whole pictures from conditions (..., C) and targets (..., T), leading axes broadcast.

        Raises:
            ValueError: if a size is not the task's.
        """
        if c.shape[-1] != self.n_seen or x.shape[-1] != self.n_asked:
            raise ValueError(
                f"c has {c.shape[-1]} and x has {x.shape[-1]} pixels, but the task "
                f"{self.name!r} gives {self.n_seen} and asks for {self.n_asked}"
            )
        lead = torch.broadcast_shapes(c.shape[:-1], x.shape[:-1])
        images = x.new_empty(*lead, len(self.seen))
        images[..., self.seen.to(x.device)] = c.expand(*lead, -1).to(x.dtype)
        images[..., ~self.seen.to(x.device)] = x.expand(*lead, -1)
        return images


def _rows_and_columns(image_shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    height, width = image_shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return rows.flatten(), columns.flatten()


@checked(image_shape=AT_LEAST_1)
def column_task(column: int = COLUMN, *, image_shape: tuple[int, int] = (28, 28)) -> Completion:
    """One pixel column, binarised anew at each pass; the others are the target.

    With the default, 13 + 1 + 14 columns make a picture and the target has 756 pixels.

    Raises:
        ValueError: if there is no such column.

    Source: Doersch 2016 (arXiv:1606.05908), Section 4.2.
    """
    if not 0 <= column < image_shape[1]:
        raise ValueError(f"column is {column}, but image_shape {image_shape} has {image_shape[1]}")
    _, columns = _rows_and_columns(image_shape)
    return Completion(f"column {column}", columns == column, image_shape, binarised=True)


@checked(image_shape=AT_LEAST_1)
def half_task(*, image_shape: tuple[int, int] = (28, 28)) -> Completion:
    """The left half, grey as it is; the right half is the target."""
    _, columns = _rows_and_columns(image_shape)
    return Completion("left half", columns < image_shape[1] // 2, image_shape)


@checked(image_shape=AT_LEAST_1)
def quadrant_task(n_seen: int, *, image_shape: tuple[int, int] = (28, 28)) -> Completion:
    """1, 2 or 3 quadrants: lower left, then upper left, then upper right, as Pyro's tutorial.

    Raises:
        ValueError: for another number.

    Source: Sohn, Lee & Yan 2015, Section 5.1; the order is that of Pyro's cvae example.
    """
    if n_seen not in (1, 2, 3):
        raise ValueError(f"n_seen must be 1, 2 or 3 quadrants, but it is {n_seen}")
    rows, columns = _rows_and_columns(image_shape)
    lower, left = rows >= image_shape[0] // 2, columns < image_shape[1] // 2
    quadrants = [lower & left, ~lower & left, ~lower & ~left]
    seen = torch.stack(quadrants[:n_seen]).any(dim=0)
    plural = "" if n_seen == 1 else "s"
    return Completion(f"{n_seen} quadrant{plural}", seen, image_shape)


@checked
class Completer(nn.Module):
    """A conditional model on a task, for `fit`: it takes whole pictures and splits them itself.

    So that a binarised condition is drawn anew at each pass. `model` is a CVAE or a Regressor.
    """

    model: Any  # a CVAE or a Regressor

    def __init__(self, model: nn.Module, task: Completion):
        super().__init__()
        self.model, self.task = model, task
        self.config = {
            "model": type(model).__name__,
            "model_config": model.config,
            "task": {
                "name": task.name,
                "seen": task.seen.nonzero()[:, 0].tolist(),
                "image_shape": list(task.image_shape),
                "binarised": task.binarised,
            },
        }

    @classmethod
    @checked
    def from_config(cls, model: str, model_config: dict, task: dict) -> "Completer":
        """Rebuild it from its `config`; the task lies on the CPU wherever the model is built."""
        seen = torch.zeros(math.prod(task["image_shape"]), dtype=torch.bool, device="cpu")
        seen[torch.tensor(task["seen"], dtype=torch.long, device="cpu")] = True
        rebuilt = Completion(task["name"], seen, tuple(task["image_shape"]), task["binarised"])
        return cls(build_model(model, model_config), rebuilt)

    @checked
    def loss_terms(self, images: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The model's terms for pictures (B, D), each term (B,)."""
        c = self.task.condition(images, generator=generator)
        return self.model.loss_terms(self.task.target(images), c, generator=generator)
