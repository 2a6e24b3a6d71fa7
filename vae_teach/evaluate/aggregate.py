r"""The aggregate posterior q(z) = (1/N) \sum_n q(z|x_n): where the codes of a data set lie.

Shapes: M places, N images, L latent. Nats.
"""

import math

import torch
from torch import Tensor


def log_mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log of the average of the N Gaussians at z: (M, L), (N, L), (N, L) -> (M,).

    The squared distances come from three matrix products, so nothing of size M x N x L is held.
    """
    precision = torch.exp(-logvar)
    squares = z.square() @ precision.T - 2 * z @ (mu * precision).T
    constant = (mu.square() * precision + logvar + math.log(2 * math.pi)).sum(dim=-1)
    return torch.logsumexp(-0.5 * (squares + constant), dim=1) - math.log(len(mu))
