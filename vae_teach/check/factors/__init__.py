"""Checks for chapter 11, judges and factors: the share of a factor that is explained, its control,
and a step of a walk.

Shapes: N pictures.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict


def _share(y: Tensor, guess: Tensor) -> Tensor:
    return 1 - (y - guess).square().sum() / (y - y.mean()).square().sum()


def _correlation(y: Tensor, guess: Tensor) -> Tensor:
    a, b = y - y.mean(), guess - guess.mean()
    return (a * b).sum() / (a.square().sum() * b.square().sum()).sqrt()


def _case(n: int, centre: float, gain: float, shift: float, noise: float, **options) -> Case:
    """Guesses that follow the truth with a gain and a shift, which a correlation does not see."""
    g = torch.Generator().manual_seed(n)
    y = centre + torch.randn(n, generator=g)
    guess = centre + gain * (y - centre) + shift + noise * torch.randn(n, generator=g)
    return Case({"y": y, "guess": guess}, **options)


def _scaled(case: Case, unit: float, centre: float, note: str) -> Case:
    """The same in other units, in which R^2 is the same."""
    return Case({k: centre + unit * v for k, v in case.args.items()}, note=note, hard=True)


EXPLAINED_SHARE = Exercise(
    name="explained_share",
    right=_share,
    cases=lambda: [
        _case(9, 0.5, 0.7, 0.2, 0.3),
        _case(14, -2.0, 1.2, -0.3, 0.2),
        _case(11, 3.0, -1.4, 0.5, 0.3, note="guesses worse than the mean"),
        _scaled(_case(12, 0.0, 0.8, 0.1, 0.4), 1e-5, 0.0, "a factor of tiny spread"),
        _scaled(_case(16, 0.0, 0.8, 0.1, 0.4), 1.0, 500.0, "a factor far from 0"),
    ],
    mistakes=(
        Mistake(
            "correlation-squared",
            "You square a correlation: it forgives guesses that are shifted or too timid.",
            lambda y, guess: _correlation(y, guess).square(),
        ),
        Mistake(
            "correlation",
            "You return a correlation: it forgives guesses that are shifted or too timid.",
            _correlation,
        ),
        Mistake(
            "shift-forgiven",
            "You take the variance of the errors, which forgives a shift: average their squares.",
            lambda y, guess: 1 - (y - guess).var(correction=0) / y.var(correction=0),
        ),
        Mistake(
            "share-left-over",
            "You return the share that is left over: subtract it from 1.",
            lambda y, guess: 1 - _share(y, guess),
        ),
        Mistake(
            "about-zero",
            "You compare with a guess of 0: compare with the mean of y.",
            lambda y, guess: 1 - (y - guess).square().sum() / y.square().sum(),
        ),
        Mistake(
            "about-the-guesses",
            "You take the spread of the guesses in the denominator: it is that of y.",
            lambda y, guess: 1 - (y - guess).square().sum() / (guess - guess.mean()).square().sum(),
        ),
        Mistake(
            "variance-of-the-guesses",
            "You divide the variance of the guesses by that of y: bold wrong guesses would win.",
            lambda y, guess: guess.var() / y.var(),
        ),
        Mistake(
            "root",
            "You take roots: it is a ratio of squared errors.",
            lambda y, guess: 1 - (1 - _share(y, guess)).sqrt(),
        ),
        Mistake(
            "absolute-errors",
            "You take absolute errors: it is a ratio of squared errors.",
            lambda y, guess: 1 - (y - guess).abs().sum() / (y - y.mean()).abs().sum(),
        ),
        Mistake(
            "n-and-n-minus-one",
            "Your numerator divides by n and your denominator by n - 1: take both sums as they "
            "are.",
            lambda y, guess: 1 - (y - guess).square().mean() / y.var(),
        ),
        Mistake(
            "never-negative",
            "You cut it off at 0: guesses that are worse than the mean have a negative share.",
            lambda y, guess: _share(y, guess).clamp(min=0),
        ),
        Mistake(
            "explained-over-all",
            "You divide the spread of the guesses about the mean of y by that of y: bold wrong "
            "guesses would win.",
            lambda y, guess: (guess - y.mean()).square().sum() / (y - y.mean()).square().sum(),
        ),
        Mistake(
            "mean-of-the-guesses",
            "You compare with the mean of the guesses: the best constant is the mean of y.",
            lambda y, guess: 1 - (y - guess).square().sum() / (y - guess.mean()).square().sum(),
        ),
        Mistake(
            "median",
            "You compare with the median: the constant with the least squared error is the mean.",
            lambda y, guess: 1 - (y - guess).square().sum() / (y - y.median()).square().sum(),
        ),
        Mistake(
            "one-minus-the-error",
            "You subtract the error itself from 1: divide it by that of the mean of y.",
            (
                lambda y, guess: 1 - (y - guess).square().mean(),
                lambda y, guess: 1 - (y - guess).square().sum(),
                lambda y, guess: 1 - (y - guess).square().mean() / (y - y.mean()).square().sum(),
            ),
        ),
        Mistake(
            "degrees-of-freedom",
            "You correct for a fitted line: R^2 as the exercise has it takes the two sums as they "
            "are.",
            lambda y, guess: 1 - (1 - _share(y, guess)) * (len(y) - 1) / (len(y) - 2),
        ),
        Mistake(
            "each-picture",
            "You return a value for each picture: sum the squares over the pictures first.",
            lambda y, guess: 1 - (y - guess).square() / (y - y.mean()).square(),
        ),
        Mistake(
            "squared-error",
            "You return the mean squared error: compare it with that of the mean of y.",
            lambda y, guess: (y - guess).square().mean(),
        ),
        Mistake(
            "not-in-every-unit",
            "Your values are right for a y of spread 1 about 0, and not in other units, where R^2 "
            "is the same: add nothing to the denominator, and subtract the mean before squaring.",
            matches=lambda got, want, y, guess: got.shape == want.shape,
            hard=True,
        ),
    ),
)


@check(EXPLAINED_SHARE)
def explained_share(student: Callable) -> Verdict:
    """Check f(y (N,), guess (N,)) -> (): R^2, the share of the variation that guesses explain."""
    return judge(student, EXPLAINED_SHARE)
