"""The checks of the chapter on bounds: what students write, right and wrong (judged by
test_check_tables.py), and our own right answers against independent oracles."""

import math

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.special import logsumexp
from torch.distributions import Normal, kl_divergence

from vae_teach.check import bounds
from vae_teach.check.engine.exercise import evaluate

ANSWERS = {"bound_plot"}
K = (1, 5, 50, 500)
CURVES = (
    (-110.0, -107.0, -105.5, -105.1),
    (-111.0, -108.2, -106.1, -105.8),
    (-109.5, -107.0, -105.0, -104.9),
)


def blocks_by_loop(log_w, m):
    values = []
    for start in range(0, len(log_w), m):
        values.append(torch.logsumexp(log_w[start : start + m], 0) - math.log(m))
    return torch.stack(values).mean(0)


def blocks_out(log_w, m, what):
    """The bound with a number taken out of each block before exp."""
    return torch.stack([(p - what(p)).exp().mean(0).log() + what(p) for p in log_w.split(m)]).mean(
        0
    )


def blocks_by_numpy(log_w, m):
    cut = log_w.double().numpy().reshape(-1, m, log_w.shape[1])
    return logsumexp(cut, axis=1, b=1 / m).mean(0)


def blocks_by_split(log_w, m):
    return sum(part.logsumexp(0) - math.log(m) for part in log_w.split(m)) * m / len(log_w)


def gap_by_hand(log_joint, log_q, cell):
    log_post = log_joint - (log_joint.logsumexp(0) + math.log(cell))
    return (log_q.exp() * (log_q - log_post) * cell).sum(0)


def gap_by_elbo(log_joint, log_q, cell):
    elbo = ((log_joint - log_q) * log_q.exp()).sum(0) * cell
    return log_joint.logsumexp(0) + math.log(cell) - elbo


def gap_by_numpy(log_joint, log_q, cell):
    joint, q = log_joint.double().numpy(), log_q.double().numpy()
    evidence = logsumexp(joint, axis=0) + np.log(cell)
    return (np.exp(q) * (q - joint + evidence)).sum(0) * cell


def drawn(curves=CURVES, xs=K, *, scale="log", x="draws, K", y="nats per picture", legend=True):
    """The axes of a figure, as a student may draw it."""
    ax = Figure().add_subplot()
    for i, curve in enumerate(curves):
        ax.plot(xs[: len(curve)], curve, "o-", label=f"seed {i}")
    ax.set(xscale=scale, xlabel=x, ylabel=y)
    if legend:
        ax.legend()
    return ax


def from_right_to_left():
    """The axes of a figure whose points were drawn from the largest K to the smallest."""
    return drawn([curve[::-1] for curve in CURVES], xs=K[::-1])


def one_seed_with_errors():
    """One curve, whose error bars end in caps: matplotlib draws these as lines too."""
    ax = drawn(curves=(), legend=False)
    ax.errorbar(K, CURVES[0], yerr=[0.3, 0.2, 0.1, 0.1], capsize=3, label="seed 0")
    ax.legend()
    return ax


def with_errors():
    ax = drawn(curves=(), legend=False)
    for i, curve in enumerate(CURVES):
        ax.errorbar(K, curve, yerr=[0.3] * 4, capsize=3, label=f"seed {i}")
    ax.axhline(-104, label="exact")
    ax.legend()
    return ax


def unlabelled():
    ax = drawn(legend=False)
    ax.legend(handles=[])
    return ax


def exchanged():
    ax = Figure().add_subplot()
    for i, curve in enumerate(CURVES):
        ax.plot(curve, K, label=f"seed {i}")
    ax.legend()
    return ax


RIGHT = {
    "bound_in_blocks": {
        "loop": blocks_by_loop,
        "numpy": blocks_by_numpy,
        "split": blocks_by_split,
    },
    "gap_on_a_grid": {
        "by-hand": gap_by_hand,
        "by-the-elbo": gap_by_elbo,
        "numpy": gap_by_numpy,
    },
    "bound_plot": {
        "lines": drawn(),
        "more-seeds": drawn((*CURVES, (-112.0, -109.0, -107.0, -106.0))),
        "error-bars": with_errors(),
        "from-right-to-left": from_right_to_left(),
    },
}

