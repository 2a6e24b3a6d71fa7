"""Four ways to treat a grey pixel before a likelihood sees it.

- `grey`: x itself, in [0, 1]. Most tutorials; a Bernoulli likelihood of it is no density.
- `threshold`: 1 if x > 0.5. Deterministic; faint edges are lost.
- `stochastic`: 1 with probability x, drawn anew on each call, so each pass sees another picture.
- `fixed`: 1 with probability x, drawn once and for all. This is how "binarized MNIST" was made;
  the draw here is the kit's own, not that file's.

Shapes: any; a treatment keeps the shape, the dtype and the device. For `fixed` the first axis
counts images (one axis is one image): each image's draw is its own in whatever batch it arrives.
"""

import torch
from torch import Generator, Tensor

TREATMENTS = ("grey", "threshold", "stochastic", "fixed")

_CHUNK = 4096  # images hashed at a time: bounds the int64 scratch to some tens of megabytes


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
    if images.numel() == 0:
        return
    low, high = (float(v) for v in torch.aminmax(images))
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise ValueError(f"images must lie in [0, 1] but range from {low:g} to {high:g}")


def _fixed_uniforms(images: Tensor) -> Tensor:
    """Return u in [0, 1), float32, of the images' shape: a function of each image alone.

    A generator with a constant seed would give an image another draw in another batch. Here the
    image is hashed and the hash numbers its pixels, so shuffling and slicing change nothing.
    """
    flat = images.detach().to("cpu", torch.float32)
    flat = flat.reshape(1, -1) if flat.ndim < 2 else flat.flatten(1)
    pieces = [_hashed_uniforms(chunk) for chunk in flat.split(_CHUNK)]
    # Left in float32: rounded to float16, a u just below 1 would become 1 and lose a white pixel.
    return torch.cat(pieces).view(images.shape).to(images.device)


def _hashed_uniforms(flat: Tensor) -> Tensor:
    """(N, D) pixels -> (N, D) uniforms on a grid of 2^-24, exact in float32."""
    position = _mix(torch.arange(1, flat.shape[1] + 1))  # (D,)
    bits = (flat + 0.0).contiguous().view(torch.int32).to(torch.int64)  # + 0.0 turns -0 into 0
    image = _mix(_mix(bits ^ position).sum(dim=1))  # (N,)
    return _shift_right(_mix(image[:, None] + position), 40).to(torch.float32) * 2.0**-24


def _mix(x: Tensor) -> Tensor:
    """Scramble int64 (wrapping) so that near inputs give unrelated outputs: SplitMix64's finaliser.

    Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators".
    """
    x = x * -7046029254386353131  # 0x9E3779B97F4A7C15 as int64
    x = (x ^ _shift_right(x, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    x = (x ^ _shift_right(x, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    return x ^ _shift_right(x, 31)


def _shift_right(x: Tensor, n: int) -> Tensor:
    """Logical shift: torch's >> drags the sign bit along."""
    return (x >> n) & ((1 << (64 - n)) - 1)
