"""Checks for chapter 5, gradients through a sample: paths, a broken graph, a measured table.

Each has a module of its own.
"""

from vae_teach.check.reparameterization.crossing import CROSSING, crossing_variances
from vae_teach.check.reparameterization.cuts import HINTS as CUT_OFF_HINTS
from vae_teach.check.reparameterization.cuts import cut_off
from vae_teach.check.reparameterization.paths import (
    EXPONENTIAL,
    LAPLACE,
    exponential_sample,
    laplace_sample,
)

__all__ = ["crossing_variances", "cut_off", "exponential_sample", "laplace_sample"]

HINTS = {
    "crossing_variances": CROSSING.hints,
    "cut_off": CUT_OFF_HINTS,
    "exponential_sample": EXPONENTIAL.hints,
    "laplace_sample": LAPLACE.hints,
}
