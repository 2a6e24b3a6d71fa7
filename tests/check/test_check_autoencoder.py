"""Chapter 1's checks: what students write, right and wrong (judged by test_check_tables.py),
and our own right answers against independent oracles."""

import math
from itertools import combinations, pairwise
from statistics import NormalDist

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from sklearn.decomposition import PCA

from vae_teach.check import autoencoder
from vae_teach.check.engine.exercise import evaluate


def loop_squared_error(x, x_hat):
    return torch.stack(
        [
            sum((a - b) ** 2 for a, b in zip(*rows, strict=True))
            for rows in zip(x, x_hat, strict=True)
        ]
    )


def linear_layers(sizes):
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    return sum(p.numel() for p in torch.nn.Sequential(*layers).parameters())


def pca_by_svd(train, x, k, *, components=None, centre=None, back=True):
    m = train.mean(dim=0)
    _, _, vh = torch.linalg.svd(train - m, full_matrices=False)
    v = vh[:k] if components is None else components(vh)
    c = m if centre is None else centre
    return (x - c) @ v.T @ v + (c if back else 0)


def pca_by_eigh(train, x, k):
    m = train.mean(dim=0, keepdim=True)
    _, vectors = torch.linalg.eigh((train - m).T @ (train - m))
    v = -vectors[:, -k:]  # the sign of a component is nobody's business
    return m + (x - m) @ v @ v.T


def pca_by_sklearn(train, x, k):
    pca = PCA(n_components=k).fit(train.numpy())
    return pca.inverse_transform(pca.transform(x.numpy()))


def inside(sd):
    return NormalDist(0, sd).cdf(1) - NormalDist(0, sd).cdf(-1)


def outside_in_a_sample(sd, latent_dim):
    z = sd * torch.randn(200_000, latent_dim)
    return (z.abs() < 1).all(dim=1).double().mean()


RIGHT = {
    "squared_error": {
        "sum": lambda x, x_hat: ((x - x_hat) ** 2).sum(dim=1),
        "mse-unreduced": lambda x, x_hat: F.mse_loss(x_hat, x, reduction="none").sum(1),
        "expanded": lambda x, x_hat: (x @ x.T + x_hat @ x_hat.T - x @ x_hat.T - x_hat @ x.T).diag(),
        "loop": loop_squared_error,
        "norm-squared": lambda x, x_hat: torch.linalg.vector_norm(x_hat - x, dim=-1) ** 2,
    },
    "count_parameters": {
        "loop": lambda sizes: sum((a + 1) * b for a, b in pairwise(sizes)),
        "numpy": lambda sizes: np.dot(sizes[:-1], sizes[1:]) + np.sum(sizes[1:]),
        "layers": linear_layers,
        "tensor": lambda sizes: ((torch.tensor(sizes[:-1]) + 1) * torch.tensor(sizes[1:])).sum(),
    },
    "pca_reconstruct": {
        "svd": pca_by_svd,
        "eigh": pca_by_eigh,
        "sklearn": pca_by_sklearn,
        "least-squares": lambda t, x, k: (
            t.mean(0) + (x - t.mean(0)) @ (lambda v: v @ torch.linalg.pinv(v))(
                torch.linalg.svd((t - t.mean(0)).T).U[:, :k]
            )
        ),
    },
    "share_inside": {
        "erf": lambda sd, n: math.erf(1 / sd / 2**0.5) ** n,
        "stdlib": lambda sd, n: inside(sd) ** n,
        "ndtr": lambda sd, n: (2 * torch.special.ndtr(torch.tensor(1 / sd)) - 1) ** n,
        "torch-distributions": lambda sd, n: torch.distributions.Normal(0.0, sd)
        .cdf(torch.tensor([-1.0, 1.0]).repeat(n, 1))
        .diff()
        .prod(),
    },
}  # fmt: skip

