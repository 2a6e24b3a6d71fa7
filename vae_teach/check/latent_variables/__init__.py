"""Checks for chapter 2, latent variables: draws by a transform, weighted draws, the width of q.

Shapes: n draws lead, B pictures.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOG_WEIGHTS, Role
from vae_teach.check.engine.verdict import Verdict


def _log_weights(n: int, b: int, around: float = -1.0, **options) -> Case:
    """Log-weights a few nats apart; far ones in float64, so that only exp can spoil them."""
    g = torch.Generator().manual_seed(n * b)
    weights = around + 1.5 * torch.randn(n, b, generator=g, dtype=torch.float64)
    return Case({"log_weights": weights if options else weights.float()}, **options)


def _cases() -> list[Case]:
    return [
        _log_weights(5, 3),
        _log_weights(2, 4),
        _log_weights(30, 2),
        _log_weights(6, 2, -2000.0, note="log-weights around -2000", hard=True),
        _log_weights(6, 2, 2000.0, note="log-weights around 2000", hard=True),
    ]


def _log_mean_exp(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(0) - math.log(len(log_weights))


LOG_MEAN_EXP = Exercise(
    name="log_mean_exp",
    right=_log_mean_exp,
    cases=_cases,
    roles={"log_weights": Role("nB", LOG_WEIGHTS)},
    ones="Bn",
    mistakes=(
        Mistake(
            "mean-of-logs",
            "You average the logs: average the weights themselves, and take the log of that.",
            lambda w: w.mean(0),
        ),
        Mistake(
            "sum-for-mean",
            "You take the log of the sum: for the mean, subtract log n.",
            lambda w: w.logsumexp(0),
        ),
        Mistake(
            "n-for-log-n",
            "You subtract n: dividing by n inside the log subtracts log n.",
            lambda w: w.logsumexp(0) - len(w),
        ),
        Mistake(
            "log-n-added",
            "You add log n: dividing by n subtracts it.",
            lambda w: w.logsumexp(0) + math.log(len(w)),
        ),
        Mistake(
            "divided-outside",
            "You divide the log by n: divide the sum inside it, which subtracts log n.",
            lambda w: w.logsumexp(0) / len(w),
        ),
        Mistake(
            "wrong-size",
            "You subtract the log of B, the number of pictures: n is the size of axis 0.",
            lambda w: w.logsumexp(0) - math.log(w.shape[1]),
        ),
        Mistake(
            "log-missing",
            "You return the mean weight: take its log.",
            lambda w: w.exp().mean(0),
        ),
        Mistake(
            "largest-only",
            "You return the largest log-weight: add the log of the mean of exp(w - largest).",
            lambda w: w.max(0).values,
        ),
        Mistake(
            "largest-not-added-back",
            "You subtract the largest log-weight and do not add it back.",
            lambda w: _log_mean_exp(w) - w.max(0).values,
        ),
        Mistake(
            "wrong-axis",
            "You average over the pictures: the draws are axis 0, so the result has shape (B,).",
            lambda w: _log_mean_exp(w.T),
        ),
        Mistake(
            "everything",
            "You average over draws and pictures at once: keep one value per picture, shape (B,).",
            lambda w: _log_mean_exp(w.reshape(-1)),
        ),
        Mistake(
            "n-minus-one",
            "You divide by n - 1: the mean divides by n.",
            lambda w: w.logsumexp(0) - math.log(len(w) - 1),
        ),
        Mistake(
            "log-n-to-another-base",
            "Your log n is not the natural logarithm, and the others are.",
            (
                lambda w: w.logsumexp(0) - math.log2(len(w)),
                lambda w: w.logsumexp(0) - math.log10(len(w)),
            ),
        ),
        Mistake(
            "largest-added-twice",
            "You add the largest log-weight although you did not subtract it, or add it twice.",
            lambda w: _log_mean_exp(w) + w.max(0).values,
        ),
        Mistake(
            "bits",
            "Your values are in bits: use the natural logarithm, which gives nats.",
            lambda w: _log_mean_exp(w) / math.log(2),
        ),
        Mistake(
            "underflow",
            "Your values are right for moderate log-weights, but infinite or NaN at -2000 or 2000: "
            "subtract the largest before exp, as torch.logsumexp does.",
            matches=lambda got, want, w: not bool(got.isfinite().all()),
            hard=True,
        ),
        Mistake(
            "clipped",
            "Your values are right for moderate log-weights only: "
            "in place of a clip, subtract the largest before exp, as torch.logsumexp does.",
            matches=lambda got, want, w: True,
            hard=True,
        ),
    ),
)


@check(LOG_MEAN_EXP)
def log_mean_exp(student: Callable) -> Verdict:
    """Check f(log_weights (n, B)) -> (B,): the log of the mean weight, at any size of the logs."""
    return judge(student, LOG_MEAN_EXP)
