"""How much each latent says of each factor that data were made from, and one published score.

Shapes: N examples, L latent, F factors. Nats.
"""

import torch
from torch import Tensor

from vae_teach.machine.device import as_float64
from vae_teach.maths.information import entropy as entropy_of
from vae_teach.maths.information import kl_discrete
from vae_teach.validation import AT_LEAST_1, checked


@checked(pieces=AT_LEAST_1)
def in_equal_shares(values: Tensor, pieces: int) -> Tensor:
    """Which of `pieces` equally full pieces of its range each value lies in: (N,) -> (N,).

    Raises:
        ValueError: if there are fewer values than pieces.
    """
    if values.ndim != 1 or len(values) < pieces:
        shape = tuple(values.shape)
        raise ValueError(f"values must be (N,) with N >= {pieces}, but have shape {shape}")
    ranks = torch.empty_like(values, dtype=torch.long)
    ranks[values.argsort(stable=True)] = torch.arange(len(values), device=values.device)
    return ranks * pieces // len(values)


@checked
def information_by_latent(codes: Tensor, classes: Tensor, *, pieces: int = 20) -> Tensor:
    """I(z_l; v) of each latent and each factor, by counting.

    A latent is cut into equally full pieces. What is counted is more than 0 on average where there
    is nothing, by about (pieces - 1)(classes - 1) / 2N (Miller 1955), so compare differences.

    Args:
        codes: (N, L).
        classes: of each factor, whole numbers, (N, F); cut a continuous one first.
        pieces: into how many a latent is cut.

    Returns:
        Shape (L, F).

    Raises:
        ValueError: if codes and classes differ in length, or classes are not whole numbers from 0.
    """
    if codes.ndim != 2 or classes.ndim != 2 or len(codes) != len(classes):
        raise ValueError(
            f"codes must be (N, L) and classes (N, F), but have shapes {tuple(codes.shape)} and "
            f"{tuple(classes.shape)}"
        )
    cut = torch.stack([in_equal_shares(column, pieces) for column in codes.T])  # (L, N)
    factors = _columns(classes)
    return torch.stack([torch.stack([_information(z, v) for v in factors]) for z in cut])


def _columns(classes: Tensor) -> Tensor:
    """The classes of each factor, (N, F) -> (F, N); a fraction would be cut to the number below."""
    if classes.ndim != 2 or not ((classes >= 0) & (classes == classes.round())).all():
        raise ValueError(
            f"classes must be whole numbers from 0, (N, F), but have shape {tuple(classes.shape)} "
            f"and values from {classes.min():g} to {classes.max():g}"
        )
    return classes.T.long()


def _information(a: Tensor, b: Tensor) -> Tensor:
    """The mutual information of two columns of whole numbers, (N,), (N,) -> ()."""
    counts = torch.bincount(a * (b.max() + 1) + b, minlength=int((a.max() + 1) * (b.max() + 1)))
    joint = as_float64(counts.view(-1, int(b.max()) + 1)) / len(a)
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return kl_discrete(joint.flatten(), apart.flatten())


@checked
def entropies(classes: Tensor) -> Tensor:
    """H(v) of each factor, (N, F) -> (F,).

    Raises:
        ValueError: if classes are not whole numbers from 0.
    """
    return torch.stack([entropy_of(as_float64(v.bincount()) / len(v)) for v in _columns(classes)])


@checked
def information_gaps(information: Tensor, entropy: Tensor) -> Tensor:
    r"""For each factor, by how much the latent that says most of it leads, as a share of H(v).

    .. math:: \frac{I(z_{(1)}; v) - I(z_{(2)}; v)}{H(v)}

    Their mean over the factors is the *mutual information gap*: 1 if each factor is the content
    of one latent and of no other, 0 if always two latents say as much of it.

    Args:
        information: as `information_by_latent` returns it, (L, F).
        entropy: of the factors, (F,); more than 0.

    Returns:
        Shape (F,).

    Raises:
        ValueError: if there is only one latent, the numbers of factors differ, or a factor never
            varies.

    Source: Chen et al. 2018 (arXiv:1802.04942), section 4, where z is drawn from q(z|x).
    """
    if information.ndim != 2 or len(information) < 2 or information.shape[1:] != entropy.shape:
        raise ValueError(
            f"information must be (L, F) with L >= 2 and entropy (F,), but have shapes "
            f"{tuple(information.shape)} and {tuple(entropy.shape)}"
        )
    if not (entropy > 0).all():
        raise ValueError(f"entropy must be above 0: a factor varies, but it is {entropy.tolist()}")
    first, second = information.topk(2, dim=0).values
    return (first - second) / entropy
