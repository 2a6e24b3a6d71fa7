"""Chapter 2's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from vae_teach.check import latent_variables
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.latent_variables import transform, width
from vae_teach.exact.evidence import log_mean_exp, sixteen_dimensions


def by_logsumexp(w):
    return torch.logsumexp(w, dim=0) - math.log(len(w))


def by_largest(w):
    top = w.max(dim=0).values
    return top + (w - top).exp().mean(dim=0).log()


def in_numpy(w):
    w = w.numpy()
    return np.logaddexp.reduce(w, axis=0) - np.log(len(w))


ANSWERS = {"width_of_q"}


def measured():
    """The table of exercise 2.3 measured as a student would, but for the long column."""
    g = torch.Generator().manual_seed(0)
    return {
        row: (
            *(width.errors(row, k, n, generator=g).mean() for k, n in ((10, 200), (1_000, 20))),
            width.MEASURED[row][0][2],
        )
        for row in (0.5, 2.0)
    }


def around(change):
    """The measured numbers of the module, changed as a slip would."""
    return {
        row: tuple(change(e, n) for e, n in zip(width.MEASURED[row][0], width.DRAWS, strict=True))
        for row in (0.5, 2.0)
    }


def uniform(z):
    return torch.special.ndtr(z)


RIGHT = {
    "log_mean_exp": {"logsumexp": by_logsumexp, "largest": by_largest, "numpy": in_numpy},
    "inverse_transform": {
        "rising": lambda z: -torch.log1p(-uniform(z)) / 1.5,
        "falling": lambda z: -uniform(z).log() / 1.5,
        "log-ndtr": lambda z: -torch.special.log_ndtr(-z) / 1.5,
        "scipy": lambda z: stats.expon(scale=1 / 1.5).ppf(stats.norm.cdf(z.numpy())),
    },
    "width_of_q": {
        "measured": measured(),
        "of-many-estimates": around(lambda e, n: e),
        "by-text": {str(row): list(width.MEASURED[row][0]) for row in (2.0, 0.5)},
    },
}

WRONG = {
    "log_mean_exp": {
        "mean-of-logs": lambda w: w.mean(dim=0),
        "sum-for-mean": lambda w: w.logsumexp(dim=0),
        "n-for-log-n": lambda w: w.logsumexp(dim=0) - w.shape[0],
        "log-n-added": lambda w: w.logsumexp(dim=0) + math.log(w.shape[0]),
        "divided-outside": lambda w: w.logsumexp(dim=0) / w.shape[0],
        "wrong-size": lambda w: w.logsumexp(dim=0) - math.log(w.shape[1]),
        "log-missing": lambda w: w.exp().mean(dim=0),
        "largest-only": lambda w: w.amax(dim=0),
        "largest-not-added-back": lambda w: (w - w.amax(dim=0)).exp().mean(dim=0).log(),
        "wrong-axis": lambda w: w.logsumexp(dim=1) - math.log(w.shape[1]),
        "everything": lambda w: w.flatten().logsumexp(dim=0) - math.log(w.numel()),
        "n-minus-one": lambda w: w.logsumexp(dim=0) - math.log(max(len(w) - 1, 1)),
        "log-n-to-another-base": lambda w: w.logsumexp(dim=0) - math.log2(len(w)),
        "largest-added-twice": lambda w: by_largest(w) + w.amax(dim=0),
        "bits": lambda w: by_logsumexp(w) / math.log(2),
        "underflow": lambda w: w.exp().mean(dim=0).log(),
        "clipped": lambda w: w.clamp(-50, 50).exp().mean(dim=0).log(),
    },
    "inverse_transform": {
        "shape": lambda z: -uniform(z).log()[:, None] / 1.5,
        "own-noise": lambda z: torch.distributions.Exponential(1.5).sample(z.shape),
        "z-as-uniform": lambda z: -torch.log(1 - z) / 1.5,
        "cdf-instead-of-inverse": lambda z: 1 - torch.exp(-1.5 * uniform(z)),
        "density": lambda z: 1.5 * torch.exp(-1.5 * z),
        "rate-as-scale": lambda z: -uniform(z).log() * 1.5,
        "rate-missing": lambda z: -uniform(z).log(),
        "other-than-phi": lambda z: -torch.sigmoid(z).log() / 1.5,
        "rate-inside": lambda z: -torch.log(1.5 * uniform(z)),
        "other-base": lambda z: -torch.log2(uniform(z)) / 1.5,
        "doubled": lambda z: -uniform(z).log() / 3,
        "negative": lambda z: uniform(z).log() / 1.5,
        "still-uniform": uniform,
        "still-normal": lambda z: z / 1.5,
        "not-finite": lambda z: -torch.log(1 - uniform(z).round()) / 1.5,
        "distribution": lambda z: uniform(z) ** 2,
        "others": lambda z: (-uniform(z).log() / 1.5).sort().values,
        "no-phi": lambda z: z.abs() / 1.5,
        "tails": lambda z: -torch.log(uniform(z).clamp(min=0.001)) / 1.5,
    },
    "width_of_q": {
        "signs": around(lambda e, n: -e),
        "estimates": around(lambda e, n: e - 22.709),
        "sum-for-mean": around(lambda e, n: e + math.log(n)),
        "swapped": {0.5: width.MEASURED[2.0][0], 2.0: width.MEASURED[0.5][0]},
        "variance": {0.5: width.MEASURED[0.5**0.5][0], 2.0: width.MEASURED[2**0.5][0]},
        "width-twice": {0.5: width.MEASURED[0.25][0], 2.0: width.MEASURED[4.0][0]},
        "noisy": {**around(lambda e, n: e), 2.0: (-3.9, -0.3, -0.3)},
        "other": {**around(lambda e, n: e), 0.5: (-3.2, -1.4, 5.0)},
        "still-open": {0.5: None, 2.0: width.MEASURED[2.0][0]},
        "spreads": {row: width.MEASURED[row][1] for row in (0.5, 2.0)},
        "log-of-the-mean": {0.5: (-1.2, -0.9, -0.6), 2.0: (-0.2, -0.05, 0.0)},
        "draws-reversed": {row: width.MEASURED[row][0][::-1] for row in (0.5, 2.0)},
        "bits": around(lambda e, n: e / math.log(2)),
        "zeros": around(lambda e, n: 0.0),
        "alike": dict.fromkeys((0.5, 2.0), width.MEASURED[0.5][0]),
    },
}

UNNAMED = {
    "log_mean_exp": {
        "one-maximum": (
            lambda w: (w - w.max()).exp().mean(0).log() + w.max(),
            "for columns of log-weights that lie hundreds apart they are infinite or NaN",
        ),
        "mean-for-maximum": (
            lambda w: (w - w.mean(0)).exp().mean(0).log() + w.mean(0),
            "for a column whose log-weights lie 2,000 apart they are infinite or NaN",
        ),
        "minimum-for-maximum": (
            lambda w: (w - w.amin(0)).exp().mean(0).log() + w.amin(0),
            "for a column whose log-weights lie 2,000 apart they are infinite or NaN",
        ),
        "first-for-maximum": (
            lambda w: (w - w[0]).exp().mean(0).log() + w[0],
            "for a column whose log-weights lie 2,000 apart they are infinite or NaN",
        ),
        "squeezed": (lambda w: by_logsumexp(w).squeeze(), "a batch of one the shape is ()"),
        "constant-added": (
            lambda w: ((w - w.amax(0)).exp().mean(0) + 1e-6).log() + w.amax(0),
            "for 4,096 draws of which one has nearly all the weight",
        ),
        "in-place": (lambda w: by_logsumexp(w.sub_(1)) + 1, "changes its argument log_weights"),
        "column": (lambda w: by_logsumexp(w)[:, None], "an axis of size 1 too many"),
        "no-return": (lambda w: None, "is its `return` missing?"),
    },
    "inverse_transform": {
        "squeezed": (lambda z: -uniform(z).log().squeeze() / 1.5, "has shape (), but z has shape"),
        "in-place": (lambda z: -z.neg_().erf_().log() / 1.5, "changes its argument z in place"),
        "ranks": (
            lambda z: -torch.log((z.argsort().argsort() + 0.5) / len(z)) / 1.5,
            "depends on the other z",
        ),
        "noise-of-a-fixed-seed": (
            lambda z: -torch.rand(len(z), generator=torch.Generator().manual_seed(0)).log() / 1.5,
            "depends on the other z, or on an earlier call",
        ),
        "twice-too-large": (lambda z: -2 * uniform(z).log() / 1.5, "twice or half as large"),
        "constant": (lambda z: torch.full_like(z, 2 / 3), "do not follow the exponential"),
        "no-return": (lambda z: None, "is its `return` missing?"),
    },
    "width_of_q": {
        "one-row": ({0.5: (-3.2, -1.4, -0.7)}, "lacks width = 2"),
        "two-columns": (around(lambda e, n: e) | {0.5: (-3.2, -1.4)}, "has 2 numbers"),
        "no-dictionary": ([1, 2], "Your answer is a list"),
        "up-and-down": (around(lambda e, n: 5.0 + n), "rows are all the same"),
        "mean-squares": (around(lambda e, n: e**2 + 2), "width = 0.5 your mean error with 10"),
    },
}


def test_our_mean_of_tiny_numbers_is_the_package_s():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in latent_variables.LOG_MEAN_EXP.cases():
        want = log_mean_exp(case.args["log_weights"].double())
        got = evaluate(latent_variables.LOG_MEAN_EXP.right, case)
        torch.testing.assert_close(got, want, rtol=1e-9, atol=0)


@pytest.mark.parametrize("factor", width.MEASURED)
@pytest.mark.parametrize("column", [0, 1])
def test_the_measured_errors_come_out_again(factor, column):
    """Numbers typed wrongly, or measured with another q, would refuse every right table."""
    g = torch.Generator().manual_seed(5)
    found = width.errors(factor, width.DRAWS[column], 200, generator=g)
    means, spreads = width.MEASURED[factor]
    assert abs(found.mean() - means[column]) < 5 * spreads[column] / math.sqrt(200) + 0.01
    assert found.std() == pytest.approx(spreads[column], rel=0.35)


def test_the_exact_value_of_the_table_is_that_of_the_model():
    """An error measured from another zero."""
    model, x = sixteen_dimensions()
    assert model.log_evidence(x[None]).item() == pytest.approx(width.EXACT, abs=1e-3)


def test_the_narrow_q_looks_better_with_few_draws_and_is_worse_with_many():
    """An exercise that does not teach what it is there for."""
    narrow, wide = width.MEASURED[0.5][0], width.MEASURED[2.0][0]
    assert narrow[0] > wide[0] and narrow[1] < wide[1] and narrow[2] < wide[2]


def test_the_noise_of_the_transform_is_standard_normal():
    """Noise off its quantiles would refuse right answers, which are judged to half a step."""
    z = transform._noise(2_000).double()
    assert stats.kstest(z.numpy(), "norm").statistic < 1 / 2_000
    assert not torch.equal(z, z.sort().values)  # in order, a sorted answer would pass too
