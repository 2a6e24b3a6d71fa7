"""Checks for chapter 1, the autoencoder: PCA beside it, its code space, a density of its codes.

Shapes: B batch, D pixels, N training examples.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict


def _cloud(n: int, b: int, d: int, k: int, **options) -> Case:
    """Points spread differently along d rotated axes, and test points with another mean."""
    g = torch.Generator().manual_seed(n)
    axes = torch.linalg.qr(torch.randn(d, d, generator=g)).Q
    # Spreads far enough apart and not too small: float32 finds the components by any method.
    spread = 3.0 * (1.6 if d < 9 else 1.25) ** -torch.arange(d)
    train = torch.randn(n, d, generator=g) * spread @ axes.T + torch.linspace(1, 3, d)
    x = torch.randn(b, d, generator=g) * spread @ axes.T + torch.linspace(2, -1, d)
    return Case({"train": train, "x": x, "k": k}, **options)


def _components(train: Tensor, k: int) -> Tensor:
    """The k directions of largest variance, as columns (D, k)."""
    return _components_of(train - train.mean(0), k)


def _components_of(centred: Tensor, k: int) -> Tensor:
    return torch.linalg.svd(centred, full_matrices=False).Vh[:k].T


def _standardised(train: Tensor, x: Tensor, k: int, correction: int) -> Tensor:
    mean, sd = train.mean(0), train.std(0, correction=correction)
    v = _components((train - mean) / sd, k)
    return _project((x - mean) / sd, v, 0.0) * sd + mean


def _project(
    x: Tensor, v: Tensor, centre: Tensor | float, back: Tensor | float | None = None
) -> Tensor:
    return (x - centre) @ v @ v.T + (centre if back is None else back)


def _columns_of_vh(train: Tensor, x: Tensor, k: int) -> Tensor:
    # In float32, as a student would: which sign a component gets decides the mixed-up result.
    train = train.float()
    v = torch.linalg.svd(train - train.mean(0), full_matrices=False).Vh[:, :k].double()
    return _project(x, v, train.double().mean(0))


def _rows_of_eigh(train: Tensor, x: Tensor, k: int) -> Tensor:
    # In float32 for the same reason.
    centred = (train - train.mean(0)).float()
    v = torch.linalg.eigh(centred.T @ centred).eigenvectors[-k:].double().T
    return _project(x, v, train.mean(0))


def _weighted_by_the_spread(train: Tensor, x: Tensor, k: int) -> Tensor:
    _, spread, vh = torch.linalg.svd(train - train.mean(0), full_matrices=False)
    return (x - train.mean(0)) @ vh[:k].T * spread[:k] @ vh[:k] + train.mean(0)


def _divided_by_the_spread(train: Tensor, x: Tensor, k: int) -> Tensor:
    _, spread, vh = torch.linalg.svd(train - train.mean(0), full_matrices=False)
    return (x - train.mean(0)) @ vh[:k].T / spread[:k] @ vh[:k] + train.mean(0)


PCA_RECONSTRUCT = Exercise(
    name="pca_reconstruct",
    right=lambda t, x, k: _project(x, _components(t, k), t.mean(0)),
    cases=lambda: [
        _cloud(30, 8, 5, 2),
        _cloud(40, 9, 6, 1),
        _cloud(50, 7, 4, 3),
        _cloud(60, 14, 12, 9),
        _cloud(7, 3, 10, 4, note="fewer examples than pixels", hard=True),
        _cloud(45, 3, 5, 5, note="as many components as pixels", hard=True),
    ],
    roles={"train": Role("ND"), "x": Role("BD")},
    fixed="ND",
    mistakes=(
        Mistake(
            "codes",
            "You return the codes, shape (B, k): map them back to pixels and add the mean.",
            matches=lambda got, want, t, x, k: got.shape == (len(x), k),
        ),
        Mistake(
            "not-centred-at-all",
            "You do not centre: subtract the mean of train before finding the components, "
            "and add it back at the end.",
            lambda t, x, k: _project(x, torch.linalg.svd(t).Vh[:k].T, 0.0),
        ),
        Mistake(
            "x-not-centred",
            "You centre train but project x as it is: subtract the mean of train from x first.",
            lambda t, x, k: _project(x, _components(t, k), 0.0, t.mean(0)),
        ),
        Mistake(
            "x-not-centred-no-mean",
            "You centre train to find the components, but not x: subtract the mean of train "
            "from x, and add it back at the end.",
            lambda t, x, k: _project(x, _components(t, k), 0.0),
        ),
        Mistake(
            "mean-not-added-back",
            "Your reconstruction lacks the mean: add the mean of train back at the end.",
            lambda t, x, k: _project(x, _components(t, k), t.mean(0), 0.0),
        ),
        Mistake(
            "mean-of-x",
            "You centre x by its own mean: the mean, like the components, belongs to train.",
            lambda t, x, k: _project(x, _components(t, k), x.mean(0)),
        ),
        Mistake(
            "fitted-on-x",
            "You found the components of x: they are to be learned from train only.",
            (
                lambda t, x, k: _project(x, _components(x, k), x.mean(0)),
                lambda t, x, k: _project(x, _components(x, k), t.mean(0)),
            ),
        ),
        Mistake(
            "smallest-components",
            "You keep the k smallest components: eigh sorts them in ascending order, "
            "so take the last k.",
            lambda t, x, k: _project(x, _components(t, t.shape[1])[:, -k:], t.mean(0)),
        ),
        Mistake(
            "one-component-too-many",
            "You keep k + 1 components: look for an index that is off by one.",
            lambda t, x, k: _project(x, _components(t, k + 1), t.mean(0)),
        ),
        Mistake(
            "one-component-too-few",
            "You keep k - 1 components: look for an index that is off by one.",
            lambda t, x, k: _project(x, _components(t, k - 1), t.mean(0)),
        ),
        Mistake(
            "columns-of-vh",
            "You take columns of Vh as components: torch.linalg.svd returns them as its rows.",
            _columns_of_vh,
        ),
        Mistake(
            "centre-of-each-picture",
            "You centre each picture by its own mean: subtract the mean picture of train, dim=0.",
            lambda t, x, k: (
                _project(
                    x - x.mean(1, keepdim=True), _components_of(t - t.mean(1, keepdim=True), k), 0.0
                )
                + x.mean(1, keepdim=True)
            ),
        ),
        Mistake(
            "mean-only",
            "You return the mean of train for every picture: add the projection of x.",
            lambda t, x, k: t.mean(0).expand_as(x),
        ),
        Mistake(
            "standardised",
            "You divide by the standard deviations of the pixels before you look for components: "
            "subtract the mean only.",
            (
                lambda t, x, k: _standardised(t, x, k, correction=1),
                lambda t, x, k: _standardised(t, x, k, correction=0),
            ),
        ),
        Mistake(
            "rows-of-eigh",
            "You take rows of the eigenvectors: torch.linalg.eigh returns them as its columns.",
            _rows_of_eigh,
        ),
        Mistake(
            "first-component-skipped",
            "You skip the first component: count from 0.",
            lambda t, x, k: _project(x, _components(t, k + 1)[:, 1:], t.mean(0)),
        ),
        Mistake(
            "mean-twice",
            "You add the mean of train twice: add it back once, at the end.",
            lambda t, x, k: _project(x, _components(t, k), t.mean(0)) + t.mean(0),
        ),
        Mistake(
            "residual",
            "You return what the components leave out: return the reconstruction itself.",
            lambda t, x, k: x - _project(x, _components(t, k), t.mean(0)),
        ),
        Mistake(
            "fitted-on-both",
            "You fit train and x together: the mean and the components come from train only.",
            lambda t, x, k: _project(
                x, _components(torch.cat([t, x]), k), torch.cat([t, x]).mean(0)
            ),
        ),
        Mistake(
            "weighted-by-the-spread",
            "You multiply the codes by the singular values: the codes are projections as they are.",
            _weighted_by_the_spread,
        ),
        Mistake(
            "one-mean-for-all-pixels",
            "You subtract one number, the mean over everything: each pixel has a mean, dim=0.",
            (
                lambda t, x, k: _project(x, _components(t, k), t.mean()),
                lambda t, x, k: _project(x, _components_of(t - t.mean(), k), t.mean()),
            ),
        ),
        Mistake(
            "components-not-centred",
            "You find the components of train as it is: subtract its mean before you do.",
            lambda t, x, k: _project(x, _components_of(t, k), t.mean(0)),
        ),
        Mistake(
            "divided-by-the-spread",
            "You divide the codes by the singular values: the codes are projections as they are.",
            _divided_by_the_spread,
        ),
        Mistake(
            "clamped",
            "You clamp the result to [0, 1]: the data of this check, like PCA, know no such range.",
            lambda t, x, k: _project(x, _components(t, k), t.mean(0)).clamp(0, 1),
        ),
        Mistake(
            "train-rebuilt",
            "You rebuild train: it is x that is to be rebuilt.",
            lambda t, x, k: _project(t, _components(t, k), t.mean(0)),
        ),
        Mistake(
            "x-unchanged",
            "You return x itself, or keep every component: keep only k of them.",
            lambda t, x, k: x,
        ),
    ),
)


@check(PCA_RECONSTRUCT)
def pca_reconstruct(student: Callable) -> Verdict:
    """Check f(train, x, k) -> (B, D): x rebuilt from k principal components of train (N, D)."""
    return judge(student, PCA_RECONSTRUCT)


def _inside(sd: float) -> float:
    """P(-1 < z < 1) for one z ~ N(0, sd^2)."""
    return math.erf(1 / (sd * math.sqrt(2)))


SHARE_INSIDE = Exercise(
    name="share_inside",
    right=lambda sd, latent_dim: _inside(sd) ** latent_dim,
    cases=lambda: [
        Case({"sd": sd, "latent_dim": n})
        for sd, n in ((0.33, 16), (1.0, 16), (0.5, 3), (2.0, 4), (0.3, 100), (1.5, 1))
    ],
    mistakes=(
        Mistake(
            "one-coordinate",
            "That is the probability for one coordinate: all latent_dim must lie inside at once.",
            lambda sd, n: _inside(sd),
        ),
        Mistake(
            "one-sided",
            "You bound the codes from above only: they must also lie above -1.",
            lambda sd, n: (0.5 + 0.5 * _inside(sd)) ** n,
        ),
        Mistake(
            "sd-as-variance",
            "You read sd as the variance: it is the standard deviation, so divide by sd itself.",
            lambda sd, n: _inside(math.sqrt(sd)) ** n,
        ),
        Mistake(
            "sd-ignored",
            "You leave sd out: divide the bounds by it before looking them up.",
            lambda sd, n: _inside(1.0) ** n,
        ),
        Mistake(
            "complement",
            "That is the probability that at least one code lies outside: return 1 minus it.",
            lambda sd, n: 1 - _inside(sd) ** n,
        ),
        Mistake(
            "all-outside",
            "That is the probability that every code lies outside: take the inside of each.",
            lambda sd, n: (1 - _inside(sd)) ** n,
        ),
        Mistake(
            "added",
            "You add the probabilities of the coordinates: independent events multiply.",
            lambda sd, n: n * _inside(sd),
        ),
        Mistake(
            "at-least-one",
            "That is the probability that at least one code lies inside: all of them must.",
            lambda sd, n: 1 - (1 - _inside(sd)) ** n,
        ),
        Mistake(
            "ball",
            "That is the probability of a ball: each coordinate for itself must lie in (-1, 1), "
            "which is a box.",
            lambda sd, n: torch.special.gammainc(
                torch.tensor(n / 2, dtype=torch.float64),
                torch.tensor(0.5 / sd**2, dtype=torch.float64),
            ),
        ),
        Mistake(
            "dimension-as-a-factor",
            "You multiply by latent_dim: independent events multiply, so take the power.",
            (lambda sd, n: min(1.0, n * _inside(sd)), lambda sd, n: _inside(sd) / n),
        ),
        Mistake(
            "one-dimension-off",
            "Your exponent is latent_dim plus or minus 1: all latent_dim coordinates count.",
            (lambda sd, n: _inside(sd) ** (n - 1), lambda sd, n: _inside(sd) ** (n + 1)),
        ),
        Mistake(
            "bound-of-the-union",
            "You subtract latent_dim times the probability outside, which counts codes twice that "
            "lie outside in two coordinates: multiply the probabilities inside.",
            (
                lambda sd, n: 1 - n * (1 - _inside(sd)),
                lambda sd, n: max(0.0, 1 - n * (1 - _inside(sd))),
            ),
        ),
        Mistake(
            "bounds-not-divided",
            "You take the bounds times sd: divide them by it before looking them up.",
            lambda sd, n: _inside(1 / sd) ** n,
        ),
        Mistake(
            "root-two",
            "You call erf without the square root of 2: P(|z| < 1) is erf(1 / (sd sqrt(2))).",
            (lambda sd, n: math.erf(1 / sd) ** n, lambda sd, n: math.erf(1 / (2 * sd)) ** n),
        ),
        Mistake(
            "sd-of-the-sum",
            "You let the spread grow with latent_dim: each coordinate has the standard deviation "
            "sd, and each must lie inside.",
            (lambda sd, n: _inside(sd * math.sqrt(n)), lambda sd, n: _inside(sd * n)),
        ),
        Mistake(
            "one-side-of-zero",
            "You take the codes between 0 and 1: those between -1 and 0 lie inside too.",
            lambda sd, n: (0.5 * _inside(sd)) ** n,
        ),
        Mistake(
            "log",
            "You return the logarithm: return the probability itself.",
            lambda sd, n: n * math.log(_inside(sd)),
        ),
        Mistake(
            "not-exact",
            "Your values are close but not exact: compute them with the normal distribution "
            "function, for example torch.special.ndtr or math.erf.",
            matches=lambda got, want, sd, n: got.ndim == 0 and abs(got - want) < 0.02,
        ),
    ),
)


@check(SHARE_INSIDE)
def share_inside(student: Callable) -> Verdict:
    """Check f(sd, latent_dim) -> P(all latent_dim codes, each N(0, sd^2), lie in (-1, 1))."""
    return judge(student, SHARE_INSIDE)
