"""Full covariances: Eq. 6 and Eq. 7 of Doersch, against torch.distributions and themselves."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from vae_teach.maths.gaussian import kl_between_normals, kl_to_standard_normal
from vae_teach.maths.gaussian_full import (
    cholesky,
    kl_between_full_normals,
    kl_full_to_standard_normal,
    log_full_normal,
)


def pairs(k, n=20, seed=0):
    """Two batches of means (n, k) and positive definite covariances (n, k, k)."""
    g = torch.Generator().manual_seed(seed)
    mu = torch.randn(2, n, k, generator=g, dtype=torch.float64)
    root = torch.randn(2, n, k, k, generator=g, dtype=torch.float64)
    return mu, root @ root.mT / k + 0.2 * torch.eye(k, dtype=torch.float64)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_equation_6_agrees_with_torch(k):
    """A trace on the wrong covariance, a determinant upside down, a missing k."""
    (mu_q, mu_p), (cov_q, cov_p) = pairs(k)
    q, p = MultivariateNormal(mu_q, cov_q), MultivariateNormal(mu_p, cov_p)
    value = kl_between_full_normals(mu_q, cov_q, mu_p, cov_p)
    assert value.shape == (20,)
    # condition numbers up to about 100 in both libraries
    torch.testing.assert_close(value, kl_divergence(q, p), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_equation_7_is_equation_6_with_a_standard_normal(k):
    """Written out as Doersch prints it."""
    (mu, _), (cov, _) = pairs(k)
    printed = 0.5 * (cov.diagonal(dim1=-2, dim2=-1).sum(-1) + (mu**2).sum(-1) - k - cov.logdet())
    value = kl_full_to_standard_normal(mu, cov)
    torch.testing.assert_close(value, printed, rtol=1e-11, atol=1e-12)


def test_a_diagonal_covariance_gives_the_diagonal_formula():
    """Two modules that mean different things by the same Gaussian."""
    g = torch.Generator().manual_seed(0)
    mu_q, logvar_q, mu_p, logvar_p = torch.randn(4, 10, 3, generator=g, dtype=torch.float64)
    full = kl_between_full_normals(
        mu_q, torch.diag_embed(logvar_q.exp()), mu_p, torch.diag_embed(logvar_p.exp())
    )
    diagonal = kl_between_normals(mu_q, logvar_q, mu_p, logvar_p)
    torch.testing.assert_close(full, diagonal, rtol=1e-12, atol=1e-13)
    full = kl_full_to_standard_normal(mu_q, torch.diag_embed(logvar_q.exp()))
    torch.testing.assert_close(full, kl_to_standard_normal(mu_q, logvar_q), rtol=1e-12, atol=1e-13)


def test_it_is_never_negative_between_almost_equal_gaussians_in_float32():
    """tr - k - log det, taken as three large numbers, goes negative next to equality."""
    (mu, _), (cov, _) = pairs(5, n=500)
    nudged = cov * (1 + 1e-5)
    mu, cov, nudged = mu.float(), cov.float(), nudged.float()
    assert (kl_between_full_normals(mu, nudged, mu, cov) >= 0).all()
    naive = 0.5 * (
        torch.linalg.solve(cov, nudged).diagonal(dim1=-2, dim2=-1).sum(-1)
        - 5
        + cov.logdet()
        - nudged.logdet()
    )
    assert (naive < 0).any()  # the test has power


def test_one_covariance_serves_a_batch_of_means():
    """A posterior covariance shared by all data points must broadcast."""
    (mu_q, mu_p), (cov_q, cov_p) = pairs(3)
    shared = kl_between_full_normals(mu_q, cov_q[0], mu_p[0], cov_p[0])
    single = kl_between_full_normals(mu_q[7], cov_q[0], mu_p[0], cov_p[0])
    assert shared.shape == (20,)
    assert shared[7].item() == pytest.approx(single.item(), rel=1e-13)


def test_log_density_agrees_with_torch():
    """A density that lost its determinant."""
    (mu, x), (cov, _) = pairs(4)
    expected = MultivariateNormal(mu, cov).log_prob(x)
    torch.testing.assert_close(log_full_normal(x, mu, cov), expected, rtol=1e-11, atol=1e-12)


def test_errors_name_the_argument_and_both_shapes():
    """linalg's own message says neither which matrix nor which size."""
    mu, cov = torch.zeros(4, 3), torch.eye(3)
    with pytest.raises(ValueError, match=r"mu_p has shape \(4, 3\) but cov_p has shape \(2, 2\)"):
        kl_between_full_normals(mu, cov, mu, torch.eye(2))
    with pytest.raises(ValueError, match=r"mu_q has shape \(4, 3\), mu_p has shape \(4, 2\)"):
        kl_between_full_normals(mu, cov, torch.zeros(4, 2), torch.eye(2))
    with pytest.raises(ValueError, match="cov_q is not symmetric and positive definite"):
        kl_between_full_normals(mu, -cov, mu, cov)
    with pytest.raises(ValueError, match="cov is not symmetric"):
        cholesky(torch.tensor([[1.0, 0.9], [0.0, 1.0]]))
    with pytest.raises(ValueError, match=r"cov must be square matrices, but has shape \(3,\)"):
        cholesky(torch.ones(3))
