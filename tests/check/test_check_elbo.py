"""Chapter 4's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_teach import check
from vae_teach.check import elbo
from vae_teach.check.elbo import bound_by_hand, posterior
from vae_teach.check.engine.exercise import evaluate, evaluate_parts
from vae_teach.exact.linear_gaussian import LinearGaussian

ANSWERS = {"find_misprint", "two_point_bound"}


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


def posterior_by_hand(W, b, s, x):
    """By completing the square."""
    cov = torch.linalg.inv(torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / s**2)
    return (x - b) @ W @ cov / s**2, cov


def posterior_by_conditioning(W, b, s, x):
    """By the joint Gaussian of z and x."""
    gain = W.T @ torch.linalg.inv(W @ W.T + s**2 * torch.eye(len(W), dtype=W.dtype))
    return (x - b) @ gain.T, torch.eye(W.shape[1], dtype=W.dtype) - gain @ W


def posterior_in_numpy(W, b, s, x):
    W, b, x = (t.numpy().astype(np.float64) for t in (W, b, x))
    precision = np.eye(W.shape[1]) + W.T @ W / s**2
    return np.linalg.solve(precision, W.T @ (x - b).T / s**2).T, np.linalg.inv(precision)


def with_mean(change):
    """The posterior with another mean: change(W, b, sigma_x, x, mean, covariance)."""
    return lambda *a: (change(*a, *posterior_by_hand(*a)), posterior_by_hand(*a)[1])


def with_cov(change):
    return lambda *a: (posterior_by_hand(*a)[0], change(*a, *posterior_by_hand(*a)))


def with_kl(change):
    """The bound with another divergence: change(mu, logvar) -> (B,)."""
    return lambda ll, m, v: ll.mean(0) - change(m, v)


def by_hand(**changes):
    values = {"log_evidence": -0.693, "elbo": -0.738, "gap": 0.044}
    return values | changes


RIGHT = {
    "elbo_value": {"torch": elbo_by_torch, "loop": elbo_by_loop, "minus-loss": elbo_as_minus_loss},
    "find_misprint": {
        "plain": "p(z)",
        "spaced": " p( z ) ",
        "latex": "$p(z)$",
        "word": "the prior",
        "word-and-symbol": "the prior p(z)",
        "with-parameters": r"p_\theta(z_i)",
        "in-its-place": r"KL(q(z | x_i) || p(z))",
        "standard-normal": r"$\mathcal{N}(0, I)$",
        "both": "p(z) = N(0, I)",
        "in-capitals": "P(Z)",
        "in-contrast": "p(z), not p(z|x)",
        "in-words": "the standard normal distribution",
    },
    "gaussian_posterior": {
        "square": posterior_by_hand,
        "conditioning": posterior_by_conditioning,
        "numpy": posterior_in_numpy,
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
    "find_misprint": {
        "unchanged": "p(z | x)",
        "evidence": "p(x)",
        "encoder": "q(z|x_i)",
        "likelihood": "p(x|z)",
        "joint": "p(x, z)",
        "unread": "nothing is wrong",
    },
    "gaussian_posterior": {
        "sigma-not-squared": lambda W, b, s, x: posterior_by_hand(W, b, s**0.5, x),
        "identity-missing": lambda W, b, s, x: (
            (x - b) @ W @ torch.linalg.inv(W.T @ W),
            s**2 * torch.linalg.inv(W.T @ W),
        ),
        "offset-missing": lambda W, b, s, x: posterior_by_hand(W, 0 * b, s, x),
        "scale-missing-in-the-mean": lambda W, b, s, x: (
            posterior_by_hand(W, b, s, x)[0] * s**2,
            posterior_by_hand(W, b, s, x)[1],
        ),
        "precision-for-covariance": lambda *a: (
            posterior_by_hand(*a)[0],
            torch.linalg.inv(posterior_by_hand(*a)[1]),
        ),
        "prior-covariance": lambda *a: (posterior_by_hand(*a)[0], torch.eye(a[0].shape[1])),
        "order-swapped": lambda *a: posterior_by_hand(*a)[::-1],
        "sigma-missing": lambda W, b, s, x: posterior_by_hand(W, b, 1.0, x),
        "offset-added": lambda W, b, s, x: (
            posterior_by_hand(W, -b, s, x)[0],
            posterior_by_hand(W, b, s, x)[1],
        ),
        "sigma-not-squared-in-the-mean": with_mean(lambda W, b, s, x, m, cov: m * s),
        "covariance-missing-in-the-mean": with_mean(lambda W, b, s, x, m, cov: (x - b) @ W / s**2),
        "projected-only": with_mean(lambda W, b, s, x, m, cov: (x - b) @ W),
        "least-squares": with_mean(
            lambda W, b, s, x, m, cov: torch.linalg.lstsq(W, (x - b).T)[0].T
        ),
        "mean-transposed": with_mean(lambda W, b, s, x, m, cov: m.T),
        "mean-of-the-data": with_mean(lambda W, b, s, x, m, cov: m @ W.T + b),
        "mean-over-batch": with_mean(lambda W, b, s, x, m, cov: m.mean(0)),
        "sigma-not-squared-in-the-covariance": with_cov(
            lambda W, b, s, x, m, cov: posterior_by_hand(W, b, s**0.5, x)[1]
        ),
        "identity-missing-in-the-covariance": with_cov(
            lambda W, b, s, x, m, cov: s**2 * torch.linalg.inv(W.T @ W)
        ),
        "sigma-missing-in-the-covariance": with_cov(
            lambda W, b, s, x, m, cov: posterior_by_hand(W, b, 1.0, x)[1]
        ),
        "factor-missing-in-the-covariance": with_cov(
            lambda W, b, s, x, m, cov: torch.linalg.inv(s**2 * torch.eye(W.shape[1]) + W.T @ W)
        ),
        "covariance-of-the-data": with_cov(
            lambda W, b, s, x, m, cov: W @ W.T + s**2 * torch.eye(len(W))
        ),
        "root-of-the-covariance": with_cov(lambda W, b, s, x, m, cov: torch.linalg.cholesky(cov)),
        "noise-covariance": with_cov(lambda W, b, s, x, m, cov: s**2 * torch.eye(W.shape[1])),
        "not-inverted": with_cov(lambda W, b, s, x, m, cov: torch.eye(len(cov)) - W.T @ W / s**2),
        "mean-of-x-for-b": with_mean(
            lambda W, b, s, x, m, cov: posterior_by_hand(W, x.mean(0), s, x)[0]
        ),
        "variances-only": with_cov(lambda W, b, s, x, m, cov: cov.diag()),
        "off-diagonal-dropped": with_cov(lambda W, b, s, x, m, cov: cov.diag().diag()),
        "one-for-each-point": with_cov(lambda W, b, s, x, m, cov: cov.repeat(len(x), 1, 1)),
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
        "detached": (lambda ll, m, v: elbo_by_torch(ll, m.detach(), v), "mu"),
        "no-return": (lambda *a: None, "is its `return` missing?"),
    },
    "find_misprint": {
        "a-number": (3, "give a string"),
        "in-latex": (r"$p_{\theta}(z \mid x_i)$", "what the source prints"),
        "word-and-symbol": ("posterior p(z|x)", "what the source prints"),
        "by-bayes": ("p(z|x) = p(x|z) p(z) / p(x)", "what the source prints"),
        "aggregate": ("the aggregate posterior", "names no density that stands"),
    },
    "gaussian_posterior": {
        "three": (lambda *a: (*posterior_by_hand(*a), 1.0), "return 2 things, mean, covariance"),
        "the-mean-only": (
            lambda *a: posterior_by_hand(*a)[0],
            "returned a Tensor: return 2 things",
        ),
        "squeezed": (
            lambda *a: (posterior_by_hand(*a)[0].squeeze(0), posterior_by_hand(*a)[1]),
            "a batch of one the shape is (2,) where (1, 2) is asked in the mean",
        ),
        "twice-the-mean": (
            lambda *a: (2 * posterior_by_hand(*a)[0], posterior_by_hand(*a)[1]),
            "In the mean:",
        ),
        "none": (lambda *a: None, "is its `return` missing?"),
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


def test_our_posterior_is_that_of_the_exact_model():
    """The same for the posterior, against the model whose answers are known."""
    for case in posterior.GAUSSIAN_POSTERIOR.cases():
        mean, cov = evaluate_parts(posterior.GAUSSIAN_POSTERIOR.right, case)
        W, b, sigma_x, x = (
            v.double() if isinstance(v, torch.Tensor) else v for v in case.args.values()
        )
        exact_mean, exact_cov = LinearGaussian(W, b, sigma_x).posterior(x)
        torch.testing.assert_close(mean, exact_mean)
        torch.testing.assert_close(cov, exact_cov)


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
    assert check.find_misprint(None).message == "Not attempted yet."
