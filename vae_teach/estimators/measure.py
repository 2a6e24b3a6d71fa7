"""What a gradient estimator is worth: bias, variance and cost, each with its uncertainty.

Shapes: R independent estimates lead, parameters follow. Times are in seconds.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from vae_teach.maths.estimate import Estimate, measure_mean, require_samples
from vae_teach.validation import AT_LEAST_1, SHARE, checked, require_number


class Quality(NamedTuple):
    """Bias and variance of one estimator, measured on R estimates."""

    bias: Estimate
    variance: Estimate


@checked
def measure_variance(samples: Tensor) -> Estimate:
    """Unbiased variance over the first axis, with its standard error from the fourth moment.

    .. math:: \\mathrm{Var}(s^2) = \\tfrac1n\\left(m_4 - \\tfrac{n-3}{n-1}\\sigma^4\\right)

    Raises:
        ValueError: for fewer than four samples.
    """
    require_samples(samples, at_least=4)
    n = len(samples)
    variance = samples.var(dim=0)
    fourth = (samples - samples.mean(dim=0)).pow(4).mean(dim=0)
    of_variance = (fourth - (n - 3) / (n - 1) * variance.square()) / n
    return Estimate(variance, of_variance.clamp(min=0).sqrt())


@checked
def measure_quality(estimates: Tensor, truth: Tensor | float) -> Quality:
    """Bias and variance of estimates (R, ...) of `truth` (...)."""
    mean = measure_mean(estimates)
    return Quality(Estimate(mean.value - truth, mean.standard_error), measure_variance(estimates))


class Median(NamedTuple):
    """A median and an interval that covers the true one with probability `coverage`."""

    value: float
    low: float
    high: float
    coverage: float


@checked(coverage=SHARE)
def measure_median(samples: Sequence[float], coverage: float = 0.95) -> Median:
    """Median with an interval between two order statistics; no distribution is assumed.

    The narrowest interval (i-th smallest to i-th largest) with at least `coverage` is taken. When
    even the smallest to the largest covers less, as with five samples (15/16), that one is given
    and `coverage` of the result says so.

    Raises:
        ValueError: if `samples` is empty or holds what is no finite number.
    """
    for value in samples:
        require_number(value, "samples")
    ordered = sorted(samples)
    n = len(ordered)
    if n == 0:
        raise ValueError("samples is empty, but a median needs at least one")
    # P(i-th smallest <= median <= i-th largest) = 1 - 2 P(Binomial(n, 1/2) < i)
    reached = [1 - 2 * sum(math.comb(n, k) for k in range(i)) / 2**n for i in range(n // 2 + 1)]
    inner = max([i for i in range(1, len(reached)) if reached[i] >= coverage], default=1)
    middle = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
    return Median(middle, ordered[inner - 1], ordered[n - inner], reached[inner] if n > 1 else 0.0)


@checked(repeats=AT_LEAST_1)
def measure_seconds(run: Callable[[], object], repeats: int = 15) -> Median:
    """Wall-clock seconds of one call: the median of `repeats`, after one call to warm up."""
    run()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return measure_median(seconds)
