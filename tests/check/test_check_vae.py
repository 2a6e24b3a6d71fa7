"""Chapter 7's checks: what students write, right and wrong (judged by test_check_tables.py), our
own right answer against an independent oracle, and the five programs with their bugs."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from vae_teach import data, fit
from vae_teach.check import vae
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.vae import suspects
from vae_teach.maths.gaussian import kl_to_standard_normal

ANSWERS = {"find_the_bugs"}


def bce(x, logits):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def known(x, observed):
    return torch.where(observed > 0, x, torch.zeros_like(x))


def seen(x, observed, logits):
    """The cost of the observed pixels, (B,)."""
    return (observed * bce(known(x, observed), logits)).sum(1)


def keras_kl(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)


def loss(x, observed, logits, mu, logvar, *, kl=keras_kl, cost=seen):
    return torch.mean(cost(x, observed, logits) + kl(mu, logvar))


def with_pixels(of_pixels):
    """The loss with another cost of each pixel: of_pixels(x, logits) -> (B, D)."""
    return partial(loss, cost=lambda x, o, a: (o * of_pixels(known(x, o), a)).sum(1))


def loss_by_torch_distributions(x, observed, logits, mu, logvar):
    q = Normal(mu, logvar.mul(0.5).exp())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), 1.0)).sum(-1)
    p = Bernoulli(logits=logits, validate_args=False)
    return (kl - (p.log_prob(known(x, observed)) * observed).sum(-1)).mean()


def loss_by_sums(x, observed, logits, mu, logvar):
    cost = F.binary_cross_entropy_with_logits(
        logits, known(x, observed), weight=observed, reduction="sum"
    )
    return (cost + keras_kl(mu, logvar).sum()) / x.shape[0]


def loss_by_loop(x, observed, logits, mu, logvar):
    total = 0.0
    for i in range(len(x)):
        at = observed[i].bool()
        sigma = torch.exp(logvar[i] / 2)
        kl = (sigma**2 / 2 + mu[i] ** 2 / 2 - 0.5 - sigma.log()).sum()
        total = total + kl + bce(x[i][at], logits[i][at]).sum()
    return total / len(x)


def loss_of_chosen_pixels(x, observed, logits, mu, logvar):
    at = observed.bool()
    return (bce(x[at], logits[at]).sum() + keras_kl(mu, logvar).sum()) / len(x)


def numpy_loss(x, observed, logits, mu, logvar):
    return np.mean(seen(x, observed, logits).numpy() + keras_kl(mu, logvar).numpy())


def naive(x, logits, clip=None):
    p = torch.sigmoid(logits)
    p = p if clip is None else p.clip(clip, 1 - clip)
    return -(x * torch.log(p) + (1 - x) * torch.log(1 - p))


# What was measured with seed 0 on strokes, rounded as a student would print it.
TABLE = {
    "A": (102.5, 4.00, 0.0),
    "B": (188.8, 0.00, 0.991),
    "C": (115.4, 10.47, 0.458),
    "D": (115.6, 14.34, 0.991),
    "E": (542.5, 0.73, 0.991),
}
MNIST = {
    "A": (120.4, 3.71, 0.0),
    "B": (209.2, 0.0, 0.991),
    "C": (132.8, 9.99, 0.463),
    "D": (132.5, 13.83, 0.991),
    "E": (544.0, 0.31, 0.991),
}
BUGS = {
    "A": "mean decoded",
    "B": "pixels averaged",
    "C": "variance for sigma",
    "D": "no bug",
    "E": "sigmoid twice",
}


def report(table=TABLE, bugs=BUGS, rows=(), **named):
    """A student's report with some rows and some names changed."""
    return {"table": {**table, **dict(rows)}, "bugs": {**bugs, **named}}


def changed(change, table=TABLE):
    """The report with change(reconstruction, kl, spread) for each row."""
    return report({name: change(*row) for name, row in table.items()})


RIGHT = {
    "vae_loss": {
        "keras-kl": loss,
        "torch-distributions": loss_by_torch_distributions,
        "sums-divided": loss_by_sums,
        "loop": loss_by_loop,
        "chosen-pixels": loss_of_chosen_pixels,
        "float64": lambda *args: loss(*(a.double() for a in args)),
        "nan-to-num": lambda x, o, a, mu, lv: loss(x.nan_to_num(), o, a, mu, lv),
    },
    "find_the_bugs": {
        "strokes": report(),
        "mnist": report(MNIST),
        "tensors": report(
            {name: torch.tensor(row) for name, row in TABLE.items()},
            {name: bug.upper() for name, bug in BUGS.items()},
        ),
        "greek": report(C="variance for σ", A="Mean-decoded"),
    },
}

