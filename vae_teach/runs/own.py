"""Train a VAE on any data set of the kit and leave a folder with everything that came of it.

The folder has the checkpoint that a later call goes on from, the finished model, what was drawn of
it, an explorer, and `run.json`: the protocol, the results and where they come from.
Shapes: N pictures, D pixels, L latent.
"""

import inspect
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from vae_teach.data.dataset import Dataset, Split
from vae_teach.machine.device import pick_device
from vae_teach.machine.one_writer import one_writer
from vae_teach.models.convolutional import ConvVAE
from vae_teach.models.layers import count_parameters
from vae_teach.models.likelihoods import LIKELIHOODS
from vae_teach.models.vae import VAE
from vae_teach.runs.folder import (
    CHECKPOINT,
    MODEL,
    claim,
    draw_run,
    epochs_kept,
    write_record,
)
from vae_teach.training.checkpoint import save_checkpoint
from vae_teach.training.history import History
from vae_teach.training.loop import EVALUATION_BATCH, fit
from vae_teach.training.provenance import provenance

FORMAT = "vae_teach run 1"
MOST_PARAMETERS = 200_000_000  # in float32 with Adam and the best epoch 3.2 GB
STEPS, FEWEST_EPOCHS = 5_000, 10  # how long a run is unless it is told

# Colour is never black and white, so a coin per channel says little; the noise of a Gaussian is
# learned with the rest and needs no choice. Source: Rybkin et al. 2021 (arXiv:2006.13202).
COLOUR_LIKELIHOOD = {"name": "learned_gaussian", "sigma_x": 0.2, "squash": True}


