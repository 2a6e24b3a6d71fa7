"""Shapes, determinism, parameter counts and the roles of the two networks."""

import pytest
import torch
from seeded import generator
from torch import nn

from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models import VAE, Autoencoder, build_model, count_parameters, dense_chain


@pytest.fixture
def x():
    return torch.rand(6, 30, generator=generator())


@pytest.fixture
def vae():
    return VAE(30, (12,), 3, (12,), seed=0)


def test_the_sources_autoencoder_has_their_parameter_count():
    """mathybit's k_auto0: 784-250-16 and 16-320-784 print 200 266 + 257 104 parameters."""
    model = Autoencoder()
    assert count_parameters(model.encoder) == 200_266
    assert count_parameters(model.decoder) == 257_104


def test_autoencoder_is_deterministic_and_keeps_the_shape(x):
    model = Autoencoder(30, (12,), 3, (12,), seed=0)
    assert model(x).shape == x.shape
    assert torch.equal(model(x), model(x))
    assert model.loss_terms(x)["squared_error"].shape == (6,)


def test_vae_in_sampling_mode_is_not_deterministic(x, vae):
    first, second = (vae.reconstruct(x, generator=generator(s)) for s in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(vae.reconstruct(x), vae.reconstruct(x))


def test_squared_error_is_summed_over_pixels(x):
    """A mean over pixels would be 30 times smaller."""
    model = Autoencoder(30, (12,), 3, (12,), seed=0)
    by_hand = torch.stack([((model(row) - row) ** 2).sum() for row in x])
    torch.testing.assert_close(model.loss_terms(x)["squared_error"], by_hand)


def test_starting_from_the_average_frees_training_from_learning_it():
    """The biases alone must reproduce the average picture; catches logits set to probabilities."""
    model = Autoencoder(30, (12,), 3, (12,), seed=0)
    images = torch.rand(500, 30, generator=generator()) * torch.linspace(0.1, 0.9, 30)
    model.start_from_average(images)
    for layer in model.decoder[:-2]:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
    torch.testing.assert_close(model.decode(torch.zeros(1, 3))[0], images.mean(dim=0))


def test_encoder_returns_mean_and_log_variance_of_each_example(x, vae):
    mu, logvar = vae.encode(x)
    assert mu.shape == logvar.shape == (6, 3)


def test_both_heads_read_the_same_features(x, vae):
    """Catches a head wired to another layer: at equal weights the heads must agree."""
    vae.to_logvar.load_state_dict(vae.to_mu.state_dict())
    mu, logvar = vae.encode(x)
    assert torch.equal(mu, logvar)


def test_generation_never_calls_the_encoder(vae, monkeypatch):
    def refuse(*_):
        raise AssertionError("the encoder was called")

    monkeypatch.setattr(vae.trunk, "forward", refuse)
    pixels = vae.sample(5, generator=generator())
    assert pixels.shape == (5, 30)
    assert ((pixels > 0) & (pixels < 1)).all()


def test_one_loss_reaches_every_parameter_of_both_networks(x, vae):
    """A detached sample would leave the encoder without the reconstruction's gradient."""
    terms = vae.loss_terms(x, generator=generator())
    terms["reconstruction"].mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in vae.parameters())


def test_the_balance_of_the_terms_does_not_depend_on_the_batch_size(x, vae):
    """One term summed over the batch, the other averaged, as Doersch's Caffe weights must undo."""
    eps = torch.randn(6, 3, generator=generator())

    def gradients(repeats):
        loss = -vae.elbo(x.repeat(repeats, 1), eps.repeat(repeats, 1)).value.mean()
        return torch.autograd.grad(loss, list(vae.parameters()))

    for once, twice in zip(gradients(1), gradients(2), strict=True):
        torch.testing.assert_close(once, twice)


def test_loss_terms_are_the_negative_elbo_of_the_same_noise(x, vae):
    terms = vae.loss_terms(x, generator=generator())
    eps = torch.randn(6, 3, generator=generator())
    torch.testing.assert_close(terms["reconstruction"] + terms["kl"], -vae.elbo(x, eps).value)
    torch.testing.assert_close(terms["kl"], kl_to_standard_normal(*vae.encode(x)))


def test_noise_differs_between_the_examples_of_a_batch(vae):
    """Noise shared across the batch would give equal inputs equal reconstructions."""
    same = torch.full((8, 30), 0.3)
    rows = vae.loss_terms(same, generator=generator())["reconstruction"]
    assert len(rows.unique()) == 8


def test_many_draws_are_averaged_per_example(x, vae):
    eps = torch.randn(5, 6, 3, generator=generator())
    together = vae.elbo(x, eps).value
    one_by_one = torch.stack([vae.elbo(x, e).value for e in eps]).mean(0)
    torch.testing.assert_close(together, one_by_one)


def test_a_seed_fixes_the_weights_and_leaves_the_global_stream_alone():
    state = torch.get_rng_state()
    a, b, c = VAE(30, (12,), 3, seed=0), VAE(30, (12,), 3, seed=0), VAE(30, (12,), 3, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(a.to_mu.weight, b.to_mu.weight)
    assert not torch.equal(a.to_mu.weight, c.to_mu.weight)


@pytest.mark.parametrize(
    "model", [VAE(30, (12, 8), 3, (9,), seed=0), Autoencoder(30, latent_dim=2)]
)
def test_config_rebuilds_the_architecture(model):
    twin = build_model(type(model).__name__, model.config)
    twin.load_state_dict(model.state_dict())
    assert str(twin) == str(model)


def test_dense_chain_has_no_activation_after_the_last_layer():
    chain = dense_chain((4, 3, 2), "relu")
    assert [type(layer).__name__ for layer in chain] == ["Linear", "ReLU", "Linear"]


def test_errors_name_both_sides(vae):
    with pytest.raises(ValueError, match="x has 31 pixels but the model was built for 30"):
        vae.encode(torch.zeros(2, 31))
    with pytest.raises(ValueError, match=r"'swish'.*relu"):
        Autoencoder(activation="swish")
    with pytest.raises(ValueError, match=r"'GAN'.*VAE"):
        build_model("GAN", {})
    with pytest.raises(ValueError, match="encoder_hidden is empty"):
        VAE(encoder_hidden=())
    with pytest.raises(ValueError, match="two positive numbers"):
        dense_chain((784,), "relu")