WRONG = {
    "squared_error": {
        "mean-over-pixels": lambda x, x_hat: F.mse_loss(x, x_hat, reduction="none").mean(1),
        "total-over-batch": lambda x, x_hat: F.mse_loss(x, x_hat, reduction="sum"),
        "mean-over-batch": lambda x, x_hat: F.mse_loss(x, x_hat, reduction="sum") / len(x),
        "mean-over-everything": lambda x, x_hat: F.mse_loss(x, x_hat),
        "sum-over-the-batch-axis": lambda x, x_hat: ((x - x_hat) ** 2).sum(0),
        "absolute-error": lambda x, x_hat: F.l1_loss(x, x_hat, reduction="none").sum(1),
        "plain-difference": lambda x, x_hat: abs((x_hat - x).sum(1)),
        "norm": lambda x, x_hat: torch.linalg.vector_norm(x - x_hat, dim=1),
        "half": lambda x, x_hat: ((x - x_hat) ** 2).sum(1) / 2,
        "difference-of-squares": lambda x, x_hat: (x_hat**2 - x**2).sum(1),
        "squared-after-the-sum": lambda x, x_hat: (x - x_hat).sum(1) ** 2,
        "negative": lambda x, x_hat: -((x - x_hat) ** 2).sum(1),
        "not-summed": lambda x, x_hat: F.mse_loss(x, x_hat, reduction="none"),
        "root-of-the-mean": lambda x, x_hat: ((x - x_hat) ** 2).mean(1) ** 0.5,
    },
    "count_parameters": {
        "no-biases": lambda sizes: sum(a * b for a, b in pairwise(sizes)),
        "one-bias-per-layer": lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)),
        "biases-of-the-inputs": lambda sizes: sum(a * (b + 1) for a, b in pairwise(sizes)),
        "bias-for-every-size": lambda sizes: np.dot(sizes[:-1], sizes[1:]) + sum(sizes),
        "product-of-sizes": lambda sizes: np.prod(sizes),
        "biases-only": lambda sizes: sum(sizes) - sizes[0],
        "last-bias-missing": lambda sizes: linear_layers(sizes) - sizes[-1],
        "first-bias-missing": lambda sizes: linear_layers(sizes) - sizes[1],
        "one-bias-in-all": lambda sizes: 1 + sum(a * b for a, b in pairwise(sizes)),
        "one-layer": lambda sizes: (sizes[0] + 1) * sizes[1],
        "plus-one-on-both-sides": lambda sizes: sum((a + 1) * (b + 1) for a, b in pairwise(sizes)),
        "biases-on-both-sides": lambda sizes: sum(a * b + a + b for a, b in pairwise(sizes)),
        "every-pair": lambda sizes: (
            sum(a * b for a, b in combinations(sizes, 2)) + sum(sizes) - sizes[0]
        ),
        "units-only": sum,
        "last-layer-missing": lambda sizes: sum((a + 1) * b for a, b in pairwise(sizes[:-1])),
        "there-and-back": lambda sizes: linear_layers(sizes) + linear_layers(sizes[::-1]),
    },
    "pca_reconstruct": {
        "codes": lambda t, x, k: PCA(k).fit(t.numpy()).transform(x.numpy()),
        "not-centred-at-all": lambda t, x, k: (
            x @ (v := torch.linalg.eigh(t.T @ t)[1][:, -k:]) @ v.T
        ),
        "x-not-centred": lambda t, x, k: pca_by_svd(t, x, k, centre=0) + t.mean(0),
        "x-not-centred-no-mean": lambda t, x, k: pca_by_svd(t, x, k, centre=0),
        "mean-not-added-back": lambda t, x, k: pca_by_svd(t, x, k, back=False),
        "mean-of-x": lambda t, x, k: pca_by_svd(t, x, k, centre=x.mean(0)),
        "fitted-on-x": lambda t, x, k: pca_by_sklearn(x, x, k),
        "smallest-components": lambda t, x, k: pca_by_svd(t, x, k, components=lambda vh: vh[-k:]),
        "one-component-too-many": lambda t, x, k: pca_by_sklearn(t, x, k + 1),
        "one-component-too-few": lambda t, x, k: pca_by_svd(t, x, k - 1),
        "columns-of-vh": lambda t, x, k: pca_by_svd(t, x, k, components=lambda vh: vh[:, :k].T),
        "x-unchanged": lambda t, x, k: pca_by_sklearn(t, x, x.shape[1]),
        "centre-of-each-picture": lambda t, x, k: (
            x.mean(1, keepdim=True)
            + pca_by_svd(
                t - t.mean(1, keepdim=True),
                x - x.mean(1, keepdim=True),
                k,
                centre=0,
                back=False,
                components=lambda vh: torch.linalg.svd(t - t.mean(1, keepdim=True)).Vh[:k],
            )
        ),
        "mean-only": lambda t, x, k: t.mean(0).repeat(len(x), 1),
        "standardised": lambda t, x, k: pca_by_svd(t / t.std(0), x / t.std(0), k) * t.std(0),
        "rows-of-eigh": lambda t, x, k: pca_by_svd(
            t,
            x,
            k,
            components=lambda vh: torch.linalg.eigh(
                (t - t.mean(0)).T @ (t - t.mean(0))
            ).eigenvectors[-k:],
        ),
        "first-component-skipped": lambda t, x, k: pca_by_svd(
            t, x, k, components=lambda vh: vh[1 : k + 1]
        ),
        "mean-twice": lambda t, x, k: pca_by_svd(t, x, k) + t.mean(0),
        "residual": lambda t, x, k: x - pca_by_svd(t, x, k),
        "fitted-on-both": lambda t, x, k: pca_by_sklearn(torch.cat([t, x]), x, k),
        "weighted-by-the-spread": lambda t, x, k: pca_by_svd(
            t,
            x,
            k,
            components=lambda vh: torch.linalg.svd(t - t.mean(0))[1][:k, None].sqrt() * vh[:k],
        ),
        "one-mean-for-all-pixels": lambda t, x, k: pca_by_svd(t, x, k, centre=t.mean()),
        "train-rebuilt": lambda t, x, k: pca_by_svd(t, t, k),
    },
    "share_inside": {
        "one-coordinate": lambda sd, n: inside(sd),
        "one-sided": lambda sd, n: NormalDist(0, sd).cdf(1) ** n,
        "sd-as-variance": lambda sd, n: inside(sd**0.5) ** n,
        "sd-ignored": lambda sd, n: inside(1) ** n,
        "complement": lambda sd, n: 1 - inside(sd) ** n,
        "all-outside": lambda sd, n: (2 * NormalDist(0, sd).cdf(-1)) ** n,
        "added": lambda sd, n: sum(inside(sd) for _ in range(n)),
        "at-least-one": lambda sd, n: 1 - (1 - inside(sd)) ** n,
        "ball": lambda sd, n: stats.chi2(n).cdf(1 / sd**2),
        "dimension-as-a-factor": lambda sd, n: inside(sd) / n,
        "one-dimension-off": lambda sd, n: inside(sd) ** (n - 1),
        "bound-of-the-union": lambda sd, n: 1 - n * (1 - inside(sd)),
        "bounds-not-divided": lambda sd, n: inside(1 / sd) ** n,
        "root-two": lambda sd, n: math.erf(1 / sd) ** n,
        "sd-of-the-sum": lambda sd, n: inside(sd * n**0.5),
        "log": lambda sd, n: n * math.log(inside(sd)),
        "not-exact": outside_in_a_sample,
    },
}

