"""The check of `reparameterize` (chapter 5): draws of N(mu, sigma^2) that a gradient can follow.

The student draws the noise, so no number is compared with a stored one. The draws are turned back
into noise, (z - mu) / sigma, which must be independent N(0, 1); a usual mistake is the reading of
mu and logvar under which they would have been.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, call, caller, numbers
from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.sampling import (
    CODES,
    LATENT,
    RIGHT_PER_FALSE_ALARM,
    Z_LIMIT,
    not_standard_normal,
    watch,
)
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import error_text, kind

ONCE_IN = f"(a right answer is refused less than once in {RIGHT_PER_FALSE_ALARM:,} ways to draw)."
FEW = 1_000
SAME = 1e-2  # in units of sigma: float32 errs by 1e-6, and two draws are 1 apart

HINTS = {
    "shape": "Your draws have shape {got}, but mu and logvar have shape {want}: "
    "draw one number for each entry.",
    "not-finite": "Your draws contain NaN or infinity: sigma = exp(logvar / 2) is finite here.",
    "no-noise": "You return mu itself: add sigma times noise.",
    "noise-shared-across-the-batch": "All examples of the batch share one row of noise: "
    "draw noise of the shape of mu.",
    "noise-shared-across-dimensions": "All dimensions of an example share one number of noise: "
    "draw noise of the shape of mu.",
    "noise-reused": "A second call draws the noise of the first, as every epoch would: "
    "take new noise from the generator, and do not seed it.",
    "log-sigma": "You read logvar as log sigma, so your sigma is squared: "
    "it is log sigma^2, hence sigma = exp(logvar / 2).",
    "sigma-is-logvar": "You multiply the noise by logvar itself: sigma = exp(logvar / 2).",
    "exp-missing": "You multiply the noise by logvar / 2 itself: sigma is its exponential.",
    "inverse-sigma": "Your spread is 1 / sigma: look for a flipped sign in the exponent.",
    "sigma-missing": "Your noise is not scaled: multiply it by sigma = exp(logvar / 2).",
    "mean-missing": "Your draws are centred on 0: add mu.",
    "mean-scaled": "You scale the mean as well: multiply only the noise by sigma, then add mu.",
    "arguments-swapped": "You use logvar as the mean and mu as the log-variance: swap them.",
    "uniform": "Your noise is uniformly distributed: draw it with torch.randn.",
    "shifted": "Your draws, turned back into noise, do not have mean 0",
    "wrong-sd": "Your draws, turned back into noise, have standard deviation {sd:.2f} instead of 1",
    "correlated": "The dimensions of your noise are correlated: draw each on its own",
    "not-normal": "Your draws, turned back into noise, are not normally distributed",
    "repeated-codes": "Some rows of your noise are repeated or mirrored: "
    "draw a new one for each example.",
    "global-random-state": "You draw from the global random state: "
    "pass generator=generator to torch.randn, and set no seed.",
    "generator-ignored": "You do not draw from the generator you are given: "
    "pass generator=generator to torch.randn.",
    "clamped": "Your draws are right for moderate log-variances, but their spread is not sigma at "
    "logvar = {logvar:.0f}: look for a clamp, or a constant added to sigma.",
    "no-tensor": "Your draws are right but {what}: return a torch tensor, "
    "so that training can differentiate it.",
    "no-gradient": "Your draws are right, but no gradient flows back to mu and logvar: "
    "compute z from them without .sample(), torch.normal, .detach() or torch.no_grad().",
    "mean-detached": "Your draws are right, but no gradient flows back to mu: it is cut off.",
    "sigma-detached": "Your draws are right, but no gradient flows back to logvar: it is cut off.",
    "wrong-gradient": "Your draws are right, but their gradient is not: "
    "dz/dmu must be 1 and dz/dlogvar half of sigma times the noise.",
}

# How else mu and logvar could have been read: where the draws would be centred, and their spread.
READINGS: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "log-sigma": lambda mu, logvar: (mu, logvar.exp()),
    "sigma-is-logvar": lambda mu, logvar: (mu, logvar),
    "exp-missing": lambda mu, logvar: (mu, 0.5 * logvar),
    "inverse-sigma": lambda mu, logvar: (mu, (-0.5 * logvar).exp()),
    "sigma-missing": lambda mu, logvar: (mu, torch.ones_like(mu)),
    "mean-missing": lambda mu, logvar: (torch.zeros_like(mu), (0.5 * logvar).exp()),
    "mean-scaled": lambda mu, logvar: (mu * (0.5 * logvar).exp(), (0.5 * logvar).exp()),
    "arguments-swapped": lambda mu, logvar: (logvar, (0.5 * mu).exp()),
}


def _parameters(n: int, latent_dim: int) -> tuple[Tensor, Tensor]:
    """Means and log-variances that differ from entry to entry, so that no reading looks right."""
    g = torch.Generator().manual_seed(n)
    mu = 1.5 * torch.randn(n, latent_dim, generator=g)
    return mu, 3.5 * torch.rand(n, latent_dim, generator=g) - 2.0


def _levels(n: int) -> tuple[Tensor, Tensor]:
    """Log-variances from -40 to 10, (n, L), and means of 0, beside which the noise is not lost."""
    levels = torch.linspace(-40, 10, 11)
    return torch.zeros(n, LATENT), levels[torch.arange(n) % len(levels)][:, None].repeat(1, LATENT)


def _draws(student: Callable, mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Any:
    args = {"mu": mu.clone(), "logvar": logvar.clone(), "generator": generator}
    return call(student, "reparameterize", args, keywords=("generator",))


def _require_shape(result: Any, mu: Tensor) -> Tensor:
    z = numbers(result)
    if z.shape != mu.shape:
        raise Fault(HINTS["shape"].format(got=tuple(z.shape), want=tuple(mu.shape)))
    if not z.isfinite().all():
        raise Fault(HINTS["not-finite"])
    return z


def _noise(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The noise that draws were made of, if they were made right."""
    return (z - mu.double()) * (-0.5 * logvar.double()).exp()


