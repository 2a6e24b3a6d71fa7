"""The check of `gaussian_posterior` (chapter 4): mean and covariance of a linear-Gaussian model.

The answer is a pair, so both parts are laid end to end and compared as one. Shapes: B data points,
D observed and L latent dimensions.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check._call import Fault, call, changed, fresh, numbers
from vae_teach.check._diagnose import all_agree, diagnose
from vae_teach.check._exercise import deliver
from vae_teach.check._verdict import Verdict
from vae_teach.check._words import kind

PARTS = ("mean", "covariance")


def _precision(W: Tensor, sigma: float, *, power: int = 2, identity: float = 1.0) -> Tensor:
    return identity * torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / sigma**power


def _answer(W, b, sigma_x, x, *, power=2, identity=1.0, offset=True, scale=True):
    """The posterior, or what a student gets who leaves something out of the formula."""
    cov = torch.linalg.inv(_precision(W, sigma_x, power=power, identity=identity))
    centred = x - b if offset else x
    mean = centred @ W @ cov / (sigma_x**power if scale else 1.0)
    return mean, cov


MISTAKES: dict[str, tuple[str, Callable[..., tuple[Tensor, Tensor]]]] = {
    "sigma-not-squared": (
        "You divide by sigma_x: the noise has variance sigma_x^2, in mean and covariance.",
        lambda *a: _answer(*a, power=1),
    ),
    "identity-missing": (
        "The prior is missing from the precision: add the identity to W^T W / sigma_x^2.",
        lambda *a: _answer(*a, identity=0.0),
    ),
    "offset-missing": (
        "You do not subtract b from x before you project it.",
        lambda *a: _answer(*a, offset=False),
    ),
    "scale-missing-in-the-mean": (
        "Your mean lacks its factor 1/sigma_x^2.",
        lambda *a: _answer(*a, scale=False),
    ),
    "precision-for-covariance": (
        "You return the precision: the covariance is its inverse.",
        lambda W, b, s, x: (_answer(W, b, s, x)[0], _precision(W, s)),
    ),
    "prior-covariance": (
        "You return the covariance of the prior: the data must narrow it.",
        lambda W, b, s, x: (_answer(W, b, s, x)[0], torch.eye(W.shape[1], dtype=W.dtype)),
    ),
    "order-swapped": (
        "You return the covariance first: return mean, covariance.",
        lambda *a: _answer(*a)[::-1],
    ),
}
NOT_A_PAIR = "Your function returned {what}: return two things, mean and covariance."
HINTS = {name: hint for name, (hint, _) in MISTAKES.items()} | {"not-a-pair": NOT_A_PAIR}


def cases() -> list[dict[str, Any]]:
    """Models of several sizes, with noise well away from 1, where sigma and its square agree."""

    def case(d: int, n_latent: int, b: int, sigma_x: float) -> dict[str, Any]:
        g = torch.Generator().manual_seed(10 * d + n_latent)
        return {
            "W": torch.randn(d, n_latent, generator=g),
            "b": torch.randn(d, generator=g),
            "sigma_x": sigma_x,
            "x": torch.randn(b, d, generator=g),
        }

    return [case(4, 2, 3, 0.5), case(3, 1, 5, 1.7), case(5, 3, 2, 0.8)]


def _read_pair(result: Any) -> tuple[Tensor, Tensor]:
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if not isinstance(result, tuple | list) or len(result) != 2:
        many = isinstance(result, tuple | list)
        what = f"{kind(result)} of {len(result)}" if many else kind(result)
        raise Fault(NOT_A_PAIR.format(what=what))
    return numbers(result[0]), numbers(result[1])


def _in_float64(args: dict[str, Any]) -> list[Any]:
    return [value.double() if isinstance(value, Tensor) else value for value in args.values()]


def _examine(student: Callable) -> None:
    pairs, written = [], []
    for args in cases():
        given = fresh(args)
        pairs.append(_read_pair(call(student, "gaussian_posterior", given)))
        written += changed(args, given)
    wants = [_answer(*_in_float64(args)) for args in cases()]

    def same(answers: list[tuple[Tensor, Tensor]]) -> bool:
        return all(
            all_agree([pair[i] for pair in pairs], [answer[i] for answer in answers])
            for i in range(2)
        )

    right = same(wants)
    for hint, mistake in MISTAKES.values() if not right else ():
        if same([mistake(*_in_float64(args)) for args in cases()]):
            raise Fault(hint)
    if written:
        raise Fault(
            f"Your function changes its argument {written[0]} in place: work on a copy of it."
        )
    for i, part in enumerate(PARTS):
        got, want = [pair[i] for pair in pairs], [pair[i] for pair in wants]
        if not all_agree(got, want):
            text = diagnose(got, want, cases())
            raise Fault(f"In the {part}: {text[0].lower()}{text[1:]}")


def gaussian_posterior(student: Callable) -> Verdict:
    """Check f(W (D, L), b (D,), sigma_x, x (B, D)) -> (mean (B, L), covariance (L, L))."""
    return deliver("gaussian_posterior", lambda: _examine(student))
