"""The pictures of a run as its preset treats them.

Shapes: N pictures, D pixels, C condition.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_teach.data.treatments import treat

Told = tuple[Tensor, ...]


@dataclass(frozen=True)
class Pixels:
    """The pictures of a run after their treatment; `transform` treats a batch anew if it must.

    `train_given` and `test_given` hold what a conditional model is told beside each picture, and
    nothing for a model that is told nothing. `validation` is there for early stopping alone.
    """

    train: Tensor  # (N, D)
    test: Tensor
    transform: Callable[[Tensor, torch.Generator], Tensor] | None
    train_given: Told = ()  # nothing, or one (N, C)
    test_given: Told = ()
    validation: Tensor | None = None


def treated(train: Tensor, test: Tensor, how: str, seed: int, given: tuple[Told, Told]) -> Pixels:
    """Treat both; where that draws pixels, the test set once, and the training set batch by batch.

    Args:
        train, test: (N, D), in [0, 1].
        how: a name in `vae_teach.data.TREATMENTS`.
        seed: of the test set's draw.
        given: what is told beside the pictures of either.
    """
    if how != "stochastic":
        return Pixels(treat(train, how), treat(test, how), None, *given)
    return Pixels(train, _drawn(test, torch.Generator().manual_seed(seed)), _drawn, *given)


def _drawn(x: Tensor, generator: torch.Generator) -> Tensor:
    return treat(x, "stochastic", generator=generator)
