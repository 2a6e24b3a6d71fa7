"""A richer posterior: inverse autoregressive flows, shifts and gates from masked networks.

A flow carries z_0 ~ N(mu, sigma^2) through invertible steps and keeps account of log q(z).
Shapes: B batch, K draws, L latent, H hidden, C context; leading axes broadcast. Nats.
Sources: Kingma et al. 2016 (arXiv:1606.04934), Eqs. 11-14; Germain et al. 2015
(arXiv:1502.03509), Eqs. 12-13; Altosaar's repository, flow.py.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_teach.machine.products import Linear, linear
from vae_teach.maths.gaussian import log_standard_normal
from vae_teach.models.posterior import GaussianPosterior, Heads
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, POSITIVE, checked

GATE_BIAS = 2.0  # sigmoid(2) = 0.881: a new step keeps most of its input
MASK_SEED = 0


@checked(n_hidden=AT_LEAST_1, n_outputs=AT_LEAST_1)
def degree_masks(n_inputs: int, n_hidden: int, n_outputs: int, seed: int = MASK_SEED) -> list:
    """The three masks of a network in which output i depends on inputs before i only.

    Inputs have degrees 1, ..., L; hidden units random ones in 1, ..., L - 1. A hidden unit may
    read units of at most its own degree, an output only units of a lower one.

    Args:
        n_inputs: L, at least 2.
        n_hidden: units in each of the two hidden layers.
        n_outputs: how many outputs each input has; they stand in blocks of L.
        seed: of the hidden degrees.

    Returns:
        Masks of shapes (H, L), (H, H) and (n_outputs * L, H).

    Raises:
        ValueError: if n_inputs is below 2: a first coordinate depends on nothing.
    """
    if n_inputs < 2:
        raise ValueError(f"n_inputs is {n_inputs}, but an order needs at least 2 coordinates")
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.arange(1, n_inputs + 1)
    first, second = torch.randint(1, n_inputs, (2, n_hidden), generator=generator)
    return [
        (first[:, None] >= inputs).float(),
        (second[:, None] >= first).float(),
        (inputs.repeat(n_outputs)[:, None] > second).float(),
    ]


@checked
class MaskedLinear(nn.Linear):
    """A dense layer of which only the weights that its mask (out, in) shows take part."""

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        """Wx + b with the masked W: (..., in) -> (..., out)."""
        return linear(x, self.weight * self.mask, self.bias)


@checked(n_hidden=AT_LEAST_1, n_context=AT_LEAST_1, n_outputs=AT_LEAST_1)
class MADE(nn.Module):
    """Two masked hidden layers; the context may reach every unit, the input only later outputs."""

    def __init__(self, n_inputs: int, n_hidden: int, n_context: int, n_outputs: int = 2):
        super().__init__()
        masks = degree_masks(n_inputs, n_hidden, n_outputs)
        self.n_outputs = n_outputs
        self.first, self.second, self.last = (MaskedLinear(mask) for mask in masks)
        self.context = Linear(n_context, n_hidden, bias=False)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """`n_outputs` tensors (..., L) from z (..., L) and context (..., C)."""
        h = torch.relu(self.first(z) + self.context(context))
        return self.last(torch.relu(self.second(h))).chunk(self.n_outputs, dim=-1)


@checked(latent_dim=AT_LEAST_1, n_hidden=AT_LEAST_1, n_context=AT_LEAST_1)
class IAFStep(nn.Module):
    """z' = gate * z + (1 - gate) * m, then reversed; gate and m at i depend on z before i."""

    def __init__(self, latent_dim: int, n_hidden: int, n_context: int):
        super().__init__()
        self.made = MADE(latent_dim, n_hidden, n_context)
        self.gate_bias = nn.Parameter(torch.full((latent_dim,), GATE_BIAS))

    def _gate(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        m, s = self.made(z, context)
        return m, s + self.gate_bias

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The new z, (..., L), and log |det dz'/dz|, (...,): the Jacobian is triangular."""
        m, s = self._gate(z, context)
        gate = torch.sigmoid(s)
        return (gate * z + (1 - gate) * m).flip(-1), F.logsigmoid(s).sum(dim=-1)

    def inverse(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The z that `forward` sends here, and forward's log-determinant at it; L passes."""
        target, before = z.flip(-1), torch.zeros_like(z)
        for _ in range(z.shape[-1]):  # pass i makes coordinate i right, from those before it
            m, s = self._gate(before, context)
            before = (target - (1 - torch.sigmoid(s)) * m) / torch.sigmoid(s)
        return before, F.logsigmoid(self._gate(before, context)[1]).sum(dim=-1)


@checked(
    n_features=AT_LEAST_1,
    latent_dim=AT_LEAST_1,
    depth=NOT_NEGATIVE,
    hidden=AT_LEAST_1,
    initial_sigma=POSITIVE,
)
class FlowPosterior(nn.Module):
    """A Gaussian carried through `depth` autoregressive steps, which read a context of the image.

    A third head gives the context. There is no closed form for the KL, so it is sampled.
    """

    has_closed_kl, sampled_kl = False, True

    def __init__(
        self,
        n_features: int,
        latent_dim: int,
        *,
        positive: str = "half-logvar",
        initial_sigma: float | None = None,
        depth: int = 2,
        hidden: int = 256,
    ):
        super().__init__()
        self.start = GaussianPosterior(positive, initial_sigma)
        self.hidden = hidden
        self.to_context = Linear(n_features, latent_dim)
        self.steps = nn.ModuleList(IAFStep(latent_dim, hidden, latent_dim) for _ in range(depth))

    @classmethod
    def for_encoder(cls, n_features: int, latent_dim: int, **options) -> "FlowPosterior":
        """One for an encoder with H features and L latents."""
        return cls(n_features, latent_dim, **options)

    @property
    def positive(self) -> str:
        """How the raw output makes the sigma that the flow starts from."""
        return self.start.positive

    @property
    def initial_sigma(self) -> float | None:
        """Where that sigma starts."""
        return self.start.initial_sigma

    @property
    def config(self) -> dict:
        """Its name and its arguments, for `make_posterior`."""
        start = {"positive": self.positive, "initial_sigma": self.initial_sigma}
        return {"name": "flow"} | start | {"depth": len(self.steps), "hidden": self.hidden}

    def further_heads(self, h: Tensor) -> Heads:
        """The context (B, C) from the features (B, H)."""
        return (self.to_context(h),)

    def draw(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): eps (..., B, L) -> (..., B, L), (..., B)."""
        mu, a, context = heads
        z, log_q = self.start.draw((mu, a), eps)
        for step in self.steps:
            z, log_det = step(z, context)
            log_q = log_q - log_det
        return z, log_q

    def draw_with_kl(self, heads: Heads, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and log q(z|x) - log p(z) at it, whose mean is the KL: (..., B, L), (..., B)."""
        z, log_q = self.draw(heads, eps)
        return z, log_q - log_standard_normal(z)

    def log_prob(self, heads: Heads, z: Tensor) -> Tensor:
        """log q(z|x) at any z, by running the flow backwards: (..., B, L) -> (..., B)."""
        mu, a, context = heads
        total = torch.zeros(z.shape[:-1], dtype=z.dtype, device=z.device)
        for step in reversed(self.steps):
            inverse: Any = step.inverse
            z, log_det = inverse(z, context)
            total = total - log_det
        return total + self.start.log_prob((mu, a), z)

    def kl(self, heads: Heads) -> Tensor:
        """Raise a ValueError: a flow has no closed form."""
        raise ValueError("a flow has no closed form for the KL: use draw_with_kl")
