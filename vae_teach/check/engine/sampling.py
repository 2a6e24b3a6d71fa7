"""Judging answers that draw random numbers, whatever the order in which they draw them.

No draw is compared with a stored one: what moved which random state is watched, and numbers that
should follow a distribution are judged by their distance from it.
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
from vae_teach.check.engine.diagnose import agree

KS_LIMIT = 2.8  # times 1 / sqrt(number of values): 2 exp(-2 * 2.8**2) = 3.1e-7

UNUSUAL_SEED = 2_718_281_828


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


def of_its_own_number_alone(
    run: Callable[[Callable[[Tensor], Tensor]], Tensor], whole: Tensor, few: int = 5
) -> bool:
    """Whether each draw comes from its own noise: no sorting, ranking, rolling or remembering.

    Args:
        run: calls the student's function on the noise and whatever goes with it, after each
            tensor has passed through a function that picks entries.
        whole: the draws (n,) that it made of all of it, in order.
        few: how many entries to hand over alone.
    """
    alone = run(lambda v: v[:few])
    turned = run(lambda v: v.flip(0))
    return agree(alone, whole[:few]) and agree(turned, whole.flip(0))


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
