"""Chapter 5's checks: what students write, right and wrong (judged by test_check_tables.py), our
own right answers against independent oracles, and how often a right answer is refused."""

import contextlib
import functools
import io
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Laplace, Normal

from vae_teach import check, estimators
from vae_teach.check.reparameterization import crossing, cuts, paths
from vae_teach.models import VAE

ANSWERS = {"crossing_variances"}


# --- exercise 1: paths ---------------------------------------------------------------------------


def two_halves(u, loc, scale):
    """Which half u lies in chooses the side, and where it lies there how far."""
    side, within = torch.where(u < 0.5, -1, 1), torch.where(u < 0.5, 2 * u, 2 * u - 1)
    return loc - side * scale * torch.log1p(-within)


def inverse_cdf(u, loc, scale):
    return loc - scale * (u - 0.5).sign() * torch.log1p(-2 * (u - 0.5).abs())


# --- exercise 2: names of parameters -----------------------------------------------------------


def terms_of(model, x, generator, names=("reconstruction",)):
    loss = model.loss_terms(x, generator=generator)
    return sum(loss[name].sum() for name in names)


def by_backward(cut, names=("reconstruction",), clear=True):
    """A student's cut_off by .backward(): `cut` says from p.grad whether p is out of reach."""

    def cut_off(model, x, generator):
        if clear:
            model.zero_grad()
        terms_of(model, x, generator, names).backward()
        return [name for name, p in model.named_parameters() if cut(p.grad)]

    return cut_off


def out_of_reach(grad):
    return grad is None or not grad.any()


def by_autograd(model, x, generator):
    found = {}
    for name, parameter in model.named_parameters():
        state = generator.get_state()
        value = terms_of(model, x, generator)
        generator.set_state(state)
        (slope,) = torch.autograd.grad(value, parameter, allow_unused=True, materialize_grads=True)
        found[name] = slope.norm().item()
    return {name for name, size in found.items() if size == 0}


def by_changing_weights(model, x, generator):
    """No autograd: a parameter is out of reach if nothing ever came back to it."""
    for p in model.parameters():
        p.grad = None
    terms_of(model, x, generator).mean().backward()
    sizes = {n: 0.0 if p.grad is None else p.grad.abs().sum() for n, p in model.named_parameters()}
    return tuple(name for name in sizes if sizes[name] == 0)


def with_a_step(model, x, generator):
    found = by_backward(out_of_reach)(model, x, generator)
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return found


def in_evaluation_mode(model, x, generator):
    model.eval()
    return by_backward(out_of_reach)(model, x, generator)


# --- exercise 3: a measured table ----------------------------------------------------------------

SIZES = (1, 4, 16, 64, 256)
EXACT = {L: (50.0, L / 2) for L in SIZES}


def sines(z):
    return (10 * z).sin().sum(-1)


@functools.cache
def measured(L, f=sines, draws=1, n=5_000, by="mu"):
    """Variances of both estimates of the derivative by mu_1, or by sigma_1."""
    one = torch.ones(L, dtype=torch.float64)
    noise = torch.Generator().manual_seed(L)
    eps = torch.randn(n, draws, L, generator=noise, dtype=torch.float64)
    ways = estimators.pathwise, estimators.score_function
    return tuple(getattr(way(f, one, one, eps), by)[:, 0].var().item() for way in ways)


def table_with(change=lambda L, path, score: (path, score), **how):
    """A measured table with each row changed."""
    return {L: change(L, *measured(L, **how)) for L in SIZES}


def by_hand(L, n=5_000):
    """Without the package, in NumPy, row by row."""
    eps = np.random.default_rng(L).standard_normal((n, L))
    f = np.sin(10 * (1 + eps)).sum(1)
    return np.array([np.var(10 * np.cos(10 * (1 + eps[:, 0]))), np.var(f * eps[:, 0])])


RIGHT = {
    "crossing_variances": {
        "measured": table_with(),
        "exact": EXACT,
        "by-hand-in-numpy": {L: by_hand(L) for L in SIZES},
        "tensors": {L: torch.tensor(row) for L, row in EXACT.items()},
        "keys-as-text-and-in-another-order": {str(L): list(EXACT[L]) for L in reversed(SIZES)},
        "with-a-row-too-many": EXACT | {1024: (50.0, 512.0)},
    },
    "laplace_sample": {
        "two-halves": two_halves,
        "inverse-cdf-clamped": lambda u, loc, scale: inverse_cdf(u.clamp(min=1e-7), loc, scale),
        "icdf-of-torch": lambda u, loc, scale: Laplace(loc, scale).icdf(u.clamp(min=1e-7)),
        "by-where": lambda u, loc, scale: (
            loc + scale * torch.where(u < 0.5, torch.log1p(-2 * u), -torch.log(2 - 2 * u))
        ),
        "mirrored": lambda u, loc, scale: two_halves(u, loc, -scale),
    },
    "cut_off": {
        "by-backward": by_backward(out_of_reach),
        "by-autograd": by_autograd,
        "a-tuple": by_changing_weights,
        "a-set": lambda *args: set(by_backward(out_of_reach)(*args)),
    },
}

