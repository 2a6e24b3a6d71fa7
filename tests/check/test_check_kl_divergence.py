"""Chapter 3's checks: what students write, right and wrong (judged by test_check_tables.py), our
own right answers against independent oracles, and whether two plots tell the planted bugs apart."""

import contextlib
import io
import itertools
import math
import re

import numpy as np
import pytest
import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as kl_by_torch

from vae_teach import check
from vae_teach.check import kl_divergence
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.kl_divergence import inequality
from vae_teach.check.kl_divergence import planted as planted_bugs
from vae_teach.check.kl_divergence import spread as estimators
from vae_teach.maths.gaussian import kl_to_standard_normal

ANSWERS = {"estimator_spread", "planted_bugs", "prove_inequality"}


def by_logvars(mq, lq, mp, lp):
    return 0.5 * (lp - lq + (torch.exp(lq) + (mq - mp) ** 2) / torch.exp(lp) - 1)


def by_sigmas(mq, lq, mp, lp):
    sq, sp = torch.exp(lq / 2), torch.exp(lp / 2)
    return torch.log(sp / sq) + (sq**2 + (mq - mp) ** 2) / (2 * sp**2) - 0.5


def by_torch(mq, lq, mp, lp):
    return kl_by_torch(Normal(mq, (lq / 2).exp()), Normal(mp, (lp / 2).exp()))


def by_numpy(*args):
    mq, lq, mp, lp = (a.numpy().astype(np.float64) for a in args)
    return 0.5 * (lp - lq + np.exp(lq - lp) + (mq - mp) ** 2 * np.exp(-lp) - 1)


def by_quadrature(mq, lq, mp, lp):
    """The integral of q (log q - log p), by the trapezoid rule on 12 sigma."""
    q, p = (Normal(m.double(), (v.double() / 2).exp()) for m, v in ((mq, lq), (mp, lp)))
    steps = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    z = q.mean + q.stddev * steps
    return torch.trapezoid(q.log_prob(z).exp() * (q.log_prob(z) - p.log_prob(z)), z, dim=0)


def cross_entropy(mq, lq, mp, lp):
    return by_torch(mq, lq, mp, lp) + Normal(mq, (lq / 2).exp()).entropy()


def answers(**changes):
    return {**planted_bugs.PLANTED_ANSWERS, **changes}


START = "1/2*(mu^2 + sigma^2 - 1 - log(sigma^2))"
SPLIT = "= 1/2*(mu^2 + sigma^2 - 1) - log(sigma)"
BOUND = ">= 1/2*(mu^2 + sigma^2 - 1) - (sigma - 1)"
SQUARES = "1/2*(mu^2 + (sigma - 1)^2)"
END = f">= {SQUARES}"

SPREADS = {name: list(pair) for name, pair in estimators.spreads().items()}


def spread(**changes):
    return SPREADS | changes


def spread_times(factor, *, power=1.0):
    return {name: [factor * v**power for v in pair] for name, pair in SPREADS.items()}


