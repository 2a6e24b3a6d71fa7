"""The Gaussian formulas, against mpmath, torch.distributions and one another."""

import math

import mpmath
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vae_teach.maths.gaussian import (
    kl_between_normals,
    kl_to_standard_normal,
    log_normal,
    reparameterize,
)

F64 = torch.float64


def randn(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def exact_kl(mu, logvar):
    """The closed form at 60 digits."""
    with mpmath.workdps(60):
        mu, logvar = mpmath.mpf(mu), mpmath.mpf(logvar)
        return (mu**2 + mpmath.exp(logvar) - 1 - logvar) / 2


def kl(mu, logvar, dtype=F64):
    return kl_to_standard_normal(
        torch.tensor([mu], dtype=dtype), torch.tensor([logvar], dtype=dtype)
    ).item()


@pytest.mark.parametrize(
    ("mu", "logvar", "nats"),
    [
        (0.0, 0.0, 0.0),
        (1.0, 0.0, 0.5),  # mu^2 / 2
        (5.0, 0.0, 12.5),
        (0.0, math.log(0.01), 1.807585),  # mathybit's narrow posterior
        (1.0, math.log(0.25), 0.818147),
        (0.0, 2 * math.log(0.398239), 0.5),  # chapter 3's answers beside the explorer
        (0.0, 2 * math.log(1.773751), 0.5),
    ],
)
def test_kl_on_cases_worked_by_hand(mu, logvar, nats):
    """A missing half, a swapped sign."""
    assert kl(mu, logvar) == pytest.approx(nats, abs=1e-6)  # six digits were written down


def test_kl_agrees_with_mpmath_to_rounding():
    """exp(logvar) - 1 - logvar loses every digit next to the prior; expm1 does not."""
    magnitudes = [10.0**e for e in range(-12, 2)] + [0.3, 2.0, 40.0, 80.0]
    for mu in (0.0, 1e-9, 1e-3, 0.7, 6.0):
        for logvar in [0.0] + [s * m for m in magnitudes for s in (1, -1)]:
            truth = exact_kl(mu, logvar)
            error = abs(mpmath.mpf(kl(mu, logvar)) - truth)
            assert error <= (1e-12 * truth if truth > 1e-3 else 1e-15), (mu, logvar)


def test_kl_is_never_negative_in_float32_near_the_prior():
    """The textbook form is negative for a third of these values, and its log is NaN in a plot."""
    bits = torch.tensor([2.0**-30, 2.0**-3]).view(torch.int32)
    near = torch.arange(bits[0], bits[1], 997, dtype=torch.int32).view(torch.float32)[:, None]
    for logvar in (near, -near):
        assert len(logvar) > 200_000
        assert (kl_to_standard_normal(torch.zeros_like(logvar), logvar) >= 0).all()
        textbook = 0.5 * (logvar.exp() - 1 - logvar)
        assert (textbook < 0).any()  # the test has power


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_kl_and_its_gradient_are_finite_for_any_logvar_a_network_may_emit(dtype):
    """An eps inside a log caps the value and kills the gradient where it matters."""
    logvar = torch.linspace(-80, 80, 1601, dtype=dtype)[:, None].requires_grad_()
    value = kl_to_standard_normal(torch.zeros_like(logvar), logvar)
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(logvar.grad).all()
    assert (logvar.grad[:800] < 0).all() and (logvar.grad[801:] > 0).all()
    assert kl(0.0, -80.0) == pytest.approx(39.5, rel=1e-12)  # not capped at 11


def test_the_gradient_in_logvar_is_half_of_variance_minus_one():
    """A gradient for log sigma where log sigma^2 is meant is twice this."""
    logvar = torch.linspace(-6, 6, 25, dtype=F64)[:, None].requires_grad_()
    kl_to_standard_normal(torch.zeros_like(logvar), logvar).sum().backward()
    expected = 0.5 * (logvar.detach().exp() - 1)
    torch.testing.assert_close(logvar.grad, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)], ids=str)
def test_kl_is_the_sum_over_dimensions_and_agrees_with_torch(shape):
    """Averaged over dimensions, or summed over the batch."""
    mu, logvar = randn(2, *shape)
    q = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    value = kl_to_standard_normal(mu, logvar)
    assert value.shape == shape[:-1]
    torch.testing.assert_close(value, kl_divergence(q, p), rtol=1e-12, atol=0)


