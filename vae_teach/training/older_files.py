"""Checkpoints from before a VAE had a posterior, read as if they were written today.

`PositiveVAE`, `SourceVAE` and `FlowVAE` were a tower of classes then: how sigma is made, how the KL
is taken and the flow were arguments of the model, and the flow's weights the model's own.
"""

from torch import Tensor

_NAMES = {"PositiveVAE": "PosteriorVAE", "SourceVAE": "SourceVAE", "FlowVAE": "SourceVAE"}
_OF_THE_FLOW = ("to_context.", "steps.")


def as_of_today(head: dict, tensors: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """Head and tensors of a checkpoint with the names of today; newer ones come back as they are.

    Args:
        head: with "model", the name of a class, and "config", a dict.
        tensors: named PART/NAME, such as "model/to_mu.bias".
    """
    name, config = head["model"], dict(head["config"])
    if name not in _NAMES or "positive" not in config:
        return head, tensors
    posterior = {key: config.pop(key, None) for key in ("positive", "initial_sigma")}
    if name == "FlowVAE":
        flow = {"depth": config.pop("depth", None), "hidden": config.pop("flow_hidden", None)}
        posterior = {"name": "flow"} | posterior | flow
    else:
        sampled = config.pop("kl", "closed") == "sampled"
        posterior = {"name": "gaussian"} | posterior | {"sampled_kl": sampled}
    head = head | {"model": _NAMES[name], "config": config | {"posterior": posterior}}
    return head, {_renamed(key): tensor for key, tensor in tensors.items()}


def _renamed(key: str) -> str:
    part, _, name = key.partition("/")
    moved = part in ("model", "best") and name.startswith(_OF_THE_FLOW)
    return f"{part}/posterior.{name}" if moved else key
