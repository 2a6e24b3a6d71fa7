"""Chapter 10's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_teach.check import latent_space
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.latent_space import aggregate, arcs, collapsed


def unit(v):
    return v / v.norm()


def omega(a, b):
    return torch.acos(torch.clamp(unit(a) @ unit(b), -1, 1))


def slerp(a, b, steps, *, weigh=unit, length=True, angle=omega, divide=True):
    """The textbook formula with one thing changed."""
    w, path = angle(a, b), []
    for t in torch.linspace(0, 1, steps):
        at = torch.sin((1 - t) * w) * weigh(a) + torch.sin(t * w) * weigh(b)
        at = at / torch.sin(w) if divide else at
        path.append(at * ((1 - t) * a.norm() + t * b.norm()) if length else at)
    return torch.stack(path)


def slerp_by_rotation(a, b, steps):
    """Turn a in the plane that holds b: cos(tw) e1 + sin(tw) e2, e2 by Gram-Schmidt."""
    t = torch.linspace(0, 1, steps).reshape(-1, 1)
    e1 = unit(a)
    e2 = unit(b - (b @ e1) * e1)
    w = torch.atan2(b @ e2, b @ e1)
    return (torch.lerp(a.norm(), b.norm(), t)) * (torch.cos(t * w) * e1 + torch.sin(t * w) * e2)


def numpy_slerp(a, b, steps):
    a, b = np.asarray(a, float), np.asarray(b, float)
    ra, rb = np.linalg.norm(a), np.linalg.norm(b)
    w = np.arccos(a @ b / ra / rb)
    t = np.linspace(0, 1, steps)[:, None]
    return (ra + t * (rb - ra)) * (np.sin(w - w * t) * a / ra + np.sin(w * t) * b / rb) / np.sin(w)


def line(a, b, steps):
    return torch.stack([a + i / (steps - 1) * (b - a) for i in range(steps)])


def rescaled(a, b, steps):
    path = line(a, b, steps)
    length = torch.linspace(a.norm(), b.norm(), steps)
    return path * (length / path.norm(dim=1))[:, None]


def table(z, mu, logvar):
    """log N(z_m | mu_n) of each pair, (M, N)."""
    return Normal(mu, logvar.div(2).exp()).log_prob(z[:, None]).sum(-1)


def mixture(z, mu, logvar):
    return table(z, mu, logvar).logsumexp(1) - math.log(len(mu))


def mixture_by_torch(z, mu, logvar):
    equal = Categorical(logits=torch.zeros(len(mu)))
    parts = Independent(Normal(mu, torch.exp(logvar / 2)), 1)
    return MixtureSameFamily(equal, parts).log_prob(z)


def mixture_by_loop(z, mu, logvar):
    out = []
    for place in z.double().numpy():
        logs = [
            multivariate_normal.logpdf(place, m, np.diag(np.exp(v)))
            for m, v in zip(mu.double().numpy(), logvar.double().numpy(), strict=True)
        ]
        out.append(logsumexp(logs) - np.log(len(logs)))
    return np.array(out)


def by_hand(z, mu, logvar, *, spread=None, half_log=0.5, constant=True):
    variance = logvar.exp() if spread is None else spread(logvar)
    terms = -0.5 * (z[:, None] - mu) ** 2 / variance - half_log * logvar
    terms = terms - 0.5 * math.log(2 * math.pi) if constant else terms
    return torch.logsumexp(terms.sum(-1), 1) - math.log(mu.shape[0])


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


RIGHT = {
    "prior_walk_step": {
        "formula": lambda z, d, eps: math.sqrt(1 - d**2) * z + d * eps,
        "angle": walk_by_angle,
        "numpy": lambda z, d, eps: np.sqrt(1 - d**2) * z.numpy() + d * eps.numpy(),
        "lerp-of-squares": lambda z, d, eps: torch.tensor(1 - d * d).sqrt() * z + eps.mul(d),
    },
    "great_circle": {
        "textbook": slerp,
        "rotation": slerp_by_rotation,
        "numpy": numpy_slerp,
    },
    "collapsed_dimensions": {
        "variance": lambda mu, logvar: mu.var(0) < 0.01,
        "numpy": lambda mu, logvar: np.var(mu.numpy(), axis=0) < 0.01,
        "moments": lambda mu, logvar: (mu**2).mean(0) - mu.mean(0) ** 2 < 0.01,
        "list": lambda mu, logvar: [bool(m.std() < 0.1) for m in mu.T],
    },
    "aggregate_log_density": {
        "normal": mixture,
        "mixture-same-family": mixture_by_torch,
        "scipy-loop": mixture_by_loop,
        "by-hand": by_hand,
    },
}

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
    "great_circle": {
        "start-missing": lambda a, b, n: slerp(a, b, n + 1)[1:],
        "both-ends-missing": lambda a, b, n: slerp(a, b, n + 2)[1:-1],
        "one-code-too-many": lambda a, b, n: slerp(a, b, n + 1),
        "one-code-too-few": lambda a, b, n: slerp(a, b, n)[:-1],
        "length-of-b": lambda a, b, n: b.norm() * slerp(a, b, n, length=False),
        "one-length": lambda a, b, n: (a.norm() + b.norm()) / 2 * slerp(a, b, n, length=False),
        "lengths-swapped": lambda a, b, n: slerp(b.norm() * unit(a), a.norm() * unit(b), n),
        "lengths-multiplied": lambda a, b, n: (
            slerp(a, b, n, length=False)
            * torch.logspace(a.norm().log2(), b.norm().log2(), n, base=2)[:, None]
        ),
        "chord-of-directions": lambda a, b, n: (
            line(unit(a), unit(b), n) * torch.linspace(a.norm(), b.norm(), n)[:, None]
        ),
        "not-normalised": lambda a, b, n: slerp(a, b, n, angle=lambda a, b: torch.acos(a @ b)),
        "degrees": lambda a, b, n: slerp(a, b, n, angle=lambda a, b: omega(a, b) / math.pi * 180),
        "cosine-weights": lambda a, b, n: (
            torch.linspace(a.norm(), b.norm(), n)[:, None]
            * (
                torch.cos(omega(a, b) * torch.linspace(1, 0, n)[:, None]) * unit(a)
                + torch.cos(omega(a, b) * torch.linspace(0, 1, n)[:, None]) * unit(b)
            )
            / torch.sin(omega(a, b))
        ),
        "straight-line": line,
        "chord-rescaled": rescaled,
        "unit-length": lambda a, b, n: slerp(a, b, n, length=False),
        "length-of-a": lambda a, b, n: a.norm() * slerp(a, b, n, length=False),
        "lengths-inside": lambda a, b, n: slerp(a, b, n, weigh=lambda v: v, length=False),
        "backwards": lambda a, b, n: slerp(a, b, n).flip(0),
        "end-missing": lambda a, b, n: slerp(a, b, n + 1)[:n],
        "sine-missing": lambda a, b, n: slerp(a, b, n, divide=False),
        "cosine-for-angle": lambda a, b, n: slerp(a, b, n, angle=lambda a, b: unit(a) @ unit(b)),
    },
    "collapsed_dimensions": {
        "none": lambda mu, logvar: [False] * mu.shape[1],
        "all": lambda mu, logvar: torch.ones(mu.shape[1], dtype=torch.bool),
        "number": lambda mu, logvar: int((mu.var(0) < 0.01).sum()),
        "one-answer": lambda mu, logvar: mu.var() < 0.01,
        "each-picture": lambda mu, logvar: (mu - mu.mean(0)) ** 2 < 0.01,
        "total-of-squares": lambda mu, logvar: ((mu - mu.mean(0)) ** 2).sum(0) < 0.01,
        "absolute-deviation": lambda mu, logvar: (mu - mu.mean(0)).abs().mean(0) < 0.01,
        "active-instead": lambda mu, logvar: mu.var(0) > 0.01,
        "variance-of-the-draws": lambda mu, v: mu.var(0) + v.exp().mean(0) < 0.01,
        "looks-normal": lambda mu, v: ((mu.var(0) + v.exp().mean(0)) - 1).abs() < 0.08,
        "standard-deviation": lambda mu, logvar: mu.std(0) < 0.01,
        "second-moment": lambda mu, logvar: mu.pow(2).mean(0) < 0.01,
        "mean-near-zero": lambda mu, logvar: mu.mean(0).abs() < 0.01,
        "kl": lambda mu, v: 0.5 * (mu**2 + v.exp() - 1 - v).mean(0) < 0.01,
        "sigma-near-one": lambda mu, v: (v.exp().mean(0) - 1).abs() < 0.05,
        "variances": lambda mu, logvar: mu.var(0),
        "over-dimensions": lambda mu, logvar: mu.var(1) < 0.01,
        "indices": lambda mu, logvar: torch.where(mu.var(0) < 0.01)[0],
    },
    "aggregate_log_density": {
        "variance-multiplied": lambda *a: by_hand(*a, spread=lambda v: torch.exp(-v)),
        "logvar-as-sigma": lambda z, mu, v: (
            Normal(mu, v.abs()).log_prob(z[:, None]).sum(-1).logsumexp(1) - math.log(len(mu))
        ),
        "distance-not-squared": lambda z, mu, v: (
            -0.5 * ((z[:, None] - mu) / v.exp() + v + math.log(2 * math.pi))
        ).sum(-1).logsumexp(1) - math.log(len(mu)),
        "constant-once": lambda *a: by_hand(*a, constant=False) - 0.5 * math.log(2 * math.pi),
        "pi-without-its-two": lambda *a: (
            by_hand(*a, constant=False) - a[0].shape[1] / 2 * math.log(math.pi)
        ),
        "places-for-posteriors": lambda *a: table(*a).logsumexp(1) - math.log(len(a[0])),
        "dimensions-for-posteriors": lambda *a: table(*a).logsumexp(1) - math.log(a[0].shape[1]),
        "one-less": lambda *a: table(*a).logsumexp(1) - math.log(len(a[1]) - 1),
        "log-n-added": lambda *a: table(*a).logsumexp(1) + math.log(len(a[1])),
        "n-not-logged": lambda *a: table(*a).logsumexp(1) - len(a[1]),
        "log-n-for-each-dimension": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]) - math.log(len(mu))
        ).sum(-1).logsumexp(1),
        "product-of-mixtures": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]).logsumexp(1) - math.log(len(mu))
        ).sum(-1),
        "prior": lambda z, mu, v: Normal(0.0, 1.0).log_prob(z).sum(1),
        "over-the-places": lambda *a: table(*a).logsumexp(0) - math.log(len(a[0])),
        "one-largest-for-all": lambda *a: (
            (table(*a) - table(*a).max()).exp().mean(1).log() + table(*a).max()
        ),
        "mean-of-logs": lambda *args: table(*args).mean(1),
        "sum-over-posteriors": lambda *args: table(*args).logsumexp(1),
        "not-a-logarithm": lambda *args: table(*args).exp().mean(1),
        "negative": lambda *args: -mixture(*args),
        "nearest-only": lambda z, mu, v: table(z, mu, v).max(1).values - math.log(len(mu)),
        "mean-over-dimensions": lambda z, mu, v: (
            Normal(mu, (v / 2).exp()).log_prob(z[:, None]).mean(-1).logsumexp(1) - math.log(len(mu))
        ),
        "one-gaussian": lambda z, mu, v: (
            Normal(mu.mean(0), v.exp().mean(0).sqrt()).log_prob(z).sum(-1)
        ),
        "logvar-as-log-sigma": lambda z, mu, v: mixture(z, mu, 2 * v),
        "sigma-for-variance": lambda *a: by_hand(*a, spread=lambda v: torch.exp(v / 2)),
        "means-only": lambda z, mu, v: mixture(z, mu, 0 * v),
        "each-pair": table,
        "one-value": lambda *a: mixture(*a).mean(),
        "underflow": lambda *a: table(*a).exp().mean(1).log(),
    },
}  # fmt: skip


def changes_z(z, step_size, eps):
    z.mul_(root(step_size))
    return z.add_(step_size * eps)


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
    "great_circle": {
        "long-way-round": (
            lambda a, b, n: slerp(a, b, n, angle=lambda a, b: 2 * math.pi - omega(a, b)),
            "Your lengths are right, but your codes lie at 0, -0.348",
        ),
        "lengths-of-squares": (
            lambda a, b, n: (
                slerp(a, b, n, length=False)
                * torch.linspace(a.norm() ** 2, b.norm() ** 2, n)[:, None].sqrt()
            ),
            "Your directions are right, but your lengths are",
        ),
        "another-plane": (
            lambda a, b, n: (
                slerp(a, b, n) + torch.linspace(0, 1, n)[:, None] ** 2 * a.flip(0)
                if len(a) > 2
                else slerp(a, b, n)
            ),
            "Your codes leave the plane of a and b",
        ),
        "one-code": (lambda a, b, n: slerp(a, b, n)[1], "shape"),
    },
    "collapsed_dimensions": {
        "a-tenth": (
            lambda mu, v: mu.var(0) < 0.1,
            "You call a dimension collapsed whose mean varies by 0.022 over the pictures, more "
            "than 0.01",
        ),
        "beside-the-noise": (
            lambda mu, v: mu.var(0) / v.exp().mean(0) < 0.01,
            "a dimension in use whose mean varies",
        ),
        "beside-the-others": (
            lambda mu, v: mu.var(0) / mu.var(0).sum() < 0.01,
            "a dimension collapsed whose mean",
        ),
        "two-hundredths": (lambda mu, v: mu.var(0) < 0.02, "varies by 0.011 over the pictures"),
        "first-pictures": (lambda mu, v: mu[:20].var(0) < 0.01, "whose mean varies by"),
    },
    "aggregate_log_density": {
        "means-not-used": (
            lambda z, mu, v: mixture(z, 0 * mu, v),
            "right with 0 in place of mu, as if mu were",
        ),
        "two-pi-missing": (
            lambda *a: by_hand(*a, constant=False),
            "-log(2 pi) / 2 of each dimension is missing",
        ),
        "normaliser-missing": (lambda *a: by_hand(*a, half_log=0.0), "-logvar / 2 is missing"),
        "half-missing": (
            lambda *a: by_hand(*a, half_log=1.0),
            "-logvar / 2 is twice the right one",
        ),
        "logvar-sign": (lambda *a: by_hand(*a, half_log=-0.5), "-logvar / 2 has the wrong sign"),
        "mean-taken-out": (
            lambda *a: (
                (table(*a) - table(*a).mean(1, keepdim=True)).exp().mean(1).log()
                + table(*a).mean(1)
            ),
            "too small for a float",
        ),
        "clamped": (lambda z, mu, v: mixture(z, mu, v.clip(-5, 5)), "logvar between -40 and -30"),
        "squeezed": (lambda *a: mixture(*a).squeeze(), "for a batch of one"),
        "log2": (lambda *a: mixture(*a) / math.log(2), "times the right ones"),
    },
}


@pytest.mark.parametrize("step_size", [0.15, 0.6])
def test_the_right_step_keeps_the_prior_exactly(step_size):
    """keep^2 + add^2 = 1, read off from two unit inputs; a walk that drifts fails here."""
    keep = latent_space.PRIOR_WALK_STEP.right(1.0, step_size, 0.0)
    add = latent_space.PRIOR_WALK_STEP.right(0.0, step_size, 1.0)
    assert keep**2 + add**2 == pytest.approx(1, rel=1e-12)
    assert add == step_size


@pytest.mark.parametrize("case", arcs.GREAT_CIRCLE.cases(), ids=lambda c: len(c.args["a"]))
def test_the_right_arc_moves_angle_and_length_evenly(case):
    """Angles by arctan2 in the plane of a and b: not the formula that made them."""
    path = evaluate(arcs.GREAT_CIRCLE.right, case)
    a, b = case.args["a"].double(), case.args["b"].double()
    torch.testing.assert_close(path[0], a)
    torch.testing.assert_close(path[-1], b)
    e1 = unit(a)
    e2 = unit(b - (b @ e1) * e1)
    angle = torch.atan2(path @ e2, path @ e1)
    for values in (angle, path.norm(dim=1)):
        steps = values.diff()
        torch.testing.assert_close(steps, steps.mean().expand_as(steps))


def test_the_right_density_integrates_to_one():
    """On a grid over the plane. A forgotten 1/N gives N, a forgotten 2 pi another number."""
    g = torch.Generator().manual_seed(0)
    mu, logvar = torch.randn(2, 6, 2, generator=g, dtype=torch.float64)
    axis = torch.linspace(-14, 14, 701, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    total = aggregate.AGGREGATE.right(z, mu, logvar).exp().sum() * (axis[1] - axis[0]) ** 2
    assert total.item() == pytest.approx(1, abs=1e-6)


def test_the_kinds_of_dimensions_are_what_their_names_say():
    """Burda's count: variance over the pictures of the mean, against 0.01."""
    case = collapsed.COLLAPSED.cases()[0]
    answers = evaluate(collapsed.COLLAPSED.right, case).bool().tolist()
    names = dict(zip(collapsed.KINDS, answers, strict=True))
    assert {name for name, gone in names.items() if gone} == {
        "collapsed", "collapsed off centre", "nearly collapsed", "narrow but constant",
        "just collapsed", "faintly moving", "sd just above 0.01", "sd just below 0.01",
        "sharp and nearly constant",
    }  # fmt: skip
