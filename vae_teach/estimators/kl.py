"""The KL term from draws, for comparison with its closed form.

A closed form needs a Gaussian q. A flow or any other q whose log-density is known gives
log q(z) - log p(z) at a draw, whose average is the same number.
Shapes: K draws, B batch, L latent; nats.
"""

import torch
from torch import Tensor

from vae_teach.maths.gaussian import log_normal, log_standard_normal, reparameterize
from vae_teach.validation import checked


@checked
def kl_monte_carlo(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """log q(z) - log p(z) at z = mu + sigma eps: an unbiased draw of KL(q || N(0, I)), in nats.

    Args:
        mu: mean of q, shape (B, L).
        logvar: log of the variance of q, shape (B, L).
        eps: noise, shape (K, B, L) or (B, L).

    Returns:
        One value per draw, (K, B) or (B,); a single draw may be negative.
    """
    z = reparameterize(mu, logvar, eps)
    return log_normal(z, mu, logvar) - log_standard_normal(z)


@checked
def kl_monte_carlo_variance(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""Variance of one draw of `kl_monte_carlo`, exact: (B, L) -> (B,), in nats squared.

    A draw is a constant plus half the sum of z^2 - eps^2, a polynomial in eps with variance

    .. math:: \sum_l \mu_l^2 \sigma_l^2 + \tfrac12 (\sigma_l^2 - 1)^2
    """
    excess = torch.expm1(logvar)  # sigma^2 - 1 without cancellation near the prior
    return (mu.square() * logvar.exp() + 0.5 * excess.square()).sum(dim=-1)
