"""A picture's shape and ink, as the explorers' pages want them."""

import math
from collections.abc import Sequence

from vae_teach.validation import require_count


def image_shape_of(image_shape: Sequence[int], n_pixels: int) -> list[int]:
    """Return (C, H, W) for (H, W) or (C, H, W).

    Raises:
        ValueError: if it is neither, C is not 1 or 3, or it does not hold the `n_pixels` that the
            decoder gives.
    """
    shape = [1, *image_shape] if len(image_shape) == 2 else list(image_shape)
    for size in shape:
        require_count(size, "each number of image_shape")
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"image_shape must be (H, W), (1, H, W) or (3, H, W), not {image_shape}")
    if math.prod(shape) != n_pixels:
        raise ValueError(
            f"image_shape {tuple(image_shape)} holds {math.prod(shape)} pixels "
            f"but the decoder gives {n_pixels}"
        )
    return [int(size) for size in shape]


def ink_of(image_shape: Sequence[int]) -> str:
    """How 1 is drawn: grey pictures as ink on paper, colours as light. (C, H, W)"""
    return "black" if image_shape[0] == 1 else "white"
