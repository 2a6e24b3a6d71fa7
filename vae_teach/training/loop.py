"""One training loop for every model of the book.

The data is one tensor on the device, so a batch is an index operation and not a Python loop over
pictures. A model needs `loss_terms(x, generator=...)`, a dict of named terms of shape (B,) to
minimise, and `config`. Shapes: N examples, B batch, D pixels, T terms.
"""

import functools
import math
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from vae_teach.machine.device import borrowed, device_of, pick_device
from vae_teach.machine.threads import share_cores_in_a_kernel
from vae_teach.training import arguments as fit_arguments
from vae_teach.training.adam import Adam
from vae_teach.training.arguments import Batch
from vae_teach.training.checkpoint import fingerprint, restore, save_checkpoint
from vae_teach.training.early_stopping import Validation, best_of, since_best
from vae_teach.training.history import History, Record
from vae_teach.training.steps import make_steps
from vae_teach.training.watch import OnStep, Watch

Transform = Callable[[Tensor, torch.Generator], Tensor]

CHECK_EVERY = 50  # steps between looks at the terms; each look makes a GPU wait
EVALUATION_BATCH = 2_000
_PUT_BACK = (
    "The model was put back to the end of the last whole epoch. "
    "A smaller lr, or data outside the range the likelihood expects, is the usual cure."
)


class CheckpointError(OSError):
    """A checkpoint that could not be written; `history` holds the epochs so far."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of one epoch's noise, of 64 bits; each seed has another for the same epoch."""
    return (seed * 1_000_003 + epoch) % 2**64


def epoch_generator(seed: int, epoch: int, device: str | torch.device = "cpu") -> torch.Generator:
    """The noise of one epoch. It depends on seed and epoch alone, so a resumed run agrees."""
    return torch.Generator(device).manual_seed(epoch_seed(seed, epoch))


