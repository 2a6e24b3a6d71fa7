"""The code behind the book: formulas, models, training, figures and widgets.

Start with `gaussian.py`; every other module builds on its three functions.
"""

__version__ = "0.1.0"

import vae_teach.presets  # noqa: F401 - so that `load_model` knows the sources' models
from vae_teach.columns import Completer
from vae_teach.conditional import CVAE, Regressor
from vae_teach.elbo import Elbo, elbo_terms
from vae_teach.figure import show
from vae_teach.gaussian import kl_to_standard_normal, log_normal, reparameterize
from vae_teach.likelihoods import Bernoulli, Gaussian
from vae_teach.models import VAE, Autoencoder, count_parameters
from vae_teach.train import fit

__all__ = [
    "CVAE",
    "VAE",
    "Autoencoder",
    "Bernoulli",
    "Completer",
    "Elbo",
    "Gaussian",
    "Regressor",
    "count_parameters",
    "elbo_terms",
    "fit",
    "kl_to_standard_normal",
    "log_normal",
    "reparameterize",
    "show",
]
