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

from vae_teach import evaluate
from vae_teach.systems.pixels import Pixels
from vae_teach.systems.presets import Preset
from vae_teach.training.arguments import Batch
from vae_teach.training.checkpoint import read_head
from vae_teach.training.early_stopping import Validation
from vae_teach.training.history import History, Record
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
    importance_samples: int = 1,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """Make exactly `steps` steps: whole epochs, resumable, and then the rest of one.

    With early stopping it makes at most so many, judges by `importance_samples` draws a validation
    picture, and leaves the best weights in the model.

    Raises:
        ValueError: if the checkpoint has made more steps already.
        KeyboardInterrupt: if the reader interrupts; the checkpoint holds the last whole epoch.
    """
    per_epoch = math.ceil(len(pixels.train) / preset.batch_size)
    whole, rest = divmod(steps, per_epoch)
    if checkpoint is not None and checkpoint.exists():
        made = len(read_head(checkpoint)["history"]["records"])
        if made > whole:
            raise ValueError(f"{checkpoint} has {made} epochs, but {whole} are asked for")
    go_on = functools.partial(
        fit, model, batch_size=preset.batch_size, scale=preset.loss_scale(pixels.train.shape[1]),
        optimizer=_once(lambda parameters: preset.make_optimizer(parameters, per_epoch)),
        transform=pixels.transform, device=device, progress=progress,
    )  # fmt: skip
    if preset.start_from_average:
        start: Any = model.start_from_average  # of an nn.Module it might be a Tensor
        start(pixels.train)
    everything, history = (pixels.train, *pixels.train_given), History()
    validation = _validation(preset, pixels, seed, device, importance_samples, steps)
    if validation is not None:
        whole, rest = math.ceil(steps / per_epoch), 0
    if whole:
        history = go_on(
            everything, epochs=whole, seed=seed, validation=validation,
            checkpoint=checkpoint, resume=checkpoint is not None,
        )  # fmt: skip
    if rest and not history.interrupted:
        part = _first_of_epoch(everything, rest * preset.batch_size, seed, whole)
        # Another seed, so that no noise of epoch 1 comes twice.
        last = go_on(part, epochs=1, seed=(seed + 1_000_000) % 2**63)
        history.records += [record | {"epoch": whole + 1} for record in last.records]
        history.interrupted = last.interrupted
    if history.interrupted:
        raise KeyboardInterrupt
    return history


def _validation(
    preset: Preset, pixels: Pixels, seed: int, device: torch.device, draws: int, most_steps: int
) -> Validation | None:
    """The preset's early stopping; every validation takes the same noise, from the seed."""
    rule, pictures = preset.early_stopping, pixels.validation
    if rule is None or pictures is None:
        return None
    pictures = pictures.to(device)

    def measure(model: Any) -> Record:
        noise = torch.Generator(device).manual_seed(seed)
        bounds = evaluate.importance_bounds(model, pictures, n_samples=draws, generator=noise)
        return {"elbo": bounds.elbo.mean, "log_px": bounds.log_px.mean}

    return Validation(rule, measure, by="elbo", most_steps=most_steps)


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
