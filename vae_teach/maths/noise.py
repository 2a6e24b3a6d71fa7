"""Standard normal noise: where it is drawn, of which type, and where it goes."""

import torch
from torch import Generator, Tensor

from vae_teach.validation import require_generator


def noise(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    """Noise of the dtype of `like` and on its device, drawn where the generator is.

    Raises:
        ValueError: if the generator is none.
    """
    require_generator(generator)
    drawn = torch.randn(shape, generator=generator, device=generator.device, dtype=like.dtype)
    return drawn.to(like.device)


def noise_like(like: Tensor, generator: Generator) -> Tensor:
    """Noise of the shape, the dtype and the device of `like`."""
    return noise(like.shape, like, generator)
