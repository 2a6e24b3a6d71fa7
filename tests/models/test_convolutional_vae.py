"""The VAE with convolutions: its sizes, its sharing, and that it stands where a VAE stands."""

import pytest
import torch

from vae_teach.models import VAE, ConvVAE, LatentModel, count_parameters
from vae_teach.training.loop import fit


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(8, 12), (1, 8, 12), (3, 8, 4)], ids=str)
def test_pictures_of_any_proportions_go_in_and_out_as_rows(shape):
    """Catches height and width changed over, and a grey picture without its channel."""
    model = ConvVAE(shape, (2, 3), (5,), 2, seed=0)
    n_pixels = torch.Size(shape).numel()
    assert isinstance(model, LatentModel) and model.n_pixels == n_pixels
    mu, logvar = model.encode(pictures(4, n_pixels))
    assert mu.shape == logvar.shape == (4, 2)
    assert model.decode(torch.zeros(3, 4, 2)).shape == (3, 4, n_pixels)
    assert model.decode(torch.zeros(2)).shape == (n_pixels,)


def test_parameters_are_counted_by_hand():
    """Catches a layer that is made twice, once dense and once with convolutions."""
    model = ConvVAE((3, 8, 8), (4, 6), (10,), 2, seed=0)
    down = (3 * 9 * 4 + 4) + (4 * 9 * 6 + 6)
    heads = (6 * 2 * 2 * 10 + 10) + 2 * (10 * 2 + 2)
    up = (2 * 10 + 10) + (10 * 24 + 24) + (6 * 9 * 4 + 4) + (4 * 9 * 3 + 3)
    assert count_parameters(model) == down + heads + up


def test_a_shifted_picture_has_shifted_features():
    """What the layers are for: catches rows that were cut into channels in another order."""
    model = ConvVAE((3, 8, 16), (4,), (5,), 2, seed=0)
    features = model.trunk[:4]  # to the first activation
    x = torch.zeros(1, 3, 8, 16)
    x[:, :, 2:4, 4:8] = pictures(3, 2, 4)
    moved = x.roll((2, 4), dims=(2, 3))
    one, other = features(x.flatten(1)), features(moved.flatten(1))
    torch.testing.assert_close(one.roll((1, 2), dims=(2, 3)), other)


def test_it_learns_and_its_seed_fixes_it():
    x = pictures(64, 64) * (torch.arange(64) % 8 < 4)  # the right half is blank
    model, twin = (ConvVAE((8, 8), (4,), (10,), 2, seed=3) for _ in range(2))
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True)
    )
    losses = fit(model, x, epochs=8, batch_size=8, lr=5e-3, progress=False).column("train_loss")
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image_shape": (10, 8)}, r"image_shape is \(10, 8\).*halved 2 times, so 4 must divide"),
        ({"image_shape": (8,)}, r"must be \(H, W\) or \(C, H, W\), but it is \(8,\)"),
        ({"channels": ()}, "channels is empty"),
        ({"channels": (4, 0)}, r"channels\[1\] must be at least 1"),
    ],
    ids=str,
)
def test_sizes_that_make_no_network_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        ConvVAE(**{"image_shape": (8, 8), "channels": (2, 3)} | options)


def test_the_dense_one_has_nothing_of_it():
    """Fails if the decoder of a VAE began to reshape its codes."""
    assert VAE(16, (5,), 2, (5,)).decode(torch.zeros(3, 4, 2)).shape == (3, 4, 16)
