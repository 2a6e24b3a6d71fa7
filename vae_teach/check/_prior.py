"""The check of `sample_prior` (chapter 6): images of codes drawn from the prior N(0, I).

The student is handed a decoder that remembers the codes it was given. So the pictures are compared
with what those very codes decode to, and the codes themselves are judged by statistics.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check._call import Fault, call, numbers
from vae_teach.check._diagnose import agree, diagnose
from vae_teach.check._exercise import deliver
from vae_teach.check._sampling import (
    CODES,
    LATENT,
    RIGHT_PER_FALSE_ALARM,
    Watched,
    not_standard_normal,
    watch,
)
from vae_teach.check._verdict import Verdict

PIXELS = 5
_ONCE_IN = f"(a right answer is refused less than once in {RIGHT_PER_FALSE_ALARM:,} ways to draw)."

HINTS = {
    "decode-not-called": "Your function never calls decode: draw codes z and decode them.",
    "number-of-codes": "Your function decodes {codes} codes for {n} images: draw n of them.",
    "logits": "You return the logits: the pixel means are their sigmoid.",
    "bernoulli-draws": "You return black and white draws: return the pixel means, in (0, 1).",
    "sigmoid-twice": "You apply the sigmoid twice to what decode returns.",
    "no-image-of-the-codes": "Your images are not the means that decode gives for your codes: ",
    "global-random-state": "You draw from the global random state: "
    "pass generator=generator to torch.randn, and set no seed.",
    "generator-ignored": "You do not draw from the generator you are given: "
    "pass generator=generator to torch.randn.",
    "not-finite": "Your codes contain NaN or infinity: draw them with torch.randn.",
    "same-code": "All your images come from the same code: draw one for each image.",
    "same-coordinates": "All coordinates of a code are equal: draw shape (n, latent_dim).",
    "repeated-codes": "Some of your codes are repeated: draw a new one for each image.",
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
        latent_dim = len(self.weight)
        if not isinstance(z, Tensor):
            raise TypeError(f"decode takes a tensor z, but got {type(z).__name__}")
        if z.ndim == 0 or z.shape[-1] != latent_dim:
            raise ValueError(f"decode takes z of shape (n, {latent_dim}), but got {tuple(z.shape)}")
        self.seen.append(z.detach().double().cpu().reshape(-1, latent_dim).clone())
        return self._logits(z.double()).to(z.dtype)

    def _logits(self, z: Tensor) -> Tensor:
        return z @ self.weight.to(z.device) + 0.3

    def logits(self) -> Tensor:
        """What it answered, for all codes it has seen, (n, D) in float64."""
        return self._logits(self.codes())

    def codes(self) -> Tensor:
        """All codes it has seen, (n, L)."""
        return torch.cat(self.seen)


def _run(student: Callable, n: int, latent_dim: int) -> tuple[Watched, SpyDecoder]:
    spy = SpyDecoder(latent_dim)

    def run(generator: torch.Generator) -> Any:
        args = {"decode": spy, "n": n, "latent_dim": latent_dim, "generator": generator}
        return call(student, "sample_prior", args, keywords=("generator",))

    return watch(run), spy


def _examine_images(result: Any, spy: SpyDecoder, n: int) -> None:
    if not spy.seen:
        numbers(result)  # None, a tuple or a string is the better thing to complain of
        raise Fault(HINTS["decode-not-called"])
    got, logits = numbers(result), spy.logits()
    if len(logits) != n:
        raise Fault(HINTS["number-of-codes"].format(codes=len(logits), n=n))
    if agree(got, logits):
        raise Fault(HINTS["logits"])
    if agree(got, logits.sigmoid().sigmoid()):
        raise Fault(HINTS["sigmoid-twice"])
    want = logits.sigmoid()
    if got.shape == want.shape and ((got == 0) | (got == 1)).all():
        raise Fault(HINTS["bernoulli-draws"])
    if not agree(got, want):
        found = diagnose([got], [want], [{"n": n, "latent_dim": spy.codes().shape[1]}])
        raise Fault(HINTS["no-image-of-the-codes"] + found[0].lower() + found[1:])


def _examine_codes(watched: Watched, z: Tensor) -> None:
    if watched.moved_global:
        raise Fault(HINTS["global-random-state"])
    if not watched.moved_generator:
        repeated = "same-code" if (z == z[:1]).all() else "generator-ignored"
        raise Fault(HINTS[repeated])
    name = not_standard_normal(z)
    if name:
        mean = z.mean(0)
        worst = mean[mean.abs().argmax()].item()
        text = HINTS[name].format(mean=worst, sd=z.std().item())
        raise Fault(text if text.endswith(".") else f"{text} {_ONCE_IN}")


def _examine(student: Callable) -> None:
    for n, latent_dim in ((4, 2), (CODES, LATENT)):  # the small one finds sizes written as numbers
        watched, spy = _run(student, n, latent_dim)
        _examine_images(watched.result, spy, n)
    _examine_codes(watched, spy.codes())


def sample_prior(student: Callable) -> Verdict:
    """Check f(decode, n, latent_dim, generator) -> (n, D): pixel means of n codes from N(0, I).

    `decode` maps codes (n, latent_dim) to logits (n, D). The codes are judged by statistics:
    a right answer is refused less than once in 100,000 ways to draw.
    """
    return deliver("sample_prior", lambda: _examine(student))
