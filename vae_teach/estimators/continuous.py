"""Two ways to differentiate E[f(z)] for z ~ N(mu, diag(sigma^2)): along the path, or by the score.

Shapes: K draws averaged into one estimate, L latent; leading axes, such as R repetitions, are kept.
Both read the same noise `eps` (..., K, L), so two estimators can be compared on equal draws.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.validation import checked

Objective = Callable[[Tensor], Tensor]  # z (..., L) -> f(z) (...,), each row on its own
Baseline = float | Callable[[Tensor], Tensor]  # a constant, or f(z) (..., K) -> (..., K)


class Gradient(NamedTuple):
    """Derivatives by the mean and by the standard deviation, each of shape (..., L)."""

    mu: Tensor
    sigma: Tensor


def _require_noise(mu: Tensor, sigma: Tensor, eps: Tensor) -> None:
    if mu.shape != sigma.shape or mu.ndim != 1:
        raise ValueError(
            f"mu and sigma must both have shape (L,), but they have {tuple(mu.shape)} "
            f"and {tuple(sigma.shape)}"
        )
    if eps.ndim < 2 or eps.shape[-1] != len(mu):
        raise ValueError(f"eps must have shape (..., K, {len(mu)}), but it has {tuple(eps.shape)}")


@checked
def pathwise(f: Objective, mu: Tensor, sigma: Tensor, eps: Tensor) -> Gradient:
    r"""Differentiate through the sample: z = mu + sigma eps, then the chain rule.

    .. math:: \partial_\mu = f'(z), \qquad \partial_\sigma = f'(z)\,\epsilon

    Args:
        f: a differentiable function of z (..., L), one value per row.
        mu: mean, shape (L,).
        sigma: standard deviation, shape (L,).
        eps: standard normal noise, shape (..., K, L).

    Returns:
        Gradient with two tensors of shape (..., L): the average over the K draws.

    Raises:
        ValueError: if a shape does not fit.

    Source: Kingma & Welling 2014 (arXiv:1312.6114), section 2.4; Rezende et al. 2014.
    """
    _require_noise(mu, sigma, eps)
    with torch.enable_grad():
        z = (mu + sigma * eps).detach().requires_grad_()
        slope = torch.autograd.grad(f(z).sum(), z)[0]  # rows are independent: f'(z) of each
    return Gradient(slope.mean(dim=-2), (slope * eps).mean(dim=-2))


@checked
def score_function(
    f: Objective, mu: Tensor, sigma: Tensor, eps: Tensor, *, baseline: Baseline = 0.0
) -> Gradient:
    r"""Weigh the score of each draw by f(z) - b; f is only evaluated, never differentiated.

    .. math:: \partial_\mu = (f(z) - b)\,\frac{\epsilon}{\sigma}, \qquad
              \partial_\sigma = (f(z) - b)\,\frac{\epsilon^2 - 1}{\sigma}

    Args:
        f: any function of z (..., L), one value per row.
        mu: mean, shape (L,).
        sigma: standard deviation, shape (L,).
        eps: standard normal noise, shape (..., K, L).
        baseline: b, a constant or a function of all K values, such as `leave_one_out`.

    Returns:
        Gradient with two tensors of shape (..., L): the average over the K draws.

    Raises:
        ValueError: if a shape does not fit.

    Source: Williams 1992 (REINFORCE); Glynn 1990 (likelihood ratio).
    """
    _require_noise(mu, sigma, eps)
    with torch.no_grad():
        values = f(mu + sigma * eps)  # (..., K)
        weight = subtract_baseline(values, baseline).unsqueeze(-1)
        by_mu = weight * eps / sigma
        by_sigma = weight * (eps.square() - 1) / sigma
    return Gradient(by_mu.mean(dim=-2), by_sigma.mean(dim=-2))


@checked
def subtract_baseline(values: Tensor, baseline: Baseline) -> Tensor:
    """f(z) - b for each of the K draws on the last axis."""
    return values - (baseline(values) if callable(baseline) else baseline)


@checked
def leave_one_out(values: Tensor) -> Tensor:
    """For each draw the average of the other K - 1: it has not seen that draw, so no bias.

    Raises:
        ValueError: if there is only one draw.
    """
    draws = values.shape[-1]
    if draws < 2:
        raise ValueError(f"leave_one_out needs at least 2 draws, but there is {draws}")
    return (values.sum(dim=-1, keepdim=True) - values) / (draws - 1)


@checked
def own_average(values: Tensor) -> Tensor:
    """The average of all K draws, own value included: it shrinks the gradient by (K - 1)/K."""
    return values.mean(dim=-1, keepdim=True).expand_as(values)
