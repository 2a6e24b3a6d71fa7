r"""What the KL term pays for: telling pictures apart, and leaving the prior's shape.

With the aggregate posterior q(z) = (1/N) \sum_n q(z|x_n) over the N images themselves,

    mean KL(q(z|x_n) || p(z))  =  I(n; z)  +  KL(q(z) || p(z)).

I is the mutual information between the number n of an image and its code. It cannot exceed log N,
so with N images whose posteriors hardly overlap it *is* log N, whatever the model: read it with N.
Shapes: N images, L latent, S draws per image. Nats. Source: Hoffman & Johnson 2016, "ELBO surgery".
"""

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from vae_teach.device import as_float64, on_accelerator
from vae_teach.evaluate.weights import noise
from vae_teach.gaussian import kl_to_standard_normal, log_normal, reparameterize
from vae_teach.validation import require_count


class KLSplit(NamedTuple):
    """The mean KL and its two parts, with the standard errors of the parts over the images."""

    mean_kl: float  # closed form
    mutual_information: float
    kl_aggregate: float  # KL(q(z) || p(z))
    mutual_information_error: float
    kl_aggregate_error: float
    sum_error: float  # from the draws, of mutual_information + kl_aggregate around mean_kl
    largest_information: float  # log N


@on_accelerator
@torch.no_grad()
def split_kl(
    model: nn.Module,
    images: Tensor,
    *,
    n_samples: int = 1,
    generator: Generator,
    batch_size: int = 250,
) -> KLSplit:
    """Estimate both parts of the mean KL of these images with `n_samples` draws each.

    Every draw is compared with all N posteriors, so the cost grows as N^2.

    Args:
        model: a VAE with a Gaussian posterior.
        images: (N, D), at least 2.
        n_samples: S, draws per image.
        generator: of the draws.
        batch_size: images at a time; a table of S * batch_size by N is held.

    Raises:
        ValueError: for fewer than 2 images, or a count below 1.
    """
    require_count(n_samples, "n_samples")
    require_count(batch_size, "batch_size")
    if len(images) < 2:
        raise ValueError(f"a mixture needs at least 2 images, but there are {len(images)}")
    mu, logvar = map(as_float64, model.encode(images))  # (N, L) each
    own, mixture, prior = [], [], []
    for m, v in zip(mu.split(batch_size), logvar.split(batch_size), strict=True):
        z = reparameterize(m, v, noise((n_samples, *m.shape), m, generator))  # (S, B, L)
        own.append(log_normal(z, m, v).mean(dim=0))
        mixture.append(log_mixture(z.flatten(0, 1), mu, logvar).view(n_samples, -1).mean(dim=0))
        prior.append(log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).mean(dim=0))
    own, mixture, prior = (torch.cat(parts) for parts in (own, mixture, prior))
    information, distance = own - mixture, mixture - prior
    within = own - prior - kl_to_standard_normal(mu, logvar)  # noise of the sum, image by image
    root = math.sqrt(len(images))
    return KLSplit(
        kl_to_standard_normal(mu, logvar).mean().item(),
        information.mean().item(),
        distance.mean().item(),
        information.std().item() / root,
        distance.std().item() / root,
        within.std().item() / root,
        math.log(len(images)),
    )


def log_mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log of the average of the N Gaussians at z: (M, L), (N, L), (N, L) -> (M,).

    The squared distances come from three matrix products, so nothing of size M x N x L is held.
    """
    precision = torch.exp(-logvar)
    squares = z.square() @ precision.T - 2 * z @ (mu * precision).T
    constant = (mu.square() * precision + logvar + math.log(2 * math.pi)).sum(dim=-1)
    return torch.logsumexp(-0.5 * (squares + constant), dim=1) - math.log(len(mu))