WRONG = {
    "vae_loss": {
        "mean-of-everything": lambda x, o, a, mu, lv: (
            (o * bce(known(x, o), a)).mean() - 0.5 * (1 + lv - mu**2 - lv.exp()).mean()
        ),
        "parameters-swapped": lambda x, o, a, lv, mu: loss(x, o, a, mu, lv),
        "log-sigma-in-the-exponential": partial(
            loss, kl=lambda mu, lv: 0.5 * (mu**2 + torch.exp(lv) ** 2 - 1 - lv).sum(1)
        ),
        "minus-one-once": partial(
            loss, kl=lambda mu, lv: 0.5 * ((mu**2 + lv.exp() - lv).sum(1) - 1)
        ),
        "two-pi": partial(
            loss,
            kl=lambda mu, lv: keras_kl(mu, lv) + mu.shape[1] / 2 * math.log(2 * math.pi),
        ),
        "squared-error": with_pixels(lambda x, a: (x - torch.sigmoid(a)) ** 2),
        "x-flipped": with_pixels(lambda x, a: bce(1 - x, a)),
        "black-pixels-missing": with_pixels(lambda x, a: -(x * torch.log(torch.sigmoid(a)))),
        "not-reduced": lambda x, o, a, mu, lv: seen(x, o, a) + keras_kl(mu, lv),
        "elbo-instead-of-loss": lambda *args: -loss(*args),
        "kl-subtracted": partial(loss, kl=lambda mu, lv: -keras_kl(mu, lv)),
        "likelihood-sign": partial(loss, cost=lambda *args: -seen(*args)),
        "kl-twice": partial(loss, kl=lambda mu, lv: (mu**2 + lv.exp() - 1 - lv).sum(1)),
        "kl-halved": partial(loss, kl=lambda mu, lv: 0.25 * (mu**2 + lv.exp() - 1 - lv).sum(1)),
        "kl-missing": lambda x, o, a, mu, lv: seen(x, o, a).mean(),
        "likelihood-missing": lambda x, o, a, mu, lv: keras_kl(mu, lv).mean(),
        "kl-mean-over-dimensions": lambda x, o, a, mu, lv: (
            seen(x, o, a).mean() - 0.5 * torch.mean(1 + lv - mu**2 - lv.exp())
        ),
        "likelihood-mean-over-pixels": partial(
            loss, cost=lambda x, o, a: (o * bce(known(x, o), a)).mean(1)
        ),
        "mean-over-observed": partial(loss, cost=lambda x, o, a: seen(x, o, a) / o.sum(1)),
        "mean-over-all-observed": partial(
            loss, cost=lambda x, o, a: (o * bce(known(x, o), a)).sum() / o.sum()
        ),
        "x-rounded": with_pixels(lambda x, a: bce((x > 0.5).float(), a)),
        "scaled-up": partial(
            loss, cost=lambda x, o, a: seen(x, o, a) * x.shape[1] / o.sum(1)
        ),
        "all-pixels": partial(loss, cost=lambda x, o, a: bce(x, a).sum(1)),
        "unobserved-pixels": partial(loss, cost=lambda x, o, a: seen(x, 1 - o, a)),
        "masked-logits": partial(loss, cost=lambda x, o, a: bce(x * o, a * o).sum(1)),
        "masked-x": partial(loss, cost=lambda x, o, a: bce(x * o, a).sum(1)),
        "kl-by-share": lambda x, o, a, mu, lv: (
            seen(x, o, a) + o.mean(1) * keras_kl(mu, lv)
        ).mean(),
        "sum-over-batch": lambda x, o, a, mu, lv: seen(x, o, a).sum() + keras_kl(mu, lv).sum(),
        "likelihood-summed-over-batch": lambda x, o, a, mu, lv: (
            seen(x, o, a).sum() + keras_kl(mu, lv).mean()
        ),
        "kl-summed-over-batch": lambda x, o, a, mu, lv: (
            seen(x, o, a).mean() + keras_kl(mu, lv).sum()
        ),
        "logvar-as-log-sigma": lambda x, o, a, mu, log_sigma: loss(x, o, a, mu, 2 * log_sigma),
        "sigma-for-variance": partial(
            loss, kl=lambda mu, lv: 0.5 * (mu**2 + torch.exp(0.5 * lv) - 1 - lv).sum(1)
        ),
        "kl-swapped": partial(
            loss,
            kl=lambda mu, lv: kl_divergence(Normal(0.0, 1.0), Normal(mu, (lv / 2).exp())).sum(1),
        ),
        "mu-not-squared": partial(loss, kl=lambda mu, lv: -0.5 * (1 + lv - mu - lv.exp()).sum(1)),
        "minus-one-missing": partial(loss, kl=lambda mu, lv: 0.5 * (mu**2 + lv.exp() - lv).sum(1)),
        "sigmoid-twice": lambda x, o, a, mu, lv: loss(x, o, torch.sigmoid(a), mu, lv),
        "binary-cross-entropy-on-logits": partial(
            loss, cost=lambda x, o, a: F.binary_cross_entropy(a, x, weight=o, reduction="sum")
        ),
        "grey-pixels-refused": partial(
            loss, cost=lambda x, o, a: -(o * Bernoulli(logits=a).log_prob(x)).sum(1)
        ),
        "not-a-number": partial(loss, cost=lambda x, o, a: (o * bce(x, a)).sum(1)),
        "overflow": with_pixels(naive),
        "clipped-probabilities": with_pixels(partial(naive, clip=1e-7)),
    },
    "find_the_bugs": {
        "negative": changed(lambda cost, kl, spread: (-cost, kl, spread)),
        "per-pixel": changed(lambda cost, kl, spread: (cost / 784, kl, spread)),
        "sums": changed(lambda cost, kl, spread: (500 * cost, 500 * kl, spread)),
        "columns-swapped": changed(lambda cost, kl, spread: (kl, cost, spread)),
        "loss-for-kl": changed(lambda cost, kl, spread: (cost, cost + kl, spread)),
        "own-judge": report(rows={"B": (0.24, 0.0, 0.991)}.items()),
        "untrained": changed(lambda cost, kl, spread: (543.6, 0.04, spread)),
        "kl-per-dimension": changed(lambda cost, kl, spread: (cost, kl / 10, spread)),
        "spread-of-z": report(
            rows={"C": (115.4, 10.47, 0.27), "D": (115.6, 14.34, 0.42)}.items()
        ),
        "variance-for-sigma-in-the-spread": report(
            rows={"C": (115.4, 10.47, 0.99), "D": (115.6, 14.34, 3.4)}.items()
        ),
        "reconstruction": report(rows={"D": (52.0, 14.34, 0.99)}.items()),
        "kl": report(rows={"A": (102.5, 40.0, 0.0)}.items()),
        "spread": report(rows={"E": (542.5, 0.73, 0.2)}.items()),
        "still-open": report(D=None),
        "pixels averaged": report(A="pixels averaged"),
        "mean decoded": report(B="mean decoded"),
        "variance for sigma": report(D="variance for sigma"),
        "sigmoid twice": report(C="sigmoid twice"),
        "no bug": report(A="no bug"),
    },
}  # fmt: skip

