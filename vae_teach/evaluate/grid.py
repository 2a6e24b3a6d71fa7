"""The referee: exact log p(x) of a model with two latents, by summing over a grid of the plane.

The grid is decoded once for all images, and the decoded points meet the images in one matrix
product. Shapes: N images, M grid points, D pixels, L = 2. Nats, summed in float64.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.evaluate.free_posteriors import FreePosterior
from vae_teach.evaluate.weights import log_posterior
from vae_teach.exact.grid import Grid
from vae_teach.machine.device import as_float64, on_accelerator
from vae_teach.maths.gaussian import log_standard_normal
from vae_teach.models.latent import Encoder, LatentModel
from vae_teach.models.likelihoods import Likelihood
from vae_teach.validation import require_number

TABLE = 4_000_000  # entries of an images-by-points table held at a time: 32 MB
MASS = 1e-3  # largest error of the total of q(z|x) on the grid; what is left is divided out
EDGE = 1e-9  # largest posterior density on the grid's edge, relative to its peak


class GridEvidence(NamedTuple):
    """log p(x) and how q stands to the true posterior, image by image.

    Attributes:
        log_px: log p(x), (N,).
        kl_to_posterior: KL(q(z|x) || p(z|x)), (N,).
        elbo: E_q[log p(x, z) - log q(z|x)] on the same grid, (N,); elbo + kl_to_posterior = log_px.
        spacing_error: how far log p(x) moves, at most, when every other point is left out.
        grid: the grid.
    """

    log_px: Tensor
    kl_to_posterior: Tensor
    elbo: Tensor
    spacing_error: float
    grid: Grid


def log_prob_table(likelihood: Likelihood, x: Tensor, params: Tensor) -> Tensor:
    """log p(x_n | params_m) for every image and every grid point: (N, D), (M, D) -> (N, M)."""
    return likelihood.table(x, params)


class _Sums:
    """Running sums over chunks of the grid, in float64: what the integrals are made of."""

    def __init__(self, n_images: int, device: torch.device):
        self.evidence = torch.full((n_images,), -math.inf, dtype=torch.float64, device=device)
        self.coarse, self.peak = self.evidence.clone(), self.evidence.clone()
        self.edge = self.evidence.clone()
        self.mass, self.joint, self.entropy = self.evidence.new_zeros(3, n_images)

    def add(self, log_joint: Tensor, log_q: Tensor, weight: Tensor, chunk: "_Chunk") -> None:
        """Take in one chunk: log p(x, z) and log q(z|x), (N, M), and log trapezoid weights (M,)."""
        self.evidence = _logaddsum(self.evidence, log_joint + weight)
        every_other = chunk.coarse_index
        self.coarse = _logaddsum(self.coarse, log_joint[:, every_other] + chunk.coarse_weight)
        self.peak = torch.maximum(self.peak, log_joint.amax(dim=1))
        if chunk.on_edge.any():
            self.edge = torch.maximum(self.edge, log_joint[:, chunk.on_edge].amax(dim=1))
        share = (log_q + weight).exp()
        self.mass += share.sum(dim=1)
        self.joint += (share * log_joint).sum(dim=1)
        # q is exactly 0 far out, where 0 times -infinity would be NaN
        self.entropy += torch.where(share > 0, share * log_q, 0.0).sum(dim=1)


class _Chunk(NamedTuple):
    on_edge: Tensor  # (M,) bool
    coarse_index: Tensor  # which points belong to the grid of every other point
    coarse_weight: Tensor  # their log weights there


def _logaddsum(total: Tensor, values: Tensor) -> Tensor:
    return torch.logaddexp(total, torch.logsumexp(values, dim=1)) if values.shape[1] else total


@on_accelerator
@torch.no_grad()
def grid_log_likelihood(
    model: LatentModel,
    images: Tensor,
    *,
    reach: float = 7.0,
    n: int = 281,
    likelihood: Likelihood | None = None,
    posterior: FreePosterior | None = None,
    tolerance: float = 1e-4,
) -> GridEvidence:
    """log p(x) by the trapezoid rule on n x n points of [-reach, reach]^2, for all images at once.

    Leaving out every other point tests the spacing. With a smooth decoder the rule converges faster
    than any power of the spacing once that is below the width of the narrowest posterior; at the
    kinks of ReLU it converges as the square, and the error left is about a third of the test's.

    Args:
        model: with two latents; computed in its own dtype, summed in float64.
        images: (N, D).
        reach: half the side of the square.
        n: points a side, one more than a multiple of 4.
        likelihood: another p(x|z) than the model's own, for the same decoder output.
        posterior: another q than the encoder's, one for each of these images, as `refine` finds it.
        tolerance: largest `spacing_error` accepted, in nats.

    Raises:
        ValueError: if the model has not two latents, if `posterior` is for other images, if the
            spacing is too wide for some p(z|x) or some q(z|x), or if some posterior reaches the
            edge.
    """
    if model.latent_dim != 2:
        raise ValueError(f"a grid needs 2 latent dimensions, but the model has {model.latent_dim}")
    if posterior is not None and len(posterior) != len(images):
        raise ValueError(f"posterior is for {len(posterior)} images, but there are {len(images)}")
    require_number(reach, "reach", 0, ends=False)
    require_number(tolerance, "tolerance", 0, ends=False)
    grid = Grid(-reach, reach, n, dim=2)
    likelihood = likelihood or model.likelihood
    likelihood.require_data(images, "images")
    where = as_float64(images[:1]).device
    sums = _Sums(len(images), where)
    size = max(1, TABLE // max(len(images), images.shape[-1]))
    coarse_points, coarse_weights = _coarse(grid)
    for start in range(0, n * n, size):
        part = slice(start, min(start + size, n * n))
        points = grid.points[part].to(where)
        z = points.to(images)  # (M, 2)
        prior = log_standard_normal(points)
        table = as_float64(log_prob_table(likelihood, images, model.decode(z))) + prior
        log_q = as_float64(_posterior_table(model, images, z, posterior))
        chosen = coarse_points[part]
        edge = (points.abs() == reach).any(dim=1)
        index = chosen.nonzero()[:, 0].to(where)
        chunk = _Chunk(edge, index, coarse_weights[part][chosen].to(where))
        sums.add(table, log_q, grid.log_weights[part].to(where), chunk)
    return _finish(sums, grid, tolerance)


def _coarse(grid: Grid) -> tuple[Tensor, Tensor]:
    """Which points (M,) belong to the grid of every other point, and their log weights there."""
    even = torch.arange(grid.n) % 2 == 0
    chosen = torch.cartesian_prod(even, even).all(dim=1)
    weights = torch.full((grid.n**2,), -math.inf, dtype=torch.float64)
    weights[chosen] = grid.coarse().log_weights
    return chosen, weights


def _posterior_table(
    model: Encoder, x: Tensor, z: Tensor, posterior: FreePosterior | None
) -> Tensor:
    """log q(z_m | x_n): (N, D), (M, 2) -> (N, M)."""
    places = z[:, None].expand(-1, len(x), -1)
    return (log_posterior(model, x, places) if posterior is None else posterior.log_prob(places)).T


def _finish(sums: _Sums, grid: Grid, tolerance: float) -> GridEvidence:
    if (sums.edge - sums.peak > math.log(EDGE)).any():
        raise ValueError(f"a posterior reaches the edge of [-{grid.hi}, {grid.hi}]: raise reach")
    spacing_error = (sums.evidence - sums.coarse).abs().max().item()
    spacing = (grid.hi - grid.lo) / (grid.n - 1)
    if not spacing_error <= tolerance:
        raise ValueError(
            f"spacing {spacing:.3g} is too wide: with every other point left out log p(x) moves "
            f"by {spacing_error:.2g} nats, and tolerance is {tolerance:.2g}; raise n"
        )
    lost = (sums.mass - 1).abs().max().item()
    if not lost <= MASS:
        raise ValueError(
            f"the grid sees a q(z|x) with a mass that is off by {lost:.2g}: its sigma is below the "
            f"spacing {spacing:.3g}, or its mean near the edge; raise n or reach"
        )
    elbo = (sums.joint - sums.entropy) / sums.mass
    kl = sums.entropy / sums.mass - sums.joint / sums.mass + sums.evidence
    return GridEvidence(sums.evidence, kl, elbo, spacing_error, grid)
