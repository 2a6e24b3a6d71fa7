"""Symbols on a number and off it again, and how long the number gets."""

import itertools
import math
import random

import pytest
import torch

from vae_teach.coding.ans import pop, push, table_of

TABLE = (0, 1, 6, 8)  # probabilities 1/8, 5/8, 2/8


def test_pop_gives_back_what_was_pushed_last():
    """A wrong remainder, or a symbol looked up one place off: any number, any order of symbols."""
    draw = random.Random(0)
    for _ in range(300):
        start = draw.getrandbits(draw.choice((0, 1, 5, 64, 900)))
        symbols = [draw.randrange(3) for _ in range(20)]
        number = start
        for symbol in symbols:
            number = push(number, symbol, TABLE)
        for symbol in reversed(symbols):
            found, number = pop(number, TABLE)
            assert found == symbol
        assert number == start


def test_push_gives_back_what_was_popped():
    """The other way round, on which bits back rests: a message drawn from is not lost."""
    for number in range(5_000):
        symbol, rest = pop(number, TABLE)
        assert push(rest, symbol, TABLE) == number


def test_a_symbol_costs_its_surprise():
    """A table read by its starts in place of its widths is lossless too, and too long."""
    draw = random.Random(1)
    symbols = draw.choices(range(3), weights=(1, 5, 2), k=5_000)
    number = 2**64  # of a small number the rounding to whole places is no small part
    for symbol in symbols:
        number = push(number, symbol, TABLE)
    surprise = sum(-math.log2((TABLE[s + 1] - TABLE[s]) / 8) for s in symbols)
    assert number.bit_length() - 65 == pytest.approx(surprise, abs=1)


def test_a_popped_symbol_has_the_tables_frequencies():
    """The posterior is drawn so: a table that is shifted by one place would be biased."""
    number, counts = random.Random(2).getrandbits(60_000), [0, 0, 0]
    for _ in range(20_000):
        symbol, number = pop(number, TABLE)
        counts[symbol] += 1
    shares = torch.tensor(counts) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0.125, 0.625, 0.25]), atol=0.015, rtol=0)


def test_a_table_holds_the_probabilities_and_forgets_no_symbol():
    """A symbol without a place could not be coded at all."""
    (table,) = table_of(torch.tensor([[0, 0.5, 0.5, 0.5 + 1e-15, 1.0]], dtype=torch.float64))
    widths = [b - a for a, b in itertools.pairwise(table)]
    assert min(widths) == 1 and table[0] == 0
    assert widths[0] / table[-1] == pytest.approx(0.5, abs=1e-7)


@pytest.mark.parametrize(
    ("cumulative", "places", "said"),
    [
        ([0, 0.6, 0.5, 1.0], 100, "must not fall"),
        ([0.1, 0.6, 1.0], 100, "go from 0 to 1"),
        ([0, 0.6, 0.9], 100, "go from 0 to 1"),
        ([0, math.nan, 1.0], 100, "NaN"),
        ([0, 0.3, 0.6, 1.0], 2, "at least 3|from 3"),
    ],
)
def test_what_is_no_distribution_makes_no_table(cumulative, places, said):
    with pytest.raises(ValueError, match=said):
        table_of(torch.tensor([cumulative], dtype=torch.float64), places)
