"""Training an encoder on while its decoder stands still: how much of a gap was lack of training.

Shapes: N pictures, D pixels.
"""

import copy
from typing import Any

from torch import Tensor, nn

from vae_teach.training.loop import fit
from vae_teach.validation import checked


@checked
def settle_encoder(model: nn.Module, train: Tensor, **options: Any) -> nn.Module:
    """A copy of the model whose encoder has been trained on, by the same loss; `model` stays.

    Args:
        model: a VAE; the weights of p(x|z) lie in its `decoder` and its `likelihood`.
        train: pictures (N, D).
        **options: of `fit`, such as `epochs`, `lr` and `transform`.

    Raises:
        ValueError: if the model has no `decoder` to hold still.
    """
    settled = copy.deepcopy(model)
    if not isinstance(decoder := getattr(settled, "decoder", None), nn.Module):
        raise ValueError(f"model must have a decoder, but {type(model).__name__} has none")
    likelihood = getattr(settled, "likelihood", None)  # some have weights, such as their noise
    of_generation = [part for part in (decoder, likelihood) if isinstance(part, nn.Module)]
    still = [w for part in of_generation for w in part.parameters() if w.requires_grad]
    for weight in still:
        weight.requires_grad_(False)
    fit(settled, train, **options)
    for weight in still:
        weight.requires_grad_(True)
    return settled
