"""Measuring a trained model: bounds with standard errors, the exact referee, predictives, codes.

**Here:** `bounds` gives ELBO and log p(x) from the same draws, `grid` judges both where the latent
is a plane, `gap` takes a bound's gap apart by it, with the best q for each picture from
`free_posteriors`; `priors` fits a prior afterwards; `predictive`, `aggregate`, `completions` look
at samples and codes, and `factor_information` asks codes for known factors.
**In:** a model and images (B, D). **Out:** nats per example, with standard errors.
**Start with:** `bounds.py`.
"""

from vae_teach.evaluate.aggregate import log_mixture
from vae_teach.evaluate.bounds import (
    ActiveUnits,
    Bounds,
    PerImage,
    active_units,
    bound_curve,
    elbo,
    importance_bounds,
    posterior_means,
)
from vae_teach.evaluate.free_posteriors import FreePosterior, refine
from vae_teach.evaluate.gap import GapSplit, split_gap
from vae_teach.evaluate.grid import GridEvidence, grid_log_likelihood, log_prob_table
from vae_teach.evaluate.predictive import (
    nearest_neighbours,
    posterior_predictive_mean,
    posterior_predictive_sample,
    prior_predictive,
    prior_predictive_at,
    transform,
)
from vae_teach.evaluate.priors import (
    MixturePrior,
    VampPrior,
    fit_mixture_prior,
    fit_vamp_prior,
    prior_gain,
)
from vae_teach.evaluate.protocols import ProtocolRow, compare_protocols
from vae_teach.evaluate.weights import draw_posterior, log_joint, log_posterior, log_weights

__all__ = [
    "ActiveUnits",
    "Bounds",
    "FreePosterior",
    "GapSplit",
    "GridEvidence",
    "MixturePrior",
    "PerImage",
    "ProtocolRow",
    "VampPrior",
    "active_units",
    "bound_curve",
    "compare_protocols",
    "draw_posterior",
    "elbo",
    "fit_mixture_prior",
    "fit_vamp_prior",
    "grid_log_likelihood",
    "importance_bounds",
    "log_joint",
    "log_mixture",
    "log_posterior",
    "log_prob_table",
    "log_weights",
    "nearest_neighbours",
    "posterior_means",
    "posterior_predictive_mean",
    "posterior_predictive_sample",
    "prior_gain",
    "prior_predictive",
    "prior_predictive_at",
    "refine",
    "split_gap",
    "transform",
]
