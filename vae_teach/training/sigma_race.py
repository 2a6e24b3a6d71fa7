"""How many steps training takes with each way of making sigma, over several seeds at once.

The models of all seeds are stacked and trained as one batched network: Adam works number by number,
so every seed takes the same steps as it would alone (tested), at a fraction of the time.
Shapes: S seeds, N examples, B batch, D pixels, L latent. Losses are in nats per image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from vae_teach.models.posterior import PosteriorVAE
from vae_teach.validation import require_count, require_number


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


class _Loss(nn.Module):
    """-ELBO per image as a `forward`, which functional_call needs."""

    def __init__(self, model: PosteriorVAE):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, eps: Tensor) -> Tensor:
        return -self.model.elbo(x, eps).value


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

    Raises:
        ValueError: if there is no seed or a count is below 1.
    """
    for name, count in {
        "steps": steps, "batch_size": batch_size, "look_every": look_every, "seeds": len(seeds),
    }.items():  # fmt: skip
        require_count(count, name)
    require_number(lr, "lr", 0)
    size = {"n_pixels": train.shape[-1], "latent_dim": latent_dim}
    size |= {"encoder_hidden": (hidden,), "decoder_hidden": (hidden,)}
    posterior = {"name": "gaussian", "positive": positive, "initial_sigma": initial_sigma}
    models = [PosteriorVAE(**size, posterior=posterior, seed=s) for s in seeds]
    parameters, _ = stack_module_state([_Loss(m) for m in models])
    frame = _Loss(models[0])
    losses = vmap(lambda p, x, eps: functional_call(frame, p, (x, eps)).mean())

    optimizer = torch.optim.Adam(parameters.values(), lr=lr)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    eps_held_out = torch.randn(
        len(held_out), latent_dim, generator=torch.Generator().manual_seed(0)
    )
    looks = {}
    for step in range(steps + 1):
        if step % look_every == 0:
            with torch.no_grad():
                many = len(seeds), *held_out.shape
                looks[step] = losses(
                    parameters, held_out.expand(many), eps_held_out.expand(len(seeds), -1, -1)
                )
        if step == steps:
            break
        index = torch.stack(
            [torch.randint(len(train), (batch_size,), generator=g) for g in generators]
        )
        eps = torch.stack([torch.randn(batch_size, latent_dim, generator=g) for g in generators])
        optimizer.zero_grad()
        losses(parameters, train[index], eps).sum().backward()
        optimizer.step()
    _unstack(parameters, models)
    return Race(torch.tensor(list(looks)), torch.stack(list(looks.values()), dim=1), models)


def _unstack(parameters: dict[str, Tensor], models: list[PosteriorVAE]) -> None:
    """Put the trained numbers back into the models they came from."""
    with torch.no_grad():
        for i, model in enumerate(models):
            for name, value in _Loss(model).named_parameters():
                value.copy_(parameters[name][i])
