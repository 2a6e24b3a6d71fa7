"""What the encoder's outputs mean: one interface for q(z|x), and a VAE that has one.

The trunk makes features h of a picture, two heads make mu and a raw output `a` of them, and a
posterior reads these. As with likelihoods, one with nothing to learn is a small immutable object,
and one with weights of its own, such as a flow, an `nn.Module`.
Shapes: B batch, K draws, D pixels, H features, L latent. Nats.
"""

import importlib
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from vae_teach.maths.gaussian import (
    kl_to_standard_normal,
    log_normal,
    log_standard_normal,
    reparameterize,
    require_same_latent_size,
)
from vae_teach.maths.noise import noise_like
from vae_teach.models.elbo import Elbo, elbo_of_draws
from vae_teach.models.layers import require_code, require_pixels, seeded_initialization
from vae_teach.models.positive import get_parameterisation
from vae_teach.models.vae import VAE
from vae_teach.validation import POSITIVE, checked, kind

Heads = tuple[Tensor, ...]  # mu and a, each (B, L), and whatever more a posterior reads
# Where each is defined; its module is imported when it is asked for.
POSTERIORS = {
    "gaussian": ("vae_teach.models.posterior", "GaussianPosterior"),
    "full": ("vae_teach.models.full_posterior", "FullGaussianPosterior"),
    "mixture": ("vae_teach.models.mixture_posterior", "MixturePosterior"),
    "flow": ("vae_teach.systems.flows", "FlowPosterior"),
}


