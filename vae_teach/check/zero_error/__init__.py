"""Checks for the appendix, zero error: a Gaussian nearer to the posterior, and a rate measured.

Shapes: B points. `slope` is 1 / f'(z0), `bend` is slope^2 * f''(z0).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict


def _moved(tilts: float, bends: float) -> Callable[..., Tensor]:
    """The mean moved against so many times the tilt and so many times the bend."""

    def answer(z0: Tensor, slope: Tensor, bend: Tensor, sigma_x: float) -> Tensor:
        return z0 - sigma_x**2 * slope * (tilts * slope * z0 + bends * bend)

    return answer


_better_mean = _moved(1, 1.5)


def _step(z0: Tensor, slope: Tensor, bend: Tensor, sigma_x: float) -> Tensor:
    """What the right answer adds to z0."""
    return _better_mean(z0, slope, bend, sigma_x) - z0


def _points(b: int, sigma_x: float, seed: int) -> Case:
    g = torch.Generator().manual_seed(seed)
    z0, bend = torch.randn(2, b, generator=g)
    slope = 0.5 + torch.rand(b, generator=g)
    return Case({"z0": z0, "slope": slope, "bend": bend, "sigma_x": sigma_x})


BETTER_MEAN = Exercise(
    name="better_mean",
    right=_better_mean,
    cases=lambda: [_points(4, 0.3, 0), _points(3, 0.5, 1), _points(5, 0.2, 2)],
    roles={"z0": Role("B"), "slope": Role("B"), "bend": Role("B")},
    mistakes=(
        Mistake(
            "unchanged",
            "You return the proof's own mean: move it.",
            lambda z0, slope, bend, sigma_x: z0,
        ),
        Mistake(
            "away",
            "You move the mean the other way: it has to go against tilt and bend.",
            _moved(-1, -1.5),
        ),
        Mistake(
            "prior-alone",
            "You take the prior's part away and leave the part of the bend: t³ is not uncorrelated "
            "with t.",
            _moved(1, 0),
        ),
        Mistake(
            "bend-alone",
            "You take the bend's part away and leave that of the prior: V holds tilt * t too.",
            _moved(0, 1.5),
        ),
        Mistake(
            "half-the-bend",
            "Your coefficient of the bend is 1/2: the regression of t³/2 on t has the slope "
            "E[t⁴]/2.",
            _moved(1, 0.5),
        ),
        Mistake(
            "three-times-the-bend",
            "Your coefficient of the bend is 3: V holds half of bend * t³.",
            _moved(1, 3),
        ),
        Mistake(
            "bend-with-the-other-sign",
            "Your bend has the other sign: tilt and bend are added in V.",
            _moved(1, -1.5),
        ),
        Mistake(
            "half-a-step",
            "You go half of the way: minimise the whole square, not half of it.",
            _moved(0.5, 0.75),
        ),
        Mistake(
            "not-squared",
            "Your step is proportional to sigma_x: in t it is, and t is in units of "
            "slope * sigma_x.",
            lambda z0, slope, bend, sigma_x: z0 + _step(z0, slope, bend, sigma_x) / sigma_x,
        ),
        Mistake(
            "in-units-of-t",
            "Your step is in units of t: multiply it by slope * sigma_x, the standard deviation of "
            "q.",
            lambda z0, slope, bend, sigma_x: (
                z0 + _step(z0, slope, bend, sigma_x) / (slope * sigma_x)
            ),
        ),
        Mistake(
            "slope-missing",
            "Your step lacks the factor slope: t is in units of slope * sigma_x.",
            lambda z0, slope, bend, sigma_x: z0 + _step(z0, slope, bend, sigma_x) / slope,
        ),
        Mistake(
            "tilt-without-slope",
            "You take z0 for the tilt: the tilt is slope * z0.",
            lambda z0, slope, bend, sigma_x: z0 - sigma_x**2 * slope * (z0 + 1.5 * bend),
        ),
        Mistake(
            "slope-twice",
            "Your step has a factor slope too many: it is m * slope * sigma_x².",
            lambda z0, slope, bend, sigma_x: z0 + _step(z0, slope, bend, sigma_x) * slope,
        ),
        Mistake(
            "tilt-divided",
            "You divide z0 by the slope for the tilt: the tilt is slope * z0.",
            lambda z0, slope, bend, sigma_x: z0 - sigma_x**2 * slope * (z0 / slope + 1.5 * bend),
        ),
        Mistake(
            "step-alone",
            "You return what is to be added: return the mean itself.",
            (
                _step,
                lambda z0, slope, bend, sigma_x: -(slope * z0 + 1.5 * bend),
            ),
        ),
        Mistake(
            "one-value",
            "You average over the points: return one mean for each, shape (B,).",
            (
                lambda *args: _better_mean(*args).mean(),
                lambda *args: _better_mean(*args).sum(),
            ),
        ),
    ),
)


@check(BETTER_MEAN)
def better_mean(student: Callable) -> Verdict:
    """Check f(z0 (B,), slope (B,), bend (B,), sigma_x) -> (B,): the mean of a better q."""
    return judge(student, BETTER_MEAN)
