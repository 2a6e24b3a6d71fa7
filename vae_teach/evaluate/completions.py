"""How sharp, how varied and how original completions are: numbers beside the pictures.

Shapes: K draws, N examples, D pixels. Pixels are probabilities of ink in [0, 1].
"""

import torch
from torch import Tensor

from vae_teach.evaluate.predictive import nearest_neighbours
from vae_teach.validation import checked


@checked
def pixel_entropy(p: Tensor) -> Tensor:
    """How undecided a picture is: sum over pixels of the coin's entropy, (..., D) -> (...,) nats.

    0 if every pixel is 0 or 1, D log 2 if every pixel is 1/2.

    Raises:
        ValueError: if a pixel is outside [0, 1], but for rounding.
    """
    if p.numel() and not (p.min() >= -1e-5 and p.max() <= 1 + 1e-5):
        raise ValueError(
            f"pixels must be probabilities, but they go from {p.min():g} to {p.max():g}"
        )
    p = p.clamp(0, 1)
    return torch.special.entr(p).sum(dim=-1) + torch.special.entr(1 - p).sum(dim=-1)


@checked
def diversity(samples: Tensor) -> Tensor:
    """How far draws for the same condition lie apart: (K, N, D) -> (N,), in squared intensity.

    The sum over pixels of the variance between draws, that is half the mean squared distance of
    two draws. A model that always answers the same scores 0.

    Raises:
        ValueError: for fewer than two draws.
    """
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 draws, but there are {len(samples)}")
    return samples.var(dim=0).sum(dim=-1)


@checked
def nearest(query: Tensor, known: Tensor) -> Tensor:
    """Index of the row of `known` (M, C) that is nearest to each row of `query`: (N, C) -> (N,).

    Raises:
        ValueError: if the rows differ in length.
    """
    if query.shape[-1] != known.shape[-1]:
        raise ValueError(f"query has rows of {query.shape[-1]} but known has {known.shape[-1]}")
    return nearest_neighbours(query, known)[1]


@checked
def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of each pair of rows, (N, D), (N, D) -> (N,); 0 for a flat row."""
    flat = (a.amax(dim=-1) == a.amin(dim=-1)) | (b.amax(dim=-1) == b.amin(dim=-1))
    left, right = (rows - rows.mean(dim=-1, keepdim=True) for rows in (a, b))
    return torch.where(flat, 0.0, torch.cosine_similarity(left, right, dim=-1))
