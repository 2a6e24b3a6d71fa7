"""Judging answers that draw random numbers, whatever the order in which they draw them.

No draw is compared with a stored one. Codes that should follow N(0, I) are judged by statistics,
with thresholds set so that a right answer is refused less than once in `RIGHT_PER_FALSE_ALARM`.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_teach.check.engine.call import random_states

CODES, LATENT = 20_000, 3  # sees a mean of 0.04, a wrong sd of 3 % and a correlation of 0.04
Z_LIMIT = 5.0  # standard errors, two-sided: 5.7e-7 for each mean, sd and correlation
KS_LIMIT = 2.8  # times 1 / sqrt(number of values): 2 exp(-2 * 2.8**2) = 3.1e-7
RIGHT_PER_FALSE_ALARM = 100_000  # 9 limits at 5.7e-7 and one at 3.1e-7 make 5.5e-6 (tested)

UNUSUAL_SEED = 2_718_281_828
UNIFORM_KURTOSIS = 1.8  # the normal distribution has 3


@dataclass(frozen=True)
class Watched:
    """What one call did to the random states: its result, and which states it moved."""

    result: Any
    moved_global: bool
    moved_generator: bool


def _seed_unusually() -> None:
    """Leave the global states where no student's own seed does, so that setting one is seen too."""
    torch.default_generator.manual_seed(UNUSUAL_SEED)  # torch.manual_seed would seed the GPU too
    np.random.seed(UNUSUAL_SEED)  # noqa: NPY002
    random.seed(UNUSUAL_SEED)


def watch(
    run: Callable[[torch.Generator], Any],
    *,
    seed: int = 0,
    generator: torch.Generator | None = None,
) -> Watched:
    """Call `run` with a generator, a fresh one by default, and note which states it moved.

    The global states are overwritten: whoever calls this puts them back (`deliver` does).
    """
    _seed_unusually()
    generator = torch.Generator().manual_seed(seed) if generator is None else generator
    before, own = random_states(), generator.get_state()
    result = run(generator)
    torch_state, numpy_state, python_state = random_states()
    still = (
        torch.equal(torch_state, before[0])
        and np.array_equal(numpy_state[1], before[1][1])
        and numpy_state[2:] == before[1][2:]
        and python_state == before[2]
    )
    return Watched(result, not still, not torch.equal(generator.get_state(), own))


def kolmogorov_distance(values: Tensor, distribution: str = "norm") -> float:
    """Largest gap between the empirical distribution of (n,) and another, in 1 / sqrt(n).

    Args:
        values: a sample.
        distribution: a name in `scipy.stats`, such as "norm" for N(0, 1).
    """
    from scipy import stats  # takes half a second, which few exercises need

    cdf = getattr(stats, distribution).cdf
    found = stats.ks_1samp(values.detach().double().numpy(), cdf, method="asymp")
    return float(found.statistic) * math.sqrt(len(values))


def _repetition(z: Tensor) -> str | None:
    if (z == z[:1]).all():
        return "same-code"
    if z.shape[1] > 1 and (z == z[:, :1]).all():
        return "same-coordinates"
    if len(torch.unique(z, dim=0)) < len(z):
        return "repeated-codes"
    return None


def not_standard_normal(z: Tensor) -> str | None:
    """Name what keeps codes (n, L) from being n independent draws of N(0, I), if anything does.

    Names: not-finite, same-code, same-coordinates, repeated-codes, uniform, shifted, wrong-sd,
    not-normal, correlated.
    """
    z = z.double()
    if not z.isfinite().all():
        return "not-finite"
    repeated = _repetition(z)
    if repeated:
        return repeated
    n = len(z)
    centred = z - z.mean(0)
    sd = centred.square().mean(0).sqrt()
    shifted = (z.mean(0).abs() * math.sqrt(n) / sd.clamp(min=1e-9) > Z_LIMIT).any()
    wrong_sd = ((sd - 1).abs() * math.sqrt(2 * n) > Z_LIMIT).any()
    not_normal = kolmogorov_distance(z.reshape(-1)) > KS_LIMIT
    kurtosis = ((centred / sd) ** 4).mean()
    if (shifted or wrong_sd or not_normal) and abs(kurtosis - UNIFORM_KURTOSIS) < 0.1:
        return "uniform"
    if shifted or wrong_sd:
        return "shifted" if shifted else "wrong-sd"
    correlation = torch.corrcoef(z.T).reshape(z.shape[1], -1).triu(1)
    if (correlation.abs() * math.sqrt(n) > Z_LIMIT).any():
        return "correlated"
    return "not-normal" if not_normal else None
