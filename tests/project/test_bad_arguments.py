"""Arguments that make no sense: each was once taken in silence, or answered from torch's depths."""

import math

import pytest
import torch

from vae_teach import data
from vae_teach.data.dataset import Dataset, Split
from vae_teach.estimators import measure_median
from vae_teach.exact import DecoderModel, Grid, LinearGaussian, Mixture, PlanarMixture
from vae_teach.maths import walks
from vae_teach.maths.descent import descend
from vae_teach.models import VAE, Autoencoder
from vae_teach.models.completion import column_task
from vae_teach.models.conditional import CVAE, one_hot
from vae_teach.models.likelihoods import make_likelihood
from vae_teach.models.posterior import GaussianPosterior, PosteriorVAE
from vae_teach.systems.convolutional import ConvAutoencoder
from vae_teach.systems.optimizers import clip_by_value

X, MU = torch.full((2, 12), 0.5), torch.zeros(2, 3)
SIZES = 12, (4,), 3, (4,)


def split(**columns):
    return Split(torch.zeros(4, 12), **columns)


def dataset(image_shape=(3, 4)):
    return Dataset("own", split(), split(), image_shape, "own")


def mixture(*weights):
    n = len(weights)
    return Mixture(torch.tensor(weights), torch.zeros(n), torch.zeros(n))


CASES = {
    "uint8 pixels": (lambda: VAE(*SIZES).encode(X.byte()), "x must be a tensor of floats, .*uint8"),
    "float64 pixels": (lambda: Autoencoder(*SIZES)(X.double()), "x is .*float64.* torch.float32"),
    "a code of another length": (lambda: VAE(*SIZES).decode(X), "z has 12 values .* built for 3"),
    "a code as a list": (lambda: ConvAutoencoder(8).decode([0.0]), "z must be a tensor of floats"),
    "pixels of a flow": (
        lambda: PosteriorVAE(*SIZES, posterior="flow").heads(MU),
        "x has 3 pixels .* built for 12",
    ),
    "noise of another length": (lambda: PosteriorVAE(*SIZES).elbo(X, X), "latent dimensions"),
    "sigma 0 at the start": (lambda: GaussianPosterior(initial_sigma=0), "initial_sigma must be"),
    "no latents": (lambda: VAE(12, (4,), 0), "latent_dim must be at least 1, but it is 0"),
    "half a unit": (lambda: CVAE(12, encoder_hidden=(4.5,)), r"encoder_hidden\[0\] must be a"),
    "no likelihood": (lambda: VAE(*SIZES, likelihood=None), "likelihood must be a name or a dict"),
    "a nameless likelihood": (lambda: make_likelihood({}), "likelihood is None, but the known"),
    "labels of 1.9": (lambda: one_hot(torch.tensor([1.9])), "labels must be whole numbers"),
    "labels of a split": (lambda: split(labels=torch.ones(4)), "labels must be int64, not .*float"),
    "a negative shape": (lambda: column_task(image_shape=(-4, -4)), r"image_shape\[0\] must be at"),
    "a shape of others": (lambda: dataset((4, 4)), r"image_shape is \(4, 4\), but .* 12 values"),
    "one in True": (lambda: dataset().with_validation(True), "n is True but own has 4 training"),
    "drawn from nothing": (lambda: data.draw(3, generator=None), "generator must be a torch.Gen"),
    "weights of 1.1": (lambda: mixture(0.5, 0.6), "weights must be at least 0 and sum to 1"),
    "negative weights": (lambda: mixture(1.5, -0.5), "weights must be .*, but the least is -0.5"),
    "planar weights": (
        lambda: PlanarMixture(torch.ones(2), torch.zeros(2, 2), torch.eye(2).expand(2, 2, 2)),
        "weights must be at least 0 and sum to 1, .* sum 2",
    ),
    "no noise": (lambda: DecoderModel(torch.sin, 0), "sigma_x must be positive and finite"),
    "noise in words": (lambda: LinearGaussian(MU, MU[:, 0], "1"), "sigma_x must be .* a str, '1'"),
    "a grid of halves": (lambda: Grid(-1, 1, 5, 1.5), "dim must be a whole number, at least 1"),
    "an arc from 0": (lambda: walks.interpolate_sphere(MU, MU + 1, 3), "a holds the code 0"),
    "stops of one axis": (lambda: walks.morph(torch.ones(3)), r"stops must be codes \(S, ..., L\)"),
    "open or not": (lambda: walks.morph(MU, closed="no"), "closed must be True or False"),
    "twice certain": (lambda: measure_median([1.0, 2.0], coverage=2), "coverage must be strictly"),
    "a median of NaN": (lambda: measure_median([1.0, math.nan]), "samples must be a finite number"),
    "an endless rate": (
        lambda: descend(torch.sum, torch.ones(2), steps=1, rate=math.inf), "rate must be positive"
    ),
    "a limit below 0": (
        lambda: clip_by_value(torch.optim.SGD([torch.nn.Parameter(MU)], 1.0), -1), "limit must be"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), CASES.values(), ids=CASES)
def test_nonsense_is_refused_by_the_name_of_its_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
