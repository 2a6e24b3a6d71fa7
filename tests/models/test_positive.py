"""Ways to keep sigma positive: what each guarantees, and the slopes that the chapter tabulates."""

import math

import pytest
import torch
from sigma_race import Race, race

from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models import VAE, PosteriorVAE
from vae_teach.models.likelihoods import Bernoulli
from vae_teach.models.positive import FLOOR, PARAMETERISATIONS, get_parameterisation

F64 = torch.float64
SAFE = [name for name in PARAMETERISATIONS if name != "raw"]


def outputs(*values):
    return torch.tensor(values, dtype=F64)


@pytest.mark.parametrize("name", SAFE)
def test_sigma_is_positive_for_every_output_a_network_gives(name):
    """In float32 and over all outputs from -80 to 80."""
    a = torch.linspace(-80, 80, 100_001)
    assert (PARAMETERISATIONS[name].sigma(a) > 0).all()


def test_the_raw_output_is_negative_as_often_as_its_bias_makes_it():
    """mathybit takes the output itself for sigma: nothing keeps it above 0."""
    a = torch.linspace(-1, 1, 100)
    assert ((PARAMETERISATIONS["raw"].sigma(a) < 0).float().mean()).item() == 0.5


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_sigma_and_logvar_mean_the_same_spread(name):
    """Catches log sigma returned where log sigma^2 is meant."""
    a = torch.linspace(-3, 3, 61, dtype=F64)
    p = PARAMETERISATIONS[name]
    # the raw form adds 1e-10 inside its logarithm, which moves sigma = 0.1 by 5e-9
    spread = torch.exp(0.5 * p.logvar(a))
    torch.testing.assert_close(spread, p.sigma(a).abs(), rtol=1e-8, atol=2e-5)


@pytest.mark.parametrize("name", PARAMETERISATIONS)
@pytest.mark.parametrize("sigma", [0.05, 0.7, 1.0, 4.0])
def test_inverse_gives_the_output_that_makes_this_sigma(name, sigma):
    p = PARAMETERISATIONS[name]
    assert p.sigma(outputs(p.inverse(sigma))).item() == pytest.approx(sigma, rel=1e-12)


def test_half_logvar_and_exp_are_one_map_with_the_output_doubled():
    """exp(log_sigma) equals exp(gamma / 2) for gamma = 2 log_sigma."""
    log_sigma = torch.linspace(-3, 2, 11, dtype=F64)
    exp, half = PARAMETERISATIONS["exp"], PARAMETERISATIONS["half-logvar"]
    torch.testing.assert_close(exp.sigma(log_sigma), half.sigma(2 * log_sigma), rtol=1e-15, atol=0)


