"""Early stopping by validation every so many steps, where an epoch is too coarse or too fine.

The weights of the greatest value are kept, and are those that the model has in the end.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from vae_teach.training.history import Record
from vae_teach.validation import require_count


@dataclass(frozen=True)
class EarlyStopping:
    """When to validate, and when it is enough.

    Attributes:
        every: steps from one validation to the next; the first is after the first step.
        patience: how many validations in a row may fail to be better than the best before them;
            one more ends the training.

    Raises:
        ValueError: if every is below 1 or patience below 0.

    Source: train_variational_autoencoder_pytorch.py (github.com/altosaar/variational-autoencoder).
    """

    every: int
    patience: int

    def __post_init__(self) -> None:
        require_count(self.every, "every")
        require_count(self.patience, "patience", 0)

    def is_due(self, steps: int) -> bool:
        """Whether to validate once so many steps are made."""
        return (steps - 1) % self.every == 0

    def is_over(self, values: Sequence[float]) -> bool:
        """Whether these values, in order, end the training."""
        return since_best(values) > self.patience


def best_of(values: Sequence[float]) -> int | None:
    """The place of the first greatest value; a NaN is never better, and None is for no value."""
    best, greatest = None, -math.inf
    for place, value in enumerate(values):
        if value > greatest:
            best, greatest = place, value
    return best


def since_best(values: Sequence[float]) -> int:
    """How many values follow the first greatest; all, where there is none."""
    best = best_of(values)
    return len(values) if best is None else len(values) - 1 - best


@dataclass(frozen=True)
class Validation:
    """What `fit` needs of early stopping: the rule, what is measured, and an end in any case.

    Attributes:
        rule: when to validate and when to stop.
        measure: what a model is worth on the validation data, as named values. It must draw from a
            generator of its own.
        by: the name of the value that decides; the greater the better.
        most_steps: the training ends after so many steps if the rule has not ended it.

    Raises:
        ValueError: if most_steps is below 1.
    """

    rule: EarlyStopping
    measure: Callable[[nn.Module], Record]
    by: str
    most_steps: int

    def __post_init__(self) -> None:
        require_count(self.most_steps, "most_steps")

    def measured(self, model: nn.Module) -> Record:
        """What the model is worth.

        Raises:
            ValueError: if the value that decides is not among what was measured.
        """
        measured = self.measure(model)
        if self.by not in measured:
            raise ValueError(f"by is {self.by!r}, but what is measured is {sorted(measured)}")
        return measured
