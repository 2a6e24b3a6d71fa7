"""The check of `size_of_a_mixture` (chapter 1): a table of fits, and a size chosen by it.

The codes lie on five bent arms, as those of an autoencoder do: no number of Gaussians is right, one
of the sizes is best on new codes, and the largest is far too large for the training codes.
"""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch

from vae_teach.check.engine.answers import is_open, read_dictionary, read_number
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.measured_table import MeasuredTable, Row, Slip, Table
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict

SIZES = (1, 2, 5, 10, 20, 40)
N_TRAINING, N_VALIDATION = 300, 2_000
# EM ends in another optimum from another start. For each size the lowest and the highest value that
# twelve seeds gave with each of three first guesses, kmeans, k-means++ and random_from_data: of the
# training codes, and of the validation codes. A test draws a few of them again.
RANGES: dict[int, tuple[Row, Row]] = {
    1: ((-2.657, -2.656), (-2.705, -2.704)),
    2: ((-2.627, -2.555), (-2.683, -2.632)),
    5: ((-2.286, -2.036), (-2.453, -2.246)),
    10: ((-1.965, -1.667), (-2.290, -2.072)),
    20: ((-1.575, -1.469), (-2.375, -2.103)),
    40: ((-1.234, -1.028), (-3.209, -2.472)),
}
SLACK = 0.06  # nats, beyond these ranges


def _draw(n: int, generator: torch.Generator) -> torch.Tensor:
    """Codes on five bent arms, (n, 2)."""
    arm = torch.randint(5, (n,), generator=generator)
    along = torch.rand(n, generator=generator, dtype=torch.float64)
    angle = 2 * math.pi * arm / 5 + 1.2 * along
    radius = 0.4 + 1.6 * along
    spot = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return spot + 0.12 * torch.randn(n, 2, generator=generator, dtype=torch.float64)


@helper
def codes_to_fit() -> tuple[torch.Tensor, torch.Tensor]:
    """`codes_to_fit() -> training codes (300, 2), validation codes (2000, 2)`, always the same."""
    g = torch.Generator().manual_seed(0)
    return _draw(N_TRAINING, g), _draw(N_VALIDATION, g)


def scores(
    fitted: str, size: int, *, start: tuple[int, str] = (0, "kmeans"), covariance_type: str = "full"
) -> Row:
    """Mean log-density of both sets in nats, under a mixture of the `fitted` ones."""
    from sklearn.mixture import GaussianMixture  # takes half a second, which one exercise needs

    training, validation = codes_to_fit()
    both = torch.cat([training, validation])
    codes = {"training": training, "validation": validation, "both": both}[fitted]
    seed, way = start
    mixture = GaussianMixture(
        size, covariance_type=covariance_type, random_state=seed, init_params=way
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the largest may not converge
        mixture.fit(codes)
    return mixture.score(training), mixture.score(validation)


def _right() -> Table:
    """For each size the middle between the lowest and the highest value over the starts."""
    return {size: tuple(sum(ends) / 2 for ends in columns) for size, columns in RANGES.items()}


def _allowance(size: float, exact: Row) -> Row:
    """Half the range over the starts, and some slack; for sums over codes as many times that.

    What a slip makes of the table may have its columns exchanged: there the wider range counts.
    """
    if exact[0] < -N_TRAINING:
        widest = max(_allowance(size, (0.0, 0.0)))
        return N_TRAINING * widest, N_VALIDATION * widest
    halves = [SLACK + (high - low) / 2 for low, high in RANGES[int(size)]]
    return tuple(halves) if exact == _right()[int(size)] else (max(halves),) * 2


def _changed(change: Callable[[float, float], Row]) -> Callable[[], Table]:
    """The right table with change(training, validation) for each row."""
    return lambda: {size: change(*row) for size, row in _right().items()}


def _otherwise(fitted: str, covariance_type: str = "full") -> Callable[[], Table]:
    """The table of other mixtures."""
    fit = functools.partial(scores, fitted, covariance_type=covariance_type)

    @functools.cache
    def table() -> Table:
        return {size: fit(size) for size in SIZES}

    return table


TABLE = MeasuredTable(
    letter="size",
    columns=("training value", "validation value"),
    right=_right,
    allowance=_allowance,
    draws="",
    slips=(
        Slip(
            "swapped",
            "Your columns are the other way round: each row is (training, validation).",
            _changed(lambda a, b: (b, a)),
        ),
        Slip(
            "training-twice",
            "Your validation column repeats the training column: score the codes that the "
            "mixture was not fitted to.",
            _changed(lambda a, b: (a, a)),
        ),
        Slip(
            "validation-twice",
            "Your training column repeats the validation column: score the codes that the "
            "mixture was fitted to as well.",
            _changed(lambda a, b: (b, b)),
        ),
        Slip(
            "costs",
            "The sign of your values is flipped: give log-densities, which are negative here.",
            _changed(lambda a, b: (-a, -b)),
        ),
        Slip(
            "densities",
            "Your values are exponentials: give the log-densities themselves.",
            _changed(lambda a, b: (math.exp(a), math.exp(b))),
        ),
        Slip(
            "bits",
            "Your values are in bits: give nats, as GaussianMixture.score does.",
            _changed(lambda a, b: (a / math.log(2), b / math.log(2))),
        ),
        Slip(
            "per-dimension",
            "Your values are half the right ones, as per number of a code: give them per code.",
            _changed(lambda a, b: (a / 2, b / 2)),
        ),
        Slip(
            "differences",
            "Your second column is a difference of the two: give the validation value itself.",
            _changed(lambda a, b: (a, a - b)),
        ),
        Slip(
            "totals",
            "Your values are sums over the codes: give the mean log-density of one code, as "
            "GaussianMixture.score does.",
            _changed(lambda a, b: (N_TRAINING * a, N_VALIDATION * b)),
        ),
        Slip(
            "fitted-on-validation",
            "Your mixtures have seen the validation codes: fit to the training codes only.",
            _otherwise("validation"),
        ),
        *(
            Slip(
                f"{covariance}-covariances",
                f"Your mixtures have {covariance} covariances: leave covariance_type as it is, "
                "full.",
                _otherwise("training", covariance),
            )
            for covariance in ("diag", "spherical", "tied")
        ),
    ),
    noisy="In the row for {row} your {column} is nearly right, but another start of EM does not "
    "explain the difference.",
)
HINTS = TABLE.hints | {
    "no-choice": "There is no choice yet: name one of the sizes.",
    "no-size": "Your choice is none of the sizes 1, 2, 5, 10, 20 and 40.",
    "by-training": "You chose by the training column, which rises with every Gaussian: choose "
    "by the codes that no mixture was fitted to.",
    "not-the-best": "Another size than the one you chose has the highest validation value of "
    "your table.",
}


def _examine(answer: Any) -> None:
    given = read_dictionary(answer, ("table", "choice"))
    table = TABLE.examine(given["table"])
    if is_open(given["choice"]):
        raise Fault(HINTS["no-choice"])
    choice = read_number(given["choice"], "choice")
    if choice not in SIZES:
        raise Fault(HINTS["no-size"])
    if choice == max(SIZES):
        raise Fault(HINTS["by-training"])
    # in the student's own table: the start of EM may decide which size is the best
    if table[choice][1] < max(validation for _, validation in table.values()):
        raise Fault(HINTS["not-the-best"])


@check(HINTS)
def size_of_a_mixture(answer: Any) -> Verdict:
    """Check {"table": ., "choice": .} for `codes_to_fit()`: size -> (training, validation)."""
    return deliver("size_of_a_mixture", lambda: _examine(answer))
