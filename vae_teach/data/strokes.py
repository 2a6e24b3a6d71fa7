"""Digits drawn by the package, each with the factors it was made from.

A variant's control points are wobbled and joined by Catmull-Rom splines; the page is bent; the
path is stretched, slanted, rotated, scaled and placed as MNIST places its digits; then a pen of
random width draws it through a sigmoid of the distance to the path.

Shapes: N images, K control points of one variant, P points along a path, images (N, 784).
"""

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Generator, Tensor

from vae_teach.data import dataset, hands, ink, pens, splines
from vae_teach.data.cache import Arrays, cached_arrays
from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.hands import HAND, Hand
from vae_teach.data.ink import SIDE
from vae_teach.data.splines import POINTS, Spline
from vae_teach.validation import NOT_NEGATIVE, checked

N_TRAIN, N_TEST = 20_000, 4_000
SEED = 0


@checked(n=NOT_NEGATIVE)
def draw(n: int, *, generator: Generator, hand: Hand = HAND, **fixed: float | Tensor) -> Split:
    """Draw n digits; every factor that is not given is drawn at random.

    Args:
        n: how many images.
        generator: a CPU generator; the same seed gives the same images.
        hand: how much writers differ; `NEAT` leaves the bare shapes.
        **fixed: factors to hold, each a number or (n,) numbers: digit, variant, slant (columns
            per row), rotation (radians), aspect (horizontal stretch), width (of the pen, pixels),
            scale (1 is 20 pixels), shift_x and shift_y (pixels, right and down).

    Returns:
        Images (n, 784) whose pixels are whole 255ths, as MNIST's are; labels; all factors.

    Raises:
        ValueError: on an unknown factor, a value of the wrong shape, a digit or a variant that
            has no pen, a value that is not finite, a width or size that is not positive, or a pen
            as wide as the digit.
    """
    with _one_thread():
        factors = hands.draw_factors(n, generator, hand, fixed)
        path, inked = _write(factors, generator, hand)
        path = ink.place(_bend(path, generator, hand), inked, factors)
        pixels = ink.render(path, factors["width"], hand.softness).view(n, SIDE * SIDE)
        return Split(pixels.mul_(255).round_().div_(255), factors["digit"].long(), factors)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: drawing takes tens of thousands of steps of microseconds each.

    Two threads that meet after every step are no faster on idle processors, and on busy ones
    they took 20 to 40 seconds for what one thread does in 4.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _write(factors: dict[str, Tensor], generator: Generator, hand: Hand) -> tuple[Tensor, Tensor]:
    """Return wobbled paths (N, P, 2) in the control points' box, and their ink (N, P)."""
    n = len(factors["digit"])
    most = max(len(spline.control) for every in splines.splines().values() for spline in every)
    low, high = hand.care
    care = low + (high - low) * torch.rand(n, 1, 1, generator=generator)
    wobble = hand.wobble * care * torch.randn(n, most, 2, generator=generator)
    path, inked = torch.empty(n, POINTS, 2), torch.empty(n, POINTS)
    for spline, who in _by_pen(factors):
        nudged = spline.control + spline.smooth @ wobble[who, : len(spline.control)]  # (n', K, 2)
        path[who] = spline.basis @ nudged
        inked[who] = spline.ink
    return path, inked


def _by_pen(factors: dict[str, Tensor]) -> Iterator[tuple[Spline, Tensor]]:
    """Yield every spline with the positions of the images that are written with it."""
    for digit, every in splines.splines().items():
        for variant, spline in enumerate(every):
            chosen = (factors["digit"] == digit) & (factors["variant"] == variant)
            yield spline, chosen.nonzero()[:, 0]


def _bend(path: Tensor, generator: Generator, hand: Hand) -> Tensor:
    """Move each point by a random quadratic function of where it is: (N, P, 2) -> (N, P, 2)."""
    x, y = path.unbind(dim=-1)
    # 0.4 is about the mean square of a coordinate: without it a bend would also shift the digit.
    shapes = torch.stack([x.square() - 0.4, x * y, y.square() - 0.4], dim=-1)  # (N, P, 3)
    return path + shapes @ (hand.bend * torch.randn(len(path), 3, 2, generator=generator))


def load_strokes() -> Dataset:
    """Return 20,000 training and 4,000 test digits, from the cache once they have been drawn."""
    arrays = cached_arrays("strokes", _key(), _draw_all)
    sentence = (
        f"strokes: {N_TRAIN:,} training and {N_TEST:,} test images of digits "
        f"drawn by this package (seed {SEED})."
    )
    train, test = _split(arrays, "train"), _split(arrays, "test")
    digits = tuple(str(d) for d in pens.PENS)
    return Dataset("strokes", train, test, (SIDE, SIDE), sentence, label_names=digits)


def _draw_all() -> Arrays:
    arrays: Arrays = {}
    for name, n in (("train", N_TRAIN), ("test", N_TEST)):
        split = draw(n, generator=torch.Generator().manual_seed(_stream(name)))
        arrays[f"{name}_images"] = split.images.mul(255).round().to(torch.uint8).numpy()
        arrays[f"{name}_factors"] = torch.stack(list(split.factors.values())).numpy()
    return arrays


def _stream(name: str) -> int:
    """Return a seed of 32 bits for one split; torch's CPU generator reads no more of a seed."""
    return int.from_bytes(hashlib.sha256(f"strokes {name} {SEED}".encode()).digest()[:4], "big")


def _split(arrays: Arrays, name: str) -> Split:
    images = torch.from_numpy(arrays[f"{name}_images"]).float().div_(255)
    rows = torch.from_numpy(arrays[f"{name}_factors"])
    factors = dict(zip(hands.FACTORS, rows, strict=True))
    return Split(images, factors["digit"].long(), factors)


def _key() -> str:
    """Hash what the images depend on: a cache made by other code or another torch is not used."""
    modules = (dataset, hands, ink, pens, splines, sys.modules[__name__])
    sources = "".join(inspect.getsource(module) for module in modules)
    text = f"{torch.__version__} {np.__version__} {N_TRAIN} {N_TEST} {SEED} {sources}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