def measured(mu, *, repetitions=20_000, seed=0):
    """Both estimators as a reader would write them, with draws of the reader's own."""
    z = mu + torch.randn(
        repetitions, 100, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    ratio = torch.exp(Normal(0.0, 1.0).log_prob(z) - Normal(mu, 1.0).log_prob(z))
    plain, corrected = -ratio.log(), ratio - 1 - ratio.log()
    return torch.stack([plain.mean(1).std(), corrected.mean(1).std()])


def of_the_ratio_upside_down(mu):
    """The corrected estimator's spread with q/p in place of p/q, by quadrature."""
    z = torch.linspace(mu - 14, mu + 14, 200_001, dtype=torch.float64)
    q = Normal(torch.tensor(mu, dtype=torch.float64), 1.0)
    log_r = q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    term, weight = torch.expm1(log_r) - log_r, q.log_prob(z).exp()
    mean = torch.trapezoid(weight * term, z)
    return (torch.trapezoid(weight * (term - mean) ** 2, z) / 100).sqrt().item()


def corrected_with(variance):
    """The corrected estimator with another variance of one term, a function of mu^2."""
    return {
        name: (SPREADS[name][0], math.sqrt(variance(mu**2)) / 10)
        for name, mu in estimators.MEANS.items()
    }


RIGHT = {
    "kl_two_normals": {
        "log-variances": by_logvars,
        "standard-deviations": by_sigmas,
        "torch-distributions": by_torch,
        "numpy": by_numpy,
        "quadrature": by_quadrature,
    },
    "planted_bugs": {
        "in-order": planted_bugs.PLANTED_ANSWERS,
        "in-another-order": dict(reversed(planted_bugs.PLANTED_ANSWERS.items())),
        "with-a-key-too-many": {**planted_bugs.PLANTED_ANSWERS, "D": None},
    },
    "prove_inequality": {
        "by-the-log-bound": [SPLIT, BOUND, f"= {SQUARES}"],
        "a-term-left-out": [f"= {SQUARES} + (sigma - 1 - log(sigma))", END],
        "start-repeated": [f"= {START}", SPLIT, BOUND, f"= {SQUARES}"],
        "other-spelling": (
            "= mu**2/2 + (sigma**2 - 1)/2 - log(sigma)",
            ">= mu**2/2 + (sigma**2 - 1)/2 - (sigma - 1)",
            "= mu^2/2 + (sigma - 1)**2/2",
        ),
        "greek": ["= ½·(μ² + σ² - 1) - ln(σ)", "≥ ½·(μ² + σ² - 1) - (σ - 1)", f"= {SQUARES}"],
        "end-multiplied-out": [SPLIT, BOUND, "= 1/2*mu^2 + 1/2*sigma^2 - sigma + 1/2"],
        "bound-put-in-at-once": [
            ">= 1/2*(mu^2 + sigma^2 - 1 - 2*(sigma - 1))",
            f"= {SQUARES}",
        ],
        "by-one-over-t": ["= 1/2*(mu^2 + sigma^2 - 1) + log(1/sigma)", BOUND, f"= {SQUARES}"],
    },
    "estimator_spread": {
        "from-the-formula": SPREADS,
        "measured": {name: measured(mu) for name, mu in estimators.MEANS.items()},
        "few-repetitions": {
            name: measured(mu, repetitions=5_000, seed=1).tolist()
            for name, mu in estimators.MEANS.items()
        },
        "three-digits": {"near": (0.01, 0.000708), "middle": (0.05, 0.0185), "far": (0.13, 0.165)},
        "strings": spread(near=["0,0100", "0.000708"]),
        "arrays": {name: np.array(pair) for name, pair in SPREADS.items()},
    },
}

WRONG = {
    "kl_two_normals": {
        "half-missing": lambda *a: 2 * by_torch(*a),
        "arguments-swapped": lambda mq, lq, mp, lp: by_torch(mp, lp, mq, lq),
        "logvar-as-log-sigma": lambda mq, lq, mp, lp: by_sigmas(mq, 2 * lq, mp, 2 * lp),
        "sigma-for-variance": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + ((lq / 2).exp() + (mq - mp) ** 2) / (2 * (lp / 2).exp()) - 0.5
        ),
        "logvar-for-variance": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq + (mq - mp) ** 2) / (2 * lp) - 0.5
        ),
        "logvar-as-sigma": lambda mq, lq, mp, lp: (
            (lp / lq).abs().log() + (lq**2 + (mq - mp) ** 2) / (2 * lp**2) - 0.5
        ),
        "log-ratio-half": lambda mq, lq, mp, lp: by_sigmas(mq, lq, mp, lp) - (lp - lq) / 4,
        "distance-in-units-of-q": lambda mq, lq, mp, lp: (
            by_torch(mq, lq, mq, lp) + (mq - mp) ** 2 / (2 * lq.exp())
        ),
        "variances-upside-down": lambda mq, lq, mp, lp: (
            by_sigmas(mq, lq, mp, lp) + (lp - lq).sinh()
        ),
        "two-pi": lambda *a: by_torch(*a) + math.log(2 * math.pi) / 2,
        "log-ratio-upside-down": lambda mq, lq, mp, lp: by_sigmas(mq, lq, mp, lp) - (lp - lq),
        "log-ratio-twice": lambda mq, lq, mp, lp: by_sigmas(mq, lq, mp, lp) + (lp - lq) / 2,
        "log-ratio-missing": lambda mq, lq, mp, lp: by_sigmas(mq, lq, mp, lp) - (lp - lq) / 2,
        "half-of-the-quotient-missing": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq.exp() + (mq - mp) ** 2) / lp.exp() - 0.5
        ),
        "distance-missing": lambda mq, lq, mp, lp: by_torch(mq, lq, mq, lp),
        "variance-of-q-missing": lambda mq, lq, mp, lp: (
            by_torch(mq, lq, mp, lp) - (lq - lp).exp() / 2
        ),
        "one-missing": lambda *a: by_logvars(*a) + 0.5,
        "one-too-large": lambda *a: by_logvars(*a) - 0.5,
        "distance-not-squared": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq.exp() + mq - mp) / (2 * lp.exp()) - 0.5
        ),
        "difference-of-squares": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq.exp() + mq**2 - mp**2) / (2 * lp.exp()) - 0.5
        ),
        "means-added": lambda mq, lq, mp, lp: by_torch(mq, lq, -mp, lp),
        "mean-of-p-missing": lambda mq, lq, mp, lp: by_torch(mq, lq, torch.zeros_like(mp), lp),
        "distance-outside-the-fraction": lambda mq, lq, mp, lp: (
            by_torch(mq, lq, mq, lp) + (mq - mp) ** 2 / 2
        ),
        "divided-by-the-variance-of-q": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq.exp() + (mq - mp) ** 2) / (2 * lq.exp()) - 0.5
        ),
        "symmetric": lambda mq, lq, mp, lp: by_torch(mq, lq, mp, lp) + by_torch(mp, lp, mq, lq),
        "divided-by-sigma": lambda mq, lq, mp, lp: (
            (lp - lq) / 2 + (lq.exp() + (mq - mp) ** 2) / (2 * (lp / 2).exp()) - 0.5
        ),
        "half-of-the-distance-missing": lambda mq, lq, mp, lp: (
            by_torch(mq, lq, mp, lp) + (mq - mp) ** 2 / (2 * lp.exp())
        ),
        "distance-absolute": lambda mq, lq, mp, lp: (
            by_torch(mq, lq, mq, lp) + (mq - mp).abs() / (2 * lp.exp())
        ),
        "p-ignored": lambda mq, lq, mp, lp: kl_to_standard_normal(mq[:, None], lq[:, None]),
        "cross-entropy": cross_entropy,
        "negative": lambda *a: -by_torch(*a),
        "bits": lambda *a: by_torch(*a) / math.log(2),
        "total-over-batch": lambda *a: by_torch(*a).sum(),
        "mean-over-batch": lambda *a: by_torch(*a).mean(),
    },
    "planted_bugs": {
        "half missing": answers(A="half missing"),
        "log sigma read as log sigma squared": answers(C=planted_bugs.PLANTED_ANSWERS["A"]),
        "arguments swapped": answers(B="arguments swapped"),
        "sign of the log": answers(A="sign of the log"),
        "mean instead of sum": answers(A="mean instead of sum", B="mean instead of sum"),
        "no bug": dict.fromkeys("ABC", "no bug"),
        "still-open": answers(B=None),
    },
    "prove_inequality": {
        "unreadable": [SPLIT, ">= 1/2*mu^"],
        "no-relation": [SPLIT, SQUARES],
        "turned-round": [SPLIT, f"<= {SQUARES}"],
        "not-equal": [SPLIT, f"= {SQUARES}"],
        "false": ["= 1/2*mu^2 + 1/2*(sigma^2 - 1 + log(sigma^2))", END],
        "mixed": ["<= 1/2*(mu^2 + sigma^2 - log(sigma^2))", END],
        "wrong-end": ["= 1/2*mu^2 + 1/2*(sigma^2 - 1 - log(sigma^2))", ">= 1/2*mu^2"],
        "only-the-claim": [END],
        "not-shown": [f"= {START}", END],
    },
    "estimator_spread": {
        "one-draw": spread_times(10),
        "variance": spread_times(1, power=2),
        "exchanged": {name: pair[::-1] for name, pair in SPREADS.items()},
        "ratio": {
            name: [SPREADS[name][0], of_the_ratio_upside_down(mu)]
            for name, mu in estimators.MEANS.items()
        },
        "twice-the-same": {name: [pair[0]] * 2 for name, pair in SPREADS.items()},
        "means": {"near": [0.005, 0.005], "middle": [0.125, 0.124], "far": [0.846, 0.845]},
        "bits": spread_times(1 / math.log(2)),
        "rounded": spread(near=[0.01, 0.001]),
        "scatter": spread(far=[0.13, 0.2]),
        "still-open": spread(far=None),
        "other": spread(middle=[0.5, 0.018]),
        "scaled": spread_times(10**0.5),
        "sum-of-variances": corrected_with(lambda t: math.exp(t) - 1 + t),
        "subtracted": corrected_with(lambda t: math.exp(t) - 1 + 3 * t),
        "ratio-alone": corrected_with(lambda t: math.exp(t) - 1),
        "not-finite": spread(far=[0.13, math.inf]),
    },
}

