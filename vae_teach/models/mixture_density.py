"""A mixture density network: several answers to one condition, each with a weight, and no code.

Shapes: B batch, D pixels, C condition, M components. Nats per example.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.maths.gaussian import log_normal, reparameterize
from vae_teach.maths.noise import noise_like
from vae_teach.models.conditional_base import require_condition
from vae_teach.models.layers import dense_chain, require_pixels, seeded_initialization
from vae_teach.models.likelihoods import Bernoulli
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked, require_floats

PIXELS = ("bernoulli", "gaussian")


class Components(NamedTuple):
    """What the network says of one condition."""

    log_weights: Tensor  # (..., M), of probabilities that sum to 1
    params: Tensor  # (..., M, D), logits of ink or means
    logvar: Tensor | None  # (..., M, D), logs of Gaussian variances


@checked(n_pixels=AT_LEAST_1, hidden=AT_LEAST_1, n_components=AT_LEAST_1)
class MixtureDensity(nn.Module):
    r"""Weights, and a mean for every pixel of every component, read off the condition.

    .. math:: p(x|c) = \sum_{m=1}^M \pi_m(c) \prod_{j=1}^D p(x_j \mid \theta_{mj}(c))

    `pixels` is "bernoulli", or "gaussian" with a variance for each pixel of each component. With
    one component and Gaussian pixels it is a regressor that learns its variance; with one
    component and Bernoulli pixels it is `Regressor`, whose variance y (1 - y) follows from y.

    Source: Bishop 1994, Mixture density networks, Eqs. 22 to 29.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        condition_size: int = 10,
        hidden: tuple[int, ...] = (400,),
        n_components: int = 10,
        activation: str = "relu",
        pixels: str = "bernoulli",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "condition_size": condition_size,
            "hidden": tuple(hidden),
            "n_components": n_components,
            "activation": activation,
            "pixels": pixels,
        }
        if not hidden:
            raise ValueError("hidden is empty, but weights and components need a hidden layer")
        if pixels not in PIXELS:
            raise ValueError(f"pixels is {pixels!r}, but the kinds are {PIXELS}")
        self.n_pixels, self.condition_size = n_pixels, condition_size
        self.n_components, self.pixels = n_components, pixels
        with seeded_initialization(seed):
            self.trunk = dense_chain((condition_size, *hidden), activation, last=activation)
            self.to_weights = Linear(hidden[-1], n_components)
            self.to_params = Linear(hidden[-1], n_components * n_pixels)
            if pixels == "gaussian":
                self.to_logvar = Linear(hidden[-1], n_components * n_pixels)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the pixels can be scored."""
        if self.pixels == "bernoulli":
            Bernoulli().require_data(x, name)
        else:
            require_floats(x, name)

    def components(self, c: Tensor) -> Components:
        """Weights and parameters of every component at c (..., C)."""
        require_condition(c, self.condition_size, self.to_weights.weight)
        h = self.trunk(c)  # (..., H)
        shape = (self.n_components, self.n_pixels)
        return Components(
            torch.log_softmax(self.to_weights(h), dim=-1),
            self.to_params(h).unflatten(-1, shape),
            self.to_logvar(h).unflatten(-1, shape) if self.pixels == "gaussian" else None,
        )

    def log_likelihood(self, x: Tensor, c: Tensor) -> Tensor:
        """log p(x|c) in nats, exactly: (B, D), (B, C) -> (B,)."""
        require_pixels(x, self.n_pixels, self.to_weights.weight)
        log_weights, params, logvar = self.components(c)
        x = x[..., None, :]
        of_each = (  # (B, M)
            Bernoulli().log_prob(x, params) if logvar is None else log_normal(x, params, logvar)
        )
        return torch.logsumexp(log_weights + of_each, dim=-1)

    @checked
    def loss_terms(
        self, x: Tensor, c: Tensor, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What `fit` minimises: -log p(x|c) in nats per example, (B,). Nothing is drawn."""
        return {"reconstruction": -self.log_likelihood(x, c)}

    def mean_image(self, c: Tensor) -> Tensor:
        """Mean of p(x|c), over all components: (..., C) -> (..., D)."""
        log_weights, params, _ = self.components(c)
        return (log_weights.exp()[..., None] * self._means(params)).sum(dim=-2)

    @checked(n=NOT_NEGATIVE)
    def sample(self, c: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        """Means of n drawn components for each condition, the draws leading: -> (n, ..., D)."""
        found = self.components(c)
        return self._means(_of_chosen(found.params, _choose(found, n, generator)))

    @checked(n=NOT_NEGATIVE)
    @torch.no_grad()
    def sample_pixels(self, c: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
        """n draws of x ~ p(x|c) for each condition, the draws leading: -> (n, ..., D)."""
        found = self.components(c)
        chosen = _choose(found, n, generator)
        params = _of_chosen(found.params, chosen)
        if found.logvar is None:
            return Bernoulli().sample(params, generator)
        logvar = _of_chosen(found.logvar, chosen)
        return reparameterize(params, logvar, noise_like(params, generator))

    def _means(self, params: Tensor) -> Tensor:
        return params if self.pixels == "gaussian" else params.sigmoid()


def _choose(found: Components, n: int, generator: torch.Generator) -> Tensor:
    """n components for each condition, drawn by their weights: (n, ...)."""
    weights = found.log_weights.exp()
    chosen = torch.multinomial(
        weights.reshape(-1, weights.shape[-1]), max(n, 1), replacement=True, generator=generator
    )
    return chosen.T[:n].reshape(n, *weights.shape[:-1])


def _of_chosen(values: Tensor, chosen: Tensor) -> Tensor:
    """Of values (..., M, D) those of the chosen components (n, ...): -> (n, ..., D)."""
    index = chosen[..., None, None].expand(*chosen.shape, 1, values.shape[-1])
    return values.expand(len(chosen), *values.shape).gather(-2, index).squeeze(-2)