class Posterior(Protocol):
    """What a `PosteriorVAE` asks of q(z|x)."""

    positive: str  # how the raw output makes sigma, a name in `PARAMETERISATIONS`
    initial_sigma: float | None  # where sigma starts; None leaves the second head's bias as drawn
    has_closed_kl: bool
    sampled_kl: bool  # whether training takes log q(z|x) - log p(z) at its draws for the KL

    @property
    def config(self) -> dict:
        """Its name and its arguments, for `make_posterior`."""

    def further_heads(self, h: Tensor) -> Heads:
        """What it reads of the features h, (B, H), beside the two heads."""

    def draw(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): eps (..., B, L) -> (..., B, L), (..., B)."""

    def draw_with_kl(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and the KL that training takes with it: (B,), or (..., B) if drawn."""

    def log_prob(self, heads: Heads, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (..., B, L) -> (..., B)."""

    def kl(self, heads: Heads) -> Tensor:
        """KL( q(z|x) || N(0, I) ), exactly, (B,).

        Raises:
            ValueError: if there is no closed form.
        """


@runtime_checkable
class Stratified(Protocol):
    """What a posterior has whose `draw_with_kl` returns a draw of each of M components."""

    def shares(self, heads: Heads) -> Tensor:
        """The weights of the components, (M, B)."""


@checked(initial_sigma=POSITIVE)
@dataclass(frozen=True)
class GaussianPosterior:
    """q(z|x) = N(mu, diag(sigma(a)^2)), where `positive` names what sigma is of the raw output a.

    With `sampled_kl` training estimates the KL by log q(z|x) - log p(z) at the draw.
    """

    positive: str = "half-logvar"
    initial_sigma: float | None = None
    sampled_kl: bool = False

    def __post_init__(self) -> None:
        get_parameterisation(self.positive)

    @classmethod
    def for_encoder(cls, n_features: int, latent_dim: int, **options) -> "GaussianPosterior":
        """One for an encoder with H features and L latents: it has no weights, so any will do."""
        return cls(**options)

    @property
    def has_closed_kl(self) -> bool:
        """True: the KL of a Gaussian is a formula."""
        return True

    @property
    def config(self) -> dict:
        """Its name and its arguments, for `make_posterior`."""
        return {"name": "gaussian"} | asdict(self)

    def further_heads(self, h: Tensor) -> Heads:
        """No further outputs: the mean and `a` determine a Gaussian."""
        return ()

    def _mean_and_logvar(self, heads: Heads) -> tuple[Tensor, Tensor]:
        mu, a = heads
        return mu, get_parameterisation(self.positive).logvar(a)

    def draw(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): eps (..., B, L) -> (..., B, L), (..., B)."""
        mu, logvar = self._mean_and_logvar(heads)
        z = reparameterize(mu, logvar, eps)
        return z, log_normal(z, mu, logvar)

    def draw_with_kl(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and the KL, exact (B,), or (..., B) where it is sampled.

        Beside the exact KL the sample uses sigma(a) with its sign, as source 001 does.
        """
        if self.sampled_kl:
            z, log_q = self.draw(heads, eps)
            return z, log_q - log_standard_normal(z)
        mu, a = heads
        return _shifted(mu, get_parameterisation(self.positive).sigma(a), eps), self.kl(heads)

    def log_prob(self, heads: Heads, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (..., B, L) -> (..., B)."""
        return log_normal(z, *self._mean_and_logvar(heads))

    def kl(self, heads: Heads) -> Tensor:
        """KL( q(z|x) || N(0, I) ), exactly, (B,)."""
        return kl_to_standard_normal(*self._mean_and_logvar(heads))


@checked
def _shifted(mu: Tensor, sigma: Tensor, eps: Tensor) -> Tensor:
    require_same_latent_size(mu=mu, eps=eps)
    return mu + sigma * eps


@checked
def make_posterior(spec: str | dict, *, n_features: int, latent_dim: int) -> Posterior:
    """Build a posterior from its name or its saved form, such as {"name": "gaussian"}.

    Args:
        spec: the name, or the name and the arguments.
        n_features: H, units of the encoder's last hidden layer.
        latent_dim: L.

    Raises:
        ValueError: for a name that is not in `POSTERIORS`.
    """
    if not isinstance(spec, str | dict):
        raise ValueError(f"posterior must be a name or a dict with one, but it is {kind(spec)}")
    options = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = options.pop("name", None)
    if name not in POSTERIORS:
        raise ValueError(f"posterior is {name!r}, but the known ones are {sorted(POSTERIORS)}")
    module, kind_of = POSTERIORS[name]
    found = getattr(importlib.import_module(module), kind_of)
    return found.for_encoder(n_features, latent_dim, **options)


@checked
class PosteriorVAE(VAE):
    """A `VAE` that has a `posterior` in place of the Gaussian whose second head is log sigma^2."""

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        decoder_hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        posterior: str | dict = "gaussian",
        seed: int | None = None,
    ):
        super().__init__(
            n_pixels, encoder_hidden, latent_dim, decoder_hidden, activation, likelihood, seed
        )
        # another seed, or the weights of a flow would be those of the trunk again
        with seeded_initialization(None if seed is None else seed + 1):
            self.posterior = make_posterior(
                posterior, n_features=encoder_hidden[-1], latent_dim=latent_dim
            )
        self.config |= {"posterior": self.posterior.config}
        self.start_from_sigma()

    def start_from_sigma(self) -> None:
        """Set the second head's bias so that sigma starts near the posterior's `initial_sigma`."""
        if self.posterior.initial_sigma is not None:
            positive = get_parameterisation(self.posterior.positive)
            bias = positive.inverse(self.posterior.initial_sigma)
            nn.init.constant_(self.to_logvar.bias, bias)

    @property
    def has_closed_kl(self) -> bool:
        """Whether q(z|x) is the Gaussian that `encode` returns, whose KL is a formula."""
        return self.posterior.has_closed_kl

    def features(self, x: Tensor) -> Tensor:
        """What the last hidden layer of the encoder makes of x: (B, D) -> (B, H)."""
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        return self.trunk(x)

    def heads(self, x: Tensor) -> Heads:
        """Mean, raw second output `a`, and what more the posterior reads, each (B, L)."""
        h = self.features(x)
        return self.to_mu(h), self.to_logvar(h), *self.posterior.further_heads(h)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, each (B, L), from x (B, D): with a flow, of what it starts from.

        With a mixture they are those of its first component.
        """
        mu, a, *_ = self.heads(x)
        return mu, get_parameterisation(self.posterior.positive).logvar(a)

    def draw_posterior(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): x (B, D), eps (..., B, L) -> (..., B, L), (..., B)."""
        return self.posterior.draw(self.heads(x), eps)

    def log_posterior(self, x: Tensor, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (B, D), (..., B, L) -> (..., B)."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        return self.posterior.log_prob(self.heads(x), z)

    def elbo(self, x: Tensor, eps: Tensor) -> Elbo:
        """Both terms per example from x (B, D) and noise eps (B, L), or (K, B, L) for K draws."""
        heads = self.heads(x)
        z, kl = self.posterior.draw_with_kl(heads, eps)
        if not isinstance(self.posterior, Stratified):
            return elbo_of_draws(x, self.decode(z), kl, self.likelihood)
        terms = self.likelihood.log_prob(x, self.decode(z)), kl  # (..., M, B) each
        shares = self.posterior.shares(heads)
        weighed = ((shares * t).sum(dim=-2) for t in terms)
        return Elbo(*(t.mean(dim=0) if t.ndim == 2 else t for t in weighed))

    @checked
    def reconstruct(self, x: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Mean image of where q(z|x) sends noise 0, or of one draw if a generator is given."""
        eps = torch.zeros(len(x), self.latent_dim, dtype=x.dtype, device=x.device)
        if generator is not None:
            eps = noise_like(eps, generator)
        return self.mean_image(self.draw_posterior(x, eps)[0])
