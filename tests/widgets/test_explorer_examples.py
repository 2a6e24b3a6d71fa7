"""The explorer's test pictures and its comparison of models, the Python half."""

import numpy as np
import pytest
import torch
import traitlets

from vae_teach.models import VAE, Autoencoder
from vae_teach.widgets import LatentExplorer
from vae_teach.widgets.parts.decoder import join_halves, pack_half


@pytest.fixture
def model():
    return VAE(36, (8,), 3, (8,), seed=0)


@pytest.fixture
def images():
    return torch.rand(4, 36, generator=torch.Generator().manual_seed(1))


def explorer(model, images, **options):
    return LatentExplorer.from_model(model, image_shape=(6, 6), examples=images, **options)


def halves(packed):
    """The numbers in what `pack_half` made."""
    low, high = np.frombuffer(packed, np.uint8).reshape(2, -1)
    return torch.from_numpy(np.stack([low, high], -1).reshape(-1).view("<f2").astype(np.float32))


def test_a_picture_lies_where_the_encoder_puts_it(model, images):
    """The log-variance taken for the standard deviation, or means and deviations mixed up."""
    widget = explorer(model, images)
    mean, sd = halves(widget.posteriors).view(4, 2, 3).unbind(1)
    with torch.no_grad():
        mu, logvar = model.encode(images)
    torch.testing.assert_close(mean, mu, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(sd, torch.exp(logvar / 2), rtol=1e-3, atol=1e-4)
    pixels = torch.frombuffer(bytearray(widget.examples), dtype=torch.uint8).view(4, 36)
    torch.testing.assert_close(pixels / 255, images, rtol=0, atol=0.5 / 255 + 1e-6)


def test_an_autoencoders_code_has_no_spread(images):
    widget = explorer(Autoencoder(36, (8,), 3, (8,), seed=0), images, prior=False)
    assert not halves(widget.posteriors).view(4, 2, 3)[:, 1].any()


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"examples": torch.rand(4, 35)}, r"shape \(4, 35\), but 1 to 24 pictures of 36"),
        ({"examples": torch.rand(25, 36)}, r"shape \(25, 36\), but 1 to 24"),
        (
            {"examples": torch.rand(4, 36), "example_labels": torch.zeros(3).long()},
            r"example_labels have shape \(3,\) but there are 4",
        ),
        ({"examples": 255 * torch.ones(4, 36)}, "finite floats from 0 to 1, but its values go"),
        (
            {"examples": torch.rand(4, 36), "example_labels": torch.full((4,), 1.9)},
            "example_labels must be a tensor of whole numbers",
        ),
    ],
    ids=["pixels", "too many", "labels", "brightness", "fractions"],
)
def test_examples_that_do_not_fit_are_named(model, wrong, message):
    with pytest.raises(ValueError, match=message):
        LatentExplorer.from_model(model, image_shape=(6, 6), **wrong)


def test_one_example_is_enough(model, images):
    assert len(explorer(model, images[:1]).examples) == 36


def test_an_example_that_is_not_there_is_refused(model, images):
    widget = explorer(model, images)
    widget.example = 3
    with pytest.raises(traitlets.TraitError, match="example must be from -1 to 3, but it is 4"):
        widget.example = 4


def test_halves_of_several_parts_join_to_those_of_the_whole():
    """Low and high bytes lie apart, so appending the parts would scramble them."""
    a, b = torch.randn(2, 5, generator=torch.Generator().manual_seed(2))
    assert join_halves([pack_half(a, "a"), pack_half(b, "b")]) == pack_half(torch.cat([a, b]), "ab")


def models_and_codes(**changes):
    models = {"AE": Autoencoder(36, (8,), 2, (9,), seed=0), "VAE": VAE(36, (8,), 2, (7,), seed=0)}
    codes = {"AE": 3 * torch.randn(6, 2), "VAE": torch.randn(6, 2)}
    return models | changes.get("models", {}), codes | changes.get("codes", {})


def test_compared_models_lie_one_after_another():
    models, codes = models_and_codes()
    widget = LatentExplorer.compare(models, codes, image_shape=(6, 6), prior=False)
    (other,) = widget.more
    assert widget.captions == ["AE", "VAE"]
    assert other["numbers"] == 2 * 7 + 7 + 7 * 36 + 36 == len(halves(widget.more_weights))
    torch.testing.assert_close(
        halves(widget.more_codes).view(6, 2), codes["VAE"], rtol=1e-3, atol=1e-3
    )
    assert widget.low[0] <= min(c[:, 0].min() for c in codes.values())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"models": {"VAE": VAE(36, (8,), 3, (7,))}, "codes": {"VAE": torch.randn(6, 3)}},
         "'AE' has latent_dim 2, but 'VAE' has 3"),
        ({"codes": {"VAE": torch.randn(5, 2)}}, "'AE' has 6 codes, but 'VAE' has 5"),
        ({"codes": {"other": torch.randn(6, 2)}}, "codes are of"),
    ],
    ids=["latents", "codes", "captions"],
)  # fmt: skip
def test_models_that_cannot_be_compared_are_named(changes, message):
    models, codes = models_and_codes(**changes)
    with pytest.raises(ValueError, match=message):
        LatentExplorer.compare(models, codes, image_shape=(6, 6))


@pytest.mark.parametrize("latent_dim", [1, 50])
def test_any_number_of_latent_dimensions(latent_dim):
    widget = LatentExplorer.from_model(VAE(latent_dim=latent_dim, seed=0))
    assert len(widget.z) == widget.latent_dim == latent_dim
