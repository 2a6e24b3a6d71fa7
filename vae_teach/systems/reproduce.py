"""Train one of the sources' systems by its own protocol, evaluate it, write what came out.

The result is plain data: every number stands with its protocol and its provenance, so a table can
be drawn from the files alone. Shapes: N pictures, D pixels.
"""

import dataclasses
import json
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from vae_teach import data
from vae_teach.machine.device import borrowed, pick_device
from vae_teach.machine.one_writer import one_writer
from vae_teach.machine.whole_file import write_text
from vae_teach.systems.measures import MEASURES, Trained
from vae_teach.systems.pixels import Pixels
from vae_teach.systems.presets import Preset
from vae_teach.systems.result_file import FORMAT, require_extendable
from vae_teach.systems.table import get_preset
from vae_teach.systems.train import train_preset
from vae_teach.training.checkpoint import save_checkpoint
from vae_teach.training.early_stopping import best_of
from vae_teach.training.history import History
from vae_teach.training.provenance import provenance

MOST = 100_000_000  # steps, draws or pictures: more is a slip of the hand


def reproduce(
    name: str,
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    dataset: data.Dataset | None = None,
    importance_samples: int | None = None,
    n_test: int | None = None,
    progress: bool = True,
) -> dict:
    """Train a preset, evaluate it and return the result; with `out`, write it there too.

    Args:
        name: a preset of `vae_teach.systems.presets`.
        seed: of weights, order, noise and evaluation.
        steps: training steps; None for the source's own number.
        device: where to compute, see `pick_device`.
        out: folder for NAME-seedS.json, the model and the checkpoint that a second call resumes.
        dataset: MNIST unless given.
        importance_samples: K of log p(x); None for the preset's.
        n_test: how many test pictures, from the first on; None for all.
        progress: show a bar.

    Raises:
        ValueError: for an unknown preset, for a number that makes no sense, for data without the
            labels that a conditional model is told, or if `out` holds a longer run, or one of
            other pictures or of another evaluation: nothing is written over it.
        OSError: if MNIST is not on this machine, or nothing can be written into `out`.
        KeyboardInterrupt: if the reader interrupts; every whole epoch is in the checkpoint.
    """
    preset = get_preset(name)
    require_seed(seed)
    require_counts(steps=steps, samples=importance_samples, images=n_test)
    dataset = dataset or data.load("mnist")
    where = pick_device(device)
    pixels = preset.pixels(dataset, seed=seed, n_test=n_test)
    steps = steps or preset.planned_steps(len(pixels.train))
    samples = importance_samples or preset.importance_samples
    run = _Run(name, preset, dataset, pixels, preset.build(seed), where, seed, steps, samples)
    if out is None:
        return run.result(run.train(progress=progress))
    folder, stem = Path(out), f"{name}-seed{seed}"
    with one_writer(folder, stem):
        require_extendable(folder / f"{stem}.json", run.protocol, run.provenance)
        history = run.train(folder / f"{stem}.checkpoint.safetensors", progress=progress)
        result = run.result(history)
        save_checkpoint(folder / f"{stem}.safetensors", run.model, history=history, settings={})
        write_text(folder / f"{stem}.json", json.dumps(result, indent=1) + "\n")
    return result


