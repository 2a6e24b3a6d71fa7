"""A prior fitted after training, in place of N(0, I): what it does to the bound and to samples.

Encoder and decoder stay as they are. On average over the pictures the bound then rises by
KL(aggregate || N(0, I)) - KL(aggregate || new prior), which is what the first prior has wasted.

Shapes: N pictures, B codes, D pixels, L latent, M components. Nats.
"""

import math
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from vae_teach.evaluate.bounds import PerImage
from vae_teach.evaluate.weights import chunks, draw_posterior
from vae_teach.machine.device import as_float64, on_accelerator
from vae_teach.maths.gaussian import log_normal, log_standard_normal, reparameterize
from vae_teach.maths.gaussian_full import log_normal_of_root
from vae_teach.maths.noise import noise
from vae_teach.models.latent import Encoder, require_encoder
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked, require_generator

_FIRST, _LAST = 0.02, 0.98  # of a pixel of a picture that a pseudo-input starts at


class Prior(Protocol):
    """A density of codes."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z): (..., L) -> (...,)."""

    def sample(self, n: int, *, generator: Generator) -> Tensor:
        """n codes, (n, L)."""


class MixturePrior(nn.Module):
    """A mixture of M Gaussians with full covariances over codes.

    Args:
        weights: shape (M,), summing to 1.
        mu: shape (M, L).
        roots: lower-triangular roots of the covariances, (M, L, L).

    Raises:
        ValueError: if the shapes do not belong together, or the weights do not sum to 1.
    """

    weights: Tensor
    mu: Tensor
    roots: Tensor

    def __init__(self, weights: Tensor, mu: Tensor, roots: Tensor):
        super().__init__()
        m, latent = mu.shape
        if weights.shape != (m,) or roots.shape != (m, latent, latent):
            raise ValueError(
                f"weights and roots have shapes {tuple(weights.shape)} and {tuple(roots.shape)}, "
                f"but mu has {tuple(mu.shape)}"
            )
        if not (abs(weights.sum().item() - 1) < 1e-4 and (weights >= 0).all()):
            raise ValueError(f"weights must be shares, but they sum to {weights.sum().item():.6g}")
        for name, value in {"weights": weights, "mu": mu, "roots": roots}.items():
            self.register_buffer(name, value)

    @checked
    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats: (..., L) -> (...,)."""
        logs = log_normal_of_root(z.unsqueeze(-2), self.mu, self.roots)  # (..., M)
        return torch.logsumexp(self.weights.log() + logs, dim=-1)

    @checked(n=NOT_NEGATIVE)
    def sample(self, n: int, *, generator: Generator) -> Tensor:
        """n codes, (n, L)."""
        chosen = _choose(self.weights, n, generator)
        eps = noise((n, self.mu.shape[1]), self.mu, generator)
        return self.mu[chosen] + torch.einsum("nij,nj->ni", self.roots[chosen], eps)


def _choose(weights: Tensor, n: int, generator: Generator) -> Tensor:
    """n components by their weights (M,), drawn where the generator is."""
    shares = weights.detach().to(generator.device)
    return torch.multinomial(shares, n, replacement=True, generator=generator).to(weights.device)


@on_accelerator
@torch.no_grad()
@checked(components=AT_LEAST_1)
def fit_mixture_prior(
    model: Encoder, images: Tensor, components: int, *, generator: Generator
) -> MixturePrior:
    """Maximum likelihood by EM for one code of each picture (N, D), drawn from q(z|x).

    Draws and not means: the density that the decoder has met is that of the draws.

    Raises:
        ValueError: if there are fewer pictures than components.
    """
    from sklearn.mixture import GaussianMixture  # takes a second, which few evaluations need

    _require_enough(images, components)
    codes = _codes(model, images, generator)
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    found = GaussianMixture(components, random_state=seed).fit(as_float64(codes).cpu().numpy())
    roots = torch.linalg.cholesky(torch.from_numpy(found.covariances_))
    parts = torch.from_numpy(found.weights_), torch.from_numpy(found.means_), roots
    return MixturePrior(*(part.to(codes.dtype) for part in parts))


def _require_enough(images: Tensor, components: int) -> None:
    if len(images) < components:
        found = len(images)
        raise ValueError(f"{components} components need as many images, but there are {found}")


def _codes(model: Encoder, images: Tensor, generator: Generator) -> Tensor:
    """One z ~ q(z|x) for each picture, (N, L)."""
    parts = []
    for x, _ in chunks(images, 1):
        eps = noise((len(x), model.latent_dim), x, generator)
        parts.append(draw_posterior(model, x, eps)[0])
    return torch.cat(parts)


class VampPrior(nn.Module):
    """The encoder's own posteriors at M pseudo-inputs, mixed: p(z) = sum_m w_m q(z | u_m).

    Args:
        model: an encoder with a Gaussian q; its weights stay as they are.
        start: pictures (M, D) in [0, 1] at which the pseudo-inputs start.

    Raises:
        ValueError: if q is not the Gaussian that `encode` returns.

    Source: Tomczak & Welling 2018 (arXiv:1705.07120), Eq. 9; there it is trained together with the
    model, and here afterwards.
    """

    def __init__(self, model: Encoder, start: Tensor):
        super().__init__()
        require_encoder(model)
        if not model.has_closed_kl:
            name = type(model).__name__
            raise ValueError(f"the q(z|x) of {name} is not the Gaussian that encode returns")
        # not as a submodule: it is the caller's, and none of its weights are this prior's
        self._encode = model.encode
        self.raw = nn.Parameter(start.detach().clamp(_FIRST, _LAST).logit())  # (M, D)
        self.logits = nn.Parameter(start.new_zeros(len(start)))

    @property
    def pseudo_inputs(self) -> Tensor:
        """The pictures u_m, (M, D), in (0, 1)."""
        return self.raw.sigmoid()

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats: (..., L) -> (...,)."""
        mu, logvar = self._encode(self.pseudo_inputs)
        logs = log_normal(z.unsqueeze(-2), mu, logvar)  # (..., M)
        return torch.logsumexp(self.logits.log_softmax(dim=0) + logs, dim=-1)

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator) -> Tensor:
        """n codes, (n, L)."""
        mu, logvar = self._encode(self.pseudo_inputs)
        chosen = _choose(self.logits.softmax(dim=0), n, generator)
        return reparameterize(mu[chosen], logvar[chosen], noise((n, mu.shape[1]), mu, generator))


