"""A preset: one of the sources' systems as plain data, with the protocol it was trained by.

What to build, on which pixels, how to train it, what was published. `vae_teach.systems.table` has
one entry a system, and `vae_teach.systems.reproduce` runs them.
"""

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.treatments import TREATMENTS, treat
from vae_teach.models.completion import Completer, column_task
from vae_teach.models.conditional import one_hot
from vae_teach.models.layers import count_parameters
from vae_teach.models.registry import MODELS, build_model
from vae_teach.systems.measures import MEASURES
from vae_teach.systems.optimizers import OPTIMIZERS, make_optimizer
from vae_teach.systems.pixels import Pixels, treated
from vae_teach.training.early_stopping import EarlyStopping

REDUCTIONS, CONDITIONS = ("mean", "sum", "pixel"), (None, "label", "column")


@dataclass(frozen=True)
class Published:
    """A number that a source printed, and where."""

    measure: str  # a key of `vae_teach.systems.measures.MEASURES`
    value: float
    where: str


@dataclass(frozen=True)
class Preset:
    """One system: architecture, data treatment, optimizer, schedule, and what was published.

    Attributes:
        title: who built it and what it is.
        model: class name and arguments, for `build_model`.
        treatment: of pixels, see `vae_teach.data.treat`.
        train_images: how many training images are used, from the first on; None for all.
        validation: how many training images are held out of the fit, from the last on.
        optimizer: arguments of `make_optimizer`.
        batch_size: images a step.
        steps, epochs: the source's own length, or the most where it stops early; one is None.
        early_stopping: by the bound on the validation pictures; the best weights are evaluated.
            None for a source that evaluates the last.
        reduction: "mean" over the batch of per-image sums, "sum" over the batch, or "pixel", the
            mean over the batch and the pixels.
        stages: (epochs, learning rate) one after another, where the source lowers the rate.
        condition: what the model is told: None, "label" (one-hot, beside the picture), or "column"
            (column 13, binarised anew at every pass, and asked for the other 27).
        start_from_average: set the output's biases from the average training image.
        importance_samples: K of the importance-sampled log p(x).
        measures: what is evaluated, names in `vae_teach.systems.measures.MEASURES`.
        published: numbers to compare with.
        published_curve: (epoch, training loss) pairs that the source printed.
        published_validations: (step, ELBO, log p(x)) of validation pictures that it printed.
        note: how the preset knowingly differs from the source.

    Raises:
        ValueError: when it is made, for a name that is not known, a count below 1, or a length
            that is given in both steps and epochs or in neither, or early stopping of a preset
            without validation pictures, or whose pictures are drawn anew or come with a condition.
    """

    title: str
    model: tuple[str, dict]
    treatment: str
    optimizer: dict
    batch_size: int
    train_images: int | None = None
    validation: int = 0
    steps: int | None = None
    epochs: int | None = None
    early_stopping: EarlyStopping | None = None
    reduction: str = "mean"
    stages: tuple[tuple[int, float], ...] = ()
    condition: str | None = None
    start_from_average: bool = False
    importance_samples: int = 128
    measures: tuple[str, ...] = ("test_elbo_closed",)
    published: tuple[Published, ...] = ()
    published_curve: tuple[tuple[int, float], ...] = ()
    published_validations: tuple[tuple[int, float, float], ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for what, named, known in self._names():
            for name in named:
                if name not in known:
                    known_ones = ", ".join(map(str, known))
                    raise ValueError(
                        f"{self.title}: {what} has {name!r}, but the known ones are {known_ones}"
                    )
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                f"{self.title}: exactly one of steps and epochs must be given, but they are "
                f"{self.steps} and {self.epochs}"
            )
        lone = self.condition is None and self.treatment != "stochastic"
        if self.early_stopping is not None and not (self.validation and lone):
            raise ValueError(
                f"{self.title}: early stopping needs validation pictures of a fixed treatment and "
                f"without a condition, but validation is {self.validation}, the treatment "
                f"{self.treatment} and the condition {self.condition}"
            )
        for name, length, least in self._lengths():
            if length is not None and length < least:
                raise ValueError(
                    f"{self.title}: {name} must be at least {least}, but it is {length}"
                )

    def _names(self) -> Iterator[tuple[str, Collection, Collection]]:
        """Every field that holds names: the field, its names and those that are known."""
        yield "model", [self.model[0]], MODELS
        yield "treatment", [self.treatment], TREATMENTS
        yield "optimizer", [self.optimizer.get("name")], OPTIMIZERS
        yield "reduction", [self.reduction], REDUCTIONS
        yield "condition", [self.condition], CONDITIONS
        yield "measures", self.measures, MEASURES
        yield "published", [p.measure for p in self.published], self.measures

    def _lengths(self) -> Iterator[tuple[str, int | None, int]]:
        """Every field that is a count: the field, its value and the least that it may be."""
        for i, (epochs, _) in enumerate(self.stages):
            yield f"stages[{i}]", epochs, 1
        for name in ("steps", "epochs", "batch_size", "train_images", "importance_samples"):
            yield name, getattr(self, name), 1
        yield "validation", self.validation, 0

    def build(self, seed: int) -> nn.Module:
        """The untrained model with weights drawn from `seed`; it takes whole pictures."""
        name, config = self.model
        model = build_model(name, config | {"seed": seed})
        return Completer(model, column_task()) if self.condition == "column" else model

    def make_optimizer(
        self, parameters: Iterable[nn.Parameter], steps_per_epoch: int
    ) -> torch.optim.Optimizer:
        """The source's optimizer for these parameters."""
        stages = [(epochs * steps_per_epoch, lr) for epochs, lr in self.stages] or None
        return make_optimizer(parameters, **self.optimizer, stages=stages)

    def loss_scale(self, n_pixels: int) -> float:
        """The factor of the loss against the mean over the batch of sums over pixels."""
        return {"mean": 1.0, "sum": float(self.batch_size), "pixel": 1 / n_pixels}[self.reduction]

    def planned_steps(self, n_train: int) -> int:
        """How many steps the source makes on `n_train` images, or the most if it stops early."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None  # one of the two is given
        return self.epochs * math.ceil(n_train / self.batch_size)

    def pixels(self, dataset: Dataset, *, seed: int, n_test: int | None = None) -> Pixels:
        """The pictures of a run, split and treated; a stochastic test set is drawn once, from seed.

        Args:
            dataset: where they come from; at most a fifth of its training pictures is held out.
            seed: of the test set's treatment.
            n_test: how many test pictures, from the first on; None for all.

        Raises:
            ValueError: if the model is told labels and there are none.
        """
        if self.validation:
            dataset = dataset.with_validation(min(self.validation, len(dataset.train) // 5))
        train, test = dataset.train[: self.train_images], dataset.test[:n_test]
        given = self._condition(train), self._condition(test)
        pixels = treated(train.images, test.images, self.treatment, seed, given)
        if self.early_stopping is None or dataset.validation is None:
            return pixels
        return replace(pixels, validation=treat(dataset.validation.images, self.treatment))

    def _condition(self, split: Split) -> tuple[Tensor, ...]:
        """What a model is told beside each picture: its label, or nothing."""
        if self.condition != "label":
            return ()
        if split.labels is None:
            raise ValueError(f"{self.title} is told each picture's label, but there are no labels")
        return (one_hot(split.labels),)

    def protocol(self, model: nn.Module) -> dict:
        """How `model`, which this preset built, is trained: as plain values, for a result."""
        told = asdict(self)
        name, config = self.model
        kept = ("treatment", "condition", "optimizer", "batch_size", "reduction", "stages", "note")
        built = {"model": name, "config": config, "parameters": count_parameters(model)}
        early = () if self.early_stopping is None else ("early_stopping",)
        return built | {key: told[key] for key in (*kept, *early)}
