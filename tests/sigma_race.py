"""How many steps training takes with each way of making sigma, over several seeds at once.

The models of all seeds are stacked and trained as one batched network: Adam works number by number,
so every seed takes the same steps as it would alone (tested), at a fraction of the time.
Shapes: S seeds, N examples, B batch, D pixels, L latent. Losses are in nats per image.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_teach.maths.noise import noise
from vae_teach.models.posterior import PosteriorVAE
from vae_teach.training.adam import Adam
from vae_teach.training.stacked import Stack


@dataclass(frozen=True)
class Race:
    """The held-out loss of each seed while it trained with one parameterisation."""

    steps: Tensor  # (T,) optimizer steps taken when the loss was looked at
    losses: Tensor  # (S, T) -ELBO on held-out images, nats per image
    models: list[PosteriorVAE]  # the S trained models

    def steps_to(self, level: float) -> list[float]:
        """First step at which each seed's loss is at or below `level`; inf if it never is."""
        reached = self.losses <= level
        first = torch.where(reached.any(1), reached.int().argmax(1), -1)
        return [float(self.steps[i]) if i >= 0 else float("inf") for i in first.tolist()]


def race(
    train: Tensor,
    held_out: Tensor,
    positive: str,
    *,
    seeds: Sequence[int],
    steps: int,
    initial_sigma: float | None = None,
    hidden: int = 64,
    latent_dim: int = 8,
    batch_size: int = 100,
    lr: float = 1e-3,
    look_every: int = 5,
) -> Race:
    """Train one model a seed with Adam and follow its loss on held-out images.

    A seed fixes the initial weights, the batches and the noise, whatever the parameterisation, so
    two parameterisations can be compared seed by seed.

    Args:
        train: images (N, D).
        held_out: images (M, D), looked at with one noise per image, the same at every look.
        positive: name in `PARAMETERISATIONS`.
        seeds: one model each.
        steps: optimizer steps of every seed.
        initial_sigma: see `GaussianPosterior`.
        hidden: units of the one hidden layer of encoder and decoder.
        latent_dim: L.
        batch_size: images a step, drawn with replacement.
        lr: Adam's learning rate.
        look_every: steps between looks at the held-out loss.

    Returns:
        Race.
    """
    size: dict[str, Any] = {"n_pixels": train.shape[-1], "latent_dim": latent_dim}
    size |= {"encoder_hidden": (hidden,), "decoder_hidden": (hidden,)}
    posterior = {"name": "gaussian", "positive": positive, "initial_sigma": initial_sigma}
    models = [PosteriorVAE(**size, posterior=posterior, seed=s) for s in seeds]
    stack = Stack(models)
    eps = noise((len(held_out), latent_dim), held_out, torch.Generator().manual_seed(0))
    batches = _batches(seeds, len(train), (batch_size, latent_dim))
    optimizer, looks = Adam(stack.parameters.values(), lr=lr), {}
    for step in range(steps + 1):
        if step % look_every == 0:
            looks[step] = _losses(stack.look(held_out, eps))
        if step == steps:
            break
        index, eps_batch = next(batches)
        optimizer.zero_grad()
        _losses(stack.terms(train[index], eps_batch)).sum().backward()
        optimizer.step()
    stack.unstack()
    return Race(torch.tensor(list(looks)), torch.stack(list(looks.values()), dim=1), models)


def _losses(terms: tuple[Tensor, Tensor]) -> Tensor:
    """-ELBO of each seed, (S,), from its two terms (S, B)."""
    reconstruction, kl = terms
    return (reconstruction + kl).mean(dim=1)


def _batches(
    seeds: Sequence[int], n: int, shape: tuple[int, int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each step the rows (S, B) and the noise (S, B, L), each seed's from its own stream."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        index = [torch.randint(n, shape[:1], generator=g) for g in generators]
        eps = [torch.randn(shape, generator=g) for g in generators]
        yield torch.stack(index), torch.stack(eps)
