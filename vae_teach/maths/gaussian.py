"""Diagonal Gaussians: density, KL divergence, and the reparameterized sample.

Shapes: B batch, L latent, K Monte-Carlo draws; leading axes broadcast. Everything is in nats.
`logvar` is log sigma^2, the log of the *variance*, here and everywhere in the kit.
"""

import math

import torch
from torch import Tensor

from vae_teach.validation import checked

LOG_2PI = math.log(2 * math.pi)


def require_same_latent_size(**tensors: Tensor) -> None:
    """Raise if the last axes differ; an axis of 1 would broadcast silently, so it is refused."""
    sizes = {name: t.shape[-1] if t.ndim else None for name, t in tensors.items()}
    if len(set(sizes.values())) > 1 or None in sizes.values():
        shapes = ", ".join(f"{name} has shape {tuple(t.shape)}" for name, t in tensors.items())
        raise ValueError(f"the last axis (latent dimensions) must agree, but {shapes}")


@checked
def log_normal(x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    r"""log N(x | mu, diag(exp(logvar))) in nats, summed over the last axis.

    .. math:: -\tfrac12 \sum_{l=1}^{L} \left(\log 2\pi + \log\sigma_l^2
              + (x_l - \mu_l)^2 / \sigma_l^2\right)

    Args:
        x: where the density is evaluated, shape (..., L).
        mu: mean, shape (..., L).
        logvar: log of the variance (log sigma^2, not log sigma), shape (..., L).

    Returns:
        Shape (...,): one log-density per point.

    Raises:
        ValueError: if the last axes differ.
    """
    require_same_latent_size(x=x, mu=mu, logvar=logvar)
    squared_distance = (x - mu).square() * torch.exp(-logvar)
    return -0.5 * (LOG_2PI + logvar + squared_distance).sum(dim=-1)


@checked
def log_standard_normal(z: Tensor) -> Tensor:
    """log N(z | 0, I) in nats, the prior of every model here: (..., L) -> (...,)."""
    return -0.5 * (LOG_2PI + z.square()).sum(dim=-1)


@checked
def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""KL( N(mu, diag(exp(logvar))) || N(0, I) ) in nats, one value per example.

    .. math:: \tfrac12 \sum_{l=1}^{L} \left(\mu_l^2 + \sigma_l^2 - 1 - \log \sigma_l^2\right)

    Args:
        mu: mean, shape (..., L).
        logvar: log of the variance (log sigma^2, not log sigma), shape (..., L).

    Returns:
        Shape (...,): summed over latent dimensions, never averaged over the batch.

    Raises:
        ValueError: if the last axes differ.

    Source: Kingma & Welling 2014 (arXiv:1312.6114), appendix B, which prints minus this.
    """
    require_same_latent_size(mu=mu, logvar=logvar)
    # expm1, not exp - 1: near the prior the two large terms cancel and float32 goes negative.
    return 0.5 * (mu.square() + torch.expm1(logvar) - logvar).sum(dim=-1)


@checked
def kl_between_normals(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    r"""KL( N(mu_q, diag(exp(logvar_q))) || N(mu_p, diag(exp(logvar_p))) ) in nats.

    .. math:: \tfrac12 \sum_{l=1}^{L} \left(\frac{(\mu_{q,l} - \mu_{p,l})^2}{\sigma_{p,l}^2}
              + \frac{\sigma_{q,l}^2}{\sigma_{p,l}^2} - 1
              - \log \frac{\sigma_{q,l}^2}{\sigma_{p,l}^2}\right)

    Args:
        mu_q, logvar_q: the first argument, under which the expectation is taken, shape (..., L).
        mu_p, logvar_p: the second argument, shape (..., L).

    Returns:
        Shape (...,): summed over latent dimensions.

    Raises:
        ValueError: if the last axes differ.

    Derived in: vae_teach/derivation/kl_univariate.py, `KL_TWO_NORMALS`.
    """
    require_same_latent_size(mu_q=mu_q, logvar_q=logvar_q, mu_p=mu_p, logvar_p=logvar_p)
    ratio = logvar_q - logvar_p
    distance = (mu_q - mu_p).square() * torch.exp(-logvar_p)
    return 0.5 * (distance + torch.expm1(ratio) - ratio).sum(dim=-1)


@checked
def reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """z = mu + sigma * eps, a sample of N(mu, sigma^2) when eps is a sample of N(0, I).

    The noise is an argument, so this is an ordinary differentiable function of mu and logvar.

    Args:
        mu: mean, shape (..., L).
        logvar: log of the variance, shape (..., L).
        eps: noise, shape (..., L); extra leading axes, such as (K, B, L), give K draws.

    Returns:
        z, of the broadcast shape.

    Raises:
        ValueError: if the last axes differ.
    """
    require_same_latent_size(mu=mu, logvar=logvar, eps=eps)
    return mu + torch.exp(0.5 * logvar) * eps  # sigma = exp(logvar / 2)