UNNAMED = {
    "kl_two_normals": {
        "clamped": (
            lambda mq, lq, mp, lp: by_torch(mq, lq.clamp(-3, 3), mp, lp.clamp(-3, 3)),
            "for logvar_q between -40 and -30 entry [0] of the result should be 20.18, but",
        ),
        "variance-with-a-constant": (
            lambda mq, lq, mp, lp: by_logvars(mq, lq, mp, (lp.exp() + 1e-8).log()),
            "for logvar_p between -40 and -30 entry [0]",
        ),
        "squeezed": (lambda *a: by_torch(*a).squeeze(), "for a batch of one the shape is ()"),
        "three-times": (lambda *a: 3 * by_torch(*a), "3 times the right ones"),
        "column": (lambda *a: by_torch(*a)[:, None], "an axis of size 1 too many"),
        "in-place": (
            lambda mq, lq, mp, lp: by_logvars(mq.sub_(mp), lq, 0 * mp, lp),
            "changes its argument mu_q in place",
        ),
        "overflow": (lambda *a: by_torch(*a) / 0, "contains infinity"),
        "variance-of-p-squared": (
            lambda mq, lq, mp, lp: (lp - lq) / 2 + (lq - 2 * lp).exp() + (mq - mp) ** 2,
            "but yours is",
        ),
        "no-return": (lambda *a: None, "is its `return` missing?"),
    },
    "planted_bugs": {
        "another-name": (answers(A="wrong sign"), "Your answer for A is not one of the options"),
        "a-list": (["no bug"] * 3, "give a dictionary with A, B and C"),
        "a-key-missing": ({"A": "half missing", "B": "no bug"}, "lacks C"),
        "other-keys": ({"D": "no bug"}, "has D: its keys are A, B and C"),
        "a-small-key": ({"a": "no bug"}, "lacks B and C: its keys are A, B and C"),
        "two-mistakes": (
            answers(A="arguments swapped", B="no bug"),
            "unlike the plots of A. The right curves pass 0.5",
        ),
        "two-alike": (answers(A="no bug", C="no bug"), "the plots of A and C."),
        "a-tensor": (answers(A=torch.zeros(2)), "Your answer for A is not one"),
    },
    "prove_inequality": {
        "one-string": (f"{SPLIT} {END}", "Your answer is a str: give a list of lines"),
        "a-number-in-the-list": ([SPLIT, 0.5], "Line 2 is a float: write it as a string"),
        "a-name-that-means-nothing": (
            ["= 1/2*(mu^2 + exp(logvar) - 1 - logvar)", END],
            "line 1 cannot be read: 'logvar' means nothing here; this derivation has mu, sigma",
        ),
        "the-second-line": ([SPLIT, "= 1/2*mu^2 + sigma", END], "false line is line 2: at mu"),
        "too-much": ([SPLIT, ">= mu^2 + (sigma - 1)^2"], "first false line is line 2"),
        "turned-round-inside": (
            ["<= 1/2*mu^2 + 1/2*(sigma^2 - 2 - log(sigma^2))", END],
            "in line 1: >= holds there, not <=",
        ),
        "ends-at-zero": ([SPLIT, BOUND, ">= 0"], "does not end at 1/2*(mu^2 + (sigma - 1)^2)"),
        "claim-plus-zero": ([f">= {SQUARES} + 0", END], "Line 1 holds, but nothing"),
        "claim-in-two-halves": (
            [">= 1/2*mu^2 + 1/2*(sigma - 1)^2", f"= {SQUARES}"],
            "Line 1 holds, but nothing in the line above shows why",
        ),
        "claim-plus-nothing": (
            [f">= {SQUARES} + sigma^2 - sigma^2", f"= {SQUARES}"],
            "Line 1 holds, but nothing in the line above shows why",
        ),
        "restated": (
            ["= (mu**2 + sigma**2 - 1 - 2*log(sigma))/2", ">= (mu^2 + (sigma - 1)^2)/2"],
            "Line 2 holds, but nothing in the line above shows why",
        ),
        "a-tower": ([SPLIT, ">= 9^9^9"], "line 2 cannot be read: its powers must be numbers up to"),
        "a-long-number": ([SPLIT, ">= 1e99"], "line 2 cannot be read: its numbers may go up to"),
        "towers-of-exp": ([SPLIT, ">= exp(exp(exp(9)))"], "may not stand in another"),
        "a-long-line": ([SPLIT, ">= " + "1 + " * 100 + "1"], "and 300 are allowed"),
        "strict": ([SPLIT, "> 1/2*mu^2"], "but line 2 does not"),
        "an-attack": (["= __import__('os')", END], "line 1 cannot be read"),
    },
    "estimator_spread": {
        "a-list": ([[0.01, 0.0007]] * 3, "give a dictionary with near, middle and far"),
        "one-number": (spread(near=0.01), "for near is a float: give 2 numbers, plain and correct"),
        "three-numbers": (spread(far=[1, 2, 3]), "for far has 3 numbers: give 2 numbers"),
        "a-word": (spread(far=["small", 0.1]), "for far, plain is a str: give a number"),
        "not-a-number": (spread(far=[float("nan"), 0.1]), "plain estimator for far is NaN"),
        "two-open": (spread(far=None, near=None), "no numbers yet for near and far"),
        "over-the-root": (spread_times(1 / 70), "are all 0.014 times the right ones"),
    },
}  # fmt: skip


