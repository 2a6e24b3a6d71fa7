"""The check of `gaussian_posterior` (chapter 4): mean and covariance of a linear-Gaussian model.

Shapes: B data points, D observed and L latent dimensions.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict

MEAN, COVARIANCE = "mean", "covariance"


def _identity(W: Tensor) -> Tensor:
    return torch.eye(W.shape[1], dtype=W.dtype)


def _precision(W: Tensor, sigma: float, *, power: int = 2, identity: float = 1.0) -> Tensor:
    return identity * _identity(W) + W.T @ W / sigma**power


def _posterior(W, b, sigma_x, x, *, power=2, identity=1.0, offset=1.0, scale=True):
    """The posterior, or what a student gets who leaves something out of the formula."""
    cov = torch.linalg.inv(_precision(W, sigma_x, power=power, identity=identity))
    mean = (x - offset * b) @ W @ cov / (sigma_x**power if scale else 1.0)
    return mean, cov


def _mean(**changes) -> Callable[..., Tensor]:
    return lambda *args: _posterior(*args, **changes)[0]


def _by_ridge(W: Tensor, b: Tensor, sigma_x: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of sigma^2 I + W^T W: the covariance without its factor sigma^2."""
    mean, cov = _posterior(W, b, sigma_x, x)
    return mean, cov / sigma_x**2


def _case(d: int, n_latent: int, b: int, sigma_x: float) -> Case:
    """With noise well away from 1, where sigma and its square agree."""
    g = torch.Generator().manual_seed(10 * d + n_latent)
    return Case(
        {
            "W": torch.randn(d, n_latent, generator=g),
            "b": torch.randn(d, generator=g),
            "sigma_x": sigma_x,
            "x": torch.randn(b, d, generator=g),
        }
    )


