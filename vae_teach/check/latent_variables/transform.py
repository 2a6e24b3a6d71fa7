"""The check of `inverse_transform` (chapter 2): normal noise made into exponential draws.

The noise is the row of normal quantiles, so a right answer has exactly the exponential quantiles,
in whatever order: a map that falls is as right as one that rises, and no luck is involved.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, call, numbers
from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.sampling import of_its_own_number_alone, watch
from vae_teach.check.engine.verdict import Verdict

RATE = 1.5
N = 20_000
# A right answer is off by half a step of 1/N; draws of one's own by some 1/sqrt(N), 45 steps.
MOST_STEPS_OFF = 1.5

HINTS = {
    "shape": "Your result has shape {got}, but z has shape {want}: make one draw for each z.",
    "own-noise": "You draw noise of your own: make the draws from the numbers z you are given.",
    "z-as-uniform": "You use z as if it were uniform: Phi(z), torch.special.ndtr(z), is.",
    "others": "Your draw depends on the other z, or on an earlier call: make each draw from its "
    "own z alone.",
    "no-phi": "You make the draws from z without its distribution function: Phi(z) is uniform, "
    "and the inverse CDF comes next.",
    "tails": "Your draws follow the exponential distribution but for the largest or smallest: "
    "look for a clamp, or for a constant added inside the logarithm.",
    "cdf-instead-of-inverse": "You apply the exponential's CDF: its inverse makes the draws, "
    "so solve F(x) = u for x.",
    "other-than-phi": "You make z uniform by another function than Phi: take "
    "Phi(z) = (1 + erf(z / sqrt(2))) / 2, which is torch.special.ndtr(z).",
    "rate-inside": "You multiply by the rate inside the logarithm: divide the logarithm by it.",
    "other-base": "Your logarithm is not the natural one.",
    "doubled": "Your draws are twice or half as large as they should be: look for a stray 2.",
    "density": "You apply the exponential's density: solve F(x) = u for x, "
    "where F(x) = 1 - exp(-1.5 x).",
    "rate-as-scale": "Your draws have mean 1.5: that is the rate, so their mean is 1/1.5.",
    "rate-missing": "Your draws have rate 1: divide by the rate, 1.5.",
    "negative": "Your draws are negative: the log of a probability is, so flip its sign.",
    "still-uniform": "You stop half-way: Phi(z) is uniform, and the inverse CDF comes next.",
    "still-normal": "Your draws are still normal: make them uniform by Phi, then apply the "
    "inverse CDF.",
    "not-finite": "Your result contains NaN or infinity for some z, and a right one does not.",
    "distribution": "Your draws do not follow the exponential distribution with rate 1.5: "
    "solve F(x) = Phi(z) for x.",
}


def _noise(n: int) -> Tensor:
    """The n quantiles of N(0, 1) in random order, float32."""
    ranks = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    return torch.special.ndtri(ranks)[order].float()


def _is_uniform(ranks: Tensor, ends: int = 0) -> bool:
    """Whether these are the quantiles (i + 1/2)/n of the uniform distribution, in some order.

    So many at either end are not looked at, and the rest less closely, if there are any.
    """
    n = len(ranks)
    wanted = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    off = (ranks.sort().values - wanted).abs()[ends : n - ends]
    return bool(off.max() <= (20 if ends else MOST_STEPS_OFF) / n)


def _rank(x: Tensor, rate: float = RATE) -> Tensor:
    return -torch.expm1(-rate * x)


def _normal_density(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)


def _normal_rank(x: Tensor) -> Tensor:
    return torch.special.ndtr((x - x.mean()) / x.std(correction=0))


# What a formula applied to the wrong thing gives; NaN where it has no value.
FORMULAS: dict[str, tuple[Callable[[Tensor], Tensor], ...]] = {
    "z-as-uniform": (
        lambda z: -torch.log1p(-z) / RATE,
        lambda z: -z.log() / RATE,
        lambda z: -z.abs().log() / RATE,
    ),
    "cdf-instead-of-inverse": (_rank, lambda z: _rank(torch.special.ndtr(z))),
    "no-phi": (
        lambda z: z.abs() / RATE,
        lambda z: z.square() / RATE,
        lambda z: z.exp() / RATE,
        lambda z: z.abs(),
        lambda z: z.square(),
        lambda z: torch.exp(z),
    ),
    "other-than-phi": (
        lambda z: -torch.log1p(-_normal_density(z)) / RATE,
        lambda z: -_normal_density(z).log() / RATE,
        lambda z: -torch.sigmoid(-1.702 * z).log() / RATE,
        lambda z: -torch.sigmoid(-1.7 * z).log() / RATE,
        lambda z: -torch.sigmoid(z).log() / RATE,
        lambda z: -torch.sigmoid(-z).log() / RATE,
        lambda z: -torch.log1p(-torch.erf(z)) / RATE,
        lambda z: -torch.erf(z).log() / RATE,
        lambda z: -torch.log1p(-torch.erf(z.abs())) / RATE,
        lambda z: -torch.log(0.5 + 0.5 * torch.erf(z)) / RATE,
        lambda z: -torch.log(0.5 - 0.5 * torch.erf(z)) / RATE,
        lambda z: torch.nn.functional.softplus(z) / RATE,
    ),
    "rate-inside": (
        lambda z: -torch.log(RATE * torch.special.ndtr(z)),
        lambda z: -torch.log1p(-RATE * torch.special.ndtr(z)),
        lambda z: -torch.log(torch.special.ndtr(z) / RATE),
    ),
    "density": (
        lambda z: RATE * torch.exp(-RATE * z),
        lambda z: RATE * torch.exp(-RATE * torch.special.ndtr(z)),
        lambda z: torch.exp(-RATE * z),
        lambda z: torch.exp(-RATE * torch.special.ndtr(z)),
    ),
}
# The ranks of the draws, if they followed another distribution.
READINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "rate-as-scale": lambda x: _rank(x, 1 / RATE),
    "rate-missing": lambda x: _rank(x, 1.0),
    "negative": lambda x: _rank(-x),
    "still-uniform": lambda x: x,
    "other-base": lambda x: _rank(x, RATE * math.log(2)),
    "base-ten": lambda x: _rank(x, RATE * math.log(10)),
    "doubled": lambda x: _rank(x, RATE / 2),
    "halved": lambda x: _rank(x, RATE * 2),
    "still-normal": _normal_rank,
}


def _attempt(student: Callable, z: Tensor) -> Tensor:
    watched = watch(lambda generator: numbers(call(student, "inverse_transform", {"z": z.clone()})))
    x = watched.result
    if x.shape != z.shape:
        raise Fault(HINTS["shape"].format(got=tuple(x.shape), want=tuple(z.shape)))
    if watched.moved_global:
        raise Fault(HINTS["own-noise"])
    return x


def _examine(student: Callable) -> None:
    _attempt(student, _noise(1))  # finds a squeeze
    _attempt(student, _noise(7))  # finds a number of draws that is written out
    noise = _noise(N)
    x, z = _attempt(student, noise), noise.double()
    middle = z.abs() < 2  # further out float32 rounds 1 - Phi(z)
    for name, formulas in FORMULAS.items():
        if any(agree(x[middle], formula(z)[middle]) for formula in formulas):
            raise Fault(HINTS[name])
    if not of_its_own_number_alone(lambda pick: _attempt(student, pick(noise)), x):
        raise Fault(HINTS["others"])
    if not x.isfinite().all():
        raise Fault(HINTS["not-finite"])
    if not _is_uniform(_rank(x)):
        name = next((n for n, read in READINGS.items() if _is_uniform(read(x))), "distribution")
        if name == "distribution" and _is_uniform(_rank(x), ends=N // 50):
            name = "tails"
        raise Fault(HINTS[{"base-ten": "other-base", "halved": "doubled"}.get(name, name)])


@check(HINTS)
def inverse_transform(student: Callable) -> Verdict:
    """Check f(z) -> draws of Exponential(rate 1.5), each (n,), from standard normal z."""
    return deliver("inverse_transform", lambda: _examine(student))
