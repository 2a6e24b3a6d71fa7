"""Checks for chapter 4, the evidence lower bound: by hand, in code, a size to choose.

Shapes: K draws lead, B batch, L latent. Nats.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.gaussian import kl_to_standard_normal


def _elbo(log_likelihood: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return log_likelihood.mean(0) - kl_to_standard_normal(mu, logvar)


def _each(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL of each dimension, (B, L)."""
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def _with(divergence: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The bound with another divergence: divergence(mu, logvar) -> (B,)."""
    return lambda log_likelihood, mu, logvar: log_likelihood.mean(0) - divergence(mu, logvar)


def _case(k: int, b: int, n_latent: int, wide: float = 1.0, **options: Any) -> Case:
    g = torch.Generator().manual_seed(100 * k + 10 * b + n_latent)
    return Case(
        {
            "log_likelihood": -5 + 2 * torch.randn(k, b, generator=g),
            "mu": wide * torch.randn(b, n_latent, generator=g),
            "logvar": wide * torch.randn(b, n_latent, generator=g),
        },
        **options,
    )


ELBO_VALUE = Exercise(
    name="elbo_value",
    right=_elbo,
    cases=lambda: [
        _case(4, 3, 2),
        _case(2, 5, 3),
        _case(6, 4, 5),
        # of a dimension that is not used, where a floor under the divergence shows
        _case(3, 4, 5, wide=0.05, note="every q is close to the prior", hard=True),
    ],
    roles={"log_likelihood": Role("KB"), "mu": Role("BL"), "logvar": Role("BL", LOGVAR)},
    ones="BKL",
    mistakes=(
        Mistake(
            "kl-added",
            "You add the divergence: it is the price of the code, so subtract it.",
            lambda ll, m, v: ll.mean(0) + kl_to_standard_normal(m, v),
        ),
        Mistake(
            "loss",
            "You return the loss: the ELBO is its negative.",
            lambda *a: -_elbo(*a),
        ),
        Mistake(
            "draws-summed",
            "You add the draws up: the expectation is their mean, over axis 0.",
            lambda ll, m, v: ll.sum(0) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "log-mean-exp",
            "You take the log of the mean likelihood: the bound averages the logs.",
            lambda ll, m, v: ll.logsumexp(0) - math.log(len(ll)) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "log-sum-exp",
            "You take the log of the summed likelihoods: the bound averages the logs.",
            lambda ll, m, v: ll.logsumexp(0) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "one-draw",
            "You use one of the K draws: average over all of them, axis 0.",
            (
                lambda ll, m, v: ll[0] - kl_to_standard_normal(m, v),
                lambda ll, m, v: ll[-1] - kl_to_standard_normal(m, v),
            ),
        ),
        Mistake(
            "best-draw",
            "You keep the best of the K draws: the expectation is their mean.",
            lambda ll, m, v: ll.amax(0) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "likelihood-sign",
            "The sign of the log-likelihood is flipped: the ELBO adds it and subtracts the KL.",
            lambda ll, m, v: -ll.mean(0) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "kl-averaged",
            "You average the divergence over latent dimensions: sum it.",
            _with(lambda m, v: _each(m, v).mean(-1)),
        ),
        Mistake(
            "kl-summed-over-batch",
            "You sum the divergence over the whole batch: each picture pays for its own code.",
            _with(lambda m, v: _each(m, v).sum()),
        ),
        Mistake(
            "kl-averaged-over-batch",
            "You average the divergence over the batch: each picture pays for its own code.",
            _with(lambda m, v: _each(m, v).sum(-1).mean()),
        ),
        Mistake(
            "half-missing",
            "Your divergence is twice the right one: look for a missing 1/2.",
            _with(lambda m, v: 2 * _each(m, v).sum(-1)),
        ),
        Mistake(
            "half-twice",
            "Your divergence is half the right one: look for a 1/2 too many.",
            _with(lambda m, v: 0.5 * _each(m, v).sum(-1)),
        ),
        Mistake(
            "half-of-the-square-only",
            "The 1/2 of your divergence stands before one of its terms: it belongs to all of them.",
            (
                _with(lambda m, v: (0.5 * m**2 + v.exp() - 1 - v).sum(-1)),
                _with(lambda m, v: (0.5 * (m**2 + v.exp()) - 1 - v).sum(-1)),
                _with(lambda m, v: (0.5 * (m**2 + v.exp() - 1) - v).sum(-1)),
            ),
        ),
        Mistake(
            "minus-one-missing",
            "Your divergence lacks its -1 for each dimension: at mu = 0, logvar = 0 it must be 0.",
            _with(lambda m, v: (_each(m, v) + 0.5).sum(-1)),
        ),
        Mistake(
            "minus-one-once",
            "Your divergence has its -1 once: each latent dimension has one.",
            _with(lambda m, v: (_each(m, v) + 0.5).sum(-1) - 0.5),
        ),
        Mistake(
            "plus-one",
            "The sign of the 1 in your divergence is flipped: at mu = 0, logvar = 0 it must be 0.",
            _with(lambda m, v: (_each(m, v) + 1).sum(-1)),
        ),
        Mistake(
            "log-sign",
            "The sign of logvar in your divergence is flipped: narrow posteriors cost more.",
            _with(lambda m, v: (_each(m, v) + v).sum(-1)),
        ),
        Mistake(
            "log-missing",
            "The term -logvar is missing from your divergence.",
            _with(lambda m, v: (_each(m, v) + 0.5 * v).sum(-1)),
        ),
        Mistake(
            "kl-divided-by-draws",
            "You divide the divergence by the number of draws: it counts once, in full.",
            lambda ll, m, v: ll.mean(0) - kl_to_standard_normal(m, v) / len(ll),
        ),
        Mistake(
            "kl-divided-by-the-batch",
            "You divide the divergence by the number of pictures: each pays for its own, in full.",
            lambda ll, m, v: ll.mean(0) - kl_to_standard_normal(m, v) / len(m),
        ),
        Mistake(
            "one-dimension",
            "Your divergence has one latent dimension only: sum it over all L.",
            (_with(lambda m, v: _each(m, v)[:, 0]), _with(lambda m, v: _each(m, v)[:, -1])),
        ),
        Mistake(
            "draws-minus-one",
            "You divide the sum over the draws by K - 1: their mean divides by K.",
            lambda ll, m, v: ll.sum(0) / (len(ll) - 1) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "median",
            "You take the median of the draws: the expectation is their mean.",
            (
                lambda ll, m, v: ll.median(0).values - kl_to_standard_normal(m, v),
                lambda ll, m, v: ll.quantile(0.5, 0) - kl_to_standard_normal(m, v),
            ),
        ),
        Mistake(
            "kl-for-each-draw",
            "You subtract the divergence once for each draw: it counts once.",
            lambda ll, m, v: ll.mean(0) - len(ll) * kl_to_standard_normal(m, v),
        ),
        Mistake(
            "mean-likelihood",
            "You average the likelihoods: average their logarithms, which you are given.",
            lambda ll, m, v: ll.exp().mean(0) - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "two-pi",
            "Your divergence has log(2 pi) in it, which cancels between q and the prior.",
            (
                _with(lambda m, v: (_each(m, v) + 0.5 * math.log(2 * math.pi)).sum(-1)),
                _with(lambda m, v: (_each(m, v) - 0.5 * math.log(2 * math.pi)).sum(-1)),
                _with(lambda m, v: _each(m, v).sum(-1) + 0.5 * math.log(2 * math.pi)),
                _with(lambda m, v: _each(m, v).sum(-1) - 0.5 * math.log(2 * math.pi)),
            ),
        ),
        Mistake(
            "entropy-only",
            "You add the entropy of q and leave the prior out: the divergence holds both.",
            (
                _with(lambda m, v: -0.5 * (v + 1 + math.log(2 * math.pi)).sum(-1)),
                _with(lambda m, v: -0.5 * (v + 1).sum(-1)),
            ),
        ),
        Mistake(
            "mu-not-squared",
            "Your divergence holds mu where mu^2 belongs.",
            _with(lambda m, v: (_each(m, v) + 0.5 * (m - m**2)).sum(-1)),
        ),
        Mistake(
            "mu-missing",
            "The term mu^2 is missing from your divergence.",
            _with(lambda m, v: (_each(m, v) - 0.5 * m**2).sum(-1)),
        ),
        Mistake(
            "variance-missing",
            "The variance, exp(logvar), is missing from your divergence.",
            _with(lambda m, v: (_each(m, v) - 0.5 * v.exp()).sum(-1)),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma^2 = exp(logvar).",
            _with(lambda m, v: kl_to_standard_normal(m, 2 * v)),
        ),
        Mistake(
            "sigma-for-variance",
            "Your divergence holds sigma where sigma^2 belongs: the variance is exp(logvar), "
            "not exp(logvar / 2).",
            _with(lambda m, v: (_each(m, v) - 0.5 * (v.exp() - (v / 2).exp())).sum(-1)),
        ),
        Mistake(
            "logvar-for-variance",
            "You use logvar as the variance: the variance is its exponential.",
            (
                _with(lambda m, v: (0.5 * (m**2 + v - 1 - v.log())).sum(-1)),
                _with(lambda m, v: (0.5 * (m**2 + v.square() - 1 - v.square().log())).sum(-1)),
            ),
        ),
        Mistake(
            "swapped",
            "You compute KL(p || q): the bound needs KL(q || p), with the encoder's q first.",
            _with(lambda m, v: (0.5 * ((m**2 + 1) * (-v).exp() - 1 + v)).sum(-1)),
        ),
        Mistake(
            "parameters-exchanged",
            "You use mu as the log-variance and logvar as the mean: exchange them.",
            _with(lambda m, v: kl_to_standard_normal(v, m)),
        ),
        Mistake(
            "kl-missing",
            "The divergence is missing: subtract KL(q || N(0, I)).",
            lambda ll, m, v: ll.mean(0),
        ),
        Mistake(
            "likelihood-missing",
            "The expected log-likelihood is missing: add the mean over the draws.",
            lambda ll, m, v: -kl_to_standard_normal(m, v),
        ),
        Mistake(
            "bits",
            "Your values are in bits: use the natural logarithm, which gives nats.",
            lambda *a: _elbo(*a) / math.log(2),
        ),
        Mistake(
            "draws-not-averaged",
            "You keep the K draws apart: average over them, axis 0, so that one value per picture "
            "is left.",
            lambda ll, m, v: ll - kl_to_standard_normal(m, v),
        ),
        Mistake(
            "batch-averaged",
            "You average over the batch: return one value per picture, shape (B,).",
            lambda *a: _elbo(*a).mean(),
        ),
        Mistake(
            "batch-summed",
            "You add the batch up: return one value per picture, shape (B,).",
            lambda *a: _elbo(*a).sum(),
        ),
    ),
    gradients=("log_likelihood", "mu", "logvar"),
)


@check(ELBO_VALUE)
def elbo_value(student: Callable) -> Verdict:
    """Check f(log_likelihood (K, B), mu (B, L), logvar (B, L)) -> ELBO (B,) in nats."""
    return judge(student, ELBO_VALUE)