GAUSSIAN_POSTERIOR = Exercise(
    name="gaussian_posterior",
    right=_posterior,
    cases=lambda: [_case(4, 2, 3, 0.5), _case(3, 1, 5, 1.7), _case(5, 3, 2, 0.8)],
    roles={"W": Role("DL"), "b": Role("D"), "x": Role("BD")},
    ones="BDL",
    parts=(MEAN, COVARIANCE),
    mistakes=(
        Mistake(
            "sigma-not-squared",
            "You divide by sigma_x: the noise has variance sigma_x^2, in mean and covariance.",
            lambda *a: _posterior(*a, power=1),
        ),
        Mistake(
            "sigma-missing",
            "You leave the noise out: W^T W and W^T (x - b) are both divided by sigma_x^2.",
            lambda *a: _posterior(*a, power=0),
        ),
        Mistake(
            "identity-missing",
            "The prior is missing from the precision: add the identity to W^T W / sigma_x^2.",
            lambda *a: _posterior(*a, identity=0.0),
        ),
        Mistake(
            "order-swapped",
            "You return the covariance first: return mean, covariance.",
            lambda *a: _posterior(*a)[::-1],
        ),
        Mistake(
            "offset-missing",
            "You do not subtract b from x before you project it.",
            _mean(offset=0.0),
            part=MEAN,
        ),
        Mistake(
            "mean-of-x-for-b",
            "You subtract the mean of x: subtract b, which the model gives.",
            lambda W, b, s, x: _posterior(W, x.mean(0), s, x)[0],
            part=MEAN,
        ),
        Mistake(
            "offset-added",
            "You add b to x: subtract it.",
            _mean(offset=-1.0),
            part=MEAN,
        ),
        Mistake(
            "scale-missing-in-the-mean",
            "Your mean lacks its factor 1/sigma_x^2.",
            _mean(scale=False),
            part=MEAN,
        ),
        Mistake(
            "sigma-not-squared-in-the-mean",
            "Your mean is divided by sigma_x: divide it by sigma_x^2.",
            lambda W, b, s, x: s * _posterior(W, b, s, x)[0],
            part=MEAN,
        ),
        Mistake(
            "covariance-missing-in-the-mean",
            "Your mean is W^T (x - b) / sigma_x^2: multiply it by the covariance.",
            lambda W, b, s, x: (x - b) @ W / s**2,
            part=MEAN,
        ),
        Mistake(
            "projected-only",
            "Your mean is W^T (x - b): multiply it by the covariance and divide by sigma_x^2.",
            lambda W, b, s, x: (x - b) @ W,
            part=MEAN,
        ),
        Mistake(
            "least-squares",
            "Your mean is the code of least squares: the prior pulls it towards 0.",
            lambda *a: _posterior(*a, identity=0.0)[0],
            part=MEAN,
        ),
        Mistake(
            "mean-transposed",
            "Your mean is transposed: one row for each data point, shape (B, L).",
            lambda *a: _posterior(*a)[0].T,
            part=MEAN,
        ),
        Mistake(
            "mean-of-the-data",
            "You return the mean of x, W z + b, as the mean: it is the mean of z that is asked.",
            lambda W, b, s, x: _posterior(W, b, s, x)[0] @ W.T + b,
            part=MEAN,
        ),
        Mistake(
            "mean-over-batch",
            "You average over the batch: each data point has a posterior mean of its own.",
            (lambda *a: _posterior(*a)[0].mean(0), lambda *a: _posterior(*a)[0].mean()),
            part=MEAN,
        ),
        Mistake(
            "precision-for-covariance",
            "You return the precision: the covariance is its inverse.",
            lambda W, b, s, x: _precision(W, s),
            part=COVARIANCE,
        ),
        Mistake(
            "prior-covariance",
            "You return the covariance of the prior: the data must narrow it.",
            lambda W, b, s, x: _identity(W),
            part=COVARIANCE,
        ),
        Mistake(
            "sigma-not-squared-in-the-covariance",
            "Your precision holds W^T W / sigma_x: divide by sigma_x^2.",
            lambda *a: _posterior(*a, power=1)[1],
            part=COVARIANCE,
        ),
        Mistake(
            "identity-missing-in-the-covariance",
            "Your covariance leaves the prior out: add the identity to W^T W / sigma_x^2.",
            lambda *a: _posterior(*a, identity=0.0)[1],
            part=COVARIANCE,
        ),
        Mistake(
            "sigma-missing-in-the-covariance",
            "Your precision is I + W^T W: divide W^T W by sigma_x^2.",
            lambda *a: _posterior(*a, power=0)[1],
            part=COVARIANCE,
        ),
        Mistake(
            "factor-missing-in-the-covariance",
            "Your covariance is the inverse of sigma_x^2 I + W^T W: multiply that by sigma_x^2.",
            lambda *a: _by_ridge(*a)[1],
            part=COVARIANCE,
        ),
        Mistake(
            "covariance-of-the-data",
            "You return W W^T + sigma_x^2 I, the covariance of x: it is that of z given x that is "
            "asked.",
            lambda W, b, s, x: W @ W.T + s**2 * torch.eye(len(W), dtype=W.dtype),
            part=COVARIANCE,
        ),
        Mistake(
            "root-of-the-covariance",
            "You return a square root of the covariance: return the covariance itself.",
            (
                lambda *a: torch.linalg.cholesky(_posterior(*a)[1]),
                lambda *a: _posterior(*a)[1].sqrt(),
                lambda *a: _posterior(*a)[1].diagonal().sqrt().diag(),
            ),
            part=COVARIANCE,
        ),
        Mistake(
            "noise-covariance",
            "You return sigma_x^2 I, the covariance of x given z: it is that of z given x.",
            lambda W, b, s, x: s**2 * _identity(W),
            part=COVARIANCE,
        ),
        Mistake(
            "not-inverted",
            "You subtract W^T W / sigma_x^2 from the identity: add it, and invert.",
            lambda W, b, s, x: _identity(W) - W.T @ W / s**2,
            part=COVARIANCE,
        ),
        Mistake(
            "variances-only",
            "You return the variances only: the covariance is a matrix, shape (L, L).",
            lambda *a: _posterior(*a)[1].diagonal(),
            part=COVARIANCE,
        ),
        Mistake(
            "off-diagonal-dropped",
            "Your covariance is diagonal: the posterior's dimensions are correlated where the "
            "columns of W are not orthogonal.",
            (
                lambda *a: _posterior(*a)[1].diagonal().diag(),
                lambda W, b, s, x: (1 / _precision(W, s).diagonal()).diag(),
            ),
            part=COVARIANCE,
        ),
        Mistake(
            "one-for-each-point",
            "You return one covariance for each data point: it is the same for all, so return it "
            "once, shape (L, L).",
            lambda *a: _posterior(*a)[1].expand(len(a[3]), -1, -1),
            part=COVARIANCE,
        ),
    ),
)


def gaussian_posterior(student: Callable) -> Verdict:
    """Check f(W (D, L), b (D,), sigma_x, x (B, D)) -> (mean (B, L), covariance (L, L))."""
    return judge(student, GAUSSIAN_POSTERIOR)
