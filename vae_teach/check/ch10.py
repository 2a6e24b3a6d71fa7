"""Checks for chapter 10, your own data: files to pixels, the best sigma_x, bits per value, and what
is wrong with a run.

Shapes: N pictures, H height, W width, C channels, D values.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._trouble import HINTS as TROUBLE_HINTS
from vae_teach.check._trouble import name_the_trouble, troubled_runs
from vae_teach.check._verdict import Verdict

__all__ = ["best_sigma_x", "bits_per_value", "name_the_trouble", "to_pixels", "troubled_runs"]


def _pixels(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).flatten(1) / 255


def _bytes(n: int, height: int, width: int) -> Case:
    g = torch.Generator().manual_seed(n)
    pictures = torch.randint(256, (n, height, width, 3), generator=g, dtype=torch.uint8)
    dark = torch.rand(pictures.shape, generator=g) < 0.5
    return Case({"pictures": pictures.masked_fill(dark, 0)})


TO_PIXELS = Exercise(
    name="to_pixels",
    right=_pixels,
    cases=lambda: [_bytes(3, 4, 5), _bytes(2, 6, 4)],
    mistakes=(
        Mistake(
            "channels-last",
            "You flatten red, green and blue of each pixel together: move the channels to the "
            "front first, as permute(0, 3, 1, 2) does.",
            lambda p: p.flatten(1) / 255,
        ),
        Mistake(
            "columns-first",
            "You go down the columns: after the channels come the rows, so height before width.",
            lambda p: p.permute(0, 3, 2, 1).flatten(1) / 255,
        ),
        Mistake(
            "bytes-left",
            "Your values go up to 255: divide by 255, so that they lie between 0 and 1.",
            lambda p: p.permute(0, 3, 1, 2).flatten(1),
        ),
        Mistake(
            "by-256",
            "You divide by 256: then no pixel is ever 1, so divide by the largest byte, 255.",
            lambda p: p.permute(0, 3, 1, 2).flatten(1) / 256,
        ),
        Mistake(
            "minus-one-to-one",
            "Your values lie between -1 and 1: here they lie between 0 and 1.",
            lambda p: 2 * _pixels(p) - 1,
        ),
        Mistake(
            "inverted",
            "Your pictures are negatives: black is 0 and stays 0.",
            lambda p: 1 - _pixels(p),
        ),
        Mistake(
            "grey",
            "You average over the channels, so the colour is gone: keep all three.",
            lambda p: p.double().mean(3).flatten(1) / 255,
        ),
        Mistake(
            "divided-as-bytes",
            "Your values are whole numbers, 0 or 1: change to floating point before you divide.",
            lambda p: p.permute(0, 3, 1, 2).flatten(1) // 255,
        ),
    ),
)


def to_pixels(student: Callable) -> Verdict:
    """Check f(pictures (N, H, W, 3) uint8) -> (N, 3 * H * W) in [0, 1], channel by channel."""
    return judge(student, TO_PIXELS)


def _sigma(x: Tensor, f: Tensor) -> Tensor:
    return (x - f).square().mean().sqrt()


def _pair(n: int, d: int) -> Case:
    g = torch.Generator().manual_seed(d)
    x = torch.rand(n, d, generator=g)
    sizes = torch.linspace(0.05, 0.4, n)[:, None]
    return Case({"x": x, "f": x + 0.03 + sizes * torch.randn(n, d, generator=g)})


BEST_SIGMA_X = Exercise(
    name="best_sigma_x",
    right=_sigma,
    cases=lambda: [_pair(5, 12), _pair(8, 7)],
    mistakes=(
        Mistake(
            "variance",
            "You return the variance sigma_x^2: take the square root.",
            lambda x, f: _sigma(x, f) ** 2,
        ),
        Mistake(
            "summed-over-values",
            "You sum over the values of a picture: sigma_x belongs to one value, so average.",
            lambda x, f: (x - f).square().sum(1).mean().sqrt(),
        ),
        Mistake(
            "absolute",
            "You average absolute errors: a Gaussian goes by squared ones.",
            lambda x, f: (x - f).abs().mean(),
        ),
        Mistake(
            "averaged-after-the-root",
            "You take the root for each picture and average then: average all squares first.",
            lambda x, f: (x - f).square().mean(1).sqrt().mean(),
        ),
        Mistake(
            "one-for-each-picture",
            "You return one value for each picture: one sigma_x serves them all.",
            lambda x, f: (x - f).square().mean(1).sqrt(),
        ),
        Mistake(
            "one-for-each-value",
            "You return one value for each place in the picture: one sigma_x serves them all.",
            lambda x, f: (x - f).square().mean(0).sqrt(),
        ),
        Mistake(
            "half",
            "You have the factor 1/2 of the exponent left: it cancels in the derivative.",
            lambda x, f: _sigma(x, f) / math.sqrt(2),
        ),
        Mistake(
            "spread-of-the-errors",
            "You subtract the mean error: a picture that is too bright everywhere is wrong too.",
            lambda x, f: (x - f).std(correction=0),
        ),
        Mistake(
            "spread-of-the-data",
            "You measure how much the pictures vary: it is the error x - f that counts.",
            lambda x, f: x.std(correction=0),
        ),
        Mistake(
            "logarithm",
            "You return log sigma_x: return sigma_x itself.",
            lambda x, f: _sigma(x, f).log(),
        ),
    ),
)


def best_sigma_x(student: Callable) -> Verdict:
    """Check f(x (N, D), f (N, D)) -> the sigma_x under which these errors cost least."""
    return judge(student, BEST_SIGMA_X)


def _bits(cost: Tensor, n_values: int) -> Tensor:
    return cost / (n_values * math.log(2)) + math.log2(255)


def _costs(n: int, d: int) -> Case:
    g = torch.Generator().manual_seed(d)
    return Case({"cost": -1.5 * d + 0.5 * d * torch.rand(n, generator=g), "n_values": d})


BITS_PER_VALUE = Exercise(
    name="bits_per_value",
    right=_bits,
    cases=lambda: [_costs(4, 1728), _costs(3, 300)],
    mistakes=(
        Mistake(
            "step-missing",
            "You have the bits of a density, which may be negative: add log2(255), the fineness "
            "to which a byte is written down.",
            lambda c, d: c / (d * math.log(2)),
        ),
        Mistake(
            "step-subtracted",
            "You subtract log2(255): the finer the steps, the more bits it takes to name one.",
            lambda c, d: c / (d * math.log(2)) - math.log2(255),
        ),
        Mistake(
            "nats-and-bits",
            "You add bits to nats: divide the nats by log 2 first.",
            lambda c, d: c / d + math.log2(255),
        ),
        Mistake(
            "nats",
            "Your result is in nats throughout: one bit is log 2 nats, so divide by log 2.",
            lambda c, d: c / d + math.log(255),
        ),
        Mistake(
            "multiplied",
            "You multiply by log 2: a bit is less than a nat, so there are more bits than nats.",
            lambda c, d: c * math.log(2) / d + math.log2(255),
        ),
        Mistake(
            "whole-picture",
            "You return the bits of the whole picture: divide by its number of values.",
            lambda c, d: _bits(c, d) * d,
        ),
        Mistake(
            "step-once",
            "You add the step to the picture: every one of its values has a step of its own.",
            lambda c, d: (c / math.log(2) + math.log2(255)) / d,
        ),
        Mistake(
            "natural-log-of-the-step",
            "Your step is log(255), in nats: in bits it is log2(255).",
            lambda c, d: c / (d * math.log(2)) + math.log(255),
        ),
        Mistake(
            "per-pixel",
            "You divide by the number of pixels: a colour pixel has three values.",
            lambda c, d: 3 * c / (d * math.log(2)) + math.log2(255),
        ),
        Mistake(
            "averaged-over-pictures",
            "You average over the pictures: return one result for each, shape (N,).",
            lambda c, d: _bits(c, d).mean(),
        ),
        Mistake(
            "sign",
            "The sign of the cost is flipped: it is -log p(x) already.",
            lambda c, d: _bits(-c, d),
        ),
    ),
)


def bits_per_value(student: Callable) -> Verdict:
    """Check f(cost (N,) in nats, n_values) -> (N,): bits for each byte of the picture."""
    return judge(student, BITS_PER_VALUE)


HINTS = {table.name: table.hints for table in (TO_PIXELS, BEST_SIGMA_X, BITS_PER_VALUE)}
HINTS["name_the_trouble"] = TROUBLE_HINTS
