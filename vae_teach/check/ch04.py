"""Checks for chapter 4, the evidence lower bound: by hand, in code, a misprint, a posterior.

Shapes: K draws lead, B batch, L latent. Nats.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._bound_by_hand import (
    BOUND_HINTS,
    MISPRINT_HINTS,
    find_misprint,
    two_point_bound,
)
from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._posterior import HINTS as POSTERIOR_HINTS
from vae_teach.check._posterior import gaussian_posterior
from vae_teach.check._verdict import Verdict
from vae_teach.gaussian import kl_to_standard_normal

__all__ = ["elbo_value", "find_misprint", "gaussian_posterior", "two_point_bound"]


def _elbo(log_likelihood: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return log_likelihood.mean(0) - kl_to_standard_normal(mu, logvar)


def _case(k: int, b: int, n_latent: int) -> Case:
    g = torch.Generator().manual_seed(100 * k + 10 * b + n_latent)
    return Case(
        {
            "log_likelihood": -5 + 2 * torch.randn(k, b, generator=g),
            "mu": torch.randn(b, n_latent, generator=g),
            "logvar": torch.randn(b, n_latent, generator=g),
        }
    )


ELBO_VALUE = Exercise(
    name="elbo_value",
    right=_elbo,
    cases=lambda: [_case(4, 3, 2), _case(2, 5, 3), _case(6, 4, 5)],
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
            "kl-averaged",
            "You average the divergence over latent dimensions: sum it.",
            lambda ll, m, v: ll.mean(0) - kl_to_standard_normal(m, v) / m.shape[-1],
        ),
        Mistake(
            "half-missing",
            "Your divergence is twice the right one: look for a missing 1/2.",
            lambda ll, m, v: ll.mean(0) - 2 * kl_to_standard_normal(m, v),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma^2 = exp(logvar).",
            lambda ll, m, v: ll.mean(0) - kl_to_standard_normal(m, 2 * v),
        ),
        Mistake(
            "kl-missing",
            "The divergence is missing: subtract KL(q || N(0, I)).",
            lambda ll, m, v: ll.mean(0),
        ),
        Mistake(
            "batch-averaged",
            "You average over the batch: return one value per picture, shape (B,).",
            lambda *a: _elbo(*a).mean(),
        ),
    ),
    gradients=("log_likelihood", "mu", "logvar"),
)


def elbo_value(student: Callable) -> Verdict:
    """Check f(log_likelihood (K, B), mu (B, L), logvar (B, L)) -> ELBO (B,) in nats."""
    return judge(student, ELBO_VALUE)


HINTS = {
    "elbo_value": ELBO_VALUE.hints,
    "find_misprint": MISPRINT_HINTS,
    "gaussian_posterior": POSTERIOR_HINTS,
    "two_point_bound": BOUND_HINTS,
}
