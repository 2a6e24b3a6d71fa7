r"""True gradients and variances of the estimators, in closed form, for a sum of squares.

The square is f(z) = z_1^2 + ... + z_L^2. With z_l = mu_l + sigma_l eps everything is a polynomial
in eps, and the moments E[eps^2] = 1, E[eps^4] = 3, E[eps^6] = 15, E[eps^8] = 105 are all one needs.
Shapes: L latent, K draws in one estimate. Every variance is that of one estimate.
"""

from dataclasses import dataclass

from torch import Tensor

from vae_teach.estimators.continuous import Gradient
from vae_teach.validation import AT_LEAST_1, checked


@checked
def square(z: Tensor) -> Tensor:
    """f(z) = |z|^2, shape (..., L) -> (...,)."""
    return z.square().sum(dim=-1)


@checked
def square_gradient(mu: Tensor, sigma: Tensor) -> Gradient:
    """E[|z|^2] = sum mu^2 + sigma^2, hence 2 mu and 2 sigma, each (L,)."""
    return Gradient(2 * mu, 2 * sigma)


@checked(draws=AT_LEAST_1)
def square_pathwise_variance(mu: Tensor, sigma: Tensor, draws: int = 1) -> Gradient:
    """Variance of `pathwise` for the square, each (L,); it does not know about other dimensions.

    One draw of the mean's derivative is 2 z, of sigma's it is 2 z eps.
    """
    by_sigma = 4 * mu.square() + 8 * sigma.square()
    return Gradient(4 * sigma.square() / draws, by_sigma / draws)


@dataclass(frozen=True)
class _Moments:
    """Moments of f = |z|^2 weighted by the squared score w = sigma^2 s^2, for each of L scores.

    one = E[w], first = E[f w], second = E[f^2 w], all of shape (L,).
    """

    one: float
    first: Tensor
    second: Tensor

    def about(self, b: Tensor | float) -> Tensor:
        """E[(f - b)^2 w], the second moment with baseline b, of shape (L,)."""
        return self.second - 2 * b * self.first + self.one * b**2


def _moments(mu: Tensor, sigma: Tensor) -> tuple[_Moments, _Moments]:
    """The weighted moments for the score of mu (w = eps^2) and of sigma (w = (eps^2 - 1)^2)."""
    m2, s2 = mu.square(), sigma.square()
    mean, variance = m2 + s2, 4 * m2 * s2 + 2 * s2.square()  # of each z_l^2
    rest = mean.sum() - mean  # E of the other dimensions' share of f
    rest_square = variance.sum() - variance + rest.square()

    def combine(one: float, first: Tensor, second: Tensor) -> _Moments:
        # f = z_l^2 + rest, and the rest is independent of eps_l
        return _Moments(one, first + one * rest, second + 2 * first * rest + one * rest_square)

    return (
        combine(1.0, m2 + 3 * s2, m2.square() + 18 * m2 * s2 + 15 * s2.square()),
        combine(2.0, 2 * m2 + 10 * s2, 2 * m2.square() + 60 * m2 * s2 + 78 * s2.square()),
    )


@checked(draws=AT_LEAST_1)
def square_score_variance(
    mu: Tensor, sigma: Tensor, draws: int = 1, *, baseline: float | Gradient = 0.0
) -> Gradient:
    """Variance of `score_function` with a constant baseline for the square, each (L,).

    At L = 1, mu = sigma = 1 without baseline: 30 for the mean's derivative, 136 for sigma's.
    """
    baselines: list[Tensor | float]
    baselines = [*baseline] if isinstance(baseline, Gradient) else [baseline, baseline]
    true, moments, s2 = square_gradient(mu, sigma), _moments(mu, sigma), sigma.square()
    return Gradient(
        *(
            (m.about(b) / s2 - t.square()) / draws
            for m, b, t in zip(moments, baselines, true, strict=True)
        )
    )


@checked
def square_best_baseline(mu: Tensor, sigma: Tensor) -> Gradient:
    """The constants with the least variance, E[f s^2] / E[s^2]; each derivative has its own."""
    return Gradient(*(m.first / m.one for m in _moments(mu, sigma)))


@checked(draws=AT_LEAST_1)
def square_leave_one_out_variance(mu: Tensor, sigma: Tensor, draws: int) -> Gradient:
    """Variance of `score_function` with `leave_one_out` for the square, each (L,).

    The estimate is the sample covariance of f and the score s (divided by K - 1), so the formula
    is that of a sample covariance: it needs E[(f - Ef)^2 s^2], Cov(f, s), Var f and Var s.

    Raises:
        ValueError: for fewer than two draws.
    """
    if draws < 2:
        raise ValueError(f"leave_one_out needs at least 2 draws, but draws is {draws}")
    m2, s2 = mu.square(), sigma.square()
    mean, variance = (m2 + s2).sum(), (4 * m2 * s2 + 2 * s2.square()).sum()
    true, moments = square_gradient(mu, sigma), _moments(mu, sigma)
    return Gradient(
        *(
            (
                m.about(mean) / s2
                - (draws - 2) / (draws - 1) * t.square()
                + variance * m.one / s2 / (draws - 1)
            )
            / draws
            for m, t in zip(moments, true, strict=True)
        )
    )
