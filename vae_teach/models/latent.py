"""What everything that judges a latent-variable model asks of it, as two protocols.

Shapes: B batch, K draws, D pixels, L latent. Nats.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

from vae_teach.maths.gaussian import log_normal, reparameterize
from vae_teach.models.likelihoods import Likelihood


@runtime_checkable
class Encoder(Protocol):
    """Something that gives every x a distribution q(z|x)."""

    latent_dim: int

    @property
    def has_closed_kl(self) -> bool:
        """Whether q(z|x) is the Gaussian that `encode` returns, whose KL is a formula."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, each (B, L), from x (B, D)."""

    def draw_posterior(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): x (B, D), eps (..., B, L) -> (..., B, L), (..., B)."""

    def log_posterior(self, x: Tensor, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (B, D), (..., B, L) -> (..., B)."""


@runtime_checkable
class LatentModel(Encoder, Protocol):
    """An encoder with p(x|z) and p(z) = N(0, I): all that a bound on log p(x) is made of."""

    likelihood: Likelihood

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x|z), (..., D), from z (..., L)."""

    def mean_image(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), (..., D), from z (..., L)."""


class GaussianCodes:
    """The rest of an `Encoder` for a class whose q(z|x) is the Gaussian that `encode` returns.

    A network of your own is judged like those of the kit if it derives from this and `nn.Module`.
    """

    @property
    def has_closed_kl(self) -> bool:
        """True: its KL is a formula."""
        return True

    def draw_posterior(self: Encoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): x (B, D), eps (..., B, L) -> (..., B, L), (..., B)."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, eps)
        return z, log_normal(z, mu, logvar)

    def log_posterior(self: Encoder, x: Tensor, z: Tensor) -> Tensor:
        """log q(z|x) at any z: (B, D), (..., B, L) -> (..., B)."""
        return log_normal(z, *self.encode(x))


def require_encoder(model: object) -> None:
    """Raise a ValueError that says how to mend it unless `model` is an `Encoder`."""
    if not isinstance(model, Encoder):
        raise ValueError(
            f"model must have latent_dim, encode, has_closed_kl, draw_posterior and "
            f"log_posterior, but {type(model).__name__} has not all of them: if its q(z|x) is the "
            f"Gaussian that encode returns, derive it from vae_teach.models.GaussianCodes too"
        )
