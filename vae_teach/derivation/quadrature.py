"""Two quadratures that are exact to rounding for what a derivation meets, and know when not."""

from collections.abc import Callable
from itertools import product

import numpy as np

REACH = 9.0  # standard deviations on either side: exp(-81/2) is below float64's rounding
SETTLED = 1e-12
HALVINGS = 6


def trapezoid(f: Callable, moments: list[tuple[float, float]], name: str = "x") -> float:
    """Integrate a smooth f over the line; converges geometrically when f dies in both tails.

    A kink, as in abs(x), spoils that, and is refused rather than half resolved.

    Args:
        f: maps nodes (M,) to values (M,).
        moments: (mean, standard deviation) of every bump f may consist of.
        name: of the variable, for the error.

    Raises:
        ArithmeticError: if halving the step still changes the answer.
    """
    lo = min(mean - REACH * sd for mean, sd in moments)
    hi = max(mean + REACH * sd for mean, sd in moments)
    n = 2 * int(np.ceil(2 * (hi - lo) / min(sd for _, sd in moments)))
    for _ in range(HALVINGS):
        nodes = np.linspace(lo, hi, n + 1)
        values = f(nodes) * np.ones_like(nodes)
        step = (hi - lo) / n
        fine, coarse = values.sum() * step, values[::2].sum() * 2 * step
        if not np.isfinite(fine) or abs(fine - coarse) <= SETTLED * max(1.0, abs(fine)):
            return fine
        n *= 2
    raise ArithmeticError(f"the integral over {name} did not settle: {coarse:.6g}, {fine:.6g}")


def gauss_hermite(k: int, order: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (M, k, 1) and weights (M,) for the expectation under N(0, I) in k dimensions.

    Exact for polynomials of degree up to 2 * order - 1 in each variable.
    """
    t, w = np.polynomial.hermite_e.hermegauss(order)
    nodes = np.array(list(product(t, repeat=k)))[..., None]
    weights = np.array([np.prod(p) for p in product(w / w.sum(), repeat=k)])
    return nodes, weights
