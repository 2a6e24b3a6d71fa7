"""The referee of conditional models with one latent dimension: exact log p(x|c), on a grid.

Shapes: B data points, M grid points, D pixels, C condition. Nats, summed in float64.
"""

import math

import torch
from torch import Tensor

from vae_teach.exact import Grid
from vae_teach.maths.gaussian import log_normal
from vae_teach.models.conditional_base import ConditionalModel
from vae_teach.validation import checked


@checked
@torch.no_grad()
def conditional_grid_log_likelihood(
    model: ConditionalModel, x: Tensor, c: Tensor, grid: Grid
) -> Tensor:
    """log p(x|c) of a model with one latent dimension, by the trapezoid rule: (B,) in nats.

    Leaving out every other point tests the spacing.

    Raises:
        ValueError: if the model or the grid has not one dimension, if log p(x|c) moves by more than
            0.01 nats when every other point is left out, or if p(x, z|c) reaches an end of the
            grid.
    """
    if model.latent_dim != 1 or grid.dim != 1:
        raise ValueError(
            f"one latent dimension is wanted, but the model has {model.latent_dim}, grid {grid.dim}"
        )
    model.require_data(x)
    z = grid.points.to(x)[:, None]  # (M, 1, 1)
    log_joint = model.likelihood.log_prob(x, model.decode(z, c)) + log_normal(z, *model.prior(c))
    log_joint = log_joint.T.double()  # (B, M)
    log_px = grid.log_integral(log_joint)
    moved = (log_px - grid.coarse().log_integral(log_joint[:, ::2])).abs().max().item()
    if not moved <= 0.01:
        raise ValueError(
            f"{grid.n} points from {grid.lo:g} to {grid.hi:g} are too few: with every other point "
            f"left out log p(x|c) moves by {moved:.2g} nats"
        )
    ends = log_joint[:, [0, -1]].amax(dim=1) - log_joint.amax(dim=1)
    if (ends > math.log(1e-6)).any():
        raise ValueError(f"p(x, z|c) reaches an end of the grid, {grid.lo:g} or {grid.hi:g}")
    return log_px
