"""The check of `prior_walk_step` (chapter 11): a step that leaves N(0, I) as it is.

Shapes: z and eps alike.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict


def _step(
    keep: Callable[[float], float], add: Callable[[float], float]
) -> Callable[[Tensor, float, Tensor], Tensor]:
    """keep(delta) z + add(delta) eps."""
    return lambda z, step_size, eps: keep(step_size) * z + add(step_size) * eps


def _root(delta: float) -> float:
    return math.sqrt(1 - delta**2)


def _case(shape: tuple[int, ...], step_size: float, spread: float = 1.0) -> Case:
    g = torch.Generator().manual_seed(shape[0])
    z, eps = spread * torch.randn(2, *shape, generator=g)
    return Case({"z": z, "step_size": step_size, "eps": eps})


def _weights(got: Tensor, z: Tensor, eps: Tensor) -> tuple[float, float] | None:
    """The two weights with got = one z + other eps, if there are such."""
    basis = torch.stack([z.double().reshape(-1), eps.double().reshape(-1)], dim=1)
    found = torch.linalg.lstsq(basis, got.reshape(-1, 1)).solution
    if not found.isfinite().all() or not agree(got.reshape(-1, 1), basis @ found):
        return None
    return found[0].item(), found[1].item()


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """The weights of z and eps in the student's step, and what is asked of them."""
    pairs = [
        _weights(got, case.args["z"], case.args["eps"])
        for got, case in zip(gots, cases, strict=True)
    ]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(cases):
        return None
    for (keep, add), case in zip(found, cases, strict=True):
        step = case.args["step_size"]
        if abs(keep - _root(step)) > 1e-3:
            return (
                f"At step_size = {step:g} you multiply z by {keep:.4g}: with noise of variance "
                f"step_size^2 it is sqrt(1 - step_size^2) = {_root(step):.4g} that keeps the "
                "variance at 1."
            )
        if abs(add - step) > 1e-3:
            return (
                f"At step_size = {step:g} you multiply eps by {add:.4g}: multiply it by step_size."
            )
    return None


PRIOR_WALK_STEP = Exercise(
    name="prior_walk_step",
    right=_step(_root, lambda d: d),
    cases=lambda: [
        _case((4, 3), 0.15),
        _case((5, 2), 0.6),
        _case((2, 6), 0.4),
        _case((3, 4), 0.3, spread=9.0),
    ],
    roles={"z": Role("BL"), "eps": Role("BL")},
    ones="BL",
    explain=_explain,
    mistakes=(
        Mistake(
            "no-shrinking",
            "You add noise without shrinking z first: its variance grows by step_size^2 at "
            "every step.",
            _step(lambda d: 1, lambda d: d),
        ),
        Mistake(
            "divided-after",
            "You divide z + step_size eps by sqrt(1 + step_size^2), a sound walk too: in this one "
            "the noise keeps its factor step_size, and z gets sqrt(1 - step_size^2).",
            lambda z, step_size, eps: (z + step_size * eps) / math.sqrt(1 + step_size**2),
        ),
        Mistake(
            "angle",
            "You take step_size for an angle, a sound walk too: in this one it is the standard "
            "deviation of the noise, and z gets sqrt(1 - step_size^2).",
            _step(math.cos, math.sin),
        ),
        Mistake(
            "noise-subtracted",
            "You subtract the noise, as good a walk: this exercise adds step_size eps.",
            _step(_root, lambda d: -d),
        ),
        Mistake(
            "noise-shrunk-too",
            "You shrink the noise with z: multiply z alone by sqrt(1 - step_size^2), then add "
            "step_size eps.",
            _step(_root, lambda d: d * _root(d)),
        ),
        Mistake(
            "variance-for-share",
            "You keep sqrt(1 - step_size) of z: the variance of the noise is step_size^2, so it is "
            "sqrt(1 - step_size^2).",
            _step(lambda d: math.sqrt(1 - d), lambda d: d),
        ),
        Mistake(
            "no-step",
            "You return z itself: shrink it and add step_size eps.",
            _step(lambda d: 1, lambda d: 0),
        ),
        Mistake(
            "z-forgotten",
            "You return the noise alone: a step begins at z.",
            (lambda z, step_size, eps: eps, lambda z, step_size, eps: step_size * eps),
        ),
        Mistake(
            "steps-of-one-size",
            "You move every coordinate by plus or minus step_size, as mathybit does: "
            "shrink z and add step_size times eps.",
            lambda z, step_size, eps: z + step_size * eps.sign(),
        ),
        Mistake(
            "shrunk-by-delta",
            "You keep the share 1 - step_size of z: it is the variances that must add up to 1, "
            "so keep sqrt(1 - step_size^2).",
            _step(lambda d: 1 - d, lambda d: d),
        ),
        Mistake(
            "delta-as-variance",
            "You take step_size for a variance: it is the standard deviation of the noise.",
            _step(lambda d: math.sqrt(1 - d), math.sqrt),
        ),
        Mistake(
            "root-missing",
            "You keep the share 1 - step_size^2: the factor of z is its square root.",
            _step(lambda d: 1 - d**2, lambda d: d),
        ),
        Mistake(
            "weights-not-rooted",
            "Your weights are the variances themselves: z and eps get their square roots.",
            _step(lambda d: 1 - d**2, lambda d: d**2),
        ),
        Mistake(
            "noise-squared",
            "You multiply eps by step_size^2: a factor of step_size gives the variance "
            "step_size^2.",
            _step(_root, lambda d: d**2),
        ),
        Mistake(
            "weights-swapped",
            "You give z the small weight and the noise the large one: swap them.",
            _step(lambda d: d, _root),
        ),
        Mistake(
            "noise-missing",
            "You shrink z and add no noise: every walk would end at 0.",
            _step(_root, lambda d: 0),
        ),
    ),
)


@check(PRIOR_WALK_STEP)
def prior_walk_step(student: Callable) -> Verdict:
    """Check f(z, step_size, eps) -> like z: a step that leaves N(0, I) as it is."""
    return judge(student, PRIOR_WALK_STEP)
