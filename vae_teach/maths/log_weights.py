"""Averages of weights that are known by their logarithms, because exp of them underflows.

Shapes: K draws on the first axis.
"""

import math

import torch
from torch import Tensor

from vae_teach.validation import checked


@checked
def log_mean_exp(values: Tensor) -> Tensor:
    """log of the mean of exp(values) over the first axis: (K, ...) -> (...,)."""
    return torch.logsumexp(values, dim=0) - math.log(len(values))


@checked
def effective_sample_size(log_weights: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2, between 1 and K: how many draws do the work. (K, ...) -> (...,)."""
    total = torch.logsumexp(log_weights, dim=0)
    return torch.exp(2 * total - torch.logsumexp(2 * log_weights, dim=0))
