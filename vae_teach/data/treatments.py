"""Four ways to treat a grey pixel before a likelihood sees it.

- `grey`: x itself, in [0, 1]. Most tutorials; a Bernoulli likelihood of it is no density.
- `threshold`: 1 if x > 0.5. Deterministic; faint edges are lost.
- `stochastic`: 1 with probability x, drawn anew on each call, so each pass sees another picture.
- `fixed`: 1 with probability x, drawn once and for all. This is how "binarized MNIST" was made;
  the draw here is the kit's own, not that file's.

Shapes: any; a treatment keeps the shape, the dtype and the device. For `fixed` the first axis
counts images (one axis is one image): each image's draw is its own in whatever batch it arrives.
"""

import numpy as np
import torch
from torch import Generator, Tensor

from vae_teach.validation import checked

TREATMENTS = ("grey", "threshold", "stochastic", "fixed")

_CHUNK = 256  # images hashed at a time, so that the scratch stays in the processor's cache
_MIXING = ((0x9E3779B97F4A7C15, 30), (0xBF58476D1CE4E5B9, 27), (0x94D049BB133111EB, 31))


@checked
def treat(images: Tensor, how: str, *, generator: Generator | None = None) -> Tensor:
    """Return the images after one of the four treatments.

    Args:
        images: pixels in [0, 1], floating point, any shape.
        how: "grey", "threshold", "stochastic" or "fixed".
        generator: where "stochastic" draws from; the other three use no random numbers.

    Returns:
        Same shape, dtype and device; {0, 1} except for "grey", which returns `images` itself.

    Raises:
        ValueError: on an unknown treatment, on pixels outside [0, 1] or not floating point, or
            if "stochastic" is given no generator.

    Source: Larochelle & Murray 2011 (fixed); Burda et al. 2016 (arXiv:1509.00519), stochastic.
    """
    if how not in TREATMENTS:
        raise ValueError(f"how is {how!r} but the treatments are {', '.join(TREATMENTS)}")
    _require_unit_interval(images)
    if how == "grey":
        return images
    if how == "threshold":
        return (images > 0.5).to(images.dtype)
    if how == "fixed":
        return (images > _fixed_uniforms(images)).to(images.dtype)
    if generator is None:
        raise ValueError("how is 'stochastic' but generator is None: it draws anew on each call")
    # u is in [0, 1), so a pixel of 0 is never set and a pixel of 1 always is.
    u = torch.rand(images.shape, generator=generator, device=images.device)
    return (images > u).to(images.dtype)


def _require_unit_interval(images: Tensor) -> None:
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype} but must be floating point in [0, 1]")
    if images.numel() == 0 or _in_a_recording(images):
        return
    low, high = (float(v) for v in torch.aminmax(images))
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise ValueError(f"images must lie in [0, 1] but range from {low:g} to {high:g}")


def _in_a_recording(images: Tensor) -> bool:
    """Whether a CUDA graph is being captured, which a look at the values would end."""
    return images.is_cuda and torch.cuda.is_current_stream_capturing()


def _fixed_uniforms(images: Tensor) -> Tensor:
    """Return u in [0, 1), float32, of the images' shape: a function of each image alone.

    A generator with a constant seed would give an image another draw in another batch. Here the
    image is hashed and the hash numbers its pixels, so shuffling and slicing change nothing.
    """
    pixels = images.detach().to("cpu", torch.float32)
    flat = (pixels.reshape(1, -1) if pixels.ndim < 2 else pixels.flatten(1)).numpy()  # (N, D)
    position = _mix(np.arange(1, flat.shape[1] + 1, dtype=np.uint64))  # (D,)
    uniforms = np.empty(flat.shape, dtype=np.float32)
    for start in range(0, len(flat), _CHUNK):
        rows = slice(start, start + _CHUNK)
        np.multiply(_hashes(flat[rows], position) >> np.uint64(40), 2.0**-24, out=uniforms[rows])
    # Left in float32: rounded to float16, a u just below 1 would become 1 and lose a white pixel.
    return torch.from_numpy(uniforms).view(images.shape).to(images.device)


def _hashes(flat: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(n, D) float32 pixels, (D,) numbers of positions -> (n, D) 64 random-looking bits."""
    bits = (flat + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0 turns -0 into 0
    image = _mix((bits * (position | np.uint64(1))).sum(axis=1))  # (n,)
    return _mix(image[:, None] + position)


def _mix(x: np.ndarray) -> np.ndarray:
    """Scramble uint64 in place so that near numbers become unrelated: SplitMix64's finaliser.

    Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators".
    """
    for factor, shift in _MIXING:
        x *= np.uint64(factor)
        x ^= x >> np.uint64(shift)
    return x