WRONG = {
    "crossing_variances": {
        "standard-deviations": table_with(lambda L, path, score: (path**0.5, score**0.5)),
        "columns-exchanged": table_with(lambda L, path, score: (score, path)),
        "summed-over-dimensions": table_with(lambda L, path, score: (L * path, L * score)),
        "by-sigma": table_with(by="sigma"),
        "mean-of-sines": table_with(f=lambda z: (10 * z).sin().mean(-1)),
        "one-sine": table_with(f=lambda z: (10 * z[..., 0]).sin()),  # each from noise of its own
        "frequency": table_with(f=lambda z: z.sin().sum(-1)),
        "scaled": table_with(draws=4, n=4_000),
        "by-all-means": table_with(lambda L, path, score: (L * path, score)),
        "score-by-all-means": table_with(lambda L, path, score: (path, L * score)),
        "half-the-width": table_with(lambda L, path, score: (path, 4 * score)),
        "twice-the-frequency": table_with(f=lambda z: (20 * z).sin().sum(-1)),
        "inner-derivative": table_with(lambda L, path, score: (path / 100, score)),
        "zeros": EXACT | {64: (0.0, 0.0)},
        "alike": dict.fromkeys(SIZES, (50.0, 0.5)),
        "noisy": table_with(n=20) | {4: (80.0, 2.9)},
        "other": EXACT | {64: (50.0, 3.0)},
        "still-open": EXACT | {16: None},
    },
    "laplace_sample": {
        "shape": lambda u, loc, scale: two_halves(u, loc, scale)[:, None],
        "u-ignored": lambda u, loc, scale: Laplace(loc, scale).rsample(),
        "not-finite": lambda u, loc, scale: loc - scale * u.sign() * torch.log(1 - 2 * u),
        "no-gradient": lambda u, loc, scale: two_halves(u, loc, scale.detach()),
        "nan-gradient": lambda u, loc, scale: torch.where(
            u < 0.5, loc + scale * torch.log1p(-2 * u), loc - scale * torch.log1p(1 - 2 * u)
        ),
        "wrong-gradient": lambda u, loc, scale: two_halves(u, 3 * loc - 2 * loc.detach(), scale),
        "log-of-zero": inverse_cdf,
        "scale-rooted": lambda u, loc, scale: two_halves(u, loc, scale.sqrt()),
        "scale-doubled": lambda u, loc, scale: two_halves(u, loc, 2 * scale),
        "scale-halved": lambda u, loc, scale: two_halves(u, loc, scale / 2),
        "loc-subtracted": lambda u, loc, scale: two_halves(u, -loc, scale),
        "two-missing": lambda u, loc, scale: (
            loc - scale * (u - 0.5).sign() * torch.log1p(-(u - 0.5).abs())
        ),
        "normal": lambda u, loc, scale: Normal(loc, scale).icdf(u.clamp(1e-6, 1 - 1e-6)),
        "logistic": lambda u, loc, scale: loc + scale * u.clamp(1e-6, 1 - 1e-6).logit(),
        "uniform": lambda u, loc, scale: loc + scale * (u - 0.5),
        "other-base": lambda u, loc, scale: (
            loc + scale * torch.where(u < 0.5, (2 * u).log2(), -(2 - 2 * u).log2())
        ),
        "one-sided": lambda u, loc, scale: loc - scale * torch.log1p(-u),
        "scale-as-sd": lambda u, loc, scale: Laplace(loc, scale / 2**0.5).icdf(u),
        "scale-inverse": lambda u, loc, scale: Laplace(loc, 1 / scale).icdf(u),
        "scale-missing": lambda u, loc, scale: Laplace(loc, torch.ones_like(scale)).icdf(u),
        "loc-missing": lambda u, loc, scale: Laplace(torch.zeros_like(loc), scale).icdf(u),
        "loc-scaled": lambda u, loc, scale: scale * Laplace(loc, torch.ones_like(scale)).icdf(u),
        "distribution": lambda u, loc, scale: two_halves(u, loc, scale) ** 2,
        "two-forgotten": lambda u, loc, scale: (
            loc + scale * torch.where(u < 0.5, u.log(), -torch.log1p(-u))
        ),
        "centred-exponential": lambda u, loc, scale: loc - scale * (torch.log1p(-u) + 1),
        "scale-squared": lambda u, loc, scale: two_halves(u, loc, scale**2),
        "scale-exp": lambda u, loc, scale: two_halves(u, loc, scale.exp()),
        "first-parameters": lambda u, loc, scale: two_halves(u, loc[0], scale[0]),
        "distribution-function": lambda u, loc, scale: Laplace(loc, scale).cdf(u),
        "others": lambda u, loc, scale: (
            loc + scale * (u.clamp(min=1e-30).log() - u.roll(1).clamp(min=1e-30).log())
        ),
        "tails": lambda u, loc, scale: inverse_cdf(u.clamp(0.01, 0.99), loc, scale),
        "huge": lambda u, loc, scale: torch.where(
            u == 0, torch.finfo(u.dtype).min, inverse_cdf(u.clamp(min=1e-9), loc, scale)
        ),
        "nan-gradient-at-zero": lambda u, loc, scale: torch.where(
            u == 0, loc, inverse_cdf(u, loc, scale)
        ),
    },
    "cut_off": {
        "whole-loss": by_backward(out_of_reach, names=("reconstruction", "kl")),
        "kl-term": by_backward(out_of_reach, names=("kl",)),
        "only-none": by_backward(lambda grad: grad is None),
        "only-zeros": by_backward(lambda grad: grad is not None and not grad.any()),
        "stale-gradients": by_backward(out_of_reach, clear=False),
        "sum-for-presence": by_backward(lambda grad: grad is None or grad.sum() == 0),
        "any-zero": by_backward(lambda grad: grad is None or not grad.all()),
        "one-entry": by_backward(lambda grad: grad is None or grad.flatten()[0] == 0),
        "threshold": by_backward(lambda grad: grad is None or grad.norm() < 1e-4),
        "no-spread": by_backward(lambda grad: grad is None or grad.std(correction=0) == 0),
        "one-picture": lambda model, x, generator: by_backward(out_of_reach)(
            model, x[:1], generator
        ),
        "always-empty": lambda *args: [],
        "weights-only": lambda *args: [
            name for name in by_backward(out_of_reach)(*args) if "weight" in name
        ],
        "biases-only": lambda *args: [
            name for name in by_backward(out_of_reach)(*args) if "bias" in name
        ],
        "reached-instead": by_backward(lambda grad: not out_of_reach(grad)),
        "everything": lambda model, x, generator: [n for n, _ in model.named_parameters()],
        "no-names": lambda model, x, generator: list(model.parameters()),
    },
}

