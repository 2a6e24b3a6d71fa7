"""Asymmetric numeral systems: a stack of symbols that is one natural number.

A table of N symbols is a tuple of N + 1 whole numbers, 0 = t_0 < t_1 < ... < t_N: symbol i has the
places t_i to t_{i+1} - 1, so its probability is its share of the t_N places. `push` and `pop` undo
each other for every number and every table, exactly. To push a symbol of probability p multiplies
the number by 1 / p, to one place, so it makes the number log2(1 / p) bits longer.

Source: Duda 2009, arXiv:0902.0271. Programs that code files keep the number within a machine word
and write bytes out as it grows; Python's numbers have no largest, so that is left out here.
"""

from bisect import bisect_right
from collections.abc import Sequence

import torch
from torch import Tensor

from vae_teach.validation import require_count, require_floats

Table = tuple[int, ...]
PLACES = 2**27  # of a table: a probability is rounded to about 1e-8


def push(number: int, symbol: int, table: Sequence[int]) -> int:
    """The number with one symbol more, log2(places / width) bits longer."""
    whole, rest = divmod(number, table[symbol + 1] - table[symbol])
    return whole * table[-1] + table[symbol] + rest


def pop(number: int, table: Sequence[int]) -> tuple[int, int]:
    """The symbol that was pushed last, and the number before it was."""
    whole, place = divmod(number, table[-1])
    symbol = bisect_right(table, place) - 1
    return symbol, whole * (table[symbol + 1] - table[symbol]) + place - table[symbol]


def table_of(cumulative: Tensor, places: int = PLACES) -> list[Table]:
    """Tables for distributions that are given by their cumulative probabilities.

    Args:
        cumulative: (..., N + 1), rising from 0 to 1 along the last axis, float64.
        places: of each table. Every symbol gets one place, however improbable it is, and its share
            of the rest.

    Returns:
        One table for each row.

    Raises:
        ValueError: if the cumulative probabilities fall, or there are fewer places than symbols.
    """
    require_floats(cumulative, "cumulative", 0, 1)
    n = cumulative.shape[-1] - 1
    require_count(places, "places", n, 2**52)
    if (cumulative.diff(dim=-1) < 0).any():
        raise ValueError("cumulative must not fall along its last axis, but it does")
    if (cumulative[..., 0] != 0).any() or (cumulative[..., -1] != 1).any():
        ends = cumulative[..., 0].max().item(), cumulative[..., -1].min().item()
        raise ValueError(f"cumulative must go from 0 to 1, but it goes from {ends[0]} to {ends[1]}")
    ones = torch.arange(n + 1, device=cumulative.device)
    counts = (cumulative.double() * (places - n)).floor().long() + ones
    return [tuple(row) for row in counts.flatten(0, -2).tolist()]