UNNAMED = {
    "squared_error": {
        "squeezed": (
            lambda x, x_hat: ((x - x_hat) ** 2).sum(1).squeeze(),
            "for a batch of one the shape is () where (1,) is asked",
        ),
        "eight-pixels-at-most": (
            lambda x, x_hat: ((x - x_hat) ** 2)[:, :8].sum(1),
            "for an axis D of size 9 entry [0] of the result",
        ),
        "column": (
            lambda x, x_hat: ((x - x_hat) ** 2).sum(1, keepdim=True),
            "Your values are right, but the shape is (2, 1) where (2,) is asked",
        ),
        "detached": (lambda x, x_hat: ((x - x_hat) ** 2).sum(1).detach(), "no gradient can flow"),
        "in-place": (lambda x, x_hat: x.sub_(x_hat).square().sum(1), "changes its argument x"),
        "three-times": (lambda x, x_hat: 3 * ((x - x_hat) ** 2).sum(1), "3 times the right ones"),
        "plus-one": (lambda x, x_hat: ((x - x_hat) ** 2).sum(1) + 1, "the right ones plus 1,"),
        "float-list": (
            lambda x, x_hat: ((x - x_hat) ** 2).sum(1).tolist(),
            "they come as a list: return a torch tensor",
        ),
        "detaching-numpy": (
            lambda x, x_hat: ((x.numpy() - x_hat.numpy()) ** 2).sum(1),
            "that require a gradient, with RuntimeError (\"Can't call numpy()",
        ),
        "no-return": (lambda x, x_hat: None, "is its `return` missing?"),
        "number-of-pixels-written-out": (
            lambda x, x_hat: ((x - x_hat) ** 2)[:, :3].sum(1),
            "x = a tensor of shape (4, 7)",
        ),
        "first-pixel-lost": (
            lambda x, x_hat: ((x - x_hat) ** 2)[:, 1:].sum(1),
            "entry [0] of the result should be 0.5, but yours is 0.49",
        ),
        "without-gradient-in-x-hat": (
            lambda x, x_hat: ((x - x_hat.detach()) ** 2).sum(1) + 0 * x_hat.sum(),
            "their gradient with respect to x_hat is wrong",
        ),
    },
    "count_parameters": {
        "both-halves": (lambda sizes: 2 * linear_layers(sizes), "2 times the right ones"),
        "list-emptied": (
            lambda sizes: sum((sizes.pop(0) + 1) * sizes[0] for _ in range(len(sizes) - 1)),
            "changes its argument sizes in place",
        ),
        "per-layer": (
            lambda sizes: [(a + 1) * b for a, b in pairwise(sizes)],
            "not summed yet: sum over axis 0",
        ),
        "one-too-few": (
            lambda sizes: linear_layers(sizes) - 1,
            "the result should be 8, but yours is 7",
        ),
        "three-layers-at-most": (
            lambda sizes: linear_layers(sizes[:4]),
            "the result should be 300, but yours is 116",
        ),
    },
    "pca_reconstruct": {
        "six-directions-at-most": (
            lambda t, x, k: pca_by_svd(t, x, min(k, 6)),
            "x = a tensor of shape (14, 12), k = 9, entry",
        ),
        "squeezed": (
            lambda t, x, k: pca_by_svd(t, x, k).squeeze(),
            "for a batch of one the shape is (5,) where (1, 5) is asked",
        ),
        "covariance-of-too-few": (
            lambda t, x, k: (
                (
                    t.mean(0)
                    + (x - t.mean(0))
                    @ torch.linalg.solve((t - t.mean(0)).T @ (t - t.mean(0)), torch.eye(t.shape[1]))
                )
                if len(t) < t.shape[1]
                else pca_by_svd(t, x, k)
            ),
            "k = 4 (fewer examples than pixels), entry [0, 0]",
        ),
        "transposed": (lambda t, x, k: pca_by_svd(t, x, k).T, "the axes are in another order"),
        "in-place": (
            lambda t, x, k: (x.sub_(t.mean(0)), pca_by_svd(t, x, k, centre=0) + t.mean(0))[1],
            "changes its argument x in place",
        ),
        "complex": (
            lambda t, x, k: torch.linalg.eig((t - t.mean(0)).T @ (t - t.mean(0)))[1][:k] + x[0, 0],
            "complex numbers",
        ),
    },
    "share_inside": {
        "percent": (lambda sd, n: 100 * inside(sd) ** n, "100 times the right ones"),
        "nan": (lambda sd, n: float("nan"), "contains NaN"),
        "rounded": (
            lambda sd, n: round(inside(sd) ** n, 3),
            "rounded to 3 decimals: return all their digits",
        ),
        "none": (lambda sd, n: print(end=""), "returned None"),
    },
}


def test_parameters_of_the_published_encoder():
    """A count off by the biases: 784-250-16 has 200,266 parameters (Keras prints it in 001r)."""
    assert autoencoder.COUNT_PARAMETERS.right([784, 250, 16]) == 200_266
    assert autoencoder.COUNT_PARAMETERS.right([16, 320, 784]) == 257_104


def test_share_inside_agrees_with_the_numbers_of_the_book():
    """Of 16-dimensional codes, 0.962 lie in tanh's range at sd 0.33, but 0.0022 at sd 1."""
    assert autoencoder.SHARE_INSIDE.right(0.33, 16) == pytest.approx(0.962, abs=5e-4)
    assert autoencoder.SHARE_INSIDE.right(1.0, 16) == pytest.approx(0.0022, abs=5e-5)


def test_our_pca_is_sklearns():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in autoencoder.PCA_RECONSTRUCT.cases():
        ours = evaluate(autoencoder.PCA_RECONSTRUCT.right, case)
        args = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in case.args.items()}
        np.testing.assert_allclose(ours, pca_by_sklearn(**args), rtol=1e-10)
