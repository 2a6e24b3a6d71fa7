"""The systems of the sources, layer for layer: one entry a system.

What a number here means says `Preset`; what stands in several entries is said once above them.
"""

from dataclasses import replace
from typing import Any

from vae_teach.systems.presets import Preset, Published
from vae_teach.training.early_stopping import EarlyStopping

SSE = {"name": "gaussian", "squash": True}  # sigma_x^2 = 1/2: the sum of squared errors
FLOOR, SOFTPLUS = "softplus + floor", "softplus"
CLIPPED_FIRST = "clipping acts before the L2 term is added to the gradient, not after"
OWN_BINARISATION = (
    "the fixed binarisation is a draw of our own, not Larochelle's, unless his files are given"
)
MOST_STEPS = 300_000  # where the source sets no limit but early stopping: twice its longest log
NOT_KAGGLE = (
    "the first 42,000 training images stand for Kaggle's train.csv; "
    "the last, partial batch of an epoch is used"
)
MEASURED_BY_US = "its published weights, measured by us"


def _dense(
    hidden: tuple[int, ...], latent: int, decoder: tuple[int, ...] | None = None, *,
    positive: str, flow: dict | None = None, sampled_kl: bool = False, **options,
) -> tuple[str, dict]:  # fmt: skip
    """A `SourceVAE` 784-hidden-latent; the decoder mirrors the encoder unless it is given."""
    sizes: dict[str, Any] = {"encoder_hidden": hidden, "latent_dim": latent}
    posterior = {"name": "gaussian", "sampled_kl": sampled_kl}
    posterior = ({"name": "flow"} | flow if flow else posterior) | {"positive": positive}
    sizes |= {"decoder_hidden": decoder or hidden[::-1], "posterior": posterior}
    return "SourceVAE", sizes | options


def _adam(**options) -> dict:
    return {"name": "Adam", "lr": 1e-3} | options


RMSPROP_TF = {"name": "RMSpropTF", "lr": 1e-3}
RMSPROP_CENTERED = {"name": "RMSprop", "lr": 1e-3, "centered": True}
KERAS: dict[str, Any] = {"likelihood": SSE, "initialization": "glorot-uniform"}
SLIM: dict[str, Any] = {"initialization": "glorot-uniform"}
BURDA_STAGES = tuple((3**i, 1e-4 * round(10 ** (1 - i / 7), 1)) for i in range(8))
MATHYBIT_LOSSES = (
    (1, 62.78), (2, 43.98), (3, 39.83), (4, 36.77), (5, 35.24), (6, 34.23),
    (10, 32.30), (20, 30.63), (30, 29.96), (40, 29.55), (50, 29.28),
)  # fmt: skip
CVAE_LOSSES = (
    (1, 52.22), (2, 32.62), (3, 29.31), (10, 25.27), (20, 24.14), (30, 23.60), (40, 23.31),
    (50, 23.11),
)  # fmt: skip
# The README's log of either posterior: (step, validation bound, validation log p(x))
MEAN_FIELD_LOG = (
    (0, -391.84, -363.25), (5_000, -112.57, -107.01), (10_000, -108.49, -102.62),
    (15_000, -106.97, -100.97), (20_000, -106.23, -100.04), (25_000, -104.89, -98.83),
    (30_000, -104.50, -98.34), (35_000, -104.05, -97.87), (40_000, -104.10, -97.68),
    (45_000, -104.58, -97.76), (50_000, -104.72, -97.81), (55_000, -105.14, -98.06),
    (60_000, -104.13, -97.30), (65_000, -104.46, -97.43),
)  # fmt: skip
FLOW_LOG = (
    (0, -407.06, -367.88), (10_000, -110.12, -104.00), (20_000, -105.02, -99.11),
    (30_000, -103.76, -97.71), (40_000, -103.71, -97.27), (50_000, -102.97, -96.60),
    (60_000, -102.82, -96.49), (70_000, -102.63, -96.22), (80_000, -102.53, -96.09),
    (90_000, -102.33, -96.00), (100_000, -102.48, -95.92), (110_000, -102.81, -96.09),
    (120_000, -102.53, -95.80), (130_000, -103.56, -96.26), (140_000, -102.81, -95.86),
    (150_000, -103.06, -95.92),
)  # fmt: skip

# Fast Forward Labs' class updates this dictionary with one of a run; `dropout` is the share kept.
FFL_DEFAULTS: dict[str, Any] = {
    "batch_size": 128,
    "learning_rate": 1e-3,
    "dropout": 1.0,
    "lambda_l2_reg": 0.0,
    "nonlinearity": "elu",
    "squashing": "sigmoid",
}
FFL_RUNS: dict[str, dict[str, Any]] = {
    "ffl50": {"dropout": 0.9, "lambda_l2_reg": 1e-5},
    "ffl2": {"learning_rate": 5e-4, "dropout": 0.9, "lambda_l2_reg": 1e-5},
}


def ffl(title: str, latent: int, steps: int, given: dict[str, Any]) -> Preset:
    """Fast Forward Labs' VAE 784-500-500-latent with its class's defaults and what a run gives.

    Raises:
        ValueError: for a setting that the class does not have, or another output than a sigmoid.
    """
    if unknown := given.keys() - FFL_DEFAULTS.keys():
        raise ValueError(f"{title}: the class has no {sorted(unknown)}")
    told = FFL_DEFAULTS | given
    if told["squashing"] != "sigmoid":
        raise ValueError(f"{title}: squashing is {told['squashing']!r}, but pixels need 'sigmoid'")
    network = _dense(
        (500, 500), latent, activation=told["nonlinearity"], positive="exp",
        initialization="he-normal", keep=told["dropout"],
    )  # fmt: skip
    return Preset(
        title=title,
        model=network,
        treatment="grey",
        optimizer=_adam(lr=told["learning_rate"], weight_decay=told["lambda_l2_reg"], clip=5.0),
        batch_size=told["batch_size"],
        validation=5_000,
        steps=steps,
        note=CLIPPED_FIRST,
    )


