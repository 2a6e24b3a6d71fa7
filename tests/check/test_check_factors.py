"""The checks of the chapter on factors: what students write, right and wrong (judged by
test_check_tables.py), and our own right answer against an independent oracle."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from vae_teach.check import factors
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.factors.walk import PRIOR_WALK_STEP

ANSWERS = {"control_table"}


def share(y, guess):
    return 1 - torch.sum((y - guess) ** 2) / torch.sum((y - torch.mean(y)) ** 2)


def answer(trained=(0.61, 0.64, 0.62), random=(0.55, 0.58, 0.5), verdict="trained is better"):
    return {"trained": list(trained), "random": list(random), "verdict": verdict}


def walk(keep, add):
    return lambda z, step_size, eps: keep(step_size) * z + add(step_size) * eps


def one(d):
    return 1.0


def itself(d):
    return d


def square(d):
    return d * d


def root(d):
    return (1 - d * d) ** 0.5


def walk_by_angle(z, step_size, eps):
    angle = math.asin(step_size)
    return z * math.cos(angle) + eps * math.sin(angle)


def changes_z(z, step_size, eps):
    z.mul_(root(step_size))
    return z.add_(step_size * eps)


RIGHT = {
    "prior_walk_step": {
        "formula": lambda z, d, eps: math.sqrt(1 - d**2) * z + d * eps,
        "angle": walk_by_angle,
        "numpy": lambda z, d, eps: np.sqrt(1 - d**2) * z.numpy() + d * eps.numpy(),
        "lerp-of-squares": lambda z, d, eps: torch.tensor(1 - d * d).sqrt() * z + eps.mul(d),
    },
    "explained_share": {
        "sums": share,
        "means": lambda y, guess: 1 - ((y - guess) ** 2).mean() / y.var(correction=0),
        "scikit-learn": lambda y, guess: r2_score(y.numpy(), guess.numpy()),
        "numpy": lambda y, guess: float(1 - np.mean((y - guess).numpy() ** 2) / np.var(y.numpy())),
    },
    "control_table": {
        "apart": answer(),
        "overlapping": answer(random=(0.6, 0.63, 0.5), verdict="No difference"),
        "tensors": {**answer(random=(0.7, 0.8, 0.9)), "random": torch.tensor([0.7, 0.8, 0.9]),
                    "verdict": "random_is_better"},
        "a-tuple-of-tensors": answer() | {"trained": tuple(map(torch.tensor, (0.61, 0.64, 0.62)))},
        "equal-by-chance": answer((0.93, 0.93, 0.94), (0.88, 0.9, 0.88)),
        "negative": answer(random=(-0.4, 0.0, 0.1)),
    },
}  # fmt: skip

WRONG = {
    "prior_walk_step": {
        "angle": lambda z, d, eps: math.cos(d) * z + math.sin(d) * eps,
        "divided-after": lambda z, d, eps: (z + d * eps) / (1 + d * d) ** 0.5,
        "no-step": lambda z, d, eps: z.clone(),
        "noise-shrunk-too": lambda z, d, eps: root(d) * (z + d * eps),
        "noise-subtracted": walk(root, lambda d: -d),
        "variance-for-share": walk(lambda d: (1 - d) ** 0.5, itself),
        "z-forgotten": lambda z, d, eps: d * eps,
        "no-shrinking": walk(one, itself),
        "steps-of-one-size": lambda z, d, eps: torch.where(eps > 0, z + d, z - d),
        "shrunk-by-delta": walk(lambda d: 1 - d, itself),
        "delta-as-variance": lambda z, d, eps: z * (1 - d) ** 0.5 + eps * d**0.5,
        "root-missing": walk(lambda d: 1 - d**2, itself),
        "weights-not-rooted": walk(lambda d: 1 - d**2, square),
        "noise-squared": walk(root, square),
        "weights-swapped": walk(itself, root),
        "noise-missing": lambda z, d, eps: root(d) * z,
    },
    "explained_share": {
        "correlation-squared": lambda y, p: torch.corrcoef(torch.stack([y, p]))[0, 1] ** 2,
        "correlation": lambda y, p: torch.corrcoef(torch.stack([y, p]))[0, 1],
        "shift-forgiven": lambda y, p: 1 - (y - p).var() / y.var(),
        "share-left-over": lambda y, p: 1 - share(y, p),
        "about-zero": lambda y, p: 1 - ((y - p) ** 2).sum() / (y**2).sum(),
        "about-the-guesses": lambda y, p: 1 - ((y - p) ** 2).mean() / p.var(correction=0),
        "variance-of-the-guesses": lambda y, p: p.var() / y.var(),
        "root": lambda y, p: 1 - ((y - p) ** 2).mean().sqrt() / y.std(correction=0),
        "absolute-errors": lambda y, p: 1 - (y - p).abs().mean() / (y - y.mean()).abs().mean(),
        "n-and-n-minus-one": lambda y, p: 1 - ((y - p) ** 2).mean() / y.var(),
        "never-negative": lambda y, p: max(share(y, p), torch.tensor(0.0)),
        "each-picture": lambda y, p: 1 - (y - p) ** 2 / (y - y.mean()) ** 2,
        "explained-over-all": lambda y, p: ((p - y.mean()) ** 2).mean() / y.var(correction=0),
        "mean-of-the-guesses": lambda y, p: 1 - ((y - p) ** 2).sum() / ((y - p.mean()) ** 2).sum(),
        "median": lambda y, p: 1 - ((y - p) ** 2).sum() / ((y - y.median()) ** 2).sum(),
        "one-minus-the-error": lambda y, p: 1 - torch.nn.functional.mse_loss(y, p),
        "degrees-of-freedom": lambda y, p: 1 - (1 - share(y, p)) * (len(y) - 1) / (len(y) - 2),
        "not-in-every-unit": lambda y, p: (
            1 - ((y - p) ** 2).sum() / (((y - y.mean()) ** 2).sum() + 1e-8)
        ),
        "squared-error": torch.nn.functional.mse_loss,
    },
    "control_table": {
        "too-few": answer(trained=(0.6, 0.7)),
        "the-same-run": answer(random=(0.5, 0.5, 0.5)),
        "above-one": answer(trained=(61, 64, 62)),
        "one-list": answer(random=(0.64, 0.61, 0.62)),
        "overlap": answer(random=(0.6, 0.63, 0.5)),
        "gap-not-seen": answer(verdict="no difference"),
        "the-other-way": answer(verdict="random is better"),
    },
}

UNNAMED = {
    "prior_walk_step": {
        "other-weights": (
            walk(lambda d: 1 - d * d / 2, itself),
            "At step_size = 0.6 you multiply z by 0.82: with noise of variance step_size^2 it is "
            "sqrt(1 - step_size^2) = 0.8 that keeps the variance at 1.",
        ),
        "half-the-noise": (
            walk(root, lambda d: d / 2),
            "At step_size = 0.15 you multiply eps by 0.075",
        ),
        "clamped": (lambda z, d, eps: (root(d) * z + d * eps).clip(-4, 4), "but yours is 4"),
        "squeezed": (lambda z, d, eps: (root(d) * z + d * eps).squeeze(), "for a batch of one"),
        "own-noise": (
            lambda z, d, eps: root(d) * z + d * torch.randn(z.shape),
            "a second call with the same arguments gives others",
        ),
        "in-place": (changes_z, "changes its argument z in place"),
    },
    "explained_share": {
        "half": (lambda y, p: share(y, p) / 2, "0.5 times"),
        "cut-off-at-minus-1": (lambda y, p: share(y, p).clamp(-1, 1), "yours is -1"),
        "unstable-sums": (
            lambda y, p: 1 - ((y - p) ** 2).sum() / ((y**2).sum() - y.sum() ** 2 / len(y)),
            "in other units",
        ),
        "per-cent": (lambda y, p: 100 * share(y, p), "100 times"),
    },
    "control_table": {
        "two-equal-in-all-digits": (
            answer(random=(0.551234567, 0.551234567, 0.5)),
            "agree in every digit",
        ),
        "another-word": (answer(verdict="a win"), "not one of the options"),
        "no-verdict": (answer(verdict=None), "no answer yet for verdict"),
        "a-word-for-a-list": (answer() | {"trained": "high"}, "give numbers"),
        "not-finite": (answer(trained=(0.5, float("nan"), 0.6)), "infinite or NaN"),
        "left-out": ({"trained": [0.1, 0.2, 0.3]}, "lacks random and verdict"),
    },
}


def test_our_share_is_that_of_scikit_learn():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in factors.EXPLAINED_SHARE.cases():
        y, guess = (case.args[name].double() for name in ("y", "guess"))
        ours = evaluate(factors.EXPLAINED_SHARE.right, case).item()
        assert ours == pytest.approx(r2_score(y.numpy(), guess.numpy()), rel=1e-12)


def test_one_of_the_cases_has_a_negative_share():
    """A function that cuts off at 0 would pass."""
    shares = [evaluate(factors.EXPLAINED_SHARE.right, c) for c in factors.EXPLAINED_SHARE.cases()]
    assert min(shares) < 0 < max(shares)


@pytest.mark.parametrize("step_size", [0.15, 0.6])
def test_the_right_step_keeps_the_prior_exactly(step_size):
    """keep^2 + add^2 = 1, read off from two unit inputs; a walk that drifts fails here."""
    keep = PRIOR_WALK_STEP.right(1.0, step_size, 0.0)
    add = PRIOR_WALK_STEP.right(0.0, step_size, 1.0)
    assert keep**2 + add**2 == pytest.approx(1, rel=1e-12)
    assert add == step_size
