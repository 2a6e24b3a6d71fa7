"""Chapter 8's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math
import statistics

import torch
from scipy.stats import t
from torch.distributions import Normal

from vae_teach.check import evaluation
from vae_teach.check.engine.exercise import evaluate

ANSWERS = {"seed_interval"}
RUNS = [-120.31, -118.94, -121.07, -119.52, -120.6]


def cost_by_torch(s, d, sigma):
    error = torch.sqrt(s / d)[:, None].expand(-1, d)  # any picture with this error will do
    return -Normal(error.new_tensor(0.0), error.new_tensor(sigma)).log_prob(error).sum(1)


def cost_split(s, d, sigma):
    return 0.5 * (s / sigma**2 + d * math.log(2 * math.pi) + 2 * d * math.log(sigma))


def rank_by_exclusion(a, b):
    allowed = {"model", "epochs", "seed"} | ({"draws"} if a["number"] == "ELBO" else set())
    return {key for key in a if a[key] != b[key]} <= allowed


def rank_by_tuple(a, b):
    def meaning(p):
        draws = p["draws"] if p["number"] == "log p(x)" else None
        return p["data"], p["treatment"], p["likelihood"], p["number"], draws

    return meaning(a) == meaning(b)


def rank_by_ifs(a, b):
    for key in ("data", "treatment", "likelihood", "number"):
        if a[key] != b[key]:
            return 0
    return int(a["number"] == "ELBO" or a["draws"] == b["draws"])


def rank_one_draw_as_elbo(a, b):
    """An estimate from one draw has the ELBO as its mean, so that it may stand beside ELBOs."""

    def meaning(p):
        is_elbo = p["number"] == "ELBO" or p["draws"] == 1
        return *(p[key] for key in MEANING[:3]), None if is_elbo else p["draws"]

    return meaning(a) == meaning(b)


def agree(*keys):
    return lambda a, b: all(a[key] == b[key] for key in keys)


MEANING = ("data", "treatment", "likelihood", "number")


def agree_and_draws(*keys):
    return lambda a, b: agree(*keys)(a, b) and (a["number"] == "ELBO" or a["draws"] == b["draws"])


def log_norm(sigma):
    return 0.5 * math.log(2 * math.pi * sigma**2)


def interval(runs=RUNS, *, at=0.975, **changed):
    """A right table of these runs, with entries changed."""
    scale = t.ppf(at, len(runs) - 1) * statistics.stdev(runs)
    right = {
        "elbo": runs,
        "mean": statistics.fmean(runs),
        "half_width": scale / math.sqrt(len(runs)),
        "one_run": scale * math.sqrt(2),
    }
    return right | changed


def scaled(factor):
    """The half-width of the right table, times a factor."""
    return interval()["half_width"] * factor


RIGHT = {
    "seed_interval": {
        "five": interval(),
        "seven": interval([*RUNS, -119.0, -118.2]),
        "a-tensor": interval(elbo=torch.tensor(RUNS, dtype=torch.float64)),
        "a-tuple-of-tensors": interval(elbo=tuple(map(torch.tensor, RUNS))),
        "two-decimals": {k: v if k == "elbo" else round(v, 2) for k, v in interval().items()},
        "four-digits": {k: v if k == "elbo" else float(f"{v:.4g}") for k, v in interval().items()},
    },
    "gaussian_cost": {
        "numpy": lambda s, d, sigma: s.numpy() / (2 * sigma**2) + d * log_norm(sigma),
        "floats": lambda s, d, sigma: [v / 2 / sigma**2 + d * log_norm(sigma) for v in s.tolist()],
        "formula": lambda s, d, sigma: s / 2 / sigma**2 + d * log_norm(sigma),
        "torch-distributions": cost_by_torch,
        "three-terms": cost_split,
        "log-of-sigma-in-a-tensor": lambda s, d, sigma: (
            s / (2 * sigma**2) + d * torch.log(torch.tensor(sigma * math.sqrt(2 * math.pi)))
        ),
    },
    "may_be_ranked": {
        "by-exclusion": rank_by_exclusion,
        "by-tuple": rank_by_tuple,
        "by-ifs": rank_by_ifs,
        "one-draw-is-an-elbo": rank_one_draw_as_elbo,
    },
}

WRONG = {
    "seed_interval": {
        "too-few": interval(RUNS[:4]),
        "the-same-run": interval([RUNS[0]] * 3 + [RUNS[1]] * 2),
        "values-of-pictures": interval([-100 - 0.317 * i**1.1 for i in range(500)]),
        "n-degrees-of-freedom": interval(half_width=scaled(t.ppf(0.975, 5) / t.ppf(0.975, 4))),
        "variance-for-spread": interval(half_width=scaled(statistics.stdev(RUNS))),
        "exchanged": interval(half_width=scaled(math.sqrt(10)), one_run=scaled(1)),
        "cost-for-elbo": interval([-run for run in RUNS]),
        "sum-for-mean": interval(mean=sum(RUNS)),
        "median-for-mean": interval(mean=sorted(RUNS)[2]),
        "sign-of-the-mean": interval(mean=-statistics.fmean(RUNS)),
        "population-spread": interval(half_width=scaled(math.sqrt(4 / 5))),
        "normal-for-t": interval(half_width=scaled(1.959964 / t.ppf(0.975, 4))),
        "root-n-missing": interval(half_width=scaled(math.sqrt(5))),
        "n-for-its-root": interval(half_width=scaled(1 / math.sqrt(5))),
        "t-missing": interval(half_width=statistics.stdev(RUNS) / math.sqrt(5)),
        "one-sided": interval(half_width=interval(at=0.95)["half_width"]),
        "whole-width": interval(half_width=scaled(2)),
        "difference-without-its-two": interval(one_run=scaled(math.sqrt(5))),
        "variance-doubled-as-spread": interval(one_run=scaled(2 * math.sqrt(5))),
        "difference-of-means": interval(one_run=scaled(math.sqrt(2))),
        "half-width-again": interval(one_run=scaled(1)),
        "other-sums": interval(half_width=7.0),
    },
    "gaussian_cost": {
        "sigma-in-the-constant": lambda s, d, sigma: (
            0.5 * s / sigma**2 + d / 2 * math.log(2 * math.pi * sigma)
        ),
        "sigma-in-the-exponent": lambda s, d, sigma: 0.5 * s / sigma + d * log_norm(sigma),
        "multiplied-by-the-variance": lambda s, d, sigma: 2 * s * sigma**2 + d * log_norm(sigma),
        "pi-without-its-two": lambda s, d, sigma: (
            0.5 * s / sigma**2 + d / 2 * math.log(math.pi * sigma**2)
        ),
        "root-not-taken-apart": lambda s, d, sigma: (
            0.5 * s / sigma**2 + d * (2 * math.pi) ** 0.5 * sigma
        ),
        "mean-over-pixels": lambda s, d, sigma: 0.5 * s / d / sigma**2 + d * log_norm(sigma),
        "squared-again": lambda s, d, sigma: 0.5 * (s / sigma) ** 2 + d * log_norm(sigma),
        "root-of-the-error": lambda s, d, sigma: 0.5 * s**0.5 / sigma**2 + d * log_norm(sigma),
        "variance-twice": lambda s, d, sigma: cost_split(s, d, sigma**2),
        "pictures-for-pixels": lambda s, d, sigma: 0.5 * s / sigma**2 + len(s) * log_norm(sigma),
        "one-number-of-pixels": lambda s, d, sigma: s / (2 * sigma**2) + 784 * log_norm(sigma),
        "one-spread": lambda s, d, sigma: s + d / 2 * math.log(math.pi),
        "density": lambda s, d, sigma: torch.exp(-cost_split(s.double(), d, sigma)),
        "constant-missing": lambda s, d, sigma: 0.5 * s / sigma**2,
        "bare-error": lambda s, d, sigma: s,
        "half-missing": lambda s, d, sigma: s / sigma**2 + d * log_norm(sigma),
        "sigma-for-variance": lambda s, d, v: s / (2 * v) + d / 2 * math.log(2 * math.pi * v),
        "constant-of-one-pixel": lambda s, d, sigma: s / (2 * sigma**2) + log_norm(sigma),
        "half-of-the-constant": lambda s, d, sigma: s / (2 * sigma**2) + 2 * d * log_norm(sigma),
        "two-pi-missing": lambda s, d, sigma: s / (2 * sigma**2) + d * math.log(sigma),
        "constant-subtracted": lambda s, d, sigma: s / (2 * sigma**2) - d * log_norm(sigma),
        "log-likelihood": lambda s, d, sigma: -cost_split(s, d, sigma),
        "averaged-over-pictures": lambda s, d, sigma: cost_split(s, d, sigma).mean(),
        "per-pixel": lambda s, d, sigma: cost_split(s, d, sigma) / d,
    },
    "may_be_ranked": {
        "always": lambda a, b: True,
        "never": lambda a, b: False,
        "models": agree_and_draws(*MEANING, "model", "epochs"),
        "seeds": agree_and_draws(*MEANING, "seed"),
        "same": lambda a, b: a != b and rank_by_tuple(a, b),
        "other-models": lambda a, b: rank_by_tuple(a, b) and a["treatment"] != "threshold",
        "elbos-of-models": lambda a, b: rank_by_tuple(a, b) and a["treatment"] != "grey",
        "treatment": agree_and_draws("data", "likelihood", "number"),
        "data": agree_and_draws("treatment", "likelihood", "number"),
        "likelihood": agree_and_draws("data", "treatment", "number"),
        "number": agree_and_draws("data", "treatment", "likelihood"),
        "draws": lambda a, b: (
            agree(*MEANING)(a, b)
            and (
                a["number"] == "ELBO"
                or a["draws"] == b["draws"]
                or min(a["draws"], b["draws"]) >= 1000
            )
        ),
        "draws-of-an-elbo": agree(*MEANING, "draws"),
        "identity": lambda a, b: (
            agree(*MEANING)(a, b) and (a["number"] == "ELBO" or a["draws"] is b["draws"])
        ),
        "everything-must-agree": lambda a, b: a == b,
        "reversed": lambda a, b: not rank_by_tuple(a, b),
    },
}

UNNAMED = {
    "seed_interval": {
        "means-of-others": (interval(mean=-100.0), "mean is another"),
        "sums-over-pictures": (
            interval([100 * run for run in RUNS]),
            "whole and half numbers only",
        ),
        "sums-with-decimals": (interval([501.3 * run for run in RUNS]), "not their sum"),
        "per-pixel": (interval([run / 784 for run in RUNS]), "not per pixel"),
        "whole-numbers": (interval([-100, -103, -101, -104, -102]), "decimals"),
        "equal-steps": (interval([-100.1, -100.2, -100.3, -100.4, -100.5]), "equal steps"),
        "equal-steps-mixed": (interval([-100.2, -100.1, -100.4, -100.3, -100.5]), "equal steps"),
        "words": (interval(elbo="five runs"), "give numbers"),
        "open": (interval(one_run=None), "no answer yet for one_run"),
        "two-means": (interval(mean=[-120.0, -119.0]), "give one number"),
    },
    "gaussian_cost": {
        "log-sigma-missing": (
            lambda s, d, sigma: 0.5 * s / sigma**2 + d * log_norm(1.0),
            "Your term n_pixels log(sigma_x) is missing.",
        ),
        "two-pi-once": (
            lambda s, d, sigma: 0.5 * s / sigma**2 + d * math.log(sigma) + log_norm(1.0),
            "Your term n_pixels / 2 log(2 pi) is divided by n_pixels",
        ),
        "common-logarithm": (
            lambda s, d, sigma: 0.5 * s / sigma**2 + d / 2 * math.log10(2 * math.pi * sigma**2),
            "Your constant has its logarithm to base 10",
        ),
        "inverse-sigma": (
            lambda s, d, sigma: cost_split(s, d, 1 / sigma),
            "right with 1 / sigma_x in place of sigma_x",
        ),
        "exponent-sign": (
            lambda s, d, sigma: d * log_norm(sigma) - 0.5 * s / sigma**2,
            "squared_error / (2 sigma_x^2) has the wrong sign",
        ),
        "a-tuple": (lambda s, d, sigma: (s, d), "return one result only"),
        "never-negative": (lambda *a: cost_split(*a).clamp(min=0), "cut off there"),
        "spread-from-a-tenth": (
            lambda s, d, sigma: cost_split(s, d, max(sigma, 0.1)),
            "sigma_x = 0.01",
        ),
    },
    "may_be_ranked": {
        "twice-the-draws": (
            lambda a, b: (
                agree(*MEANING)(a, b)
                and (a["number"] == "ELBO" or 0.5 <= a["draws"] / b["draws"] <= 2)
            ),
            "You rank estimates of log p(x) with different numbers of draws",
        ),
        "fewer-draws-first": (
            lambda a, b: (
                agree(*MEANING)(a, b) and (a["number"] == "ELBO" or a["draws"] <= b["draws"])
            ),
            "You rank estimates of log p(x) with different numbers of draws",
        ),
        "five-thousand-draws": (
            lambda a, b: rank_by_tuple(a, b) and (a["number"] == "ELBO" or a["draws"] == 5000),
            "as in the example",
        ),
        "as-in-the-example": (
            lambda a, b: rank_by_tuple(a, b) and a["data"] == "mnist test",
            "as in the example",
        ),
        "a-word": (lambda a, b: "yes", "not a tensor of numbers"),
    },
}


def test_our_cost_is_that_of_torch():
    """The same for the Gaussian: a density without its constant, or with the wrong sigma."""
    for case in evaluation.GAUSSIAN_COST.cases():
        args = {**case.args, "squared_error": case.args["squared_error"].double()}
        torch.testing.assert_close(
            evaluate(evaluation.GAUSSIAN_COST.right, case),
            cost_by_torch(*args.values()),
            rtol=1e-9,
            atol=0,
        )


def test_the_pairs_hold_both_answers_and_each_entry_matters_once():
    """A table of pairs that always answers True, or in which an entry is never varied alone."""
    cases = evaluation.MAY_BE_RANKED.cases()
    answers = [evaluation.MAY_BE_RANKED.right(**case.args) for case in cases]
    assert {True, False} == set(answers)
    differences = [
        {key for key in evaluation.BASE if case.args["a"][key] != case.args["b"][key]}
        for case in cases
    ]
    assert {"data", "treatment", "likelihood", "number", "draws", "seed"} <= set().union(
        *(d for d in differences if len(d) == 1)
    )