def test_kl_between_normals_agrees_with_torch_both_ways_round():
    """Arguments swapped: the two directions differ, so a swap cannot hide."""
    mu_q, logvar_q, mu_p, logvar_p = randn(4, 100, 3)
    q, p = (
        Independent(Normal(m, (0.5 * s).exp()), 1) for m, s in ((mu_q, logvar_q), (mu_p, logvar_p))
    )
    forward = kl_between_normals(mu_q, logvar_q, mu_p, logvar_p)
    reverse = kl_between_normals(mu_p, logvar_p, mu_q, logvar_q)
    torch.testing.assert_close(forward, kl_divergence(q, p), rtol=1e-11, atol=0)
    torch.testing.assert_close(reverse, kl_divergence(p, q), rtol=1e-11, atol=0)
    assert (abs(forward - reverse) > 1e-3).all()


def test_kl_between_normals_has_the_prior_as_a_special_case():
    """Two formulas for one thing that drift apart."""
    mu, logvar = randn(2, 50, 4)
    zero = torch.zeros_like(mu)
    general = kl_between_normals(mu, logvar, zero, zero)
    torch.testing.assert_close(general, kl_to_standard_normal(mu, logvar), rtol=0, atol=0)


def test_kl_of_a_thousand_pairs_is_never_negative_and_zero_only_for_equals():
    """A formula without the -1 would pass for most pairs."""
    mu_q, logvar_q, mu_p, logvar_p = randn(4, 1000, 2, seed=1)
    assert (kl_between_normals(mu_q, logvar_q, mu_p, logvar_p) > 0).all()
    assert (kl_between_normals(mu_q, logvar_q, mu_q, logvar_q) == 0).all()


def test_kl_does_not_change_under_an_affine_map():
    """x -> a x + b takes mu to a mu + b and logvar to logvar + log a^2."""
    mu_q, logvar_q, mu_p, logvar_p, a, b = randn(6, 200, 3, seed=2)
    stretch = a.square().log()
    moved = kl_between_normals(a * mu_q + b, logvar_q + stretch, a * mu_p + b, logvar_p + stretch)
    still = kl_between_normals(mu_q, logvar_q, mu_p, logvar_p)
    # differences of means of size |a mu + b| / |a|, up to 1e3 here, lose three digits
    torch.testing.assert_close(moved, still, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("mu", "sigma", "forward", "reverse"), [(0.0, 0.1, 1.808, 47.20), (1.0, 0.5, 0.818, 2.807)]
)
def test_direction_matters(mu, sigma, forward, reverse):
    """The chapter quotes these numbers: KL(q || p) is not KL(p || q)."""
    q = torch.tensor([mu]), torch.tensor([2 * math.log(sigma)])
    p = torch.zeros(1), torch.zeros(1)
    assert kl_between_normals(*q, *p).item() == pytest.approx(forward, abs=5e-4)
    assert kl_between_normals(*p, *q).item() == pytest.approx(reverse, abs=5e-3)


# --- the sources' five code forms of one divergence, as their authors wrote them


CODE_FORMS = {
    "fast forward labs": lambda mu, sd: (
        -0.5 * (1 + 2 * sd.log() - mu**2 - (2 * sd.log()).exp()).sum(-1)
    ),
    "mathybit": lambda mu, sd: 0.5 * (mu**2 + sd**2 - 1 - (1e-10 + sd**2).log()).sum(-1),
    "mathybit, log-variance": lambda mu, sd: (
        0.5 * (mu**2 + (2 * sd.log()).exp() - 1 - 2 * sd.log()).sum(-1)
    ),
    "doersch": lambda mu, sd: (0.5 * mu**2 + 0.5 * sd**2 - sd.log() - 0.5).sum(-1),
    "lazyprogrammer": lambda mu, sd: (-sd.log() + 0.5 * (sd**2 + mu**2) - 0.5).sum(-1),
}


@pytest.mark.parametrize("name", CODE_FORMS)
def test_the_sources_code_forms_agree(name):
    """mathybit's 1e-10 inside the log costs at most 1e-10 / sigma^2 / 2 = 5e-7 here."""
    sd = torch.linspace(0.01, 3, 300, dtype=F64)[:, None]
    for mu in (-2.0, 0.0, 0.3):
        mean = torch.full_like(sd, mu)
        expected = kl_to_standard_normal(mean, 2 * sd.log())
        torch.testing.assert_close(CODE_FORMS[name](mean, sd), expected, rtol=0, atol=1e-6)


# --- mistakes that have been published; each must fail a check this file makes


