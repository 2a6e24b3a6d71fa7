"""What a callback of `fit` is shown while the model trains elsewhere."""

import copy
import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from vae_teach.machine.device import device_of

OnStep = Callable[[int, nn.Module], None]


class Watch:
    """Calls `on_step` with a model that lies where the model lay before the training.

    If the training is elsewhere, that is a copy, brought up to date at each call. Where on_step has
    `moments`, as a `Recorder` has, it is called at these steps only, and nothing is copied between.
    """

    def __init__(self, on_step: OnStep | None, model: nn.Module, home: torch.device | None):
        self.on_step, self.model = on_step, model
        self.moments = getattr(on_step, "moments", None)
        elsewhere = on_step is not None and home != device_of(model)
        self.twin = copy.deepcopy(model).to(home) if elsewhere else None

    def __call__(self, step: int) -> None:
        """Show the model, if there is anyone to see it after this step."""
        if self.on_step is None or (self.moments is not None and step not in self.moments):
            return
        if self.twin is None:
            self.on_step(step, self.model)
            return
        self._refresh(self.twin)
        self.on_step(step, self.twin)

    @torch.no_grad()
    def _refresh(self, twin: nn.Module) -> None:
        """Copy weights, buffers and every part's mode."""
        for mine, theirs in zip(twin.modules(), self.model.modules(), strict=True):
            mine.training = theirs.training
        for copy_, tensor in zip(_tensors(twin), _tensors(self.model), strict=True):
            copy_.copy_(tensor)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    return itertools.chain(model.parameters(), model.buffers())
