"""Variational EM on the linear-Gaussian model: two half-steps, and neither lowers the bound.

E: the best q for each data point, with the model fixed. M: the best model, with every q fixed.
With the exact posterior as q this is EM and ends in the probabilistic PCA solution.
Source: Neal & Hinton 1998; Tipping & Bishop 1999, appendix B.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.exact.linear_gaussian import LinearGaussian
from vae_teach.validation import NOT_NEGATIVE, checked


class EMPath(NamedTuple):
    """The final model, and the mean bound in nats after 0, 1, 2, ... half-steps: (2 T + 1,)."""

    model: LinearGaussian
    elbo: Tensor


@checked(steps=NOT_NEGATIVE)
def variational_em(
    model: LinearGaussian,
    x: Tensor,
    *,
    steps: int,
    factorized: bool = False,
    learn_sigma_x: bool = True,
) -> EMPath:
    """Alternate E and M, `steps` times each, from q = prior.

    Args:
        model: where to start.
        x: data, shape (N, D).
        factorized: keep the covariance of every q diagonal.
        learn_sigma_x: fit the observation noise too, or leave it as it is.
    """
    mu = torch.zeros(len(x), model.latent_dim, dtype=x.dtype)
    cov = torch.eye(model.latent_dim, dtype=x.dtype)
    elbo = [model.elbo(x, mu, cov).mean()]
    for _ in range(steps):
        mu, cov = e_step(model, x, factorized=factorized)
        elbo.append(model.elbo(x, mu, cov).mean())
        model = m_step(model, x, mu, cov, learn_sigma_x=learn_sigma_x)
        elbo.append(model.elbo(x, mu, cov).mean())
    return EMPath(model, torch.stack(elbo))


@checked
def e_step(model: LinearGaussian, x: Tensor, *, factorized: bool = False) -> tuple[Tensor, Tensor]:
    """The q that maximises the bound: means (N, L) and one covariance (L, L)."""
    if not factorized:
        return model.posterior(x)
    mu, logvar = model.best_factorized(x)
    return mu, torch.diag(logvar[0].exp())


@checked
def m_step(
    model: LinearGaussian, x: Tensor, mu: Tensor, cov: Tensor, *, learn_sigma_x: bool = True
) -> LinearGaussian:
    """The model that maximises the bound for q_i = N(mu_i, cov): linear regression of x on z."""
    design = torch.cat([mu, torch.ones_like(mu[:, :1])], dim=1)  # a last column of ones fits b
    second_moment = design.T @ design
    second_moment[:-1, :-1] += len(x) * cov
    weights = torch.linalg.solve(second_moment, design.T @ x).T
    fitted = LinearGaussian(weights[:, :-1], weights[:, -1], model.sigma_x)
    if not learn_sigma_x:
        return fitted
    spread = ((fitted.W @ cov) * fitted.W).sum()
    variance = ((x - fitted.decode(mu)).square().sum(dim=1).mean() + spread) / x.shape[1]
    return LinearGaussian(fitted.W, fitted.b, float(variance.sqrt()))
