"""Many models of one architecture, trained as one network whose weights have one axis more.

Adam works number by number, so every model takes the steps that it would take alone (tested against
`fit`); what is saved is the time between small operations. Of the time that they take one by one,
8 and 24 networks of 30-32-1 take 0.31 and 0.19 on one CPU core and 0.31 and 0.15 on two; networks
of 784-64-16 take all of it on one, and 0.8 on two (batches of 100, medians of 3). A GPU waits for
Python between small kernels, so it saves more: in a prototype on one H200, each step replayed as a
CUDA graph, an epoch of MNIST with 784-400-20 took 0.146 s for 1 network, 0.207 for 8 and 0.342 for
24 (measured once; this module has no graph, and has not been timed on a GPU).
Shapes: M models, N examples, B batch, D pixels, L latent. Nats.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from tqdm import tqdm

from vae_teach.machine.threads import share_cores_in_a_kernel
from vae_teach.maths.noise import noise
from vae_teach.models.vae import VAE
from vae_teach.training.adam import Adam
from vae_teach.training.loop import Transform, epoch_generator
from vae_teach.validation import NOT_NEGATIVE, checked, require_count, require_number, require_rows


class _Terms(nn.Module):
    """Both terms of the bound as a `forward`, which functional_call needs."""

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        elbo = self.model.elbo(x, eps)
        return -elbo.log_likelihood, elbo.kl


class Stack:
    """M models of one class and one `config` as one network.

    Args:
        models: their weights are copied into `parameters`; `unstack` brings the trained ones back.

    Raises:
        ValueError: if there is no model, or two differ in more than their weights.
    """

    def __init__(self, models: Sequence[VAE]):
        self.models = list(models)
        if not self.models:
            raise ValueError("models is empty: a stack needs at least one")
        first = self.models[0]
        for i, model in enumerate(self.models):
            if (type(model), model.config) != (type(first), first.config):
                raise ValueError(
                    f"models[{i}] is {type(model).__name__} {model.config}, but models[0] is "
                    f"{type(first).__name__} {first.config}: a stack needs one architecture"
                )
        stacked, _ = stack_module_state([_Terms(m) for m in self.models])
        self.parameters: dict[str, Tensor] = stacked
        frame = _Terms(first)
        self._terms = vmap(lambda p, x, eps: functional_call(frame, p, (x, eps)))

    def terms(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """-log p(x|z) and KL of each model: (M, B, D), (M, B, L) -> two of (M, B)."""
        return self._terms(self.parameters, x, eps)

    @torch.no_grad()
    def look(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """The same on images (B, D) and noise (B, L) that all models share, without a graph."""
        many = len(self.models)
        return self.terms(x.expand(many, -1, -1), eps.expand(many, -1, -1))

    @torch.no_grad()
    def unstack(self) -> None:
        """Put the trained numbers back into the models they came from."""
        for i, model in enumerate(self.models):
            for name, value in _Terms(model).named_parameters():
                value.copy_(self.parameters[name][i])


@checked(lr=NOT_NEGATIVE)
def fit_stacked(
    models: Sequence[nn.Module],
    train: Tensor,
    *,
    seeds: Sequence[int],
    epochs: int,
    betas: Sequence[float] | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    transform: Transform | None = None,
    progress: bool = False,
) -> None:
    """Train M models in place with Adam, each as `fit` with its seed and weights={"kl": beta}.

    It runs where the models lie. Models with the same seed see the same batches and noise, drawn
    once.

    Args:
        models: of one class and one `config`, such as VAEs that differ in their seeds.
        train: images (N, D), on the device of the models.
        seeds: one for each model, of the order of the images and the noise.
        epochs: passes over `train`.
        betas: the weight of each model's KL term; 1 if it is not given.
        batch_size: examples a step; the last, smaller batch is used too.
        lr: Adam's learning rate.
        transform: applied to each batch of images with the epoch's generator.
        progress: show a bar on stderr.

    Raises:
        ValueError: if models, seeds and betas differ in number, or an argument makes no sense;
            nothing has changed then.
        FloatingPointError: if a loss is not finite at the end of an epoch, naming the models; they
            are as they were before.
    """
    share_cores_in_a_kernel()
    betas = [1.0] * len(models) if betas is None else list(betas)
    _require_fit(models, train, seeds, betas, epochs, batch_size)
    stack = Stack(models)  # type: ignore[arg-type]  # VAEs, or what has their methods
    weights = torch.tensor(betas, dtype=train.dtype, device=train.device)
    optimizer = Adam(stack.parameters.values(), lr=lr, fused=True)
    steps = epochs * -(-len(train) // batch_size)
    with tqdm(total=steps, disable=not progress, unit="step") as bar:
        for epoch in range(epochs):
            streams = _Streams(seeds, epoch, train, stack.models[0].latent_dim, transform)
            for start in range(0, len(train), batch_size):
                x, eps = streams.batch(start, batch_size)
                reconstruction, kl = stack.terms(x, eps)
                losses = reconstruction.mean(dim=1) + weights * kl.mean(dim=1)
                optimizer.zero_grad()
                losses.sum().backward()
                optimizer.step()
                bar.update()
            if not torch.isfinite(losses).all():
                lost = (~torch.isfinite(losses)).nonzero()[:, 0].tolist()
                raise FloatingPointError(f"epoch {epoch + 1}: the loss of models {lost} is lost")
    stack.unstack()
    for model in models:
        model.eval()


class _Streams:
    """One epoch's order and noise of every seed, drawn as `fit` draws them."""

    def __init__(self, seeds, epoch: int, train: Tensor, latent_dim: int, transform):
        self.generators = {s: epoch_generator(s, epoch, train.device) for s in dict.fromkeys(seeds)}
        self.orders = {
            s: torch.randperm(len(train), generator=g, device=train.device)
            for s, g in self.generators.items()
        }
        self.seeds, self.train, self.latent_dim = seeds, train, latent_dim
        self.transform = transform

    def batch(self, start: int, size: int) -> tuple[Tensor, Tensor]:
        """Images (M, B, D) and noise (M, B, L) of one step."""
        drawn = {}
        for seed, generator in self.generators.items():
            x = self.train[self.orders[seed][start : start + size]]
            if self.transform is not None:
                x = self.transform(x, generator)
            drawn[seed] = x, noise((len(x), self.latent_dim), x, generator)
        pairs = [drawn[seed] for seed in self.seeds]
        return torch.stack([x for x, _ in pairs]), torch.stack([eps for _, eps in pairs])


def _require_fit(models, train, seeds, betas, epochs, batch_size) -> None:
    if not len(models) == len(seeds) == len(betas):
        raise ValueError(
            f"there are {len(models)} models, but {len(seeds)} seeds and {len(betas)} betas"
        )
    for name, count in {"epochs": epochs, "batch_size": batch_size}.items():
        require_count(count, name)
    for seed in seeds:
        require_count(seed, "seeds", 0)
    for beta in betas:
        require_number(beta, "betas", 0)
    if models:
        require_rows(train, "train", models[0].n_pixels, "pixels", next(models[0].parameters()))
        models[0].require_data(train, "train")
