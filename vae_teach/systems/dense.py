"""The kit's models with the choices that the source systems make and the kit's own do not.

Shapes: B batch, K Monte-Carlo draws, D pixels, H hidden, L latent. Nats per image.
"""

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from vae_teach.maths.gaussian import log_normal, reparameterize
from vae_teach.models.autoencoder import Autoencoder
from vae_teach.models.elbo import Elbo
from vae_teach.models.positive import PositiveVAE
from vae_teach.systems.initialization import initialize

KL_FORMS = ("closed", "sampled")
SCALE_HEADS = ("after", "before")
ERRORS = ("squared_error", "cross_entropy")


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, but the known ones are {known}")


def log_prior(z: Tensor) -> Tensor:
    """log N(z | 0, I) in nats, (..., L) -> (...,)."""
    return log_normal(z, torch.zeros_like(z), torch.zeros_like(z))


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


class SourceVAE(PositiveVAE):
    """A `VAE` of dense layers as one of the sources builds it.

    Besides `positive`, how the second head's output becomes sigma:
    `initialization` names a scheme of `initialization.py`; `heads_initialization` another one for
    the two heads. `keep` < 1 drops connections while training. `scale_head="before"` lets
    that head read the last hidden layer before its activation. `kl="sampled"` estimates the KL
    by log q(z|x) - log p(z) at the sample.
    """

    def __init__(
        self,
        *args,
        initialization: str = "torch",
        heads_initialization: str | None = None,
        keep: float = 1.0,
        scale_head: str = "after",
        kl: str = "closed",
        seed: int | None = None,
        **kw,
    ):
        super().__init__(*args, seed=seed, **kw)
        _require_one_of("scale_head", scale_head, SCALE_HEADS)
        _require_one_of("kl", kl, KL_FORMS)
        if not 0 < keep <= 1:
            raise ValueError(f"keep is the share of connections that stay, in (0, 1], not {keep}")
        self.config |= {
            "initialization": initialization,
            "heads_initialization": heads_initialization,
            "keep": keep,
            "scale_head": scale_head,
            "kl": kl,
        }
        self.keep, self.scale_head, self.kl = keep, scale_head, kl
        heads = dict.fromkeys((self.to_mu, self.to_logvar), heads_initialization or initialization)
        initialize(self, initialization, seed, heads=heads)
        if (initial_sigma := self.config["initial_sigma"]) is not None:  # its bias was just zeroed
            nn.init.constant_(self.to_logvar.bias, self.positive.inverse(initial_sigma))

    def start_from_average(self, images: Tensor) -> None:
        """Set the output's biases so that equal codes decode to the average of images (N, D)."""
        average = images.mean(dim=0).clamp(0.001, 0.999)
        self.decoder[-1].bias.data.copy_(torch.logit(average))

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and raw second output, each (B, L), from x (B, D)."""
        if self.scale_head == "after":
            return super().heads(x)
        before = self.trunk[:-1](x)  # (B, H), the last hidden layer without its activation
        return self.to_mu(self.trunk[-1](before)), self.to_logvar(before)

    def draw_posterior(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): x (B, D), eps (..., B, L) -> (..., B, L), (..., B)."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, eps)
        return z, log_normal(z, mu, logvar)

    def elbo(self, x: Tensor, eps: Tensor) -> Elbo:
        """Both terms per example from x (B, D) and noise eps (B, L), or (K, B, L) for K draws."""
        if self.kl == "closed":
            return super().elbo(x, eps)
        z, log_q = self.draw_posterior(x, eps)
        log_likelihood = self.likelihood.log_prob(x, self.decode(z))
        kl = log_q - log_prior(z)
        if eps.ndim == 3:
            return Elbo(log_likelihood.mean(dim=0), kl.mean(dim=0))
        return Elbo(log_likelihood, kl)

    def forward(self, x: Tensor, eps: Tensor) -> Elbo:
        """The same as `elbo`, where PyTorch's tools want a call."""
        return self.elbo(x, eps)

    def loss_terms(self, x: Tensor, *, generator: Generator) -> dict[str, Tensor]:
        """Reconstruction + kl = -ELBO, each (B,); with dropped connections while training."""
        eps = torch.randn(len(x), self.latent_dim, generator=generator, device=x.device)
        drops = self.training and self.keep < 1
        weights = drop_connections(self, self.keep, generator) if drops else {}
        elbo = functional_call(self, weights, (x, eps))
        return {"reconstruction": -elbo.log_likelihood, "kl": elbo.kl}


class SourceAutoencoder(Autoencoder):
    """An `Autoencoder` with the weights and, by `error`, the loss of one of the sources."""

    def __init__(
        self,
        *args,
        initialization: str = "torch",
        error: str = "squared_error",
        seed: int | None = None,
        **kw,
    ):
        super().__init__(*args, seed=seed, **kw)
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
