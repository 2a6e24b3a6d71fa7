"""The check of `temperature_table`: bias and spread of Gumbel-softmax for one coin.

The coin shows 1 with probability 0.2, and f = (z - 0.45)^2. Two Gumbel variables differ by one
logistic variable u, so every moment is an integral over one uniform number.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.measured_table import MeasuredTable, Row, Slip, Table
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

TEMPERATURES = (0.1, 0.3, 1.0, 3.0)
CHANCE, TARGET = 0.2, 0.45
ESTIMATES = 100_000
NODES = 200_001  # of the midpoint rule; at temperature 0.1 it errs by less than 1e-6


def true_gradient(chance: float = CHANCE) -> float:
    """Of E[(z - t)^2] by the logit of z = 1."""
    return (1 - 2 * TARGET) * chance * (1 - chance)


@functools.cache
def moments(
    temperature: float,
    chance: float = CHANCE,
    slope: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> tuple[float, float]:
    """Mean and standard deviation of one estimate; slope(u + logit, z) is that of f at z."""
    rank = (torch.arange(NODES, dtype=torch.float64) + 0.5) / NODES
    score = math.log(chance / (1 - chance)) + torch.log(rank) - torch.log1p(-rank)
    z = torch.sigmoid(score / temperature)
    of_f = 2 * (z - TARGET) if slope is None else slope(score, z)
    estimates = of_f * z * (1 - z) / temperature
    return estimates.mean().item(), estimates.std(correction=0).item()


def _table(row: Callable[[float], Row]) -> Callable[[], Table]:
    return lambda: {temperature: row(temperature) for temperature in TEMPERATURES}


def _right(temperature: float) -> Row:
    mean, spread = moments(temperature)
    return mean - true_gradient(), spread


def _changed(change: Callable[[float, float], Row]) -> Callable[[], Table]:
    """The right table with change(bias, spread) for each row."""
    return _table(lambda temperature: change(*_right(temperature)))


def _forward_hard(temperature: float) -> Row:
    mean, spread = moments(
        temperature, slope=lambda score, z: 2 * ((score > 0).to(z.dtype) - TARGET)
    )
    return mean - true_gradient(), spread


def _multiplied(temperature: float) -> Row:
    mean, spread = moments(1 / temperature)
    return mean - true_gradient(), spread


def _of_chance(chance: float) -> Callable[[float], Row]:
    return lambda t: (moments(t, chance=chance)[0] - true_gradient(chance), moments(t, chance)[1])


def _factor_forgotten(temperature: float) -> Row:
    mean, spread = moments(temperature)
    return mean * temperature - true_gradient(), spread * temperature


def _without_noise(temperature: float) -> Row:
    z = 1 / (1 + math.exp(-math.log(CHANCE / (1 - CHANCE)) / temperature))
    return 2 * (z - TARGET) * z * (1 - z) / temperature - true_gradient(), 0.0


def _allowance(temperature: float, exact: Row) -> Row:
    """Six standard errors of a bias, and a tenth of a standard deviation."""
    bias, spread = exact
    scatter = max(abs(spread), moments(temperature)[1])  # of the bias, whatever stands beside it
    return 0.02 * scatter + 0.01 * abs(bias), 0.1 * abs(spread)


TEMPERATURE = MeasuredTable(
    letter="τ",
    columns=("bias", "standard deviation"),
    right=_table(_right),
    allowance=_allowance,
    draws=f"{ESTIMATES:,}",
    slips=(
        Slip(
            "variances",
            "Your second column holds variances: take their roots.",
            _changed(lambda bias, spread: (bias, spread**2)),
        ),
        Slip(
            "columns-exchanged",
            "Your two columns are exchanged: the bias comes first.",
            _changed(lambda bias, spread: (spread, bias)),
        ),
        Slip(
            "bias-sign",
            "The sign of your biases is flipped or lost: subtract the exact gradient from the "
            "mean.",
            _changed(lambda bias, spread: (-bias, spread)),
        ),
        Slip(
            "mean-for-bias",
            "Your first column holds the means: subtract the exact gradient.",
            _changed(lambda bias, spread: (bias + true_gradient(), spread)),
        ),
        Slip(
            "truth-by-the-probability",
            "You subtract the slope by the probability, 0.1: by the logit the exact gradient is "
            "0.1 times 0.2 times 0.8.",
            _changed(lambda bias, spread: (bias + true_gradient() - (1 - 2 * TARGET), spread)),
        ),
        Slip(
            "standard-errors",
            "Your second column holds standard errors: the standard deviation of one estimate is "
            "asked, divided by nothing.",
            _changed(lambda bias, spread: (bias, spread / math.sqrt(ESTIMATES))),
        ),
        Slip(
            "relative",
            "Your numbers are divided by the exact gradient: give them as they are.",
            _changed(lambda bias, spread: (bias / true_gradient(), spread / true_gradient())),
        ),
        Slip(
            "four-draws",
            "Your standard deviations are half the right ones, as of estimates that average four "
            "draws: take one draw each.",
            _changed(lambda bias, spread: (bias, spread / 2)),
        ),
        Slip(
            "rows-reversed",
            "Your rows stand in reverse order: the standard deviation falls as τ rises.",
            lambda: {
                t: _right(other) for t, other in zip(TEMPERATURES, TEMPERATURES[::-1], strict=True)
            },
        ),
        Slip(
            "factor-forgotten",
            "Your estimates lack their factor 1/τ: it comes from the softmax of logits over τ.",
            _table(_factor_forgotten),
        ),
        Slip(
            "without-noise",
            "You add no Gumbel noise: each estimate needs noise of its own.",
            _table(_without_noise),
        ),
        Slip(
            "chance-exchanged",
            "Your coin shows 1 with probability 0.8: it is 0 that has 0.8.",
            _table(_of_chance(0.8)),
        ),
        Slip(
            "fair-coin",
            "Your coin is fair: it shows 1 with probability 0.2.",
            _table(_of_chance(0.5)),
        ),
        Slip(
            "other-class",
            "Your estimates are those of the logit of z = 0, and the exact gradient is that of "
            "z = 1: take both from the same column.",
            _changed(lambda bias, spread: (-bias - 2 * true_gradient(), spread)),
        ),
        Slip(
            "forward-hard",
            "You evaluate f at the one-hot draw (`hard=True`): evaluate it at the soft one.",
            _table(_forward_hard),
        ),
        Slip(
            "multiplied",
            "You multiply by the temperature: divide by it.",
            _table(_multiplied),
        ),
        Slip(
            "other-coin",
            "Your coin is the chapter's, with probability 0.4: take 0.2.",
            _table(_of_chance(0.4)),
        ),
    ),
)


@check(TEMPERATURE)
def temperature_table(answer: dict[float, tuple[float, float]] | None) -> Verdict:
    """Check {τ: (bias, standard deviation)} for τ = 0.1, 0.3, 1, 3 -> of one estimate."""
    return deliver("temperature_table", lambda: TEMPERATURE.examine(answer))
