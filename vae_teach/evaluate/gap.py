"""Where the nats of the bound are lost, picture by picture, with log p(x) from the grid.

Shapes: N pictures, D pixels. Nats.
"""

import functools
from typing import NamedTuple

from torch import Tensor

from vae_teach.evaluate.free_posteriors import FreePosterior
from vae_teach.evaluate.grid import grid_log_likelihood
from vae_teach.models.latent import LatentModel


class GapSplit(NamedTuple):
    """log p(x) minus the ELBO of an encoder, in three parts that add up to it; each (N,).

    Args:
        log_px: log p(x).
        approximation: what the best q of the family lacks, fitted to each picture alone.
        amortization: what a network adds to it that has been trained as long as it gains. On
            pictures that it has not seen this includes what it fails to generalize.
        optimization: what the encoder itself adds, because its training stopped earlier.
    """

    log_px: Tensor
    approximation: Tensor
    amortization: Tensor
    optimization: Tensor

    @property
    def total(self) -> Tensor:
        """log p(x) - ELBO of the encoder, (N,)."""
        return self.approximation + self.amortization + self.optimization


def split_gap(
    model: LatentModel,
    images: Tensor,
    *,
    refined: FreePosterior,
    settled: LatentModel | None = None,
    reach: float = 7.0,
    n: int = 281,
    tolerance: float = 1e-4,
) -> GapSplit:
    """The gap of `model` on each picture, taken apart by exact divergences on the grid.

    The parts are differences of KL divergences to one posterior, so they add up exactly. A part may
    come out below 0 for a picture: by no more than what `refine` has missed, or where the settled
    encoder, trained on other pictures, has become worse for this one.

    Args:
        model: with two latents.
        images: (N, D).
        refined: from `refine` on these images, the best of its family.
        settled: the same decoder with an encoder that has been trained on, as
            `training.encoder.settle_encoder` makes it; without it the optimization part is 0, and
            what it would be is counted as amortization.
        reach, n, tolerance: of the grid; see `grid_log_likelihood`.

    Raises:
        ValueError: if the decoders differ, or the grid is refused.

    Source: Cremer et al. 2018 (arXiv:1801.03558), section 3, for the first two parts.
    """
    by_grid = functools.partial(grid_log_likelihood, reach=reach, n=n, tolerance=tolerance)
    own, best = by_grid(model, images), by_grid(model, images, posterior=refined)
    trained_on = own
    if settled is not None:
        trained_on = by_grid(settled, images)
        apart = (trained_on.log_px - own.log_px).abs().max().item()
        if apart > own.spacing_error + trained_on.spacing_error + 1e-6:
            raise ValueError(
                f"settled must have the decoder of model, but its log p(x) is up to {apart:.2g} "
                "nats away"
            )
    return GapSplit(
        own.log_px,
        best.kl_to_posterior,
        trained_on.kl_to_posterior - best.kl_to_posterior,
        own.kl_to_posterior - trained_on.kl_to_posterior,
    )
