"""Two ways to hold the parameters of q: one set per data point, or one network for all of them.

Two different axes share the word mean-field. Here both guides are *factorized* over latent
dimensions; what differs is whether their parameters belong to a data point or are amortized.
Shapes: N data points, B of them in a batch, D observed and L latent dimensions.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae_teach.maths.noise import noise_like
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked, require_rows

Bound = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, mu, logvar -> bound per data point (B,)


@checked(n=NOT_NEGATIVE, latent_dim=AT_LEAST_1)
class PerDatapointGuide(nn.Module):
    """q_i = N(mu_i, diag(exp(logvar_i))) with free parameters for each of N data points.

    The most expressive factorized Gaussian guide, with 2 N L numbers; a new data point has none.
    """

    def __init__(self, n: int, latent_dim: int):
        super().__init__()
        self.mu = nn.Parameter(torch.zeros(n, latent_dim, dtype=torch.float64))
        self.logvar = nn.Parameter(torch.zeros(n, latent_dim, dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar of every data point; x (N, D) must be the whole data set.

        Raises:
            ValueError: if x has another number of data points.
        """
        if len(x) != len(self.mu):
            raise ValueError(
                f"this guide has parameters for {len(self.mu)} data points, but x has {len(x)}; "
                "a new data point needs a fit of its own"
            )
        return self.mu, self.logvar


@checked(n_observed=AT_LEAST_1, latent_dim=AT_LEAST_1, hidden=AT_LEAST_1)
class AmortizedGuide(nn.Module):
    """q(z|x) = N(mu(x), diag(exp(logvar(x)))): one small network, the same for every data point."""

    def __init__(
        self, n_observed: int, latent_dim: int, hidden: int, *, generator: torch.Generator
    ):
        super().__init__()

        def linear(n_in: int, n_out: int) -> nn.Linear:
            # nn.Linear would draw its first weights from the global generator.
            return nn.utils.skip_init(nn.Linear, n_in, n_out, dtype=torch.float64)

        self.n_observed = n_observed
        self.trunk = nn.Sequential(linear(n_observed, hidden), nn.Tanh())
        self.to_mu = linear(hidden, latent_dim)
        self.to_logvar = linear(hidden, latent_dim)
        for weight in self.parameters():
            scale = weight.shape[-1] ** -0.5 if weight.ndim == 2 else 0.0
            weight.data = scale * noise_like(weight, generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar, each (B, L), of x (B, D): seen before or not."""
        require_rows(x, "x", self.n_observed, like=self.to_mu.weight)
        h = self.trunk(x)  # (B, hidden)
        return self.to_mu(h), self.to_logvar(h)


@checked(lr=NOT_NEGATIVE, steps=AT_LEAST_1)
def fit_guide(guide: nn.Module, bound: Bound, x: Tensor, *, steps: int, lr: float = 0.05) -> Tensor:
    """Raise the mean bound of x (N, D) by Adam; returns its value after 0, 1, ..., `steps` steps.

    The learning rate falls linearly to zero, so the end of the path is still.
    """
    optimizer = torch.optim.Adam(guide.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, total_iters=steps)
    path = []
    for _ in range(steps):
        loss = -bound(x, *guide(x)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        path.append(-loss.detach())
    with torch.no_grad():
        path.append(bound(x, *guide(x)).mean())
    return torch.stack(path)
