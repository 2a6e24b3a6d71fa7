"""A richer posterior: inverse autoregressive flows, shifts and gates from masked networks.

A flow carries z_0 ~ N(mu, sigma^2) through invertible steps and keeps account of log q(z).
Shapes: B batch, K draws, L latent, H hidden, C context; leading axes broadcast. Nats.
Sources: Kingma et al. 2016 (arXiv:1606.04934), Eqs. 11-14; Germain et al. 2015
(arXiv:1502.03509), Eqs. 12-13; Altosaar's repository, flow.py.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_teach.maths.gaussian import log_normal, reparameterize
from vae_teach.models.layers import require_code, require_pixels, seeded_initialization
from vae_teach.systems.dense import SourceVAE
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked

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

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return F.linear(x, self.weight * self.mask, self.bias)


@checked(n_hidden=AT_LEAST_1, n_context=AT_LEAST_1, n_outputs=AT_LEAST_1)
class MADE(nn.Module):
    """Two masked hidden layers; the context may reach every unit, the input only later outputs."""

    def __init__(self, n_inputs: int, n_hidden: int, n_context: int, n_outputs: int = 2):
        super().__init__()
        masks = degree_masks(n_inputs, n_hidden, n_outputs)
        self.n_outputs = n_outputs
        self.first, self.second, self.last = (MaskedLinear(mask) for mask in masks)
        self.context = nn.Linear(n_context, n_hidden, bias=False)

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


@checked(depth=NOT_NEGATIVE, flow_hidden=AT_LEAST_1)
class FlowVAE(SourceVAE):
    """A `SourceVAE` whose posterior is a Gaussian carried through `depth` autoregressive steps.

    A third head gives each image's context. There is no closed form for the KL, so it is sampled.
    `encode` returns the Gaussian before the flow.
    """

    def __init__(
        self, *args, depth: int = 2, flow_hidden: int = 256, seed: int | None = None, **kw
    ):
        super().__init__(*args, seed=seed, kl="sampled", **kw)
        if self.config["initialization"] != "torch":
            raise ValueError("initialization must be 'torch': a scheme would undo the flow's own")
        del self.config["kl"]  # not a choice here
        self.config |= {"depth": depth, "flow_hidden": flow_hidden}
        size, hidden = self.latent_dim, self.config["encoder_hidden"][-1]
        with seeded_initialization(None if seed is None else seed + 1):
            self.to_context = nn.Linear(hidden, size)
            self.steps = nn.ModuleList(IAFStep(size, flow_hidden, size) for _ in range(depth))

    def start(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, log-variance and context, each (B, L), from x (B, D)."""
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        h = self.trunk(x)
        return self.to_mu(h), self.positive.logvar(self.to_logvar(h)), self.to_context(h)

    def draw_posterior(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """Return z ~ q(z|x) and log q(z|x): x (B, D), eps (..., B, L) -> (..., B, L), (..., B)."""
        mu, logvar, context = self.start(x)
        z = reparameterize(mu, logvar, eps)
        log_q = log_normal(z, mu, logvar)
        for step in self.steps:
            z, log_det = step(z, context)
            log_q = log_q - log_det
        return z, log_q

    def log_posterior(self, x: Tensor, z: Tensor) -> Tensor:
        """log q(z|x) at any z, by running the flow backwards: (B, D), (..., B, L) -> (..., B)."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        mu, logvar, context = self.start(x)
        total = torch.zeros(z.shape[:-1], dtype=z.dtype, device=z.device)
        for step in reversed(self.steps):
            z, log_det = step.inverse(z, context)
            total = total - log_det
        return total + log_normal(z, mu, logvar)

    @checked
    def reconstruct(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean image of where the flow sends mu, or of one draw z ~ q(z|x) with a generator."""
        eps = torch.zeros(len(x), self.latent_dim, device=x.device)
        if generator is not None:
            eps = torch.randn(eps.shape, generator=generator, device=x.device)
        return self.mean_image(self.draw_posterior(x, eps)[0])
