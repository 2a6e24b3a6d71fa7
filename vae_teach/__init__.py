"""The code behind the book: formulas, models, training, figures and widgets.

Start with `maths/gaussian.py`, on whose three functions the models and estimators build. A name is
loaded when it is first asked for, so that `import vae_teach` alone needs neither PyTorch nor
Matplotlib.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from vae_teach.machine.collector import paused_collector
from vae_teach.machine.threads import share_cores_in_a_kernel

__version__ = "0.1.0"  # the one place; pyproject.toml reads it from here

if TYPE_CHECKING:  # for editors, which do not run `__getattr__`
    from vae_teach.maths.gaussian import kl_to_standard_normal, log_normal, reparameterize
    from vae_teach.models.autoencoder import Autoencoder
    from vae_teach.models.completion import Completer
    from vae_teach.models.conditional import CVAE, Regressor
    from vae_teach.models.elbo import Elbo, elbo_terms
    from vae_teach.models.layers import count_parameters
    from vae_teach.models.likelihoods import Bernoulli, Gaussian
    from vae_teach.models.vae import VAE
    from vae_teach.plots.page import show
    from vae_teach.training.loop import fit

_HOMES = {
    "CVAE": "models.conditional",
    "VAE": "models.vae",
    "Autoencoder": "models.autoencoder",
    "Bernoulli": "models.likelihoods",
    "Completer": "models.completion",
    "Elbo": "models.elbo",
    "Gaussian": "models.likelihoods",
    "Regressor": "models.conditional",
    "count_parameters": "models.layers",
    "elbo_terms": "models.elbo",
    "fit": "training.loop",
    "kl_to_standard_normal": "maths.gaussian",
    "log_normal": "maths.gaussian",
    "reparameterize": "maths.gaussian",
    "show": "plots.page",
}

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


def __getattr__(name: str) -> object:
    """Load one of the package's names, or one of its modules, when it is first asked for."""
    if name in _HOMES:
        value = getattr(_loaded(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _modules():
        return _loaded(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_modules()})


def _loaded(module: str) -> ModuleType:
    with paused_collector():
        return importlib.import_module(f"{__name__}.{module}")


def _modules() -> set[str]:
    import pkgutil

    return {module.name for module in pkgutil.iter_modules(__path__)} - {"__main__"}


share_cores_in_a_kernel()
