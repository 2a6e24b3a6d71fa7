"""Checks for chapter 7, the latent space: walks, arcs, collapsed dimensions, where codes lie.

Three of them have a module of their own; here is the step of a walk.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._aggregate import AGGREGATE, aggregate_log_density
from vae_teach.check._collapsed import COLLAPSED, collapsed_dimensions
from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._great_circle import GREAT_CIRCLE, great_circle
from vae_teach.check._verdict import Verdict

__all__ = ["aggregate_log_density", "collapsed_dimensions", "great_circle", "prior_walk_step"]


def _step(
    keep: Callable[[float], float], add: Callable[[float], float]
) -> Callable[[Tensor, float, Tensor], Tensor]:
    """keep(delta) z + add(delta) eps."""
    return lambda z, step_size, eps: keep(step_size) * z + add(step_size) * eps


def _root(delta: float) -> float:
    return math.sqrt(1 - delta**2)


def _case(shape: tuple[int, ...], step_size: float) -> Case:
    g = torch.Generator().manual_seed(shape[0])
    z, eps = torch.randn(2, *shape, generator=g)
    return Case({"z": z, "step_size": step_size, "eps": eps})


PRIOR_WALK_STEP = Exercise(
    name="prior_walk_step",
    right=_step(_root, lambda d: d),
    cases=lambda: [_case((4, 3), 0.15), _case((5, 2), 0.6), _case((1, 6), 0.4)],
    mistakes=(
        Mistake(
            "no-shrinking",
            "You add noise without shrinking z first: its variance grows by step_size^2 at "
            "every step.",
            _step(lambda d: 1, lambda d: d),
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


def prior_walk_step(student: Callable) -> Verdict:
    """Check f(z, step_size, eps) -> like z: a step that leaves N(0, I) as it is."""
    return judge(student, PRIOR_WALK_STEP)


_TABLES = (AGGREGATE, COLLAPSED, GREAT_CIRCLE, PRIOR_WALK_STEP)
HINTS = {table.name: table.hints for table in _TABLES}
