"""Counts: what a decoder's output means for them, and a VAE whose first latent is the depth.

The likelihoods here give each count a probability, so in nats they may all stand in one ranking.
Their `params` are the logs of the counts' rates.
Shapes: B batch, K draws, D counts of one example, L latent.
"""

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from vae_teach.maths.gaussian import LOG_2PI
from vae_teach.models.layers import (
    dense_chain,
    require_code,
    require_pixels,
    seeded_initialization,
)
from vae_teach.models.likelihoods import named, require_same_pixels, row_by_row
from vae_teach.models.vae import VAE
from vae_teach.validation import AT_LEAST_1, POSITIVE, checked, require_floats


@checked
def require_counts(x: Tensor, name: str = "x") -> None:
    """Raise a ValueError that names `name` unless x holds floats that are whole numbers from 0."""
    require_floats(x, name, 0, math.inf, "as a likelihood of counts expects")
    if (odd := x[x != x.round()]).numel():
        raise ValueError(f"{name} must hold whole numbers, but one of them is {odd[0].item():.6g}")


class _OfCounts:
    """What the likelihoods of counts share."""

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats that are whole numbers."""
        require_counts(x, name)

    def table(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-probability of every example under every params: (N, D), (M, D) -> (N, M)."""
        return row_by_row(cast(Any, self), x, params)

    def mean(self, params: Tensor) -> Tensor:
        """The rates: (..., D) -> (..., D)."""
        return params.exp()


@named
@dataclass(frozen=True)
class Poisson(_OfCounts):
    r"""Counts of independent events; `params` are the logs of their rates m.

    .. math:: \log p(x|z) = \sum_j x_j \log m_j - m_j - \log x_j!
    """

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-probability of x in nats: counts and log-rates of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        return (x * params - params.exp() - torch.lgamma(x + 1)).sum(dim=-1)

    @checked
    def sample(self, params: Tensor, generator: Generator) -> Tensor:
        """Counts of these rates."""
        return torch.poisson(params.exp(), generator=generator)


@named
@checked(dispersion=POSITIVE)
class NegativeBinomial(_OfCounts, nn.Module):
    r"""Poisson counts whose rate is itself m times a gamma variable of mean 1 and variance 1/r.

    .. math:: \log p(x|z) = \sum_j \log\frac{\Gamma(x_j + r)}{\Gamma(r)\, x_j!}
              + r \log\frac{r}{r + m_j} + x_j \log\frac{m_j}{r + m_j}

    Mean m, variance m + m^2 / r. The one r is trained with the decoder, starting from `dispersion`.

    Source: Lopez et al. 2018 (doi:10.1038/s41592-018-0229-2).
    """

    def __init__(self, dispersion: float = 1.0):
        super().__init__()
        self.log_dispersion = nn.Parameter(torch.tensor(math.log(dispersion)))

    @property
    def dispersion(self) -> float:
        """r as it is now."""
        return self.log_dispersion.exp().item()

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-probability of x in nats: counts and log-rates of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        log_r = self.log_dispersion
        r = log_r.exp()
        log_sum = torch.logaddexp(log_r, params)  # log(r + m)
        ways = torch.lgamma(x + r) - torch.lgamma(r) - torch.lgamma(x + 1)
        return (ways + r * (log_r - log_sum) + x * (params - log_sum)).sum(dim=-1)

    @checked
    def sample(self, params: Tensor, generator: Generator) -> Tensor:
        """Counts of these rates."""
        r = self.log_dispersion.exp()
        # torch.distributions takes no generator; this is what its Gamma calls
        gamma = torch._standard_gamma(r.expand_as(params).contiguous(), generator=generator) / r
        return torch.poisson(params.exp() * gamma, generator=generator)


