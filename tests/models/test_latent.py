"""Which models everything that judges one takes."""

import pytest
import torch
from torch import nn

from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models import VAE, Autoencoder, Encoder, GaussianCodes, LatentModel, PosteriorVAE
from vae_teach.systems.dense import SourceVAE

SIZES = (12, (5,), 2, (5,))
MODELS = {
    "VAE": lambda: VAE(*SIZES, seed=0),
    "PosteriorVAE": lambda: PosteriorVAE(*SIZES, seed=0),
    "full": lambda: PosteriorVAE(*SIZES, posterior="full", seed=0),
    "mixture": lambda: PosteriorVAE(*SIZES, posterior="mixture", seed=0),
    "flow": lambda: PosteriorVAE(*SIZES, posterior="flow", seed=0),
    "SourceVAE": lambda: SourceVAE(*SIZES, scale_head="before", seed=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_vae_of_the_kit_is_a_latent_model(name):
    """A method that is missing showed only where somebody asked for it, after the training."""
    assert isinstance(MODELS[name](), LatentModel)


def test_a_plain_autoencoder_is_none_and_a_network_of_ones_own_may_be_an_encoder():
    class Own(GaussianCodes, nn.Module):
        latent_dim = 2

        def encode(self, x):
            return x[:, :2], x[:, 2:4]

    assert not isinstance(Autoencoder(*SIZES), Encoder)
    assert isinstance(Own(), Encoder) and not isinstance(Own(), LatentModel)


@pytest.mark.parametrize("name", MODELS)
def test_a_draw_carries_the_density_that_is_found_there(name):
    """Catches a draw with one sigma and a density with another."""
    model, g = MODELS[name]().double(), torch.Generator().manual_seed(0)
    x = torch.rand(3, 12, generator=g, dtype=torch.float64)
    z, log_q = model.draw_posterior(x, torch.randn(7, 3, 2, generator=g, dtype=torch.float64))
    torch.testing.assert_close(model.log_posterior(x, z), log_q, rtol=1e-8, atol=1e-8)


def test_the_kl_of_a_gaussian_posterior_is_that_of_what_encode_returns():
    model = PosteriorVAE(*SIZES, posterior={"name": "gaussian", "positive": "softplus"}, seed=0)
    x = torch.rand(3, 12, generator=torch.Generator().manual_seed(0))
    formula = kl_to_standard_normal(*model.encode(x))
    torch.testing.assert_close(model.posterior.kl(model.heads(x)), formula)


@pytest.mark.parametrize("name", MODELS)
def test_no_picture_has_no_bound_and_is_no_error(name):
    """Catches a shape with a free size, which no picture leaves undecided: the mixture's heads."""
    model, x = MODELS[name](), torch.zeros(0, 12)
    for shape in ((0, 2), (5, 0, 2)):
        assert model.elbo(x, torch.zeros(shape)).value.shape == (0,)
    assert model.reconstruct(x).shape == (0, 12)