UNNAMED = {
    "vae_loss": {
        "mu-term-missing": (
            partial(loss, kl=lambda mu, lv: 0.5 * (lv.exp() - 1 - lv).sum(1)),
            "Your term mu^2 / 2 is missing.",
        ),
        "half-of-the-logvar-missing": (
            partial(loss, kl=lambda mu, lv: (0.5 * (mu**2 + lv.exp() - 1) - lv).sum(1)),
            "Your term -logvar / 2 is twice the right one: look for a missing 1/2.",
        ),
        "two-signs": (
            partial(loss, kl=lambda mu, lv: 0.5 * (lv.exp() + 1 + lv + mu**2).sum(1)),
            "each latent dimension has the wrong sign; your term -logvar / 2 has the wrong sign.",
        ),
        "only-the-logvar": (
            partial(loss, kl=lambda mu, lv: -0.5 * lv.sum(1)), "Your term mu^2 / 2 is missing; your"
        ),
        "logvar-clamped": (
            lambda x, o, a, mu, lv: loss(x, o, a, mu, lv.clip(-3, 3)), "logvar between -40 and -30"
        ),
        "tuple": (lambda *args: (loss(*args), keras_kl(*args[3:])), "a tuple of 2"),
        "item": (lambda *args: loss(*args).item(), "they come as a float"),
        "numpy": (numpy_loss, "fails on tensors that require a gradient"),
        "encoder-detached": (
            lambda x, o, a, mu, lv: loss(x, o, a, mu.detach(), lv.detach()),
            "no gradient flows back to mu",
        ),
        "chosen-after-the-sum": (
            partial(loss, cost=lambda x, o, a: torch.where(o > 0, bce(x, a), 0).sum(1)),
            "gradient with respect to logits contains NaN",
        ),
        "kept-axis": (lambda *args: loss(*args)[None], "the shape is (1,) where () is asked"),
        "beta": (partial(loss, kl=lambda mu, lv: 4 * keras_kl(mu, lv)), "Your KL is 4 times"),
        "kl-with-noise": (
            partial(loss, kl=lambda mu, lv: keras_kl(mu, lv) + torch.randn(len(mu))),
            "a second call with the same arguments gives others",
        ),
        "everything-doubled": (lambda *args: 2 * loss(*args), "2 times the right ones"),
        "x-changed": (
            lambda x, o, a, mu, lv: loss(x.nan_to_num_(0.25).mul_(o), o, a, mu, lv),
            "changes its argument x in place",
        ),
    },
    "find_the_bugs": {
        "an-open-row": (report(rows={"B": None}.items()), "no answer yet for B"),
        "no-table": ({"table": None, "bugs": BUGS}, "no answer yet for table"),
        "a-missing-program": (
            {"table": {k: v for k, v in TABLE.items() if k != "C"}, "bugs": BUGS}, "lacks C"
        ),
        "two-numbers": (report(rows={"B": (188.8, 0.0)}.items()), "reconstruction"),
        "no-option": (report(B="too few latents"), "not one of the options"),
        "not-finite": (report(rows={"D": (math.nan, 14.3, 0.99)}.items()), "reconstruction of"),
        "two-wrong-names": (report(A="no bug", D="mean decoded"), "unlike"),
    },
}  # fmt: skip


