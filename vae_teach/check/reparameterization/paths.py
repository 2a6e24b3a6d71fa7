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
from vae_teach.check.engine.sampling import (
    KS_LIMIT,
    kolmogorov_distance,
    of_its_own_number_alone,
    watch,
)
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import error_text, kind

N = 20_000
MOST_STEPS_OFF = 2.5  # of 1/N; a right answer is off by half a step, or a whole one where it folds
FURTHEST = 1_000.0  # in units of scale; exp(-1,000) is 0 in float64, so no number that is not 0


@dataclass(frozen=True)
class Path:
    """What a check needs to know: the ranks under the right reading and under the wrong ones."""

    name: str
    parameters: Callable[[], dict[str, Tensor]]  # each (N,)
    rank: Callable[..., Tensor]  # F(z) from z and the parameters
    readings: dict[str, Callable[..., Tensor]]  # the same for each usual mistake
    slopes: Callable[..., dict[str, Tensor]]  # dz/dparameter from z and the parameters
    formulas: tuple[Callable[..., Tensor], ...]  # of u, for who applies F or the density to it
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
    "scale-softplus": "scale-exp",
    "mean-parameters": "first-parameters",
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
        "two-forgotten": lambda z, loc, scale: torch.where(
            z < loc, torch.exp((z - loc) / scale), -torch.expm1((loc - z) / scale)
        ),
        "centred-exponential": lambda z, loc, scale: _exponential_rank(z - loc + scale, 1 / scale),
        "scale-squared": lambda z, loc, scale: _laplace_rank(z, loc, scale**2),
        "scale-exp": lambda z, loc, scale: _laplace_rank(z, loc, scale.exp()),
        "scale-softplus": lambda z, loc, scale: _laplace_rank(
            z, loc, torch.nn.functional.softplus(scale)
        ),
        "first-parameters": lambda z, loc, scale: _laplace_rank(z, loc[:1], scale[:1]),
        "mean-parameters": lambda z, loc, scale: _laplace_rank(z, loc.mean(), scale.mean()),
        "uniform": lambda z, loc, scale: (z - loc) / scale,
        "uniform-centred": lambda z, loc, scale: (z - loc) / scale + 0.5,
        "other-base": lambda z, loc, scale: _laplace_rank(z, loc, scale / math.log(2)),
        "base-ten": lambda z, loc, scale: _laplace_rank(z, loc, scale / math.log(10)),
    },
    slopes=lambda z, loc, scale: {"loc": torch.ones_like(z), "scale": (z - loc) / scale},
    formulas=(
        _laplace_rank,
        lambda u, loc, scale: torch.exp(-(u - loc).abs() / scale) / (2 * scale),
    ),
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
        "two-forgotten": "Your logarithms lack their 2: within its half u is uniform up to 1/2, so "
        "2u, or 2u - 1, is uniform from 0 to 1.",
        "centred-exponential": "You shift an exponential to the mean loc: Laplace has an "
        "exponential on either side of loc.",
        "scale-squared": "You multiply by the square of scale: multiply by scale itself.",
        "scale-exp": "You pass scale through exp or softplus: it is positive as it is given.",
        "first-parameters": "You use one loc and one scale for all draws: each has its own.",
        "normal": "Your draws are normal: the tails of Laplace are those of an exponential.",
        "logistic": "Your draws are logistic: the tails of Laplace are those of an exponential.",
        "uniform": "You shift and stretch u, which stays uniform: solve F(z) = u for z.",
        "other-base": "Your logarithm is not the natural one.",
        "distribution": "Your draws do not follow the Laplace distribution: "
        "its tails are those of an exponential on either side of loc.",
        "distribution-function": "You apply a distribution function or a density to u: z is the "
        "number at which F(z) = u.",
        "others": "Your z depends on the other u, or on an earlier call: make each z from its own "
        "u and parameters alone.",
        "tails": "Your draws follow the Laplace distribution but for the furthest from loc: look "
        "for a clamp, or for a constant added inside the logarithm.",
        "huge": "Your z is finite at u = 0, which torch.rand returns now and then, but {size:.0e} "
        "times scale away from loc: let u < 1/2 choose the side, and make an exponential of 2u or "
        "2u - 1, neither of them 1.",
        "nan-gradient-at-zero": "Your z is right, but at u = 0, which torch.rand returns now and "
        "then, its slope by {name} is NaN or infinite: torch.where differentiates both of its "
        "branches, so keep both finite.",
        "log-of-zero": "Your z is infinite at u = 0, which torch.rand returns now and then: "
        "let u < 1/2 choose the side, and make an exponential of 2u or 2u - 1, neither of them 1.",
    },
)