def test_our_kl_is_that_of_torch():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in kl_divergence.KL_TWO_NORMALS.cases():
        ours = evaluate(kl_divergence.KL_TWO_NORMALS.right, case)
        theirs = by_torch(*(value.double() for value in case.args.values()))
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)


def curves(bug):
    """What a reader plots: KL against mu at sigma = 1, and against log sigma^2 at mu = 0."""
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    return torch.stack([planted_bugs.PLANTS[bug](x, 0 * x), planted_bugs.PLANTS[bug](0 * x, x)])


@pytest.mark.parametrize("name", planted_bugs.PLANTED_ANSWERS)
def test_the_planted_bug_shows_in_the_two_plots_and_looks_like_no_other(name):
    """A bug that only the code betrays, or two options with the same plots."""
    planted = planted_bugs.PLANTED_ANSWERS[name]
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    mine = torch.stack([check.planted_kl(name)(x, 0 * x), check.planted_kl(name)(0 * x, x)])
    assert torch.equal(mine, curves(planted))
    for other in set(planted_bugs.PLANTS) - {planted}:
        assert (mine - curves(other)).abs().max() > 1.0, other  # nats, on plots up to 10 high


def test_the_hints_on_the_plots_say_what_the_plots_show():
    """A hint that sends the reader to look for a stretch where there is a mirror image."""
    right = curves("no bug")
    torch.testing.assert_close(curves("half missing"), 2 * right)
    torch.testing.assert_close(curves("arguments swapped")[0], right[0])
    torch.testing.assert_close(curves("arguments swapped")[1], right[1].flip(0))
    stretched = curves("log sigma read as log sigma squared")
    torch.testing.assert_close(stretched[0], right[0])
    torch.testing.assert_close(stretched[1, ::2], right[1, 15:46])  # twice as wide about 0
    torch.testing.assert_close(curves("mean instead of sum"), right)
    assert curves("sign of the log")[1].min() < -0.5
    one = torch.ones(1, dtype=torch.float64)
    assert planted_bugs.PLANTS["no bug"](one, 0 * one).item() == 0.5
    assert planted_bugs.PLANTS["no bug"](0 * one, one).item() == pytest.approx(0.36, abs=0.005)


