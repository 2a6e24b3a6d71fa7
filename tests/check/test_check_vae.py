"""Chapter 7's checks: what students write, right and wrong (judged by test_check_tables.py),
our own right answers against independent oracles, and the power of the statistics."""

import math
import random
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import erfinv
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from vae_teach import check
from vae_teach.check import vae
from vae_teach.check.engine import sampling
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.vae import manifold


def ll(x, logits):
    return (x * logits - F.softplus(logits)).sum(-1)


def bce(x, logits):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def naive_ll(x, logits, clip=None):
    p = torch.sigmoid(logits)
    p = p if clip is None else p.clip(clip, 1 - clip)
    return (x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum(1)


def ll_by_where(x, logits):
    signed = torch.stack([logits, -logits])
    return (torch.stack([x, 1 - x]) * F.logsigmoid(signed)).sum((0, 2))


def keras_kl(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)


def loss(x, logits, mu, logvar, *, kl=keras_kl, reconstruction=lambda x, a: bce(x, a).sum(1)):
    return torch.mean(reconstruction(x, logits) + kl(mu, logvar))


def loss_by_torch_distributions(x, logits, mu, logvar):
    q = Normal(mu, logvar.mul(0.5).exp())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), 1.0)).sum(-1)
    p = Independent(Bernoulli(logits=logits, validate_args=False), 1)
    return -(p.log_prob(x) - kl).mean()


def loss_by_sums(x, logits, mu, logvar):
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return (reconstruction + keras_kl(mu, logvar).sum()) / x.shape[0]


def loss_by_loop(x, logits, mu, logvar):
    total = 0.0
    for i in range(len(x)):
        sigma = torch.exp(logvar[i] / 2)
        kl = (sigma**2 / 2 + mu[i] ** 2 / 2 - 0.5 - sigma.log()).sum()
        total = total + kl - ll(x[i], logits[i])
    return total / len(x)


def numpy_loss(x, logits, mu, logvar):
    return np.mean(bce(x, logits).sum(1).numpy() + keras_kl(mu, logvar).numpy())


def means(decode, z):
    return torch.sigmoid(decode(z))


def prior_one_by_one(decode, n, latent_dim, generator):
    rows = [torch.randn(latent_dim, generator=generator) for _ in range(n)]
    return torch.stack([means(decode, z) for z in rows])


