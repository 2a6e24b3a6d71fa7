"""Checks for the chapter on discrete latents: a leave-one-out gradient, a slope, a measured table.

Shapes: K draws, C classes, N draws of a mixture.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict


def _others(values: Tensor) -> Tensor:
    return (values.sum() - values) / (len(values) - 1)


def _weighted(weights: Tensor, z: Tensor, p: Tensor) -> Tensor:
    """The average of weight times score."""
    return (weights[:, None] * (z - p)).mean(0)


def _choice_gradient(values: Tensor, z: Tensor, p: Tensor) -> Tensor:
    return _weighted(values - _others(values), z, p)


def _choices(k: int, c: int, spread: float = 2.0) -> Case:
    g = torch.Generator().manual_seed(10 * k + c)
    p = torch.softmax(torch.randn(c, generator=g), dim=-1)
    drawn = torch.multinomial(p, k, replacement=True, generator=g)
    drawn[:2] = torch.tensor([0, c - 1])  # two classes at least, or all gradients are 0
    z = torch.nn.functional.one_hot(drawn, c).float()
    return Case({"values": 3 + spread * torch.randn(k, generator=g), "z": z, "p": p})


CHOICE_GRADIENT = Exercise(
    name="choice_gradient",
    right=_choice_gradient,
    cases=lambda: [_choices(5, 3), _choices(3, 2), _choices(8, 4, spread=200.0)],
    roles={"values": Role("K"), "z": Role("KC"), "p": Role("C")},
    ones="",
    fixed="KC",
    mistakes=(
        Mistake(
            "no-baseline",
            "You subtract no baseline: the average of the other values goes there.",
            lambda v, z, p: _weighted(v, z, p),
        ),
        Mistake(
            "own-average",
            "Your baseline is the average of all K values, own value included: leave it out.",
            lambda v, z, p: _weighted(v - v.mean(), z, p),
        ),
        Mistake(
            "others-divided-by-k",
            "You divide the sum of the other values by K: there are K - 1 of them.",
            lambda v, z, p: _weighted(v - (v.sum() - v) / len(v), z, p),
        ),
        Mistake(
            "sum-of-others",
            "Your baseline is the sum of the other values: take their average.",
            lambda v, z, p: _weighted(v - (v.sum() - v), z, p),
        ),
        Mistake(
            "baseline-added",
            "You add the baseline: subtract it.",
            lambda v, z, p: _weighted(v + _others(v), z, p),
        ),
        Mistake(
            "baseline-alone",
            "You weigh with the baseline alone: it is subtracted from the value of the draw.",
            lambda v, z, p: _weighted(_others(v), z, p),
        ),
        Mistake(
            "sign",
            "The sign is flipped: the score is z - p, and the baseline is subtracted.",
            lambda v, z, p: -_choice_gradient(v, z, p),
        ),
        Mistake(
            "score-by-probability",
            "Your score is z / p, by the probabilities: by the logits it is z - p.",
            lambda v, z, p: ((v - _others(v))[:, None] * z / p).mean(0),
        ),
        Mistake(
            "times-the-probability",
            "You multiply by the probabilities: the score z - p is by the logits already.",
            (
                lambda v, z, p: _choice_gradient(v, z, p) * p,
                lambda v, z, p: _choice_gradient(v, z, p) * p * (1 - p),
                lambda v, z, p: ((v - _others(v))[:, None] * z * p * (1 - p)).mean(0),
                lambda v, z, p: ((v - _others(v))[:, None] * z * p).mean(0),
            ),
        ),
        Mistake(
            "score-not-centred",
            "You subtract neither the baseline from the values nor p from z.",
            lambda v, z, p: (v[:, None] * z).mean(0),
        ),
        Mistake(
            "divided-by-the-spread",
            "You divide the values by their standard deviation: subtract the baseline only.",
            (
                lambda v, z, p: _weighted((v - v.mean()) / v.std(), z, p),
                lambda v, z, p: _weighted((v - v.mean()) / v.std(correction=0), z, p),
                lambda v, z, p: _weighted((v - _others(v)) / v.std(), z, p),
            ),
        ),
        Mistake(
            "median",
            "Your baseline is the median of the values: take the average of the others.",
            (
                lambda v, z, p: _weighted(v - v.median(), z, p),
                lambda v, z, p: _weighted(v - v.quantile(0.5), z, p),
            ),
        ),
        Mistake(
            "neighbour",
            "Your baseline is the value of one other draw: average all the others.",
            (
                lambda v, z, p: _weighted(v - v.roll(1), z, p),
                lambda v, z, p: _weighted(v - v.roll(-1), z, p),
            ),
        ),
        Mistake(
            "by-the-logs-of-all",
            "You multiply z - p by z: the score has an entry for each class, drawn or not.",
            lambda v, z, p: ((v - _others(v))[:, None] * z * (z - p)).mean(0),
        ),
        Mistake(
            "draws-summed",
            "You add the K estimates up: average them.",
            lambda v, z, p: len(v) * _choice_gradient(v, z, p),
        ),
        Mistake(
            "divided-by-k-minus-one",
            "You divide the sum of the K estimates by K - 1: there are K.",
            lambda v, z, p: len(v) / (len(v) - 1) * _choice_gradient(v, z, p),
        ),
        Mistake(
            "draws-kept",
            "You keep the K estimates apart: average them, axis 0.",
            lambda v, z, p: (v - _others(v))[:, None] * (z - p),
        ),
    ),
)


@check(CHOICE_GRADIENT)
def choice_gradient(student: Callable) -> Verdict:
    """Check f(values (K,), z (K, C) one-hot, p (C,)) -> gradient by the logits (C,)."""
    return judge(student, CHOICE_GRADIENT)


def _component(z: Tensor, mean: float, s: float) -> Tensor:
    """Density of one component."""
    return Normal(mean, s).log_prob(z).exp()


def _slope(z: Tensor, w: float, m1: float, m2: float, s: float) -> Tensor:
    one, two = w * _component(z, m1, s), (1 - w) * _component(z, m2, s)
    return one / (one + two)


def _density(z: Tensor, w: float, m1: float, m2: float, s: float) -> Tensor:
    return w * _component(z, m1, s) + (1 - w) * _component(z, m2, s)


def _by_weight(z: Tensor, w: float, m1: float, m2: float, s: float) -> Tensor:
    return -(Normal(m1, s).cdf(z) - Normal(m2, s).cdf(z)) / _density(z, w, m1, m2, s)


def _by_spread(z: Tensor, w: float, m1: float, m2: float, s: float) -> Tensor:
    one, two = w * _component(z, m1, s), (1 - w) * _component(z, m2, s)
    return (one * (z - m1) + two * (z - m2)) / s / (one + two)


def _draws(n: int, w: float, m1: float, m2: float, s: float) -> Case:
    g = torch.Generator().manual_seed(n)
    z = torch.where(torch.rand(n, generator=g) < w, m1, m2) + s * torch.randn(n, generator=g)
    z[0] = 0.5 * (m1 + m2)  # where the slope is not near 0, which cancellation in float32 spoils
    return Case({"z": z, "w": w, "m1": m1, "m2": m2, "s": s})


def _far_out() -> Case:
    """Draws as one in a million is, where a constant added to the density tells."""
    z = torch.tensor([4.5, -3.5, 4.8, -3.9])
    note = "z five deviations out"
    return Case({"z": z, "w": 0.4, "m1": 1.0, "m2": 0.0, "s": 0.75}, note=note, hard=True)


SLOPE_BY_MEAN = Exercise(
    name="slope_by_mean",
    right=_slope,
    cases=lambda: [
        _draws(6, 0.3, 2.0, -1.0, 0.7),
        _draws(4, 0.6, -0.5, 1.0, 1.3),
        _draws(5, 0.8, 0.4, 0.0, 0.5),
        _far_out(),
    ],
    roles={"z": Role("B")},
    mistakes=(
        Mistake(
            "sign",
            "The sign is flipped: dF/dm1 is negative, and the rule has a minus of its own.",
            lambda *a: -_slope(*a),
        ),
        Mistake(
            "not-divided",
            "You return -dF/dm1: divide it by the density of the mixture.",
            lambda z, w, m1, m2, s: w * _component(z, m1, s),
        ),
        Mistake(
            "not-divided-and-sign",
            "You return dF/dm1: flip its sign, and divide by the density of the mixture.",
            lambda z, w, m1, m2, s: -w * _component(z, m1, s),
        ),
        Mistake(
            "own-density",
            "You divide by the density of a component: the rank is that of the mixture.",
            (
                lambda z, w, m1, m2, s: w + 0 * z,
                lambda z, w, m1, m2, s: torch.ones_like(z),
            ),
        ),
        Mistake(
            "weight-missing",
            "The weight w is missing in dF/dm1.",
            lambda z, w, m1, m2, s: _component(z, m1, s) / _density(z, w, m1, m2, s),
        ),
        Mistake(
            "weights-missing",
            "The weights are missing in the density of the mixture.",
            lambda z, w, m1, m2, s: _slope(z, 0.5, m1, m2, s),
        ),
        Mistake(
            "other-mean",
            "That is the slope by m2: differentiate by m1, the mean of the component of weight w.",
            lambda *a: 1 - _slope(*a),
        ),
        Mistake(
            "weights-exchanged",
            "You give the first component the weight 1 - w: it has w.",
            lambda z, w, m1, m2, s: _slope(z, 1 - w, m1, m2, s),
        ),
        Mistake(
            "by-weight",
            "That is the slope by the weight w: differentiate by m1.",
            _by_weight,
        ),
        Mistake(
            "by-spread",
            "That is the slope by s: differentiate by m1.",
            _by_spread,
        ),
        Mistake(
            "variance-for-deviation",
            "You use s as a variance, or its square as a standard deviation: it is the deviation.",
            (
                lambda z, w, m1, m2, s: _slope(z, w, m1, m2, s**2),
                lambda z, w, m1, m2, s: _slope(z, w, m1, m2, s**0.5),
            ),
        ),
        Mistake(
            "half-missing",
            "Your exponent lacks its 1/2: the density holds exp(-(z - m)^2 / (2 s^2)).",
            lambda z, w, m1, m2, s: _slope(z, w, m1, m2, s / 2**0.5),
        ),
        Mistake(
            "weight-twice",
            "You multiply by the weight w twice: dF/dm1 has it once.",
            lambda z, w, m1, m2, s: w * _slope(z, w, m1, m2, s),
        ),
        Mistake(
            "log",
            "You return the logarithm of the slope: return the slope itself.",
            lambda *a: _slope(*a).log(),
        ),
        Mistake(
            "hard",
            "You round to 0 and 1: a draw between the humps moves by a share.",
            lambda *a: _slope(*a).round(),
        ),
        Mistake(
            "distribution-functions",
            "You divide distribution functions: the derivative of one by its mean is minus the "
            "density.",
            lambda z, w, m1, m2, s: (
                w
                * Normal(m1, s).cdf(z)
                / (w * Normal(m1, s).cdf(z) + (1 - w) * Normal(m2, s).cdf(z))
            ),
        ),
    ),
)


@check(SLOPE_BY_MEAN)
def slope_by_mean(student: Callable) -> Verdict:
    """Check f(z (N,), w, m1, m2, s) -> dz/dm1 (N,) at fixed rank, for a mixture of two normals."""
    return judge(student, SLOPE_BY_MEAN)
