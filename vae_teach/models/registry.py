"""Which class belongs to a model's name: what a checkpoint needs to rebuild a model."""

import importlib

from torch import nn

from vae_teach.validation import checked

# Where every model of the kit is defined: a checkpoint names the class, and its module is imported
# when it is asked for. A class with a `from_config` is rebuilt by that, any other from its config.
MODELS = {
    "Autoencoder": "vae_teach.models.autoencoder",
    "VAE": "vae_teach.models.vae",
    "ConvVAE": "vae_teach.models.convolutional",
    "CountVAE": "vae_teach.models.counts",
    "PosteriorVAE": "vae_teach.models.posterior",
    "CVAE": "vae_teach.models.conditional",
    "Regressor": "vae_teach.models.conditional",
    "MixtureDensity": "vae_teach.models.mixture_density",
    "Completer": "vae_teach.models.completion",
    "ImportanceWeighted": "vae_teach.training.importance",
    "ConvAutoencoder": "vae_teach.systems.convolutional",
    "SourceVAE": "vae_teach.systems.dense",
    "SourceAutoencoder": "vae_teach.systems.dense",
    "LabelConvCVAE": "vae_teach.systems.conditional",
    "ColumnCVAE": "vae_teach.systems.conditional",
    "ColumnRegressor": "vae_teach.systems.conditional",
}


@checked
def build_model(name: str, config: dict) -> nn.Module:
    """Rebuild a model from its class name and its `config`.

    Raises:
        ValueError: for a name that is not in `MODELS`.
    """
    if name not in MODELS:
        raise ValueError(f"model is {name!r}, but the known ones are {sorted(MODELS)}")
    model = getattr(importlib.import_module(MODELS[name]), name)
    return getattr(model, "from_config", model)(**config)
