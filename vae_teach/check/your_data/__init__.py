"""Checks for chapter 15, your own data: files to pixels, the best sigma_x, bits per value, and what
is wrong with a run.

Shapes: N pictures, H height, W width, C channels, D values.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.terms import wrong_term
from vae_teach.check.engine.verdict import Verdict


def _pixels(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).flatten(1) / 255


def _bytes(n: int, height: int, width: int, largest: int = 255) -> Case:
    g = torch.Generator().manual_seed(n)
    shape = (n, height, width, 3)
    pictures = torch.randint(largest + 1, shape, generator=g, dtype=torch.uint8)
    dark = torch.rand(shape, generator=g) < 0.5
    return Case({"pictures": pictures.masked_fill(dark, 0)})


def _explain_pixels(
    gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]
) -> str | None:
    """Whether the values are others, or stand elsewhere."""
    for got, want in zip(gots, wants, strict=True):
        if agree(got, want):
            continue
        if agree(got.sort(1).values, want.sort(1).values):
            i, j = ((got - want).abs() > 1e-3).nonzero()[0].tolist()
            return (
                "Your values are right, but they stand in another order: the channels come first, "
                f"then the rows, so entry [{i}, {j}] should be {want[i, j]:.4g}, but yours is "
                f"{got[i, j]:.4g}."
            )
        bytes_ = (255 * want).round().long()
        found = {byte: got[bytes_ == byte].unique() for byte in bytes_.unique().tolist()}
        if all(len(values) == 1 for values in found.values()):
            byte = max(found, key=lambda b: (found[b] - b / 255).abs().item())
            return (
                f"Your values stand where they should, but a byte of {byte} becomes "
                f"{found[byte].item():.4g}: it should be {byte} / 255 = {byte / 255:.4g}."
            )
    return None


_LUMINANCE = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)  # of ITU-R BT.601

TO_PIXELS = Exercise(
    name="to_pixels",
    right=_pixels,
    cases=lambda: [_bytes(3, 4, 5), _bytes(2, 6, 4), _bytes(4, 3, 2, largest=90)],
    roles={"pictures": Role("BHW.")},
    ones="BHW",
    explain=_explain_pixels,
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
            (
                lambda p: p.double().mean(3).flatten(1) / 255,
                lambda p: (p.double() @ _LUMINANCE).flatten(1) / 255,
            ),
        ),
        Mistake(
            "one-channel",
            "You keep one channel only: append the pixels of all three.",
            tuple((lambda p, c=c: p[..., c].flatten(1) / 255) for c in range(3)),
        ),
        Mistake(
            "other-order-of-channels",
            "Your channels stand in another order: first red, then green, then blue.",
            tuple(
                (lambda p, order=order: _pixels(p[..., list(order)]))
                for order in itertools.permutations(range(3))
                if order != (0, 1, 2)
            ),
        ),
        Mistake(
            "upside-down",
            "Your pictures are upside down: the first row comes first.",
            lambda p: _pixels(p.flip(1)),
        ),
        Mistake(
            "mirrored",
            "Your pictures are mirrored: a row goes from left to right.",
            lambda p: _pixels(p.flip(2)),
        ),
        Mistake(
            "batch-and-channels-mixed",
            "You put the channels before the pictures: the first axis stays, permute(0, 3, 1, 2).",
            lambda p: p.permute(3, 0, 1, 2).reshape(len(p), -1) / 255,
        ),
        Mistake(
            "by-the-largest",
            "You divide by the largest byte there is: divide by 255 always, or a dark picture "
            "becomes a bright one.",
            (
                lambda p: 255 * _pixels(p) / p.max(),
                lambda p: _pixels(p) / _pixels(p).amax(1, keepdim=True),
                lambda p: (255 * _pixels(p) - p.min()) / (p.max() - p.min()),
            ),
        ),
        Mistake(
            "standardised",
            "You shift and scale by the mean and the spread of the pictures: only divide by 255.",
            (
                lambda p: (_pixels(p) - _pixels(p).mean()) / _pixels(p).std(),
                lambda p: (
                    (_pixels(p) - _pixels(p).mean(1, keepdim=True))
                    / _pixels(p).std(1, keepdim=True)
                ),
            ),
        ),
        Mistake(
            "black-and-white",
            "Your pixels are black or white: keep the values between.",
            (
                lambda p: (_pixels(p) > 0.5).double(),
                lambda p: (_pixels(p) >= 0.5).double(),
            ),
        ),
        Mistake(
            "divided-as-bytes",
            "Your values are whole numbers, 0 or 1: change to floating point before you divide.",
            lambda p: p.permute(0, 3, 1, 2).flatten(1) // 255,
        ),
    ),
)


@check(TO_PIXELS)
def to_pixels(student: Callable) -> Verdict:
    """Check f(pictures (N, H, W, 3) uint8) -> (N, 3 * H * W) in [0, 1], channel by channel."""
    return judge(student, TO_PIXELS)


def _sigma(x: Tensor, f: Tensor) -> Tensor:
    return (x - f).square().mean().sqrt()


def _pair(n: int, d: int, size: float) -> Case:
    g = torch.Generator().manual_seed(10 * d + n)
    x = torch.rand(n, d, generator=g)
    sizes = size * torch.linspace(0.2, 1.6, n)[:, None]
    return Case({"x": x, "f": x + 0.2 * size + sizes * torch.randn(n, d, generator=g)})


_PAIR_SIZES = (
    (5, 12, 0.25), (8, 7, 0.4), (3, 2, 0.6), (2, 5, 0.1), (4, 9, 0.3), (6, 3, 0.2), (2, 3, 0.5),
    (7, 4, 0.05), (3, 8, 0.5), (9, 2, 0.35),
)  # fmt: skip
_POWERS = {  # of the right sigma_x, in words
    1.0: "sigma_x",
    2.0: "sigma_x^2, the variance",
    -1.0: "1 / sigma_x",
    -2.0: "1 / sigma_x^2, the precision",
    0.5: "the root of sigma_x",
    4.0: "sigma_x^4",
}


def _explain_sigma(
    gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]
) -> str | None:
    """A power of sigma_x times powers of N and D and a factor, where it is that in every case."""
    got, want = torch.stack(list(gots)), torch.stack(list(wants))
    if (got <= 0).any() or not got.isfinite().all():
        return None
    n, d = torch.tensor([tuple(case.args["x"].shape) for case in cases]).double().T
    basis = torch.stack([want.log(), n.log(), d.log(), torch.ones_like(n)], dim=1)
    power, by_n, by_d, log = torch.linalg.lstsq(basis, got.log()[:, None]).solution[:, 0].tolist()
    if not agree(
        got, (basis @ torch.tensor([[power], [by_n], [by_d], [log]]).double()).exp()[:, 0]
    ):
        return None
    powers = [p for p in _POWERS if abs(power - p) < 1e-2]
    if not powers:
        return None
    sizes = [_size("N", by_n), _size("D", by_d)]
    factor = "" if abs(log) < 1e-2 else f", times {math.exp(log):.4g}"
    text = f"Your result is {_POWERS[powers[0]]}{''.join(filter(None, sizes))}{factor}"
    return f"{text}: return sigma_x, the root of the mean over all N D squares."


_SIZES = {
    1.0: ", times {}",
    -1.0: ", divided by {}",
    0.5: ", times the root of {}",
    -0.5: ", divided by the root of {}",
}


def _size(name: str, power: float) -> str:
    """A power of the number of pictures or values in words; nothing for the power 0."""
    usual = (text.format(name) for p, text in _SIZES.items() if abs(power - p) < 1e-2)
    return "" if abs(power) < 1e-2 else next(usual, f", times {name}^{power:.2g}")


BEST_SIGMA_X = Exercise(
    name="best_sigma_x",
    right=_sigma,
    cases=lambda: [_pair(*sizes) for sizes in _PAIR_SIZES],
    roles={"x": Role("BD"), "f": Role("BD")},
    ones="BD",
    explain=_explain_sigma,
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
            "one-less",
            "You divide by one less than the number of values: nothing was estimated before, so "
            "it is the mean of all squares.",
            (
                lambda x, f: ((x - f).square().sum() / (x.numel() - 1)).sqrt(),
                lambda x, f: ((x - f).square().sum(1) / (x.shape[1] - 1)).mean().sqrt(),
            ),
        ),
        Mistake(
            "unbiased-spread",
            "You take the standard deviation of the errors, which subtracts their mean and divides "
            "by one less: take the root of the mean square.",
            lambda x, f: (x - f).std(),
        ),
        Mistake(
            "variance-of-the-errors",
            "You take the variance of the errors: subtract no mean, and take the root.",
            (lambda x, f: (x - f).var(), lambda x, f: (x - f).var(correction=0)),
        ),
        Mistake(
            "spread-of-each-picture",
            "You subtract each picture's mean error: a picture that is too bright is wrong too.",
            (
                lambda x, f: (x - f).var(1).mean().sqrt(),
                lambda x, f: (x - f).var(1, correction=0).mean().sqrt(),
                lambda x, f: (x - f).std(1).mean(),
                lambda x, f: (x - f).std(1, correction=0).mean(),
            ),
        ),
        Mistake(
            "averaged-over-places",
            "You take the root for each place in the picture and average then: average all squares "
            "first.",
            lambda x, f: (x - f).square().mean(0).sqrt().mean(),
        ),
        Mistake(
            "mean-length",
            "You average the lengths of the errors: average the squares of all values, then take "
            "the root.",
            lambda x, f: (x - f).norm(dim=1).mean(),
        ),
        Mistake(
            "from-absolute-errors",
            "You work from absolute errors: a Gaussian goes by squared ones.",
            (
                lambda x, f: (x - f).abs().mean() * math.sqrt(math.pi / 2),
                lambda x, f: (x - f).abs().mean().sqrt(),
                lambda x, f: (x - f).abs().sum(),
                lambda x, f: (x - f).abs().max(),
            ),
        ),
        Mistake(
            "median",
            "You take the median of the errors: a Gaussian goes by the mean of their squares.",
            (
                lambda x, f: (x - f).abs().median(),
                lambda x, f: 1.4826 * (x - f).abs().median(),
                lambda x, f: (x - f).square().median(),
                lambda x, f: (x - f).square().median().sqrt(),
            ),
        ),
        Mistake(
            "mean-error",
            "You average the errors, of which those of opposite signs cancel: average their "
            "squares.",
            (
                lambda x, f: (x - f).mean(),
                lambda x, f: (f - x).mean(),
                lambda x, f: (x - f).mean().abs(),
            ),
        ),
        Mistake(
            "spread-of-the-data",
            "You measure how much the pictures vary: it is the error x - f that counts.",
            (
                lambda x, f: x.std(correction=0),
                lambda x, f: x.std(),
                lambda x, f: f.std(correction=0),
                lambda x, f: f.std(),
                lambda x, f: x.square().mean().sqrt(),
            ),
        ),
        Mistake(
            "relative",
            "You divide by the size of the pictures: sigma_x is in the units of x.",
            (
                lambda x, f: _sigma(x, f) / x.mean(),
                lambda x, f: _sigma(x, f) / x.std(),
                lambda x, f: _sigma(x, f) / x.square().mean().sqrt(),
            ),
        ),
        Mistake(
            "logarithm",
            "You return log sigma_x: return sigma_x itself.",
            (lambda x, f: _sigma(x, f).log(), lambda x, f: 2 * _sigma(x, f).log()),
        ),
    ),
)


@check(BEST_SIGMA_X)
def best_sigma_x(student: Callable) -> Verdict:
    """Check f(x (N, D), f (N, D)) -> the sigma_x under which these errors cost least."""
    return judge(student, BEST_SIGMA_X)


def _bits(cost: Tensor, n_values: int) -> Tensor:
    return cost / (n_values * math.log(2)) + math.log2(255)


def _costs(n: int, d: int, lowest: float = -1.5) -> Case:
    """Costs of n pictures, in nats from `lowest` to half a nat more for each value."""
    g = torch.Generator().manual_seed(d)
    return Case({"cost": d * (lowest + 0.5 * torch.rand(n, generator=g)), "n_values": d})


BITS_PER_VALUE = Exercise(
    name="bits_per_value",
    right=_bits,
    cases=lambda: [
        _costs(4, 1728),
        _costs(3, 300),
        _costs(2, 12, -5.5),
        _costs(3, 48, -5.3),
        _costs(5, 30, 1.0),
        _costs(2, 75, -6.0),
    ],
    roles={"cost": Role("B")},
    explain=wrong_term(
        {
            "Your cost in bits per value": lambda c, d: c / (d * math.log(2)),
            "Your log2(255)": lambda c, d: torch.full_like(c, math.log2(255)),
        }
    ),
    mistakes=(
        Mistake(
            "step-missing",
            "You have the bits of a density, which may be negative: add log2(255), the fineness "
            "to which a byte is written down.",
            lambda c, d: c / (d * math.log(2)),
        ),
        Mistake(
            "step-of-256",
            "You divide the axis into 256: a byte divided by 255 takes up 1/255.",
            lambda c, d: c / (d * math.log(2)) + 8,
        ),
        Mistake(
            "step-itself",
            "You add the step itself: a probability p / 255 has -log2(p) + log2(255) bits.",
            lambda c, d: c / (d * math.log(2)) + 255,
        ),
        Mistake(
            "half-a-step",
            "You add log2(255) and a half: log2(255) is the whole step.",
            lambda c, d: _bits(c, d) + 0.5,
        ),
        Mistake(
            "divided-by-255",
            "You divide or multiply the bits by 255: it is the probability that is divided, which "
            "adds log2(255).",
            (
                lambda c, d: c / (d * math.log(2)) / 255,
                lambda c, d: c / (d * math.log(2)) * 255,
            ),
        ),
        Mistake(
            "whole-cost",
            "You take the cost of the whole picture: divide it by n_values.",
            (
                lambda c, d: c / math.log(2) + math.log2(255),
                lambda c, d: c + math.log2(255),
            ),
        ),
        Mistake(
            "times-the-values",
            "You multiply the cost by n_values: divide it.",
            lambda c, d: c * d / math.log(2) + math.log2(255),
        ),
        Mistake(
            "nats-without-the-step",
            "You return nats per value: divide by log 2 for bits, and add log2(255).",
            lambda c, d: c / d,
        ),
        Mistake(
            "bits-of-bits",
            "You divide log2(255) by log 2, though it is in bits already: divide the cost only.",
            lambda c, d: (c / d + math.log2(255)) / math.log(2),
        ),
        Mistake(
            "base-ten",
            "Your logarithms have base 10: bits have base 2.",
            (
                lambda c, d: c / (d * math.log(10)) + math.log10(255),
                lambda c, d: c / (d * math.log(10)) + math.log2(255),
            ),
        ),
        Mistake(
            "log-of-the-cost",
            "You take the logarithm of the cost, which is -log p already: divide it by log 2.",
            lambda c, d: c.abs().log2() / d + math.log2(255),
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
            "channels-counted-twice",
            "You divide by three times n_values: it counts the values of all channels already.",
            lambda c, d: c / (3 * d * math.log(2)) + math.log2(255),
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


@check(BITS_PER_VALUE)
def bits_per_value(student: Callable) -> Verdict:
    """Check f(cost (N,) in nats, n_values) -> (N,): bits for each byte of the picture."""
    return judge(student, BITS_PER_VALUE)
