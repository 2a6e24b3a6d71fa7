"""The check of `laplace_sample` (chapter 5): uniform noise made into z.

More than one formula is right: u and 1 - u serve alike. So the rank F(z) of the result must be
uniform, and its slope by each parameter must be the one that every path of that family has.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, call, numbers
from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.sampling import KS_LIMIT, kolmogorov_distance, watch
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import error_text, kind

N = 20_000


@dataclass(frozen=True)
class Path:
    """What a check needs to know: the ranks under the right reading and under the wrong ones."""

    name: str
    parameters: Callable[[], dict[str, Tensor]]  # each (N,)
    rank: Callable[..., Tensor]  # F(z) from z and the parameters
    readings: dict[str, Callable[..., Tensor]]  # the same for each usual mistake
    slopes: Callable[..., dict[str, Tensor]]  # dz/dparameter from z and the parameters
    hints: dict[str, str]


def _spread(seed: int, low: float, high: float) -> Tensor:
    """Values spaced evenly in the logarithm, in random order."""
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed))
    return torch.linspace(math.log(low), math.log(high), N)[order].exp()


def _is_uniform(rank: Tensor) -> bool:
    """Kolmogorov's distance, at a limit that a right answer passes all but once in 3 million."""
    if not rank.isfinite().all() or rank.min() < 0 or rank.max() > 1:
        return False
    return kolmogorov_distance(rank, "uniform") <= KS_LIMIT


