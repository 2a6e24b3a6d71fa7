"""q(z|x) fitted to each picture alone: what a family of posteriors can do, whatever the encoder.

Shapes: N pictures, D pixels, L latent, M components of a mixture, Q nodes of quadrature. Nats.
Source: the semi-amortized view of Kim et al. 2018 (arXiv:1802.02550) and the split of the gap of
Cremer et al. 2018 (arXiv:1801.03558).
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from vae_teach.evaluate.weights import log_joint
from vae_teach.exact.bound import normal_nodes
from vae_teach.machine.device import on_accelerator
from vae_teach.maths.gaussian_full import log_normal_of_root
from vae_teach.maths.noise import noise_like
from vae_teach.models.latent import LatentModel, require_encoder
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked

LogJoint = Callable[[Tensor], Tensor]  # z (..., N, L) -> log p(x, z), (..., N)
MOST_LATENTS = 4  # the nodes are a product grid: order^4 decoded pictures for each picture


@checked(components=AT_LEAST_1)
class FreePosterior(nn.Module):
    """One q_n(z) for each of N pictures, with parameters of its own: a mixture of M Gaussians.

    It starts at N(mu, diag(exp(logvar))). With several components each starts one standard
    deviation away from there, in a direction that `generator` draws.

    Args:
        mu, logvar: where to start, each (N, L).
        components: M.
        full: whether the covariances are full, or diagonal.
        generator: needed if there are several components.

    Raises:
        ValueError: if the shapes differ, or if components are to be drawn without a generator.
    """

    def __init__(
        self,
        mu: Tensor,
        logvar: Tensor,
        *,
        components: int = 1,
        full: bool = False,
        generator: Generator | None = None,
    ):
        super().__init__()
        if mu.ndim != 2 or mu.shape != logvar.shape:
            raise ValueError(
                f"mu and logvar must both be (N, L), but have shapes {tuple(mu.shape)} and "
                f"{tuple(logvar.shape)}"
            )
        start = mu.detach().expand(components, -1, -1).clone()
        if components > 1:
            if generator is None:
                raise ValueError(f"{components} components start apart: pass a generator")
            start = start + (logvar.detach() / 2).exp() * noise_like(start, generator)
        self.full = full
        self.mu = nn.Parameter(start)  # (M, N, L)
        self.logvar = nn.Parameter(logvar.detach().expand(components, -1, -1).clone())
        self.below = nn.Parameter(start.new_zeros(*start.shape, mu.shape[1]), requires_grad=full)
        self.logits = nn.Parameter(start.new_zeros(start.shape[:2]), requires_grad=components > 1)

    def __len__(self) -> int:
        return self.mu.shape[1]

    @property
    def log_shares(self) -> Tensor:
        """log of the weights of the components, (M, N)."""
        return self.logits.log_softmax(dim=0)

    def roots(self) -> Tensor:
        """Lower-triangular roots of the covariances, (M, N, L, L)."""
        scale = torch.diag_embed((self.logvar / 2).exp())
        return scale + self.below.tril(diagonal=-1) if self.full else scale

    def points(self, nodes: Tensor) -> Tensor:
        """Standard normal nodes (Q, L) carried to every component: (Q, M, N, L)."""
        return self.mu + torch.einsum("mnij,qj->qmni", self.roots(), nodes)

    def log_prob(self, z: Tensor) -> Tensor:
        """log q_n(z) in nats: (..., N, L) -> (..., N)."""
        logs = log_normal_of_root(z.unsqueeze(-3), self.mu, self.roots())  # (..., M, N)
        return torch.logsumexp(self.log_shares + logs, dim=-2)

    def bound(self, log_joint: LogJoint, nodes: Tensor, weights: Tensor) -> Tensor:
        """E_q[log p(x, z) - log q(z)] by quadrature, (N,); no draws, and differentiable.

        Args:
            log_joint: as a function of z alone.
            nodes, weights: of the standard normal, (Q, L) and (Q,), as `normal_nodes` has them.
        """
        z = self.points(nodes)
        each = torch.einsum("q,qmn->mn", weights, log_joint(z) - self.log_prob(z))
        return (self.log_shares.exp() * each).sum(dim=0)


@on_accelerator
@checked(components=AT_LEAST_1, steps=NOT_NEGATIVE, order=AT_LEAST_1)
def refine(
    model: LatentModel,
    images: Tensor,
    *,
    components: int = 1,
    full: bool = False,
    steps: int = 300,
    lr: float = 0.03,
    order: int = 10,
    generator: Generator | None = None,
) -> FreePosterior:
    """The q of this family that raises the ELBO of each picture most, started at the encoder's.

    Adam on the bound by Gauss-Hermite quadrature, with a learning rate that falls to 0, so that
    nothing is drawn while it runs. The best bound is not guaranteed: with several components it
    depends on where they start. The grid is the referee (`grid_log_likelihood(posterior=...)`).

    Args:
        model: with up to 4 latents; its weights stay as they are.
        images: (N, D).
        components, full: the family; see `FreePosterior`.
        steps, lr: of Adam.
        order: quadrature nodes along each latent.
        generator: for the start of several components.

    Returns:
        The posterior, on the CPU.

    Raises:
        ValueError: if the model is no `Encoder`, or has too many latents for a product of nodes.
    """
    require_encoder(model)
    if model.latent_dim > MOST_LATENTS:
        raise ValueError(
            f"model has {model.latent_dim} latents, but {order}^L nodes are used for each picture: "
            f"{MOST_LATENTS} at most"
        )
    with torch.no_grad():
        mu, logvar = model.encode(images)
    free = FreePosterior(mu, logvar, components=components, full=full, generator=generator)
    nodes, weights = (part.to(mu) for part in normal_nodes(model.latent_dim, order))
    trained = [weight for weight in free.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, total_iters=max(1, steps))
    for _ in range(steps):
        bound = free.bound(lambda z: log_joint(model, images, z), nodes, weights)
        slopes = torch.autograd.grad(-bound.sum(), trained)
        for weight, slope in zip(trained, slopes, strict=True):
            weight.grad = slope  # the model's own weights gather none
        optimizer.step()
        schedule.step()
    return free.requires_grad_(False).cpu()
