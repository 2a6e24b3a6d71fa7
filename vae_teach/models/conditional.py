"""The conditional VAE of dense layers, and a regressor of the same capacity beside it.

Shapes: B batch, D pixels, C condition, L latent. Nats per example.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.models.conditional_base import ConditionalModel, require_condition
from vae_teach.models.layers import dense_chain, require_code, require_pixels, seeded_initialization
from vae_teach.models.likelihoods import make_likelihood
from vae_teach.validation import AT_LEAST_1, checked

PLACES = ("encoder", "decoder", "both")


@checked(n_classes=AT_LEAST_1)
def one_hot(labels: Tensor, n_classes: int = 10) -> Tensor:
    """Labels (...,) as vectors of zeros with a single 1, float32 (..., n_classes).

    Raises:
        ValueError: if a label is not one of 0, ..., n_classes - 1, or no whole number at all.
    """
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be whole numbers, but their dtype is {labels.dtype}")
    if labels.numel() and not (0 <= labels.min() and labels.max() < n_classes):
        low, high = labels.min().item(), labels.max().item()
        raise ValueError(f"labels go from {low} to {high}, but n_classes is {n_classes}")
    return F.one_hot(labels.long(), n_classes).float()


@checked
def join(z: Tensor, c: Tensor) -> Tensor:
    """[z, c] along the last axis, the leading axes of each broadcast to the other's."""
    lead = torch.broadcast_shapes(z.shape[:-1], c.shape[:-1])
    return torch.cat([z.expand(*lead, -1), c.expand(*lead, -1)], dim=-1)


def _require_wiring(
    condition_size: int,
    condition_in: str,
    encoder_hidden: tuple[int, ...],
    prior_hidden: tuple[int, ...] | None,
) -> None:
    if condition_size < 0:
        raise ValueError(f"condition_size must be at least 0, but it is {condition_size}")
    if condition_in not in PLACES:
        raise ValueError(f"condition_in is {condition_in!r}, but the places are {PLACES}")
    if not encoder_hidden:
        raise ValueError("encoder_hidden is empty, but the two heads need a hidden layer")
    if prior_hidden is not None and condition_size == 0:
        raise ValueError("prior_hidden is given, but a condition of size 0 has nothing to say")


@checked(
    n_pixels=AT_LEAST_1,
    encoder_hidden=AT_LEAST_1,
    latent_dim=AT_LEAST_1,
    decoder_hidden=AT_LEAST_1,
    prior_hidden=AT_LEAST_1,
)
class CVAE(ConditionalModel):
    """Dense layers; the condition stands beside the input of the encoder, the decoder, or both.

    `condition_in` is "encoder", "decoder" or "both". `prior_hidden` is None for p(z|c) = N(0, I),
    else the hidden sizes of a network from c to p(z|c), () for a linear one. A condition of size 0
    gives the VAE: the same seed gives the same weights, and the same loss.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        condition_size: int = 10,
        encoder_hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        decoder_hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        condition_in: str = "both",
        prior_hidden: tuple[int, ...] | None = None,
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "condition_size": condition_size,
            "encoder_hidden": tuple(encoder_hidden),
            "latent_dim": latent_dim,
            "decoder_hidden": tuple(decoder_hidden),
            "activation": activation,
            "likelihood": likelihood,
            "condition_in": condition_in,
            "prior_hidden": None if prior_hidden is None else tuple(prior_hidden),
        }
        _require_wiring(condition_size, condition_in, encoder_hidden, prior_hidden)
        self.n_pixels, self.condition_size = n_pixels, condition_size
        self.latent_dim, self.likelihood = latent_dim, make_likelihood(likelihood)
        self.has_learned_prior = prior_hidden is not None
        self.encoder_sees = condition_in in ("encoder", "both")
        self.decoder_sees = condition_in in ("decoder", "both")
        with seeded_initialization(seed):
            self._make_networks(encoder_hidden, decoder_hidden, prior_hidden, activation)

    def _make_networks(
        self,
        encoder_hidden: tuple[int, ...],
        decoder_hidden: tuple[int, ...],
        prior_hidden: tuple[int, ...] | None,
        activation: str,
    ) -> None:
        # In the VAE's order, so that a condition of size 0 starts from the VAE's weights.
        trunk = (self.n_pixels + self.condition_size * self.encoder_sees, *encoder_hidden)
        self.trunk = dense_chain(trunk, activation, last=activation)
        self.to_mu = Linear(encoder_hidden[-1], self.latent_dim)
        self.to_logvar = Linear(encoder_hidden[-1], self.latent_dim)
        seen = self.latent_dim + self.condition_size * self.decoder_sees
        self.decoder = dense_chain((seen, *decoder_hidden, self.n_pixels), activation)
        if prior_hidden is not None:
            prior = (self.condition_size, *prior_hidden, 2 * self.latent_dim)
            self.prior_net = dense_chain(prior, activation)

    def encode(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z|x, c), each (B, L); q(z|x) if the encoder sees no c."""
        require_condition(c, self.condition_size, self.to_mu.weight)
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        h = self.trunk(join(x, c) if self.encoder_sees else x)  # (B, H)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Parameters of p(x|z, c), shape (..., D); of p(x|z) if the decoder sees no c."""
        require_condition(c, self.condition_size, self.to_mu.weight)
        require_code(z, self.latent_dim, self.to_mu.weight)
        return self.decoder(join(z, c) if self.decoder_sees else z)

    def prior(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of p(z|c), each (..., L)."""
        if not self.has_learned_prior:
            return super().prior(c)
        require_condition(c, self.condition_size)
        mu, logvar = self.prior_net(c).chunk(2, dim=-1)
        return mu, logvar


@checked(n_pixels=AT_LEAST_1, hidden=AT_LEAST_1)
class Regressor(nn.Module):
    """p(x|c) with no latent variable: one answer per condition, the decoder of a CVAE without z.

    It treats the pixels as independent given c, so its best answer is their average over every x
    that goes with c.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        condition_size: int = 10,
        hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "condition_size": condition_size,
            "hidden": tuple(hidden),
            "activation": activation,
            "likelihood": likelihood,
        }
        self.n_pixels, self.condition_size = n_pixels, condition_size
        self.likelihood = make_likelihood(likelihood)
        with seeded_initialization(seed):
            self.net = dense_chain((condition_size, *hidden, n_pixels), activation)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the likelihood can score x."""
        self.likelihood.require_data(x, name)

    def decode(self, c: Tensor) -> Tensor:
        """Parameters of p(x|c), (..., C) -> (..., D)."""
        require_condition(c, self.condition_size, self.net[0].weight)
        return self.net(c)

    def mean_image(self, c: Tensor) -> Tensor:
        """Mean of p(x|c), (..., C) -> (..., D)."""
        return self.likelihood.mean(self.decode(c))

    def log_likelihood(self, x: Tensor, c: Tensor) -> Tensor:
        """log p(x|c) in nats, exactly: (B, D), (B, C) -> (B,)."""
        return self.likelihood.log_prob(x, self.decode(c))

    @checked
    def loss_terms(
        self, x: Tensor, c: Tensor, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What `fit` minimises: -log p(x|c) in nats per example, (B,). Nothing is drawn."""
        return {"reconstruction": -self.log_likelihood(x, c)}