def prior_transposed(decode, n, latent_dim, generator):
    """The same numbers in another order, in two batches."""
    z = torch.randn(latent_dim, n, generator=generator).T
    return torch.cat([means(decode, z[: n // 3]), means(decode, z[n // 3 :])])


def prior_by_box_muller(decode, n, latent_dim, generator):
    u, v = torch.rand(2, n, latent_dim, generator=generator, dtype=torch.float64)
    return means(decode, torch.sqrt(-2 * torch.log1p(-u)) * torch.cos(2 * math.pi * v))


def prior(change=lambda z: z, after=torch.sigmoid):
    """Samples of the prior with one thing changed: the codes, or what is made of the logits."""

    def sample(decode, n, latent_dim, generator):
        return after(decode(change(torch.randn(n, latent_dim, generator=generator))))

    return sample


def prior_from(draw):
    return lambda decode, n, latent_dim, generator: means(decode, draw(n, latent_dim, generator))


def prior_of_codes(decode, n, latent_dim, generator):
    z = torch.randn(n, latent_dim, generator=generator)
    decode(z)
    return z


def decoded_twice(decode, n, latent_dim, generator):
    z = torch.randn(n, latent_dim, generator=generator)
    print(decode(z).shape)
    return means(decode, z)


def cached_codes():
    """A student who keeps the codes of a size for the next call."""
    kept = {}

    def draw(n, latent_dim, generator):
        z = torch.randn(n, latent_dim, generator=generator)
        return kept.setdefault((n, latent_dim), z)

    return draw


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def mirrored(n, latent_dim, generator):
    z = torch.randn((n + 1) // 2, latent_dim, generator=generator)
    return torch.cat([z, -z])[:n]


def uniform_codes(n, latent_dim, generator):
    return 2 * torch.rand(n, latent_dim, generator=generator) - 1


def heavy_tails(n, latent_dim, generator):
    """A mixture of narrow and wide normals with variance 1."""
    wide = torch.rand(n, latent_dim, generator=generator) < 0.2
    sd = torch.where(wide, math.sqrt(3.0), math.sqrt(0.5))
    return sd * torch.randn(n, latent_dim, generator=generator)


def mixed_coordinates(n, latent_dim, generator):
    z = torch.randn(n, latent_dim, generator=generator)
    z[:, 1] = 0.8 * z[:, 0] + 0.6 * z[:, 1]
    return z


def half_repeated(n, latent_dim, generator):
    return torch.randn(n // 2, latent_dim, generator=generator).repeat(2, 1)


def with_infinities(n, latent_dim, generator):
    steps = torch.randint(0, 9, (n, latent_dim), generator=generator)
    return torch.special.ndtri(steps / 8)


def grid(p, *, indexing="xy", flip=True):
    z = torch.as_tensor(stats.norm.ppf(p))
    a, b = torch.meshgrid(z, z, indexing=indexing)
    codes = torch.stack([a, b], -1)
    return codes.flip(0) if flip else codes


def middles(n):
    return (np.arange(n) + 0.5) / n


def grid_by_loop(n):
    codes = torch.empty(n, n, 2)
    for row in range(n):
        for column in range(n):
            share = torch.tensor([column + 0.5, n - 1 - row + 0.5]) / n
            codes[row, column] = Normal(0.0, 1.0).icdf(share)
    return codes


def numpy_grid(n):
    z = stats.norm.ppf(np.linspace(1 / (2 * n), 1 - 1 / (2 * n), n))
    return np.dstack(np.meshgrid(z, z[::-1]))


def codes_of(z):
    """The grid of these values along both axes, the right way up."""
    return torch.as_tensor(np.dstack(np.meshgrid(z, z[::-1])))


def percentile_grid(n):
    p = torch.as_tensor(middles(n))
    return torch.stack([p.expand(n, n), p.flip(0)[:, None].expand(n, n)], -1)


RIGHT = {
    "bernoulli_log_likelihood": {
        "float64": lambda x, a: ll(x.double(), a.double()),
        "bce-with-logits": lambda x, a: -bce(x, a).sum(1),
        "softplus": lambda x, a: torch.sum(x * a - F.softplus(a), dim=-1),
        "logsigmoid": lambda x, a: (x * F.logsigmoid(a) + (1 - x) * F.logsigmoid(-a)).sum(-1),
        "logsigmoid-stacked": ll_by_where,
        "torch-distributions": lambda x, a: (
            Bernoulli(logits=a, validate_args=False).log_prob(x).sum(-1)
        ),
        "logaddexp": lambda x, a: (x * a - torch.logaddexp(a, torch.zeros_like(a))).sum(-1),
        "relu-log1p": lambda x, a: (x * a - a.relu() - torch.log1p(torch.exp(-abs(a)))).sum(1),
    },
    "vae_loss": {
        "keras-kl": loss,
        "torch-distributions": loss_by_torch_distributions,
        "sums-divided": loss_by_sums,
        "loop": loss_by_loop,
    },
    "sample_prior": {
        "decode-twice": decoded_twice,
        "randn": prior(),
        "one-by-one": prior_one_by_one,
        "another-order": prior_transposed,
        "box-muller": prior_by_box_muller,
        "normal-function": prior_from(
            lambda n, k, g: torch.normal(0.0, 1.0, size=(n, k), generator=g)
        ),
        "in-place": prior_from(lambda n, k, g: torch.empty(n, k).normal_(generator=g)),
        "minus": prior(lambda z: -z),
        "logistic": prior(after=lambda a: 1 / (1 + torch.exp(-a))),
    },
    "manifold_codes": {
        "erfinv": lambda n: codes_of(math.sqrt(2) * erfinv(2 * middles(n) - 1)),
        "meshgrid-xy": lambda n: grid(middles(n)),
        "loop": grid_by_loop,
        "numpy": numpy_grid,
        "float32": lambda n: grid(middles(n)).float(),
        "nested-lists": lambda n: grid_by_loop(n).tolist(),
    },
}

WRONG = {
    "bernoulli_log_likelihood": {
        "mean-of-everything": lambda x, a: -F.binary_cross_entropy_with_logits(a, x),
        "cross-entropy-of-everything": lambda x, a: F.binary_cross_entropy_with_logits(a, x),
        "cross-entropy-of-the-batch": lambda x, a: bce(x, a).sum(),
        "over-the-batch": lambda x, a: -bce(x, a).sum(0),
        "base-ten": lambda x, a: ll(x, a) * math.log10(math.e),
        "softplus-of-minus-logits": lambda x, a: (x * a - torch.log1p(torch.exp(-a))).sum(1),
        "arguments-swapped": lambda x, a: -bce(a, x).sum(1),
        "squared-error": lambda x, a: -F.mse_loss(a.sigmoid(), x, reduction="none").sum(1),
        "softmax": lambda x, a: (x * torch.log_softmax(a, 1)).sum(1),
        "log-of-the-mixture": lambda x, a: torch.log(
            torch.where(x > 0, x * a.sigmoid(), 0) + (1 - x) * (1 - a.sigmoid())
        ).sum(1),
        "x-rounded": lambda x, a: torch.where(x > 0.5, F.logsigmoid(a), F.logsigmoid(-a)).sum(1),
        "mean-over-pixels": lambda x, a: -bce(x, a).mean(1),
        "negative": lambda x, a: bce(x, a).sum(1),
        "total-over-batch": lambda x, a: -bce(x, a).sum(),
        "mean-over-batch": lambda x, a: -bce(x, a).sum(1).mean(),
        "black-pixels-missing": lambda x, a: (x * torch.log(torch.sigmoid(a))).sum(1),
        "white-pixels-missing": lambda x, a: ((1 - x) * torch.log(1 - torch.sigmoid(a))).sum(1),
        "x-flipped": lambda x, a: -bce(1 - x, a).sum(1),
        "logits-as-probabilities": lambda x, a: (x * torch.log(a) + (1 - x) * torch.log(1 - a)).sum(
            1
        ),
        "sigmoid-twice": lambda x, a: -bce(x, torch.sigmoid(a)).sum(1),
        "bits": lambda x, a: (
            x * torch.log2(torch.sigmoid(a)) + (1 - x) * torch.log2(torch.sigmoid(-a))
        ).sum(1),
        "not-a-logarithm": lambda x, a: torch.prod(
            torch.sigmoid(a) ** x * torch.sigmoid(-a) ** (1 - x), dim=1
        ),
        "binary-cross-entropy-on-logits": lambda x, a: -F.binary_cross_entropy(a, x),
        "grey-pixels-refused": lambda x, a: Bernoulli(logits=a).log_prob(x).sum(1),
        "overflow": naive_ll,
        "clipped-probabilities": partial(naive_ll, clip=1e-7),
    },
    "vae_loss": {
        "mean-of-everything": lambda x, a, mu, lv: (
            F.binary_cross_entropy_with_logits(a, x) - 0.5 * (1 + lv - mu**2 - lv.exp()).mean()
        ),
        "parameters-swapped": lambda x, a, lv, mu: loss(x, a, mu, lv),
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
        "squared-error": partial(
            loss, reconstruction=lambda x, a: ((x - torch.sigmoid(a)) ** 2).sum(1)
        ),
        "x-flipped": partial(loss, reconstruction=lambda x, a: bce(1 - x, a).sum(1)),
        "black-pixels-missing": partial(
            loss, reconstruction=lambda x, a: -(x * torch.log(torch.sigmoid(a))).sum(1)
        ),
        "not-reduced": lambda x, a, mu, lv: bce(x, a).sum(1) + keras_kl(mu, lv),
        "elbo-instead-of-loss": lambda *args: -loss(*args),
        "kl-subtracted": partial(loss, kl=lambda mu, lv: -keras_kl(mu, lv)),
        "likelihood-sign": partial(loss, reconstruction=ll),
        "kl-twice": partial(loss, kl=lambda mu, lv: (mu**2 + lv.exp() - 1 - lv).sum(1)),
        "kl-halved": partial(loss, kl=lambda mu, lv: 0.25 * (mu**2 + lv.exp() - 1 - lv).sum(1)),
        "kl-missing": lambda x, a, mu, lv: bce(x, a).sum(1).mean(),
        "likelihood-missing": lambda x, a, mu, lv: keras_kl(mu, lv).mean(),
        "kl-mean-over-dimensions": lambda x, a, mu, lv: (
            bce(x, a).sum(1).mean() - 0.5 * torch.mean(1 + lv - mu**2 - lv.exp())
        ),
        "likelihood-mean-over-pixels": partial(
            loss, reconstruction=lambda x, a: F.binary_cross_entropy_with_logits(a, x)
        ),
        "sum-over-batch": lambda x, a, mu, lv: bce(x, a).sum() + keras_kl(mu, lv).sum(),
        "likelihood-summed-over-batch": lambda x, a, mu, lv: (
            F.binary_cross_entropy_with_logits(a, x, reduction="sum") + keras_kl(mu, lv).mean()
        ),
        "kl-summed-over-batch": lambda x, a, mu, lv: (
            bce(x, a).sum(1).mean() + keras_kl(mu, lv).sum()
        ),
        "logvar-as-log-sigma": lambda x, a, mu, log_sigma: loss(x, a, mu, 2 * log_sigma),
        "sigma-for-variance": partial(
            loss, kl=lambda mu, lv: 0.5 * (mu**2 + torch.exp(0.5 * lv) - 1 - lv).sum(1)
        ),
        "kl-swapped": partial(
            loss,
            kl=lambda mu, lv: kl_divergence(Normal(0.0, 1.0), Normal(mu, (lv / 2).exp())).sum(1),
        ),
        "mu-not-squared": partial(loss, kl=lambda mu, lv: -0.5 * (1 + lv - mu - lv.exp()).sum(1)),
        "minus-one-missing": partial(loss, kl=lambda mu, lv: 0.5 * (mu**2 + lv.exp() - lv).sum(1)),
        "sigmoid-twice": lambda x, a, mu, lv: loss(x, torch.sigmoid(a), mu, lv),
        "binary-cross-entropy-on-logits": partial(
            loss, reconstruction=lambda x, a: F.binary_cross_entropy(a, x, reduction="sum")
        ),
        "grey-pixels-refused": partial(
            loss, reconstruction=lambda x, a: -Bernoulli(logits=a).log_prob(x).sum(1)
        ),
        "overflow": partial(loss, reconstruction=lambda x, a: -naive_ll(x, a)),
        "clipped-probabilities": partial(
            loss,
            reconstruction=lambda x, a: F.binary_cross_entropy(
                torch.sigmoid(a), x, reduction="none"
            ).sum(1),
        ),
    },
    "sample_prior": {
        "inverted": prior(after=lambda a: 1 - a.sigmoid()),
        "softmax": prior(after=lambda a: a.softmax(1)),
        "odds": prior(after=torch.exp),
        "tanh": prior(after=torch.tanh),
        "codes-returned": prior_of_codes,
        "reseeded": prior_from(lambda n, k, g: torch.randn(n, k, generator=g.manual_seed(42))),
        "not-reproducible": prior_from(
            lambda n, k, g: (g.seed(), torch.randn(n, k, generator=g))[1]
        ),
        "mirrored-codes": prior_from(mirrored),
        "rounded": prior(lambda z: z.round(decimals=2)),
        "one-sign": prior(torch.abs),
        "one-length": prior(lambda z: math.sqrt(z.shape[1]) * F.normalize(z)),
        "standardised": prior(lambda z: (z - z.mean(0)) / z.std(0) if len(z) > 9 else z),
        "in-a-row": prior(lambda z: 0.6 * z + 0.8 * z.roll(1, 0)),
        "cut-off": prior(lambda z: z.clip(-3, 3)),
        "decode-not-called": lambda decode, n, latent_dim, generator: torch.rand(
            n, 5, generator=generator
        ),
        "number-of-codes": lambda decode, n, latent_dim, generator: means(
            decode, torch.randn(1, latent_dim, generator=generator)
        ).expand(n, -1),
        "logits": prior(after=lambda a: a),
        "bernoulli-draws": lambda decode, n, latent_dim, generator: torch.bernoulli(
            means(decode, torch.randn(n, latent_dim, generator=generator)), generator=generator
        ),
        "sigmoid-twice": prior(after=lambda a: a.sigmoid().sigmoid()),
        "no-image-of-the-codes": prior(after=lambda a: a.sigmoid().flip(0)),
        "global-random-state": prior_from(lambda n, k, g: torch.randn(n, k)),
        "generator-ignored": prior_from(
            lambda n, k, g: torch.randn(n, k, generator=torch.Generator().manual_seed(1))
        ),
        "not-finite": prior_from(with_infinities),
        "same-code": prior_from(lambda n, k, g: torch.randn(1, k, generator=g).expand(n, k)),
        "same-coordinates": prior_from(lambda n, k, g: torch.randn(n, 1, generator=g).expand(n, k)),
        "repeated-codes": prior_from(half_repeated),
        "uniform": prior_from(uniform_codes),
        "shifted": prior(lambda z: 0.2 + z),
        "wrong-sd": prior(lambda z: 0.33 * z),
        "correlated": prior_from(mixed_coordinates),
        "not-normal": prior_from(heavy_tails),
    },
    "manifold_codes": {
        "cumulative-for-quantile": lambda n: codes_of(stats.norm.cdf(middles(n))),
        "root-of-two-missing": lambda n: codes_of(erfinv(2 * middles(n) - 1)),
        "upside-down": lambda n: grid(middles(n), flip=False),
        "mirrored": lambda n: grid(middles(n)[::-1].copy(), flip=False),
        "axes-swapped": lambda n: grid(middles(n)).flip(-1),
        "rows-first": lambda n: grid(middles(n), indexing="ij", flip=False),
        "percentiles-kept": percentile_grid,
        "ends-infinite": lambda n: grid(np.linspace(0, 1, n)),
        "ends-clipped": lambda n: grid(np.linspace(0, 1, n).clip(1e-16, 1 - 1e-16)),
        "i-over-n-plus-1": lambda n: grid(np.linspace(0, 1, n + 2)[1:-1]),
        "linear-grid": lambda n: grid(stats.norm.cdf(np.linspace(-3, 3, n))),
        "other-percentiles": lambda n: grid(np.linspace(0.05, 0.95, n)),
    },
}

UNNAMED = {
    "bernoulli_log_likelihood": {
        "softplus-added": (
            lambda x, a: (x * a + F.softplus(a)).sum(1), "-softplus(logits) has the wrong sign"
        ),
        "squeezed": (lambda x, a: ll(x, a).squeeze(), "for a batch of one the shape is ()"),
        "not-summed": (lambda x, a: -bce(x, a), "not summed yet: sum over axis 1"),
        "numpy": (lambda x, a: -bce(x, a).sum(1).detach().numpy(), "return a torch tensor"),
        "nan-gradient": (
            lambda x, a: torch.where(a.abs() > 20, x * a - a.relu(), -torch.log1p(a.exp()) + x * a)
            .sum(1),
            "logits contains NaN or infinity, for x = a tensor of shape (4, 4), "
            "logits = a tensor of shape (4, 4) (logits from 30 to 300)",
        ),
        "mean-and-negative": (
            lambda x, a: bce(x, a).mean(1),
            "-1 times the right ones divided by the size of axis 1 of x",
        ),
        "clip-at-1e-12": (partial(naive_ll, clip=1e-12), "NaN or infinite at logits such as 100"),
        "logits-clipped": (lambda x, a: ll(x, a.clip(-20, 20)), "clipped or rounded"),
        "x-changed": (lambda x, a: ll(x.round_(), a), "changes its argument x in place"),
    },
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
        "kl-over-pixels": (
            lambda x, a, mu, lv: loss(x, a, mu, lv, kl=lambda m, v: keras_kl(m, v) / x.shape[1]),
            "Your KL is divided by the size of axis 1 of x",
        ),
        "only-the-logvar": (
            partial(loss, kl=lambda mu, lv: -0.5 * lv.sum(1)), "Your term mu^2 / 2 is missing; your"
        ),
        "logvar-clamped": (
            lambda x, a, mu, lv: loss(x, a, mu, lv.clip(-3, 3)), "logvar between -40 and -30"
        ),
        "tuple": (lambda *args: (loss(*args), keras_kl(*args[2:])), "a tuple of 2"),
        "item": (lambda *args: loss(*args).item(), "they come as a float"),
        "numpy": (numpy_loss, "fails on tensors that require a gradient"),
        "encoder-detached": (
            lambda x, a, mu, lv: loss(x, a, mu.detach(), lv.detach()),
            "no gradient flows back to mu",
        ),
        "kept-axis": (lambda *args: loss(*args)[None], "the shape is (1,) where () is asked"),
        "beta": (partial(loss, kl=lambda mu, lv: 4 * keras_kl(mu, lv)), "Your KL is 4 times"),
        "kl-with-noise": (
            partial(loss, kl=lambda mu, lv: keras_kl(mu, lv) + torch.randn(len(mu))),
            "a second call with the same arguments gives others",
        ),
        "everything-doubled": (lambda *args: 2 * loss(*args), "2 times the right ones"),
    },
    "sample_prior": {
        "half-of-a-seed-of-its-own": (
            prior_from(
                lambda n, k, g: torch.cat(
                    [
                        torch.randn(n - n // 2, k, generator=g),
                        torch.randn(n // 2, k, generator=seeded(1)),
                    ]
                )
            ),
            "Codes of one call come again in the next",
        ),
        "cached": (prior_from(cached_codes()), "Codes of one call come again in the next"),
        "squeezed": (
            prior(after=lambda a: a.sigmoid().squeeze()), "the shape is (5,) where (1, 5)"
        ),
        "no-generator": (
            lambda decode, n, latent_dim: means(decode, torch.randn(n, latent_dim)),
            "the check calls it with (decode, n, latent_dim, generator=generator)",
        ),
        "latent-dim-written-out": (
            lambda decode, n, latent_dim, generator: means(
                decode, torch.randn(n, 2, generator=generator)
            ),
            "decode takes z of shape (n, 3), but got (20000, 2)",
        ),
        "the-larger-latent-dim-written-out": (
            lambda decode, n, latent_dim, generator: means(
                decode, torch.randn(n, 3, generator=generator)
            ),
            "decode takes z of shape (n, 2), but got (4, 3)",
        ),
        "numpy-codes": (
            lambda decode, n, latent_dim, generator: decode(np.zeros((n, latent_dim))),
            "decode takes a tensor z, but got ndarray",
        ),
        "constant": (
            prior_from(lambda n, k, g: torch.zeros(n, k)), "All your images come from the same code"
        ),
        "numpy-generator": (
            prior_from(lambda n, k, g: torch.tensor(np.random.default_rng(0).normal(size=(n, k)))),
            "You do not draw from the generator",
        ),
        "numpy-global": (
            prior_from(lambda n, k, g: torch.as_tensor(np.random.normal(size=(n, k)))),  # noqa: NPY002
            "You draw from the global random state",
        ),
        "python-global": (
            prior_from(
                lambda n, k, g: torch.tensor([[random.gauss(0, 1) for _ in range(k)]] * n)
            ),
            "You draw from the global random state",
        ),
        "reseeds": (
            prior_from(lambda n, k, g: (torch.manual_seed(0), torch.randn(n, k, generator=g))[1]),
            "and set no seed",
        ),
        "none": (lambda decode, n, latent_dim, generator: None, "returned None"),
        "transposed": (prior(after=lambda a: a.sigmoid().T), "the axes are in another order"),
    },
    "manifold_codes": {
        "fixed-size": (lambda n: grid(middles(20)), "shape is (20, 20, 2)"),
        "both-axes-turned": (
            lambda n: grid(middles(n)).flip(0, 1),
            "In your grid z[0] falls to the right and z[1] grows from row to row",
        ),
        "upside-down-and-linear": (
            lambda n: codes_of(np.linspace(-3, 3, n)).flip(0), "z[1] grows from row to row"
        ),
        "other-codes": (
            lambda n: codes_of(np.sinh(np.arange(n) - (n - 1) / 2)),
            "for n = 7 column 0 has the code -10, of the percentile 0, where (0 + 1/2)",
        ),
        "flattened": (lambda n: grid(middles(n)).reshape(-1, 2), "they need a reshape"),
        "channels-first": (lambda n: grid(middles(n)).permute(2, 0, 1), ".permute(1, 2, 0)"),
        "twice-as-wide": (lambda n: 2 * grid(middles(n)), "look for a missing 1/2"),
        "ends-clipped-at-1e-3": (
            lambda n: grid(np.linspace(0, 1, n).clip(1e-3, 1 - 1e-3)), "0 and 1, clipped"
        ),
        "narrower-linear-grid": (
            lambda n: grid(stats.norm.cdf(np.linspace(-2, 2, n))), "Your codes are evenly spaced"
        ),
    },
}  # fmt: skip


def test_our_log_likelihood_is_that_of_torch_distributions():
    """A right answer that is wrong would teach every student the same mistake."""
    for case in vae.BERNOULLI_LOG_LIKELIHOOD.cases():
        x, logits = case.args["x"].double(), case.args["logits"].double()
        theirs = Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)
        ours = evaluate(vae.BERNOULLI_LOG_LIKELIHOOD.right, case)
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


def test_log_likelihood_at_extreme_logits_is_exact():
    """One confident, wrong pixel costs as many nats as its logit, with no cap at 16.1."""
    case = vae.BERNOULLI_LOG_LIKELIHOOD.cases()[-1]
    assert case.hard
    want = torch.tensor([-30.0, -100.0, -200.0, -300.0], dtype=torch.float64)
    torch.testing.assert_close(evaluate(vae.BERNOULLI_LOG_LIKELIHOOD.right, case), want)


def test_our_loss_is_that_of_torch_distributions():
    """Both terms at once, against an independent implementation of each."""
    for case in vae.VAE_LOSS.cases():
        theirs = loss_by_torch_distributions(*(v.double() for v in case.args.values()))
        ours = evaluate(vae.VAE_LOSS.right, case)
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize("n", [2, 24, 100])
def test_our_manifold_is_symmetric_finite_and_the_right_way_up(n):
    """A grid clipped at 1e-16, with outermost codes of +8.21 and -8.22; rows that run with z[0]."""
    codes = manifold.MANIFOLD_CODES.right(n)
    assert codes.abs().max() < 3.5
    torch.testing.assert_close(codes, -codes.flip(0, 1))
    assert (codes[:, 1:, 0] > codes[:, :-1, 0]).all()
    assert (codes[:-1, :, 1] > codes[1:, :, 1]).all()
    np.testing.assert_allclose(codes[0, :, 0], stats.norm.ppf(middles(n)), rtol=1e-9)


def test_false_alarm_rate_of_the_statistics_is_as_stated():
    """A threshold loosened or a statistic added without doing the sum again."""
    pairs = sampling.LATENT * (sampling.LATENT - 1) // 2
    limits = 2 * sampling.LATENT + pairs  # a mean and a sd for each coordinate, and correlations
    rate = limits * 2 * stats.norm.sf(sampling.Z_LIMIT) + 2 * math.exp(-2 * sampling.KS_LIMIT**2)
    assert rate < 1 / sampling.RIGHT_PER_FALSE_ALARM
    assert check.sample_prior.__doc__.count(f"{sampling.RIGHT_PER_FALSE_ALARM:,}") == 1


def test_statistics_accept_many_right_draws():
    """One refusal in 200 would mean a rate thousands of times the stated one."""
    g = torch.Generator().manual_seed(0)
    for _ in range(200):
        z = torch.randn(2000, sampling.LATENT, generator=g)
        assert sampling.not_standard_normal(z) is None


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda z: z + 0.06, "shifted"),
        (lambda z: z * 1.05, "wrong-sd"),
        (lambda z: z * 0.95, "wrong-sd"),
        (lambda z: z + 0.06 * z[:, [1, 2, 0]], "correlated"),
        (lambda z: (cut := torch.where(z.abs() > 2, 0.0, z)) / cut.std(), "not-normal"),
        (lambda z: math.sqrt(12) * (torch.special.ndtr(z) - 0.5), "uniform"),
        (torch.special.ndtr, "uniform"),
    ],
    ids=["mean 0.06", "sd 1.05", "sd 0.95", "correlation 0.06", "no tails", "uniform sd 1", "rand"],
)  # fmt: skip
def test_statistics_see_small_faults(change, name):
    """Power: DTU's test lets a mean that is off by 0.03 pass; ours is to see twice that."""
    g = torch.Generator().manual_seed(0)
    z = change(torch.randn(sampling.CODES, sampling.LATENT, generator=g))
    assert sampling.not_standard_normal(z) == name