@dataclass(frozen=True)
class _Run:
    """A preset on its pictures with everything that its result depends on."""

    name: str
    preset: Preset
    dataset: data.Dataset
    pixels: Pixels
    model: nn.Module
    device: torch.device
    seed: int
    steps: int
    importance_samples: int

    @cached_property
    def protocol(self) -> dict:
        """What was done, as plain values."""
        n_train, n_test = len(self.pixels.train), len(self.pixels.test)
        counts = {"data": self.dataset.name, "train_images": n_train, "test_images": n_test}
        return (
            counts
            | self.preset.protocol(self.model)
            | {
                "steps": self.steps,
                "planned_steps": self.preset.planned_steps(n_train),
                "epochs": self._epochs(self.steps),
                "seed": self.seed,
                "importance_samples": self.importance_samples,
            }
        )

    def _epochs(self, steps: int) -> float:
        return round(steps / math.ceil(len(self.pixels.train) / self.preset.batch_size), 2)

    @cached_property
    def provenance(self) -> dict:
        """Where the result comes from."""
        return provenance(self.dataset, self.device)

    def train(self, checkpoint: Path | None = None, *, progress: bool) -> History:
        """Make the steps, from the checkpoint on if there is one."""
        return train_preset(
            self.preset, self.model, self.pixels, steps=self.steps, seed=self.seed,
            device=self.device, importance_samples=self.importance_samples,
            checkpoint=checkpoint, progress=progress,
        )  # fmt: skip

    def measured(self, history: History) -> list[dict]:
        """Every measure of the preset, taken on the device."""
        test, given = self.pixels.test.to(self.device), self.pixels.test_given
        given = tuple(tensor.to(self.device) for tensor in given)
        trained = Trained(self.model, history, test, self.importance_samples, self.seed, given)
        with borrowed(self.model, self.device):
            return [_measured(measure, trained, self.preset) for measure in self.preset.measures]

    def result(self, history: History) -> dict:
        """All of it: what stands in the file."""
        started = time.perf_counter()
        results = self.measured(history)
        minutes = {
            "training_minutes": history.minutes,
            "evaluation_minutes": round((time.perf_counter() - started) / 60, 2),
        }
        stopped = early_stop(self.preset, history)
        made = stopped["validations"]["step"][-1] + 1 if stopped.get("stopped") else self.steps
        return {
            "format": FORMAT,
            "preset": self.name,
            "title": self.preset.title,
            "results": results,
            "protocol": self.protocol | {"steps": made, "epochs": self._epochs(made)},
            "provenance": self.provenance | minutes,
            "history": history.rounded(),
            **({"early_stopping": stopped} if stopped else {}),
        }


def early_stop(preset: Preset, history: History) -> dict:
    """What early stopping did, as plain values; nothing for a preset that keeps the last weights.

    "stopped" says whether the rule ended the training, "best_step" which weights were kept (None
    for the last, where no bound was a number), and "validations" has a column for each thing
    measured. Steps count from 0, as the source's do.
    """
    if preset.early_stopping is None or not (records := history.validations):
        return {}
    values = [record["elbo"] for record in records]
    best = best_of(values)
    train = [-record["train_loss"] for record in records]  # of one batch, as the source prints it
    columns = {"step": [int(record["step"]) for record in records]} | {
        name: [round(value, 3) for value in column]
        for name, column in {
            "train_elbo": train,
            "elbo": values,
            "log_px": [record["log_px"] for record in records],
        }.items()
    }
    return {
        "stopped": preset.early_stopping.is_over(values),
        "best_step": None if best is None else columns["step"][best],
        "validations": columns,
    }


def require_seed(seed: int) -> None:
    """Refuse a seed that PyTorch's generators do not take.

    Raises:
        ValueError: with the limits.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be from 0 to {2**63 - 1:,}, but it is {seed}")


def require_counts(**counts: int | None) -> None:
    """Refuse a number of steps, draws or pictures that makes no sense; None is a default.

    Raises:
        ValueError: with the limit.
    """
    for name, count in counts.items():
        if count is not None and not 1 <= count <= MOST:
            side = "at least 1" if count < 1 else f"at most {MOST:,}"
            raise ValueError(f"{name} must be {side}, but it is {count}")


def _measured(name: str, trained: Trained, preset: Preset) -> dict:
    """One line of the results: the measured value beside the published one."""
    measure = MEASURES[name]
    published = [p for p in preset.published if p.measure == name]
    value = dataclasses.asdict(measure.take(trained))
    for key in ("value", "standard_error"):
        if value[key] is not None:
            value[key] = float(f"{value[key]:.6g}")
    return {
        "measure": name,
        "title": measure.title,
        "unit": measure.unit,
        **value,
        "published": {"value": published[0].value, "where": published[0].where}
        if published
        else None,
    }
