"""From a model to importance weights: two calls that every estimate of log p(x) is made of.

Shapes: B images, K draws, D pixels, L latent. Nats per image.
A model is a `vae_teach.models.LatentModel`, as `VAE` is.
"""

from collections.abc import Iterator

from torch import Tensor

from vae_teach.maths.gaussian import log_standard_normal
from vae_teach.models.latent import Encoder, LatentModel, require_encoder
from vae_teach.models.likelihoods import Likelihood
from vae_teach.validation import require_count

BUDGET = 4_000_000  # pixels decoded at a time: about 16 MB for each intermediate result


def draw_posterior(model: Encoder, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """z ~ q(z|x) and log q(z|x): x (B, D), noise (..., B, L) -> (..., B, L), (..., B).

    Raises:
        ValueError: if the model is no `vae_teach.models.Encoder`.
    """
    require_encoder(model)
    return model.draw_posterior(x, eps)


def log_posterior(model: Encoder, x: Tensor, z: Tensor) -> Tensor:
    """log q(z|x) at any z: x (B, D), z (..., B, L) -> (..., B).

    Raises:
        ValueError: if the model is no `vae_teach.models.Encoder`.
    """
    require_encoder(model)
    return model.log_posterior(x, z)


def log_joint(
    model: LatentModel, x: Tensor, z: Tensor, *, likelihood: Likelihood | None = None
) -> Tensor:
    """log p(x, z) = log p(x|z) + log N(z | 0, I): x (B, D), z (..., B, L) -> (..., B)."""
    likelihood = likelihood or model.likelihood
    return likelihood.log_prob(x, model.decode(z)) + log_standard_normal(z)


def log_weights(
    model: LatentModel, x: Tensor, eps: Tensor, *, likelihood: Likelihood | None = None
) -> Tensor:
    """log p(x, z) - log q(z|x) at z ~ q(z|x): x (B, D), noise (K, B, L) -> (K, B).

    Their mean estimates the ELBO, the log of the mean of their exponentials log p(x).
    """
    z, log_q = draw_posterior(model, x, eps)
    return log_joint(model, x, z, likelihood=likelihood) - log_q


def chunks(images: Tensor, n_samples: int, budget: int = BUDGET) -> Iterator[tuple[Tensor, list]]:
    """Batches of images, each with the sizes of its chunks of draws, so that memory stays bounded.

    Raises:
        ValueError: if n_samples or budget is below 1, or images are none.
    """
    require_count(n_samples, "n_samples")
    require_count(budget, "budget")
    if images.ndim != 2 or len(images) == 0:
        raise ValueError(f"images must be (N, D) with N >= 1, but have shape {tuple(images.shape)}")
    at_once = max(1, budget // images.shape[-1])  # pictures decoded at a time
    batch = max(1, min(len(images), at_once // min(n_samples, 64)))
    for x in images.split(batch):
        size = max(1, at_once // len(x))
        whole, rest = divmod(n_samples, size)
        yield x, [size] * whole + [rest] * (rest > 0)
