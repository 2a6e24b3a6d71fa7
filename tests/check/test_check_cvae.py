"""Chapter 14's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_teach.check import cvae
from vae_teach.check.cvae import factors, regressors
from vae_teach.check.engine.exercise import evaluate
from vae_teach.evaluate.completions import gradient_energy


def bce(x, a):
    return F.binary_cross_entropy_with_logits(a, x, reduction="none").sum(-1)


def two_normals(m, v, mp, vp):
    return kl_divergence(Normal(m, (v / 2).exp()), Normal(mp, (vp / 2).exp()))


def loss(x, a, m, v, mp, vp, *, kl=two_normals):
    return (bce(x, a) + kl(m, v, mp, vp).sum(1)).mean()


def loss_with(kl):
    return lambda *args: loss(*args, kl=kl)


def loss_from(cost):
    """The loss with another cost of a pixel: cost(logits, x, reduction="none") -> (B, D)."""
    return lambda x, a, *p: (cost(a, x, reduction="none").sum(-1) + two_normals(*p).sum(1)).mean()


def by_hand(m, v, mp, vp):
    return 0.5 * (vp - v + (v.exp() + (m - mp) ** 2) / vp.exp() - 1)


def to_standard(m, v):
    return -0.5 * (1 + v - m**2 - v.exp())


def loss_by_loop(x, a, m, v, mp, vp):
    total = 0.0
    for i in range(len(x)):
        total = total - Bernoulli(logits=a[i], validate_args=False).log_prob(x[i]).sum()
        total = total + by_hand(m[i], v[i], mp[i], vp[i]).sum()
    return total / len(x)


def onehot(labels, n):
    return torch.eye(n)[labels]


def place(z, labels, n):
    return torch.cat([z, onehot(labels, n).expand(len(z), -1, -1)], dim=2)


def place_by_loop(z, labels, n):
    result = torch.zeros(*z.shape[:2], z.shape[2] + n)
    for k in range(z.shape[0]):
        for b in range(z.shape[1]):
            result[k, b, : z.shape[2]] = z[k, b]
            result[k, b, z.shape[2] + labels[b]] = 1
    return result


def place_by_scatter(z, labels, n):
    c = torch.zeros(len(labels), n).scatter_(1, labels[:, None], 1.0)
    return torch.cat([z, c.repeat(z.shape[0], 1, 1)], -1)


def mixed(z, labels, n):
    k, b = z.shape[:2]
    flat = torch.cat([z.reshape(k * b, -1), onehot(labels, n).repeat_interleave(k, 0)], -1)
    return flat.view(k, b, -1)


def spot(score):
    return lambda a, b: 0 if score(a) > score(b) else 1


def grey(p):
    return ((p > 0.12) & (p < 0.88)).float().mean()


def scaled(labels, factor, mean, sd):
    return torch.cat([F.one_hot(labels, 10), ((factor - mean) / sd)[:, None]], dim=1)


def scaled_by_loop(labels, factor, mean, sd):
    c = torch.zeros(len(labels), 11)
    for i, (label, value) in enumerate(zip(labels, factor, strict=True)):
        c[i, label] = 1
        c[i, 10] = (value - mean) / sd
    return c


def scaled_with(change):
    return lambda labels, f, mean, sd: torch.column_stack([onehot(labels, 10), change(f, mean, sd)])


RIGHT = {
    "conditional_loss": {
        "torch-distributions": loss,
        "by-hand": loss_with(by_hand),
        "loop": loss_by_loop,
        "sums": lambda x, a, *p: (bce(x, a).sum() + by_hand(*p).sum()) / len(x),
    },
    "place_condition": {
        "expand": place,
        "loop": place_by_loop,
        "scatter": place_by_scatter,
        "one-hot-int": lambda z, y, n: torch.cat(
            [z, F.one_hot(y, n).expand(z.shape[0], -1, -1)], -1
        ),
    },
    "spot_regressor": {
        "grey-share-of-chapter-1": spot(lambda p: ((p > 0.1) & (p < 0.9)).float().mean()),
        "narrow-grey-share": spot(lambda p: ((p > 0.3) & (p < 0.7)).float().mean()),
        "wide-grey-share": spot(lambda p: ((p > 0.05) & (p < 0.95)).float().mean()),
        "each-picture-votes": lambda a, b: int(
            ((a * (1 - a)).sum(1) > (b * (1 - b)).sum(1)).float().mean() < 0.5
        ),
        "grey-share": spot(grey),
        "coin-variance": spot(lambda p: (p * (1 - p)).mean()),
        "distance-from-black-and-white": spot(lambda p: (p - p.round()).abs().sum()),
        "edges": spot(lambda p: -gradient_energy(p, (1, p.shape[-1])).mean()),
        "spread-of-the-pixels": lambda a, b: torch.tensor(float(a.std() > b.std())),
        "bool": lambda a, b: grey(a) < grey(b),
    },
    "factor_condition": {
        "cat": scaled,
        "loop": scaled_by_loop,
        "column-stack": scaled_with(lambda f, mean, sd: f / sd - mean / sd),
        "numpy": lambda *args: scaled(*args).numpy(),
    },
}

WRONG = {
    "conditional_loss": {
        "logvar-as-log-sigma": loss_with(lambda m, v, mp, vp: by_hand(m, 2 * v, mp, vp)),
        "both-as-log-sigma": loss_with(
            lambda m, v, mp, vp: kl_divergence(Normal(m, v.exp()), Normal(mp, vp.exp()))
        ),
        "sigmas-for-variances": loss_with(
            lambda m, v, mp, vp: (
                0.5 * (vp - v + ((v / 2).exp() + (m - mp) ** 2) / (vp / 2).exp() - 1)
            )
        ),
        "distance-by-sigma": loss_with(
            lambda m, v, mp, vp: (
                0.5 * (vp - v + (v - vp).exp() + (m - mp) ** 2 / (vp / 2).exp() - 1)
            )
        ),
        "distance-multiplied": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + (v - vp).exp() + (m - mp) ** 2 * vp.exp() - 1)
        ),
        "everything-multiplied": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + (v.exp() + (m - mp) ** 2) * vp.exp() - 1)
        ),
        "ratio-upside-down": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + (vp - v).exp() + (m - mp) ** 2 / vp.exp() - 1)
        ),
        "log-ratio-sign": loss_with(
            lambda m, v, mp, vp: 0.5 * (v - vp + (v.exp() + (m - mp) ** 2) / vp.exp() - 1)
        ),
        "log-ratio-missing": loss_with(
            lambda m, v, mp, vp: 0.5 * ((v.exp() + (m - mp) ** 2) / vp.exp() - 1)
        ),
        "log-ratio-twice": loss_with(
            lambda m, v, mp, vp: vp - v + 0.5 * ((v.exp() + (m - mp) ** 2) / vp.exp() - 1)
        ),
        "distance-not-squared": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + (v.exp() + (m - mp).abs()) / vp.exp() - 1)
        ),
        "means-added": loss_with(lambda m, v, mp, vp: by_hand(m, v, -mp, vp)),
        "symmetric": loss_with(
            lambda m, v, mp, vp: (two_normals(m, v, mp, vp) + two_normals(mp, vp, m, v)) / 2
        ),
        "two-divergences": loss_with(lambda m, v, mp, vp: to_standard(m, v) + to_standard(mp, vp)),
        "sigmoid-twice": lambda x, a, *p: loss(x, a.sigmoid(), *p),
        "squared-error": loss_from(lambda a, x, **_: (a.sigmoid() - x) ** 2),
        "x-flipped": lambda x, a, *p: loss(1 - x, a, *p),
        "black-pixels-missing": loss_from(lambda a, x, **_: -x * F.logsigmoid(a)),
        "mean-of-everything": lambda x, a, *p: (
            F.binary_cross_entropy_with_logits(a, x) + two_normals(*p).mean()
        ),
        "prior-ignored": loss_with(lambda m, v, mp, vp: to_standard(m, v)),
        "only-the-means-differ": loss_with(lambda m, v, mp, vp: to_standard(m - mp, v)),
        "prior-mean-ignored": loss_with(lambda m, v, mp, vp: by_hand(m, v, 0, vp)),
        "swapped": loss_with(lambda m, v, mp, vp: two_normals(mp, vp, m, v)),
        "distance-not-scaled": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + v.exp() / vp.exp() + (m - mp) ** 2 - 1)
        ),
        "scaled-by-q": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + v.exp() / vp.exp() + (m - mp) ** 2 / v.exp() - 1)
        ),
        "prior-logvar-as-log-sigma": loss_with(lambda m, v, mp, vp: by_hand(m, v, mp, 2 * vp)),
        "elbo-instead-of-loss": lambda *args: -loss(*args),
        "kl-subtracted": loss_with(lambda *p: -two_normals(*p)),
        "kl-missing": lambda x, a, *p: bce(x, a).mean() + 0 * sum(t.sum() for t in p),
        "likelihood-missing": lambda x, a, *p: two_normals(*p).sum(1).mean() + 0 * a.sum(),
        "kl-mean-over-dimensions": lambda x, a, *p: (bce(x, a) + two_normals(*p).mean(1)).mean(),
        "likelihood-mean-over-pixels": lambda x, a, *p: (
            F.binary_cross_entropy_with_logits(a, x) + two_normals(*p).sum(1).mean()
        ),
        "not-reduced": lambda x, a, *p: bce(x, a) + two_normals(*p).sum(1),
        "sum-over-batch": lambda *args: loss(*args) * len(args[0]),
        "binary-cross-entropy-on-logits": loss_from(F.binary_cross_entropy),
        "grey-pixels-refused": loss_from(lambda a, x, **_: -Bernoulli(logits=a).log_prob(x)),
        "overflow": loss_from(
            lambda a, x, **_: -(x * a.sigmoid().log() + (1 - x) * (1 - a.sigmoid()).log())
        ),
        "clipped-probabilities": loss_from(
            lambda a, x, **_: F.binary_cross_entropy(a.sigmoid().clip(1e-7, 1 - 1e-7), x, **_)
        ),
    },
    "place_condition": {
        "counted-backwards": lambda z, y, n: place(z, n - 1 - y, n),
        "ten-classes": lambda z, y, n: place(z, y, 10),
        "one-class-too-many": lambda z, y, n: place(z, y, n + 1),
        "order-of-the-labels": lambda z, y, n: place(z, y.sort().values, n),
        "one-draw-for-all": lambda z, y, n: place(z[0].expand_as(z), y, n),
        "label-as-a-number": lambda z, y, n: torch.cat(
            [z, y.float()[:, None].expand(len(z), -1, 1)], -1
        ),
        "condition-first": lambda z, y, n: torch.cat([onehot(y, n).expand(len(z), -1, -1), z], -1),
        "draws-and-conditions-mixed": mixed,
        "one-class-for-all": lambda z, y, n: place(z, y[0].repeat(len(y)), n),
        "width-from-the-batch": lambda z, y, n: torch.cat(
            [z, F.one_hot(y).expand(z.shape[0], -1, -1)], -1
        ),
        "counted-from-one": lambda z, y, n: place(z, (y + n - 1) % n, n),
        "code-lost": lambda z, y, n: onehot(y, n).expand(len(z), -1, -1),
        "axes-swapped": lambda z, y, n: place(z, y, n).permute(1, 0, 2),
    },
    "spot_regressor": {
        "one-picture": lambda a, b: spot(grey)(a[0], b[0]),
        "one-and-two": lambda a, b: 1 + spot(grey)(a, b),
        "the-other-one": lambda a, b: 1 - spot(grey)(a, b),
        "always-a": lambda a, b: 0,
        "always-b": lambda a, b: 1,
        "less-ink": spot(lambda p: -p.mean()),
        "more-ink": spot(lambda p: p.mean()),
        "a-score-for-each-picture": lambda a, b: (a * (1 - a)).sum(1) < (b * (1 - b)).sum(1),
    },
    "factor_condition": {
        "own-mean": scaled_with(lambda f, mean, sd: (f - f.mean()) / sd),
        "own-sd": scaled_with(lambda f, mean, sd: (f - mean) / f.std()),
        "scaled-to-the-batch": scaled_with(lambda f, mean, sd: (f - f.min()) / (f.max() - f.min())),
        "multiplied": scaled_with(lambda f, mean, sd: (f - mean) * sd),
        "unscaled-backwards": scaled_with(lambda f, mean, sd: mean + sd * f),
        "sign": scaled_with(lambda f, mean, sd: (mean - f) / sd),
        "mean-added": scaled_with(lambda f, mean, sd: (f + mean) / sd),
        "divided-before": scaled_with(lambda f, mean, sd: f - mean / sd),
        "mean-and-sd-swapped": scaled_with(lambda f, sd, mean: (f - mean) / sd),
        "labels-scaled-too": lambda y, f, mean, sd: (
            (torch.column_stack([onehot(y, 10), f]) - mean) / sd
        ),
        "magnitude": scaled_with(lambda f, mean, sd: (f - mean).abs() / sd),
        "counted-from-one": lambda y, *rest: scaled((y + 1) % 10, *rest),
        "not-scaled": scaled_with(lambda f, mean, sd: f),
        "own-mean-and-sd": scaled_with(lambda f, mean, sd: (f - f.mean()) / f.std()),
        "divided-by-the-variance": scaled_with(lambda f, mean, sd: (f - mean) / sd**2),
        "not-centred": scaled_with(lambda f, mean, sd: f / sd),
        "not-divided": scaled_with(lambda f, mean, sd: f - mean),
        "factor-first": lambda y, f, mean, sd: torch.cat(
            [((f - mean) / sd)[:, None], onehot(y, 10)], 1
        ),
        "label-as-a-number": lambda y, f, mean, sd: torch.stack([y, (f - mean) / sd], 1),
        "width-from-the-batch": lambda y, f, mean, sd: torch.cat(
            [F.one_hot(y), ((f - mean) / sd)[:, None]], 1
        ),
        "label-lost": lambda y, f, mean, sd: ((f - mean) / sd)[:, None],
        "factor-lost": lambda y, f, mean, sd: onehot(y, 10),
    },
}

UNNAMED = {
    "conditional_loss": {
        "half-a-logvar": (
            loss_with(lambda m, v, mp, vp: two_normals(m, v, mp, vp / 2)),
            "Your values would be right with logvar_p / 2 in place of logvar_p.",
        ),
        "distance-missing": (
            loss_with(lambda m, v, mp, vp: two_normals(mp, v, mp, vp)),
            "Your term (mu - mu_p)^2 / (2 sigma_p^2) is missing.",
        ),
        "half-twice": (
            loss_with(lambda *p: two_normals(*p) / 2), "Your KL is half the right one"
        ),
        "minus-one-missing": (
            loss_with(lambda *p: two_normals(*p) + 0.5), "-1/2 of each latent dimension is missing"
        ),
        "clamped": (
            loss_with(lambda m, v, mp, vp: two_normals(m, v, mp, vp.clip(-5, 5))),
            "logvar_p between -40 and -30",
        ),
        "prior-detached": (
            lambda x, a, m, v, mp, vp: loss(x, a, m, v, mp.detach(), vp.detach()),
            "no gradient flows back to mu_p",
        ),
        "item": (lambda *args: loss(*args).item(), "they come as a float"),
        "doubled": (lambda *args: 2 * loss(*args), "2 times the right ones"),
        "black-and-white-only": (
            loss_from(lambda a, x, **_: F.softplus(torch.where(x > 0.5, -a, a))),
            "the result should be 11.43, but yours is 11.49",
        ),
        "tuple": (lambda *args: (loss(*args), 0.0), "a tuple of 2"),
    },
    "place_condition": {
        "whole-numbers": (
            lambda z, y, n: place(z.long(), y, n), "should be the code z[k, b]; they are others"
        ),
        "ones-and-minus-ones": (
            lambda z, y, n: torch.cat([z, 2 * place(z, y, n)[..., z.shape[2] :] - 1], 2),
            "z[0, 0] has the label 3 and your condition there is [-1, -1, -1, 1, -1]",
        ),
        "squeezed": (lambda z, y, n: place(z, y, n).squeeze(), "an axis K of size 1"),
        "flattened": (lambda z, y, n: place(z, y, n).flatten(0, 1), "they need a reshape"),
        "two-inputs": (lambda z, y, n: (z, onehot(y, n)), "a tuple of 2"),
        "z-changed": (lambda z, y, n: (place(z, y, n), z.zero_())[0], "changes its argument z"),
    },
    "spot_regressor": {
        "by-one-argument": (lambda a, b: 0 if grey(a) > 0.4 else 1, "You name the wrong set in"),
        "by-the-other-argument": (
            lambda a, b: int((b * (1 - b)).mean() > 0.08), "over all their pictures and pixels"
        ),
        "minus-one": (lambda a, b: -spot(grey)(a, b), "Your function returns -1: answer 0"),
        "word": (lambda a, b: "a", "which is not a tensor of numbers"),
        "kept-axis": (lambda a, b: torch.tensor([spot(grey)(a, b)]), "the shape is (1,)"),
        "by-the-number-of-values": (
            lambda a, b: 0 if len(a.unique()) > len(b.unique()) else 1, "1 for every pair"
        ),
        "by-the-spread-between-pictures": (
            spot(lambda p: -((p - p.mean(0)).square().sum() / (len(p) - 1))),
            "You name the wrong set",
        ),
        "by-the-faintest-pixel": (spot(lambda p: p.min()), "1 for every pair"),
        "by-the-first-pixel": (lambda a, b: int(a[0, 0] < b[0, 0]), "0 for every pair"),
    },
    "factor_condition": {
        "root-of-sd": (
            scaled_with(lambda f, mean, sd: (f - mean) / sd**0.5),
            "for mean = 2.5 and sd = 0.5 you append 1.414 factor -3.536",
        ),
        "clamped": (
            scaled_with(lambda f, mean, sd: ((f - mean) / sd).clip(-3, 3)),
            "you append 3 for the factor 4.047",
        ),
        "one-label-for-all": (
            lambda y, *rest: scaled(y[:1].expand_as(y), *rest), "For the label 9 the first ten"
        ),
        "flat": (lambda *args: scaled(*args).flatten(), "they need a reshape"),
    },
}  # fmt: skip


def test_our_loss_is_that_of_torch_distributions():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in cvae.CONDITIONAL_LOSS.cases():
        theirs = loss(*(v.double() for v in case.args.values()))
        torch.testing.assert_close(evaluate(cvae.CONDITIONAL_LOSS.right, case), theirs)


def test_our_placement_is_the_decoders():
    for case in cvae.PLACE_CONDITION.cases():
        ours = evaluate(cvae.PLACE_CONDITION.right, case)
        torch.testing.assert_close(ours, place_by_loop(*case.args.values()).double())


def test_the_cases_hold_both_answers_and_ink_tells_nothing():
    """A case list in which one of the two is always first, or always darker, can be guessed."""
    cases = regressors.SPOT_REGRESSOR.cases()
    answers = [int(evaluate(regressors.SPOT_REGRESSOR.right, case)) for case in cases]
    assert set(answers) == {0, 1}
    darker = [int(c.args["b"].sum() > c.args["a"].sum()) for c in cases]
    assert answers != darker and answers != [1 - d for d in darker]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_factor_case_is_not_standardised_by_chance(seed):
    """If the batch's own mean were the given one, the mistake could not be seen."""
    args = factors.FACTOR_CONDITION.cases()[seed].args
    assert abs(args["factor"].mean() - args["mean"]) > 0.1
    assert abs(args["factor"].std() - args["sd"]) > 0.02