@checked(components=AT_LEAST_1, steps=NOT_NEGATIVE, batch_size=AT_LEAST_1)
def fit_vamp_prior(
    model: Encoder,
    images: Tensor,
    components: int,
    *,
    generator: Generator,
    steps: int = 500,
    lr: float = 0.02,
    batch_size: int = 256,
) -> VampPrior:
    """Raise the bound by the prior alone: Adam on E_q[log p(z)], one draw for each picture a step.

    The pseudo-inputs start at pictures of the set. It is computed where the model lies.

    Raises:
        ValueError: if there are fewer pictures than components, or q is no Gaussian.
    """
    require_generator(generator)
    _require_enough(images, components)
    first = torch.randperm(len(images), generator=generator, device=generator.device)
    prior = VampPrior(model, images[first[:components].to(images.device)])
    optimizer = torch.optim.Adam(prior.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-2, total_iters=max(1, steps))
    weights = list(prior.parameters())
    for _ in range(steps):
        rows = torch.randint(
            len(images), (batch_size,), generator=generator, device=generator.device
        )
        with torch.no_grad():
            z = _codes(model, images[rows.to(images.device)], generator)
        slopes = torch.autograd.grad(-prior.log_prob(z).mean(), weights)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = slope  # the encoder's own weights gather none
        optimizer.step()
        schedule.step()
    return prior.requires_grad_(False)


@torch.no_grad()
@checked(n_samples=AT_LEAST_1)
def prior_gain(
    model: Encoder, images: Tensor, prior: Prior, *, n_samples: int, generator: Generator
) -> PerImage:
    """By how much the bound of each picture rises with another prior: E_q[log p'(z) - log p(z)].

    Only the prior's part of the bound changes. For pictures that the prior was not fitted to, the
    average is the gain of the bound on new data. It is computed where the model lies.

    Args:
        model: whose q(z|x) is asked.
        images: (N, D).
        prior: the new one.
        n_samples: draws for each picture.
        generator: of the draws.
    """
    gains, errors = [], []
    for x, sizes in chunks(images, n_samples):
        parts = []
        for size in sizes:
            z, _ = draw_posterior(model, x, noise((size, len(x), model.latent_dim), x, generator))
            parts.append(as_float64(prior.log_prob(z)) - as_float64(log_standard_normal(z)))
        values = torch.cat(parts)  # (K, B)
        gains.append(values.mean(dim=0))
        lone = torch.full_like(gains[-1], math.nan)
        errors.append(values.std(dim=0) / math.sqrt(n_samples) if n_samples > 1 else lone)
    return PerImage(torch.cat(gains), torch.cat(errors))
