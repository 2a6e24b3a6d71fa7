"""A data set as every chapter sees it: flat images in [0, 1], labels, and how they are split.

Shapes: N examples, D pixels in row-major order, so `images.view(-1, *image_shape)` are pictures.
"""

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vae_teach.validation import AT_LEAST_1, checked


@checked
@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples that belong together: images (N, D) float32, and what is known of each.

    Attributes:
        images: (N, D) float32 in [0, 1].
        labels: (N,) int64, or None where nobody labelled them.
        factors: name -> (N,) float32, what each image was made from; {} where that is unknown.
    """

    images: Tensor
    labels: Tensor | None = None
    factors: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images.ndim != 2 or self.images.dtype != torch.float32:
            found = f"{self.images.dtype} of shape {tuple(self.images.shape)}"
            raise ValueError(f"images must be float32 of shape (N, D), not {found}")
        if self.labels is not None and self.labels.dtype != torch.int64:
            raise ValueError(f"labels must be int64, not {self.labels.dtype}")
        columns = {"labels": self.labels, **self.factors}
        for name, column in columns.items():
            if column is not None and column.shape != (len(self),):
                shape = tuple(column.shape)
                raise ValueError(f"{name} has shape {shape} but there are {len(self)} images")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: slice | Tensor) -> "Split":
        """Return the examples that a slice or a tensor of positions picks, with all they carry."""
        labels = None if self.labels is None else self.labels[index]
        factors = {name: values[index] for name, values in self.factors.items()}
        return Split(self.images[index], labels, factors)

    def __repr__(self) -> str:
        labels = "no labels" if self.labels is None else f"{len(self.labels.unique())} labels"
        factors = f", factors {', '.join(self.factors)}" if self.factors else ""
        return f"Split({len(self):,} images of {self.images.shape[1]:,} pixels, {labels}{factors})"


@checked(image_shape=AT_LEAST_1)
@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training and test examples, the shape of one picture, and where they came from.

    Attributes:
        name: "strokes", "mnist", "fashion_mnist", or "images:" and the folder's last name.
        train: examples to fit on.
        test: examples that no fit and no choice may see.
        image_shape: (28, 28), or (C, H, W) for colour.
        source: one sentence for a notebook's first cell.
        validation: examples to choose with; None until `with_validation`.
        label_names: what label 0, 1, ... is called; None where there are no labels.
    """

    name: str
    train: Split
    test: Split
    image_shape: tuple[int, ...]
    source: str
    validation: Split | None = None
    label_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test", "validation"):
            split = getattr(self, part)
            if split is not None and split.images.shape[1] != math.prod(self.image_shape):
                raise ValueError(
                    f"image_shape is {self.image_shape}, but the pictures of {part} have "
                    f"{split.images.shape[1]} values"
                )

    def with_validation(self, n: int | float = 10_000) -> "Dataset":
        """Return the same data with the last n training examples held out for choosing.

        For MNIST and n = 10,000 this is the usual 50,000 / 10,000 / 10,000 split. An n between 0
        and 1 is a share of the training examples: 0.1 holds out a tenth of them, at least one.

        Raises:
            ValueError: if n would leave no training example, or none is asked for, or a
                validation split exists already.
        """
        if self.validation is not None:
            raise ValueError(
                f"{self.name} already has {len(self.validation)} validation images: use those"
            )
        if isinstance(n, float) and 0 < n < 1:
            n = max(1, round(n * len(self.train)))
        if type(n) is not int or not 0 < n < len(self.train):
            raise ValueError(f"n is {n} but {self.name} has {len(self.train)} training images")
        return replace(self, train=self.train[:-n], validation=self.train[-n:])

    @checked
    def limited(self, limit: int) -> "Dataset":
        """Return the same data with at most the first `limit` examples of each split."""
        if limit < 1:
            raise ValueError(f"limit is {limit} but a split needs at least 1 image")
        validation = None if self.validation is None else self.validation[:limit]
        train, test = self.train[:limit], self.test[:limit]
        return replace(self, train=train, test=test, validation=validation)

    def __repr__(self) -> str:
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        sizes = ", ".join(f"{len(s):,} {name}" for name, s in splits.items() if s is not None)
        return f"Dataset({self.name}: {sizes}, images {' x '.join(map(str, self.image_shape))})"
