"""The bound of a model with any decoder, by Gauss-Hermite quadrature: no sampling noise.

Shapes: B data points, D observed and L latent dimensions, Q = order^L quadrature nodes.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_teach.exact.grid import DecoderModel
from vae_teach.maths.descent import descend
from vae_teach.maths.gaussian import kl_to_standard_normal, reparameterize
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, POSITIVE, checked


@checked(dim=AT_LEAST_1, order=AT_LEAST_1)
def normal_nodes(dim: int, order: int) -> tuple[Tensor, Tensor]:
    """Nodes (Q, dim) and weights (Q,) whose weighted sum is the expectation under N(0, I)."""
    t, w = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(order))
    nodes = torch.cartesian_prod(*[t] * dim).reshape(-1, dim)
    weights = torch.cartesian_prod(*[w / w.sum()] * dim).reshape(-1, dim).prod(dim=1)
    return nodes, weights


@checked(order=AT_LEAST_1)
def quadrature_elbo(
    model: DecoderModel, x: Tensor, mu: Tensor, logvar: Tensor, *, order: int = 32
) -> Tensor:
    """E_q[log p(x|z)] - KL(q || p(z)) for q = N(mu, diag(exp(logvar))).

    Differentiable. Shapes (B, D), (B, L), (B, L) -> (B,).
    """
    nodes, weights = normal_nodes(model.latent_dim, order)
    z = reparameterize(mu, logvar, nodes[:, None])  # (Q, B, L)
    expected = torch.einsum("q,qb->b", weights, model.log_likelihood(x, z))
    return expected - kl_to_standard_normal(mu, logvar)


class AscentPath(NamedTuple):
    """q and its bound after 0, 1, ..., T steps: mu and logvar (T + 1, B, L), elbo (T + 1, B)."""

    mu: Tensor
    logvar: Tensor
    elbo: Tensor


@checked(rate=POSITIVE, order=AT_LEAST_1, steps=NOT_NEGATIVE)
def ascend(
    model: DecoderModel,
    x: Tensor,
    mu: Tensor,
    logvar: Tensor,
    *,
    steps: int = 60,
    rate: float = 0.05,
    order: int = 32,
) -> AscentPath:
    """Raise the bound summed over the B data points, from the q given; the sum never falls.

    Args:
        x: data, shape (B, D).
        mu, logvar: where to start, each (B, L).
        steps, rate: see `descent.descend`.
    """

    def loss(flat: Tensor) -> Tensor:
        return -quadrature_elbo(model, x, *flat.view(2, *mu.shape), order=order).sum()

    path = descend(loss, torch.stack([mu, logvar]).flatten(), steps=steps, rate=rate)
    mus, logvars = path.points.view(-1, 2, *mu.shape).unbind(dim=1)
    elbos = [
        quadrature_elbo(model, x, m, s, order=order) for m, s in zip(mus, logvars, strict=True)
    ]
    return AscentPath(mus, logvars, torch.stack(elbos))
