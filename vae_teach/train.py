"""One training loop for every model of the book.

The data is one tensor on the device, so a batch is an index operation and not a Python loop over
pictures. A model needs `loss_terms(x, generator=...)`, a dict of named terms of shape (B,) to
minimise, and `config`. Shapes: N examples, B batch, D pixels.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from vae_teach.checkpoint import fingerprint, restore, save_checkpoint
from vae_teach.device import pick_device
from vae_teach.history import History, Record

Batch = tuple[Tensor, ...]
Transform = Callable[[Tensor, torch.Generator], Tensor]

CHECK_EVERY = 50  # steps between looks at the terms; each look makes a GPU wait
EVALUATION_BATCH = 2_000
_PUT_BACK = (
    "The model was put back to the end of the last whole epoch. "
    "A smaller lr, or data outside the range the likelihood expects, is the usual cure."
)


class Trainer:
    """The state that `fit` moves forward: model, optimizer, data on the device, history."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        device: torch.device,
        batch_size: int,
        seed: int,
        weights: Mapping[str, float],
        transform: Transform | None,
        on_step: Callable[[int, nn.Module], None] | None,
    ):
        self.model, self.optimizer, self.device = model, optimizer, device
        self.batch_size, self.seed, self.transform = batch_size, seed, transform
        self.weights, self.on_step = dict(weights), on_step
        self.step = 0

    def settings(self) -> dict:
        """What a resumed run must agree on, as plain values."""
        defaults = {k: v for k, v in self.optimizer.defaults.items() if k != "params"}
        return {
            "batch_size": self.batch_size,
            "seed": self.seed,
            "weights": self.weights,
            "optimizer": {"name": type(self.optimizer).__name__, **defaults},
        }

    def generator(self, epoch: int) -> torch.Generator:
        """The noise of one epoch. It depends on seed and epoch alone, so a resumed run agrees."""
        return torch.Generator(self.device).manual_seed((self.seed * 1_000_003 + epoch) % 2**64)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The model's terms for one batch, averaged over its examples."""
        x, *rest = batch
        if self.transform is not None:
            x = self.transform(x, generator)
        terms = self.model.loss_terms(x, *rest, generator=generator)
        unknown = self.weights.keys() - terms.keys()
        if unknown:
            raise ValueError(f"weights name {sorted(unknown)}, but the terms are {sorted(terms)}")
        return {name: value.mean() for name, value in terms.items()}

    def loss(self, terms: Mapping[str, Tensor | float]) -> Tensor | float:
        """The weighted sum that is minimised; a term without a weight counts once."""
        return sum(self.weights.get(name, 1.0) * value for name, value in terms.items())

    def train_epoch(self, train: Batch, epoch: int, bar: tqdm) -> Record:
        """One pass in random order; returns each term's average over the epoch."""
        self.model.train()
        generator = self.generator(epoch)
        order = torch.randperm(len(train[0]), generator=generator, device=self.device)
        steps, sizes = [], []
        for index in order.split(self.batch_size):
            terms = self.terms(tuple(t[index] for t in train), generator)
            self.optimizer.zero_grad()
            self.loss(terms).backward()
            self.optimizer.step()
            self.step += 1
            steps.append(torch.stack([value.detach() for value in terms.values()]))
            sizes.append(len(index))
            bar.update()
            if self.on_step is not None:
                self.on_step(self.step, self.model)
            if len(steps) % CHECK_EVERY == 0:
                self._require_finite(steps[-CHECK_EVERY:], list(terms))
        self._require_finite(steps[-CHECK_EVERY:], list(terms))
        share = torch.tensor(sizes, device=self.device) / sum(sizes)
        return dict(zip(terms, (torch.stack(steps) * share[:, None]).sum(0).tolist(), strict=True))

    def _require_finite(self, steps: list[Tensor], names: list[str]) -> None:
        values = torch.stack(steps)
        bad = (~torch.isfinite(values)).nonzero()
        if len(bad):
            row, column = bad[0].tolist()
            step = self.step - len(steps) + 1 + row
            raise FloatingPointError(
                f"step {step}: the term {names[column]!r} is {values[row, column].item()}. "
                f"{_PUT_BACK}"
            )

    @torch.no_grad()
    def evaluate(self, data: Batch) -> Record:
        """Average of each term over `data`, with the same noise whenever it is called."""
        self.model.eval()
        generator = self.generator(-1)
        total: dict[str, float] = {}
        for batch in zip(*(t.split(EVALUATION_BATCH) for t in data), strict=True):
            for name, value in self.terms(batch, generator).items():
                total[name] = total.get(name, 0.0) + value.item() * len(batch[0])
        return {name: value / len(data[0]) for name, value in total.items()}

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
    optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer] | None = None,
    transform: Transform | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    progress: bool = True,
    on_step: Callable[[int, nn.Module], None] | None = None,
) -> History:
    """Train `model` in place and return its history.

    Args:
        model: has `loss_terms` and `config`; it is moved to the device.
        train: images (N, D), or a tuple of tensors with N rows each, given to `loss_terms`.
        held_out: the same for data the optimizer never sees, evaluated after each epoch.
        epochs: passes over `train` in all, those of a resumed checkpoint included.
        batch_size: examples per step; the last, smaller batch is used too.
        lr: Adam's learning rate, unless `optimizer` is given.
        seed: of the order of the data and of the noise.
        weights: factor per term, such as {"kl": 4.0}; 1 where not given.
        optimizer: makes an optimizer from the parameters.
        transform: applied to each batch of images with the epoch's generator, such as a fresh
            binarisation.
        patience: stop after this many epochs without a better held-out loss, and keep the best.
        checkpoint: file written after each epoch.
        resume: continue from `checkpoint` if it exists.
        device: where to compute; by default `vae_teach.device.pick_device` chooses.
        progress: show a bar with every term, on stderr.
        on_step: called as on_step(step, model) before the first step (0) and after each.

    Returns:
        History, one record per epoch. If the reader interrupts, the history up to there.

    Raises:
        ValueError: if an argument does not fit, naming it and both sides.
        FloatingPointError: if a term is not finite, naming the step and the term; the model is put
            back to the end of the last whole epoch.
    """
    device = device if isinstance(device, torch.device) else pick_device(device)
    train, held_out = _as_batch("train", train, device), _as_batch("held_out", held_out, device)
    _check_arguments(epochs, batch_size, held_out, patience, checkpoint, resume)
    _check_rates(lr, weights or {})
    model.to(device)
    make_optimizer = optimizer or (lambda p: torch.optim.Adam(p, lr=lr, fused=True))
    trainer = Trainer(
        model,
        make_optimizer(model.parameters()),
        device=device,
        batch_size=batch_size,
        seed=seed,
        weights=weights or {},
        transform=transform,
        on_step=on_step,
    )
    settings = trainer.settings()
    if checkpoint is not None:
        settings |= data_settings(train, held_out)
    history, best = History(), None
    if resume and Path(checkpoint).exists():
        history, best = restore(checkpoint, model, trainer.optimizer, settings)
    steps_per_epoch = math.ceil(len(train[0]) / batch_size)
    trainer.step = len(history) * steps_per_epoch
    if on_step is not None and trainer.step == 0:
        on_step(0, model)
    bar = tqdm(
        total=epochs * steps_per_epoch, initial=trainer.step, disable=not progress, unit="step"
    )
    good = _copy_state(model)
    try:
        for epoch in range(len(history), epochs):
            if patience is not None and _epochs_since_best(history) >= patience:
                break
            started = time.perf_counter()
            parts = {"train": trainer.train_epoch(train, epoch, bar)}
            if held_out is not None:
                parts["held_out"] = trainer.evaluate(held_out)
                _require_finite_record(epoch + 1, parts["held_out"])
            good = _copy_state(model)
            history.records.append(
                trainer.record(epoch + 1, time.perf_counter() - started, **parts)
            )
            if patience is not None and _epochs_since_best(history) == 0:
                best, history.best_epoch = good, epoch + 1
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            bar.set_postfix_str(_summary(history.last, list(parts)[-1]))
            if checkpoint is not None:
                save_checkpoint(
                    checkpoint,
                    model,
                    history=history,
                    settings=settings,
                    optimizer=trainer.optimizer,
                    best=best,
                )
    except KeyboardInterrupt:
        history.interrupted = True
    except FloatingPointError:
        model.load_state_dict(good)
        raise
    finally:
        bar.close()
    if best is not None:
        model.load_state_dict(best)
    model.eval()
    return history