def _uniform_noise() -> Tensor:
    """N numbers in (0, 1), none of them 0: that case is tried apart."""
    u = torch.rand(N, generator=torch.Generator().manual_seed(4))
    return u.clamp(min=1e-6)


def _grid() -> tuple[Tensor, dict[str, Tensor]]:
    """The middles of N equal pieces of (0, 1), in random order, and one loc and scale for all."""
    order = torch.randperm(N, generator=torch.Generator().manual_seed(5))
    u = ((torch.arange(N, dtype=torch.float64) + 0.5) / N)[order].float()
    return u, {"loc": torch.full((N,), 0.7), "scale": torch.full((N,), 1.6)}


def _examine_tails(student: Callable, path: Path) -> None:
    """On the grid a right path, however it folds u, gives each rank to a step or two."""
    u, parameters = _grid()
    z = _attempt(student, path, u, parameters)
    rank = path.rank(z, **{name: value.double() for name, value in parameters.items()})
    wanted = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    off = (rank.sort().values - wanted).abs()
    if off.max() > MOST_STEPS_OFF / N:
        inside = off[N // 20 : -(N // 20)].max() < 20 / N
        raise Fault(path.hints["tails" if inside else "distribution"])


def _examine_at_zero(student: Callable, path: Path) -> None:
    """z and its slopes where u is exactly 0."""
    u, parameters = torch.zeros(5), {n: v[:5] for n, v in path.parameters().items()}
    z = _attempt(student, path, u, parameters)
    if not z.isfinite().all():
        raise Fault(path.hints["log-of-zero"])
    size = ((z - parameters["loc"]) / parameters["scale"]).abs().max().item()
    if size > FURTHEST:
        raise Fault(path.hints["huge"].format(size=size))
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    slopes = torch.autograd.grad(student(u.clone(), *leaves.values()).sum(), list(leaves.values()))
    for name, slope in zip(leaves, slopes, strict=True):
        if not slope.isfinite().all():
            raise Fault(path.hints["nan-gradient-at-zero"].format(name=name))


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
    for formula in path.formulas:
        if agree(z, formula(u.double(), **values)):
            raise Fault(path.hints["distribution-function"])
    pick_all = lambda pick: _attempt(  # noqa: E731
        student, path, pick(u), {name: pick(value) for name, value in parameters.items()}
    )
    alone = of_its_own_number_alone(pick_all, z)
    if not _fits(path.rank(z, **values), parameters):
        for name, reading in path.readings.items():
            if _fits(reading(z, **values), parameters):
                raise Fault(path.hints[ALIKE.get(name, name)])
        raise Fault(path.hints["distribution" if alone else "others"])
    if not alone:
        raise Fault(path.hints["others"])
    _examine_tails(student, path)
    _examine_gradient(student, path, u, parameters)
    _examine_at_zero(student, path)


@check(LAPLACE)
def laplace_sample(student: Callable) -> Verdict:
    """Check f(u, loc, scale) -> z: uniform noise u made into Laplace draws around loc."""
    return deliver(LAPLACE.name, lambda: _examine(student, LAPLACE))
