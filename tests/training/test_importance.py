"""The importance-weighted bound as what `fit` minimises, and an encoder trained on alone."""

import pytest
import torch
from seeded import generator

from vae_teach import evaluate
from vae_teach.evaluate.weights import log_weights
from vae_teach.models import VAE, build_model
from vae_teach.training.encoder import settle_encoder
from vae_teach.training.importance import ImportanceWeighted
from vae_teach.training.loop import fit

pytestmark = pytest.mark.usefixtures("one_thread")
GRID = {"reach": 9, "n": 281}


def small(seed=0):
    return VAE(12, (16,), 2, (16,), activation="tanh", seed=seed)


def pictures(n=400, seed=0):
    """Binary rows of 12 pixels with a cause in two dimensions."""
    g = generator(seed)
    z, direction = torch.randn(n, 2, generator=g), torch.randn(2, 12, generator=generator(9))
    return (2 * z @ direction + torch.randn(n, 12, generator=g) > 0).float()


@pytest.mark.parametrize("k", [1, 7])
def test_the_loss_is_minus_the_log_of_the_mean_weight(k):
    """A sum in place of a mean, or a mean of logarithms, which is the ELBO for every K."""
    model, x = small(), pictures(5)
    found = ImportanceWeighted(model, k).loss_terms(x, generator=generator(1))
    eps = torch.randn(k, 5, 2, generator=generator(1))
    want = -log_weights(model, x, eps).exp().mean(dim=0).log()
    assert list(found) == ["minus_bound"] and found["minus_bound"].shape == (5,)
    torch.testing.assert_close(found["minus_bound"], want)


def test_one_draw_has_the_mean_of_the_elbo_and_more_draws_lie_above_it():
    """On average over the noise, against the grid."""
    model, x = small(), pictures(3)
    exact = evaluate.grid_log_likelihood(model, x, **GRID)
    many, g = x.repeat_interleave(4_000, dim=0), generator(1)
    with torch.no_grad():
        bounds = {
            k: -ImportanceWeighted(model, k)
            .loss_terms(many, generator=g)["minus_bound"]
            .view(3, -1)
            .mean(dim=1)
            .double()
            for k in (1, 5, 50)
        }
    torch.testing.assert_close(bounds[1], exact.elbo, rtol=0, atol=0.1)
    assert (bounds[1] < bounds[5]).all() and (bounds[5] < bounds[50]).all()
    assert (bounds[50] < exact.log_px + 0.02).all()


def test_fit_trains_the_model_inside_and_a_config_rebuilds_it():
    """Weights that are copied: the model would stay as it was."""
    model, x = small(), pictures()
    before = evaluate.grid_log_likelihood(model, x[:20], **GRID).log_px.mean()
    weighted = ImportanceWeighted(model, 5)
    history = fit(weighted, x, epochs=8, lr=1e-2, progress=False)
    after = evaluate.grid_log_likelihood(model, x[:20], **GRID).log_px.mean()
    assert after > before + 0.5
    assert history.column("train_minus_bound")[-1] < history.column("train_minus_bound")[0]
    again = build_model("ImportanceWeighted", weighted.config)
    assert again.k == 5 and again.config == weighted.config
    again.load_state_dict(weighted.state_dict())


def test_a_settled_encoder_is_better_and_its_decoder_the_same():
    """A decoder that moves makes another model, whose gap is no part of this one's."""
    model, x = small(), pictures()
    fit(model, x, epochs=4, lr=1e-2, progress=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settled = settle_encoder(model, x, epochs=20, lr=3e-3, progress=False)
    for name, value in settled.state_dict().items():
        moved = not torch.equal(value, before[name])
        assert moved != name.startswith("decoder"), name
    assert all(map(torch.equal, before.values(), model.state_dict().values()))
    assert all(weight.requires_grad for weight in settled.parameters())
    gaps = [evaluate.grid_log_likelihood(m, x, **GRID).kl_to_posterior for m in (model, settled)]
    assert gaps[1].mean() < gaps[0].mean()


def test_a_model_without_encoder_or_decoder_and_no_draws_are_refused():
    with pytest.raises(ValueError, match=r"k must be at least 1"):
        ImportanceWeighted(small(), 0)
    with pytest.raises(ValueError, match=r"model must have latent_dim"):
        ImportanceWeighted(torch.nn.Linear(2, 2), 3)
    with pytest.raises(ValueError, match=r"model must have a decoder, but Linear has none"):
        settle_encoder(torch.nn.Linear(2, 2), pictures(4), epochs=1)
