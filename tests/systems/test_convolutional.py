"""mathybit's convolutional autoencoder: shapes, counts, padding."""

import pytest
import torch

from vae_teach.models import build_model, count_parameters
from vae_teach.models.layers import conv_block, same_padding
from vae_teach.systems.convolutional import ConvAutoencoder
from vae_teach.training.loop import fit


def pictures(n=3):
    return torch.rand(n, 784, generator=torch.Generator().manual_seed(0))


def test_parameter_counts_are_those_the_source_prints():
    """62 278 in the encoder, 296 985 in the decoder."""
    model = ConvAutoencoder(seed=0)
    assert count_parameters(model.encoder) == 62_278
    assert count_parameters(model.decoder) == 296_985


def test_convolutions_are_those_of_the_source():
    """The count alone would not tell a 6 x 6 window from a swapped pair of layers."""
    model = ConvAutoencoder()
    shapes = [tuple(m.weight.shape) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert shapes == [(4, 1, 5, 5), (8, 4, 5, 5), (8, 16, 5, 5), (4, 8, 6, 6), (1, 4, 7, 7)]


@pytest.mark.parametrize("kernel", [5, 6, 7])
def test_a_block_keeps_the_pictures_size(kernel):
    x = torch.zeros(2, 3, 14, 14)
    assert torch.nn.Sequential(*conv_block(3, 4, kernel))(x).shape == (2, 4, 14, 14)


def test_an_even_window_gets_its_extra_zeros_at_the_bottom_and_the_right():
    """Keras pads (2, 3) for a window of 6; the other way round shifts the picture by a pixel."""
    padded = same_padding(6)(torch.ones(1, 1, 2, 2))[0, 0]
    assert padded.shape == (7, 7)
    assert padded.nonzero().tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


def test_codes_lie_in_the_box_and_pictures_in_the_unit_interval():
    model = ConvAutoencoder(seed=0)
    z = model.encode(pictures())
    assert z.shape == (3, 16) and (z.abs() < 1).all()
    x = model.decode(z)
    assert x.shape == (3, 784) and ((x > 0) & (x < 1)).all()
    torch.testing.assert_close(model(pictures()), x)


def test_leading_axes_of_codes_are_kept():
    model = ConvAutoencoder(seed=0)
    z = torch.zeros(4, 2, 16)
    assert model.decode(z).shape == (4, 2, 784)
    torch.testing.assert_close(model.decode(z)[1, 1], model.decode(torch.zeros(16)))


def test_it_learns():
    model = ConvAutoencoder(seed=0)
    x = pictures(64) * (torch.arange(784) % 28 < 14)  # the right half is blank
    history = fit(model, x, epochs=4, batch_size=8, progress=False)
    errors = history.column("train_squared_error")
    assert errors[-1] < 0.6 * errors[0]


def test_config_and_seed_rebuild_the_model():
    model = ConvAutoencoder(seed=3)
    twin = build_model("ConvAutoencoder", model.config | {"seed": 3})
    assert torch.equal(twin(pictures()), model(pictures()))
    small = ConvAutoencoder(side=16, latent_dim=5)
    assert small(torch.zeros(2, 256)).shape == (2, 256)


def test_errors_name_both_sides():
    with pytest.raises(ValueError, match="x has 100 pixels but the model was built for 784"):
        ConvAutoencoder().encode(torch.zeros(1, 100))
    with pytest.raises(ValueError, match="side is 30"):
        ConvAutoencoder(side=30)
