"""The check of `latent_size` (chapter 4): a size chosen on validation data, the test set used once.

Everything follows from the data, so the right table is known to many digits. Nats, float64.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.answers import is_open, read_dictionary, read_number, read_row
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import listed
from vae_teach.exact.linear_gaussian import LinearGaussian
from vae_teach.exact.ppca import fit_ppca

SIZES = tuple(range(1, 9))
KEYS = ("validation", "chosen", "test")
TOLERANCE = 0.0051  # nats, two decimals
Score = Callable[[LinearGaussian, Tensor], float]


@helper
def factor_data() -> tuple[Tensor, Tensor, Tensor]:
    """Training (60, 10), validation (400, 10) and test points (400, 10), the same every time.

    Drawn from a linear-Gaussian model with three factors.
    """
    g = torch.Generator().manual_seed(5)
    W = torch.randn(10, 3, generator=g, dtype=torch.float64)
    b = torch.randn(10, generator=g, dtype=torch.float64)
    x, _ = LinearGaussian(W, b, sigma_x=1.0).sample(860, generator=g)
    return x[:60], x[60:460], x[460:]


def _mean_log_likelihood(model: LinearGaussian, x: Tensor) -> float:
    return model.log_evidence(x).mean().item()


@cache
def _scores(data: int, score: Score = _mean_log_likelihood) -> tuple[float, ...]:
    """One number for each size: the score of one of the three data sets."""
    training, x = factor_data()[0], factor_data()[data]
    return tuple(score(fit_ppca(training, size).model, x) for size in SIZES)


def right_answer() -> dict[str, Any]:
    """The table, the size with the largest validation score, and that size's test score."""
    validation = _scores(1)
    chosen = SIZES[validation.index(max(validation))]
    return {"validation": validation, "chosen": chosen, "test": _scores(2)[chosen - 1]}


HINTS = {
    "training": "Your table is that of the training points: no size would be too large by it.",
    "test-in-the-table": "Your table is that of the test points: they are kept until a size is "
    "chosen, because a size chosen on them looks better than it is.",
    "sum": "Your table adds the points up: give the mean over them.",
    "bits": "Your table is in bits: use the natural logarithm, which gives nats.",
    "negative": "The signs in your table are flipped: give log-likelihoods, not losses.",
    "per-pixel": "Your table is divided by the ten dimensions: give the log-likelihood of a point.",
    "reversed": "Your table stands in reverse order: it begins with size 1.",
    "fixed-noise": "Your models have a fixed sigma_x: let fit_ppca learn it.",
    "rounded": "Your table is rounded too far: give two decimals or more.",
    "reconstruction": "Your table holds mean squared errors of reconstructions: the likelihood "
    "also asks how probable the codes are.",
    "fitted-to-validation": "You fit your models to the validation points: fit them to the "
    "training points, and judge them by the others.",
    "table": "Your table is not right for {where}: fit_ppca(training, size).model has "
    "log_evidence(validation), of which the mean is asked.",
    "largest": "You choose the largest size, as the training points would: choose the one with the "
    "largest number in your table.",
    "choice": "Your choice is not the size with the largest number in your table.",
    "test-of-validation": "Your number for the test points is that of the validation points.",
    "test-of-another-size": "Your number for the test points belongs to a model of another size.",
    "refitted": "Your number for the test points belongs to a model that was fitted to the "
    "validation points too: keep the model that you have chosen.",
    "test": "Your number for the test points is not right: it is their mean log-likelihood under "
    "the model of the chosen size, fitted to the training points.",
    "still-open": "There is no answer yet for {where}.",
}


def _squared_error(model: LinearGaussian, x: Tensor) -> float:
    codes, _ = model.posterior(x)
    return (x - model.decode(codes)).square().mean().item()


@cache
def _fitted_to_validation() -> tuple[float, ...]:
    x = factor_data()[1]
    return tuple(_mean_log_likelihood(fit_ppca(x, size).model, x) for size in SIZES)


FIXED = (0.1, 0.5, 1.0)  # values of sigma_x that a student may have fixed


@cache
def _of_fixed_noise(sigma_x: float) -> tuple[float, ...]:
    training, x, _ = factor_data()
    return tuple(
        _mean_log_likelihood(fit_ppca(training, size, sigma_x=sigma_x).model, x) for size in SIZES
    )


@cache
def _refitted(size: int) -> float:
    """The test score of a model that has seen the validation points."""
    training, validation, testing = factor_data()
    model = fit_ppca(torch.cat([training, validation]), size).model
    return _mean_log_likelihood(model, testing)


def _other_tables() -> dict[str, tuple[float, ...]]:
    right = _scores(1)
    return {
        "training": _scores(0),
        "test-in-the-table": _scores(2),
        "sum": tuple(len(factor_data()[1]) * value for value in right),
        "bits": tuple(value / math.log(2) for value in right),
        "negative": tuple(-value for value in right),
        "per-pixel": tuple(value / factor_data()[1].shape[1] for value in right),
        "reversed": right[::-1],
        "reconstruction": _scores(1, _squared_error),
        "fitted-to-validation": _fitted_to_validation(),
    }


def _same(values: tuple[float, ...], others: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= TOLERANCE for a, b in zip(values, others, strict=True))


def _examine_table(values: tuple[float, ...]) -> None:
    right = _scores(1)
    if _same(values, right):
        return
    for name, table in _other_tables().items():
        if _same(values, table):
            raise Fault(HINTS[name])
    if any(_same(values, _of_fixed_noise(sigma_x)) for sigma_x in FIXED):
        raise Fault(HINTS["fixed-noise"])
    if any(values == tuple(round(value, decimals) for value in right) for decimals in (0, 1)):
        raise Fault(HINTS["rounded"])
    wrong = [
        f"{size}"
        for size, value, wanted in zip(SIZES, values, right, strict=True)
        if not abs(value - wanted) <= TOLERANCE
    ]
    what = "size " if len(wrong) == 1 else "sizes "
    raise Fault(HINTS["table"].format(where=what + listed(wrong)))


def _examine_choice(chosen: float) -> None:
    if chosen != right_answer()["chosen"]:
        raise Fault(HINTS["largest" if chosen == SIZES[-1] else "choice"])


def _examine_test(value: float) -> None:
    right = right_answer()
    if abs(value - right["test"]) <= TOLERANCE:
        return
    if abs(value - right["validation"][right["chosen"] - 1]) <= TOLERANCE:
        raise Fault(HINTS["test-of-validation"])
    if any(abs(value - other) <= TOLERANCE for other in _scores(2)):
        raise Fault(HINTS["test-of-another-size"])
    if abs(value - _refitted(right["chosen"])) <= TOLERANCE:
        raise Fault(HINTS["refitted"])
    raise Fault(HINTS["test"])


def _examine(answer: Any) -> None:
    found = read_dictionary(answer, KEYS)
    if still_open := [key for key, value in found.items() if is_open(value)]:
        raise Fault(HINTS["still-open"].format(where=listed(still_open)))
    columns = [f"size {size}" for size in SIZES]
    _examine_table(read_row(found["validation"], "validation", columns))
    _examine_choice(read_number(found["chosen"], "chosen"))
    _examine_test(read_number(found["test"], "test"))


@check(HINTS)
def latent_size(answer: dict[str, Any]) -> Verdict:
    """Check validation (8 log-likelihoods), chosen (a size) and test (its log-likelihood)."""
    return deliver("latent_size", lambda: _examine(answer))
