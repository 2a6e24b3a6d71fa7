"""Gradients of E[f(z)] when z is discrete: L independent choices among C classes, one-hot.

The classes have probabilities softmax(logits), logits (L, C). Every estimator reads the same Gumbel
noise: the class with the largest logit + noise is a draw (the Gumbel-max trick).
Shapes: K draws averaged into one estimate, L latents, C classes; leading axes are kept.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_teach.estimators.continuous import Baseline, subtract_baseline
from vae_teach.validation import AT_LEAST_1, checked

Objective = Callable[[Tensor], Tensor]  # one-hot z (..., L, C) -> f(z) (...,)

MOST_STATES = 2**20  # a million one-hot states fill the memory of a laptop at L = 20


@checked
def gumbel(*shape: int, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard Gumbel noise -log(-log u), finite for every u that torch.rand can return."""
    u = torch.rand(shape, generator=generator, dtype=dtype)
    # torch.rand returns 0 now and then, whose log is infinite; it never returns 1.
    return -torch.log(-torch.log(u.clamp(min=torch.finfo(dtype).tiny)))


@checked
def draw(logits: Tensor, noise: Tensor) -> Tensor:
    """One-hot draws of Categorical(softmax(logits)), the shape of `noise` (..., L, C)."""
    _require_noise(logits, noise)
    return F.one_hot((logits + noise).argmax(dim=-1), logits.shape[-1]).to(logits.dtype)


@checked(latents=AT_LEAST_1, classes=AT_LEAST_1)
def all_states(latents: int, classes: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Every one-hot z, shape (C^L, L, C).

    Raises:
        ValueError: if there are more than `MOST_STATES`.
    """
    if classes**latents > MOST_STATES:
        raise ValueError(
            f"{latents} latents with {classes} classes have {classes**latents} states, "
            f"but at most {MOST_STATES} can be enumerated"
        )
    axes = [torch.arange(classes)] * latents
    states = torch.cartesian_prod(*axes).reshape(-1, latents)
    return F.one_hot(states, classes).to(dtype)


@checked
def state_probabilities(logits: Tensor, states: Tensor) -> Tensor:
    """p(z) of one-hot states (S, L, C), shape (S,)."""
    return (states * F.log_softmax(logits, dim=-1)).sum(dim=(-2, -1)).exp()


@checked
def enumerate_gradient(f: Objective, logits: Tensor) -> Tensor:
    """The exact gradient of E[f(z)] by the logits, (L, C): a sum over all C^L states.

    Raises:
        ValueError: if there are too many states.
    """
    states = all_states(*logits.shape, dtype=logits.dtype)
    with torch.no_grad():
        values = f(states)
    with torch.enable_grad():
        leaf = logits.detach().clone().requires_grad_()
        return torch.autograd.grad((state_probabilities(leaf, states) * values).sum(), leaf)[0]


@checked
def score_function(
    f: Objective, logits: Tensor, noise: Tensor, *, baseline: Baseline = 0.0
) -> Tensor:
    """(f(z) - b) (z - p), averaged over K: unbiased, and f need not be differentiable.

    Args:
        f: any function of one-hot z (..., L, C), one value per draw.
        logits: shape (L, C).
        noise: Gumbel, shape (..., K, L, C).
        baseline: b, a constant or a function of the K values, such as `leave_one_out`.

    Returns:
        Shape (..., L, C).
    """
    with torch.no_grad():
        z = draw(logits, noise)
        weight = subtract_baseline(f(z), baseline)  # (..., K)
        return (weight[..., None, None] * (z - F.softmax(logits, dim=-1))).mean(dim=-3)


@checked
def straight_through(f: Objective, logits: Tensor, noise: Tensor) -> Tensor:
    """Forward the one-hot draw, backward as if it were softmax(logits): biased unless f is linear.

    Args and Returns as `score_function`, but f must be differentiable.

    Source: Bengio et al. 2013 (arXiv:1308.3432).
    """
    return _through(f, logits, noise, lambda leaf: F.softmax(leaf, dim=-1), hard=True)


@checked
def gumbel_softmax(
    f: Objective, logits: Tensor, noise: Tensor, *, temperature: float, hard: bool = False
) -> Tensor:
    """Replace the one-hot draw by softmax((logits + noise) / temperature).

    The gradient is exact for the relaxed problem, whose z lies between the classes; the colder, the
    nearer to the discrete problem and the noisier. `hard` sends the one-hot draw forward instead.

    Args and Returns as `score_function`, but f must be differentiable.

    Raises:
        ValueError: if the temperature is not positive.

    Source: Jang et al. 2017 (arXiv:1611.01144); Maddison et al. 2017 (arXiv:1611.00712).
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, but it is {temperature}")

    def relaxed(leaf: Tensor) -> Tensor:
        return F.softmax((leaf + noise) / temperature, dim=-1)

    return _through(f, logits, noise, relaxed, hard=hard)


def _through(
    f: Objective, logits: Tensor, noise: Tensor, soft: Callable[[Tensor], Tensor], *, hard: bool
) -> Tensor:
    """Gradient of f along `soft`, draw by draw, averaged over K; `hard` evaluates f at the draw."""
    _require_noise(logits, noise)
    with torch.enable_grad():
        leaf = logits.detach().expand(noise.shape).clone().requires_grad_()
        z = soft(leaf)
        if hard:
            z = draw(logits, noise) + z - z.detach()  # the value of the draw, the slope of z
        return torch.autograd.grad(f(z).sum(), leaf)[0].mean(dim=-3)


def _require_noise(logits: Tensor, noise: Tensor) -> None:
    if logits.ndim != 2 or noise.shape[-2:] != logits.shape:
        raise ValueError(
            f"logits must have shape (L, C) and noise (..., L, C), but they have "
            f"{tuple(logits.shape)} and {tuple(noise.shape)}"
        )
