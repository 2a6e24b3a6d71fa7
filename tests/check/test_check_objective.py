"""Chapter 12's checks: what students write, right and wrong (judged by test_check_tables.py), and
the numbers that the checks hold against their source."""

import math
import statistics

import pytest
import torch
from scipy.stats import t

from vae_teach import check
from vae_teach.check.objective import curves
from vae_teach.sweeps import load_sweep

ANSWERS = {"sigma_table", "four_curves", "replicated_point"}

ELBOS = {0.1: -150.0, 0.18: 190.0, 0.3: 120.0, 0.5: -90.0, 0.8: -380.0}


def noises(elbos=None, **changed):
    """A right table, with entries changed."""
    right = {"validation": ELBOS if elbos is None else elbos, "chosen": 0.18, "test": 188.4}
    return right | changed


def diagnosis(**changed):
    return {"A": "free bits", "B": "no KL term", "C": "collapsed", "D": "sound"} | changed


SWEEP = load_sweep("beta")
KEPT = SWEEP.at(10).rate
NEAR = [statistics.fmean(KEPT) + shift for shift in (-0.03, 0.051, 0.002)]
FAR = [statistics.fmean(KEPT) + shift for shift in (0.101, 0.13, 0.106)]


def scale(rates, at=0.975):
    return t.ppf(at, len(rates) - 1) * statistics.stdev(rates) / math.sqrt(len(rates))


def point(rates=NEAR, **changed):
    right = {
        "beta": 10,
        "rate": rates,
        "mean": statistics.fmean(rates),
        "half_width": scale(rates),
        "inside": rates is not FAR,
    }
    return right | changed


def runs_of(setting, key="rate"):
    return [value + 1e-4 for value in getattr(SWEEP.at(setting), key)]


RIGHT = {
    "sigma_table": {
        "five": noises(),
        "more": noises(ELBOS | {0.2: 195.0, 0.25: 160.0}, chosen=0.2, test=190.0),
        "another-order": noises(dict(reversed(ELBOS.items()))),
        "tensors": noises({s: torch.tensor(v) for s, v in ELBOS.items()}),
        "tensor-chosen": noises(chosen=torch.tensor(0.18)),
        "all-negative": noises({s: v - 500 for s, v in ELBOS.items()}, test=-312.0),
    },
    "four_curves": {
        "words": diagnosis(),
        "another-order": dict(reversed(diagnosis().items())),
        "capitals": {"a": "Free Bits", "b": "no-KL-term", "c": "COLLAPSED", "d": " sound "},
    },
    "replicated_point": {
        "inside": point(),
        "outside": point(FAR),
        "four-digits": point(
            mean=float(f"{statistics.fmean(NEAR):.4g}"), half_width=float(f"{scale(NEAR):.4g}")
        ),
        "tensors": point(rate=torch.tensor(NEAR, dtype=torch.float64), inside=torch.tensor(True)),
        "five-seeds": point([*NEAR, NEAR[0] + 0.011, NEAR[1] - 0.007]),
        "text-beta": point(beta=10.0),
        "another-beta": point(
            [r + s for r, s in zip(SWEEP.at(1).rate, (0.1, -0.15, 0.06), strict=True)], beta=1
        ),
    },
}

