"""A preset in words and numbers: what a reader with the source open looks for, read off the code.

Nothing is typed in twice: layers come from the module that the preset builds, the optimizer's
settings from the optimizer that it makes, the counts of pictures from MNIST's sizes.
"""

import math
from collections.abc import Iterator
from typing import Any

from torch import nn

from vae_teach.models.completion import Completer
from vae_teach.models.layers import count_parameters
from vae_teach.systems.flows import FlowPosterior
from vae_teach.systems.initialization import SCHEMES, FirstWeights
from vae_teach.systems.presets import Preset

MNIST_TRAIN, MNIST_TEST = 60_000, 10_000
TREATED = {
    "grey": "grey levels in [0, 1], as they are",
    "threshold": "1 where the grey level is above 0.5",
    "stochastic": "1 with the grey level as probability, drawn anew at every pass",
    "fixed": "1 with the grey level as probability, drawn once",
}
REDUCED = {
    "mean": "summed over the pixels, mean over the batch",
    "sum": "summed over the pixels and over the batch",
    "pixel": "mean over the pixels and the batch",
}
SIGMA = {
    "raw": "the second head is σ itself, of either sign",
    "exp": "the second head is log σ",
    "half-logvar": "the second head is log σ²",
    "softplus": "σ is the softplus of the second head",
    "softplus + floor": "σ is the softplus of the second head, plus 10⁻⁶",
}
TOLD = {
    None: "",
    "label": "the digit, one-hot",
    "column": "column 13 of 0 to 27, each pixel 1 with its grey level as probability, drawn anew "
    "at every pass; the other 27 are asked for",
}
PARTS = {"to_mu": "head of the mean"} | dict.fromkeys(("to_logvar", "to_log_sigma"), "second head")
SETTINGS = {  # as PyTorch calls them, and as a reader does
    "lr": "learning rate",
    "betas": "β₁ and β₂",
    "alpha": "decay of the mean square",
    "decay": "decay of the mean square",
    "momentum": "momentum",
    "eps": "ε",
    "centered": "centered",
}


def describe(preset: Preset) -> list[tuple[str, str]]:
    """What a preset is, as (what, value) pairs in a fixed order; what it has not is left out."""
    model = preset.build(0)
    model = model.model if isinstance(model, Completer) else model
    rows = [
        *_networks(model),
        ("parameters", f"{count_parameters(model):,}"),
        *_posterior(model),
        ("cost", _cost(preset, model)),
        ("over the batch", REDUCED[preset.reduction]),
        ("first weights", _first_weights(model)),
        ("connections", _connections(preset.model[1])),
        ("optimizer", _optimizer(preset, model)),
        ("learning rate by stage", _stages(preset)),
        ("batch", f"{preset.batch_size} pictures"),
        ("length", _length(preset)),
        ("pixels", TREATED[preset.treatment]),
        ("told", TOLD[preset.condition]),
        ("pictures of MNIST", _pictures(preset)),
        ("differs from the source", preset.note),
    ]
    return [(what, value) for what, value in rows if value]


# --- the networks ---------------------------------------------------------------------------------


