r"""The density e^{l x} on [0, 1], normalised: the continuous Bernoulli, in terms of its logit l.

With \lambda = sigmoid(l) the density is C(\lambda) \lambda^x (1 - \lambda)^{1 - x}. Written in l,
its normaliser is the integral of e^{l x} over [0, 1], which is (e^l - 1) / l: no probability is
formed, and the only delicate place is l = 0, where a series takes over.
Shapes: any, elementwise. Nats. Source: Loaiza-Ganem & Cunningham 2019 (arXiv:1907.06845).
"""

import torch
from torch import Tensor

from vae_teach.validation import checked

# |l| below which the series is used. Its first term left out is l^12 / 7.9e10, so even the slope
# is right to 1e-15 there; above it the closed form loses at most two bits to cancellation.
SERIES_BELOW = 0.3
# log(sinh(y) / y) = y^2/6 - y^4/180 + y^6/2835 - y^8/37800 + y^10/467775 - ..., with y = l / 2
COEFFICIENTS = tuple(
    c / 4**n for n, c in enumerate((1 / 6, -1 / 180, 1 / 2835, -1 / 37800, 1 / 467775), start=1)
)


@checked
def log_partition(logits: Tensor) -> Tensor:
    r"""log of the integral of e^{l x} over [0, 1], which is log((e^l - 1) / l), elementwise.

    Finite with the right slope for every finite l. It is l / 2 plus an even function of l.
    """
    small = logits.abs() < SERIES_BELOW
    # Each branch gets a harmless argument where the other is taken, or its NaN slope would leak.
    l_small = torch.where(small, logits, torch.zeros_like(logits))
    l_large = torch.where(small, torch.ones_like(logits), logits).abs()
    square = l_small.square()
    series = torch.zeros_like(square)
    for coefficient in reversed(COEFFICIENTS):
        series = (series + coefficient) * square
    closed = 0.5 * l_large + torch.log(-torch.expm1(-l_large)) - torch.log(l_large)
    return 0.5 * logits + torch.where(small, series, closed)


@checked
def mean(logits: Tensor) -> Tensor:
    """Mean of the density, 1 / (1 - e^{-l}) - 1 / l; it is 1/2 at l = 0 and not sigmoid(l)."""
    small = logits.abs() < SERIES_BELOW
    l_small = torch.where(small, logits, torch.zeros_like(logits))
    l_large = torch.where(small, torch.ones_like(logits), logits)
    square, slope = l_small.square(), torch.zeros_like(l_small)
    for n in range(len(COEFFICIENTS), 0, -1):  # the derivative of the series, term by term
        slope = slope * square + 2 * n * COEFFICIENTS[n - 1]
    closed = -1 / torch.expm1(-l_large) - 1 / l_large
    return torch.where(small, 0.5 + slope * l_small, closed)


@checked
def quantile(uniform: Tensor, logits: Tensor) -> Tensor:
    """The x below which a share `uniform` of the density lies; maps U(0, 1) to samples.

    Works on -|l|, where e^l cannot overflow, and mirrors the result for l > 0.
    """
    negative = -logits.abs().clamp(min=torch.finfo(logits.dtype).tiny)
    share = torch.where(logits > 0, 1 - uniform, uniform)
    x = torch.log1p(share * torch.expm1(negative)) / negative
    return torch.where(logits > 0, 1 - x, x).clamp(0, 1)
