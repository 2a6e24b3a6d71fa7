"""The networks, their likelihoods, and the bound that trains them.

**Here:** `autoencoder`, `vae`, `conditional` (CVAE and regressor), `mixture_density` and
`completion` of pictures, all made of `layers`; `likelihoods` say what a pixel's probability is,
`posterior` what an encoder's outputs mean, `elbo` adds the terms up; `latent` is what whoever
judges a model asks of it.
**In:** images (B, D) in [0, 1]. **Out:** codes (B, L), parameters of p(x|z), terms in nats (B,).
**Start with:** `vae.py`, then `elbo.py`.
"""

from vae_teach.models.autoencoder import Autoencoder
from vae_teach.models.completion import Completer
from vae_teach.models.conditional import CVAE, Regressor, one_hot
from vae_teach.models.convolutional import ConvVAE
from vae_teach.models.counts import CountVAE, NegativeBinomial, Poisson, RoundedLogGaussian
from vae_teach.models.elbo import Elbo, elbo_terms
from vae_teach.models.latent import Encoder, GaussianCodes, LatentModel
from vae_teach.models.layers import count_parameters, dense_chain, seeded_initialization
from vae_teach.models.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, make_likelihood
from vae_teach.models.mixture_density import MixtureDensity
from vae_teach.models.posterior import PosteriorVAE
from vae_teach.models.registry import MODELS, build_model
from vae_teach.models.vae import VAE

__all__ = [
    "CVAE",
    "MODELS",
    "VAE",
    "Autoencoder",
    "Bernoulli",
    "Completer",
    "ContinuousBernoulli",
    "ConvVAE",
    "CountVAE",
    "Elbo",
    "Encoder",
    "Gaussian",
    "GaussianCodes",
    "LatentModel",
    "MixtureDensity",
    "NegativeBinomial",
    "Poisson",
    "PosteriorVAE",
    "Regressor",
    "RoundedLogGaussian",
    "build_model",
    "count_parameters",
    "dense_chain",
    "elbo_terms",
    "make_likelihood",
    "one_hot",
    "seeded_initialization",
]
