"""Looking at a model from both ends: what it makes of the prior, and of a picture's posterior.

A predictive *mean* is a picture of intensities in (0, 1); a *sample* is one draw of the pixels, 0
or 1 for a Bernoulli. Both come from a latent z that is drawn, not from its mean, unless a
function says so. Shapes: N pictures, D pixels, L latent.
"""

import torch
from torch import Generator, Tensor, nn

from vae_teach.evaluate.bounds import posterior_means
from vae_teach.evaluate.weights import draw_posterior
from vae_teach.machine.device import device_of, on_accelerator
from vae_teach.maths.noise import noise
from vae_teach.models.latent import Encoder, LatentModel
from vae_teach.validation import require_count


def transform(model: Encoder, x: Tensor) -> Tensor:
    """The posterior means of x, (N, D) -> (N, L): a picture's coordinates. Nothing is drawn."""
    return posterior_means(model, x)


@on_accelerator
@torch.no_grad()
def prior_predictive_at(model: LatentModel, z: Tensor) -> Tensor:
    """Mean pictures at chosen latents, (..., L) -> (..., D)."""
    return model.mean_image(z)


@torch.no_grad()
def prior_predictive(model: LatentModel, n: int, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Pixels drawn from p(x), and the means they were drawn from: two tensors (n, D).

    Each row of both belongs to one z ~ N(0, I). The encoder is not used.
    """
    require_count(n, "n")
    z = noise((n, model.latent_dim), torch.zeros(0), generator)
    return _drawn_pixels(model, z, generator), prior_predictive_at(model, z)


def posterior_predictive_mean(model: LatentModel, x: Tensor, *, generator: Generator) -> Tensor:
    """Mean pictures of one z ~ q(z|x) for each x, (N, D) -> (N, D)."""
    return prior_predictive_at(model, _draw(model, x, generator))


@torch.no_grad()
def posterior_predictive_sample(model: LatentModel, x: Tensor, *, generator: Generator) -> Tensor:
    """Pixels drawn from p(x_new | z) with z ~ q(z|x), (N, D) -> (N, D)."""
    return _drawn_pixels(model, _draw(model, x, generator), generator)


@on_accelerator
@torch.no_grad()
def _draw(model: Encoder, x: Tensor, generator: Generator) -> Tensor:
    return draw_posterior(model, x, noise((len(x), model.latent_dim), x, generator))[0]


@on_accelerator
@torch.no_grad()
def _decoded(model: LatentModel, z: Tensor) -> Tensor:
    return model.decode(z)


def _drawn_pixels(model: LatentModel, z: Tensor, generator: Generator) -> Tensor:
    """Pixels drawn with the generator, where the model and its likelihood lie."""
    home = device_of(model) if isinstance(model, nn.Module) else None
    params = _decoded(model, z).to(home or "cpu")
    return model.likelihood.sample(params, generator).cpu()


@on_accelerator
@torch.no_grad()
def nearest_neighbours(
    images: Tensor, references: Tensor, *, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """The reference picture nearest to each image: its Euclidean distance and its index, (N,) each.

    Compare the distance of samples to training pictures with that of *test* pictures to training
    pictures: samples that lie much nearer are copies. Blurred pictures lie near everything.

    Args:
        images: (N, D).
        references: (R, D), such as the training set.
        batch_size: images at a time; a table of batch_size by R is held.

    Raises:
        ValueError: if the numbers of pixels differ, or there is no reference.
    """
    require_count(batch_size, "batch_size")
    if len(references) == 0:
        raise ValueError("references is empty, so there is no nearest one")
    if images.shape[-1] != references.shape[-1]:
        raise ValueError(
            f"images have {images.shape[-1]} pixels but references have {references.shape[-1]}"
        )
    batches = images.split(batch_size)
    index = torch.cat([torch.cdist(batch, references).argmin(dim=1) for batch in batches])
    # cdist's matrix product loses digits where two pictures nearly agree; the winner is redone
    return (images - references[index]).norm(dim=1), index