def test_the_right_function_is_the_package_s():
    """Planted bugs measured against a KL that is wrong itself."""
    mu, logvar = torch.randn(2, 50, generator=torch.Generator().manual_seed(0)).double()
    want = kl_to_standard_normal(mu[:, None], logvar[:, None])
    torch.testing.assert_close(planted_bugs.PLANTS["no bug"](mu, logvar), want)


def test_every_wrong_set_of_answers_is_refused_and_no_message_gives_an_answer_away():
    """All 7^3 - 1 answers; a hint that names the bug that is there would end the exercise."""
    options = (*planted_bugs.PLANTS, None)
    right = tuple(planted_bugs.PLANTED_ANSWERS.values())
    for trio in itertools.product(options, repeat=3):
        with contextlib.redirect_stdout(io.StringIO()):
            verdict = check.planted_bugs(dict(zip("ABC", trio, strict=True)))
        assert verdict.passed == (trio == right)
        if not verdict.passed and any(trio):
            for name, answer, truth in zip("ABC", trio, right, strict=True):
                named = re.search(rf"\b{name}\b", verdict.message) is not None
                assert named == (answer != truth), (trio, verdict.message)


def test_an_unknown_planted_function_is_refused_by_name():
    """A KeyError, or a silent None, for planted_kl("D")."""
    with pytest.raises(ValueError, match="no planted function 'D', only A, B and C"):
        check.planted_kl("D")


