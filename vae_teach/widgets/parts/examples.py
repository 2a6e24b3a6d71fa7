"""Test pictures that an explorer offers: their pixels as bytes, and where the encoder puts them.

Shapes: M pictures, D pixels, L latent dimensions.
"""

from typing import Any

import torch
from torch import Tensor, nn

from vae_teach.validation import require_floats
from vae_teach.widgets.parts.codes import require_labels
from vae_teach.widgets.parts.decoder import pack_half

MOST = 24  # thumbnails: more do not fit on a phone


@torch.no_grad()
def pack_examples(
    model: nn.Module,
    images: Tensor | None,
    labels: Tensor | None,
    *,
    n_pixels: int,
    latent_dim: int,
) -> dict[str, bytes]:
    """The traits `examples`, `posteriors` and `example_labels` of a `LatentExplorer`.

    Args:
        model: its `encode` gives (mu, logvar), or a code alone, which then has no spread.
        images: (M, D) in [0, 1], at most `MOST`; None for none.
        labels: their classes, integers from 0 to 255, (M,); None for none.
        n_pixels: D of the decoder.
        latent_dim: L of the decoder.

    Raises:
        ValueError: if a shape does not fit, naming both sides, a pixel lies outside [0, 1], or a
            label is no whole number that fits into a byte.
    """
    if images is None:
        return {"examples": b"", "posteriors": b"", "example_labels": b""}
    require_floats(images, "examples", 0, 1)
    images = images.detach().cpu().float()
    if images.ndim != 2 or images.shape[1] != n_pixels or not 1 <= len(images) <= MOST:
        raise ValueError(
            f"examples have shape {tuple(images.shape)}, but 1 to {MOST} pictures of {n_pixels} "
            "pixels are wanted"
        )
    if labels is not None:
        require_labels("example_labels", labels)
    if labels is not None and labels.shape != images.shape[:1]:
        raise ValueError(
            f"example_labels have shape {tuple(labels.shape)} but there are {len(images)} examples"
        )
    mean, sd = _posterior(model, images)
    if mean.shape[1] != latent_dim:
        raise ValueError(
            f"model.encode gives {mean.shape[1]} values but the decoder takes {latent_dim}"
        )
    pixels = (images * 255).round().to(torch.uint8)
    return {
        "examples": pixels.numpy().tobytes(),
        "posteriors": pack_half(torch.stack([mean, sd], dim=1), "posteriors"),  # (M, 2, L)
        "example_labels": b"" if labels is None else bytes(labels.tolist()),
    }


def _posterior(model: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(z|x), each (M, L) on the CPU; sd 0 for an autoencoder."""
    answer = model.encode(images.to(next(model.parameters()).device))
    if isinstance(answer, Tensor):
        return answer.cpu(), torch.zeros_like(answer).cpu()
    mean, logvar = answer
    return mean.cpu(), torch.exp(0.5 * logvar).cpu()
