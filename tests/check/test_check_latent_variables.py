"""Chapter 2's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from vae_teach.check import latent_variables
from vae_teach.check.engine.exercise import evaluate, evaluate_parts
from vae_teach.check.latent_variables import evidence, transform
from vae_teach.exact.evidence import effective_sample_size, log_mean_exp


def by_logsumexp(w):
    return torch.logsumexp(w, dim=0) - math.log(len(w))


def by_largest(w):
    top = w.max(dim=0).values
    return top + (w - top).exp().mean(dim=0).log()


def in_numpy(w):
    w = w.numpy()
    return np.logaddexp.reduce(w, axis=0) - np.log(len(w))


def ess_by_softmax(w):
    return 1 / torch.softmax(w, dim=0).square().sum(dim=0)


def ess_by_logs(w):
    return torch.exp(2 * torch.logsumexp(w, 0) - torch.logsumexp(2 * w, 0))


def ess_by_largest(w):
    weights = (w - w.max(dim=0, keepdim=True).values).exp()
    return weights.sum(0) ** 2 / (weights**2).sum(0)


def bayes(prior, likelihood):
    joint = prior[:, None] * likelihood
    return joint.sum(dim=0), joint / joint.sum(dim=0, keepdim=True)


def bayes_by_matrix(prior, likelihood):
    evidence = prior @ likelihood
    return [evidence, torch.diag(prior) @ likelihood / evidence]


def bayes_in_logs(prior, likelihood):
    joint = prior.log()[:, None] + likelihood.log()
    return torch.logsumexp(joint, 0).exp(), torch.softmax(joint, 0)


def uniform(z):
    return torch.special.ndtr(z)


RIGHT = {
    "log_mean_exp": {"logsumexp": by_logsumexp, "largest": by_largest, "numpy": in_numpy},
    "effective_sample_size": {
        "softmax": ess_by_softmax,
        "logs": ess_by_logs,
        "largest": ess_by_largest,
    },
    "inverse_transform": {
        "rising": lambda z: -torch.log1p(-uniform(z)) / 1.5,
        "falling": lambda z: -uniform(z).log() / 1.5,
        "log-ndtr": lambda z: -torch.special.log_ndtr(-z) / 1.5,
        "scipy": lambda z: stats.expon(scale=1 / 1.5).ppf(stats.norm.cdf(z.numpy())),
    },
    "marginal": {"joint": bayes, "matrix": bayes_by_matrix, "logs": bayes_in_logs},
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
    "effective_sample_size": {
        "n": lambda w: torch.full((w.shape[1],), float(w.shape[0])),
        "upside-down": lambda w: torch.softmax(w, 0).square().sum(0),
        "log": lambda w: ess_by_softmax(w).log(),
        "share": lambda w: w.exp().mean(0) ** 2 / (w.exp() ** 2).mean(0),
        "exp-missing": lambda w: w.sum(0) ** 2 / (w**2).sum(0),
        "sum-not-squared": lambda w: w.exp().sum(0) / (w.exp() ** 2).sum(0),
        "squares-swapped": lambda w: (w.exp() ** 2).sum(0) / w.exp().sum(0),
        "largest-weight": lambda w: 1 / torch.softmax(w, 0).amax(0),
        "entropy": lambda w: torch.distributions.Categorical(logits=w.T).entropy(),
        "not-squared": lambda w: 1 / torch.softmax(w, 0).sum(0),
        "spread-of-n-minus-one": lambda w: len(w) / (1 + (len(w) * torch.softmax(w, 0)).var(0)),
        "perplexity": lambda w: torch.distributions.Categorical(logits=w.T).entropy().exp(),
        "wrong-axis": lambda w: 1 / torch.softmax(w, 1).square().sum(1),
        "everything": lambda w: 1 / torch.softmax(w.flatten(), 0).square().sum(),
        "underflow": lambda w: w.exp().sum(0) ** 2 / (w.exp() ** 2).sum(0),
        "clipped": lambda w: ess_by_softmax(w.clamp(-50, 50)),
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
    },
    "marginal": {
        "prior-missing": lambda p, lik: (lik.sum(0), lik / lik.sum(0)),
        "prior-uniform": lambda p, lik: (lik.mean(0), lik / lik.sum(0)),
        "prior-along-pictures": lambda p, lik: bayes(torch.ones_like(p), p * lik),
        "prior-missing-in-the-evidence": lambda p, lik: (lik.mean(0), bayes(p, lik)[1]),
        "prior-missing-in-the-posterior": lambda p, lik: (bayes(p, lik)[0], lik / lik.sum(0)),
        "normalised-over-pictures": lambda p, lik: (
            bayes(p, lik)[0],
            (p[:, None] * lik) / (p[:, None] * lik).sum(1, keepdim=True),
        ),
        "normalised-over-everything": lambda p, lik: (
            bayes(p, lik)[0],
            (p[:, None] * lik) / (p[:, None] * lik).sum(),
        ),
        "not-normalised": lambda p, lik: (bayes(p, lik)[0], p[:, None] * lik),
        "likelihood-as-posterior": lambda p, lik: (bayes(p, lik)[0], lik),
        "prior-as-posterior": lambda p, lik: (bayes(p, lik)[0], p),
        "order-swapped": lambda p, lik: bayes(p, lik)[::-1],
        "transposed": lambda p, lik: (bayes(p, lik)[0], bayes(p, lik)[1].T),
        "evidence-over-pictures": lambda p, lik: ((p[:, None] * lik).sum(1), bayes(p, lik)[1]),
        "evidence-in-logs": lambda p, lik: (bayes(p, lik)[0].log(), bayes(p, lik)[1]),
        "evidence-averaged": lambda p, lik: ((p[:, None] * lik).mean(0), bayes(p, lik)[1]),
        "evidence-over-everything": lambda p, lik: ((p @ lik).sum(), bayes(p, lik)[1]),
        "prior-twice": lambda p, lik: (p @ lik, bayes(p, p[:, None] * lik)[1]),
        "softmax-of-probabilities": lambda p, lik: (p @ lik, (p[:, None] * lik).softmax(0)),
        "divided-by-the-mean": lambda p, lik: (p @ lik, len(p) * bayes(p, lik)[1]),
        "posterior-in-logs": lambda p, lik: (p @ lik, bayes(p, lik)[1].log()),
        "most-probable-setting": lambda p, lik: (p @ lik, bayes(p, lik)[1].argmax(0)),
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
        "in-place": (lambda w: by_logsumexp(w.sub_(1)) + 1, "changes its argument log_weights"),
        "column": (lambda w: by_logsumexp(w)[:, None], "an axis of size 1 too many"),
        "no-return": (lambda w: None, "is its `return` missing?"),
    },
    "effective_sample_size": {
        "one-maximum": (
            lambda w: (w - w.max()).exp().sum(0) ** 2 / (2 * (w - w.max())).exp().sum(0),
            "for columns of log-weights that lie hundreds apart they are infinite or NaN",
        ),
        "mean-for-maximum": (
            lambda w: (w - w.mean(0)).exp().sum(0) ** 2 / (2 * (w - w.mean(0))).exp().sum(0),
            "for a column whose log-weights lie 2,000 apart they are infinite or NaN",
        ),
        "squeezed": (lambda w: ess_by_softmax(w).squeeze(), "a batch of one the shape is ()"),
        "twice": (lambda w: 2 * ess_by_softmax(w), "2 times the right ones"),
        "no-return": (lambda w: None, "is its `return` missing?"),
    },
    "inverse_transform": {
        "squeezed": (lambda z: -uniform(z).log().squeeze() / 1.5, "has shape (), but z has shape"),
        "in-place": (lambda z: -z.neg_().erf_().log() / 1.5, "changes its argument z in place"),
        "twice-too-large": (lambda z: -2 * uniform(z).log() / 1.5, "twice or half as large"),
        "constant": (lambda z: torch.full_like(z, 2 / 3), "do not follow the exponential"),
        "no-return": (lambda z: None, "is its `return` missing?"),
    },
    "marginal": {
        "evidence-halved": (lambda p, lik: (bayes(p, lik)[0] / 2, bayes(p, lik)[1]), "evidence:"),
        "no-return": (lambda p, lik: None, "is its `return` missing?"),
        "evidence-only": (lambda p, lik: bayes(p, lik)[0], "return 2 things, evidence, posterior"),
        "tiny-constant": (
            lambda p, lik: (p @ lik, p[:, None] * lik / (p @ lik + 1e-8)),
            "columns of probabilities near 1e-40 entry [0, 1] of the result should be",
        ),
        "clamped": (
            lambda p, lik: bayes(p, lik.clamp(min=1e-12)),
            "columns of probabilities near 1e-40",
        ),
        "squeezed": (
            lambda p, lik: ((p @ lik).squeeze(), bayes(p, lik)[1].squeeze()),
            "an axis N of size 1 the shape is () where (1,) is asked in the evidence",
        ),
        "both-wrong": (
            lambda p, lik: (lik.sum(0), p[:, None] * lik),
            "Your evidence is not weighted by the prior",
        ),
    },
}


@pytest.mark.parametrize(
    "exercise",
    [latent_variables.LOG_MEAN_EXP, latent_variables.EFFECTIVE_SAMPLE_SIZE],
    ids=lambda e: e.name,
)
def test_our_answers_are_those_of_the_package(exercise):
    """A right answer that is wrong would teach every student the same mistake."""
    oracle = {"log_mean_exp": log_mean_exp, "effective_sample_size": effective_sample_size}
    for case in exercise.cases():
        want = oracle[exercise.name](case.args["log_weights"].double())
        torch.testing.assert_close(evaluate(exercise.right, case), want, rtol=1e-9, atol=0)


def test_our_posterior_obeys_bayes():
    """Posteriors that do not sum to 1 over the settings, or do not give the joint back."""
    for case in evidence.MARGINAL.cases():
        total, posterior = evaluate_parts(evidence.MARGINAL.right, case)
        torch.testing.assert_close(posterior.sum(0), torch.ones_like(total))
        joint = case.args["prior"].double()[:, None] * case.args["likelihood"].double()
        torch.testing.assert_close(posterior * total, joint)


def test_the_noise_of_the_transform_is_standard_normal():
    """Noise off its quantiles would refuse right answers, which are judged to half a step."""
    z = transform._noise(2_000).double()
    assert stats.kstest(z.numpy(), "norm").statistic < 1 / 2_000
    assert not torch.equal(z, z.sort().values)  # in order, a sorted answer would pass too
