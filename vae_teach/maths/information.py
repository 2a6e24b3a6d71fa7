"""Surprise, entropy, cross-entropy and KL divergence, for probabilities and for Gaussians.

Shapes: p and q are (..., N) and sum to 1 over the last axis; L latent dimensions. Nats, unless a
function says bits. As in KL(q || p), the first argument is the one the expectation is under.
"""

import math

import torch
from torch import Tensor

from vae_teach.maths.gaussian import LOG_2PI
from vae_teach.validation import checked


def nats_to_bits(nats: Tensor | float) -> Tensor | float:
    """1 nat is 1 / log 2 = 1.442695 bits."""
    return nats / math.log(2)


@checked
def surprise(p: Tensor) -> Tensor:
    """-log p in nats: 0 for what is certain, infinite for what is impossible.

    For a density it may be negative: a density is not a probability and may exceed 1.

    Raises:
        ValueError: if a value lies outside [0, 1].
    """
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p must lie in [0, 1], but its range is {p.min():.6g} to {p.max():.6g}")
    return -torch.log(p)


def _require_distributions(**distributions: Tensor) -> None:
    for name, p in distributions.items():
        tolerance = 1e-5 if p.dtype == torch.float32 else 1e-9  # N roundings of a sum
        if not (p >= 0).all() or not (abs(p.sum(dim=-1) - 1) <= tolerance).all():
            totals = p.sum(dim=-1).flatten()[:3].tolist()
            raise ValueError(f"{name} must be >= 0 and sum to 1 on its last axis; sums {totals}")
    sizes = {name: p.shape[-1] for name, p in distributions.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the numbers of outcomes must agree, but they are {sizes}")


@checked
def entropy(p: Tensor) -> Tensor:
    """Expected surprise -sum p log p in nats: (..., N) -> (...,). Outcomes with p = 0 add 0.

    Raises:
        ValueError: if p is not a distribution.
    """
    _require_distributions(p=p)
    return -torch.xlogy(p, p).sum(dim=-1)


@checked
def cross_entropy(q: Tensor, p: Tensor) -> Tensor:
    """Expected surprise -sum q log p of someone who believes p while q is true, in nats.

    Infinite where q allows what p rules out. Shapes (..., N), (..., N) -> (...,).

    Raises:
        ValueError: if q or p is not a distribution.
    """
    _require_distributions(q=q, p=p)
    return -torch.xlogy(q, p).sum(dim=-1)


@checked
def kl_discrete(q: Tensor, p: Tensor) -> Tensor:
    """KL(q || p) = sum q log(q / p) in nats: (..., N), (..., N) -> (...,).

    Raises:
        ValueError: if q or p is not a distribution.
    """
    _require_distributions(q=q, p=p)
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=-1)


@checked
def normal_entropy(logvar: Tensor) -> Tensor:
    """Differential entropy of N(mu, diag(exp(logvar))) in nats: (..., L) -> (...,).

    sum of (1 + log 2 pi + log sigma^2) / 2; it does not depend on mu, and it may be negative.
    """
    return 0.5 * (1 + LOG_2PI + logvar).sum(dim=-1)
