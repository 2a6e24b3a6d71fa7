"""Ways to make a network's unbounded output `a` into a standard deviation sigma.

Shapes: any; `a` is the raw output of the encoder's second head. `logvar` is log sigma^2, nats.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.validation import checked

FLOOR = 1e-6  # of source 004 and of source 003's script of 2016
RAW_EPS = 1e-10  # of source 001, inside its logarithm


@checked
@dataclass(frozen=True)
class Positive:
    """One parameterisation: what sigma and log sigma^2 are as functions of the raw output."""

    name: str
    sigma: Callable[[Tensor], Tensor]
    logvar: Callable[[Tensor], Tensor]
    inverse: Callable[[float], float]  # the raw output that gives this sigma

    @checked
    def kl_slope(self, a: Tensor) -> Tensor:
        """d KL( N(0, sigma(a)^2) || N(0, 1) ) / da, elementwise, in nats per unit of a."""
        with torch.enable_grad():
            leaf = a.detach().clone().requires_grad_()
            kl = kl_to_standard_normal(
                torch.zeros_like(leaf)[..., None], self.logvar(leaf)[..., None]
            )
            return torch.autograd.grad(kl.sum(), leaf)[0]


def _inverse_softplus(sigma: float) -> float:
    return sigma + math.log(-math.expm1(-sigma))


PARAMETERISATIONS = {
    p.name: p
    for p in (
        # sigma may be negative: kept because mathybit prints it, as the counter-example
        Positive("raw", lambda a: a, lambda a: torch.log(RAW_EPS + a.square()), lambda s: s),
        Positive("exp", torch.exp, lambda a: 2 * a, math.log),
        Positive(
            "half-logvar", lambda a: torch.exp(0.5 * a), lambda a: a, lambda s: 2 * math.log(s)
        ),
        Positive("softplus", F.softplus, lambda a: 2 * F.softplus(a).log(), _inverse_softplus),
        Positive(
            "softplus + floor",
            lambda a: F.softplus(a) + FLOOR,
            lambda a: 2 * (F.softplus(a) + FLOOR).log(),
            lambda s: _inverse_softplus(s - FLOOR),
        ),
    )
}


@checked
def get_parameterisation(name: str) -> Positive:
    """The parameterisation called `name`.

    Raises:
        ValueError: naming those there are.
    """
    if name not in PARAMETERISATIONS:
        raise ValueError(f"positive is {name!r}, but the known ones are {list(PARAMETERISATIONS)}")
    return PARAMETERISATIONS[name]
