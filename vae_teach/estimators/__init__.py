"""Gradient estimators for expectations, their exact values, and how to measure them.

**Here:** `continuous` (pathwise and score function), `discrete`, `implicit`, their exact gradients.
**In:** a cost f and the parameters of q. **Out:** one gradient a draw, (K, L).
**Start with:** `continuous.py` (the two ideas) and `exact_gradients.py` (what they must give).
"""

from vae_teach.estimators import discrete, exact_gradients
from vae_teach.estimators.continuous import (
    Gradient,
    leave_one_out,
    own_average,
    pathwise,
    score_function,
)
from vae_teach.estimators.implicit import implicit_sample, rsample
from vae_teach.estimators.kl import kl_monte_carlo, kl_monte_carlo_variance
from vae_teach.estimators.measure import (
    Median,
    Quality,
    measure_median,
    measure_quality,
    measure_seconds,
    measure_variance,
)
from vae_teach.maths.estimate import Estimate, measure_mean

__all__ = [
    "Estimate",
    "Gradient",
    "Median",
    "Quality",
    "discrete",
    "exact_gradients",
    "implicit_sample",
    "kl_monte_carlo",
    "kl_monte_carlo_variance",
    "leave_one_out",
    "measure_mean",
    "measure_median",
    "measure_quality",
    "measure_seconds",
    "measure_variance",
    "own_average",
    "pathwise",
    "rsample",
    "score_function",
]