# --- slopes of the KL near sigma = 0 ------------------------------------------------------------


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 1.0, 3.0])
def test_kl_slopes_agree_with_their_closed_forms(sigma):
    """raw s - 1/s, exp s^2 - 1, half-logvar half of it, softplus (s - 1/s)(1 - e^-s)."""
    want = {
        "raw": sigma - sigma / (1e-10 + sigma**2),
        "exp": sigma**2 - 1,
        "half-logvar": 0.5 * (sigma**2 - 1),
        "softplus": (sigma - 1 / sigma) * -math.expm1(-sigma),
        "softplus + floor": (sigma - 1 / sigma) * -math.expm1(-(sigma - FLOOR)),
    }
    for name, p in PARAMETERISATIONS.items():
        got = p.kl_slope(outputs(p.inverse(sigma)))
        torch.testing.assert_close(got, outputs(want[name]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SAFE)
def test_a_bounded_slope_pushes_sigma_up_from_nearly_zero(name):
    """Right sign and size at sigma = 1e-5: between 1/2 and 1 nat per unit, never a blow-up."""
    slope = PARAMETERISATIONS[name].kl_slope(outputs(PARAMETERISATIONS[name].inverse(1e-5)))
    assert -1.0001 < slope.item() < -0.49


def test_the_raw_form_blows_up_near_zero_and_loses_its_barrier_at_zero():
    """-5e4 at sigma = 1e-5, and exactly 0 at sigma = 0, where a push is needed most."""
    raw = PARAMETERISATIONS["raw"]
    slope_near, slope_at = raw.kl_slope(outputs(1e-5, 0.0)).tolist()
    assert slope_near == pytest.approx(-5e4, rel=1e-3)
    assert slope_at == 0


def test_eps_inside_the_logarithm_caps_the_kl_at_11_nats_and_vanishes_in_half_precision():
    """0.5 (-1 - log 1e-10) = 11.01 nats where the true KL is infinite."""
    zero = torch.zeros(1, dtype=F64)
    assert kl_to_standard_normal(zero, PARAMETERISATIONS["raw"].logvar(zero)).item() == (
        pytest.approx(11.0129, abs=1e-4)
    )
    half = torch.zeros(1, dtype=torch.float16)
    assert PARAMETERISATIONS["raw"].logvar(half).item() == -math.inf


def test_softplus_underflows_without_a_floor_and_not_with_one():
    """In float32 softplus(-104) is 0, whose logarithm is -inf, and the KL is infinite."""
    a = torch.tensor([-104.0])
    assert PARAMETERISATIONS["softplus"].logvar(a).item() == -math.inf
    assert PARAMETERISATIONS["softplus + floor"].logvar(a).isfinite()
    assert PARAMETERISATIONS["half-logvar"].logvar(a).item() == -104


@pytest.mark.parametrize("extreme", [-40.0, 40.0])
def test_the_log_variance_needs_no_eps(extreme):
    """Finite value and slope of the right sign at both extremes, in float32."""
    p = PARAMETERISATIONS["half-logvar"]
    slope = p.kl_slope(torch.tensor([extreme]))
    assert slope.isfinite() and slope.sign() == math.copysign(1, extreme)


# --- the model and the race ---------------------------------------------------------------------


def small(positive, initial_sigma=None):
    posterior = {"name": "gaussian", "positive": positive, "initial_sigma": initial_sigma}
    return PosteriorVAE(16, (12,), 3, (12,), posterior=posterior, seed=0)


def images(n, seed=0):
    return torch.rand(n, 16, generator=torch.Generator().manual_seed(seed))


def test_half_logvar_is_the_ordinary_vae():
    """Same weights, same noise, same bound: the subclass changes the reading of `a` only."""
    ours, plain = small("half-logvar"), VAE(16, (12,), 3, (12,), seed=0)
    x, eps = images(5), torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours.elbo(x, eps).value, plain.elbo(x, eps).value)


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_the_bound_of_every_parameterisation_is_that_of_its_own_sigma(name):
    """Catches a KL and a sample that use different sigmas."""
    model, x = small(name, initial_sigma=0.6), images(5)
    eps = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    elbo = model.elbo(x, eps)
    mu, a = model.heads(x)
    sigma = get_parameterisation(model.posterior.positive).sigma(a)
    log_likelihood = Bernoulli().log_prob(x, model.decode(mu + sigma * eps))
    torch.testing.assert_close(elbo.log_likelihood, log_likelihood)
    torch.testing.assert_close(elbo.kl, kl_to_standard_normal(mu, 2 * sigma.abs().log()))


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_initial_sigma_is_where_training_starts(name):
    """The head's weights still move it by example, around the value asked for."""
    _, a = small(name, initial_sigma=1.0).heads(images(200))
    sigma = PARAMETERISATIONS[name].sigma(a)
    assert sigma.mean().item() == pytest.approx(1.0, abs=0.3)


def test_an_unknown_parameterisation_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"positive is 'square'.*half-logvar"):
        get_parameterisation("square")


def _alone(seed, steps, x, held_out):
    """One model trained by an ordinary loop: what each seed of the race must equal."""
    posterior = {"name": "gaussian", "positive": "softplus"}
    model = PosteriorVAE(16, (8,), 3, (8,), posterior=posterior, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    g = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        index = torch.randint(len(x), (20,), generator=g)
        eps = torch.randn(20, 3, generator=g)
        optimizer.zero_grad()
        (-model.elbo(x[index], eps).value.mean()).backward()
        optimizer.step()
    eps = torch.randn(len(held_out), 3, generator=torch.Generator().manual_seed(0))
    return model, -model.elbo(held_out, eps).value.mean()


def test_every_seed_of_the_race_trains_as_it_would_alone():
    """Catches seeds that share weights, batches or noise, and models that are not handed back."""
    x, held_out = images(100), images(30, seed=1)
    result = race(
        x, held_out, "softplus", seeds=[3, 4], steps=10, hidden=8, latent_dim=3,
        batch_size=20, lr=1e-2, look_every=5,
    )  # fmt: skip
    assert result.steps.tolist() == [0, 5, 10]
    for i, seed in enumerate((3, 4)):
        model, loss = _alone(seed, 10, x, held_out)
        torch.testing.assert_close(result.losses[i, -1], loss.detach(), rtol=1e-5, atol=1e-5)
        for got, want in zip(result.models[i].parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_steps_to_a_level_is_the_first_look_at_or_below_it():
    """Catches the last crossing, or 0 for a seed that never gets there."""
    losses = torch.tensor([[9.0, 5.0, 6.0, 4.0], [9.0, 8.0, 7.0, 7.0]])
    result = Race(torch.tensor([0, 5, 10, 15]), losses, models=[])
    assert result.steps_to(5.0) == [5.0, math.inf]
