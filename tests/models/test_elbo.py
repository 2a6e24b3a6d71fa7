"""The bound's two terms, against sums done by hand and a model whose evidence is a grid sum."""

import math

import pytest
import torch

from vae_teach.maths.gaussian import log_normal, reparameterize
from vae_teach.models.elbo import Elbo, elbo_terms
from vae_teach.models.likelihoods import Bernoulli, Gaussian


def test_value_is_log_likelihood_minus_kl():
    """Catches KL added instead of subtracted."""
    elbo = Elbo(torch.tensor([-3.0, -4.0]), torch.tensor([1.0, 0.5]))
    assert elbo.value.tolist() == [-4.0, -4.5]


def test_terms_worked_by_hand():
    """Two coins at probability one half cost 2 ln 2; N(1, 1) is half a nat from N(0, 1)."""
    elbo = elbo_terms(
        torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2), torch.ones(1, 1), torch.zeros(1, 1),
        Bernoulli(),
    )  # fmt: skip
    torch.testing.assert_close(elbo.log_likelihood, torch.tensor([-2 * math.log(2)]))
    torch.testing.assert_close(elbo.kl, torch.tensor([0.5]))


def test_draws_are_averaged_after_the_logarithm():
    """E_q[log p(x|z)] averages logs; averaging parameters first is another, larger number."""
    x = torch.tensor([[1.0]])
    logits = torch.tensor([[[2.0]], [[-2.0]]])  # (K=2, B=1, D=1)
    elbo = elbo_terms(x, logits, torch.zeros(1, 1), torch.zeros(1, 1), Bernoulli())
    expected = Bernoulli().log_prob(x, logits).mean(0)
    torch.testing.assert_close(elbo.log_likelihood, expected)
    averaged_first = Bernoulli().log_prob(x, logits.mean(0))
    assert averaged_first - elbo.log_likelihood > 0.4


@pytest.mark.parametrize("mu, logvar", [(0.0, 0.0), (0.6, -1.0), (-1.5, 0.7)])
def test_elbo_lies_below_the_evidence_and_the_gap_is_a_kl_divergence(mu, logvar):
    """One pixel, p(x|z) = N(z, 0.25): log p(x) = log N(x; 0, 1.25), posterior N(0.8 x, 0.2).

    Catches a KL to the posterior instead of the prior, and any lost constant.
    """
    x = torch.tensor([[1.3]], dtype=torch.float64)
    mu_q = torch.full((1, 1), mu, dtype=torch.float64)
    logvar_q = torch.full((1, 1), logvar, dtype=torch.float64)
    # Every integrand here is quadratic in eps, so the mean over -1 and +1 is the expectation.
    eps = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    z = reparameterize(mu_q, logvar_q, eps[:, None, None])
    elbo = elbo_terms(x, z, mu_q, logvar_q, Gaussian(0.5)).value
    zero = torch.zeros_like(x)
    log_evidence = log_normal(x, zero, zero + math.log(1.25))
    log_q = log_normal(z, mu_q, logvar_q)
    log_posterior = log_normal(z, 0.8 * x, zero + math.log(0.2))
    gap = (log_q - log_posterior).mean(0)
    assert elbo < log_evidence
    torch.testing.assert_close(elbo + gap, log_evidence, rtol=1e-12, atol=0)


def test_a_batch_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="'x': 2, 'params': 3"):
        elbo_terms(
            torch.zeros(2, 4), torch.zeros(3, 4), torch.zeros(2, 1), torch.zeros(2, 1), Bernoulli()
        )