@named
@checked(n_values=AT_LEAST_1, sigma_x=POSITIVE)
class RoundedLogGaussian(_OfCounts, nn.Module):
    r"""A Gaussian on log(1 + count), each value with a noise of its own, rounded to whole counts.

    .. math:: P(x_j|z) = \Phi\Bigl(\frac{\log(x_j + 3/2) - f_j}{\sigma_{x,j}}\Bigr)
              - \Phi\Bigl(\frac{\log(x_j + 1/2) - f_j}{\sigma_{x,j}}\Bigr), \quad
              f_j = \log(1 + m_j)

    The count 0 has all that lies below 1/2. With `density=True` it is instead what is usually
    trained, the density of log(1 + x) at the counts, with the term of the change of variables.
    """

    def __init__(self, n_values: int, sigma_x: float = 0.5, density: bool = False):
        super().__init__()
        self.log_sigma_x = nn.Parameter(torch.full((n_values,), math.log(sigma_x)))
        self.density = density

    @property
    def sigma_x(self) -> Tensor:
        """The noise of each value's log(1 + count) as it is now, (D,)."""
        return self.log_sigma_x.exp()

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        """Log-probability of x in nats: counts and log-rates of shape (..., D) -> (...,)."""
        require_same_pixels(x, params)
        f, sigma_x = self._centre(params), self.sigma_x
        if self.density:
            error = (torch.log1p(x) - f) / sigma_x
            normal = -0.5 * (error.square() + LOG_2PI) - self.log_sigma_x
            return (normal - torch.log1p(x)).sum(dim=-1)
        above = (torch.log(x + 1.5) - f) / sigma_x
        below = ((torch.log(x + 0.5) - f) / sigma_x).masked_fill(x == 0, -math.inf)
        return log_normal_mass(below, above).sum(dim=-1)

    def _centre(self, params: Tensor) -> Tensor:
        return F.softplus(params)  # log(1 + m) of log m

    @checked
    def sample(self, params: Tensor, generator: Generator) -> Tensor:
        """Whole counts."""
        eps = torch.randn(
            params.shape, generator=generator, device=params.device, dtype=params.dtype
        )
        return torch.expm1(self._centre(params) + self.sigma_x * eps).round().clamp(min=0)


@checked
def log_normal_mass(below: Tensor, above: Tensor) -> Tensor:
    """Log of the mass of N(0, 1) between two points, elementwise; `below` may be -inf.

    Both points are mirrored to the left half, where logs of small masses are exact.
    """
    mirror = below + above > 0
    low = torch.where(mirror, -above, below)
    high = torch.where(mirror, -below, above)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    return log_high + torch.log1p(-torch.exp(log_low - log_high).clamp(max=1 - 1e-6))


@checked(n_values=AT_LEAST_1, hidden=AT_LEAST_1, latent_dim=AT_LEAST_1)
class CountVAE(VAE):
    r"""A `VAE` of counts whose first latent is the library size, how much was read of an example.

    .. math:: m = \ell \,\mathrm{softmax}(f(z_1, \dots)), \quad
              \log \ell = \texttt{log\_depth} + \texttt{depth\_spread}\; z_0

    So the depth has a log-normal prior, and the other latents only say how the counts are shared
    out. The encoder reads log(1 + x).

    Args:
        n_values: D.
        hidden: sizes of the encoder's layers, the decoder's in reverse.
        latent_dim: L, the depth included.
        log_depth, depth_spread: mean and standard deviation of the log of the totals, as
            `log_totals` measures them.
        activation, likelihood, seed: as for the `VAE`.

    Source: Lopez et al. 2018 (doi:10.1038/s41592-018-0229-2), with the depth's q(z|x) made by the
    one encoder.
    """

    def __init__(
        self,
        n_values: int = 100,
        hidden: tuple[int, ...] = (64,),
        latent_dim: int = 5,
        log_depth: float = 0.0,
        depth_spread: float = 1.0,
        activation: str = "relu",
        likelihood: str | dict = "negative_binomial",
        seed: int | None = None,
    ):
        if latent_dim < 2:
            raise ValueError(f"latent_dim is {latent_dim}, but the depth and one more make 2")
        super().__init__(n_values, hidden, latent_dim, hidden[::-1], activation, likelihood, seed)
        self.config = {
            "n_values": n_values,
            "hidden": tuple(hidden),
            "latent_dim": latent_dim,
            "log_depth": log_depth,
            "depth_spread": depth_spread,
            "activation": activation,
            "likelihood": likelihood,
        }
        self.log_depth, self.depth_spread = log_depth, depth_spread
        with seeded_initialization(seed):
            sizes = (latent_dim - 1, *hidden[::-1], n_values)
            self.decoder = dense_chain(sizes, activation)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z|x), each (B, L), from counts x (B, D)."""
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        return super().encode(torch.log1p(x))

    def decode(self, z: Tensor) -> Tensor:
        """Logs of the rates, shape (..., D), from z of shape (..., L)."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        log_depth = self.log_depth + self.depth_spread * z[..., :1]
        return log_depth + torch.log_softmax(self.decoder(z[..., 1:]), dim=-1)


@checked
def log_totals(x: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of the log of each example's total, of counts x (N, D).

    Raises:
        ValueError: if an example has no count at all: leave it out.
    """
    require_counts(x)
    totals = x.sum(dim=1)
    if (totals == 0).any():
        empty = int((totals == 0).nonzero()[0])
        raise ValueError(f"x has no count at all in row {empty}: leave such examples out")
    logs = totals.log()
    return logs.mean().item(), logs.std().item()