def test_our_loss_is_that_of_torch_distributions():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in vae.VAE_LOSS.cases():
        theirs = loss_by_torch_distributions(*(v.double() for v in case.args.values()))
        ours = evaluate(vae.VAE_LOSS.right, case)
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


def test_our_loss_with_all_pixels_is_the_vaes():
    """A mask of ones that changes something."""
    case = copy.deepcopy(vae.VAE_LOSS.cases()[1]).args
    case["observed"].fill_(1)
    p = Independent(Bernoulli(logits=case["logits"], validate_args=False), 1)
    elbo = p.log_prob(case["x"]) - kl_to_standard_normal(case["mu"], case["logvar"])
    torch.testing.assert_close(vae.VAE_LOSS.right(**case), -elbo.mean())


def test_loss_at_extreme_logits_is_exact():
    """One confident, wrong pixel costs as many nats as its logit, with no cap at 16.1."""
    case = next(case for case in vae.VAE_LOSS.cases() if case.hard)
    kl = kl_to_standard_normal(case.args["mu"].double(), case.args["logvar"].double()).mean()
    want = (30 + 100 + 200 + 300) / 4
    assert (evaluate(vae.VAE_LOSS.right, case) - kl).item() == pytest.approx(want, rel=1e-12)


# --- the five programs ----------------------------------------------------------------------------


def batch(n=4):
    g = torch.Generator().manual_seed(0)
    return torch.rand(n, suspects.N_PIXELS, generator=g)


def test_a_suspect_differs_from_the_sound_program_in_its_bug_alone():
    """A bug that also changes the first weights or the KL would be found by another symptom."""
    found = {program.bug: program for program in suspects.suspects(seed=3).values()}
    sound, x = found["no bug"], batch()
    for bug, program in found.items():
        weights = zip(program.state_dict().values(), sound.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in weights), bug
        terms = [
            p.loss_terms(x, generator=torch.Generator().manual_seed(1)) for p in (program, sound)
        ]
        torch.testing.assert_close(terms[0]["kl"], terms[1]["kl"], rtol=0, atol=0)
        alike = torch.allclose(terms[0]["reconstruction"], terms[1]["reconstruction"], rtol=1e-6)
        assert alike == (bug == "no bug"), bug


def test_the_sound_suspect_is_the_kits_vae():
    """Somebody mends a bug into the program that has none."""
    sound, x = suspects.Suspect(seed=0), batch()
    eps = torch.randn(len(x), suspects.LATENT, generator=torch.Generator().manual_seed(2))
    elbo = sound.elbo(x, eps)
    terms = sound.loss_terms(x, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(terms["reconstruction"], -elbo.log_likelihood)
    torch.testing.assert_close(terms["kl"], elbo.kl)


def measured(program, x):
    g = torch.Generator().manual_seed(0)
    with torch.no_grad():
        mu, logvar = program.encode(x)
        z = program.draw(mu, logvar, generator=g)
        cost = bce(x, program.decode(z)).sum(1).mean().item()
    spread = ((z - mu) / torch.exp(logvar / 2)).square().mean().sqrt().item()
    return cost, kl_to_standard_normal(mu, logvar).mean().item(), spread


@pytest.mark.notebooks
def test_suspects_lie_where_the_check_says():
    """A range from another training than the exercise asks for: a right table is turned down."""
    pictures = data.load("strokes").train.images
    for program in suspects.suspects().values():
        fit(program, pictures[:10_000], epochs=3, lr=2e-3, progress=False)
        numbers = measured(program, pictures[10_000:10_500])
        for value, (low, high) in zip(numbers, suspects.RANGES[program.bug], strict=True):
            assert low <= value <= high, (program.bug, numbers)


def test_the_sums_are_ranked_as_the_solution_says():
    """The program that decodes means comes first, and the one with the wrong sigma before ours."""
    for table in (TABLE, MNIST):
        sums = {BUGS[name]: sum(row[:2]) for name, row in table.items()}
        assert min(sums, key=sums.get) == "mean decoded"
        assert sums["variance for sigma"] < sums["no bug"]
