"""The systems of the sources, layer for layer, each with the protocol it was trained by.

A preset is plain data: what to build, on which pixels, how to train it, what was published. The
sources' networks and hyper-parameters stand here once; `vae_teach.systems.reproduce` runs them.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch
from torch import nn

from vae_teach.data.treatments import TREATMENTS
from vae_teach.models.registry import MODELS, build_model
from vae_teach.systems.measures import MEASURES
from vae_teach.systems.optimizers import OPTIMIZERS, make_optimizer

SSE = {"name": "gaussian", "squash": True}  # sigma_x^2 = 1/2: the sum of squared errors
FLOOR, SOFTPLUS = "softplus + floor", "softplus"
REDUCTIONS, CONDITIONS = ("mean", "sum", "pixel"), (None, "label")


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
        steps, epochs: the source's own length; one of the two is None.
        reduction: "mean" over the batch of per-image sums, "sum" over the batch, or "pixel", the
            mean over the batch and the pixels.
        stages: (epochs, learning rate) one after another, where the source lowers the rate.
        condition: what the model is told beside the picture: "label" (one-hot), or None.
        start_from_average: set the output's biases from the average training image.
        importance_samples: K of the importance-sampled log p(x).
        measures: what is evaluated, names in `vae_teach.systems.measures.MEASURES`.
        published: numbers to compare with.
        published_curve: (epoch, training loss) pairs that the source printed.
        note: how the preset knowingly differs from the source.

    Raises:
        ValueError: when it is made, for a name that is not known, a count below 1, or a length
            that is given in both steps and epochs or in neither.
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
    reduction: str = "mean"
    stages: tuple[tuple[int, float], ...] = ()
    condition: str | None = None
    start_from_average: bool = False
    importance_samples: int = 128
    measures: tuple[str, ...] = ("test_elbo_closed",)
    published: tuple[Published, ...] = ()
    published_curve: tuple[tuple[int, float], ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for what, named, known in (
            ("model", [self.model[0]], MODELS),
            ("treatment", [self.treatment], TREATMENTS),
            ("optimizer", [self.optimizer.get("name")], OPTIMIZERS),
            ("reduction", [self.reduction], REDUCTIONS),
            ("condition", [self.condition], CONDITIONS),
            ("measures", self.measures, MEASURES),
            ("published", [p.measure for p in self.published], self.measures),
        ):
            for name in named:
                if name not in known:
                    raise ValueError(
                        f"{self.title}: {what} has {name!r}, but the known ones are "
                        f"{', '.join(map(str, known))}"
                    )
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                f"{self.title}: exactly one of steps and epochs must be given, but they are "
                f"{self.steps} and {self.epochs}"
            )
        lengths = {f"stages[{i}]": epochs for i, (epochs, _) in enumerate(self.stages)}
        for name in ("steps", "epochs", "batch_size", "train_images", "importance_samples"):
            lengths[name] = getattr(self, name)
        for name, length in lengths.items():
            if length is not None and length < 1:
                raise ValueError(f"{self.title}: {name} must be at least 1, but it is {length}")
        if self.validation < 0:
            raise ValueError(
                f"{self.title}: validation must be at least 0, but it is {self.validation}"
            )

    def build(self, seed: int) -> nn.Module:
        """The untrained model with weights drawn from `seed`."""
        name, config = self.model
        return build_model(name, config | {"seed": seed})

    def make_optimizer(
        self, parameters: Iterable[nn.Parameter], steps_per_epoch: int
    ) -> torch.optim.Optimizer:
        """The source's optimizer for these parameters."""
        stages = [(epochs * steps_per_epoch, lr) for epochs, lr in self.stages] or None
        return make_optimizer(parameters, **self.optimizer, stages=stages)

    def loss_factor(self, n_pixels: int) -> float:
        """The factor of every loss term against the mean over the batch of sums over pixels."""
        return {"mean": 1.0, "sum": float(self.batch_size), "pixel": 1 / n_pixels}[self.reduction]

    def planned_steps(self, n_train: int) -> int:
        """How many steps the source makes on `n_train` images."""
        if self.steps is not None:
            return self.steps
        return self.epochs * math.ceil(n_train / self.batch_size)

    def as_dict(self) -> dict:
        """Everything as plain values, for a protocol."""
        return asdict(self)


