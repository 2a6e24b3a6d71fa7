"""Chapter 9's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_teach.check import _factor_condition, _spot_regressor, ch09
from vae_teach.check._exercise import evaluate
from vae_teach.completion_scores import gradient_energy


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
        "the-other-one": lambda a, b: 1 - spot(grey)(a, b),
        "always-a": lambda a, b: 0,
        "always-b": lambda a, b: 1,
        "less-ink": spot(lambda p: -p.mean()),
        "more-ink": spot(lambda p: p.mean()),
        "a-score-for-each-picture": lambda a, b: (a * (1 - a)).sum(1) < (b * (1 - b)).sum(1),
    },
    "factor_condition": {
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
        "flattened": (lambda z, y, n: place(z, y, n).flatten(0, 1), "they need a reshape"),
        "two-inputs": (lambda z, y, n: (z, onehot(y, n)), "a tuple of 2"),
        "z-changed": (lambda z, y, n: (place(z, y, n), z.zero_())[0], "changes its argument z"),
    },
    "spot_regressor": {
        "word": (lambda a, b: "a", "which is not a tensor of numbers"),
        "kept-axis": (lambda a, b: torch.tensor([spot(grey)(a, b)]), "the shape is (1,)"),
        "by-the-number-of-values": (
            lambda a, b: 0 if len(a.unique()) > len(b.unique()) else 1, "1 for every pair"
        ),
        "by-the-spread-between-pictures": (
            spot(lambda p: -((p - p.mean(0)).square().sum() / (len(p) - 1))), "result should be"
        ),
        "by-the-faintest-pixel": (spot(lambda p: p.min()), "1 for every pair"),
        "by-the-first-pixel": (lambda a, b: int(a[0, 0] < b[0, 0]), "0 for every pair"),
    },
    "factor_condition": {
        "flat": (lambda *args: scaled(*args).flatten(), "they need a reshape"),
        "own-sd": (scaled_with(lambda f, mean, sd: (f - mean) / f.std()), "should be"),
    },
}  # fmt: skip


def test_our_loss_is_that_of_torch_distributions():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in ch09.CONDITIONAL_LOSS.cases():
        theirs = loss(*(v.double() for v in case.args.values()))
        torch.testing.assert_close(evaluate(ch09.CONDITIONAL_LOSS.right, case), theirs)


def test_our_placement_is_the_decoders():
    for case in ch09.PLACE_CONDITION.cases():
        ours = evaluate(ch09.PLACE_CONDITION.right, case)
        torch.testing.assert_close(ours, place_by_loop(*case.args.values()).double())


def test_the_cases_hold_both_answers_and_ink_tells_nothing():
    """A case list in which one of the two is always first, or always darker, can be guessed."""
    cases = _spot_regressor.SPOT_REGRESSOR.cases()
    answers = [int(evaluate(_spot_regressor.SPOT_REGRESSOR.right, case)) for case in cases]
    assert set(answers) == {0, 1}
    darker = [int(c.args["b"].sum() > c.args["a"].sum()) for c in cases]
    assert answers != darker and answers != [1 - d for d in darker]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_factor_case_is_not_standardised_by_chance(seed):
    """If the batch's own mean were the given one, the mistake could not be seen."""
    args = _factor_condition.FACTOR_CONDITION.cases()[seed].args
    assert abs(args["factor"].mean() - args["mean"]) > 0.1
    assert abs(args["factor"].std() - args["sd"]) > 0.02
