"""Simulated counts of gene activity, drawn by the package: their programmes and depths are known.

Each of N cells has a depth, how many molecules of it were read, and a level of each of F
programmes; a programme raises some genes and lowers others. The counts scatter more than Poisson's,
as those of real cells do (Grün et al. 2014, doi:10.1038/nmeth.2930).
Shapes: N cells, D genes, F programmes.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from vae_teach.validation import AT_LEAST_1, POSITIVE, checked

DEPTH = 300.0  # the median of all cells' expected totals
DEPTH_SPREAD = 0.4  # standard deviation of the log of the depth
EFFECT = 1.0  # standard deviation of a programme's effect on the log of a rate
GENES_OF_A_PROGRAMME = 0.3  # the share of genes that one programme touches


@dataclass(frozen=True, eq=False)
class Counts:
    """Cells that were drawn together.

    Attributes:
        x: (N, D) float32, whole numbers from 0.
        programmes: (N, F) float32, the level of each programme in each cell, from N(0, 1).
        log_depth: (N,) float32, log of the cell's expected total.
        rates: (N, D) float32, the mean of each count.
    """

    x: Tensor
    programmes: Tensor
    log_depth: Tensor
    rates: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: slice | Tensor) -> "Counts":
        """Return the cells that a slice or a tensor of positions picks, with all that is known."""
        return Counts(
            self.x[index], self.programmes[index], self.log_depth[index], self.rates[index]
        )


@checked(n=AT_LEAST_1, n_genes=AT_LEAST_1, n_programmes=AT_LEAST_1, dispersion=POSITIVE)
def draw_counts(
    n: int,
    *,
    generator: Generator,
    n_genes: int = 100,
    n_programmes: int = 3,
    dispersion: float = 2.0,
) -> Counts:
    r"""Draw n cells of one tissue; the same generator's next call draws another tissue.

    .. math:: x_{nj} \sim \mathrm{NB}(m_{nj}, r), \quad
              m_{nj} = \ell_n\, \mathrm{softmax}_j\Bigl(b_j + \sum_f w_{fj} a_{nf}\Bigr)

    Args:
        n: cells.
        generator: a CPU generator; the same seed gives the same cells.
        n_genes: D.
        n_programmes: F.
        dispersion: r of the negative binomial, whose variance is m + m^2 / r.
    """
    base = torch.randn(n_genes, generator=generator)
    touched = torch.rand(n_programmes, n_genes, generator=generator) < GENES_OF_A_PROGRAMME
    effects = EFFECT * touched * torch.randn(n_programmes, n_genes, generator=generator)
    programmes = torch.randn(n, n_programmes, generator=generator)
    log_depth = math.log(DEPTH) + DEPTH_SPREAD * torch.randn(n, generator=generator)
    shares = torch.softmax(base + programmes @ effects, dim=1)
    rates = log_depth.exp()[:, None] * shares
    return Counts(_negative_binomial(rates, dispersion, generator), programmes, log_depth, rates)


def _negative_binomial(rates: Tensor, dispersion: float, generator: Generator) -> Tensor:
    """A Poisson count whose rate is the given one times a gamma variable of mean 1."""
    shape = torch.full_like(rates, dispersion)
    # torch.distributions.Gamma takes no generator; this is what it calls
    gamma = torch._standard_gamma(shape, generator=generator) / dispersion
    return torch.poisson(rates * gamma, generator=generator)