def _fits(rank: Tensor, parameters: dict[str, Tensor]) -> bool:
    """Whether the ranks are uniform over all, and where each parameter is small or large.

    Without the second a wrong power of a parameter, whose errors cancel over all, would pass.
    """
    groups: list[slice | Tensor] = [slice(None)]
    for value in parameters.values():
        order = value.argsort()
        groups += [order[: N // 3], order[-(N // 3) :]]
    return all(_is_uniform(rank[group]) for group in groups)


def _exponential_rank(z: Tensor, rate: Tensor) -> Tensor:
    return -torch.expm1(-rate * z)


def _laplace_rank(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    y = (z - loc) / scale
    tail = 0.5 * torch.exp(-y.abs())
    return torch.where(y < 0, tail, 1 - tail)


COMMON = {
    "shape": "Your result has shape {got}, but u has shape {want}: make one z for each u.",
    "u-ignored": "You draw noise of your own: make z from the numbers u that you are given.",
    "not-finite": "Your result contains NaN or infinity for some u between 0 and 1",
    "no-gradient": "Your z is right, but no gradient flows back to {name}: "
    "compute z from it with torch operations, without .sample() or .detach().",
    "nan-gradient": "Your z is right, but its slope by {name} is NaN or infinite for some u: "
    "torch.where differentiates both of its branches, so keep both finite.",
    "wrong-gradient": "Your z is right, but its slope by {name} is not that of z at fixed u.",
}

# Readings that one sentence serves.
ALIKE = {
    "one-sided-below": "one-sided",
    "uniform-centred": "uniform",
    "base-ten": "other-base",
}

LAPLACE = Path(
    name="laplace_sample",
    parameters=lambda: {
        "loc": 4 * torch.rand(N, generator=torch.Generator().manual_seed(2)) - 2,
        "scale": _spread(3, 0.3, 3.0),
    },
    rank=_laplace_rank,
    readings={
        "one-sided": lambda z, loc, scale: _exponential_rank(z - loc, 1 / scale),
        "scale-as-sd": lambda z, loc, scale: _laplace_rank(z, loc, scale / math.sqrt(2)),
        "scale-inverse": lambda z, loc, scale: _laplace_rank(z, loc, 1 / scale),
        "scale-missing": lambda z, loc, scale: _laplace_rank(z, loc, torch.ones_like(scale)),
        "loc-missing": lambda z, loc, scale: _laplace_rank(z, torch.zeros_like(loc), scale),
        "loc-scaled": lambda z, loc, scale: _laplace_rank(z, loc * scale, scale),
        "one-sided-below": lambda z, loc, scale: _exponential_rank(loc - z, 1 / scale),
        "scale-rooted": lambda z, loc, scale: _laplace_rank(z, loc, scale.sqrt()),
        "scale-doubled": lambda z, loc, scale: _laplace_rank(z, loc, 2 * scale),
        "scale-halved": lambda z, loc, scale: _laplace_rank(z, loc, scale / 2),
        "loc-subtracted": lambda z, loc, scale: _laplace_rank(z, -loc, scale),
        "two-missing": lambda z, loc, scale: (
            0.5 - (z - loc).sign() * torch.expm1(-((z - loc) / scale).abs())
        ),
        "normal": lambda z, loc, scale: torch.special.ndtr((z - loc) / scale),
        "logistic": lambda z, loc, scale: ((z - loc) / scale).sigmoid(),
        "uniform": lambda z, loc, scale: (z - loc) / scale,
        "uniform-centred": lambda z, loc, scale: (z - loc) / scale + 0.5,
        "other-base": lambda z, loc, scale: _laplace_rank(z, loc, scale / math.log(2)),
        "base-ten": lambda z, loc, scale: _laplace_rank(z, loc, scale / math.log(10)),
    },
    slopes=lambda z, loc, scale: {"loc": torch.ones_like(z), "scale": (z - loc) / scale},
    hints={
        **COMMON,
        "not-finite": COMMON["not-finite"]
        + ": centre u first, so that 1 - 2|u - 1/2| is positive.",
        "one-sided": "Your draws all lie on one side of loc: give the other half the other sign.",
        "scale-as-sd": "You read scale as the standard deviation, which is sqrt(2) times it.",
        "scale-inverse": "Your spread is 1 / scale: multiply by scale instead of dividing.",
        "scale-missing": "Your spread does not depend on scale: multiply by it.",
        "loc-missing": "Your draws are centred on 0: add loc.",
        "loc-scaled": "You scale loc as well: multiply the noise by scale, then add loc.",
        "scale-rooted": "You multiply by the square root of scale: multiply by scale itself.",
        "scale-doubled": "Your spread is twice the right one: look for a 2 outside the log.",
        "scale-halved": "Your spread is half the right one: look for a 1/2 too many.",
        "loc-subtracted": "You subtract loc: add it.",
        "two-missing": "Your logarithm lacks its 2: |u - 1/2| goes up to 1/2, so 1 - 2|u - 1/2| is "
        "uniform from 0 to 1.",
        "normal": "Your draws are normal: the tails of Laplace are those of an exponential.",
        "logistic": "Your draws are logistic: the tails of Laplace are those of an exponential.",
        "uniform": "You shift and stretch u, which stays uniform: solve F(z) = u for z.",
        "other-base": "Your logarithm is not the natural one.",
        "distribution": "Your draws do not follow the Laplace distribution: "
        "its tails are those of an exponential on either side of loc.",
        "log-of-zero": "Your z is infinite at u = 0, which torch.rand returns now and then: "
        "let u < 1/2 choose the side, and make an exponential of 2u or 2u - 1, neither of them 1.",
    },
)


def _uniform_noise() -> Tensor:
    """N numbers in (0, 1), none of them 0: that case is tried apart."""
    u = torch.rand(N, generator=torch.Generator().manual_seed(4))
    return u.clamp(min=1e-6)


def _attempt(student: Callable, path: Path, u: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    args = {"u": u.clone(), **{name: value.clone() for name, value in parameters.items()}}
    z = numbers(call(student, path.name, args))
    if z.shape != u.shape:
        raise Fault(path.hints["shape"].format(got=tuple(z.shape), want=tuple(u.shape)))
    return z


def _examine_gradient(student: Callable, path: Path, u: Tensor, parameters: dict) -> None:
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    first = next(iter(leaves))
    try:
        z: Any = student(u.clone(), *leaves.values())
        if not isinstance(z, Tensor):
            raise Fault(f"Your z is right but comes as {kind(z)}: return a torch tensor.")
        if not z.requires_grad:
            raise Fault(path.hints["no-gradient"].format(name=first))
        got = torch.autograd.grad(z.sum(), list(leaves.values()), allow_unused=True)
    except Fault:
        raise
    except Exception as error:
        raise Fault(
            "Your z is right, but the function fails on tensors that require a gradient "
            f"({error_text(error)}): use torch operations only."
        ) from error
    values = {name: value.double() for name, value in parameters.items()}
    wanted = path.slopes(z.detach().double(), **values)
    for name, slope in zip(leaves, got, strict=True):
        if slope is None or not slope.any():
            raise Fault(path.hints["no-gradient"].format(name=name))
        if not slope.isfinite().all():
            raise Fault(path.hints["nan-gradient"].format(name=name))
        if not agree(slope.double(), wanted[name]):
            raise Fault(path.hints["wrong-gradient"].format(name=name))


def _examine(student: Callable, path: Path) -> None:
    u, parameters = _uniform_noise(), path.parameters()
    for n in (1, 5):  # finds a squeeze, and sizes written as numbers
        few = {name: value[:n] for name, value in parameters.items()}
        _attempt(student, path, u[:n], few)
    watched = watch(lambda generator: _attempt(student, path, u, parameters))
    if watched.moved_global:
        raise Fault(path.hints["u-ignored"])
    z, values = watched.result, {name: value.double() for name, value in parameters.items()}
    if not z.isfinite().all():
        raise Fault(path.hints["not-finite"])
    if not _fits(path.rank(z, **values), parameters):
        for name, reading in path.readings.items():
            if _fits(reading(z, **values), parameters):
                raise Fault(path.hints[ALIKE.get(name, name)])
        raise Fault(path.hints["distribution"])
    if not _attempt(student, path, torch.zeros(5), few).isfinite().all():
        raise Fault(path.hints["log-of-zero"])
    _examine_gradient(student, path, u, parameters)


@check(LAPLACE)
def laplace_sample(student: Callable) -> Verdict:
    """Check f(u, loc, scale) -> z: uniform noise u made into Laplace draws around loc."""
    return deliver(LAPLACE.name, lambda: _examine(student, LAPLACE))
