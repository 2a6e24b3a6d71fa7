"""What a reproduced system is judged by: one function per published kind of number.

Each takes a `Trained` and returns a `Value`; `MEASURES` names them. Nats per picture unless the
unit says otherwise.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from vae_teach import evaluate
from vae_teach.training.history import History

ELBO_DRAWS = 16  # where a preset asks for no log p(x): enough for the error to be in the images


def sse_constant(n_pixels: int) -> float:
    """What a Gaussian NLL with sigma_x^2 = 1/2 has on top of the sum of squared errors, in nats."""
    return 0.5 * n_pixels * math.log(math.pi)


@dataclass(frozen=True)
class Trained:
    """A model after training, and the test pictures as its preset treats them."""

    model: Any  # each measure asks for what it needs
    history: History
    test: Tensor  # (N, D), on the model's device
    importance_samples: int
    seed: int
    given: tuple[Tensor, ...] = ()  # what a conditional model is told: nothing, or one (N, C)

    def batches(self, size: int = 1_000) -> Iterator[tuple[Tensor, ...]]:
        """The test pictures, each with what is given beside it, `size` at a time."""
        return zip(*(tensor.split(size) for tensor in (self.test, *self.given)), strict=True)

    @property
    def generator(self) -> torch.Generator:
        """Fresh noise from the seed: a measure does not depend on which were taken before it."""
        return torch.Generator(self.test.device).manual_seed(self.seed)

    @cached_property
    def bounds(self) -> evaluate.Bounds:
        """ELBO and log p(x) from the same draws."""
        return evaluate.importance_bounds(
            self.model, self.test, n_samples=self.importance_samples, generator=self.generator
        )

    @property
    def sse_constant(self) -> float:
        """`sse_constant` of the test pictures."""
        return sse_constant(self.test.shape[1])


@dataclass(frozen=True)
class Value:
    """One measured number with what it was measured on."""

    value: float
    standard_error: float | None = None  # over the test pictures
    samples: int | None = None  # draws of z per picture
    images: int | None = None


@dataclass(frozen=True)
class Measure:
    """A kind of number: what it is, in which unit, and how it is taken."""

    title: str
    unit: str
    take: Callable[[Trained], Value]
    digits: int = 2


def _of(estimate: evaluate.PerImage, samples: int) -> Value:
    return Value(estimate.mean, estimate.standard_error, samples, len(estimate.per_image))


def _test_elbo(run: Trained) -> Value:
    return _of(run.bounds.elbo, run.bounds.n_samples)


def _test_log_px(run: Trained) -> Value:
    return _of(run.bounds.log_px, run.bounds.n_samples)


def _test_elbo_alone(run: Trained) -> Value:
    estimate = evaluate.elbo(run.model, run.test, n_samples=ELBO_DRAWS, generator=run.generator)
    return _of(estimate, ELBO_DRAWS)


def _training_loss(run: Trained) -> Value:
    last = run.history.last
    return Value(last["train_reconstruction"] + last["train_kl"] - run.sse_constant, samples=1)


@torch.no_grad()
def _conditional_elbo(run: Trained) -> Value:
    """The bound on log p(x|c), averaged over draws of z, and of c where that is drawn."""
    generator, totals = run.generator, []
    for batch in run.batches():
        draws = [
            sum(run.model.loss_terms(*batch, generator=generator).values())
            for _ in range(ELBO_DRAWS)
        ]
        totals.append(-torch.stack(draws).mean(dim=0))
    return _from(torch.cat(totals).double())


def _test_given(run: Trained) -> Value:
    value = _conditional_elbo(run)
    return Value(value.value, value.standard_error, ELBO_DRAWS, len(run.test))


def _test_loss(run: Trained) -> Value:
    value = _conditional_elbo(run) if run.given else _test_elbo_alone(run)
    return Value(-value.value - run.sse_constant, value.standard_error, ELBO_DRAWS, len(run.test))


@torch.no_grad()
def _errors(run: Trained) -> Tensor:
    """Sum of squared errors per picture, (N,); of a VAE, of the picture decoded from the mean."""
    rebuild = getattr(run.model, "reconstruct", run.model)
    parts = [(rebuild(*batch) - batch[0]).square().sum(dim=-1) for batch in run.batches()]
    return torch.cat(parts).double()


def _from(per_picture: Tensor, factor: float = 1.0) -> Value:
    values = per_picture * factor
    error = values.std().item() / math.sqrt(len(values))
    return Value(values.mean().item(), error, images=len(values))


def _test_sse_of_mean(run: Trained) -> Value:
    return _from(_errors(run))


def _test_mse(run: Trained) -> Value:
    return _from(_errors(run), 1 / run.test.shape[1])


@torch.no_grad()
def _test_cross_entropy(run: Trained) -> Value:
    parts = [run.model.loss_terms(x)["cross_entropy"] for x in run.test.split(1_000)]
    return _from(torch.cat(parts).double())


def _active_units(run: Trained) -> Value:
    return Value(float(evaluate.active_units(run.model, run.test).count), images=len(run.test))


MEASURES = {
    "test_elbo": Measure("test ELBO", "nats", _test_elbo),
    "test_elbo_closed": Measure("test ELBO, KL in closed form", "nats", _test_elbo_alone),
    "test_given": Measure("test ELBO of 27 columns given one", "nats", _test_given),
    "test_log_px": Measure("test log p(x), importance-sampled", "nats", _test_log_px),
    "active_units": Measure("active units", "latents", _active_units, digits=0),
    "training_loss": Measure(
        "training loss of the last epoch, squared error + KL", "per picture", _training_loss
    ),
    "test_loss": Measure("test squared error + KL, z sampled", "per picture", _test_loss),
    "test_sse_of_mean": Measure("test squared error, z = mean", "per picture", _test_sse_of_mean),
    "test_mse": Measure("test squared error", "per pixel", _test_mse, digits=4),
    "test_cross_entropy": Measure("test cross-entropy", "nats", _test_cross_entropy),
}
