"""The evidence lower bound as two named terms per example.

Shapes: B batch, K Monte-Carlo draws, L latent, D pixels. Everything is in nats per image.
"""

from typing import NamedTuple

from torch import Tensor

from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models.likelihoods import Likelihood
from vae_teach.validation import checked


class Elbo(NamedTuple):
    """Both terms in nats, one value per example. `value` is what training maximises."""

    log_likelihood: Tensor  # E_q[log p(x | z)], a Monte-Carlo estimate, (B,)
    kl: Tensor  # KL(q(z | x) || p(z)), exact or from the same draws, (B,)

    @property
    def value(self) -> Tensor:
        """ELBO = log_likelihood - kl, shape (B,); its negative is the loss per example."""
        return self.log_likelihood - self.kl


@checked
def elbo_terms(
    x: Tensor, params: Tensor, mu: Tensor, logvar: Tensor, likelihood: Likelihood
) -> Elbo:
    """The two terms of the bound from what the encoder and the decoder returned.

    Args:
        x: data, shape (B, D).
        params: the decoder's output for z ~ q(z | x), shape (B, D), or (K, B, D) for K draws.
        mu: mean of q(z | x), shape (B, L).
        logvar: log of the variance of q(z | x), shape (B, L).
        likelihood: what `params` mean.

    Returns:
        Elbo with two tensors of shape (B,); with K draws the log-likelihood is their average.

    Raises:
        ValueError: if the batch sizes of x, params and mu differ.

    Source: Kingma & Welling 2014 (arXiv:1312.6114), Eq. 7 and appendix B.
    """
    _require_same_batch(x=x, params=params, mu=mu)
    return elbo_of_draws(x, params, kl_to_standard_normal(mu, logvar), likelihood)


def elbo_of_draws(x: Tensor, params: Tensor, kl: Tensor, likelihood: Likelihood) -> Elbo:
    """The same with a KL that is known, (B,), or taken at each draw, (K, B): both are averaged.

    Raises:
        ValueError: if the batch sizes of x and params differ.
    """
    _require_same_batch(x=x, params=params)
    log_likelihood = likelihood.log_prob(x, params)
    return Elbo(*(t.mean(dim=0) if t.ndim == 2 else t for t in (log_likelihood, kl)))


def _require_same_batch(**tensors: Tensor) -> None:
    sizes = {name: tensor.shape[-2] for name, tensor in tensors.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"batch sizes must agree, but they are {sizes}")
