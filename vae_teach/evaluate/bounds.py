"""ELBO and importance-sampled log p(x), each with its standard errors, and the active units.

Shapes: N images, K draws, D pixels, L latent. Nats per image. Nothing here keeps a graph.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from vae_teach.evaluate.weights import BUDGET, chunks, draw_posterior, log_weights
from vae_teach.machine.device import as_float64, on_accelerator
from vae_teach.maths.gaussian import kl_to_standard_normal, reparameterize
from vae_teach.maths.log_weights import effective_sample_size, log_mean_exp
from vae_teach.maths.noise import noise
from vae_teach.models.latent import Encoder, LatentModel, require_encoder
from vae_teach.models.likelihoods import Likelihood
from vae_teach.validation import require_count, require_number


class PerImage(NamedTuple):
    """One estimate per image, each with its Monte-Carlo error; its average stands for a set."""

    per_image: Tensor  # (N,)
    errors: Tensor  # (N,), standard errors from the finite number of draws; NaN for one draw

    @property
    def mean(self) -> float:
        """Average over the images."""
        return self.per_image.double().mean().item()

    @property
    def noise(self) -> float:
        """Standard error of the mean from the draws alone, on these very images."""
        return self.errors.double().square().sum().sqrt().item() / len(self.errors)

    @property
    def standard_error(self) -> float:
        """Standard error of the mean, had other images of the same kind been taken."""
        return self.per_image.double().std().item() / math.sqrt(len(self.per_image))


class Bounds(NamedTuple):
    """Both bounds from the same K draws per image: elbo <= log_px in expectation."""

    elbo: PerImage
    log_px: PerImage
    n_samples: int


@on_accelerator
@torch.no_grad()
def importance_bounds(
    model: LatentModel,
    images: Tensor,
    *,
    n_samples: int,
    generator: Generator,
    likelihood: Likelihood | None = None,
    budget: int = BUDGET,
) -> Bounds:
    r"""The mean of K log-weights, and the log of the mean weight.

    .. math:: \mathcal L_K = \log \frac1K \sum_{k=1}^K \frac{p(x, z_k)}{q(z_k|x)}, \quad
              z_k \sim q(z|x)

    In expectation the ELBO is L_1, L_K never falls with K, and it stays below log p(x). Always
    report K with it.

    Args:
        model: a `vae_teach.models.LatentModel`, such as a VAE.
        images: (N, D).
        n_samples: K.
        generator: of the draws.
        likelihood: another p(x|z) than the model's own, for the same decoder output.
        budget: pixels decoded at a time.

    Returns:
        Bounds. The error of log p(x) is the delta method's, sqrt(1 / ESS - 1 / K): trust it only
        where ESS, the number of draws that do the work, is large.

    Source: Burda et al. 2016 (arXiv:1509.00519), Eq. 8.
    """
    (likelihood or model.likelihood).require_data(images, "images")
    parts = []
    for x, sizes in chunks(images, n_samples, budget):
        logs = [_log_weights(model, x, size, generator, likelihood) for size in sizes]
        parts.append(_summaries(torch.cat(logs)))
    elbo, elbo_error, log_px, log_px_error = (torch.cat(part) for part in zip(*parts, strict=True))
    return Bounds(PerImage(elbo, elbo_error), PerImage(log_px, log_px_error), n_samples)


def _log_weights(model, x, n, generator, likelihood) -> Tensor:
    eps = noise((n, len(x), model.latent_dim), x, generator)
    return as_float64(log_weights(model, x, eps, likelihood=likelihood))


def _summaries(log_w: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """From (K, B): mean and its error, log of the mean weight and its error, each (B,)."""
    k = len(log_w)
    log_px, ess = log_mean_exp(log_w), effective_sample_size(log_w)
    nan = torch.full_like(log_px, math.nan)
    elbo_error = log_w.std(dim=0) / math.sqrt(k) if k > 1 else nan
    # rounding may put the difference of two nearly equal numbers just below 0
    log_px_error = (1 / ess - 1 / k).clamp(min=0).sqrt() if k > 1 else nan
    return log_w.mean(dim=0), elbo_error, log_px, log_px_error


@on_accelerator
@torch.no_grad()
def bound_curve(
    model: LatentModel,
    images: Tensor,
    *,
    sizes: Iterable[int] = (1, 5, 50, 500, 5_000),
    generator: Generator,
    likelihood: Likelihood | None = None,
    budget: int = BUDGET,
) -> dict[int, PerImage]:
    """L_K for several K from one set of max(sizes) draws per image: how far the bound still climbs.

    For each K the draws are cut into blocks of K, and the blocks' values averaged, so small K
    come out nearly free of noise. K = 1 is the ELBO.

    Raises:
        ValueError: if sizes is empty or holds a number below 1.
    """
    sizes = set(sizes)
    for size in sizes:
        require_count(size, "a size")
    if not sizes:
        raise ValueError("sizes is empty, but a curve needs at least one")
    sizes = sorted(sizes)
    (likelihood or model.likelihood).require_data(images, "images")
    parts: dict[int, list[PerImage]] = {k: [] for k in sizes}
    for x, pieces in chunks(images, sizes[-1], budget):
        log_w = torch.cat([_log_weights(model, x, n, generator, likelihood) for n in pieces])
        for k in sizes:
            parts[k].append(_in_blocks(log_w, k))
    return {k: PerImage(*(torch.cat(p) for p in zip(*e, strict=True))) for k, e in parts.items()}


def _in_blocks(log_w: Tensor, k: int) -> PerImage:
    n_blocks = len(log_w) // k
    blocks = log_w[: n_blocks * k].view(n_blocks, k, -1)
    if n_blocks == 1:
        return PerImage(*_summaries(blocks[0])[2:])
    values = log_mean_exp(blocks.transpose(0, 1))  # (blocks, B)
    return PerImage(values.mean(dim=0), values.std(dim=0) / math.sqrt(n_blocks))


@on_accelerator
@torch.no_grad()
def elbo(
    model: LatentModel,
    images: Tensor,
    *,
    n_samples: int,
    generator: Generator,
    likelihood: Likelihood | None = None,
    budget: int = BUDGET,
) -> PerImage:
    """The ELBO of a Gaussian posterior with the KL in closed form; only the likelihood is sampled.

    It has the expectation of `importance_bounds(...).elbo`, which samples the KL as well: the only
    way with a flow, and another variance.

    Raises:
        ValueError: for a model whose posterior is not the Gaussian that `encode` returns.
    """
    require_encoder(model)
    if not model.has_closed_kl:
        name = type(model).__name__
        raise ValueError(f"{name} has no closed form for the KL: use importance_bounds(...).elbo")
    likelihood = likelihood or model.likelihood
    likelihood.require_data(images, "images")
    means, errors = [], []
    for x, sizes in chunks(images, n_samples, budget):
        mu, logvar = model.encode(x)
        draws = []
        for size in sizes:
            z = reparameterize(mu, logvar, noise((size, *mu.shape), x, generator))
            draws.append(as_float64(likelihood.log_prob(x, model.decode(z))))
        mean, error, *_ = _summaries(torch.cat(draws))
        means.append(mean - as_float64(kl_to_standard_normal(mu, logvar)))
        errors.append(error)
    return PerImage(torch.cat(means), torch.cat(errors))


class ActiveUnits(NamedTuple):
    """Which latent dimensions carry anything about x."""

    variance: Tensor  # (L,), variance over the images of the posterior mean
    active: Tensor  # (L,), True where it exceeds the threshold

    @property
    def count(self) -> int:  # type: ignore[override]  # a tuple counts its own entries by it
        """How many are active."""
        return int(self.active.sum())


@on_accelerator
@torch.no_grad()
def active_units(model: Encoder, images: Tensor, *, threshold: float = 0.01) -> ActiveUnits:
    """Dimensions whose posterior mean varies over the images (N, D) by more than `threshold`.

    Source: Burda et al. 2016 (arXiv:1509.00519), section 5.2: Cov_x(E[z|x]) > 10^-2.
    """
    require_number(threshold, "threshold", 0)
    variance = as_float64(posterior_means(model, images)).var(dim=0, correction=0)
    return ActiveUnits(variance, variance > threshold)


@on_accelerator
@torch.no_grad()
def posterior_means(model: Encoder, images: Tensor, *, batch_size: int = 2_000) -> Tensor:
    """Where q(z|x) sends noise 0, (N, L): the mean of a Gaussian q, a central point of a flow."""
    require_count(batch_size, "batch_size")
    parts = []
    for x in images.split(batch_size):
        zero = torch.zeros(len(x), model.latent_dim, dtype=x.dtype, device=x.device)
        parts.append(draw_posterior(model, x, zero)[0])
    return torch.cat(parts)
