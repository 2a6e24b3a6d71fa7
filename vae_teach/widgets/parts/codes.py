"""Test codes as an explorer shows them: which ones, how far the axes reach, what counts as a gap.

Shapes: N codes, L latent dimensions.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from vae_teach.validation import kind, require_count, require_floats

_ASKED = 2000  # codes that `gap_radius` looks at: a quantile of them is near that of all
_ROWS = 100  # of distances at once: 50,000 codes take 20 MB


def thin_codes(
    codes: Tensor | None, labels: Tensor | None, latent_dim: int, max_codes: int
) -> tuple[Tensor, Tensor]:
    """Return at most `max_codes` codes, evenly spaced over the N, and their labels.

    Args:
        codes: shape (N, L), or None for no codes.
        labels: integers from 0 to 255, shape (N,), or None.
        latent_dim: the L that the decoder takes.
        max_codes: how many to keep.

    Returns:
        Codes (n, L) in float32 and labels (n,) in uint8, empty when there are none.

    Raises:
        ValueError: if codes are not finite floats, a shape does not fit, a label is no whole
            number from 0 to 255, or `max_codes` is no whole number from 0 on.
    """
    require_count(max_codes, "max_codes", least=0)
    if codes is not None:
        require_floats(codes, "codes")
    codes = torch.empty(0, latent_dim) if codes is None else codes.detach().cpu().float()
    if codes.ndim != 2 or codes.shape[1] != latent_dim:
        raise ValueError(
            f"codes have shape {tuple(codes.shape)} but the decoder takes (N, {latent_dim})"
        )
    kept = torch.linspace(0, len(codes) - 1, min(len(codes), max_codes)).round().long()
    if labels is None:
        return codes[kept], torch.empty(0, dtype=torch.uint8)
    require_labels("labels", labels)
    labels = labels.detach().cpu()
    if labels.shape != codes.shape[:1]:
        raise ValueError(
            f"labels have shape {tuple(labels.shape)} but there are {len(codes)} codes"
        )
    return codes[kept], labels[kept].to(torch.uint8)


def require_labels(name: str, labels: Tensor) -> None:
    """Refuse what is no tensor of whole numbers that fit into a byte each."""
    whole = isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex())
    if not whole or labels.dtype == torch.bool:
        raise ValueError(f"{name} must be a tensor of whole numbers, but it is {kind(labels)}")
    if labels.numel() and not (0 <= labels.min() and labels.max() <= 255):
        raise ValueError(
            f"{name} must be from 0 to 255, but they go from {labels.min()} to {labels.max()}"
        )


def class_names(labels: Tensor, names: Sequence[str] | None) -> list[str]:
    """Return a name for every class from 0 to the largest label; its number when None.

    Raises:
        ValueError: if there are fewer names than classes.
    """
    n_classes = int(labels.max()) + 1 if labels.numel() else 0
    if names is None:
        return [str(number) for number in range(n_classes)]
    if len(names) < n_classes:
        raise ValueError(
            f"label_names has {len(names)} names but the labels go up to {n_classes - 1}"
        )
    return [str(name) for name in names]


def axis_ends(codes: Tensor, prior: bool) -> tuple[list[float], list[float]]:
    """Return the lower and upper end of each latent axis: they hold 0 and every code.

    With a prior N(0, I) the axes are alike, symmetric and at least 3 standard deviations long,
    so that dimensions can be compared; without one, each fits its own codes.

    Args:
        codes: shape (n, L), n may be 0.
        prior: whether N(0, I) is the model's prior.
    """
    latent_dim = codes.shape[1]
    if prior or not len(codes):
        widest = 1.05 * float(codes.abs().max()) if len(codes) else 0.0
        end = math.ceil(2 * max(3.0, widest)) / 2
        return [-end] * latent_dim, [end] * latent_dim
    low, high = codes.amin(dim=0).clamp(max=0), codes.amax(dim=0).clamp(min=0)
    margin = 0.05 * (high - low).clamp(min=1e-3)  # a dimension that never moves needs a length too
    return (low - margin).tolist(), (high + margin).tolist()


def gap_radius(codes: Tensor) -> float:
    """Return the distance within which 95 % of the codes have a neighbour; 0 for fewer than two.

    Further than this from every code, the explorer speaks of a gap. Of more than 2,000 codes it
    asks 2,000, evenly spaced.
    """
    if len(codes) < 2:
        return 0.0
    asked = torch.linspace(0, len(codes) - 1, min(len(codes), _ASKED)).round().long()
    nearest = []
    for rows in asked.split(_ROWS):
        distances = torch.cdist(codes[rows], codes)  # (rows, n)
        distances[torch.arange(len(rows)), rows] = math.inf  # itself
        nearest.append(distances.amin(dim=1))
    return float(torch.cat(nearest).quantile(0.95))
