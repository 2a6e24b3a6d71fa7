"""The mixture density network: its density, its cases of one component, its draws."""

import pytest
import torch
from seeded import generator
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
)

from vae_teach.models import MixtureDensity, Regressor, build_model
from vae_teach.models.conditional import one_hot
from vae_teach.training.checkpoint import load_model
from vae_teach.training.loop import fit

D, C, M = 6, 4, 3


def mixture(**keywords):
    return MixtureDensity(D, C, (12,), **({"n_components": M, "seed": 0} | keywords))


@pytest.fixture
def c():
    return one_hot(torch.arange(5) % C, C)


@pytest.mark.parametrize("pixels", ["bernoulli", "gaussian"])
def test_the_density_is_that_of_torch_distributions(c, pixels):
    """A logsumexp over the wrong axis, a weight that is not normalised, a sigma for a variance."""
    model = mixture(pixels=pixels)
    x = torch.rand(5, D, generator=generator()).round()
    weights, params, logvar = model.components(c)
    each = Bernoulli(logits=params) if logvar is None else Normal(params, torch.exp(0.5 * logvar))
    theirs = MixtureSameFamily(Categorical(logits=weights), Independent(each, 1))
    torch.testing.assert_close(model.log_likelihood(x, c), theirs.log_prob(x))
    torch.testing.assert_close(model.mean_image(c), theirs.mean)
    torch.testing.assert_close(model.loss_terms(x, c)["reconstruction"], -theirs.log_prob(x))


def test_the_probabilities_of_all_pictures_add_up_to_one(c):
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * D)  # (2^D, D)
    total = mixture().log_likelihood(every, c[:1].expand(len(every), -1)).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-5)


def test_one_component_of_coins_is_the_regressor(c):
    model, regressor = mixture(n_components=1), Regressor(D, C, (12,))
    ours = dict(zip(regressor.state_dict(), [*model.trunk.state_dict().values(),
                *model.to_params.state_dict().values()], strict=True))  # fmt: skip
    regressor.load_state_dict(ours)
    x = torch.rand(5, D, generator=generator()).round()
    torch.testing.assert_close(model.log_likelihood(x, c), regressor.log_likelihood(x, c))


def test_one_gaussian_component_learns_the_spread_of_each_condition():
    """With one answer and noise whose size depends on c: a shared sigma would give one number."""
    torch.set_num_threads(1)
    labels = torch.arange(4_000) % 2
    sd = torch.tensor([0.1, 1.0])[labels]
    x = sd[:, None] * torch.randn(4_000, 1, generator=generator())
    model = MixtureDensity(1, 2, (8,), 1, pixels="gaussian", seed=0)
    fit(model, (x, one_hot(labels, 2)), epochs=30, lr=1e-2, device="cpu", progress=False)
    logvar = model.components(torch.eye(2)).logvar
    assert logvar is not None
    torch.testing.assert_close(
        torch.exp(0.5 * logvar).flatten(), torch.tensor([0.1, 1.0]), rtol=0.1, atol=0
    )


def test_draws_are_components_in_the_shares_of_their_weights(c):
    """Each draw is one component's mean, never their average; the shares are the weights."""
    model = mixture()
    weights, params, _ = model.components(c)
    draws = model.sample(c, 20_000, generator=generator())  # (n, B, D)
    distance = (draws[:, :, None] - params.sigmoid()).abs().amax(-1)  # (n, B, M)
    assert distance.amin(-1).max() < 1e-6
    shares = (distance < 1e-6).double().mean(0)
    expected = weights.exp().double()
    assert ((shares - expected).abs() < 5 * (expected / 20_000).sqrt()).all()


@pytest.mark.parametrize("pixels", ["bernoulli", "gaussian"])
def test_drawn_pixels_have_the_moments_of_the_density(c, pixels):
    """Fails for means in place of draws, and for a component's mean with another one's variance."""
    model = mixture(pixels=pixels)
    draws = model.sample_pixels(c, 40_000, generator=generator()).double()
    weights, params, logvar = model.components(c)
    means = params.sigmoid() if logvar is None else params
    variances = means * (1 - means) if logvar is None else logvar.exp()
    second = (weights.exp()[..., None] * (variances + means.square())).sum(-2)
    torch.testing.assert_close(draws.mean(0).float(), model.mean_image(c), atol=0.03, rtol=0)
    torch.testing.assert_close(draws.square().mean(0).float(), second, atol=0.1, rtol=0)


def test_each_draw_has_the_mean_and_the_variance_of_one_component(c):
    """Components of other means and other variances: fails if the one is taken of one component
    and the other of another, which leaves mean and variance of all draws nearly as they are."""
    model = mixture(pixels="gaussian")
    far, sd = torch.tensor([-100.0, 0.0, 100.0]), torch.tensor([0.1, 1.0, 3.0])
    with torch.no_grad():
        for layer, values in ((model.to_params, far), (model.to_logvar, 2 * sd.log())):
            layer.weight.zero_()
            layer.bias.copy_(values.repeat_interleave(D))
    draws = model.sample_pixels(c[0], 5_000, generator=generator())  # (n, D)
    chosen = (draws[:, :1] - far).abs().argmin(dim=1)
    for m in range(M):
        of_one = draws[chosen == m]
        assert len(of_one) > 500
        torch.testing.assert_close(of_one.std(0), sd[m].expand(D), rtol=0.1, atol=0)


def test_one_condition_without_a_batch_axis_gives_its_draws(c):
    assert mixture().sample(c[0], 7, generator=generator()).shape == (7, D)
    assert mixture().sample_pixels(c, 0, generator=generator()).shape == (0, 5, D)
    assert mixture().mean_image(c[0]).shape == (D,)


@pytest.mark.parametrize("pixels", ["bernoulli", "gaussian"])
def test_a_checkpoint_rebuilds_the_mixture(c, pixels, tmp_path):
    model, path = mixture(pixels=pixels), tmp_path / "model.safetensors"
    x = torch.rand(5, D, generator=generator())
    fit(model, (x, c), epochs=1, batch_size=3, progress=False, checkpoint=path)
    assert torch.equal(load_model(path).log_likelihood(x, c), model.log_likelihood(x, c))
    assert str(build_model("MixtureDensity", model.config)) == str(model)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mixture(pixels="grey"), r"pixels is 'grey'.*'bernoulli', 'gaussian'"),
        (lambda: MixtureDensity(D, C, ()), "hidden is empty"),
        (lambda: mixture(n_components=0), "n_components"),
        (lambda: mixture().components(torch.zeros(2, C + 1)), "c has 5 values"),
        (
            lambda: mixture().log_likelihood(torch.zeros(2, D - 1), torch.zeros(2, C)),
            "x has 5 pixels but the model was built for 6",
        ),
        (lambda: mixture().require_data(torch.full((1, D), 2.0)), "as the Bernoulli"),
        (lambda: mixture(pixels="gaussian").require_data(torch.full((1, D), torch.nan)), "x "),
    ],
)
def test_errors_name_both_sides(call, message):
    with pytest.raises(ValueError, match=message):
        call()
