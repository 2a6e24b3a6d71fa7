"""The checks of the appendix: what students write, right and wrong (judged by
test_check_tables.py), and our own right answers against the gap itself."""

import math

import numpy as np
import pytest
import torch

from vae_teach.check import zero_error as better
from vae_teach.check.zero_error import measured
from vae_teach.exact import Mixture
from vae_teach.exact.zero_error import Transport

ANSWERS = {"measured_rate"}
F64 = torch.float64


def by_regression(z0, slope, bend, sigma_x):
    tilt = slope * z0
    shift_in_t = -(tilt + bend * 3 / 2) * sigma_x
    return z0 + slope * sigma_x * shift_in_t


def by_loop(z0, slope, bend, sigma_x):
    return torch.stack(
        [z - s * sigma_x**2 * (s * z + 1.5 * b) for z, s, b in zip(z0, slope, bend, strict=True)]
    )


def by_numpy(z0, slope, bend, sigma_x):
    z, s, b = (part.double().numpy() for part in (z0, slope, bend))
    return z - np.square(s * sigma_x) * z - 1.5 * s * sigma_x**2 * b


EXACT = measured._right()


def changed(change):
    return {x: change(*row) for x, row in EXACT.items()}


RIGHT = {
    "better_mean": {"by-regression": by_regression, "loop": by_loop, "numpy": by_numpy},
    "measured_rate": {
        "exact": EXACT,
        "three-digits": {x: (round(e, 2), float(f"{gap:.3g}")) for x, (e, gap) in EXACT.items()},
        "whole-keys-and-lists": {int(x): list(row) for x, row in EXACT.items()},
        "tensors": {x: torch.tensor(row) for x, row in EXACT.items()},
    },
}

WRONG = {
    "better_mean": {
        "unchanged": lambda z0, s, b, n: z0.clone(),
        "away": lambda z0, s, b, n: z0 + s * n**2 * (s * z0 + 1.5 * b),
        "prior-alone": lambda z0, s, b, n: z0 * (1 - (s * n) ** 2),
        "bend-alone": lambda z0, s, b, n: z0 - 1.5 * s * n**2 * b,
        "half-the-bend": lambda z0, s, b, n: z0 - s * n**2 * (s * z0 + b / 2),
        "three-times-the-bend": lambda z0, s, b, n: z0 - s * n**2 * (s * z0 + 3 * b),
        "bend-with-the-other-sign": lambda z0, s, b, n: z0 - s * n**2 * (s * z0 - 1.5 * b),
        "half-a-step": lambda z0, s, b, n: (z0 + by_regression(z0, s, b, n)) / 2,
        "not-squared": lambda z0, s, b, n: z0 - s * n * (s * z0 + 1.5 * b),
        "in-units-of-t": lambda z0, s, b, n: z0 - n * (s * z0 + 1.5 * b),
        "slope-missing": lambda z0, s, b, n: z0 - n**2 * (s * z0 + 1.5 * b),
        "tilt-without-slope": lambda z0, s, b, n: z0 - s * n**2 * (z0 + 1.5 * b),
        "slope-twice": lambda z0, s, b, n: z0 - (s * n) ** 2 * (s * z0 + 1.5 * b),
        "tilt-divided": lambda z0, s, b, n: z0 - n**2 * (z0 + 1.5 * s * b),
        "step-alone": lambda z0, s, b, n: -s * n**2 * (s * z0 + 1.5 * b),
        "one-value": lambda z0, s, b, n: by_regression(z0, s, b, n).mean(),
    },
    "measured_rate": {
        "swapped": changed(lambda e, gap: (gap, e)),
        "negative": changed(lambda e, gap: (-e, gap)),
        "ratio": changed(lambda e, gap: (2**e, gap)),
        "log-of-the-ratio": changed(lambda e, gap: (e * math.log(2), gap)),
        "decimal-logarithm": changed(lambda e, gap: (e * math.log10(2), gap)),
        "wider-noise": changed(lambda e, gap: (e, gap * 2**e)),
        "divided": changed(lambda e, gap: (e, gap / 0.0025)),
        "bits": changed(lambda e, gap: (e, gap / math.log(2))),
        "variances": measured._measured(measured.logistic, noises=(0.01, 0.0025)),
        "normal-truth": measured._measured(measured._normal),
        "unit-variance": measured._measured(lambda: measured.logistic(math.sqrt(3) / math.pi)),
        "still-open": {0: None, 1: (2, 3), 3: None},
        "noisy": changed(lambda e, gap: (e, 1.03 * gap)),
        "other": changed(lambda e, gap: (e + 0.5, gap)),
        "zeros": changed(lambda e, gap: (0.0, 0.0)),
        "alike": dict.fromkeys(EXACT, (2.0, 0.01)),
    },
}

UNNAMED = {
    "better_mean": {
        "twice": (lambda z0, s, b, n: 2 * by_regression(z0, s, b, n), "twice"),
        "shift-in-t": (lambda z0, s, b, n: -n * (s * z0 + 1.5 * b), "should be"),
        "in-place": (lambda z0, s, b, n: z0.mul_(1 - n), "in place"),
    },
    "measured_rate": {
        "a-list": ([2.0, 2.0, 4.0], "dictionary"),
        "a-row-short": ({0: (4, 1), 1: (2, 1)}, "x = 3"),
    },
}


def test_our_better_mean_leaves_the_smallest_gap_of_all_shifts():
    """KL / sigma_x^2 with the right shift and with one a little larger or smaller, by quadrature.

    What is left is 3/4 bend^2.
    """
    mixture = Mixture(*torch.tensor([[0.4, 0.6], [-1.2, 1.0], [-1.0, -0.4]], dtype=F64))
    truth = Transport.of_mixture(mixture)
    x, sigma_x = torch.tensor([-1.5, 0.0, 1.7], dtype=F64), 0.01
    z0, slope, _, bend = truth.local(x)
    posterior, (_, logvar) = truth.posterior(x, sigma_x), truth.proof_q(x, sigma_x)
    mean = better.BETTER_MEAN.right(z0, slope, bend, sigma_x)
    aside = 0.1 * sigma_x**2 * slope
    left = [
        posterior.kl_from((mean + step)[:, None], logvar) / sigma_x**2
        for step in (-aside, 0 * aside, aside)
    ]
    assert (left[1] < left[0]).all() and (left[1] < left[2]).all()
    torch.testing.assert_close(left[1], 0.75 * bend**2, rtol=0, atol=2e-3)


def test_our_logistic_data_have_the_logistic_distribution_function():
    """F(f(z)) = Phi(z), and the rate that the table is about, from its other formula."""
    truth = measured.logistic()
    z = torch.linspace(-5, 5, 41, dtype=F64)
    torch.testing.assert_close(torch.sigmoid(truth.decode(z)), torch.special.ndtr(z))
    torch.testing.assert_close(truth.code(truth.decode(z)), z, rtol=0, atol=1e-9)
    for x, (exponent, gap) in EXACT.items():
        assert exponent == pytest.approx(4 if x == 0 else 2, abs=0.03)
        rate = truth.rate(torch.tensor([x], dtype=F64)).value.item()
        assert gap / 0.05**2 == pytest.approx(rate, abs=0.01)
