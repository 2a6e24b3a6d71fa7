"""Chapter 14's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import statistics

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_teach import data
from vae_teach.check import cvae
from vae_teach.check.cvae import slants
from vae_teach.check.engine.exercise import evaluate


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


ANSWERS = {"asked_slants"}
# Medians of three models of the exercise's solution, to four digits, and of the real pictures.
DRAWN = [
    [-0.1902, -0.0213, 0.1389, 0.2954, 0.4141],
    [-0.2151, -0.0334, 0.1302, 0.3188, 0.4519],
    [-0.1847, -0.0102, 0.1445, 0.3001, 0.4288],
]
REAL = slants._real()[0]


def spans(rows):
    return [row[-1] - row[0] for row in rows]


SHARES = [span / spans([REAL])[0] for span in spans(DRAWN)]


def slant_table(**changes):
    return {
        "real": REAL,
        "drawn": DRAWN,
        "share": SHARES,
        "mean": statistics.mean(SHARES),
        "spread": statistics.stdev(SHARES),
    } | changes


def shares_as(shares):
    """A table that goes on with other shares."""
    return slant_table(share=shares, mean=statistics.mean(shares), spread=statistics.stdev(shares))


RIGHT = {
    "asked_slants": {
        "lists": slant_table(),
        "tensors": {
            key: torch.tensor(value, dtype=torch.float64) for key, value in slant_table().items()
        },
        "by-seed-and-rounded": slant_table(
            real=[round(r, 3) for r in REAL],
            drawn=dict(enumerate(DRAWN)),
            share=[round(s, 3) for s in SHARES],
            mean=round(statistics.mean(SHARES), 3),
            spread=round(statistics.stdev(SHARES), 4),
        ),
        "two-digits": slant_table(
            real=[round(r, 2) for r in REAL],
            share=[round(s, 2) for s in SHARES],
            mean=round(statistics.mean(SHARES), 2),
        ),
        "shares-of-rounded-slants": shares_as(
            [span / (round(REAL[-1], 2) - round(REAL[0], 2)) for span in spans(DRAWN)]
        ),
    },
    "conditional_loss": {
        "torch-distributions": loss,
        "by-hand": loss_with(by_hand),
        "loop": loss_by_loop,
        "sums": lambda x, a, *p: (bce(x, a).sum() + by_hand(*p).sum()) / len(x),
    },
}

WRONG = {
    "asked_slants": {
        "asked-for-measured": slant_table(real=slants._real()[2]),
        "wishes-for-slants": slant_table(real=[-2, -1, 0, 1, 2]),
        "standardised": slant_table(
            real=[(r - slants._real()[2][2]) / slants._real()[3] for r in REAL]
        ),
        "mirrored": slant_table(real=[-r for r in REAL]),
        "backwards": slant_table(real=REAL[::-1]),
        "mean-for-median": slant_table(real=slants._real()[1]),
        "other-real": slant_table(real=[r + 0.05 * (i == 0) for i, r in enumerate(REAL)]),
        "too-few": slant_table(drawn=DRAWN[:2]),
        "the-same-run": slant_table(drawn=[DRAWN[0], DRAWN[1], DRAWN[0]]),
        "drawn-is-real": slant_table(drawn=[REAL, *DRAWN[1:]]),
        "turned": slant_table(drawn=[list(column) for column in zip(*DRAWN, strict=True)]),
        "flat": slant_table(drawn=[[0.15, 0.152, 0.149, 0.151, 0.1533], *DRAWN[1:]]),
        "falling": slant_table(drawn=[row[::-1] for row in DRAWN]),
        "not-in-order": slant_table(drawn=[[0.0, 0.1, 0.08, 0.2, 0.3], *DRAWN[1:]]),
        "upside-down": shares_as([1 / share for share in SHARES]),
        "of-the-wishes": shares_as([span / (4 * slants._real()[3]) for span in spans(DRAWN)]),
        "percent": shares_as([100 * share for share in SHARES]),
        "last-slants": shares_as([row[-1] / REAL[-1] for row in DRAWN]),
        "missing-part": shares_as([1 - share for share in SHARES]),
        "other-share": shares_as([0.5, 0.6, 0.7]),
        "sum-for-mean": slant_table(mean=sum(SHARES)),
        "mean-in-percent": slant_table(mean=100 * statistics.mean(SHARES)),
        "population-spread": slant_table(spread=statistics.pstdev(SHARES)),
        "variance-for-spread": slant_table(spread=statistics.variance(SHARES)),
        "standard-error": slant_table(spread=statistics.stdev(SHARES) / 3**0.5),
        "range-for-spread": slant_table(spread=max(SHARES) - min(SHARES)),
        "other-sums": slant_table(mean=0.5),
    },
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
        "everything-by-sigma": loss_with(
            lambda m, v, mp, vp: 0.5 * (vp - v + (v.exp() + (m - mp) ** 2) / (vp / 2).exp() - 1)
        ),
        "only-the-distance": loss_with(lambda m, v, mp, vp: (m - mp) ** 2 / 2),
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
}

UNNAMED = {
    "asked_slants": {
        "nothing": (None, "Not attempted yet"),
        "list": ([REAL, DRAWN], "give a dictionary with real, drawn, share, mean"),
        "lacks-the-shares": (
            {"real": REAL, "drawn": DRAWN}, "Your dictionary lacks share, mean and spread"
        ),
        "open": (slant_table(mean=None), "no answer yet for mean"),
        "four-slants": (slant_table(real=REAL[:4]), "Your real has 4 numbers: give 5"),
        "one-row": (slant_table(drawn=DRAWN[0]), "Your row 0 of drawn has 1 numbers"),
        "a-word": (slant_table(drawn="steep"), "Your drawn is "),
        "nan": (slant_table(real=[float("nan")] * 5), "Your real holds NaN"),
        "a-share-too-few": (slant_table(share=SHARES[:2]), "Your share has 2 numbers"),
        "mean-of-the-slants": (slant_table(mean=DRAWN), "Your mean has 15 values"),
    },
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
}  # fmt: skip


def test_our_loss_is_that_of_torch_distributions():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in cvae.CONDITIONAL_LOSS.cases():
        theirs = loss(*(v.double() for v in case.args.values()))
        torch.testing.assert_close(evaluate(cvae.CONDITIONAL_LOSS.right, case), theirs)


def test_the_ruler_reads_a_shear_off_a_bar():
    """A bar whose rows are shifted by s columns a row: a ruler with rows and columns swapped, or
    with the sign of a page that counts from below, reads something else."""
    rows = torch.arange(28).float()[:, None] - 13.5
    columns = torch.arange(28).float()[None, :] - 13.5
    for slant in (-0.3, 0.0, 0.4):
        distance = columns + slant * rows  # a row further up is further right
        bar = torch.exp(-0.5 * distance.square()) * (rows.abs() < 8)
        found = slants.measured_slant(bar.flatten()[None])
        torch.testing.assert_close(found, torch.tensor([slant]), atol=0.01, rtol=0)


def test_the_real_slants_are_those_of_the_strokes():
    """Computed from the page's words, without the check's own code."""
    strokes = data.load("strokes").train[:10_000]
    slant = strokes.factors["slant"]
    for wish, expected in zip((-2, -1, 0, 1, 2), REAL, strict=True):
        near = (slant - slant.mean() - wish * slant.std()).abs() < 0.15 * slant.std()
        found = []
        for picture in strokes.images[near].view(-1, 28, 28).double():
            rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
            cov = torch.cov(
                torch.stack([rows.flatten(), columns.flatten()]).double(),
                aweights=picture.flatten(),
            )
            found.append(-cov[0, 1] / cov[0, 0])
        torch.testing.assert_close(torch.stack(found).median().item(), expected, atol=1e-4, rtol=0)