@dataclass(frozen=True)
class Plan:
    """What to train. None stands for a default that depends on the data: see `completed`."""

    hidden: tuple[int, ...] = (400,)
    conv: tuple[int, ...] = ()  # channels of the convolutions before `hidden`; none: a dense VAE
    latent_dim: int = 8
    likelihood: str | dict | None = None
    epochs: int | None = None
    batch_size: int = 128
    lr: float = 1e-3
    beta: float = 1.0
    patience: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {
            "latent_dim": (1, 10_000), "batch_size": (1, 1_000_000), "epochs": (1, 100_000_000),
            "patience": (0, 100_000_000), "seed": (0, 2**63 - 1),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                side = f"at least {low}" if value < low else f"at most {high:,}"
                raise ValueError(f"{name} must be {side}, but it is {value}")
        if not self.hidden or not all(1 <= size <= 100_000 for size in self.hidden):
            raise ValueError(f"hidden must be sizes from 1 to 100,000, but it is {self.hidden}")
        if not all(1 <= channels <= 1_000 for channels in self.conv):
            raise ValueError(f"conv must be channels from 1 to 1,000, but it is {self.conv}")
        if isinstance(self.likelihood, str) and self.likelihood not in LIKELIHOODS:
            raise ValueError(
                f"likelihood is {self.likelihood!r}, but the known ones are "
                f"{', '.join(LIKELIHOODS)}"
            )
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be positive and finite, but it is {self.lr}")
        if not (math.isfinite(self.beta) and self.beta >= 0):
            raise ValueError(f"beta must be at least 0 and finite, but it is {self.beta}")

    def likelihood_for(self, image_shape: tuple[int, ...]) -> str | dict:
        """The one asked for, else a learned Gaussian for colour and a Bernoulli for grey."""
        if isinstance(self.likelihood, dict):
            return self.likelihood
        if self.likelihood is not None:
            options = inspect.signature(LIKELIHOODS[self.likelihood]).parameters
            squashed = {"name": self.likelihood, "squash": True}  # pixels stay in [0, 1]
            return squashed if "squash" in options else self.likelihood
        return COLOUR_LIKELIHOOD if len(image_shape) == 3 and image_shape[0] == 3 else "bernoulli"

    def epochs_for(self, n_train: int) -> int:
        """The epochs asked for, else as many as make about 5,000 steps, and at least 10."""
        per_epoch = math.ceil(n_train / self.batch_size)
        return self.epochs or max(FEWEST_EPOCHS, math.ceil(STEPS / per_epoch))


def train_run(
    dataset: Dataset, out: str | Path, plan: Plan, *, device: str | None = None, progress=True
) -> dict:
    """Train, or go on with what the folder has, and write every result into it.

    Args:
        dataset: a tenth of its training pictures is held out for the curves and for stopping.
        out: the folder; made if it does not exist.
        plan: what to train.
        device: where to compute, see `pick_device`.
        progress: show a bar.

    Returns:
        What stands in run.json.

    Raises:
        ValueError: if the folder holds something else, or a run of other pictures or settings
            (the message has both values), if the model is too large, or if training leaves the
            range of numbers.
        OSError: if nothing can be written into the folder.
        KeyboardInterrupt: if the reader interrupts; every whole epoch is in the checkpoint.
    """
    where = pick_device(device)
    if dataset.validation is None:
        dataset = dataset.with_validation(min(10_000, max(1, len(dataset.train) // 10)))
    out = Path(out)
    _require_memory(dataset, plan)
    model = _model(dataset, plan)
    record = _record(dataset, model, plan, where)
    with one_writer(out):
        old = claim(out, record)["protocol"]
        kept = epochs_kept(out)
        history = _fit(model, dataset, out, plan, where, progress)
        if len(history) == kept:  # nothing was trained, so what was asked before made this model
            record["protocol"] |= {name: old[name] for name in ("epochs", "patience")}
        record |= {"results": {"test": _test(model, dataset, plan.seed)}}
        record |= {"history": history.rounded()}
        record["protocol"] |= {"epochs_made": len(history), "best_epoch": history.best_epoch}
        record["provenance"] |= {"training_minutes": history.minutes}
        save_checkpoint(out / MODEL, model, history=history, settings={})
        write_record(out, record)  # before what is drawn, which the same call draws again
        _draw(model, dataset, history, out)
    return record


def _model(dataset: Dataset, plan: Plan) -> VAE:
    likelihood = plan.likelihood_for(dataset.image_shape)
    if plan.conv:
        return ConvVAE(
            dataset.image_shape, plan.conv, plan.hidden, plan.latent_dim,
            likelihood=likelihood, seed=plan.seed,
        )  # fmt: skip
    return VAE(
        dataset.train.images.shape[1], plan.hidden, plan.latent_dim, plan.hidden[::-1],
        likelihood=likelihood, seed=plan.seed,
    )  # fmt: skip


def _draw(model: VAE, dataset: Dataset, history: History, out: Path) -> None:
    try:
        draw_run(model, dataset, history, out)
    except ValueError as error:
        raise ValueError(
            f"{out} has the model and its results, but not every picture of it: {error}"
        ) from error


def _require_memory(dataset: Dataset, plan: Plan) -> None:
    """Refuse a model that no teaching machine holds: its weights, Adam's two copies, the best."""
    n_pixels = dataset.train.images.shape[1]
    # what the convolutions leave: a quarter of the places each time, with the last one's channels
    first = n_pixels // 4 ** len(plan.conv) * plan.conv[-1] if plan.conv else n_pixels
    sides = (first, *plan.hidden, plan.latent_dim)
    count = 2 * sum(a * b for a, b in pairwise(sides))
    if count > MOST_PARAMETERS:
        raise ValueError(
            f"{n_pixels:,} pixel values, hidden {plan.hidden} and latent_dim {plan.latent_dim} "
            f"make {count:,} weights, but at most {MOST_PARAMETERS:,} are trained here: "
            "take smaller pictures or layers"
        )


def _validation(dataset: Dataset) -> Split:
    if dataset.validation is None:
        raise ValueError(f"{dataset.name} has no validation images: call with_validation first")
    return dataset.validation


def _record(dataset: Dataset, model: VAE, plan: Plan, where: torch.device) -> dict:
    counts = {f"{name}_images": len(getattr(dataset, name)) for name in ("train", "test")}
    return {
        "format": FORMAT,
        "protocol": {
            "data": dataset.name,
            "image_shape": list(dataset.image_shape),
            **counts,
            "validation_images": len(_validation(dataset)),
            "model": type(model).__name__,
            "config": model.config,
            "parameters": count_parameters(model),
            "optimizer": "Adam",
            "learning_rate": plan.lr,
            "batch_size": plan.batch_size,
            "beta": plan.beta,
            "patience": plan.patience,
            "seed": plan.seed,
            "epochs": plan.epochs_for(len(dataset.train)),
        },
        "provenance": provenance(dataset, where),
    }


def _fit(model: VAE, dataset: Dataset, out: Path, plan: Plan, where, progress) -> History:
    """Train from the checkpoint on, if there is one; raise KeyboardInterrupt if stopped."""
    try:
        history = fit(
            model, dataset.train.images, _validation(dataset).images,
            epochs=plan.epochs_for(len(dataset.train)), batch_size=plan.batch_size, lr=plan.lr,
            seed=plan.seed, weights={} if plan.beta == 1 else {"kl": plan.beta},
            patience=plan.patience or None, checkpoint=out / CHECKPOINT, resume=True,
            device=where, progress=progress,
        )  # fmt: skip
    except FloatingPointError as error:
        raise ValueError(str(error)) from error
    if history.interrupted:
        raise KeyboardInterrupt
    return history


@torch.no_grad()
def _test(model: VAE, dataset: Dataset, seed: int) -> dict:
    """Averages over the test pictures, which training and stopping never saw."""
    images = dataset.test.images
    where = next(model.parameters()).device
    generator = torch.Generator(where).manual_seed(seed)
    totals = {"reconstruction": 0.0, "kl": 0.0, "squared_error": 0.0}
    for x in images.split(EVALUATION_BATCH):
        x = x.to(where)
        terms = model.loss_terms(x, generator=generator)
        terms["squared_error"] = (model.reconstruct(x) - x).square().sum(-1)
        for name, value in terms.items():
            totals[name] += value.sum().item() / len(images)
    found = {
        "negative_elbo_nats": totals["reconstruction"] + totals["kl"],
        "kl_nats": totals["kl"],
        "pixel_error": math.sqrt(totals["squared_error"] / images.shape[1]),
    }
    if hasattr(model.likelihood, "sigma_x"):
        found["sigma_x"] = model.likelihood.sigma_x
    return {name: float(f"{value:.6g}") for name, value in found.items()}
