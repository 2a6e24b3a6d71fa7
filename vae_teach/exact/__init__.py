"""Models whose answers are known: linear-Gaussian, and anything with one or two latents on a grid.

**Here:** `linear_gaussian`, `ppca`, `em`, a `grid` for nonlinear decoders, and toys to judge by.
**In:** float64 tensors; noise comes from a `generator` that the caller passes.
**Out:** evidence, posterior and bounds in nats.
**Start with:** `linear_gaussian.py`, then `grid.py`.
"""

from .bound import AscentPath, ascend, quadrature_elbo
from .em import EMPath, e_step, m_step, variational_em
from .evidence import (
    effective_sample_size,
    importance_log_evidence,
    log_mean_exp,
    share_that_counts,
    sixteen_dimensions,
)
from .grid import DecoderModel, Grid, GridPosterior, grid_posterior
from .guides import AmortizedGuide, PerDatapointGuide, fit_guide
from .linear_gaussian import LinearGaussian
from .ppca import PPCA, fit_ppca
from .sampling import Mixture, PlanarMixture, conditional_transform, inverse_transform, ring

__all__ = [
    "PPCA",
    "AmortizedGuide",
    "AscentPath",
    "DecoderModel",
    "EMPath",
    "Grid",
    "GridPosterior",
    "LinearGaussian",
    "Mixture",
    "PerDatapointGuide",
    "PlanarMixture",
    "ascend",
    "conditional_transform",
    "e_step",
    "effective_sample_size",
    "fit_guide",
    "fit_ppca",
    "grid_posterior",
    "importance_log_evidence",
    "inverse_transform",
    "log_mean_exp",
    "m_step",
    "quadrature_elbo",
    "ring",
    "share_that_counts",
    "sixteen_dimensions",
    "variational_em",
]
