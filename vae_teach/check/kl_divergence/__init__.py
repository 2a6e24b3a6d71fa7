"""Checks for chapter 3, the KL divergence: two Gaussians, bugs, an inequality, two estimators.

Shapes: B batch, N points of a plot. Nats.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.gaussian import kl_between_normals


def _kl(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    return kl_between_normals(*(t[:, None] for t in (mu_q, logvar_q, mu_p, logvar_p)))


def _by_terms(ratio: float = 1.0, spread: float = 1.0, distance: float = 1.0, one: float = 1.0):
    """1/2 (ratio log(var_p/var_q) + (spread var_q + distance (mu_q - mu_p)^2)/var_p - one)."""

    def kl(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
        squares = spread * logvar_q.exp() + distance * (mu_q - mu_p) ** 2
        return 0.5 * (ratio * (logvar_p - logvar_q) + squares / logvar_p.exp() - one)

    return kl


def _with_distance(squared: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The right KL with something else in place of (mu_q - mu_p)^2."""

    def kl(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
        ratio = (logvar_q.exp() + squared(mu_q, mu_p)) / logvar_p.exp()
        return 0.5 * (logvar_p - logvar_q + ratio - 1)

    return kl


def _pairs(b: int) -> Case:
    g = torch.Generator().manual_seed(b)
    values = torch.randn(4, b, generator=g)
    return Case(dict(zip(("mu_q", "logvar_q", "mu_p", "logvar_p"), values, strict=True)))


def _one_pair() -> Case:
    return Case(
        {
            "mu_q": torch.tensor([1.0, 0.5]),
            "logvar_q": torch.tensor([0.0, 1.2]),
            "mu_p": torch.tensor([0.0, 2.0]),
            "logvar_p": torch.tensor([1.0, -0.7]),
        }
    )


KL_TWO_NORMALS = Exercise(
    name="kl_two_normals",
    right=_kl,
    cases=lambda: [_one_pair(), _pairs(4), _pairs(7)],
    roles={
        "mu_q": Role("B"),
        "logvar_q": Role("B", LOGVAR),
        "mu_p": Role("B"),
        "logvar_p": Role("B", LOGVAR),
    },
    mistakes=(
        Mistake(
            "half-missing",
            "Your values are twice the right ones: look for a missing 1/2.",
            lambda *args: 2 * _kl(*args),
        ),
        Mistake(
            "arguments-swapped",
            "You compute KL(p || q): the expectation is under q, the first argument.",
            lambda mq, lq, mp, lp: _kl(mp, lp, mq, lq),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma^2 = exp(logvar).",
            lambda mq, lq, mp, lp: _kl(mq, 2 * lq, mp, 2 * lp),
        ),
        Mistake(
            "sigma-for-variance",
            "Your quotient holds sigma where sigma^2 belongs: "
            "the variance is exp(logvar), not exp(logvar / 2).",
            (
                lambda mq, lq, mp, lp: (
                    0.5 * (lp - lq + ((lq / 2).exp() + (mq - mp) ** 2) / (lp / 2).exp() - 1)
                ),
                lambda mq, lq, mp, lp: (
                    0.5 * (lp - lq + ((lq - lp) / 2).exp() + (mq - mp) ** 2 / lp.exp() - 1)
                ),
            ),
        ),
        Mistake(
            "logvar-for-variance",
            "Your quotient holds logvar itself: the variance is its exponential.",
            (
                lambda mq, lq, mp, lp: 0.5 * (lp - lq + (lq + (mq - mp) ** 2) / lp - 1),
                lambda mq, lq, mp, lp: 0.5 * (lp.log() - lq.log() + (lq + (mq - mp) ** 2) / lp - 1),
                lambda mq, lq, mp, lp: (
                    0.5 * (lp.abs().log() - lq.abs().log() + (lq + (mq - mp) ** 2) / lp - 1)
                ),
            ),
        ),
        Mistake(
            "logvar-as-sigma",
            "You read logvar as sigma: sigma is exp(logvar / 2).",
            (
                lambda mq, lq, mp, lp: (
                    lp.log() - lq.log() + (lq**2 + (mq - mp) ** 2) / (2 * lp**2) - 0.5
                ),
                lambda mq, lq, mp, lp: (
                    lp.abs().log() - lq.abs().log() + (lq**2 + (mq - mp) ** 2) / (2 * lp**2) - 0.5
                ),
            ),
        ),
        Mistake(
            "log-ratio-upside-down",
            "The sign of your log term is flipped: it is log(sigma_p / sigma_q).",
            _by_terms(ratio=-1),
        ),
        Mistake(
            "log-ratio-twice",
            "Your log term is twice the right one: log(sigma_p / sigma_q) is half the "
            "difference of the log-variances.",
            _by_terms(ratio=2),
        ),
        Mistake(
            "log-ratio-half",
            "Your log term is half the right one: 1/2 (logvar_p - logvar_q) is log sigma_p - "
            "log sigma_q, and needs no second 1/2.",
            _by_terms(ratio=0.5),
        ),
        Mistake("log-ratio-missing", "Your log term is missing.", _by_terms(ratio=0)),
        Mistake(
            "half-of-the-quotient-missing",
            "Your quotient lacks its 1/2: sigma_q^2 + (mu_q - mu_p)^2 is divided by 2 sigma_p^2.",
            _by_terms(spread=2, distance=2),
        ),
        Mistake(
            "distance-missing",
            "The distance of the means is missing: add (mu_q - mu_p)^2 to sigma_q^2.",
            _by_terms(distance=0),
        ),
        Mistake(
            "variance-of-q-missing",
            "The variance of q is missing: add sigma_q^2 to (mu_q - mu_p)^2.",
            _by_terms(spread=0),
        ),
        Mistake(
            "one-missing",
            "Your values are too large by 1/2: at q = p the divergence must be 0.",
            _by_terms(one=0),
        ),
        Mistake(
            "one-too-large",
            "Your values are too small by 1/2: at q = p the divergence must be 0.",
            _by_terms(one=2),
        ),
        Mistake(
            "distance-not-squared",
            "The distance of the means is not squared.",
            _with_distance(lambda mu_q, mu_p: mu_q - mu_p),
        ),
        Mistake(
            "difference-of-squares",
            "You subtract squares: square the difference of the means instead.",
            _with_distance(lambda mu_q, mu_p: mu_q**2 - mu_p**2),
        ),
        Mistake(
            "means-added",
            "You add the means: it is their distance that counts.",
            _with_distance(lambda mu_q, mu_p: (mu_q + mu_p) ** 2),
        ),
        Mistake(
            "mean-of-p-missing",
            "You leave mu_p out: the distance is (mu_q - mu_p)^2.",
            _with_distance(lambda mu_q, mu_p: mu_q**2),
        ),
        Mistake(
            "distance-outside-the-fraction",
            "You do not divide the distance of the means: it too is measured in sigma_p.",
            lambda mq, lq, mp, lp: 0.5 * (lp - lq + (lq - lp).exp() + (mq - mp) ** 2 - 1),
        ),
        Mistake(
            "divided-by-the-variance-of-q",
            "You divide by sigma_q^2: the quotient comes from log p, so its scale is sigma_p.",
            lambda mq, lq, mp, lp: 0.5 * (lp - lq + (lq.exp() + (mq - mp) ** 2) / lq.exp() - 1),
        ),
        Mistake(
            "distance-in-units-of-q",
            "You measure the distance of the means in units of sigma_q: it comes from log p, whose "
            "unit is sigma_p.",
            lambda mq, lq, mp, lp: (
                0.5 * (lp - lq + (lq - lp).exp() + (mq - mp) ** 2 / lq.exp() - 1)
            ),
        ),
        Mistake(
            "variances-upside-down",
            "Your quotient of the variances is upside down: it is sigma_q^2 / sigma_p^2.",
            lambda mq, lq, mp, lp: (
                0.5 * (lp - lq + (lp - lq).exp() + (mq - mp) ** 2 / lp.exp() - 1)
            ),
        ),
        Mistake(
            "two-pi",
            "Your values have log(2 pi) in them, which cancels between q and p.",
            (
                lambda *args: _kl(*args) + 0.5 * math.log(2 * math.pi),
                lambda *args: _kl(*args) - 0.5 * math.log(2 * math.pi),
            ),
        ),
        Mistake(
            "symmetric",
            "You add KL(p || q), or average with it: it is KL(q || p) alone that is asked.",
            (
                lambda mq, lq, mp, lp: _kl(mq, lq, mp, lp) + _kl(mp, lp, mq, lq),
                lambda mq, lq, mp, lp: 0.5 * (_kl(mq, lq, mp, lp) + _kl(mp, lp, mq, lq)),
            ),
        ),
        Mistake(
            "divided-by-sigma",
            "You divide by sigma_p: divide by its square, exp(logvar_p).",
            lambda mq, lq, mp, lp: (
                0.5 * (lp - lq + (lq.exp() + (mq - mp) ** 2) / (lp / 2).exp() - 1)
            ),
        ),
        Mistake(
            "half-of-the-distance-missing",
            "Your distance of the means lacks its 1/2.",
            _by_terms(distance=2),
        ),
        Mistake(
            "distance-absolute",
            "You take the absolute distance of the means: square it.",
            _with_distance(lambda mu_q, mu_p: (mu_q - mu_p).abs()),
        ),
        Mistake(
            "p-ignored",
            "You compute KL to N(0, 1): p has a mean and a variance of its own here.",
            lambda mq, lq, mp, lp: 0.5 * (mq**2 + lq.exp() - 1 - lq),
        ),
        Mistake(
            "cross-entropy",
            "You return the cross-entropy: subtract the entropy of q, "
            "or average log q(z) - log p(z).",
            lambda mq, lq, mp, lp: (
                0.5 * (math.log(2 * math.pi) + lp + (lq.exp() + (mq - mp) ** 2) / lp.exp())
            ),
        ),
        Mistake(
            "negative",
            "The sign is flipped: a divergence is never negative.",
            lambda *args: -_kl(*args),
        ),
        Mistake(
            "bits",
            "Your values are in bits: use the natural logarithm, which gives nats.",
            lambda *args: _kl(*args) / math.log(2),
        ),
        Mistake(
            "total-over-batch",
            "You add the whole batch up: return one value per pair, shape (B,).",
            lambda *args: _kl(*args).sum(),
        ),
        Mistake(
            "mean-over-batch",
            "You average over the batch: return one value per pair, shape (B,).",
            lambda *args: _kl(*args).mean(),
        ),
    ),
)


@check(KL_TWO_NORMALS)
def kl_two_normals(student: Callable) -> Verdict:
    """Check f(mu_q, logvar_q, mu_p, logvar_p) -> KL(q || p) in nats, each of shape (B,)."""
    return judge(student, KL_TWO_NORMALS)