# Each of these stands for several entries, which say how they differ from it.
MATHYBIT = Preset(
    title="mathybit k_vae0: VAE whose second head is sigma itself",
    model=_dense((250,), 30, (320,), positive="raw", **KERAS),
    treatment="grey",
    optimizer=_adam(eps=1e-7),
    batch_size=250,
    epochs=50,
    measures=("training_loss", "test_loss", "test_sse_of_mean"),
    published=(
        Published("training_loss", 29.28, "the notebook's printed loss of epoch 50"),
        Published("test_loss", 29.16, MEASURED_BY_US),
        Published("test_sse_of_mean", 11.82, MEASURED_BY_US),
    ),
    published_curve=MATHYBIT_LOSSES,
)
DOERSCH = Preset(
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
)
ALTOSAAR_MF = Preset(
    title="Altosaar, PyTorch: diagonal Gaussian posterior, 128 latents",
    model=_dense((256, 256), 128, positive=SOFTPLUS, sampled_kl=True),
    treatment="fixed",
    optimizer=RMSPROP_CENTERED,
    batch_size=128,
    validation=10_000,
    steps=MOST_STEPS,
    early_stopping=EarlyStopping(every=5_000, patience=5),  # as the README's log has it
    published_validations=MEAN_FIELD_LOG,
    reduction="sum",
    measures=("test_elbo", "test_log_px"),
    published=(
        Published("test_elbo", -103.31, "the repository's README, step 65,000"),
        Published("test_log_px", -97.10, "the repository's README, step 65,000, K = 128"),
    ),
    note=f"{OWN_BINARISATION}; the source sets no limit to the steps",
)
LAZY = Preset(
    title="lazyprogrammer vae_tf.py: VAE [200, 100]",
    model=_dense((200,), 100, positive=FLOOR, initialization="twice-normal"),
    treatment="threshold",
    optimizer=RMSPROP_TF,
    batch_size=64,
    train_images=42_000,
    epochs=30,
    reduction="sum",
    note=NOT_KAGGLE,
)

PRESETS: dict[str, Preset] = {
    "ffl50": ffl("Fast Forward Labs, the post: VAE with 50 latents", 50, 20_000, FFL_RUNS["ffl50"]),
    "ffl2": ffl(
        "Fast Forward Labs, the repository: VAE with 2 latents", 2, 2_000, FFL_RUNS["ffl2"]
    ),
    "mathybit": MATHYBIT,
    "mathybit-logvar": replace(
        MATHYBIT,
        title="mathybit k_vae0: VAE whose second head is the log-variance",
        model=_dense((250,), 30, (320,), positive="half-logvar", **KERAS),
        published=(),
        published_curve=(),
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
        published=(Published("test_mse", 0.0117, MEASURED_BY_US),),
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
            Published("test_loss", 23.93, f"{MEASURED_BY_US} on 6,000 pictures"),
        ),
        published_curve=CVAE_LOSSES,
    ),
    "doersch": DOERSCH,
    "doersch-cvae": replace(
        DOERSCH,
        title="Doersch's conditional VAE: 27 columns of the picture, given one",
        model=("ColumnCVAE", {}),
        condition="column",
        measures=("test_given",),
    ),
    "doersch-regressor": replace(
        DOERSCH,
        title="Doersch's regressor: his conditional VAE without encoder and latents",
        model=("ColumnRegressor", {}),
        condition="column",
        measures=("test_given",),
    ),
    "altosaar2": Preset(
        title="Altosaar, the script of 2016 that drew the post's figures: 2 latents",
        model=_dense((200, 200), 2, positive=FLOOR, **SLIM),
        treatment="threshold",
        optimizer=RMSPROP_TF,
        batch_size=64,
        validation=5_000,  # TensorFlow's reader of MNIST leaves 55,000
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
        note=f"{OWN_BINARISATION}; the source shuffles within 1,024 pictures, we shuffle all",
    ),
    "altosaar-mf": ALTOSAAR_MF,
    "altosaar-iaf": replace(
        ALTOSAAR_MF,
        title="Altosaar, PyTorch: inverse autoregressive flow posterior, 128 latents",
        model=_dense((256, 256), 128, positive=SOFTPLUS, flow={"depth": 2, "hidden": 256}),
        early_stopping=EarlyStopping(every=10_000, patience=5),
        published_validations=FLOW_LOG,
        published=(
            Published("test_elbo", -101.64, "the repository's README, step 150,000"),
            Published("test_log_px", -95.33, "the repository's README, step 150,000, K = 128"),
        ),
    ),
    "lazy": LAZY,
    "lazy2": replace(
        LAZY,
        title="lazyprogrammer visualize_latent_space.py: VAE [200, 100, 2]",
        model=_dense((200, 100), 2, positive=FLOOR, initialization="twice-normal"),
    ),
    "lazy-theano": replace(
        LAZY,
        title="lazyprogrammer vae_theano.py: VAE [200, 100]",
        model=_dense((200,), 100, positive=FLOOR, initialization="he-normal"),
        note=f"{NOT_KAGGLE}; logits where the source takes logarithms of probabilities",
    ),
    "lazy-ae": replace(
        LAZY,
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
        measures=("test_cross_entropy",),
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
