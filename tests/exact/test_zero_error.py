"""The one-dimensional proof that a VAE can reach zero error, step by step, in numbers."""

import itertools
import math

import pytest
import torch
from torch.distributions import Normal

from vae_teach.exact import Mixture
from vae_teach.exact.zero_error import Transport, sinh_cauchy
from vae_teach.maths.gaussian import kl_between_normals, log_standard_normal

F64 = torch.float64


def f64(*values):
    return torch.tensor(values, dtype=F64)


MIXTURE = Mixture(f64(0.4, 0.6), f64(-1.2, 1.0), 2 * f64(0.6, 0.8).log())
TWO_HUMPS = Transport.of_mixture(MIXTURE)
NORMAL = Transport(lambda x: log_standard_normal(x[..., None]), lambda z: z, lambda x: x)
X = f64(-1.5, 0.0, 1.7)
TRUTHS = {"mixture": TWO_HUMPS, "normal": NORMAL, "sinh of Cauchy": sinh_cauchy()}


@pytest.fixture(params=TRUTHS)
def truth(request):
    return TRUTHS[request.param]


def blurred(sigma_x):
    """The mixture with noise of this standard deviation added."""
    return Mixture(MIXTURE.weights, MIXTURE.mu, (MIXTURE.logvar.exp() + sigma_x**2).log())


def in_t(truth, x, sigma_x, reach=20.0, n=8001):
    """Points t of a line and log p(z|x) in z = z0 + slope * sigma_x * t, one x a row."""
    z0, slope, _, _ = (part[:, None] for part in truth.local(x))
    t = torch.linspace(-reach, reach, n, dtype=F64)
    z = z0 + slope * sigma_x * t
    log_joint = Normal(truth.decode(z), sigma_x).log_prob(x[:, None]) - z.square() / 2
    mass = torch.trapezoid(log_joint.exp(), t, dim=1)
    return t, log_joint - mass.log()[:, None]


def test_code_and_decoder_are_inverse_far_out_on_both_sides(truth):
    """Phi(z) rounds to 1 on the right: half of the digits of a far code are then lost."""
    z = torch.linspace(-2.5, 2.5, 51, dtype=F64)
    torch.testing.assert_close(truth.code(truth.decode(z)), z, rtol=0, atol=1e-11)
    far = f64(-8.0, 8.0)
    torch.testing.assert_close(
        TWO_HUMPS.code(TWO_HUMPS.decode(far)), far, rtol=0, atol=1e-11
    )  # fmt: skip


def test_the_decoder_makes_the_density_of_the_data(truth):
    """A density and a map that do not belong together: p(f(z)) f'(z) must be N(z | 0, 1)."""
    z, h = torch.linspace(-2, 2, 21, dtype=F64), 1e-5
    slope = (truth.decode(z + h) - truth.decode(z - h)) / (2 * h)
    found = truth.log_prob(truth.decode(z)) + slope.log()
    torch.testing.assert_close(found, log_standard_normal(z[:, None]), rtol=0, atol=1e-6)


def test_draws_of_the_prior_are_decoded_to_draws_of_the_data():
    """A map onto another distribution: Kolmogorov's distance of 10,000 draws from the mixture."""
    z = torch.randn(10_000, generator=torch.Generator().manual_seed(0), dtype=F64)
    ranks = MIXTURE.cdf(TWO_HUMPS.decode(z)).sort().values
    steps = torch.arange(1, 10_001, dtype=F64) / 10_000
    distance = torch.maximum(steps - ranks, ranks - steps + 1e-4).max()
    assert distance * 100 < 1.63  # exceeded once in a hundred


@pytest.mark.parametrize("order", [2, 3, 4])
def test_each_derivative_is_the_slope_of_the_one_before(truth, order):
    """A chain rule without its inner factor."""
    x, h = f64(-1.5, 0.3, 1.7), 1e-4
    z0, slope, _, _ = truth.local(x)
    assert torch.equal(slope, 1 / truth.derivatives(x, 1)[0])
    beside = [truth.derivatives(truth.decode(z0 + step), order - 1)[-1] for step in (h, -h)]
    found = truth.derivatives(x, order)[-1]
    torch.testing.assert_close((beside[0] - beside[1]) / (2 * h), found, rtol=1e-5, atol=1e-5)


def test_tilt_and_bend_add_up_to_minus_the_score(truth):
    """A sign or a power of the slope that is wrong: f' = N(z | 0, 1) / p(f), differentiated."""
    x = X.clone().requires_grad_()
    (score,) = torch.autograd.grad(truth.log_prob(x).sum(), x)
    _, _, tilt, bend = truth.local(X)
    torch.testing.assert_close(tilt + bend, -score, rtol=0, atol=1e-10)