WRONG = {
    "bound_in_blocks": {
        "mean-of-the-logs": lambda w, m: torch.stack([p.mean(0) for p in w.split(m)]).mean(0),
        "all-draws": lambda w, m: w.exp().mean(0).log(),
        "one-block": lambda w, m: torch.logsumexp(w[:m], 0) - math.log(m),
        "m-blocks": lambda w, m: blocks_by_loop(w, len(w) // m),
        "every-other": lambda w, m: blocks_by_loop(
            torch.cat([w[i :: len(w) // m] for i in range(len(w) // m)]), m
        ),
        "log-m-missing": lambda w, m: blocks_by_loop(w, m) + math.log(m),
        "log-k-for-log-m": lambda w, m: blocks_by_loop(w, m) + math.log(m) - math.log(len(w)),
        "log-m-added": lambda w, m: blocks_by_loop(w, m) + 2 * math.log(m),
        "m-not-logged": lambda w, m: blocks_by_loop(w, m) + math.log(m) - m,
        "blocks-added": lambda w, m: blocks_by_loop(w, m) * len(w) / m,
        "best-block": lambda w, m: torch.stack(
            [p.logsumexp(0) - math.log(m) for p in w.split(m)]
        ).max(0).values,
        "best-draw": lambda w, m: torch.stack([p.max(0).values for p in w.split(m)]).mean(0),
        "each-block": lambda w, m: torch.stack(
            [p.logsumexp(0) - math.log(m) for p in w.split(m)]
        ),
        "one-value": lambda w, m: blocks_by_loop(w, m).mean(),
        "not-a-logarithm": lambda w, m: torch.stack([p.exp().mean(0) for p in w.split(m)]).mean(0),
        "loss": lambda w, m: -blocks_by_loop(w, m),
        "one-largest-for-all": lambda w, m: blocks_out(w, m, lambda block: w.max()),
        "largest-of-the-picture": lambda w, m: blocks_out(w, m, lambda block: w.max(0).values),
        "not-the-largest": lambda w, m: blocks_out(w, m, lambda block: block.mean(0)),
        "overflow": lambda w, m: torch.stack([p.exp().mean(0).log() for p in w.split(m)]).mean(0),
    },
    "gap_on_a_grid": {
        "the-other-way-round": lambda j, q, c: (
            (j - j.logsumexp(0)).exp() * (j - j.logsumexp(0) - math.log(c) - q)
        ).sum(0),
        "posterior-not-normalised": lambda j, q, c: ((q - j) * q.exp() * c).sum(0),
        "elbo": lambda j, q, c: ((j - q) * q.exp() * c).sum(0),
        "evidence": lambda j, q, c: (j.exp() * c).sum(0).log(),
        "evidence-without-cell": lambda j, q, c: gap_by_hand(j, q, c) - math.log(c),
        "evidence-as-a-mean": lambda j, q, c: gap_by_hand(j, q, c) - math.log(c * len(j)),
        "sum-without-cell": lambda j, q, c: gap_by_hand(j, q, c) / c,
        "no-cell-at-all": lambda j, q, c: (q.exp() * (q - j + j.logsumexp(0))).sum(0),
        "mean-over-points": lambda j, q, c: (q - j + j.logsumexp(0) + math.log(c)).mean(0),
        "not-weighted": lambda j, q, c: (q - j + j.logsumexp(0) + math.log(c)).sum(0) * c,
        "entropy-forgotten": lambda j, q, c: (
            -q.exp() * (j - j.logsumexp(0) - math.log(c)) * c
        ).sum(0),
        "one-value": lambda j, q, c: gap_by_hand(j, q, c).sum(),
        "log-cell-subtracted": lambda j, q, c: (
            (q.exp() * (q - j + j.logsumexp(0) - math.log(c))).sum(0) * c
        ),
        "evidence-of-all-pictures": lambda j, q, c: (
            (q.exp() * (q - j + j.logsumexp((0, 1)) + math.log(c))).sum(0) * c
        ),
        "terms-made-positive": lambda j, q, c: (
            (q.exp() * (q - j + j.logsumexp(0) + math.log(c)).clamp(min=0)).sum(0) * c
        ),
        "both-ways": lambda j, q, c: (
            (q.exp() - j.softmax(0) / c) * (q - j.log_softmax(0) + math.log(c))
        ).sum(0) * c,
        "under-the-posterior": lambda j, q, c: (
            j.softmax(0) * (q - j.log_softmax(0) + math.log(c))
        ).sum(0),
        "one-largest-for-all": lambda j, q, c: (
            q.exp() * (q - j + ((j - j.max()).exp().sum(0) * c).log() + j.max())
        ).sum(0) * c,
        "sign": lambda j, q, c: -gap_by_hand(j, q, c),
        "underflow": lambda j, q, c: (
            q.exp() * (q - (j.exp() / (j.exp().sum(0) * c)).log())
        ).sum(0) * c,
    },
    "bound_plot": {
        "no-axes": Figure(),
        "too-few-curves": drawn(CURVES[:2]),
        "no-first-point": drawn(xs=(2, 5, 50, 500)),
        "few-draws": drawn(xs=(1, 5, 50, 100)),
        "even-axis": drawn(scale="linear"),
        "no-x-label": drawn(x=""),
        "no-unit": drawn(y="bound"),
        "no-legend": drawn(legend=False),
        "no-numbers": drawn([*CURVES[:2], (-110.0, math.nan, -105.5, -105.1)]),
        "log-of-the-draws": drawn(xs=[math.log10(k) for k in K], scale="linear"),
        "axes-exchanged": exchanged(),
        "one-curve-moved": drawn([*CURVES[:2], [v + 0.7 for v in CURVES[0]]]),
        "one-model": drawn([[v + noise for v, noise in zip(CURVES[0], row, strict=True)]
                            for row in ((0, 0, 0, 0), (.01, -.002, .003, 0), (0, .001, 0, .01))]),
        "straight": drawn([*CURVES[:2], [-109 + 1.7 * math.log10(k) for k in K]]),
        "same-curve": drawn((CURVES[0], CURVES[1], CURVES[0])),
        "falls": drawn([CURVES[0], CURVES[1], CURVES[2][::-1]]),
        "flat": drawn([CURVES[0], CURVES[1], (-107.0, -106.9, -107.1, -107.0)]),
        "positive": drawn([[-v for v in reversed(curve)] for curve in CURVES]),
    },
}  # fmt: skip

UNNAMED = {
    "bound_in_blocks": {
        "overlapping-blocks": (
            lambda w, m: torch.stack(
                [w[i : i + m].logsumexp(0) - math.log(m) for i in range(len(w) - m + 1)]
            ).mean(0),
            "is",
        ),
        "squeezed": (lambda w, m: blocks_by_loop(w, m).squeeze(), "for a batch of one"),
    },
    "gap_on_a_grid": {
        "half": (lambda j, q, c: gap_by_hand(j, q, c) / 2, "0.5 times"),
        "squeezed": (lambda j, q, c: gap_by_hand(j, q, c).squeeze(), "for a batch of one"),
        "mean-taken-out": (
            lambda j, q, c: (
                (q.exp() * (q - j + ((j - j.mean(0)).exp().sum(0) * c).log() + j.mean(0))).sum(0)
                * c
            ),
            "each picture's largest",
        ),
        "clamped": (
            lambda j, q, c: (
                (q.exp() * (q - (j.log_softmax(0) - math.log(c)).clamp(min=-30))).sum(0) * c
            ),
            "should be",
        ),
    },
    "bound_plot": {
        "a-number": (3.0, "hand in the axes"),
        "a-list": ([1, 2], "hand in the axes"),
        "one-seed-with-error-bars": (one_seed_with_errors(), "fewer than three curves"),
        "whole-numbers": (
            drawn([(-110, -107, -106, -105), (-111, -108, -106, -105), (-109, -107, -104, -103)]),
            "decimals",
        ),
        "stretched": (
            drawn([[f * v for v in CURVES[0]] for f in (1, 0.98, 1.01)]),
            "one curve, moved",
        ),
        "nothing-in-the-legend": (unlabelled(), "legend"),
        "sums": (drawn([[100.3 * v for v in curve] for curve in CURVES]), "not their sum"),
        "per-pixel": (drawn([[v / 784 for v in curve] for curve in CURVES]), "not per pixel"),
    },
}


def test_our_blocks_of_all_draws_are_the_bound_of_scipy():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in bounds.BOUND_IN_BLOCKS.cases():
        log_w = case.args["log_w"].double().numpy()
        whole = bounds.BOUND_IN_BLOCKS.right(case.args["log_w"].double(), len(log_w))
        np.testing.assert_allclose(whole, logsumexp(log_w, axis=0, b=1 / len(log_w)), rtol=1e-12)


def test_our_gap_is_the_divergence_of_two_gaussians():
    """The trapezoid rule on a grid that holds both, against torch's closed form."""
    z = torch.linspace(-12, 12, 4_001, dtype=torch.float64)[:, None]
    posterior, q = Normal(torch.tensor([0.3, -1.0]), 0.8), Normal(torch.tensor([0.0, -0.5]), 1.1)
    gap = bounds.GAP_ON_A_GRID.right(posterior.log_prob(z) - 5, q.log_prob(z), 24 / 4_000)
    torch.testing.assert_close(gap.float(), kl_divergence(q, posterior), rtol=1e-5, atol=1e-6)


def test_q_and_posterior_of_the_cases_lie_on_their_grids():
    """A grid that cuts a density off: then the right answer is no divergence."""
    for case in bounds.GAP_ON_A_GRID.cases():
        total = case.args["log_q"].exp().sum(0) * case.args["cell"]
        torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-4)
        assert (evaluate(bounds.GAP_ON_A_GRID.right, case) > 0.01).all()
