"""The networks: a plain autoencoder and a variational one, both built from dense layers.

Shapes: B batch, K Monte-Carlo draws, D pixels, H hidden, L latent.
A model knows its `config`, the arguments that rebuild it, so a checkpoint needs nothing else.
"""

import contextlib
import importlib
import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from vae_teach.elbo import Elbo, elbo_terms
from vae_teach.gaussian import reparameterize
from vae_teach.likelihoods import make_likelihood
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked, require_floats, require_rows

# of the arguments of every model that has them
SIZES = dict.fromkeys(
    ("n_pixels", "encoder_hidden", "latent_dim", "decoder_hidden", "prior_hidden", "hidden"),
    AT_LEAST_1,
)
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "sigmoid": nn.Sigmoid}


def _activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name!r}, but the known ones are {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


@checked
def dense_chain(sizes: tuple[int, ...], activation: str, last: str | None = None) -> nn.Sequential:
    """Linear layers from sizes[0] to sizes[-1] with `activation` between and `last` at the end.

    Raises:
        ValueError: for fewer than two sizes, a size below 1, or an unknown activation.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be at least two positive numbers, but they are {sizes}")
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), _activation(activation)]
    layers.pop()  # the last Linear is followed by `last`, not by the hidden activation
    if last is not None:
        layers.append(_activation(last))
    return nn.Sequential(*layers)


@checked
@contextlib.contextmanager
def seeded_initialization(seed: int | None) -> Iterator[None]:
    """Draw initial weights from `seed`, then put the global random state back; None leaves it."""
    if seed is None:
        yield
        return
    # torch.nn offers no generator argument, so the global state is borrowed and returned.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def require_pixels(x: Tensor, n_pixels: int, like: Tensor | None = None) -> None:
    """Raise a ValueError unless x is (..., n_pixels) of floats, of the dtype of `like`."""
    require_rows(x, "x", n_pixels, "pixels", like)


def require_code(z: Tensor, latent_dim: int, like: Tensor | None = None) -> None:
    """Raise a ValueError unless z is (..., latent_dim) of floats, of the dtype of `like`."""
    require_rows(z, "z", latent_dim, "values", like)


@checked(
    n_pixels=AT_LEAST_1, encoder_hidden=AT_LEAST_1, latent_dim=AT_LEAST_1, decoder_hidden=AT_LEAST_1
)
class Autoencoder(nn.Module):
    """z = encoder(x), x_hat = decoder(z): deterministic, trained on the squared error.

    `code_activation="tanh"` keeps every code in (-1, 1); None leaves it free. `seed` fixes the
    initial weights without touching the global random state.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (250,),
        latent_dim: int = 16,
        decoder_hidden: tuple[int, ...] = (320,),
        activation: str = "relu",
        code_activation: str | None = "tanh",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "encoder_hidden": tuple(encoder_hidden),
            "latent_dim": latent_dim,
            "decoder_hidden": tuple(decoder_hidden),
            "activation": activation,
            "code_activation": code_activation,
        }
        self.n_pixels, self.latent_dim = n_pixels, latent_dim
        with seeded_initialization(seed):
            self.encoder = dense_chain(
                (n_pixels, *encoder_hidden, latent_dim), activation, last=code_activation
            )
            self.decoder = dense_chain(
                (latent_dim, *decoder_hidden, n_pixels), activation, last="sigmoid"
            )

    def start_from_average(self, images: Tensor) -> None:
        """Set the output's biases so that code 0 decodes to about the average of images (N, D).

        Otherwise the first thing training learns is the average picture, by driving every tanh to
        its end, where the gradient is nearly 0. Source: Burda et al. 2016 (arXiv:1509.00519), code.
        """
        require_pixels(images, self.n_pixels)
        average = images.mean(dim=0).clamp(0.01, 0.99)
        self.decoder[-2].bias.data.copy_(torch.logit(average))

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats from 0 to 1."""
        require_floats(x, name, 0, 1, "as the decoder's pixels are")

    def encode(self, x: Tensor) -> Tensor:
        """Codes of shape (B, L) from pixels of shape (B, D)."""
        require_pixels(x, self.n_pixels, self.decoder[0].weight)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Pixels in (0, 1) of shape (..., D) from codes of shape (..., L)."""
        require_code(z, self.latent_dim, self.decoder[0].weight)
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction of x, shape (B, D)."""
        return self.decode(self.encode(x))

    @checked
    def loss_terms(
        self, x: Tensor, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """The squared error summed over pixels, shape (B,). Nothing is drawn."""
        return {"squared_error": (self(x) - x).square().sum(dim=-1)}


@checked(
    n_pixels=AT_LEAST_1, encoder_hidden=AT_LEAST_1, latent_dim=AT_LEAST_1, decoder_hidden=AT_LEAST_1
)
class VAE(nn.Module):
    """q(z|x) = N(mu(x), diag(sigma(x)^2)), p(z) = N(0, I), p(x|z) by `likelihood`.

    One trunk feeds both heads of the encoder, so mu and logvar see the same features. `seed`
    fixes the initial weights without touching the global random state.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        decoder_hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "encoder_hidden": tuple(encoder_hidden),
            "latent_dim": latent_dim,
            "decoder_hidden": tuple(decoder_hidden),
            "activation": activation,
            "likelihood": likelihood,
        }
        self.n_pixels, self.latent_dim = n_pixels, latent_dim
        self.likelihood = make_likelihood(likelihood)
        if not encoder_hidden:
            raise ValueError("encoder_hidden is empty, but the two heads need a hidden layer")
        with seeded_initialization(seed):
            self.trunk = dense_chain((n_pixels, *encoder_hidden), activation, last=activation)
            self.to_mu = nn.Linear(encoder_hidden[-1], latent_dim)
            self.to_logvar = nn.Linear(encoder_hidden[-1], latent_dim)
            self.decoder = dense_chain((latent_dim, *decoder_hidden, n_pixels), activation)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the likelihood can score x."""
        self.likelihood.require_data(x, name)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z|x), each (B, L), from x (B, D)."""
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        h = self.trunk(x)  # (B, H)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x|z), shape (..., D), from z of shape (..., L); logits for Bernoulli."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        return self.decoder(z)

    def mean_image(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (..., D), from z of shape (..., L)."""
        return self.likelihood.mean(self.decode(z))

    def elbo(self, x: Tensor, eps: Tensor) -> Elbo:
        """Both terms per example from x (B, D) and noise eps (B, L), or (K, B, L) for K draws."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, eps)
        return elbo_terms(x, self.decode(z), mu, logvar, self.likelihood)

    @checked
    def loss_terms(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """What `fit` minimises, in nats per example: reconstruction + kl = -ELBO, each (B,)."""
        eps = torch.randn(len(x), self.latent_dim, generator=generator, device=x.device)
        elbo = self.elbo(x, eps)
        return {"reconstruction": -elbo.log_likelihood, "kl": elbo.kl}

    @checked
    def reconstruct(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean image of x's code: of z = mu, or of one draw z ~ q(z|x) if a generator is given."""
        mu, logvar = self.encode(x)
        if generator is None:
            return self.mean_image(mu)
        eps = torch.randn(mu.shape, generator=generator, device=mu.device)
        return self.mean_image(reparameterize(mu, logvar, eps))

    @checked(n=NOT_NEGATIVE)
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Mean images of n draws from the prior, shape (n, D). The encoder is not used."""
        device = next(self.parameters()).device
        z = torch.randn(n, self.latent_dim, generator=generator, device=device)
        return self.mean_image(z)


# Where every model of the kit is defined: a checkpoint names the class, and its module is imported
# when it is asked for. A class with a `from_config` is rebuilt by that, any other from its config.
MODELS = {
    "Autoencoder": "vae_teach.models",
    "VAE": "vae_teach.models",
    "PositiveVAE": "vae_teach.positive",
    "CVAE": "vae_teach.conditional",
    "Regressor": "vae_teach.conditional",
    "Completer": "vae_teach.columns",
    "ConvAutoencoder": "vae_teach.convolutional",
    "FlowVAE": "vae_teach.flows",
    "SourceVAE": "vae_teach.source_models",
    "SourceAutoencoder": "vae_teach.source_models",
    "LabelConvCVAE": "vae_teach.conditional_presets",
    "ColumnCVAE": "vae_teach.conditional_presets",
    "ColumnRegressor": "vae_teach.conditional_presets",
}


@checked
def build_model(name: str, config: dict) -> nn.Module:
    """Rebuild a model from its class name and its `config`.

    Raises:
        ValueError: for a name that is not in `MODELS`.
    """
    if name not in MODELS:
        raise ValueError(f"model is {name!r}, but the known ones are {sorted(MODELS)}")
    model = getattr(importlib.import_module(MODELS[name]), name)
    return getattr(model, "from_config", model)(**config)


@checked
def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts: all weights and biases."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