WRONG = {
    "sigma_table": {
        "no-table": noises([-150.0, 190.0]),
        "no-sigma": noises({"small": -3.0} | ELBOS),
        "too-few-sigmas": noises({s: ELBOS[s] for s in (0.1, 0.18, 0.3, 0.5)}),
        "one-model": noises(dict.fromkeys(ELBOS, 120.0)),
        "chosen-not-tried": noises(chosen=0.2),
        "constant-left-out": noises(
            {0.1: -1900.0, 0.18: -700.0, 0.3: -300.0, 0.5: -120.0, 0.8: -60.0},
            chosen=0.8,
            test=-61.0,
        ),
        "at-the-end": noises({s / 2: ELBOS[s] for s in (0.18, 0.3, 0.5, 0.8)} | {0.6: -480.0},
                             chosen=0.09, test=188.0),
        "cost-for-elbo": noises({s: -v for s, v in ELBOS.items()}, test=-188.4),
        "smallest-chosen": noises(chosen=0.8, test=-379.0),
        "not-the-best": noises(chosen=0.3, test=118.0),
        "validation-for-test": noises(test=190.0),
        "other-test": noises(test=-88.0),
        "far-test": noises(test=188.4 * 1_000),  # the sum over the pictures
        "per-pixel": noises({s: v / 784 for s, v in ELBOS.items()}, test=0.24),
        "too-steep": noises({s: v / math.log(2) for s, v in ELBOS.items()}, test=272.0),
    },
    "four_curves": {
        "free bits": diagnosis(D="free bits"),
        "no KL term": diagnosis(A="no KL term"),
        "collapsed": diagnosis(D="collapsed"),
        "sound": diagnosis(C="sound"),
        "still-open": diagnosis(B=None),
    },
    "replicated_point": {
        "too-few": point(NEAR[:2]),
        "the-same-run": point([*NEAR, NEAR[0]]),
        "beta-not-kept": point(beta=3),
        "kept-runs": point([*NEAR[:2], KEPT[0]]),
        "distortion-for-rate": point(runs_of(10, "distortion")),
        "another-setting": point(runs_of(4)),
        "bits": point([r / math.log(2) for r in runs_of(1)], beta=1),
        "far-off": point([r + 200 for r in NEAR]),
        "sum-for-mean": point(mean=sum(NEAR)),
        "median-for-mean": point(mean=statistics.median(FAR), rate=FAR,
                                 half_width=scale(FAR), inside=False),
        "sign-of-the-mean": point(mean=-statistics.fmean(NEAR)),
        "population-spread": point(half_width=scale(NEAR) * math.sqrt(2 / 3)),
        "normal-for-t": point(half_width=scale(NEAR) * 1.959964 / t.ppf(0.975, 2)),
        "n-degrees-of-freedom": point(
            half_width=scale(NEAR) * t.ppf(0.975, 3) / t.ppf(0.975, 2)
        ),
        "variance-for-spread": point(half_width=scale(NEAR) * statistics.stdev(NEAR)),
        "root-n-missing": point(half_width=scale(NEAR) * math.sqrt(3)),
        "n-for-its-root": point(half_width=scale(NEAR) / math.sqrt(3)),
        "t-missing": point(half_width=scale(NEAR) / t.ppf(0.975, 2)),
        "one-sided": point(half_width=scale(NEAR, 0.95)),
        "whole-width": point(half_width=2 * scale(NEAR)),
        "other-sums": point(mean=1.5),
        "not-yes-or-no": point(inside="perhaps"),
        "wrongly-inside": point(FAR, inside=True),
        "wrongly-outside": point(inside=False),
    },
}  # fmt: skip

UNNAMED = {
    "sigma_table": {
        "open": (noises(validation=None), "no answer yet for validation"),
        "no-sigmas": (noises({}), "fewer than five"),
        "negative-sigma": (noises({-0.1: 3.0} | ELBOS), "no positive number"),
        "infinite": (noises(ELBOS | {0.18: math.inf}), "infinite or NaN"),
        "words": (noises(test="good"), "give numbers"),
        "largest": (
            noises({s: v + 900 for s, v in zip(ELBOS, sorted(ELBOS.values()), strict=True)},
                   chosen=0.8, test=1000.0),
            "The largest sigma_x that you tried is the best: go on beyond it",
        ),
    },
    "four_curves": {
        "another-word": (diagnosis(A="overfitting"), "not one of the options"),
        "exchanged": (diagnosis(A="sound", D="free bits"), "unlike training D"),
        "a-list": (["sound"], "give a dictionary"),
    },
    "replicated_point": {
        "open": (point(half_width=None), "no answer yet for half_width"),
        "undecided": (point(inside=None), "no answer yet for inside"),
        "one-number": (point(rate=2.0), "fewer than three runs"),
        "words": (point(rate="three"), "give numbers"),
    },
}  # fmt: skip


def test_the_four_trainings_are_told_apart_by_what_the_hints_say():
    """A hint that does not hold of its own curve."""
    runs = check.four_runs()
    ends = {curves.CURVE_ANSWERS[name]: run for name, run in runs.items()}
    assert ends["collapsed"]["rate"][-1] < 0.1 * ends["sound"]["rate"][-1]
    assert ends["free bits"]["rate"][-5:] == pytest.approx([2] * 5, abs=0.1)
    grown = ends["no KL term"]["rate"]
    assert grown == sorted(grown) and grown[-1] > 3 * max(ends["sound"]["rate"])
    assert all(len(run[key]) == 11 for run in runs.values() for key in run)