class Trainer:
    """The state that `fit` moves forward: model, optimizer, data on the device, history."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train: Batch,
        held_out: Batch | None,
        *,
        device: torch.device,
        batch_size: int,
        seed: int,
        weights: Mapping[str, float],
        scale: float,
        transform: Transform | None,
        watch: Watch,
        validation: Validation | None = None,
        replay: bool,
    ):
        self.model, self.optimizer, self.device = model, optimizer, device
        self.train = tuple(t.to(device) for t in train)
        self.held_out = None if held_out is None else tuple(t.to(device) for t in held_out)
        self.batch_size, self.seed, self.transform = batch_size, seed, transform
        self.weights, self.scale, self.watch = dict(weights), scale, watch
        self.validation = validation
        self.n_examples = len(train[0])
        self.noise = torch.Generator(device)
        self.names: list[str] = []  # of the terms, once a step has been made
        # a proxy: a circle of references would keep the data on a GPU until Python tidies up
        self.steps = make_steps(weakref.proxy(self), replay=replay)
        self.history = History()
        self.made = 0  # steps
        self.best: dict[str, Tensor] | None = None
        self.good = _copy_state(model)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches the training data has, the last, smaller one included."""
        return math.ceil(self.n_examples / self.batch_size)

    @functools.cached_property
    def settings(self) -> dict:
        """What a resumed run must agree on, as plain values; it reads all the data once."""
        defaults = {k: v for k, v in self.optimizer.defaults.items() if k != "params"}
        return {
            "batch_size": self.batch_size,
            "seed": self.seed,
            "weights": self.weights,
            "scale": self.scale,
            "optimizer": {"name": type(self.optimizer).__name__, **defaults},
            **data_settings(self.train, self.held_out),
            **({} if self.validation is None else {"early stopping": asdict(self.validation.rule)}),
        }

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The model's terms for one batch, averaged over its examples."""
        model: Any = self.model  # of an nn.Module, `loss_terms` might be a Tensor
        x, *rest = batch
        if self.transform is not None:
            x = self.transform(x, generator)
        try:
            terms = model.loss_terms(x, *rest, generator=generator)
        except RuntimeError as error:
            fit_arguments.require_dtype(self.model, x, error)
            raise
        unknown = self.weights.keys() - terms.keys()
        if unknown:
            raise ValueError(f"weights name {sorted(unknown)}, but the terms are {sorted(terms)}")
        return {name: value.mean() for name, value in terms.items()}

    def loss(self, terms: Mapping[str, Tensor | float]) -> Tensor | float:
        """The scaled, weighted sum that is minimised; a term without a weight counts once."""
        factors = {name: self.scale * self.weights.get(name, 1.0) for name in terms}
        return sum(factors[name] * value for name, value in terms.items())

    def step(self, index: Tensor) -> Tensor:
        """One optimizer step on these training rows (B,); returns its terms (T,), detached."""
        terms = self.terms(tuple(t.index_select(0, index) for t in self.train), self.noise)
        self.optimizer.zero_grad()
        cast(Tensor, self.loss(terms)).backward()
        self.optimizer.step()
        self.names = list(terms)
        return torch.stack([value.detach() for value in terms.values()])

    def resume(self, checkpoint: Path) -> None:
        """Go on from where a checkpoint stands."""
        self.history, self.best = restore(checkpoint, self.model, self.optimizer, self.settings)
        self.good = _copy_state(self.model)

    def run(
        self, epochs: int, *, patience: int | None, checkpoint: Path | None, progress: bool
    ) -> None:
        """Train up to `epochs` epochs in all, or until the reader or the patience stops it."""
        made, total = (n * self.steps_per_epoch for n in (len(self.history), epochs))
        if self.validation is not None:
            total = min(total, self.validation.most_steps)
        if made == 0:
            self.watch(0)
        try:
            with tqdm(total=total, initial=made, disable=not progress, unit="step") as bar:
                self._epochs(epochs, patience, checkpoint, bar)
        except KeyboardInterrupt:
            self.history.interrupted = True
        except FloatingPointError as error:
            self.model.load_state_dict(self.good)
            done = len(self.history) * self.steps_per_epoch
            self.history.validations[:] = [v for v in self.history.validations if v["step"] < done]
            error.history = self.history  # type: ignore[attr-defined]  # for who catches it
            raise
        if self.best is not None:
            self.model.load_state_dict(self.best)

    def _epochs(
        self, epochs: int, patience: int | None, checkpoint: Path | None, bar: tqdm
    ) -> None:
        for epoch in range(len(self.history), epochs):
            if patience is not None and _epochs_since_best(self.history) >= patience:
                break
            if self._is_over(epoch * self.steps_per_epoch):
                break
            self._epoch(epoch, patience is not None, bar)
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            part = "train" if self.held_out is None else "held_out"
            bar.set_postfix_str(_summary(self.history.last, part))
            if checkpoint is not None and self.made == (epoch + 1) * self.steps_per_epoch:
                self._save(checkpoint)

    def _epoch(self, epoch: int, keep_best: bool, bar: tqdm) -> None:
        """Train one epoch, look at the held-out data, and write the line of the history."""
        started = time.perf_counter()
        parts = {"train": self.train_epoch(epoch, bar)}
        if self.held_out is not None:
            parts["held_out"] = self.evaluate(self.held_out)
            _require_finite_record(epoch + 1, parts["held_out"])
        self.good = _copy_state(self.model)
        self.history.records.append(self.record(epoch + 1, time.perf_counter() - started, **parts))
        self.history.how = self.steps.how
        if keep_best and _epochs_since_best(self.history) == 0:
            self.best, self.history.best_epoch = self.good, epoch + 1

    def _save(self, checkpoint: Path) -> None:
        try:
            save_checkpoint(
                checkpoint,
                self.model,
                history=self.history,
                settings=self.settings,
                optimizer=self.optimizer,
                best=self.best,
            )
        except OSError as error:
            made = len(self.history)
            raise CheckpointError(
                f"epoch {made} could not be saved in {checkpoint}: {error.strerror or error}. "
                f"The file keeps {made - 1} epochs; the model and this error's history, {made}",
                self.history,
            ) from error

    def train_epoch(self, epoch: int, bar: tqdm) -> Record:
        """One pass in random order, or the part of it that validation leaves; returns each term's
        average over it.
        """
        self.model.train()
        self.noise.manual_seed(epoch_seed(self.seed, epoch))
        order = torch.randperm(self.n_examples, generator=self.noise, device=self.device)
        batches = order.split(self.batch_size)
        done, seen = epoch * self.steps_per_epoch, None
        for i, index in enumerate(batches, start=1):
            values = self.steps(index)
            if seen is None:
                seen = values.new_empty(len(batches), len(values))
            seen[i - 1] = values  # not looked at, so that a GPU need not wait
            bar.update()
            self.watch(done + i)
            self.made = done + i
            self._validate(self.made, values)
            over = self._is_over(self.made)
            if i % CHECK_EVERY == 0 or i == len(batches) or over:
                first = (i - 1) // CHECK_EVERY * CHECK_EVERY
                self._require_finite(seen[first:i], done + first)
            if over:
                break
        if seen is None:
            return {}
        sizes = torch.tensor([len(index) for index in batches[:i]], device=self.device)
        share = sizes / sizes.sum()
        return dict(zip(self.names, (seen[:i] * share[:, None]).sum(0).tolist(), strict=True))

    def _validate(self, steps: int, values: Tensor) -> None:
        """If it is time to, measure the model on the validation data, and keep the best weights."""
        if self.validation is None or not self.validation.rule.is_due(steps):
            return
        self.model.eval()
        with torch.no_grad():
            measured = self.validation.measured(self.model)
        self.model.train()
        made = {"step": steps - 1, "train_loss": values.sum().item()}
        self.history.validations.append(made | measured)
        judged = self._judged()
        if best_of(judged) == len(judged) - 1:
            self.best = _copy_state(self.model)

    def _judged(self) -> list[float]:
        """The value that decides, of every validation."""
        assert self.validation is not None  # else nothing is judged
        return [record[self.validation.by] for record in self.history.validations]

    def _is_over(self, steps: int) -> bool:
        """Whether validation ends the training after so many steps."""
        if self.validation is None:
            return False
        return steps >= self.validation.most_steps or self.validation.rule.is_over(self._judged())

    def _require_finite(self, values: Tensor, steps_before: int) -> None:
        if torch.isfinite(values).all():
            return
        row, column = (~torch.isfinite(values)).nonzero()[0].tolist()
        raise FloatingPointError(
            f"step {steps_before + row + 1}: the term {self.names[column]!r} is "
            f"{values[row, column].item()}. {_PUT_BACK}"
        )

    @torch.no_grad()
    def evaluate(self, data: Batch) -> Record:
        """Average of each term over `data`, with the same noise whenever it is called."""
        self.model.eval()
        generator = epoch_generator(self.seed, -1, self.device)
        parts, sizes = [], []
        for batch in zip(*(t.split(EVALUATION_BATCH) for t in data), strict=True):
            terms = self.terms(batch, generator)
            parts.append(torch.stack(list(terms.values())))
            sizes.append(len(batch[0]))
        totals = [0.0] * len(terms)
        for values, size in zip(torch.stack(parts).tolist(), sizes, strict=True):
            totals = [total + value * size for total, value in zip(totals, values, strict=True)]
        return {name: total / sum(sizes) for name, total in zip(terms, totals, strict=True)}

    def record(self, epoch: int, seconds: float, **parts: Record) -> Record:
        """One line of the history from the terms of training and of the held-out data."""
        line: Record = {"epoch": epoch, "seconds": seconds}
        for part, terms in parts.items():
            line |= {f"{part}_{name}": value for name, value in terms.items()}
            line[f"{part}_loss"] = float(self.loss(terms))
        return line