def _networks(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Every part of a model with its layers."""
    for name, part in model.named_children():
        layers = _flow(part) if isinstance(part, FlowPosterior) else " – ".join(_layers(part))
        yield PARTS.get(name, name), f"{layers} ({count_parameters(part):,} parameters)"


def _flow(posterior: FlowPosterior) -> str:
    """An inverse autoregressive flow: its context, and the masked network of a step."""
    made: Any = posterior.steps[0].made
    masked = " – ".join(_layers(nn.Sequential(made.first, made.second, made.last)))
    context = " – ".join(_layers(posterior.to_context))
    steps = f"{len(posterior.steps)} autoregressive steps, the order reversed between them"
    return f"context {context}; {steps}, each a masked network {masked} that reads the context"


def _layers(part: nn.Module) -> Iterator[str]:
    """The layers of a part in order; an activation stands beside what it acts on."""
    words: list[str] = []
    for layer in (m for m in part.modules() if not list(m.children())):
        if isinstance(layer, nn.Linear) and not words:
            words.append(str(layer.in_features))
        if type(layer).__module__ == nn.ReLU.__module__ and words:
            words[-1] += f" {type(layer).__name__.lower()}"
        elif word := _word(layer):
            words.append(word)
    yield from words


def _word(layer: nn.Module) -> str:
    """One layer; nothing for padding, which keeps the size of the convolution behind it."""
    match layer:
        case nn.Linear():
            return str(layer.out_features)
        case nn.Conv2d():
            return f"convolution {_times(*layer.kernel_size, layer.out_channels)}"
        case nn.MaxPool2d():
            return f"largest of {_times(layer.kernel_size, layer.kernel_size)}"
        case nn.Upsample():
            return f"enlarged {layer.scale_factor:g} times"
        case nn.Unflatten():
            channels, *sides = layer.unflattened_size
            return _times(*sides, channels)
        case nn.Flatten():
            return "flat"
    return "" if isinstance(layer, nn.ZeroPad2d) else type(layer).__name__


def _times(*numbers: object) -> str:
    return "×".join(map(str, numbers))


def _posterior(model: nn.Module) -> Iterator[tuple[str, str]]:
    """How the second output of the encoder is read, and how training takes the KL."""
    posterior = getattr(model, "posterior", model)
    positive = getattr(posterior, "positive", None)
    if positive is None:
        return
    yield "scale", SIGMA[positive]
    if getattr(model, "scale_head", "after") == "before":
        yield "second head reads", "the last hidden layer before its activation"
    sampled = getattr(posterior, "sampled_kl", False)
    yield "KL", "log q(z|x) − log p(z) at the draw" if sampled else "in closed form"


def _first_weights(model: nn.Module) -> str:
    """The laws of the first weights, from the schemes that drew them."""
    drawn: Any = getattr(model, "first_weights", FirstWeights("torch", None))
    law = _law(drawn.scheme)
    if not drawn.heads:
        return law
    named = {name: " – ".join(_layers(model.get_submodule(name))) for name in drawn.layers}
    words = dict.fromkeys("the heads" if name in PARTS else size for name, size in named.items())
    return f"{law}; {' and '.join(words)}: {_law(drawn.heads)}"


def _law(scheme: str) -> str:
    if scheme == "torch":
        return "U(−a, a) with a² = 1 / fan_in, biases alike: PyTorch's own"
    law = (SCHEMES[scheme].__doc__ or "").partition(":")[0]
    return f"{law}, biases 0"


# --- the training ---------------------------------------------------------------------------------


def _cost(preset: Preset, model: nn.Module) -> str:
    """What is minimised for one picture, with the penalty that the optimizer adds."""
    likelihood = getattr(model, "likelihood", None)
    if likelihood is None:
        cost = getattr(model, "error", "squared_error").replace("_", " ")
    else:
        errors = {"Bernoulli": "cross-entropy", "Gaussian": "squared error"}
        cost = errors[type(likelihood).__name__] + " + KL" * hasattr(model, "encode")
    decay = preset.optimizer.get("weight_decay")
    return f"{cost} + {decay:g} Σ w²/2 over the weights, not the biases" if decay else cost


def _connections(config: dict) -> str:
    keep = config.get("keep", 1.0)
    if keep == 1:
        return ""
    return f"while training each is kept with probability {keep:g}, in every layer (DropConnect)"


def _optimizer(preset: Preset, model: nn.Module) -> str:
    """Its class and every setting that enters a step, given or default."""
    made = preset.make_optimizer(model.parameters(), 1).defaults
    told = [f"{name} {_setting(made[key])}" for key, name in SETTINGS.items() if key in made]
    if "weight_decay" in preset.optimizer:
        told.append("the penalty inside the gradient")
    if "clip" in preset.optimizer:
        told.append(f"each element of the gradient cut to ±{preset.optimizer['clip']:g}")
    return f"{preset.optimizer['name']}: {', '.join(told)}"


def _setting(value: object) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(_setting, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _stages(preset: Preset) -> str:
    return ", ".join(f"{lr:.2g} for {_epochs(epochs)}" for epochs, lr in preset.stages)


def _epochs(count: float) -> str:
    if count == 1:
        return "1 epoch"
    return f"{count:,.0f} epochs" if count >= 1_000 else f"{count:.4g} epochs"


def _length(preset: Preset) -> str:
    n_train = _train_images(preset)
    steps = preset.planned_steps(n_train)
    rule = preset.early_stopping
    if rule is None:
        return f"{steps:,} steps, {_epochs(steps / math.ceil(n_train / preset.batch_size))}"
    return (
        f"until the bound on the pictures held out, taken after the first step and every "
        f"{rule.every:,} from it on, has not been better {rule.patience + 1} times in a row; then "
        f"the best weights are evaluated; at most {steps:,} steps"
    )


def _train_images(preset: Preset) -> int:
    left = MNIST_TRAIN - preset.validation
    return min(left, preset.train_images or left)


def _pictures(preset: Preset) -> str:
    held_out = f"{preset.validation:,} held out, " if preset.validation else ""
    return f"{_train_images(preset):,} for training, {held_out}{MNIST_TEST:,} for the test"
