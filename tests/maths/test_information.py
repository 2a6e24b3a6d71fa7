"""Surprise, entropy and divergence of probabilities, against scipy, hand work and quadrature."""

import math

import pytest
import scipy.stats
import torch

from vae_teach.maths.gaussian import kl_between_normals, log_normal
from vae_teach.maths.information import (
    cross_entropy,
    entropy,
    kl_discrete,
    nats_to_bits,
    normal_entropy,
    surprise,
)


def distributions(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(*shape, generator=g, dtype=torch.float64), dim=-1)


def test_surprise_is_zero_for_certainty_falls_with_p_and_adds_up():
    """Log in another base, or a sign."""
    p = torch.linspace(0.01, 1, 100, dtype=torch.float64)
    assert surprise(torch.tensor(1.0)) == 0
    assert (surprise(p).diff() < 0).all()
    assert surprise(torch.tensor(0.0)) == math.inf
    together = surprise(p * 0.3)
    torch.testing.assert_close(
        together, surprise(p) + surprise(torch.tensor(0.3, dtype=torch.float64)), rtol=1e-13, atol=0
    )


def test_entropy_of_a_coin_and_a_die():
    """By hand: log 2 and log 6, and 0 where there is no choice."""
    assert entropy(torch.full((2,), 0.5)).item() == pytest.approx(math.log(2), rel=1e-6)
    assert entropy(torch.full((6,), 1 / 6)).item() == pytest.approx(math.log(6), rel=1e-6)
    assert entropy(torch.tensor([1.0, 0.0])).item() == 0  # 0 log 0 adds nothing


def test_entropy_and_divergence_agree_with_scipy():
    """Against another library, in nats."""
    q, p = distributions(2, 50, 7)
    torch.testing.assert_close(
        entropy(q), torch.from_numpy(scipy.stats.entropy(q.numpy(), axis=-1)), rtol=1e-13, atol=0
    )
    expected = torch.from_numpy(scipy.stats.entropy(q.numpy(), p.numpy(), axis=-1))
    torch.testing.assert_close(kl_discrete(q, p), expected, rtol=1e-11, atol=0)


def test_divergence_is_cross_entropy_minus_entropy():
    """Three functions that do not mean the same logs, or the same first argument."""
    q, p = distributions(2, 50, 7)
    torch.testing.assert_close(
        kl_discrete(q, p), cross_entropy(q, p) - entropy(q), rtol=1e-10, atol=1e-14
    )
    swapped = cross_entropy(p, q) - entropy(q)
    assert (abs(swapped - kl_discrete(q, p)) > 1e-4).all()


def test_divergence_is_never_negative_and_infinite_where_p_rules_out_what_q_does():
    """Gibbs' inequality, and a NaN for 0 log 0."""
    q, p = distributions(2, 1000, 4, seed=1)
    assert (kl_discrete(q, p) > 0).all()
    assert kl_discrete(q, q).abs().max() == 0
    half, sure = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])
    assert kl_discrete(half, sure) == math.inf
    assert kl_discrete(sure, half).item() == pytest.approx(math.log(2), rel=1e-6)


def test_coding_with_the_wrong_code_costs_the_divergence_of_its_first_argument():
    """KL(q || p) is what samples *of q* cost extra under a code built for p, not the reverse.

    Code lengths -log2 p of a dyadic p are whole bits, so the extra bits can be counted by hand.
    """
    q = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64)
    p = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    length_p, length_q = torch.tensor([1.0, 2, 2]), torch.tensor([2.0, 2, 1])
    extra = (q * (length_p - length_q)).sum()
    assert extra.item() == 0.25
    assert nats_to_bits(kl_discrete(q, p)).item() == pytest.approx(0.25, rel=1e-12)


def test_bits_and_nats():
    """Divided where it should be multiplied."""
    assert nats_to_bits(1.0) == pytest.approx(1.442695, abs=1e-6)


def test_entropy_of_a_gaussian_is_its_integral():
    """Half log(2 pi e) = 1.4189, and negative for a narrow Gaussian."""
    x = torch.linspace(-40, 40, 8001, dtype=torch.float64)
    for logvar in (0.0, 2 * math.log(0.1), 1.3):
        spread = torch.tensor([logvar], dtype=torch.float64)
        log_p = log_normal(x[:, None], torch.zeros(1, dtype=torch.float64), spread)
        integral = -torch.trapezoid(log_p.exp() * log_p, x)
        assert normal_entropy(spread).item() == pytest.approx(integral.item(), abs=1e-10)
    assert normal_entropy(torch.zeros(1)).item() == pytest.approx(1.418939, abs=1e-6)
    narrow = torch.tensor([2 * math.log(0.1)], dtype=torch.float64)
    assert normal_entropy(narrow).item() == pytest.approx(-0.884, abs=5e-4)


def test_a_difference_of_entropies_is_no_distance():
    """N(0, 1) and N(5, 1) have one entropy and a divergence of 12.5."""
    zero, five = torch.zeros(1), torch.tensor([5.0])
    assert normal_entropy(zero) == normal_entropy(zero)
    assert kl_between_normals(five, zero, zero, zero).item() == 12.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: surprise(torch.tensor([0.5, 1.2])), r"\[0, 1\], but its range is 0.5 to 1.2"),
        (lambda: entropy(torch.tensor([0.5, 0.6])), "p must be >= 0 and sum to 1"),
        (lambda: entropy(torch.tensor([1.5, -0.5])), "p must be >= 0"),
        (lambda: kl_discrete(torch.ones(1), torch.full((2,), 0.5)), "outcomes must agree"),
    ],
)
def test_what_is_not_a_distribution_is_refused(call, message):
    """Logits passed for probabilities give a plausible number."""
    with pytest.raises(ValueError, match=message):
        call()
