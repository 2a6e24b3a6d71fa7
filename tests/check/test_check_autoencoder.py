"""Chapter 1's checks: what students write, right and wrong (judged by test_check_tables.py),
and our own right answers against independent oracles."""

import functools
import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA

from vae_teach import check
from vae_teach.check import autoencoder
from vae_teach.check.autoencoder import mixture_size
from vae_teach.check.engine.exercise import evaluate


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


ANSWERS = {"size_of_a_mixture"}


SIZES = (1, 2, 5, 10, 20, 40)


@functools.cache
def fits(fitted="training", *, start=(0, "kmeans"), **how):
    """{size: (training, validation)}, as a student would compute them."""
    return {size: mixture_size.scores(fitted, size, start=start, **how) for size in SIZES}


def mixtures(fitted="training", *, choice=10, change=tuple, **how):
    """An answer to exercise 1.3, made as it should be or otherwise."""
    table = {size: change(pair) for size, pair in fits(fitted, **how).items()}
    return {"table": table, "choice": choice}


def by_numpy():
    """Another start of EM, scores as arrays, keys and choice of NumPy."""
    table = {np.int64(size): np.array(pair) for size, pair in fits(start=(3, "kmeans")).items()}
    return {"choice": np.int64(10), "table": table}


def from_random_codes():
    """Another first guess, from which another size may be the best: the own table decides."""
    table = fits(start=(0, "random_from_data"))
    return {"table": table, "choice": max(table, key=lambda size: table[size][1])}


def with_entry(size, pair):
    answer = mixtures()
    return {**answer, "table": {**answer["table"], size: pair}}


def outside_in_a_sample(sd, latent_dim):
    z = sd * torch.randn(200_000, latent_dim)
    return (z.abs() < 1).all(dim=1).double().mean()


def remembering(answer):
    """Keeps what it found in the first call with each k, as a cache at the wrong place does."""
    known = {}

    def of_the_first(t, x, k):
        t = known.setdefault(k, t.clone())
        return answer(t, x, k)

    return of_the_first


RIGHT = {
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
    "size_of_a_mixture": {
        "as-in-the-solution": mixtures(),
        "another-start": by_numpy(),
        "from-random-codes": from_random_codes(),
        "with-more-sizes": with_entry(3, (-2.5, -2.6)),
        "tensors": mixtures(change=lambda pair: [torch.tensor(v) for v in pair]),
    },
}  # fmt: skip

WRONG = {
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
        "components-not-centred": lambda t, x, k: pca_by_svd(
            t, x, k, components=lambda vh: torch.linalg.svd(t).Vh[:k]
        ),
        "divided-by-the-spread": lambda t, x, k: pca_by_svd(
            t,
            x,
            k,
            components=lambda vh: vh[:k] / torch.linalg.svd(t - t.mean(0))[1][:k, None].sqrt(),
        ),
        "clamped": lambda t, x, k: pca_by_svd(t, x, k).clamp(0, 1),
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
        "one-side-of-zero": lambda sd, n: (NormalDist(0, sd).cdf(1) - 0.5) ** n,
        "log": lambda sd, n: n * math.log(inside(sd)),
        "not-exact": outside_in_a_sample,
    },
    "size_of_a_mixture": {
        "still-open": with_entry(5, None),
        "swapped": mixtures(change=lambda pair: pair[::-1]),
        "training-twice": mixtures(change=lambda pair: (pair[0], pair[0]), choice=40),
        "validation-twice": mixtures(change=lambda pair: (pair[1], pair[1])),
        "costs": mixtures(change=lambda pair: (-pair[0], -pair[1])),
        "densities": mixtures(change=lambda pair: (math.exp(pair[0]), math.exp(pair[1]))),
        "bits": mixtures(change=lambda pair: (pair[0] / math.log(2), pair[1] / math.log(2))),
        "per-dimension": mixtures(change=lambda pair: (pair[0] / 2, pair[1] / 2)),
        "differences": mixtures(change=lambda pair: (pair[0], pair[0] - pair[1])),
        "zeros": with_entry(5, (0.0, 0.0)),
        "alike": {"table": dict.fromkeys(SIZES, (-2.66, -2.7)), "choice": 1},
        "totals": mixtures(change=lambda pair: (300 * pair[0], 2_000 * pair[1])),
        "fitted-on-validation": mixtures("validation", choice=40),
        "diag-covariances": mixtures(covariance_type="diag"),
        "spherical-covariances": mixtures(covariance_type="spherical"),
        "tied-covariances": mixtures(covariance_type="tied"),
        "noisy": with_entry(2, (-2.6, -2.8)),
        "other": with_entry(5, (-2.05, -1.05)),
        "no-choice": mixtures(choice=None),
        "no-size": mixtures(choice=3),
        "by-training": mixtures(choice=40),
        "not-the-best": mixtures(choice=5),
    },
}

UNNAMED = {
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
        "remembered": (
            remembering(pca_by_svd),
            "for a later call of the same sizes",
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
    "size_of_a_mixture": {
        "a-size-missing": ({"table": {1: (-2.7, -2.7)}, "choice": 1}, "lacks size = 2, 5, 10,"),
        "one-column": (with_entry(5, -2.05), "size = 5 has 1 number:"),
        "fitted-on-both": (mixtures("both", choice=20), "have seen the validation codes"),
        "a-word": (mixtures(choice="ten"), "Your answer for choice is a str"),
        "no-dictionary": ([10], "Your answer is a list"),
        "another-start-of-other-codes": (with_entry(1, (-2.7, -1.7)), "size = 1 your validation"),
    },
}


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


def test_one_size_is_best_on_validation_codes_from_every_start():
    """An exercise whose right choice depends on the random state of the student's fit."""
    for seed in range(3):
        table = fits(start=(seed, "kmeans"))
        training = [table[size][0] for size in SIZES]
        assert max(SIZES, key=lambda size: table[size][1]) == 10
        assert training == sorted(training)


def test_the_codes_are_new_and_the_same_every_time():
    """Codes handed out once: a student who changes them in place would be judged on others."""
    one, two = check.codes_to_fit(), check.codes_to_fit()
    assert [tuple(codes.shape) for codes in one] == [(300, 2), (2000, 2)]
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
        assert a.data_ptr() != b.data_ptr()


@pytest.mark.parametrize("start", [(20, "kmeans"), (21, "k-means++"), (22, "random_from_data")])
@pytest.mark.parametrize("size", [1, 5, 10])
def test_the_ranges_of_the_table_hold_for_another_start(size, start):
    """Ranges typed wrongly, or of one start only, refuse a right table."""
    found = mixture_size.scores("training", size, start=start)
    for value, (low, high) in zip(found, mixture_size.RANGES[size], strict=True):
        assert low - mixture_size.SLACK < value < high + mixture_size.SLACK