def fit(
    model: nn.Module,
    train: Tensor | Batch,
    held_out: Tensor | Batch | None = None,
    *,
    epochs: int,
    batch_size: int = 128,
    lr: float = 1e-3,
    seed: int = 0,
    weights: Mapping[str, float] | None = None,
    scale: float = 1.0,
    optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer] | None = None,
    transform: Transform | None = None,
    patience: int | None = None,
    validation: Validation | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    progress: bool = True,
    on_step: OnStep | None = None,
    replay: bool = True,
) -> History:
    """Train `model` in place and return its history.

    The model is moved to the device for the training and comes back to where it was, however the
    training ends. On CUDA one step is recorded and replayed, which is several times as fast; the
    history's `how` says whether it was, and if not, why.

    Args:
        model: has `loss_terms` and `config`.
        train: images (N, D), or a tuple of tensors with N rows each, given to `loss_terms`.
        held_out: the same for data the optimizer never sees, evaluated after each epoch.
        epochs: passes over `train` in all, those of a resumed checkpoint included.
        batch_size: examples per step; the last, smaller batch is used too.
        lr: Adam's learning rate, unless `optimizer` is given.
        seed: of the order of the data and of the noise, up to 2^64 - 1.
        weights: factor per term, such as {"kl": 4.0}; 1 where not given.
        scale: factor of the whole loss, which is a mean over the batch: the batch size makes it a
            sum, 1 / D a mean over pixels too. Plain gradient descent sees it, Adam hardly.
        optimizer: makes an optimizer from the parameters.
        transform: applied to each batch of images with the epoch's generator, such as a fresh
            binarisation.
        patience: stop after this many epochs without a better held-out loss, and keep the best.
        validation: early stopping by steps instead: it may end the training within an epoch, of
            which the history then has what was made, and keeps the best. Not beside patience.
        checkpoint: file written after each epoch.
        resume: continue from `checkpoint` if it exists.
        device: where to compute; by default `vae_teach.machine.device.pick_device` chooses.
        progress: show a bar with every term, on stderr.
        on_step: called as on_step(step, model) before the first step (0) and after each, or at the
            steps in its `moments` if it has them. The model it is shown lies where `model` lay
            before; if the training is elsewhere it is a copy.
        replay: False if no step is to be recorded, because `loss_terms` or `transform` do something
            else at every call that is not drawn from their generator.

    Returns:
        History, one record per epoch. If the reader interrupts, the history up to there.

    Raises:
        ValueError: if an argument does not fit, naming it and both sides; nothing has changed then.
        FloatingPointError: if a term is not finite, naming the step and the term; the model is put
            back to the end of the last whole epoch, and the error's `history` ends there.
        CheckpointError: an OSError, if the checkpoint cannot be written; the error has the history.
    """
    share_cores_in_a_kernel()
    train = fit_arguments.as_batch("train", train)
    held_out = None if held_out is None else fit_arguments.as_batch("held_out", held_out)
    fit_arguments.require_run(
        epochs=epochs, batch_size=batch_size, seed=seed, lr=lr, weights=weights or {}, scale=scale,
        patience=patience, held_out=held_out,
    )  # fmt: skip
    if patience is not None and validation is not None:
        raise ValueError(f"patience={patience} and validation are two rules of stopping: give one")
    fit_arguments.require_checkpoint(checkpoint, resume)
    fit_arguments.require_data(model, train, held_out, treated=transform is not None)
    device = device if isinstance(device, torch.device) else pick_device(device)
    checkpoint = None if checkpoint is None else Path(checkpoint)
    home = device_of(model)
    make_optimizer = optimizer or functools.partial(Adam, lr=lr, fused=True)
    with borrowed(model, device):
        trainer = Trainer(
            model, make_optimizer(model.parameters()), train, held_out, device=device,
            batch_size=batch_size, seed=seed, weights=weights or {}, scale=scale,
            transform=transform, watch=Watch(on_step, model, home),
            validation=validation, replay=replay,
        )  # fmt: skip
        if resume and checkpoint is not None and checkpoint.exists():
            trainer.resume(checkpoint)
        trainer.run(epochs, patience=patience, checkpoint=checkpoint, progress=progress)
    model.eval()
    return trainer.history


def data_settings(train: Batch, held_out: Batch | None) -> dict[str, str]:
    """Checksums of the data, which a resumed run must agree on as on any other setting."""
    parts = {"train data": train, "held-out data": held_out or ()}
    return {
        name: fingerprint({str(i): tensor for i, tensor in enumerate(part)})[:16]
        for name, part in parts.items()
    }


def _require_finite_record(epoch: int, terms: Record) -> None:
    """Refuse an epoch whose last step left the range of numbers: it must not be kept."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise FloatingPointError(
                f"epoch {epoch}: the term {name!r} is {value} on the held-out data. {_PUT_BACK}"
            )


def _epochs_since_best(history: History) -> int:
    return since_best([-loss for loss in history.column("held_out_loss")] if len(history) else [])


def _copy_state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _summary(record: Record, part: str) -> str:
    """The terms of one part, shortest form: 'held out: reconstruction 80.67, kl 24.90'."""
    start = f"{part}_"
    terms = [f"{k.removeprefix(start)} {v:.2f}" for k, v in record.items() if k.startswith(start)]
    return f"{part.replace('_', ' ')}: {', '.join(terms)}"