def _dense(
    hidden: tuple[int, ...], latent: int, decoder: tuple[int, ...] | None = None, *,
    positive: str, flow: dict | None = None, sampled_kl: bool = False, **options,
) -> tuple[str, dict]:  # fmt: skip
    """A `SourceVAE` 784-hidden-latent; the decoder mirrors the encoder unless it is given."""
    sizes = {"encoder_hidden": hidden, "latent_dim": latent}
    posterior = {"name": "gaussian", "sampled_kl": sampled_kl}
    posterior = ({"name": "flow"} | flow if flow else posterior) | {"positive": positive}
    sizes |= {"decoder_hidden": decoder or hidden[::-1], "posterior": posterior}
    return "SourceVAE", sizes | options


def _adam(**options) -> dict:
    return {"name": "Adam", "lr": 1e-3} | options


RMSPROP_TF = {"name": "RMSpropTF", "lr": 1e-3}
RMSPROP_CENTERED = {"name": "RMSprop", "lr": 1e-3, "centered": True}
FFL_OPTIMIZER = _adam(weight_decay=1e-5, clip=5.0)
FFL = {"activation": "elu", "positive": "exp", "initialization": "he-normal", "keep": 0.9}
KERAS = {"likelihood": SSE, "initialization": "glorot-uniform"}
SLIM = {"initialization": "glorot-uniform"}
BURDA_STAGES = tuple((3**i, 1e-4 * round(10 ** (1 - i / 7), 1)) for i in range(8))
MATHYBIT_LOSSES = (
    (1, 62.78), (2, 43.98), (3, 39.83), (4, 36.77), (5, 35.24), (6, 34.23),
    (10, 32.30), (20, 30.63), (30, 29.96), (40, 29.55), (50, 29.28),
)  # fmt: skip
CVAE_LOSSES = (
    (1, 52.22), (2, 32.62), (3, 29.31), (10, 25.27), (20, 24.14), (30, 23.60), (40, 23.31),
    (50, 23.11),
)  # fmt: skip

