"""Checkpoints of earlier versions, read as if they were written today.

Before a VAE had a posterior, `PositiveVAE`, `SourceVAE` and `FlowVAE` were a tower of classes: how
sigma is made, how the KL is taken and the flow were arguments of the model, and the flow's weights
the model's own. Before `fit` had a scale, a preset's reduction was one weight for every term.
"""

from torch import Tensor

_NAMES = {"PositiveVAE": "PosteriorVAE", "SourceVAE": "SourceVAE", "FlowVAE": "SourceVAE"}
_OF_THE_FLOW = ("to_context.", "steps.")
_OF_PRESETS = {"SourceVAE", "FlowVAE", "SourceAutoencoder", "ConvAutoencoder", "LabelConvCVAE"}


def as_of_today(head: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """Head and tensors of a checkpoint with the names of today; newer ones come back as they are.

    Args:
        head: with "model", the name of a class, and "config" and "settings", dicts.
        tensors: named PART/NAME, such as "model/to_mu.bias".
    """
    name, config, settings = head["model"], dict(head["config"]), head["settings"]
    if isinstance(settings.get("weights"), dict) and "scale" not in settings:
        head = head | {"settings": settings | _with_scale(name, settings["weights"])}
    if name not in _NAMES or "positive" not in config:
        return head, tensors
    head |= {"model": _NAMES[name], "config": _with_posterior(name, config)}
    return head, {_renamed(key): tensor for key, tensor in tensors.items()}


def _with_scale(name: str, weights: dict) -> dict:
    """One factor of every term, in a preset's run, is told as the scale that it was."""
    factors = set(weights.values())
    if name in _OF_PRESETS and len(factors) == 1:
        return {"weights": {}, "scale": factors.pop()}
    return {"scale": 1.0}


def _with_posterior(name: str, config: dict) -> dict:
    posterior = {key: config.pop(key, None) for key in ("positive", "initial_sigma")}
    if name == "FlowVAE":
        flow = {"depth": config.pop("depth", None), "hidden": config.pop("flow_hidden", None)}
        return config | {"posterior": {"name": "flow"} | posterior | flow}
    sampled = config.pop("kl", "closed") == "sampled"
    return config | {"posterior": {"name": "gaussian"} | posterior | {"sampled_kl": sampled}}


def _renamed(key: str) -> str:
    part, _, name = key.partition("/")
    moved = part in ("model", "best") and name.startswith(_OF_THE_FLOW)
    return f"{part}/posterior.{name}" if moved else key
