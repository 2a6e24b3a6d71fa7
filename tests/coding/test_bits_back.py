"""Pictures through a chain: nothing lost, and the length of the negative bound."""

import math
import random

import pytest
import torch

from vae_teach import VAE, Autoencoder, data, evaluate, fit
from vae_teach.coding import BitsBack
from vae_teach.models.posterior import PosteriorVAE
from vae_teach.systems import flows  # noqa: F401  # makes the flow known

START = random.Random(0).getrandbits(400)


def drawn(n, seed):
    return data.draw(n, generator=torch.Generator().manual_seed(seed)).images


@pytest.fixture(scope="module")
def model():
    """A small VAE that has seen strokes."""
    tossed = data.treat(drawn(1_500, 0), "fixed")
    vae = VAE(784, (48,), 6, (48,), seed=0)
    fit(vae, tossed, epochs=12, lr=4e-3, progress=False)
    return vae


@pytest.fixture(scope="module")
def pictures():
    return data.treat(drawn(150, 1), "fixed")


@pytest.fixture(scope="module")
def coded(model, pictures):
    return BitsBack(model).encode_all(START, pictures)


def test_every_pixel_and_the_message_come_back(model, pictures, coded):
    """A stack unloaded in the wrong order, or a q that the receiver computes otherwise."""
    found, number = BitsBack(model).decode_all(coded[0], len(pictures))
    assert torch.equal(found, pictures)
    assert number == START


def test_the_net_length_is_the_negative_bound(model, pictures, coded):
    """Without bits back it is a quarter longer, with a q that is not the encoder's a little."""
    net = coded[0].bit_length() - START.bit_length()
    bound = evaluate.elbo(
        model, pictures, n_samples=200, generator=torch.Generator().manual_seed(0)
    )
    assert net == pytest.approx(-bound.mean * len(pictures) / math.log(2), rel=0.01)


def test_the_bills_add_up_to_the_length(coded):
    """Costs that are counted by another formula than the number grows by."""
    number, bills = coded
    net = number.bit_length() - START.bit_length()
    assert sum(bill.net for bill in bills) == pytest.approx(net, abs=2)
    assert all(bill.latents == 60 and bill.back > 0 for bill in bills)


def test_one_picture_from_an_empty_message_is_lossless_too(model, pictures):
    """A number that runs out of bits to draw from: the code is then no draw, but still exact."""
    number, _ = BitsBack(model).encode(0, pictures[0])
    found, rest = BitsBack(model).decode(number)
    assert torch.equal(found, pictures[0]) and rest == 0


def test_few_bins_cost_bits(model, pictures):
    """Bins that are wider than q lose what q knows: 8 of them are too few, 256 are enough."""
    length = {
        bins: BitsBack(model, bins=bins).encode_all(START, pictures[:60])[0].bit_length()
        for bins in (4, 256, 1024)
    }
    assert length[4] > 1.02 * length[256]
    assert length[1024] == pytest.approx(length[256], rel=0.02)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c, x: c.encode(-1, x[0]), "number must be at least 0"),
        (lambda c, x: c.encode(1.5, x[0]), "number must be a whole number"),
        (lambda c, x: c.decode(-3), "number must be at least 0"),
        (lambda c, x: c.decode_all(5, 0), "n must be at least 1"),
        (lambda c, x: c.encode(0, 0.5 * x[0]), "0 and 1"),
        (lambda c, x: c.encode_all(0, [0, 1]), "0 and 1"),
        (lambda c, x: c.encode(0, x[0, :700]), "700 pixels"),
        (lambda c, x: c.encode(0, x[:2]), "one picture"),
        (lambda c, x: c.encode_all(0, x[0]), "pictures"),
    ],
)
def test_bad_input_is_refused(model, pictures, call, said):
    with pytest.raises(ValueError, match=said):
        call(BitsBack(model), pictures)


def test_a_model_that_cannot_code_is_refused():
    with pytest.raises(ValueError, match="Bernoulli likelihood, but its likelihood is a Gaussian"):
        BitsBack(VAE(784, (4,), 2, (4,), likelihood="gaussian", seed=0))
    with pytest.raises(ValueError, match="likelihood is None"):
        BitsBack(Autoencoder(784, (4,), 2, (4,), seed=0))
    with pytest.raises(ValueError, match="bins must be from 2"):
        BitsBack(VAE(784, (4,), 2, (4,), seed=0), bins=1)
    flow = PosteriorVAE(784, (4,), 2, (4,), posterior="flow", seed=0)
    with pytest.raises(ValueError, match="the Gaussian q"):
        BitsBack(flow)