UNNAMED = {
    "crossing_variances": {
        "standard-errors": (
            table_with(lambda L, path, score: (path / 20_000, score / 20_000)),
            "all 5e-05 times the right ones",
        ),
        "one-column-off": (
            {L: (50.0, 0.65 * L) for L in SIZES},
            "In the row for L = 1 your score is further off",
        ),
        "a-list": ([(50, 0.5)], "a list: give a dictionary {L: (pathwise, score)}"),
        "a-row-missing": ({1: (50, 0.5), 4: (50, 2)}, "Your table lacks L = 16, 64 and 256"),
        "other-keys": ({"one": (50, 0.5)}, "Your table lacks L = 1, 4, 16, 64 and 256"),
        "one-number": (EXACT | {4: 2.0}, "Your row for L = 4 has 1 number: give 2 numbers"),
        "a-word": (EXACT | {4: "two"}, "Your row for L = 4 is a str: give 2 numbers"),
        "not-finite": (EXACT | {4: (50.0, math.nan)}, "L = 4 holds NaN or infinity"),
        "the-crossing-alone": (100, "an int: give a dictionary"),
    },
    "laplace_sample": {
        "loc-detached": (
            lambda u, loc, scale: two_halves(u, loc.detach(), scale),
            "no gradient flows back to loc",
        ),
        "in-place": (
            lambda u, loc, scale: two_halves(u.sub_(1).neg_(), loc, scale),
            "changes its argument u in place",
        ),
        "shifted-a-little": (
            lambda u, loc, scale: two_halves(u, loc, scale) + 0.02 * scale,
            "do not follow the Laplace distribution",
        ),
        "squeezed": (
            lambda u, loc, scale: two_halves(u, loc, scale).squeeze(),
            "Your result has shape (), but u has shape (1,)",
        ),
    },
    "cut_off": {
        "last-entry": (
            by_backward(lambda grad: grad is None or grad.flatten()[-1] == 0),
            "You look at one entry of a gradient",
        ),
        "one-too-few": (
            lambda *args: sorted(by_backward(out_of_reach)(*args))[:-1],
            "your answer lacks",
        ),
        "one-too-many": (
            lambda *args: {*by_backward(out_of_reach)(*args), "decoder.0.weight"},
            "your answer holds decoder.0.weight",
        ),
        "a-string": (lambda *args: "to_logvar.weight", "returned a str"),
        "last-picture": (
            lambda model, x, generator: by_backward(out_of_reach)(model, x[-1:], generator),
            "You look at one picture of the batch",
        ),
        "a-step-taken": (with_a_step, "changes its argument model in place"),
        "mode-switched": (in_evaluation_mode, "changes its argument model in place"),
        "unknown-names": (lambda *args: ["logvar"], "Return the names of the parameters"),
    },
}