@pytest.mark.parametrize("empty", [None, [], (), [""], [None, " "]], ids=repr)
def test_an_empty_proof_is_not_attempted(empty):
    """The stub's empty list marked as wrong before the reader has begun."""
    assert check.prove_inequality(empty).message == "Not attempted yet."


def test_planted_answers_left_open_are_not_attempted():
    """The stub's dictionary of None marked as wrong."""
    assert check.planted_bugs(dict.fromkeys("ABC")).message == "Not attempted yet."


def test_a_small_violation_of_the_inequality_is_seen():
    """A bound raised by a hundredth of a nat holds except near sigma = 1."""
    verdict = check.prove_inequality([SPLIT, f"{END} + 1/100"])
    assert "first false line is line 2" in verdict.message


def test_a_proof_shows_itself_as_a_derivation():
    """The reader's lines typeset with a verdict each, by the tool of the chapter."""
    steps = [inequality._read_line(line, i) for i, line in enumerate((SPLIT, BOUND), 1)]
    assert inequality.proof(steps).holds


def test_the_spreads_are_those_of_the_integrals():
    """A check that turns down every honest measurement, for a slip in its own formula."""
    for name, mu in estimators.MEANS.items():
        z = torch.linspace(mu - 12, mu + 12, 100_001, dtype=torch.float64)
        q = Normal(torch.tensor(mu, dtype=torch.float64), 1.0)
        log_r = Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)
        for term, want in zip(
            (-log_r, torch.expm1(log_r) - log_r), estimators.spreads()[name], strict=True
        ):
            mean = torch.trapezoid(q.log_prob(z).exp() * term, z)
            assert mean.item() == pytest.approx(mu**2 / 2)
            variance = torch.trapezoid(q.log_prob(z).exp() * (term - mean) ** 2, z)
            assert math.sqrt(variance / 100) == pytest.approx(want, rel=1e-6)


def test_the_estimators_change_places_between_near_and_far():
    """An experiment whose outcome is the same everywhere teaches nothing."""
    better = {name: pair[1] < pair[0] for name, pair in estimators.spreads().items()}
    assert better == {"near": True, "middle": True, "far": False}