@pytest.mark.parametrize("sigma_x", [0.5, 0.1, 0.02])
def test_the_model_is_the_data_with_noise_added(sigma_x):
    """A prior or a normalisation that is wrong: log p(x) against the blurred mixture's own."""
    found = TWO_HUMPS.posterior(X, sigma_x).log_evidence
    torch.testing.assert_close(found, blurred(sigma_x).log_prob(X), rtol=0, atol=1e-9)


def test_the_models_density_goes_to_that_of_the_data():
    """The numbers at x = 1.7, where the density of the data is 0.204043."""
    found = [TWO_HUMPS.posterior(X[2:], s).log_evidence.exp().item() for s in (0.5, 0.2, 0.1, 0.01)]
    assert found == pytest.approx([0.1929, 0.20246, 0.20366, 0.204040], abs=3e-5)
    assert MIXTURE.log_prob(X[2]).exp().item() == pytest.approx(0.204043, rel=1e-5)


def test_the_gap_of_a_normal_truth_is_that_of_two_gaussians():
    """q = N(x, sigma_x^2) against N(x / (1 + sigma_x^2), sigma_x^2 / (1 + sigma_x^2))."""
    for sigma_x in (0.5, 0.05):
        shrink, log_s2 = 1 / (1 + sigma_x**2), torch.full_like(X, 2 * math.log(sigma_x))
        exact = kl_between_normals(
            X[:, None], log_s2[:, None], shrink * X[:, None], log_s2[:, None] + math.log(shrink)
        )
        torch.testing.assert_close(NORMAL.gap(X, sigma_x), exact, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("sigma_x", [0.5, 0.1, 0.01])
def test_the_gap_is_the_same_in_units_of_q(sigma_x):
    """A shift and a stretch of the axis change no divergence: two grids, two sums."""
    t, log_post = in_t(TWO_HUMPS, X, sigma_x)
    log_q = log_standard_normal(t[:, None])
    kl = torch.trapezoid(log_q.exp() * (log_q - log_post), t, dim=1)
    torch.testing.assert_close(TWO_HUMPS.gap(X, sigma_x), kl, rtol=0, atol=1e-9)


def test_in_units_of_q_the_posterior_goes_to_n01_at_every_point():
    """The sup distance of the densities, which falls in proportion to sigma_x."""
    distances = []
    for sigma_x in (0.04, 0.02, 0.01):
        t, log_post = in_t(TWO_HUMPS, X, sigma_x)
        apart = log_post.exp() - log_standard_normal(t[:, None]).exp()
        distances.append(apart.abs().amax(dim=1))
    for wider, narrower in itertools.pairwise(distances):
        torch.testing.assert_close(wider / narrower, f64(2, 2, 2), rtol=0, atol=0.05)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_truncated_series_misses_the_decoder_by_the_next_power(order):
    """A derivative or a factorial that is wrong leaves an error of a lower power."""
    z0, slope, _, _ = TWO_HUMPS.local(X)
    derivatives = TWO_HUMPS.derivatives(X, order)

    def error(sigma_x):
        step = 2 * slope * sigma_x  # at t = 2
        terms = [d * step ** (n + 1) / math.factorial(n + 1) for n, d in enumerate(derivatives)]
        return (TWO_HUMPS.decode(z0 + step) - X - sum(terms)).abs()

    power = (error(0.02) / error(0.01)).log2()
    torch.testing.assert_close(power, torch.full_like(power, order + 1), rtol=0, atol=0.15)


def test_the_rate_is_the_sources_formula_in_derivatives_of_the_inverse():
    """1/2 (15/4 (g''/g')^2 - 3 g g'' + (g g')^2) with g = f^-1, by differences."""
    h = 1e-4
    low, g, high = (TWO_HUMPS.code(X + step) for step in (-h, 0, h))
    first, second = (high - low) / (2 * h), (high - 2 * g + low) / h**2
    want = 0.5 * (15 / 4 * (second / first) ** 2 - 3 * g * second + (g * first) ** 2)
    torch.testing.assert_close(TWO_HUMPS.rate(X).value, want, rtol=0, atol=1e-5)
    assert want.tolist() == pytest.approx([0.36480, 0.49529, 0.52931], abs=1e-5)


def test_the_gap_falls_like_the_square_of_the_noise(truth):
    """A rate with another power or another coefficient; x = 0 has coefficient 0 in two of three."""
    x = f64(-1.5, 0.7, 1.7)
    small, smaller = truth.gap(x, 0.01), truth.gap(x, 0.005)
    torch.testing.assert_close((small / smaller).log2(), f64(2, 2, 2), rtol=0, atol=0.01)
    torch.testing.assert_close(smaller / 0.005**2, truth.rate(x).value, rtol=1e-3, atol=0)


def test_the_rate_is_half_a_variance():
    """Parts that do not add up to Var(tilt t + bend t^3 / 2) / 2, t ~ N(0, 1)."""
    _, _, tilt, bend = (part[:, None] for part in TWO_HUMPS.local(X))
    t = torch.linspace(-12, 12, 4001, dtype=F64)
    weight = log_standard_normal(t[:, None]).exp()
    square = torch.trapezoid(weight * (tilt * t + bend * t**3 / 2) ** 2, t, dim=1)
    torch.testing.assert_close(TWO_HUMPS.rate(X).value, square / 2, rtol=1e-9, atol=0)


def test_on_average_over_the_data_the_encoder_errs_more_than_the_decoder():
    """The mean gap falls like sigma_x^2, the divergence of the model from the data like its 4th."""
    z = torch.linspace(-6, 6, 121, dtype=F64)
    weight, x = 0.1 * log_standard_normal(z[:, None]).exp(), TWO_HUMPS.decode(z)
    rate = (weight * TWO_HUMPS.rate(x).value).sum()
    gaps, divergences = [], []
    for sigma_x in (0.1, 0.05):
        gaps.append((weight * TWO_HUMPS.gap(x, sigma_x)).sum() / sigma_x**2)
        apart = TWO_HUMPS.log_prob(x) - TWO_HUMPS.posterior(x, sigma_x).log_evidence
        divergences.append((weight * apart).sum() / sigma_x**4)
    torch.testing.assert_close(torch.stack(gaps), rate.expand(2), rtol=1e-3, atol=0)
    assert [d.item() for d in divergences] == pytest.approx([0.714, 0.732], abs=1e-3)


def test_the_counterexample_has_bounded_derivatives():
    """The first four of sinh(Cauchy)'s density, at 4,001 points from -1,000 to 1,000."""
    x = torch.sinh(torch.linspace(-7.6, 7.6, 4001, dtype=F64)).requires_grad_()
    values = sinh_cauchy().log_prob(x).exp()
    for _ in range(4):
        (values,) = torch.autograd.grad(values.sum(), x, create_graph=True)
        assert values.abs().max() < 20
        assert values[[0, -1]].abs().max() < 1e-4


def test_no_gaussian_has_a_finite_gap_to_the_counterexample():
    """log of N(t | 0, 1) f(z0 + slope sigma_x t)^2 rises for ever, and the finite sum hides it."""
    truth = sinh_cauchy()
    x = f64(0.5)
    z0, slope, _, _ = truth.local(x)
    for sigma_x in (0.5, 0.1, 0.02):
        t = (f64(3.0, 4.0, 5.0, 6.0) - z0) / (slope * sigma_x)
        y = 1 / torch.tan(math.pi * torch.special.ndtr(-(z0 + slope * sigma_x * t)))
        log_integrand = 2 * (y - math.log(2)) - t.square() / 2  # sinh(y) is exp(y) / 2 here
        assert (log_integrand.diff() > 0)[1:].all() and log_integrand[-1] > 1e6
    assert truth.gap(x, 0.5) == math.inf
    assert truth.gap(x, 0.01) / 0.01**2 == pytest.approx(truth.rate(x).value.item(), rel=1e-3)


def test_a_batch_of_mixtures_and_a_noise_of_zero_are_refused():
    with pytest.raises(ValueError, match=r"mixture has weights of shape \(2, 2\)"):
        Transport.of_mixture(Mixture(*(part.expand(2, 2) for part in MIXTURE.__dict__.values())))
    with pytest.raises(ValueError, match="sigma_x must be positive"):
        TWO_HUMPS.gap(X, 0.0)


def test_a_code_that_is_no_inverse_is_refused():
    """A student's Phi in place of Phi^-1, which the grid alone would call too wide."""
    wrong = Transport(NORMAL.log_prob, NORMAL.decode, torch.special.ndtr)
    with pytest.raises(ValueError, match=r"code\(1.7\) is 0.955435, and decode makes 0.955435"):
        wrong.gap(X[2:], 0.1)