PUBLISHED_MISTAKES = {
    "mean instead of sum": lambda mu, logvar: kl_to_standard_normal(mu, logvar) / mu.shape[-1],
    "missing half": lambda mu, logvar: 2 * kl_to_standard_normal(mu, logvar),
    "log sigma read as log sigma^2": lambda mu, logvar: kl_to_standard_normal(mu, 2 * logvar),
    "log sigma^2 read as log sigma": lambda mu, logvar: kl_to_standard_normal(mu, logvar / 2),
    "swapped arguments": lambda mu, logvar: kl_between_normals(
        torch.zeros_like(mu), torch.zeros_like(mu), mu, logvar
    ),
    "counted twice": lambda mu, logvar: 2 * kl_to_standard_normal(mu, logvar),
    "sign": lambda mu, logvar: -kl_to_standard_normal(mu, logvar),
    "sigma for sigma^2": lambda mu, logvar: (
        0.5 * (mu**2 + (0.5 * logvar).exp() - 1 - logvar).sum(-1)
    ),
}


def disagrees_with_monte_carlo(candidate) -> bool:
    """The independent judge: an average of log q - log p over draws, against 4 standard errors."""
    mu, logvar = torch.tensor([0.7, -1.2], dtype=F64), torch.tensor([-1.0, 0.8], dtype=F64)
    z = mu + (0.5 * logvar).exp() * randn(50_000, 2)
    q = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    p = Independent(Normal(torch.zeros(2, dtype=F64), torch.ones(2, dtype=F64)), 1)
    values = q.log_prob(z) - p.log_prob(z)
    error = values.std() / math.sqrt(len(values))
    return bool(abs(values.mean() - candidate(mu, logvar)) > 4 * error)


def test_monte_carlo_accepts_the_formula():
    """A judge that rejects everything would make the next test meaningless."""
    assert not disagrees_with_monte_carlo(kl_to_standard_normal)


@pytest.mark.parametrize("name", PUBLISHED_MISTAKES)
def test_monte_carlo_rejects_a_published_mistake(name):
    """Each of these is in a published course or model; see the errata page of the book."""
    assert disagrees_with_monte_carlo(PUBLISHED_MISTAKES[name])


# --- densities and samples


def test_log_normal_agrees_with_torch_and_integrates_to_one():
    """A density that lost its normalizer."""
    x, mu, logvar = randn(3, 20, 4)
    q = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    torch.testing.assert_close(log_normal(x, mu, logvar), q.log_prob(x), rtol=1e-12, atol=1e-13)
    grid = torch.linspace(-12, 12, 2001, dtype=F64)[:, None]
    total = torch.trapezoid(log_normal(grid, mu[0, :1], logvar[0, :1]).exp(), grid[:, 0])
    assert total.item() == pytest.approx(1.0, abs=1e-12)


def test_weight_decay_is_a_gaussian_prior_on_the_weights():
    """A prior of variance 1/c or 2c in place of 1/(2c): c |w|^2 is its minus log-density."""
    w, c = randn(9).requires_grad_(), 0.3
    (decay,) = torch.autograd.grad(c * w.square().sum(), w)
    logvar = torch.full_like(w, -math.log(2 * c))
    (prior,) = torch.autograd.grad(-log_normal(w, torch.zeros_like(w), logvar), w)
    torch.testing.assert_close(decay, prior)


def test_sampler_and_kl_mean_the_same_logvar():
    """One of the two reads logvar as log sigma, as one well-known course prints."""
    mu, logvar = torch.tensor([0.7, -1.2], dtype=F64), torch.tensor([-1.0, 0.4], dtype=F64)
    z = reparameterize(mu, logvar, randn(20_000, 2))
    zeros = torch.zeros(2, dtype=F64)
    log_ratio = log_normal(z, mu, logvar) - log_normal(z, zeros, zeros)
    std_error = log_ratio.std() / math.sqrt(len(log_ratio))
    gap = abs(log_ratio.mean() - kl_to_standard_normal(mu, logvar))
    assert gap < 4 * std_error
    assert std_error < 0.02  # the test can see a mistake of 0.1 nat


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: kl_to_standard_normal(a, b),
        lambda a, b: log_normal(a, a, b),
        lambda a, b: kl_between_normals(a, a, a, b),
        lambda a, b: reparameterize(a, a, b),
    ],
)
@pytest.mark.parametrize("other", [(5, 4), (5, 1)], ids=str)
def test_an_error_names_both_shapes(call, other):
    """A latent axis of 1 broadcasts in silence and gives a KL that is L times too large."""
    with pytest.raises(ValueError, match=r"\(5, 3\)") as error:
        call(torch.zeros(5, 3), torch.zeros(other))
    assert str(other) in str(error.value)
