"""How many nats move when nothing but the protocol does: one model, several treatments of pixels.

Shapes: N images, D pixels. Nats per image.
"""

from typing import NamedTuple

from torch import Generator, Tensor

from vae_teach.data.treatments import treat
from vae_teach.evaluate.bounds import PerImage, importance_bounds
from vae_teach.models.latent import LatentModel
from vae_teach.models.likelihoods import Bernoulli, ContinuousBernoulli, Likelihood

TREATMENTS: tuple[tuple[str, Likelihood], ...] = (
    ("grey", Bernoulli()),
    ("threshold", Bernoulli()),
    ("stochastic", Bernoulli()),
    ("fixed", Bernoulli()),
    ("grey", ContinuousBernoulli()),
)


class ProtocolRow(NamedTuple):
    """One line of the table."""

    treatment: str
    likelihood: str
    elbo: PerImage
    log_px: PerImage
    is_density: bool  # False for a Bernoulli on grey pixels, which sums to no probability


def compare_protocols(
    model: LatentModel, images: Tensor, *, n_samples: int = 64, generator: Generator
) -> list[ProtocolRow]:
    """Evaluate one model, whose decoder gives logits, under each treatment of the same images.

    Neither weights nor architecture change from row to row; for the last row the same logits are
    read as a continuous Bernoulli's. Images (N, D) are grey, in [0, 1].
    """
    rows = []
    for treatment, likelihood in TREATMENTS:
        x = treat(images, treatment, generator=generator)
        bounds = importance_bounds(
            model, x, n_samples=n_samples, generator=generator, likelihood=likelihood
        )
        is_density = treatment != "grey" or not isinstance(likelihood, Bernoulli)
        name = type(likelihood).__name__
        rows.append(ProtocolRow(treatment, name, bounds.elbo, bounds.log_px, is_density))
    return rows
