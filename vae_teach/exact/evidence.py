"""Estimating p(x) by sampling: from the prior, which fails, and from near the posterior.

Shapes: K draws on the first axis. Everything stays on the log scale: p(x|z) underflows.
"""

import math

import torch
from torch import Tensor

from vae_teach.exact.linear_gaussian import LinearGaussian
from vae_teach.maths.log_weights import effective_sample_size, log_mean_exp
from vae_teach.validation import SHARE, checked

__all__ = [
    "effective_sample_size",
    "importance_log_evidence",
    "log_mean_exp",
    "share_that_counts",
    "sixteen_dimensions",
]


@checked
def importance_log_evidence(log_joint: Tensor, log_q: Tensor) -> Tensor:
    """log of the mean of p(x, z) / q(z) over K draws z of q: (K, ...), (K, ...) -> (...,).

    Raises:
        ValueError: if the shapes differ.
    """
    if log_joint.shape != log_q.shape:
        raise ValueError(
            f"log_joint has shape {tuple(log_joint.shape)} but log_q has {tuple(log_q.shape)}"
        )
    return log_mean_exp(log_joint - log_q)


@checked(within=SHARE)
def share_that_counts(log_likelihood: Tensor, within: float = 1e-6) -> Tensor:
    """The share of draws whose p(x|z) exceeds `within` times the largest: (K, ...) -> (...,)."""
    best = log_likelihood.max(dim=0).values
    return (log_likelihood > best + math.log(within)).double().mean(dim=0)


def sixteen_dimensions() -> tuple[LinearGaussian, Tensor]:
    """Sixteen latents seen through noise of 0.2, and one ordinary data point, (16,).

    x = z + noise and x = (1, -1, 1, -1, ...). Exactly, log p(x) = -22.709 nats.
    """
    signs = torch.tensor([1.0, -1.0] * 8, dtype=torch.float64)
    identity = torch.eye(16, dtype=torch.float64)
    return LinearGaussian(identity, torch.zeros_like(signs), 0.2), signs
