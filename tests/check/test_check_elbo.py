"""Chapter 4's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_teach import check
from vae_teach.check import elbo
from vae_teach.check.elbo import bound_by_hand
from vae_teach.check.elbo import sizes as latent_sizes
from vae_teach.check.engine.exercise import evaluate
from vae_teach.exact.ppca import fit_ppca

ANSWERS = {"latent_size", "two_point_bound"}


def divergence(mu, logvar):
    q = Normal(mu, (logvar / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(-1)


def elbo_by_torch(ll, mu, logvar):
    return ll.mean(0) - divergence(mu, logvar)


def elbo_by_loop(ll, mu, logvar):
    rows = []
    for i in range(len(mu)):
        cost = sum(0.5 * (m**2 + v.exp() - 1 - v) for m, v in zip(mu[i], logvar[i], strict=True))
        rows.append(ll[:, i].sum() / len(ll) - cost)
    return torch.stack(rows)


def elbo_as_minus_loss(ll, mu, logvar):
    loss = -ll.mean(dim=0) - 0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1)
    return -loss


def with_kl(change):
    """The bound with another divergence: change(mu, logvar) -> (B,)."""
    return lambda ll, m, v: ll.mean(0) - change(m, v)


def table_of(**changes):
    return latent_sizes.right_answer() | changes


def of_fixed_noise(sigma_x):
    training, validation, _ = latent_sizes.factor_data()
    models = [fit_ppca(training, size, sigma_x=sigma_x).model for size in range(1, 9)]
    return [model.log_evidence(validation).mean().item() for model in models]


def refitted(size):
    training, validation, testing = latent_sizes.factor_data()
    model = fit_ppca(torch.cat([training, validation]), size).model
    return model.log_evidence(testing).mean().item()


def scores_of(which, log_density=None, *, fitted_to=0):
    """The mean log density of one of the three sets under a Gaussian by eigenvectors, in NumPy."""
    data = [x.numpy() for x in latent_sizes.factor_data()]
    centre = data[fitted_to].mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(data[fitted_to].T, bias=True))
    table = []
    for size in range(1, 9):
        kept = values.copy()
        kept[:-size] = values[:-size].mean()  # the noise, in all directions left out
        along = (data[which] - centre) @ vectors
        logs = -0.5 * (along**2 / kept + np.log(2 * np.pi * kept)).sum(axis=1)
        table.append(float(logs.mean()))
    return table


def squared_errors():
    """Of the reconstructions from posterior means, which shrink each kept direction."""
    training, x = (x.numpy() for x in latent_sizes.factor_data()[:2])
    values, vectors = np.linalg.eigh(np.cov(training.T, bias=True))
    table = []
    for size in range(1, 9):
        noise = values[:-size].mean()
        shrunk = np.zeros(10)
        shrunk[-size:] = 1 - noise / values[-size:]
        along = (x - training.mean(axis=0)) @ vectors
        table.append(float((((1 - shrunk) * along) ** 2).mean()))
    return table


def by_hand(**changes):
    values = {"log_evidence": -0.693, "elbo": -0.738, "gap": 0.044}
    return values | changes


RIGHT = {
    "elbo_value": {"torch": elbo_by_torch, "loop": elbo_by_loop, "minus-loss": elbo_as_minus_loss},
    "latent_size": {
        "by-the-package": latent_sizes.right_answer(),
        "by-eigenvectors": table_of(validation=scores_of(1), test=scores_of(2)[2]),
        "three-decimals": table_of(validation=[round(v, 3) for v in scores_of(1)], test=-17.944),
        "tensors": table_of(validation=torch.tensor(scores_of(1)), chosen=torch.tensor(3)),
        "choice-as-text": table_of(chosen="3"),
    },
    "two_point_bound": {
        "three-decimals": by_hand(),
        "exact": {k: bound_by_hand._numbers()[k] for k in bound_by_hand.KEYS},
        "tensors": {k: torch.tensor(v) for k, v in by_hand().items()},
        "arrays": {k: np.array([v]) for k, v in by_hand().items()},
        "keys-in-words": {"Log evidence": -0.693, "ELBO": -0.738, "gap": 0.044},
        "strings": {"log_evidence": "-0.6931", "elbo": "-0.7376", "gap": "0.0444"},
    },
}

WRONG = {
    "elbo_value": {
        "kl-added": lambda ll, m, v: ll.mean(0) + divergence(m, v),
        "loss": lambda *a: -elbo_by_torch(*a),
        "kl-divided-by-the-batch": lambda ll, m, v: ll.mean(0) - divergence(m, v) / len(m),
        "one-dimension": with_kl(lambda m, v: divergence(m[:, :1], v[:, :1])),
        "draws-minus-one": lambda ll, m, v: ll.sum(0) / (len(ll) - 1) - divergence(m, v),
        "median": lambda ll, m, v: ll.median(0).values - divergence(m, v),
        "draws-summed": lambda ll, m, v: ll.sum(0) - divergence(m, v),
        "log-mean-exp": lambda ll, m, v: ll.exp().mean(0).log() - divergence(m, v),
        "kl-averaged": lambda ll, m, v: ll.mean(0) - divergence(m, v) / m.shape[1],
        "half-missing": lambda ll, m, v: ll.mean(0) - (m**2 + v.exp() - 1 - v).sum(-1),
        "logvar-as-log-sigma": lambda ll, m, v: (
            ll.mean(0) - 0.5 * (m**2 + (2 * v).exp() - 1 - 2 * v).sum(-1)
        ),
        "kl-missing": lambda ll, m, v: ll.mean(dim=0),
        "log-sum-exp": lambda ll, m, v: ll.logsumexp(0) - divergence(m, v),
        "one-draw": lambda ll, m, v: ll[0] - divergence(m, v),
        "best-draw": lambda ll, m, v: ll.max(0)[0] - divergence(m, v),
        "likelihood-sign": lambda ll, m, v: -ll.mean(0) - divergence(m, v),
        "kl-summed-over-batch": with_kl(lambda m, v: divergence(m, v).sum()),
        "kl-averaged-over-batch": with_kl(lambda m, v: divergence(m, v).mean()),
        "half-twice": with_kl(lambda m, v: divergence(m, v) / 2),
        "half-of-the-square-only": with_kl(lambda m, v: (m**2 / 2 + v.exp() - 1 - v).sum(1)),
        "minus-one-missing": with_kl(lambda m, v: 0.5 * (m**2 + v.exp() - v).sum(1)),
        "minus-one-once": with_kl(lambda m, v: 0.5 * ((m**2 + v.exp() - v).sum(1) - 1)),
        "plus-one": with_kl(lambda m, v: 0.5 * (m**2 + v.exp() + 1 - v).sum(1)),
        "log-sign": with_kl(lambda m, v: 0.5 * (m**2 + v.exp() - 1 + v).sum(1)),
        "log-missing": with_kl(lambda m, v: 0.5 * (m**2 + v.exp() - 1).sum(1)),
        "kl-divided-by-draws": lambda ll, m, v: (ll.sum(0) - divergence(m, v)) / len(ll),
        "kl-for-each-draw": lambda ll, m, v: ll.mean(0) - len(ll) * divergence(m, v),
        "mean-likelihood": lambda ll, m, v: ll.exp().mean(0) - divergence(m, v),
        "two-pi": with_kl(lambda m, v: divergence(m, v) + m.shape[1] * math.log(2 * math.pi) / 2),
        "entropy-only": with_kl(lambda m, v: -Normal(m, (v / 2).exp()).entropy().sum(1)),
        "mu-not-squared": with_kl(lambda m, v: 0.5 * (m + v.exp() - 1 - v).sum(1)),
        "mu-missing": with_kl(lambda m, v: 0.5 * (v.exp() - 1 - v).sum(1)),
        "variance-missing": with_kl(lambda m, v: 0.5 * (m**2 - 1 - v).sum(1)),
        "sigma-for-variance": with_kl(lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v).sum(1)),
        "logvar-for-variance": with_kl(lambda m, v: 0.5 * (m**2 + v - 1 - v.log()).sum(1)),
        "swapped": with_kl(
            lambda m, v: kl_divergence(Normal(0 * m, 1), Normal(m, (v / 2).exp())).sum(1)
        ),
        "parameters-exchanged": with_kl(lambda m, v: divergence(v, m)),
        "likelihood-missing": lambda ll, m, v: -divergence(m, v),
        "bits": lambda *a: elbo_by_torch(*a) / math.log(2),
        "draws-not-averaged": lambda ll, m, v: ll - divergence(m, v),
        "batch-summed": lambda *a: elbo_by_torch(*a).sum(),
        "batch-averaged": lambda *a: elbo_by_torch(*a).mean(),
    },
    "latent_size": {
        "training": table_of(validation=scores_of(0)),
        "test-in-the-table": table_of(validation=scores_of(2)),
        "sum": table_of(validation=[400 * v for v in scores_of(1)]),
        "bits": table_of(validation=[v / math.log(2) for v in scores_of(1)]),
        "negative": table_of(validation=[-v for v in scores_of(1)]),
        "per-pixel": table_of(validation=[v / 10 for v in scores_of(1)]),
        "reversed": table_of(validation=scores_of(1)[::-1]),
        "fixed-noise": table_of(validation=of_fixed_noise(0.5)),
        "rounded": table_of(validation=[round(v, 1) for v in scores_of(1)]),
        "refitted": table_of(test=refitted(3)),
        "reconstruction": table_of(validation=squared_errors()),
        "fitted-to-validation": table_of(validation=scores_of(1, fitted_to=1)),
        "table": table_of(validation=[0.0, *scores_of(1)[1:]]),
        "largest": table_of(chosen=8),
        "choice": table_of(chosen=2),
        "test-of-validation": table_of(test=scores_of(1)[2]),
        "test-of-another-size": table_of(test=scores_of(2)[7]),
        "test": table_of(test=-17.0),
        "still-open": table_of(test=None),
    },
    "two_point_bound": {
        "evidence-not-logged": by_hand(log_evidence=0.5),
        "prior-left-out": by_hand(log_evidence=0.0),
        "kl-forgotten": by_hand(elbo=0.8 * math.log(0.9) + 0.2 * math.log(0.1)),
        "kl-added": by_hand(
            elbo=0.8 * math.log(0.9 * 1.6) + 0.2 * math.log(0.1 * 0.4),
        ),
        "kl-to-the-posterior": by_hand(elbo=-0.5448 - 0.0444),
        "entropy-forgotten": by_hand(elbo=0.8 * math.log(0.45) + 0.2 * math.log(0.05)),
        "log-of-the-mean": by_hand(elbo=math.log(0.74) - 0.8 * math.log(1.6) - 0.2 * math.log(0.4)),
        "gap-swapped": by_hand(gap=0.9 * math.log(0.9 / 0.8) + 0.1 * math.log(0.1 / 0.2)),
        "gap-to-the-prior": by_hand(gap=0.8 * math.log(1.6) + 0.2 * math.log(0.4)),
        "bits": {"log_evidence": -1.0, "elbo": -1.0641, "gap": 0.0641},
        "base-ten": {"log_evidence": -0.301, "elbo": -0.3203, "gap": 0.0193},
        "evidence-under-q": by_hand(log_evidence=math.log(0.74)),
        "evidence-mean-of-logs": by_hand(log_evidence=0.5 * math.log(0.09)),
        "evidence-sum-of-logs": by_hand(log_evidence=math.log(0.45 * 0.05)),
        "evidence-of-one-value": by_hand(log_evidence=math.log(0.45)),
        "kl-turned": by_hand(elbo=-0.5448 - 0.5 * math.log(0.5 / 0.8) - 0.5 * math.log(0.5 / 0.2)),
        "under-the-prior": by_hand(elbo=0.5 * math.log(0.45 / 0.8) + 0.5 * math.log(0.05 / 0.2)),
        "q-exchanged": by_hand(elbo=0.2 * math.log(0.45 / 0.2) + 0.8 * math.log(0.05 / 0.8)),
        "elbo-from-the-swapped-gap": by_hand(
            elbo=-0.6931 - 0.9 * math.log(0.9 / 0.8) - 0.1 * math.log(0.1 / 0.2)
        ),
        "q-equal": by_hand(elbo=0.5 * math.log(0.9 * 0.1)),
        "gap-added": by_hand(elbo=-0.6931 + 0.0444),
        "gap-from-the-prior": by_hand(gap=0.2231),
        "gap-exchanged": by_hand(gap=0.2 * math.log(0.2 / 0.9) + 0.8 * math.log(0.8 / 0.1)),
        "gap-to-the-joint": by_hand(gap=0.738),
        "rounded": by_hand(log_evidence=-0.69),
        "exchanged": by_hand(log_evidence=-0.738),
        "consistent": by_hand(elbo=-0.893, gap=0.2),
        "sign": by_hand(gap=-0.0444),
        "other": by_hand(elbo=-0.9),
        "still-open": by_hand(gap=None),
    },
}

UNNAMED = {
    "elbo_value": {
        "clamped": (
            lambda ll, m, v: elbo_by_torch(ll, m, v.clamp(-3, 3)),
            "for logvar between -40 and -30 entry [0] of the result should be",
        ),
        "clamped-above": (
            lambda ll, m, v: elbo_by_torch(ll, m, v.clamp(max=5)),
            "for logvar between 7 and 10 entry [0] of the result should be",
        ),
        "squeezed": (lambda *a: elbo_by_torch(*a).squeeze(), "for a batch of one the shape is ()"),
        "column": (lambda *a: elbo_by_torch(*a)[:, None], "an axis of size 1 too many"),
        "free-bits": (
            with_kl(lambda m, v: (m**2 + v.exp() - 1 - v).div(2).clamp(min=0.02).sum(1)),
            "(every q is close to the prior)",
        ),
        "detached": (lambda ll, m, v: elbo_by_torch(ll, m.detach(), v), "mu"),
        "no-return": (lambda *a: None, "is its `return` missing?"),
    },
    "latent_size": {
        "a-list": (scores_of(1), "give a dictionary with validation, chosen and test"),
        "seven-numbers": (table_of(validation=scores_of(1)[1:]), "has 7 numbers: give 8"),
        "two-wrong": (table_of(validation=[0.0, 0.0, *scores_of(1)[2:]]), "sizes 1 and 2:"),
        "a-word": (table_of(chosen="three"), "Your answer for chosen is a str: give a number"),
        "not-a-number": (table_of(test=float("nan")), "Your number for the test points is not"),
        "between-two-sizes": (table_of(chosen=2.5), "is not the size with the largest number"),
        "two-open": (table_of(test=None, validation=None), "for validation and test"),
    },
    "two_point_bound": {
        "a-list": ([-0.693, -0.738, 0.044], "give a dictionary"),
        "a-word": (by_hand(gap="small"), "give a number"),
        "a-tensor": (by_hand(gap=torch.zeros(2)), "gap is a Tensor: give a number"),
        "a-huge-number": (by_hand(gap=10**400), "gap is an int: give a number"),
        "not-a-number": (by_hand(gap=float("nan")), "Your gap is not right"),
        "rounded-to-two": (by_hand(log_evidence=-0.69, elbo=-0.74, gap=0.04), "log_evidence is r"),
        "base-ten-throughout": (
            {"log_evidence": -0.301, "elbo": -0.320, "gap": 0.019},
            "Your log_evidence has a logarithm to base 10",
        ),
        "q-as-the-prior": (
            {"log_evidence": math.log(0.74), "elbo": -0.5448, "gap": math.log(0.74) + 0.5448},
            "Your log_evidence weights p(x|z) by q",
        ),
        "a-key-missing": ({"elbo": -0.738, "gap": 0.044}, "lacks log_evidence"),
    },
}  # fmt: skip


def test_our_elbo_is_that_of_torch():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in elbo.ELBO_VALUE.cases():
        args = [value.double() for value in case.args.values()]
        torch.testing.assert_close(
            evaluate(elbo.ELBO_VALUE.right, case), elbo_by_torch(*args), rtol=1e-12, atol=0
        )


def test_our_table_is_that_of_the_eigenvalues():
    """A right answer that is wrong: another way to the same Gaussian, in NumPy."""
    right = latent_sizes.right_answer()
    assert right["validation"] == pytest.approx(scores_of(1), abs=1e-9)
    assert right["test"] == pytest.approx(scores_of(2)[2], abs=1e-9)


def test_validation_and_training_points_choose_different_sizes():
    """An experiment in which the training points would have chosen as well teaches nothing."""
    assert latent_sizes.right_answer()["chosen"] == 3
    assert np.argmax(scores_of(0)) == 7
    second, best = sorted(scores_of(1))[-2:]
    assert best - second > 2 * latent_sizes.TOLERANCE


def test_the_three_numbers_by_hand_add_up():
    """Three numbers of which one was computed from another formula."""
    right = bound_by_hand._numbers()
    assert right["elbo"] + right["gap"] == pytest.approx(right["log_evidence"], abs=1e-12)
    assert right["log_evidence"] == pytest.approx(math.log(0.5))


def test_every_slip_gives_a_number_of_its_own():
    """Two mistakes, or a mistake and the truth, within the tolerance of each other."""
    right = bound_by_hand._numbers()
    for key in bound_by_hand.KEYS:
        names = [key, *(name for of, name, _ in bound_by_hand.SLIPS.values() if of == key)]
        values = sorted(right[name] for name in names)
        assert min(np.diff(values)) > 2 * bound_by_hand.TOLERANCE


@pytest.mark.parametrize("empty", [None, dict.fromkeys(("log_evidence", "elbo", "gap"))], ids=repr)
def test_an_open_answer_is_not_attempted(empty):
    """The stub's None marked as wrong before the reader has begun."""
    assert check.two_point_bound(empty).message == "Not attempted yet."
    assert check.latent_size(dict.fromkeys(latent_sizes.KEYS)).message == "Not attempted yet."
