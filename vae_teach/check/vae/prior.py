"""The check of `sample_prior` (chapter 7): images of codes drawn from the prior N(0, I).

The student is handed a decoder that remembers the codes it was given. So the pictures are compared
with what those very codes decode to, and the codes themselves are judged by statistics.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, call, numbers
from vae_teach.check.engine.diagnose import agree, diagnose
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.sampling import (
    CODES,
    LATENT,
    RIGHT_PER_FALSE_ALARM,
    Z_LIMIT,
    Watched,
    not_standard_normal,
    watch,
)
from vae_teach.check.engine.verdict import Verdict

PIXELS = 5
FARTHEST = 3.6  # sd; the largest of 60,000 normal values stays below it once in 1e8
_SIZES = ((4, 2), (CODES, LATENT))  # the small one finds sizes written as numbers
_ONCE_IN = f"(a right answer is refused less than once in {RIGHT_PER_FALSE_ALARM:,} ways to draw)."

HINTS = {
    "decode-not-called": "Your function never calls decode: draw codes z and decode them.",
    "number-of-codes": "Your function decodes {codes} codes for {n} images: draw n of them.",
    "logits": "You return the logits: the pixel means are their sigmoid.",
    "bernoulli-draws": "You return black and white draws: return the pixel means, in (0, 1).",
    "sigmoid-twice": "You apply the sigmoid twice to what decode returns.",
    "inverted": "Your images are negatives: the sigmoid of the logits is the probability of ink.",
    "softmax": "You let the pixels share one probability, as softmax does: each has its own, "
    "the sigmoid of its logit.",
    "odds": "You return exp(logits), which are odds: the pixel means are sigmoid(logits).",
    "tanh": "You take the tanh of the logits: the pixel means are sigmoid(logits).",
    "codes-returned": "You return the codes: decode them, and return the pixel means.",
    "no-image-of-the-codes": "Your images are not the means that decode gives for your codes: ",
    "global-random-state": "You draw from the global random state: "
    "pass generator=generator to torch.randn, and set no seed.",
    "generator-ignored": "You do not draw from the generator you are given: "
    "pass generator=generator to torch.randn.",
    "reseeded": "Codes of one call come again in the next, whatever the generator: set no seed, "
    "and keep no codes.",
    "not-reproducible": "Your codes differ between two generators of the same seed: draw all of "
    "them from the one you are given, as it is.",
    "not-finite": "Your codes contain NaN or infinity: draw them with torch.randn.",
    "same-code": "All your images come from the same code: draw one for each image.",
    "same-coordinates": "All coordinates of a code are equal: draw shape (n, latent_dim).",
    "repeated-codes": "Some of your codes are repeated: draw a new one for each image.",
    "mirrored-codes": "Some of your codes are others with the sign flipped: draw a new one for "
    "each image.",
    "rounded": "Your codes are rounded: leave them as torch.randn draws them.",
    "one-sign": "All coordinates of your codes have one sign: N(0, I) has both.",
    "one-length": "Your codes all have the same length: leave them as torch.randn draws them.",
    "standardised": "Your codes have mean 0 and standard deviation 1 exactly: draws vary about "
    "these, so do not standardise them.",
    "in-a-row": "Each of your codes resembles the one before: draw each on its own, and leave them "
    "as they come.",
    "cut-off": "Your codes stop at {most:.2f}: N(0, I) has no bounds, so cut none off, and draw "
    "none again.",
    "uniform": "Your codes are uniformly distributed: the prior is normal, so use torch.randn.",
    "shifted": "Your codes have mean {mean:.2f} where N(0, I) has 0: "
    "the prior knows no encoder, so add nothing to the noise",
    "wrong-sd": "Your codes have standard deviation {sd:.2f} where N(0, I) has 1: "
    "do not scale the noise",
    "correlated": "The coordinates of your codes are correlated: N(0, I) draws each on its own",
    "not-normal": "Your codes do not follow the normal distribution: use torch.randn",
}


class SpyDecoder:
    """A small fixed decoder, z (..., L) -> logits (..., D), that remembers its codes."""

    def __init__(self, latent_dim: int):
        g = torch.Generator().manual_seed(latent_dim)
        self.weight = torch.randn(latent_dim, PIXELS, generator=g, dtype=torch.float64)
        self.seen: list[Tensor] = []

    def __call__(self, z: Tensor) -> Tensor:
        """Logits (..., D) of codes z (..., L)."""
        latent_dim = len(self.weight)
        if not isinstance(z, Tensor):
            raise TypeError(f"decode takes a tensor z, but got {type(z).__name__}")
        if z.ndim == 0 or z.shape[-1] != latent_dim:
            raise ValueError(f"decode takes z of shape (n, {latent_dim}), but got {tuple(z.shape)}")
        self.seen.append(z.detach().double().cpu().reshape(-1, latent_dim).clone())
        return self._logits(z.double()).to(z.dtype)

    def _logits(self, z: Tensor) -> Tensor:
        return z @ self.weight.to(z.device) + 0.3

    def logits(self, z: Tensor) -> Tensor:
        """What it answers to codes (n, L), (n, D) in float64."""
        return self._logits(z.double())

    def codes(self) -> Tensor:
        """All codes it has seen, (n, L)."""
        return torch.cat(self.seen)


_MADE_OF_LOGITS = {
    "logits": lambda logits: logits,
    "sigmoid-twice": lambda logits: logits.sigmoid().sigmoid(),
    "inverted": lambda logits: (-logits).sigmoid(),
    "softmax": lambda logits: logits.softmax(-1),
    "odds": torch.exp,
    "tanh": torch.tanh,
}


def _run(
    student: Callable, n: int, latent_dim: int, generator: torch.Generator | None = None
) -> tuple[Watched, SpyDecoder]:
    spy = SpyDecoder(latent_dim)

    def run(generator: torch.Generator) -> Any:
        args = {"decode": spy, "n": n, "latent_dim": latent_dim, "generator": generator}
        return call(student, "sample_prior", args, keywords=("generator",))

    return watch(run, generator=generator), spy


def _shown(got: Tensor, spy: SpyDecoder, n: int) -> Tensor:
    """The n codes that are shown: a student may decode others as well, or one twice."""
    z = spy.codes()
    parts = (z[-n:], z[:n]) if len(z) > n else ()
    return next((part for part in parts if agree(got, spy.logits(part).sigmoid())), z)


def _examine_images(result: Any, spy: SpyDecoder, n: int) -> Tensor:
    """The codes of the images, if the images are what these decode to."""
    if not spy.seen:
        numbers(result)  # None, a tuple or a string is the better thing to complain of
        raise Fault(HINTS["decode-not-called"])
    got = numbers(result)
    z = _shown(got, spy, n)
    if len(z) != n:
        raise Fault(HINTS["number-of-codes"].format(codes=len(z), n=n))
    logits = spy.logits(z)
    if agree(got, z):
        raise Fault(HINTS["codes-returned"])
    for name, made in _MADE_OF_LOGITS.items():
        if agree(got, made(logits)):
            raise Fault(HINTS[name])
    want = logits.sigmoid()
    if got.shape == want.shape and ((got == 0) | (got == 1)).all():
        raise Fault(HINTS["bernoulli-draws"])
    if not agree(got, want):
        found = diagnose([got], [want], [{"n": n, "latent_dim": z.shape[1]}])
        raise Fault(HINTS["no-image-of-the-codes"] + found[0].lower() + found[1:])
    return z


def _examine_source(student: Callable, n: int = 4, latent_dim: int = 2) -> None:
    """Whether the generator, and nothing else, decides about the codes."""
    generator = torch.Generator().manual_seed(1)
    first, later = (_run(student, n, latent_dim, generator)[1].codes() for _ in range(2))
    again = _run(student, n, latent_dim, torch.Generator().manual_seed(1))[1].codes()
    if (first[:, None] == later).all(-1).any():
        raise Fault(HINTS["reseeded"])
    if not torch.equal(first, again):
        raise Fault(HINTS["not-reproducible"])


def _rounded(z: Tensor) -> bool:
    steps = z * 1_000
    return bool(((steps - steps.round()).abs() < 1e-3).all())  # give or take float32


def _mirrored(z: Tensor) -> bool:
    return len(torch.unique(z, dim=0)) == len(z) > len(torch.unique(z.abs(), dim=0))


def _one_length(z: Tensor) -> bool:
    lengths = z.norm(dim=1)
    return bool(lengths.std() < 1e-4 * lengths.mean())


def _standardised(z: Tensor) -> bool:
    return bool(z.mean(0).abs().max() < 1e-5 and (z.std(0) - 1).abs().max() < 1e-4)


def _in_a_row(z: Tensor) -> bool:
    """Whether a code resembles the one before: correlation 5 standard errors from 0."""
    centred = (z - z.mean(0)) / z.std(0)
    return bool((centred[1:] * centred[:-1]).mean().abs() * math.sqrt(z.numel()) > Z_LIMIT)


def _cut_off(z: Tensor) -> bool:
    scaled = (z - z.mean(0)) / z.std(0)
    return bool(scaled.abs().max() < FARTHEST)


_DONE = {
    "one-length": _one_length,
    "rounded": _rounded,
    "mirrored-codes": _mirrored,
    "one-sign": lambda z: bool((z >= 0).all() or (z <= 0).all()),
    "standardised": _standardised,
    "in-a-row": _in_a_row,
    "cut-off": _cut_off,
}


def what_was_done(z: Tensor) -> str | None:
    """Name what keeps codes from being draws of N(0, I): what was done to them, if that shows."""
    name = not_standard_normal(z)
    if name in ("not-finite", "same-code", "same-coordinates"):
        return name
    if name == "uniform" and not _one_length(z):
        return name
    return next((done for done, shows in _DONE.items() if shows(z)), name)


def _examine_codes(watched: Watched, z: Tensor) -> None:
    if watched.moved_global:
        raise Fault(HINTS["global-random-state"])
    if not watched.moved_generator:
        repeated = "same-code" if (z == z[:1]).all() else "generator-ignored"
        raise Fault(HINTS[repeated])
    name = what_was_done(z)
    if name:
        mean = z.mean(0)
        worst = mean[mean.abs().argmax()].item()
        text = HINTS[name].format(mean=worst, sd=z.std().item(), most=z.abs().max().item())
        raise Fault(text if text.endswith(".") else f"{text} {_ONCE_IN}")


def _examine(student: Callable) -> None:
    for n, latent_dim in _SIZES:
        watched, spy = _run(student, n, latent_dim)
        z = _examine_images(watched.result, spy, n)
    _examine_codes(watched, z)
    _examine_source(student)
    watched, spy = _run(student, 1, 2)  # a .squeeze() shows with one image only
    _examine_images(watched.result, spy, 1)


@check(HINTS)
def sample_prior(student: Callable) -> Verdict:
    """Check f(decode, n, latent_dim, generator) -> (n, D): pixel means of n codes from N(0, I).

    `decode` maps codes (n, latent_dim) to logits (n, D). The codes are judged by statistics:
    a right answer is refused less than once in 100,000 ways to draw.
    """
    return deliver("sample_prior", lambda: _examine(student))
