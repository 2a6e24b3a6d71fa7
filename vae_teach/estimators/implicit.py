"""Gradients through a sample when no simple formula gives the sample: differentiate its CDF.

A draw z of a distribution with CDF F(z; theta) keeps its rank u = F(z; theta) while theta moves.
Differentiating that equation gives dz/dtheta = -(dF/dtheta) / p(z): the CDF and the density are
enough, and the quantile function, often without a closed form, is never needed.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_teach.validation import checked


@checked
def implicit_sample(z: Tensor, cdf: Callable[[Tensor], Tensor], density: Tensor) -> Tensor:
    """Return z itself, now differentiable by the parameters that `cdf` depends on.

    Args:
        z: draws of the distribution, by any sampler, shape (...).
        cdf: F(z; theta), differentiable by theta, shape (...) -> (...).
        density: p(z; theta) at the draws, shape (...); only its value is used.

    Returns:
        A tensor equal to z whose derivative by theta is -(dF/dtheta) / p(z).

    Source: Figurnov et al. 2018 (arXiv:1805.08498), Eq. 6.
    """
    z, density = z.detach(), density.detach()
    rank = cdf(z)
    return z - (rank - rank.detach()) / density


@checked
def rsample(
    distribution: Distribution, shape: tuple[int, ...], *, generator: torch.Generator
) -> Tensor:
    """`distribution.rsample(shape)` with the noise of `generator`.

    Raises:
        ValueError: if the distribution has no differentiable sampler.
    """
    if not distribution.has_rsample:
        raise ValueError(
            f"{type(distribution).__name__} has no rsample, so no path to differentiate"
        )
    seed = int(torch.randint(2**62, (), generator=generator))
    # torch.distributions takes no generator: the global state is borrowed and given back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return distribution.rsample(torch.Size(shape))
