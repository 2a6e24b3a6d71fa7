"""Train a preset's model for exactly so many steps, as the sources count.

Shapes: N pictures, D pixels.
"""

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vae_teach.systems.pixels import Pixels
from vae_teach.systems.presets import Preset
from vae_teach.training.arguments import Batch
from vae_teach.training.history import History
from vae_teach.training.loop import epoch_generator, fit

MakeOptimizer = Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]


def train_preset(
    preset: Preset,
    model: nn.Module,
    pixels: Pixels,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """Make exactly `steps` steps: whole epochs, resumable, and then the rest of one.

    Raises:
        ValueError: if the checkpoint has made more steps already.
        KeyboardInterrupt: if the reader interrupts; the checkpoint holds the last whole epoch.
    """
    per_epoch = math.ceil(len(pixels.train) / preset.batch_size)
    whole, rest = divmod(steps, per_epoch)
    go_on = functools.partial(
        fit, model, batch_size=preset.batch_size, scale=preset.loss_scale(pixels.train.shape[1]),
        optimizer=_once(lambda parameters: preset.make_optimizer(parameters, per_epoch)),
        transform=pixels.transform, device=device, progress=progress,
    )  # fmt: skip
    if preset.start_from_average:
        start: Any = model.start_from_average  # of an nn.Module it might be a Tensor
        start(pixels.train)
    everything, history = (pixels.train, *pixels.train_given), History()
    if whole:
        resume = checkpoint is not None
        history = go_on(everything, epochs=whole, seed=seed, checkpoint=checkpoint, resume=resume)
        if len(history) > whole:
            raise ValueError(f"{checkpoint} has {len(history)} epochs, but {whole} are asked for")
    if rest and not history.interrupted:
        part = _first_of_epoch(everything, rest * preset.batch_size, seed, whole)
        # Another seed, so that no noise of epoch 1 comes twice.
        last = go_on(part, epochs=1, seed=(seed + 1_000_000) % 2**63)
        history.records += [record | {"epoch": whole + 1} for record in last.records]
        history.interrupted = last.interrupted
    if history.interrupted:
        raise KeyboardInterrupt
    return history


def _once(make: MakeOptimizer) -> MakeOptimizer:
    """Hand out the same optimizer at every call: one that goes on keeps its averages."""
    made: list[torch.optim.Optimizer] = []

    def optimizer(parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
        if not made:
            made.append(make(parameters))
        return made[0]

    return optimizer


def _first_of_epoch(everything: Batch, n: int, seed: int, epoch: int) -> Batch:
    """The n examples with which this epoch would begin."""
    order = torch.randperm(len(everything[0]), generator=epoch_generator(seed, epoch))
    return tuple(tensor[order[:n]] for tensor in everything)