def _examine_noise(z: Tensor, mu: Tensor, logvar: Tensor) -> None:
    """Turn draws back into noise, and raise what keeps it from being N(0, I)."""
    mu, logvar = mu.double(), logvar.double()
    eps = _noise(z, mu, logvar)
    if eps.abs().max() < SAME:
        raise Fault(HINTS["no-noise"])
    if (eps - eps[:1]).abs().max() < SAME:
        raise Fault(HINTS["noise-shared-across-the-batch"])
    if (eps - eps[:, :1]).abs().max() < SAME:
        raise Fault(HINTS["noise-shared-across-dimensions"])
    name = not_standard_normal(eps)
    if name is None:
        if len(torch.unique((eps / SAME).round().abs(), dim=0)) < 0.9 * len(eps):
            raise Fault(HINTS["repeated-codes"])
        return
    for reading, read in READINGS.items():
        centre, spread = read(mu, logvar)
        if not_standard_normal((z - centre) / spread) is None:
            raise Fault(HINTS[reading])
    text = HINTS[name].format(sd=eps.std().item())
    raise Fault(text if text.endswith(".") else f"{text} {ONCE_IN}")


def _examine_levels(z: Tensor, logvar: Tensor) -> None:
    """Judge the spread at each log-variance, at six standard errors of the 600 draws there."""
    logvar = logvar.double()
    eps = z * (-0.5 * logvar).exp()
    for level in logvar.unique():
        spread = eps[logvar == level].square().mean().sqrt()
        if abs(spread - 1) > 6 / (2 * (logvar == level).sum()).sqrt():
            raise Fault(HINTS["clamped"].format(logvar=level.item()))


def _examine_gradient(student: Callable, mu: Tensor, logvar: Tensor) -> None:
    leaves = [mu.clone().requires_grad_(), logvar.clone().requires_grad_()]
    try:
        args = {"mu": leaves[0], "logvar": leaves[1], "generator": torch.Generator().manual_seed(0)}
        z = caller(student, "reparameterize", args, keywords=("generator",))(args)
        if not isinstance(z, Tensor):
            raise Fault(HINTS["no-tensor"].format(what=f"come as {kind(z)}"))
        if not z.requires_grad:
            raise Fault(HINTS["no-gradient"])
        slopes = torch.autograd.grad(z.sum(), leaves, allow_unused=True)
    except Fault:
        raise
    except Exception as error:
        what = f"the function fails on tensors that require a gradient ({error_text(error)})"
        raise Fault(HINTS["no-tensor"].format(what=what)) from error
    cut = [slope is None or not slope.any() for slope in slopes]
    if any(cut):
        names = {(True, True): "no-gradient", (True, False): "mean-detached"}
        raise Fault(HINTS[names.get(tuple(cut), "sigma-detached")])
    wanted = torch.ones_like(mu), 0.5 * (z.detach() - mu)
    if not all(agree(s.double(), w.double()) for s, w in zip(slopes, wanted, strict=True)):
        raise Fault(HINTS["wrong-gradient"])


def _examine(student: Callable) -> None:
    for small in (_parameters(4, 2), _parameters(1, 2), _parameters(3, 9), _parameters(1, 1)):
        # finds sizes written as numbers, and a squeeze
        _require_shape(_draws(student, *small, torch.Generator().manual_seed(0)), small[0])
    mu, logvar = _parameters(CODES, LATENT)
    few = mu[:FEW], logvar[:FEW]
    # Two calls of one size with one generator, as two steps of training would make, then many.
    watched = watch(lambda g: [_draws(student, *args, g) for args in (few, few, (mu, logvar))])
    *pair, many = watched.result
    first, second = (_noise(_require_shape(z, few[0]), *few) for z in pair)
    _examine_noise(_require_shape(many, mu), mu, logvar)
    if (first * second).mean().abs() * first.numel() ** 0.5 > Z_LIMIT:
        raise Fault(HINTS["noise-reused"])
    if watched.moved_global:
        raise Fault(HINTS["global-random-state"])
    if not watched.moved_generator:
        raise Fault(HINTS["generator-ignored"])
    centre, logvars = _levels(2_200)
    draws = _draws(student, centre, logvars, torch.Generator().manual_seed(0))
    _examine_levels(_require_shape(draws, centre), logvars)
    _examine_gradient(student, *few)


def reparameterize(student: Callable) -> Verdict:
    """Check f(mu, logvar, generator) -> z: draws of N(mu, exp(logvar)), differentiable by both.

    Shapes (B, L). The draws are judged by statistics: a right answer is refused less than once in
    100,000 ways to draw.
    """
    return deliver("reparameterize", lambda: _examine(student))
