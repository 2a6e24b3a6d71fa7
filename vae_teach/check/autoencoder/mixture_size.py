"""The check of `size_of_a_mixture` (chapter 1): a table of fits, and a size chosen by it.

The codes lie on five bent arms, as those of an autoencoder do: no number of Gaussians is right, one
of the sizes is best on new codes, and the largest is far too large for the training codes.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.mixture import GaussianMixture

from vae_teach.check.engine.answers import is_open, read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind

SIZES = (1, 2, 5, 10, 20, 40)
N_TRAINING, N_VALIDATION = 300, 2_000
# EM ends in another optimum from another start. Over eight starts the values of a size lie this far
# apart at most, but for 40 Gaussians on validation codes, where a single code can cost 0.3 nats.
STARTS = 8
SLACK = 0.06
FEW_STARTS, WIDE_SLACK = 2, 0.15  # enough to recognise a table of another kind

Table = dict[int, tuple[float, float]]

HINTS = {
    "still-open": "There is no {what} yet.",
    "not-a-table": "Your table must have a pair (training, validation) for each of the sizes "
    "1, 2, 5, 10, 20 and 40, but {what}.",
    "totals": "Your values are sums over the codes: give the mean log-density of one code, as "
    "GaussianMixture.score does.",
    "densities": "Your values are all positive, so they are densities or costs: give mean "
    "log-densities, which are negative here.",
    "bits": "Your values are in bits: give nats, as GaussianMixture.score does.",
    "swapped": "You have the columns the other way round: each pair is (training, validation).",
    "training-twice": "Your validation column repeats the training column: score the codes that "
    "the mixture was not fitted to.",
    "validation-twice": "Your training column repeats the validation column: score the codes "
    "that the mixture was fitted to as well.",
    "fitted-on-validation": "Your mixtures have seen the validation codes: fit to the training "
    "codes only.",
    "other-covariances": "Your mixtures have restricted covariances: leave covariance_type as "
    "it is, full.",
    "another-value": "For {size} Gaussians your {column} value is {got:.2f}, but it should be "
    "about {want:.2f}.",
    "by-training": "You chose by the training column, which rises with every Gaussian: choose "
    "by the codes that no mixture was fitted to.",
    "not-the-best": "Your table has a size with a higher validation value than the {choice} "
    "that you chose.",
    "no-size": "Your choice is {choice}, which is not one of the sizes 1, 2, 5, 10, 20 and 40.",
}


def _draw(n: int, generator: torch.Generator) -> torch.Tensor:
    """Codes on five bent arms, (n, 2)."""
    arm = torch.randint(5, (n,), generator=generator)
    along = torch.rand(n, generator=generator, dtype=torch.float64)
    angle = 2 * math.pi * arm / 5 + 1.2 * along
    radius = 0.4 + 1.6 * along
    spot = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return spot + 0.12 * torch.randn(n, 2, generator=generator, dtype=torch.float64)


def codes_to_fit() -> tuple[torch.Tensor, torch.Tensor]:
    """Training codes (300, 2) and validation codes (2000, 2), float64, the same every time."""
    g = torch.Generator().manual_seed(0)
    return _draw(N_TRAINING, g), _draw(N_VALIDATION, g)


def scores(
    fitted: str, scored: str, size: int, *, start: int = 0, covariance_type: str = "full"
) -> float:
    """Mean log-density of the `scored` codes under a mixture of the `fitted` ones, in nats."""
    training, validation = codes_to_fit()
    codes = {
        "training": training,
        "validation": validation,
        "both": torch.cat([training, validation]),
    }
    mixture = GaussianMixture(size, covariance_type=covariance_type, random_state=start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the largest may not converge
        return mixture.fit(codes[fitted]).score(codes[scored])


@functools.cache
def _range(
    fitted: str, scored: str, size: int, covariance_type: str = "full"
) -> tuple[float, float]:
    """The lowest and the highest value over several starts of EM, and room beyond them."""
    as_asked = fitted == "training" and covariance_type == "full"
    starts, slack = (STARTS, SLACK) if as_asked else (FEW_STARTS, WIDE_SLACK)
    with_start = functools.partial(scores, fitted, scored, size, covariance_type=covariance_type)
    values = [with_start(start=start) for start in range(starts)]
    slack += max(values) - min(values)
    return min(values) - slack, max(values) + slack


def _lies_in(table: Table, column: int, *source: str) -> bool:
    """Whether a column is what mixtures made from another source would give, at every size."""
    ranges = {size: _range(*source[:2], size, *source[2:]) for size in SIZES}
    return all(low <= table[size][column] <= high for size, (low, high) in ranges.items())


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.size == 1 if isinstance(value, np.ndarray) else value.numel() == 1
    return isinstance(value, int | float | np.integer | np.floating)


def _number(value: Any) -> float:
    """A float from a Python, NumPy or PyTorch number; NaN where there is none."""
    try:
        return float(value) if _is_number(value) else math.nan
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return math.nan


def _read_table(given: Any) -> Table:
    if not isinstance(given, dict):
        raise Fault(HINTS["not-a-table"].format(what=f"it is {kind(given)}"))
    sizes = {_number(key): value for key, value in given.items()}
    table = {}
    for size in SIZES:
        if size not in sizes:
            raise Fault(HINTS["not-a-table"].format(what=f"it has none for {size}"))
        pair = sizes[size]
        entries = list(pair) if isinstance(pair, tuple | list) else []
        numbers = [_number(entry) for entry in entries]
        if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
            raise Fault(HINTS["not-a-table"].format(what=f"that of {size} is no pair of numbers"))
        table[size] = (numbers[0], numbers[1])
    return table


def _changed(table: Table, change: Callable[[float, float], tuple[float, float]]) -> Table:
    return {size: change(*pair) for size, pair in table.items()}


def _is_right(table: Table) -> bool:
    return _lies_in(table, 0, "training", "training") and _lies_in(
        table, 1, "training", "validation"
    )


def _what_is_wrong(table: Table) -> str | None:
    """The name of a usual mistake that accounts for the whole table."""
    totals = _changed(table, lambda a, b: (a / N_TRAINING, b / N_VALIDATION))
    if all(value > 0 for pair in table.values() for value in pair):
        return "densities"
    readings = {
        "totals": totals,
        "bits": _changed(table, lambda a, b: (a * math.log(2), b * math.log(2))),
        "swapped": _changed(table, lambda a, b: (b, a)),
    }
    for name, reading in readings.items():
        if _is_right(reading):
            return name
    if _lies_in(table, 0, "training", "training") and all(a == b for a, b in table.values()):
        return "training-twice"
    if _lies_in(table, 1, "training", "validation") and all(a == b for a, b in table.values()):
        return "validation-twice"
    for source in ("validation", "both"):
        if _lies_in(table, 0, source, "training") and _lies_in(table, 1, source, "validation"):
            return "fitted-on-validation"
    for covariance_type in ("diag", "spherical", "tied"):
        if _lies_in(table, 0, "training", "training", covariance_type):
            return "other-covariances"
    return None


def _first_wrong(table: Table) -> str:
    for size in SIZES:
        for i, column in enumerate(("training", "validation")):
            low, high = _range("training", column, size)
            if not low <= table[size][i] <= high:
                return HINTS["another-value"].format(
                    size=size, column=column, got=table[size][i], want=(low + high) / 2
                )
    raise AssertionError("every value is right")


def _examine(answer: Any) -> None:
    given = read_dictionary(answer, ("table", "choice"))
    for what, value in given.items():
        if is_open(value):
            raise Fault(HINTS["still-open"].format(what=what))
    table = _read_table(given["table"])
    if not _is_right(table):
        name = _what_is_wrong(table)
        raise Fault(HINTS[name] if name else _first_wrong(table))
    choice = _number(given["choice"])
    if choice not in SIZES:
        shown = f"{choice:g}" if math.isfinite(choice) else kind(given["choice"])
        raise Fault(HINTS["no-size"].format(choice=shown))
    if choice == max(SIZES, key=lambda size: table[size][0]):
        raise Fault(HINTS["by-training"])
    if table[choice][1] < max(validation for _, validation in table.values()):
        raise Fault(HINTS["not-the-best"].format(choice=f"{choice:g}"))


def size_of_a_mixture(answer: Any) -> Verdict:
    """Check {"table": {size: (training, validation)}, "choice": size} for `codes_to_fit()`."""
    return deliver("size_of_a_mixture", lambda: _examine(answer))