def data_settings(train: Batch, held_out: Batch | None) -> dict[str, str]:
    """Checksums of the data, which a resumed run must agree on as on any other setting."""
    parts = {"train data": train, "held-out data": held_out or ()}
    return {
        name: fingerprint({str(i): tensor for i, tensor in enumerate(part)})[:16]
        for name, part in parts.items()
    }


def _as_batch(name: str, data: Tensor | Batch | None, device: torch.device) -> Batch | None:
    """One or several tensors as a tuple on the device, all with the same number of rows."""
    if data is None:
        return None
    batch = (data,) if isinstance(data, Tensor) else tuple(data)
    if not batch or not all(isinstance(t, Tensor) for t in batch):
        raise ValueError(f"{name} must be a tensor or a tuple of tensors, but it is {type(data)}")
    rows = [len(t) for t in batch]
    if len(set(rows)) > 1 or rows[0] == 0:
        raise ValueError(f"{name} needs tensors with the same number of rows, at least 1: {rows}")
    return tuple(t.to(device) for t in batch)


def _check_rates(lr: float, weights: Mapping[str, float]) -> None:
    if not (math.isfinite(lr) and lr >= 0):
        raise ValueError(f"lr must be at least 0 and finite, but it is {lr}")
    for name, weight in weights.items():
        if not math.isfinite(weight):
            raise ValueError(f"weights[{name!r}] must be finite, but it is {weight}")


def _check_arguments(epochs, batch_size, held_out, patience, checkpoint, resume) -> None:
    for name, value in {"epochs": epochs, "batch_size": batch_size}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, but it is {value}")
    if patience is not None and (held_out is None or patience < 1):
        raise ValueError(f"patience={patience} needs held_out data and a value of at least 1")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint, the file to continue from")


def _require_finite_record(epoch: int, terms: Record) -> None:
    """Refuse an epoch whose last step left the range of numbers: it must not be kept."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise FloatingPointError(
                f"epoch {epoch}: the term {name!r} is {value} on the held-out data. {_PUT_BACK}"
            )


def _epochs_since_best(history: History) -> int:
    losses = history.column("held_out_loss") if len(history) else []
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _copy_state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _summary(record: Record, part: str) -> str:
    """The terms of one part, shortest form: 'held out: reconstruction 80.67, kl 24.90'."""
    start = f"{part}_"
    terms = [f"{k.removeprefix(start)} {v:.2f}" for k, v in record.items() if k.startswith(start)]
    return f"{part.replace('_', ' ')}: {', '.join(terms)}"
