"""Chapter 13's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_teach.check.engine.exercise import Case, evaluate, evaluate_parts
from vae_teach.check.posteriors.masks import MADE_MASKS
from vae_teach.check.posteriors.prior import PRIOR_GAIN
from vae_teach.systems.flows import degree_masks

ANSWERS = {"full_gap_split"}


def degrees(n):
    return torch.arange(1, n + 1)


def masks(first, second, n):
    return (
        (first[:, None] >= degrees(n)).float(),
        (second[:, None] >= first[None]).float(),
        (degrees(n)[:, None] > second[None]).float(),
    )


def masks_by_loop(first, second, n):
    """Plain lists, one entry at a time."""
    first, second = first.tolist(), second.tolist()
    return [
        [[int(j <= d) for j in range(1, n + 1)] for d in first],
        [[int(d <= e) for d in first] for e in second],
        [[int(e < i) for e in second] for i in range(1, n + 1)],
    ]


def masks_of_bools(first, second, n):
    return tuple(mask > 0 for mask in masks(first, second, n))


def changed(place, mask):
    """The three masks with one of them another."""

    def answer(first, second, n):
        found = list(masks(first, second, n))
        found[place] = mask(first, second, n)
        return tuple(found)

    return answer


def moments(mu, logvar):
    return mu.mean(0), mu.var(0, unbiased=False) + logvar.exp().mean(0)


def kl(m, v):
    return 0.5 * (m**2 + v - 1 - torch.log(v)).sum()


def gain(mu, logvar):
    return kl(*moments(mu, logvar))


def gain_by_torch(mu, logvar):
    m, v = moments(mu, logvar)
    return kl_divergence(Normal(m, v.sqrt()), Normal(torch.zeros_like(m), 1.0)).sum()


def gain_by_loop(mu, logvar):
    total = 0.0
    for means, logs in zip(mu.T.double(), logvar.T.double(), strict=True):
        m = means.mean()
        v = (means**2 + logs.exp()).mean() - m**2
        total = total + 0.5 * (m**2 + v - 1 - v.log())
    return float(total)


TOTAL = [0.142, 0.162, 0.125]
PARTS = {
    "approximation": [0.013, 0.011, 0.012],
    "amortization": [0.083, 0.071, 0.079],
    "optimization": [0.046, 0.080, 0.034],
}


def split(**changes):
    return {"total": TOTAL, **PARTS, "largest": "amortization"} | changes


def summed(*names):
    return [sum(values) for values in zip(*(PARTS[name] for name in names), strict=True)]


RIGHT = {
    "made_masks": {
        "floats": masks,
        "lists": masks_by_loop,
        "bools": masks_of_bools,
    },
    "gaussian_prior_gain": {
        "formula": gain,
        "torch": gain_by_torch,
        "loop": gain_by_loop,
    },
    "full_gap_split": {
        "lists": split(),
        "tensors": split(**{name: torch.tensor(v) for name, v in PARTS.items()}),
        "another-order": dict(reversed(split().items())),
        "capitals": split(largest=" Amortization "),
        "two-decimals": split(
            **{name: [round(v, 2) + 1e-4 * i for i, v in enumerate(values)]
               for name, values in PARTS.items()}
        ),
        "negative-optimization": split(
            optimization=[-0.004, 0.080, 0.034], total=[0.092, 0.162, 0.125]
        ),
        "four-seeds": {
            name: values if name == "largest" else [*values, 1.1 * values[0]]
            for name, values in split().items()
        },
    },
}  # fmt: skip

WRONG = {
    "made_masks": {
        "transposed": lambda *a: tuple(mask.T for mask in masks(*a)),
        "reversed": lambda first, second, n: (
            (first[:, None] <= degrees(n)).float(),
            (second[:, None] <= first).float(),
            (degrees(n)[:, None] < second).float(),
        ),
        "complement": lambda *a: tuple(1 - mask for mask in masks(*a)),
        "strict-input": changed(0, lambda first, second, n: (first[:, None] > degrees(n)).float()),
        "input-from-0": changed(0, lambda f, s, n: (f[:, None] >= torch.arange(n)).float()),
        "strict-hidden": changed(1, lambda first, second, n: (second[:, None] > first).float()),
        "same-degree-only": changed(1, lambda f, s, n: (s[:, None] == f).float()),
        "hidden-open": changed(1, lambda f, s, n: torch.ones(len(s), len(f))),
        "output-sees-itself": changed(2, lambda f, s, n: (degrees(n)[:, None] >= s).float()),
        "output-from-0": changed(2, lambda f, s, n: (torch.arange(n)[:, None] > s).float()),
        "output-by-first": changed(2, lambda f, s, n: (degrees(n)[:, None] > f).float()),
    },
    "gaussian_prior_gain": {
        "means-alone": lambda mu, logvar: kl(mu.mean(0), mu.var(0, unbiased=False)),
        "within-alone": lambda mu, logvar: kl(mu.mean(0), logvar.exp().mean(0)),
        "second-moment": lambda mu, logvar: kl(mu.mean(0), (mu**2 + logvar.exp()).mean(0)),
        "n-minus-one": lambda mu, logvar: kl(mu.mean(0), mu.var(0) + logvar.exp().mean(0)),
        "mean-of-logvar": lambda mu, logvar: kl(
            mu.mean(0), mu.var(0, unbiased=False) + logvar.mean(0).exp()
        ),
        "sigma-for-variance": lambda mu, logvar: kl(
            mu.mean(0), mu.var(0, unbiased=False) + (0.5 * logvar).exp().mean(0)
        ),
        "rate": lambda mu, logvar: (
            0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
        ),
        "mean-left-out": lambda mu, logvar: kl(0 * mu[0], moments(mu, logvar)[1]),
        "variance-left-out": lambda mu, logvar: 0.5 * (mu.mean(0) ** 2).sum(),
        "mean-over-latents": lambda mu, logvar: gain(mu, logvar) / mu.shape[1],
        "each-latent": lambda mu, logvar: torch.stack(
            [gain(mu[:, i : i + 1], logvar[:, i : i + 1]) for i in range(mu.shape[1])]
        ),
        "times-pictures": lambda mu, logvar: gain(mu, logvar) * len(mu),
        "half-missing": lambda mu, logvar: 2 * gain(mu, logvar),
        "sign": lambda mu, logvar: -gain(mu, logvar),
    },
    "full_gap_split": {
        "too-few": split(total=TOTAL[:2]),
        "the-same-run": split(amortization=[0.083, 0.083, 0.083]),
        "other-lengths": split(amortization=[*PARTS["amortization"], 0.0771]),
        "bounds-for-gaps": split(total=[-43.042, -43.021, -42.968]),
        "not-nats": split(total=[60 * v for v in TOTAL]),
        "negative-approximation": split(approximation=[-v for v in PARTS["approximation"]]),
        "refined-is-worse": split(
            approximation=[0.101, 0.093, 0.112], amortization=[-0.005, -0.011, -0.021]
        ),
        "cumulated": split(amortization=summed("approximation", "amortization")),
        "optimization-is-the-gap": split(optimization=TOTAL),
        "sign-of-optimization": split(
            total=[0.050, 0.0021, 0.0571],
        ),
        "do-not-add-up": split(total=[0.142, 0.262, 0.125]),
        "no-part": split(largest="the encoder"),
        "not-the-largest": split(largest="optimization"),
    },
}  # fmt: skip

UNNAMED = {
    "made_masks": {
        "one-mask": (lambda first, second, n: masks(first, second, n)[0], "return 3 things"),
        "all-open": (
            lambda f, s, n: (torch.ones(len(f), n), masks(f, s, n)[1], masks(f, s, n)[2]),
            "input mask",
        ),
        "forgets-the-last": (
            changed(2, lambda *a: masks(*a)[2] * (degrees(a[2]) < a[2])[:, None]),
            "output mask",
        ),
    },
    "gaussian_prior_gain": {
        "clamped": (
            lambda mu, logvar: kl(
                mu.mean(0), mu.var(0, unbiased=False) + logvar.clamp(-4, 4).exp().mean(0)
            ),
            "clamp",
        ),
        "two-moments": (lambda mu, logvar: moments(mu, logvar), "a tuple of 2"),
    },
    "full_gap_split": {
        "open": (split(total=None), "no answer yet for total"),
        "undecided": (split(largest=None), "no answer yet for largest"),
        "a-list": ([TOTAL], "give a dictionary"),
        "infinite": (split(total=[math.inf, 0.1, 0.2]), "infinite or NaN"),
        "second-seed": (split(total=[0.142, 0.262, 0.125]), "In seed 1 your parts add up to 0.162"),
    },
}  # fmt: skip


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (4, 1), (6, 2)])
def test_the_masks_are_those_of_the_package(n, seed):
    """The same rule, written twice: `degree_masks` draws the hidden degrees itself."""
    theirs = degree_masks(n, 9, n_outputs=1, seed=seed)
    drawn = torch.Generator().manual_seed(seed)
    first, second = torch.randint(1, n, (2, 9), generator=drawn)
    ours = evaluate_parts(MADE_MASKS.right, Case({"first": first, "second": second, "n": n}))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other.double())


def test_no_axis_parallel_gaussian_wins_more():
    """A right answer that is not the best prior, against a climb of its closed form."""
    case = PRIOR_GAIN.cases()[0]
    mu, logvar = (case.args[name].double() for name in ("mu", "logvar"))
    squares = (mu**2 + logvar.exp()).mean(0)
    shift = torch.zeros(mu.shape[1], dtype=torch.float64, requires_grad=True)
    log_scale = torch.zeros_like(shift, requires_grad=True)
    optimizer = torch.optim.LBFGS([shift, log_scale], max_iter=200, line_search_fn="strong_wolfe")

    def cost():
        optimizer.zero_grad()
        second = squares - 2 * shift * mu.mean(0) + shift**2
        loss = 0.5 * (second * (-2 * log_scale).exp() + 2 * log_scale - squares).sum()
        loss.backward()
        return loss

    optimizer.step(cost)
    assert -cost().item() == pytest.approx(evaluate(PRIOR_GAIN.right, case).item(), abs=1e-6)