PRESETS: dict[str, Preset] = {
    "ffl50": Preset(
        title="Fast Forward Labs, the post: VAE with 50 latents",
        model=_dense((500, 500), 50, **FFL),
        treatment="grey",
        optimizer=FFL_OPTIMIZER,
        batch_size=128,
        validation=5_000,
        steps=20_000,
        note="clipping acts before the L2 term is added to the gradient, not after",
    ),
    "ffl2": Preset(
        title="Fast Forward Labs, the repository: VAE with 2 latents",
        model=_dense((500, 500), 2, **FFL),
        treatment="grey",
        optimizer=FFL_OPTIMIZER | {"lr": 5e-4},
        batch_size=128,
        validation=5_000,
        steps=2_000,
        note="clipping acts before the L2 term is added to the gradient, not after",
    ),
    "mathybit": Preset(
        title="mathybit k_vae0: VAE whose second head is sigma itself",
        model=_dense((250,), 30, (320,), positive="raw", **KERAS),
        treatment="grey",
        optimizer=_adam(eps=1e-7),
        batch_size=250,
        epochs=50,
        measures=("training_loss", "test_loss", "test_sse_of_mean"),
        published=(
            Published("training_loss", 29.28, "the notebook's printed loss of epoch 50"),
            Published("test_loss", 29.16, "its published weights, measured by us"),
            Published("test_sse_of_mean", 11.82, "its published weights, measured by us"),
        ),
        published_curve=MATHYBIT_LOSSES,
    ),
    "mathybit-logvar": Preset(
        title="mathybit k_vae0, second head log sigma^2",
        model=_dense((250,), 30, (320,), positive="half-logvar", **KERAS),
        treatment="grey",
        optimizer=_adam(eps=1e-7),
        batch_size=250,
        epochs=50,
        measures=("training_loss", "test_loss", "test_sse_of_mean"),
    ),
    "mathybit-ae": Preset(
        title="mathybit k_auto0: autoencoder with 16 codes",
        model=(
            "SourceAutoencoder",
            {
                "encoder_hidden": (250,),
                "latent_dim": 16,
                "decoder_hidden": (320,),
                "initialization": "glorot-uniform",
            },
        ),
        treatment="grey",
        optimizer=_adam(eps=1e-7),
        batch_size=200,
        epochs=50,
        reduction="pixel",
        measures=("test_mse",),
        published=(Published("test_mse", 0.0117, "its published weights, measured by us"),),
    ),
    "mathybit-conv-ae": Preset(
        title="mathybit k_auto_conv1: convolutional autoencoder with 16 codes",
        model=("ConvAutoencoder", {}),
        treatment="grey",
        optimizer=_adam(eps=1e-7),
        batch_size=150,
        epochs=20,
        reduction="pixel",
        measures=("test_mse",),
    ),
    "mathybit-cvae": Preset(
        title="mathybit k_cvae0: convolutional CVAE whose decoder is told the label",
        model=("LabelConvCVAE", {}),
        treatment="grey",
        condition="label",
        optimizer=_adam(eps=1e-7),
        batch_size=250,
        epochs=50,
        measures=("training_loss", "test_loss", "test_sse_of_mean"),
        published=(
            Published("training_loss", 23.11, "the notebook's printed loss of epoch 50"),
            Published(
                "test_loss", 23.93, "its published weights, measured by us on 6,000 pictures"
            ),
        ),
        published_curve=CVAE_LOSSES,
    ),
    "doersch": Preset(
        title="Doersch, the tutorial's Caffe VAE",
        model=_dense(
            (1000, 500, 250),
            30,
            positive="exp",
            scale_head="before",
            initialization="caffe-sparse",
            heads_initialization="caffe-dense",
        ),
        treatment="grey",
        # Caffe's default momentum is 0, which is Adam's beta_1
        optimizer=_adam(betas=(0.0, 0.999), weight_decay=5e-4),
        batch_size=100,
        steps=60_000,
    ),
    "altosaar2": Preset(
        title="Altosaar, the script of 2016 that drew the post's figures: 2 latents",
        model=_dense((200, 200), 2, positive=FLOOR, **SLIM),
        treatment="threshold",
        optimizer=RMSPROP_TF,
        batch_size=64,
        steps=1_000,
        reduction="sum",
    ),
    "altosaar-tf": Preset(
        title="Altosaar, the TensorFlow version: 100 latents",
        model=_dense((200, 200), 100, positive=SOFTPLUS, **SLIM),
        treatment="fixed",
        optimizer=RMSPROP_TF,
        batch_size=64,
        validation=10_000,
        steps=100_000,
        reduction="sum",
        measures=("test_elbo", "test_log_px"),
        note="the fixed binarisation is a draw of our own, not Larochelle's",
    ),
    "altosaar-mf": Preset(
        title="Altosaar, PyTorch: diagonal Gaussian posterior, 128 latents",
        model=_dense((256, 256), 128, positive=SOFTPLUS, sampled_kl=True),
        treatment="fixed",
        optimizer=RMSPROP_CENTERED,
        batch_size=128,
        validation=10_000,
        steps=65_000,
        reduction="sum",
        measures=("test_elbo", "test_log_px"),
        published=(
            Published("test_elbo", -103.31, "the repository's README, step 65,000"),
            Published("test_log_px", -97.10, "the repository's README, step 65,000, K = 128"),
        ),
        note="the fixed binarisation is a draw of our own, not Larochelle's; no early stopping",
    ),
    "altosaar-iaf": Preset(
        title="Altosaar, PyTorch: inverse autoregressive flow posterior, 128 latents",
        model=_dense((256, 256), 128, positive=SOFTPLUS, flow={"depth": 2, "hidden": 256}),
        treatment="fixed",
        optimizer=RMSPROP_CENTERED,
        batch_size=128,
        validation=10_000,
        steps=150_000,
        reduction="sum",
        measures=("test_elbo", "test_log_px"),
        published=(
            Published("test_elbo", -101.64, "the repository's README, step 150,000"),
            Published("test_log_px", -95.33, "the repository's README, step 150,000, K = 128"),
        ),
        note="the fixed binarisation is a draw of our own, not Larochelle's; no early stopping",
    ),
    "lazy": Preset(
        title="lazyprogrammer vae_tf.py: VAE [200, 100]",
        model=_dense((200,), 100, positive=FLOOR, initialization="twice-normal"),
        treatment="threshold",
        optimizer=RMSPROP_TF,
        batch_size=64,
        train_images=42_000,
        epochs=30,
        reduction="sum",
        note="the first 42,000 training images stand for Kaggle's train.csv; "
        "the last, partial batch of an epoch is used",
    ),
    "lazy2": Preset(
        title="lazyprogrammer visualize_latent_space.py: VAE [200, 100, 2]",
        model=_dense((200, 100), 2, positive=FLOOR, initialization="twice-normal"),
        treatment="threshold",
        optimizer=RMSPROP_TF,
        batch_size=64,
        train_images=42_000,
        epochs=30,
        reduction="sum",
        note="the first 42,000 training images stand for Kaggle's train.csv; "
        "the last, partial batch of an epoch is used",
    ),
    "lazy-theano": Preset(
        title="lazyprogrammer vae_theano.py: VAE [200, 100]",
        model=_dense((200,), 100, positive=FLOOR, initialization="he-normal"),
        treatment="threshold",
        optimizer=RMSPROP_TF,
        batch_size=64,
        train_images=42_000,
        epochs=30,
        reduction="sum",
        note="logits where the source takes logarithms of probabilities",
    ),
    "lazy-ae": Preset(
        title="lazyprogrammer autoencoder_tf.py: autoencoder 784-300-784",
        model=(
            "SourceAutoencoder",
            {
                "encoder_hidden": (),
                "latent_dim": 300,
                "decoder_hidden": (),
                "code_activation": "relu",
                "initialization": "fan-out-normal",
                "error": "cross_entropy",
            },
        ),
        treatment="grey",
        optimizer=RMSPROP_TF,
        batch_size=64,
        train_images=42_000,
        epochs=30,
        reduction="sum",
        measures=("test_cross_entropy",),
        note="the first 42,000 training images stand for Kaggle's train.csv; "
        "the last, partial batch of an epoch is used",
    ),
    "burda1": Preset(
        title="Burda, Grosse & Salakhutdinov: one stochastic layer of 50, VAE with one sample",
        model=_dense(
            (200, 200),
            50,
            activation="tanh",
            positive="exp",
            initialization="glorot-uniform",
            sampled_kl=True,
        ),
        treatment="stochastic",
        optimizer={"name": "AdamBurda", "lr": 1e-3},
        batch_size=20,
        validation=400,
        epochs=sum(epochs for epochs, _ in BURDA_STAGES),
        reduction="sum",
        stages=BURDA_STAGES,
        start_from_average=True,
        importance_samples=5_000,
        measures=("test_elbo", "test_log_px", "active_units"),
        published=(
            Published("test_log_px", -86.76, "Table 1, one layer, VAE, k = 1, K = 5,000"),
            Published("active_units", 19.0, "Table 1, one layer, VAE, k = 1"),
        ),
    ),
}


def get_preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        ValueError: naming those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"preset is {name!r}, but the known ones are {', '.join(PRESETS)}")
    return PRESETS[name]
