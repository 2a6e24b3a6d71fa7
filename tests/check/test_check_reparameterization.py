"""Chapter 5's checks: what students write, right and wrong (judged by test_check_tables.py), our
own right answers against independent oracles, and how often a right answer is refused."""

import contextlib
import io
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Exponential, Laplace, Normal

from vae_teach import check
from vae_teach.check import reparameterization
from vae_teach.check.reparameterization import cuts, paths, trick
from vae_teach.models import VAE


def randn_like(x, generator):
    return torch.randn(x.shape, generator=generator)


def with_noise(draw):
    """A student's reparameterize that is right but for its noise: draw(mu, generator) -> eps."""
    return lambda mu, logvar, generator: mu + torch.exp(0.5 * logvar) * draw(mu, generator)


def with_formula(formula):
    """A student's reparameterize that is right but for its formula: formula(mu, logvar, eps)."""
    return lambda mu, logvar, generator: formula(mu, logvar, randn_like(mu, generator))


def right_draws(mu, logvar, generator):
    return mu + torch.exp(0.5 * logvar) * randn_like(mu, generator)


def seeded_inside(mu, generator):
    generator.manual_seed(0)  # the mistake: every epoch then sees the same noise
    return randn_like(mu, generator)


def own_generator(mu, generator):
    return torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))


def global_seed(mu, generator):
    torch.manual_seed(torch.randint(9**9, (), generator=generator).item())
    return torch.randn_like(mu)


def unseeded_generator(mu, generator):
    own = torch.Generator()
    own.seed()
    return torch.randn(mu.shape, generator=own)


def correlated_noise(mu, generator):
    eps = randn_like(mu, generator)
    return (eps + 0.5 * eps.roll(1, dims=-1)) / math.sqrt(1.25)


def one_row_at_a_time(mu, logvar, generator):
    rows = [torch.randn(mu.shape[1], generator=generator) for _ in mu]
    return torch.stack([m + (lv / 2).exp() * e for m, lv, e in zip(mu, logvar, rows, strict=True)])


def by_ranks(mu, logvar, generator):
    u = torch.rand(mu.shape, generator=generator, dtype=torch.float64).clamp(1e-12)
    return mu + torch.exp(logvar).sqrt() * torch.special.ndtri(u).float()