# --- our own answers, and the power of the statistics -------------------------------------------


def test_ranks_and_slopes_are_those_of_scipy():
    """F against scipy, and dz/dparameter against finite differences of its quantile function."""
    path = paths.LAPLACE
    parameters = {name: value[:200].double() for name, value in path.parameters().items()}
    z = torch.linspace(-3, 3, 200, dtype=torch.float64)
    arrays = [value.numpy() for value in parameters.values()]
    rank = path.rank(z, **parameters)
    np.testing.assert_allclose(rank, stats.laplace.cdf(z.numpy(), *arrays), rtol=1e-12, atol=1e-15)
    h = 1e-6
    for i, slope in enumerate(path.slopes(z, **parameters).values()):
        up, down = ([a + s * h * (i == j) for j, a in enumerate(arrays)] for s in (1, -1))
        difference = stats.laplace.ppf(rank.numpy(), *up) - stats.laplace.ppf(rank.numpy(), *down)
        np.testing.assert_allclose(slope, difference / (2 * h), rtol=1e-5, atol=1e-5)


def test_the_broken_models_are_broken_where_they_say():
    """Which parameters are out of reach, written out for every cut."""
    heads = {
        "mu": {"to_mu.weight", "to_mu.bias"},
        "logvar": {"to_logvar.weight", "to_logvar.bias"},
    }
    trunk = {"trunk.0.weight", "trunk.0.bias"}
    encoder = trunk | heads["mu"] | heads["logvar"]
    expected = {"none": set(), "z": encoder, "normal": encoder, "trunk": trunk, **heads}
    for cut in cuts.CUTS:
        assert cuts.right(*cuts._case(cut).values()) == expected[cut]


def test_cut_off_finds_the_detached_mean_of_a_model_in_training():
    """The planted error of the chapter, in a full-size model: the mean never learns."""

    class Broken(VAE):
        def encode(self, x):
            mu, logvar = super().encode(x)
            return mu.detach(), logvar

    model = Broken(20, (16,), 3, (16,), seed=0)
    x = torch.rand(9, 20, generator=torch.Generator().manual_seed(0))
    found = by_backward(out_of_reach)(model, x, torch.Generator().manual_seed(0))
    assert found == ["to_mu.weight", "to_mu.bias"]


@pytest.mark.parametrize("w", [10.0, 1.0, 0.3])
@pytest.mark.parametrize("size", [1, 3])
def test_the_variances_of_sines_are_those_of_quadrature(w, size):
    """Every formula of the table against 200 nodes; the other dimensions by their moments."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    sine, cosine = np.sin(w * (1 + nodes)), np.cos(w * (1 + nodes))
    m, square = weights @ sine, weights @ sine**2
    rest, rest_square = (size - 1) * m, (size - 1) * (square - m**2) + ((size - 1) * m) ** 2
    mean = weights @ (sine * nodes)
    wanted = weights @ ((sine**2 + 2 * sine * rest + rest_square) * nodes**2) - mean**2
    assert crossing.score_variance(w, size) == pytest.approx(wanted, rel=1e-9)
    path = weights @ (w * cosine) ** 2 - (weights @ (w * cosine)) ** 2
    assert crossing.pathwise_variance(w) == pytest.approx(path, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_measured_table_passes_whatever_it_draws(seed):
    """An allowance so tight that a right measurement of the size asked for is refused."""
    rng = np.random.default_rng(seed)
    table = {}
    for L in SIZES:
        eps = rng.standard_normal((20_000, L))
        f = np.sin(10 * (1 + eps)).sum(1)
        table[L] = np.var(10 * np.cos(10 * (1 + eps[:, 0]))), np.var(f * eps[:, 0])
    with contextlib.redirect_stdout(io.StringIO()):
        assert check.crossing_variances(table).passed
