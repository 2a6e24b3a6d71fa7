"""Maximum likelihood of the linear-Gaussian model, without training: an eigendecomposition.

Source: Tipping & Bishop 1999, section 3.2 and appendix A; for a fixed sigma_x, Lucas et al. 2019
(arXiv:1911.02469), who read the collapsed dimensions as posterior collapse.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.exact.linear_gaussian import LinearGaussian
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked


class PPCA(NamedTuple):
    """The best model, the data covariance's eigenvalues (D,), and which dimensions stay unused.

    `collapsed` (L,) is True where the column of W is zero, so that the posterior of that
    dimension is the prior.
    """

    model: LinearGaussian
    eigenvalues: Tensor
    collapsed: Tensor


@checked(latent_dim=AT_LEAST_1, sigma_x=POSITIVE)
def fit_ppca(x: Tensor, latent_dim: int, sigma_x: float | None = None) -> PPCA:
    """The W, b and sigma_x that maximise the likelihood of the data x (N, D).

    W's columns are the leading eigenvectors, each scaled by sqrt(eigenvalue - sigma_x^2). With
    `sigma_x` given, a dimension whose eigenvalue is at most sigma_x^2 must collapse. With None,
    sigma_x^2 is the mean of the eigenvalues left out, and none can.

    Raises:
        ValueError: if latent_dim does not lie between 1 and D - 1 (D, with sigma_x given).
    """
    most = x.shape[1] - (sigma_x is None)
    if not 1 <= latent_dim <= most:
        raise ValueError(f"latent_dim must lie in 1..{most}, but it is {latent_dim}")
    mean = x.mean(dim=0)
    covariance = (x - mean).T @ (x - mean) / len(x)
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    eigenvalues, vectors = eigenvalues.flip(0), vectors.flip(1)
    variance = eigenvalues[latent_dim:].mean() if sigma_x is None else torch.tensor(sigma_x) ** 2
    explained = (eigenvalues[:latent_dim] - variance).clamp(min=0)
    W = vectors[:, :latent_dim] * explained.sqrt()
    return PPCA(LinearGaussian(W, mean, float(variance) ** 0.5), eigenvalues, explained == 0)
