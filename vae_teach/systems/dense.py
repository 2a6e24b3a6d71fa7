"""The kit's models with the choices that the source systems make and the kit's own do not.

Shapes: B batch, K Monte-Carlo draws, D pixels, H hidden, L latent. Nats per image.
"""

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from vae_teach.maths.noise import noise
from vae_teach.models.autoencoder import Autoencoder
from vae_teach.models.elbo import Elbo
from vae_teach.models.layers import require_pixels
from vae_teach.models.posterior import Heads, PosteriorVAE
from vae_teach.systems.initialization import initialize

SCALE_HEADS = ("after", "before")
ERRORS = ("squared_error", "cross_entropy")


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, but the known ones are {known}")


def drop_connections(model: nn.Module, keep: float, generator: Generator) -> dict[str, Tensor]:
    """Every weight matrix times a fresh mask of 0 and 1 / keep, by name; biases are left out.

    This is DropConnect: connections are dropped, not units. `keep` is the share that stays.
    Source: Wan et al. 2013; Fast Forward Labs' layers.py, which calls the number `dropout`.
    """
    dropped = {}
    for name, weight in model.named_parameters():
        if weight.ndim >= 2:
            uniform = torch.rand(weight.shape, generator=generator, device=weight.device)
            dropped[name] = weight * (uniform < keep) / keep
    return dropped


class SourceVAE(PosteriorVAE):
    """A VAE of dense layers as one of the sources builds it.

    `initialization` names a scheme of `initialization.py`; `heads_initialization` another one for
    the two heads. `keep` < 1 drops connections while training. `scale_head="before"` lets the
    second head read the last hidden layer before its activation.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        decoder_hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        posterior: str | dict = "gaussian",
        *,
        initialization: str = "torch",
        heads_initialization: str | None = None,
        keep: float = 1.0,
        scale_head: str = "after",
        seed: int | None = None,
    ):
        super().__init__(
            n_pixels, encoder_hidden, latent_dim, decoder_hidden, activation, likelihood,
            posterior, seed,
        )  # fmt: skip
        _require_one_of("scale_head", scale_head, SCALE_HEADS)
        if not 0 < keep <= 1:
            raise ValueError(f"keep is the share of connections that stay, in (0, 1], not {keep}")
        if isinstance(self.posterior, nn.Module) and initialization != "torch":
            raise ValueError("initialization must be 'torch': a scheme would undo the posterior's")
        self.config |= {
            "initialization": initialization,
            "heads_initialization": heads_initialization,
            "keep": keep,
            "scale_head": scale_head,
        }
        self.keep, self.scale_head = keep, scale_head
        heads = dict.fromkeys((self.to_mu, self.to_logvar), heads_initialization or initialization)
        initialize(self, initialization, seed, heads=heads)
        self.start_from_sigma()  # a scheme sets every bias to 0

    def start_from_average(self, images: Tensor) -> None:
        """Set the output's biases so that equal codes decode to the average of images (N, D)."""
        average = images.mean(dim=0).clamp(0.001, 0.999)
        self.decoder[-1].bias.data.copy_(torch.logit(average))

    def heads(self, x: Tensor) -> Heads:
        """Mean, raw second output, and what more the posterior reads, from x (B, D)."""
        if self.scale_head == "after":
            return super().heads(x)
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        before = self.trunk[:-1](x)  # (B, H), the last hidden layer without its activation
        h = self.trunk[-1](before)
        return self.to_mu(h), self.to_logvar(before), *self.posterior.further_heads(h)

    def forward(self, x: Tensor, eps: Tensor) -> Elbo:
        """The same as `elbo`, where PyTorch's tools want a call."""
        return self.elbo(x, eps)

    def loss_terms(self, x: Tensor, *, generator: Generator) -> dict[str, Tensor]:
        """Reconstruction + kl = -ELBO, each (B,); with dropped connections while training."""
        eps = noise((len(x), self.latent_dim), self.to_mu.weight, generator)
        drops = self.training and self.keep < 1
        weights = drop_connections(self, self.keep, generator) if drops else {}
        elbo = functional_call(self, weights, (x, eps))
        return {"reconstruction": -elbo.log_likelihood, "kl": elbo.kl}


class SourceAutoencoder(Autoencoder):
    """An `Autoencoder` with the weights and, by `error`, the loss of one of the sources."""

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (250,),
        latent_dim: int = 16,
        decoder_hidden: tuple[int, ...] = (320,),
        activation: str = "relu",
        code_activation: str | None = "tanh",
        *,
        initialization: str = "torch",
        error: str = "squared_error",
        seed: int | None = None,
    ):
        super().__init__(
            n_pixels, encoder_hidden, latent_dim, decoder_hidden, activation, code_activation, seed
        )
        _require_one_of("error", error, ERRORS)
        self.config |= {"initialization": initialization, "error": error}
        self.error = error
        initialize(self, initialization, seed)

    def loss_terms(self, x: Tensor, *, generator: Generator | None = None) -> dict[str, Tensor]:
        """The error summed over pixels, shape (B,). Nothing is drawn."""
        if self.error == "squared_error":
            return super().loss_terms(x)
        logits = self.decoder[:-1](self.encode(x))  # all but the closing sigmoid
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return {"cross_entropy": entropy.sum(dim=-1)}