def half_repeated(mu, generator):
    few = torch.randn(len(mu) // 2 + 1, mu.shape[1], generator=generator)
    return few.repeat(2, 1)[: len(mu)]


def mirrored(mu, generator):
    few = torch.randn(len(mu) // 2 + 1, mu.shape[1], generator=generator)
    return torch.cat([few, -few])[: len(mu)]


def detached_sample(mu, logvar, generator):
    return right_draws(mu, logvar, generator).detach()


def torch_normal(mu, logvar, generator):
    return torch.normal(mu, torch.exp(0.5 * logvar), generator=generator)


def numpy_draws(mu, logvar, generator):
    eps = randn_like(mu, generator).numpy()
    return mu.numpy() + np.exp(0.5 * logvar.numpy()) * eps


# --- exercise 2: paths ---------------------------------------------------------------------------


def two_halves(u, loc, scale):
    """Which half u lies in chooses the side, and where it lies there how far."""
    side, within = torch.where(u < 0.5, -1, 1), torch.where(u < 0.5, 2 * u, 2 * u - 1)
    return loc - side * scale * torch.log1p(-within)


def inverse_cdf(u, loc, scale):
    return loc - scale * (u - 0.5).sign() * torch.log1p(-2 * (u - 0.5).abs())


# --- exercise 3: names of parameters -----------------------------------------------------------


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


# --- exercise 4: a rule -------------------------------------------------------------------------


def rule(n_states, budget, differentiable, unbiased, relaxed="gumbel-softmax"):
    if n_states <= budget:
        return "enumerate"
    if differentiable and not unbiased:
        return relaxed
    return "score function with baseline"


def rule_with(**answers):
    """The right rule with the answer of one kind of situation replaced."""

    def choose(n_states, budget, differentiable, unbiased):
        if n_states <= budget:
            kind = "affordable"
        elif not differentiable:
            kind = "black_box"
        else:
            kind = "unbiased" if unbiased else "biased"
        return answers.get(kind, rule(n_states, budget, differentiable, unbiased))

    return choose


def straight_line_rule(n_states, budget, differentiable, unbiased):
    exact = "enumerate" if budget >= n_states else None
    relaxed = "straight-through" if not unbiased and differentiable else None
    return exact or relaxed or "score function with baseline"


RIGHT = {
    "reparameterize": {
        "as-in-the-package": right_draws,
        "one-row-at-a-time": one_row_at_a_time,
        "noise-drawn-transposed": with_noise(
            lambda mu, g: torch.randn(mu.shape[::-1], generator=g).T
        ),
        "through-the-quantile": by_ranks,
        "minus-the-noise": with_formula(lambda mu, lv, eps: mu - eps * lv.exp().pow(0.5)),
        "noise-by-normal_": with_noise(lambda mu, g: torch.empty_like(mu).normal_(generator=g)),
        "more-noise-than-needed": with_noise(
            lambda mu, g: torch.randn(2, *mu.shape, generator=g).sum(0) / math.sqrt(2)
        ),
    },
    "exponential_sample": {
        "inverse-cdf": lambda u, rate: -torch.log1p(-u) / rate,
        "log-of-one-minus-u": lambda u, rate: -torch.log(1 - u) / rate,
        "mirrored-and-safe": lambda u, rate: -u.clamp(min=1e-30).log() / rate,
        "icdf-of-torch": lambda u, rate: Exponential(rate).icdf(u),
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
    "choose_estimator": {
        "three-ifs": rule,
        "straight-through-where-bias-is-allowed": lambda *a: rule(*a, relaxed="straight-through"),
        "one-line": straight_line_rule,
        "in-other-letters": lambda *args: rule(*args).title().replace("-", " ") + " ",
        "with-underscores": lambda *args: rule(*args).replace(" ", "_").replace("-", "_"),
    },
}

WRONG = {
    "reparameterize": {
        "shape": with_noise(lambda mu, g: torch.randn(5, *mu.shape, generator=g)),
        "not-finite": with_formula(lambda mu, lv, eps: mu + lv.sqrt() * eps),
        "no-noise": lambda mu, logvar, generator: mu,
        "noise-shared-across-the-batch": with_noise(
            lambda mu, g: torch.randn(1, mu.shape[1], generator=g)
        ),
        "noise-shared-across-dimensions": with_noise(
            lambda mu, g: torch.randn(len(mu), 1, generator=g)
        ),
        "noise-reused": with_noise(own_generator),
        "log-sigma": with_formula(lambda mu, lv, eps: mu + lv.exp() * eps),
        "sigma-is-logvar": with_formula(lambda mu, lv, eps: mu + lv * eps),
        "exp-missing": with_formula(lambda mu, lv, eps: mu + 0.5 * lv * eps),
        "inverse-sigma": with_formula(lambda mu, lv, eps: mu + (-lv / 2).exp() * eps),
        "sigma-missing": with_formula(lambda mu, lv, eps: mu + eps),
        "mean-missing": with_formula(lambda mu, lv, eps: (lv / 2).exp() * eps),
        "mean-scaled": with_formula(lambda mu, lv, eps: (lv / 2).exp() * (mu + eps)),
        "arguments-swapped": with_formula(lambda mu, lv, eps: lv + (mu / 2).exp() * eps),
        "uniform": with_noise(lambda mu, g: torch.rand(mu.shape, generator=g)),
        "shifted": with_noise(lambda mu, g: randn_like(mu, g) + 0.3),
        "wrong-sd": with_noise(lambda mu, g: 1.2 * randn_like(mu, g)),
        "correlated": with_noise(correlated_noise),
        "not-normal": with_noise(
            lambda mu, g: 0.7 * randn_like(mu, g).sign() + 0.51**0.5 * randn_like(mu, g)
        ),
        "repeated-codes": with_noise(half_repeated),
        "global-random-state": with_noise(global_seed),
        "generator-ignored": with_noise(unseeded_generator),
        "clamped": with_formula(lambda mu, lv, eps: mu + (lv.clamp(-20, 20) / 2).exp() * eps),
        "no-tensor": numpy_draws,
        "no-gradient": detached_sample,
        "mean-detached": with_formula(lambda mu, lv, eps: mu.detach() + (lv / 2).exp() * eps),
        "sigma-detached": with_formula(lambda mu, lv, eps: mu + (lv.data / 2).exp() * eps),
        "wrong-gradient": with_formula(
            lambda mu, lv, eps: mu + (lv / 4).exp() * (lv / 4).exp().detach() * eps
        ),
    },
    "exponential_sample": {
        "shape": lambda u, rate: (-torch.log1p(-u) / rate).sum(),
        "u-ignored": lambda u, rate: Exponential(rate).rsample(),
        "not-finite": lambda u, rate: torch.log(-u) / rate,
        "no-gradient": lambda u, rate: -torch.log1p(-u) / rate.detach(),
        "nan-gradient": lambda u, rate: (
            torch.where(
                u < 0.9, -torch.log1p(-u) / rate, -torch.log1p(-u) / rate * torch.ones_like(u)
            )
            + 0 * (0 * rate).sqrt()
        ),
        "wrong-gradient": lambda u, rate: -torch.log1p(-u) / (2 * rate - rate.detach()),
        "mean-for-rate": lambda u, rate: -torch.log1p(-u) * rate,
        "rate-missing": lambda u, rate: -torch.log1p(-u),
        "negative": lambda u, rate: torch.log1p(-u) / rate,
        "uniform": lambda u, rate: u + 0 * rate,
        "density": lambda u, rate: rate * u,
        "cdf": lambda u, rate: 1 - torch.exp(-rate * u),
        "rate-squared": lambda u, rate: -torch.log1p(-u) / rate.square(),
        "other-base": lambda u, rate: -torch.log10(1 - u) / rate,
        "doubled": lambda u, rate: -2 * torch.log1p(-u) / rate,
        "distribution": lambda u, rate: torch.log1p(-u).square() / rate,
        "log-of-zero": lambda u, rate: -u.log() / rate,
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
    "choose_estimator": {
        "not-enumerated": rule_with(affordable="gumbel-softmax"),
        "enumerated-too-much": lambda *args: "enumerate",
        "relaxed-a-black-box": rule_with(black_box="straight-through"),
        "relaxed-despite-bias": rule_with(unbiased="gumbel-softmax"),
        "no-baseline": rule_with(black_box="score function", unbiased="score function"),
        "bias-refused": rule_with(biased="score function with baseline"),
        "no-path": lambda *args: "pathwise",
    },
}

UNNAMED = {
    "reparameterize": {
        "no-generator": (
            lambda mu, logvar: mu,
            "the check calls it with (mu, logvar, generator=generator)",
        ),
        "generator-under-another-name": (lambda mu, logvar, g: mu, "You return mu itself"),
        "clamped-to-ten": (
            with_formula(lambda mu, lv, eps: mu + (lv.clamp(-10, 10) / 2).exp() * eps),
            "not sigma at logvar = -40: look for a clamp",
        ),
        "clamped-above": (
            with_formula(lambda mu, lv, eps: mu + (lv.clamp(max=8) / 2).exp() * eps),
            "not sigma at logvar = 10: look for a clamp",
        ),
        "constant-added": (
            with_formula(lambda mu, lv, eps: mu + ((lv / 2).exp() + 1e-6) * eps),
            "or a constant added to sigma",
        ),
        "squeezed": (
            lambda mu, logvar, generator: right_draws(mu, logvar, generator).squeeze(),
            "Your draws have shape (2,), but mu and logvar have shape (1, 2)",
        ),
        "in-place": (
            lambda mu, logvar, generator: mu.add_(
                logvar.mul_(0.5).exp() * randn_like(mu, generator)
            ),
            "changes its argument mu in place",
        ),
        "mirrored": (with_noise(mirrored), "Some rows of your noise are repeated or mirrored"),
        "seeded-inside": (with_noise(seeded_inside), "A second call draws the noise of the first"),
        "torch-normal": (torch_normal, "no gradient flows back to mu and logvar"),
        "global-noise": (with_noise(lambda mu, g: torch.randn_like(mu)), "global random state"),
        "a-tuple": (lambda mu, logvar, generator: (mu, logvar), "a tuple of 2"),
        "latent-dim-written-out": (
            with_noise(lambda mu, g: torch.randn(len(mu), 3, generator=g)),
            "must match the size of tensor b",
        ),
        "a-list": (
            lambda mu, logvar, generator: right_draws(mu, logvar, generator).tolist(),
            "come as a list",
        ),
    },
    "exponential_sample": {
        "a-list": (lambda u, rate: (-torch.log1p(-u) / rate).tolist(), "comes as a list"),
        "numpy": (
            lambda u, rate: torch.tensor(-np.log1p(-u.numpy()) / rate.numpy()),
            "fails on tensors that require a gradient",
        ),
        "in-place": (
            lambda u, rate: -u.neg_().log1p_() / rate,
            "changes its argument u in place",
        ),
        "rate-in-place": (
            lambda u, rate: rate.reciprocal_() * -torch.log1p(-u),
            "changes its argument rate in place",
        ),
        "detached-at-the-end": (
            lambda u, rate: (-torch.log1p(-u) / rate).detach(),
            "no gradient flows back to rate",
        ),
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
        "unknown-names": (lambda *args: ["logvar"], "Return the names of the parameters"),
    },
    "choose_estimator": {
        "another-name": (lambda *args: "REINFORCE", "the names are 'enumerate'"),
        "a-number": (lambda *args: 1, "returned an int: return the name"),
        "boundary": (
            lambda n, budget, *rest: rule(n + 1, budget, *rest),
            "With 16 states and 16 evaluations",
        ),
        "sixteen-written-out": (
            lambda n, budget, *rest: rule(n, 16 if budget < 1000 else budget, *rest),
            "You enumerate 3 states with 2 evaluations",
        ),
        "a-thousand-at-most": (
            lambda n, budget, *rest: rule(n, min(budget, 1000), *rest),
            "With 1,000,000 states and 1,000,000 evaluations",
        ),
    },
}


# --- our own answers, and the power of the statistics -------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_a_right_reparameterize_passes_whatever_it_draws(seed):
    """Twenty other rows of noise; the stated rate of refusals is one in 100 000."""

    def student(mu, logvar, generator):
        torch.randn(seed, generator=generator)  # draws in another place of the sequence
        return right_draws(mu, logvar, generator)

    with contextlib.redirect_stdout(io.StringIO()):
        assert check.reparameterize(student).passed


@pytest.mark.parametrize("reading", trick.READINGS)
def test_no_reading_of_the_parameters_can_pass_for_another(reading):
    """Draws made under each wrong reading are normal under that one alone."""
    mu, logvar = (t.double() for t in trick._parameters(20_000, 3))
    centre, spread = trick.READINGS[reading](mu, logvar)
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    z = centre + spread * eps
    matching = [
        name
        for name, read in trick.READINGS.items()
        if trick.not_standard_normal((z - read(mu, logvar)[0]) / read(mu, logvar)[1]) is None
    ]
    assert matching == [reading]


@pytest.mark.parametrize(
    "path, reference",
    [
        (paths.EXPONENTIAL, lambda z, rate: stats.expon.cdf(z, scale=1 / rate)),
        (paths.LAPLACE, lambda z, loc, scale: stats.laplace.cdf(z, loc, scale)),
    ],
    ids=["exponential", "laplace"],
)
def test_ranks_and_slopes_are_those_of_scipy(path, reference):
    """F against scipy, and dz/dparameter against finite differences of its quantile function."""
    parameters = {name: value[:200].double() for name, value in path.parameters().items()}
    z = torch.linspace(-3 if "loc" in parameters else 0.01, 3, 200, dtype=torch.float64)
    arrays = [value.numpy() for value in parameters.values()]
    rank = path.rank(z, **parameters)
    np.testing.assert_allclose(rank, reference(z.numpy(), *arrays), rtol=1e-12, atol=1e-15)
    icdf = {
        "exponential_sample": lambda u, rate: stats.expon.ppf(u, scale=1 / rate),
        "laplace_sample": lambda u, loc, scale: stats.laplace.ppf(u, loc, scale),
    }[path.name]
    h = 1e-6
    for i, slope in enumerate(path.slopes(z, **parameters).values()):
        up, down = ([a + s * h * (i == j) for j, a in enumerate(arrays)] for s in (1, -1))
        difference = (icdf(rank.numpy(), *up) - icdf(rank.numpy(), *down)) / (2 * h)
        np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-5)


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


def test_the_situations_ask_for_every_kind_of_answer():
    """A rule that ignores one of its four arguments must fail somewhere."""
    asked = [frozenset(reparameterization.allowed(s)) for s in reparameterization.SITUATIONS]
    assert set(asked) == {
        frozenset({"enumerate"}),
        frozenset({"straight-through", "gumbel-softmax"}),
        frozenset({"score function with baseline"}),
    }
    for field in reparameterization.Situation._fields:
        pairs = [
            (one, two)
            for one in reparameterization.SITUATIONS
            for two in reparameterization.SITUATIONS
            if reparameterization.allowed(one) != reparameterization.allowed(two)
            and all(
                getattr(one, other) == getattr(two, other)
                for other in reparameterization.Situation._fields
                if other != field
            )
        ]
        assert pairs, f"no two situations differ in {field} alone and in the answer"
