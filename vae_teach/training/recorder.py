"""Looking at a model while it trains: at which steps, and at what.

Learning is fast at first and slow later, so moments evenly spaced in log time show most of it in
few frames. Shapes: whatever a look returns.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_teach.validation import kind, require_count

Look = Callable[[nn.Module], Tensor]


def log_moments(last: int, *, per_doubling: int = 2) -> list[int]:
    """Steps 0 and round(2^(k / per_doubling)) up to `last`, each once: 0, 1, 2, 3, 4, 6, 8, 11, ...

    Step 0 is the untrained model. Source: Fast Forward Labs' script, which takes k = 0 ... 32.

    Raises:
        ValueError: if last or per_doubling is below 1.
    """
    require_count(last, "last")
    require_count(per_doubling, "per_doubling")
    moments = {0}
    k = 0
    while (step := round(2 ** (k / per_doubling))) <= last:
        moments.add(step)
        k += 1
    return sorted(moments)


@dataclass(frozen=True)
class Snapshot:
    """What the looks saw after one training step."""

    step: int
    seen: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        """What the look of that name returned."""
        return self.seen[name]


class Recorder:
    """Give it to `fit` as `on_step`: at each of the moments it looks at the model.

    A look maps the model to a tensor, such as the codes of fixed pictures or the pictures of fixed
    codes. It runs without gradients and in evaluation mode, and must draw no noise of its own: then
    the trained weights are those of a run without a recorder.

    Raises:
        ValueError: if a moment is no whole number from 0 on, a look is no function, or, at a
            moment, a look returns no tensor.
    """

    def __init__(self, moments: Iterable[int], **looks: Look):
        try:
            self.moments = frozenset(moments)
        except TypeError:
            raise ValueError(
                f"moments must be steps, such as [0, 10], but it is {moments!r}"
            ) from None
        for step in self.moments:
            require_count(step, "a moment", 0)
        for name, look in looks.items():
            if not callable(look):
                raise ValueError(f"the look {name!r} must be a function of the model: {look!r}")
        self.looks = looks
        self.snapshots: list[Snapshot] = []

    @torch.no_grad()
    def __call__(self, step: int, model: nn.Module) -> None:
        """Record, if `step` is one of the moments."""
        if step not in self.moments:
            return
        was_training = model.training
        model.eval()
        try:
            seen = {name: _kept(name, look(model)) for name, look in self.looks.items()}
        finally:
            model.train(was_training)
        self.snapshots.append(Snapshot(step, seen))

    @property
    def steps(self) -> list[int]:
        """The steps recorded so far, in order."""
        return [snapshot.step for snapshot in self.snapshots]

    def at(self, step: int) -> Snapshot:
        """The snapshot of one step.

        Raises:
            KeyError: naming the steps there are.
        """
        for snapshot in self.snapshots:
            if snapshot.step == step:
                return snapshot
        raise KeyError(f"no snapshot of step {step}; there are {self.steps}")


def _kept(name: str, value: object) -> Tensor:
    """A copy: a look may return a view of a weight, which the next step overwrites."""
    if not isinstance(value, Tensor):
        raise ValueError(f"the look {name!r} must return a tensor, but it returned {kind(value)}")
    return value.cpu().clone()
