"""Gaussians with a full covariance: density and KL divergence, by Cholesky factors.

Shapes: mu and x (..., L), cov (..., L, L); leading axes broadcast. Everything is in nats.
"""

import torch
from torch import Tensor

from vae_teach.maths.gaussian import LOG_2PI, require_same_latent_size
from vae_teach.validation import checked


@checked
def cholesky(cov: Tensor, name: str = "cov") -> Tensor:
    """Lower-triangular root of a covariance (..., L, L).

    Raises:
        ValueError: if it is not symmetric and positive definite; `name` says whose it is.
    """
    if cov.ndim < 2 or cov.shape[-1] != cov.shape[-2]:
        raise ValueError(f"{name} must be square matrices, but has shape {tuple(cov.shape)}")
    root, failed = torch.linalg.cholesky_ex(cov)
    # Cholesky reads the lower half only, so an asymmetric matrix would pass for another one.
    asymmetry = (cov - cov.mT).abs().amax() / cov.abs().amax()
    if failed.any() or asymmetry > 1e-6:
        raise ValueError(f"{name} is not symmetric and positive definite")
    return root


def _require_same_size(mu: Tensor, cov: Tensor, mu_name: str, cov_name: str) -> None:
    if mu.ndim == 0 or cov.ndim < 2 or mu.shape[-1] != cov.shape[-1]:
        raise ValueError(
            f"{mu_name} has shape {tuple(mu.shape)} but {cov_name} has shape {tuple(cov.shape)}"
        )


@checked
def log_full_normal(x: Tensor, mu: Tensor, cov: Tensor) -> Tensor:
    """log N(x | mu, cov) in nats: x and mu (..., L), cov (..., L, L) -> (...,).

    Raises:
        ValueError: if the sizes differ, or cov is not positive definite.
    """
    require_same_latent_size(x=x, mu=mu)
    _require_same_size(mu, cov, "mu", "cov")
    return log_normal_of_root(x, mu, cholesky(cov))


@checked
def log_normal_of_root(x: Tensor, mu: Tensor, root: Tensor) -> Tensor:
    """log N(x | mu, root root^T) for lower-triangular roots with a positive diagonal, in nats.

    Shapes (..., L), (..., L) and (..., L, L) -> (...,).

    Raises:
        ValueError: if the sizes differ.
    """
    require_same_latent_size(x=x, mu=mu)
    _require_same_size(mu, root, "mu", "root")
    distance = _solve(root, x - mu).square().sum(dim=-1)
    log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    return -0.5 * (x.shape[-1] * LOG_2PI + log_det + distance)


def _solve(root: Tensor, vector: Tensor) -> Tensor:
    """root^-1 vector for lower-triangular roots (..., L, L) and vectors (..., L)."""
    if root.ndim == 2:  # one root for all vectors: one solve, not one each
        flat = vector.reshape(-1, vector.shape[-1])
        return torch.linalg.solve_triangular(root, flat.T, upper=False).T.view_as(vector)
    return torch.linalg.solve_triangular(root, vector.unsqueeze(-1), upper=False).squeeze(-1)


@checked
def kl_between_full_normals(mu_q: Tensor, cov_q: Tensor, mu_p: Tensor, cov_p: Tensor) -> Tensor:
    r"""KL( N(mu_q, cov_q) || N(mu_p, cov_p) ) in nats, for full covariances.

    .. math:: \tfrac12 \left(\operatorname{tr}(\Sigma_p^{-1} \Sigma_q)
              + (\mu_p - \mu_q)^\top \Sigma_p^{-1} (\mu_p - \mu_q) - L
              + \log\frac{\det \Sigma_p}{\det \Sigma_q}\right)

    Args:
        mu_q, cov_q: the first argument, shapes (..., L) and (..., L, L).
        mu_p, cov_p: the second argument, shapes (..., L) and (..., L, L).

    Returns:
        Shape (...,). A sum of terms each of which is at least 0.

    Raises:
        ValueError: if the sizes differ, or a covariance is not positive definite.

    Source: Doersch 2016 (arXiv:1606.05908), Eq. 6.
    """
    require_same_latent_size(mu_q=mu_q, mu_p=mu_p)
    _require_same_size(mu_q, cov_q, "mu_q", "cov_q")
    _require_same_size(mu_p, cov_p, "mu_p", "cov_p")
    root_p = cholesky(cov_p, "cov_p")
    ratio = torch.linalg.solve_triangular(root_p, cholesky(cov_q, "cov_q"), upper=False)
    # ratio is triangular: its diagonal carries both trace and determinant, term by term.
    log_variances = 2 * ratio.diagonal(dim1=-2, dim2=-1).log()
    spread = (torch.expm1(log_variances) - log_variances).sum(dim=-1)
    tilt = ratio.tril(-1).square().sum(dim=(-2, -1))
    return 0.5 * (spread + tilt + _solve(root_p, mu_q - mu_p).square().sum(dim=-1))


@checked
def kl_full_to_standard_normal(mu: Tensor, cov: Tensor) -> Tensor:
    """KL( N(mu, cov) || N(0, I) ) in nats: (..., L) and (..., L, L) -> (...,).

    Raises:
        ValueError: if the sizes differ, or cov is not positive definite.

    Source: Doersch 2016 (arXiv:1606.05908), Eq. 7.
    """
    identity = torch.eye(mu.shape[-1], dtype=mu.dtype, device=mu.device)
    return kl_between_full_normals(mu, cov, torch.zeros_like(mu), identity)
