"""The README's example gives the values that it prints."""

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_prints_what_it_says():
    """Fails for a name that moved and for a number that changed."""
    flags = doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=flags)
    assert result.attempted == 7 and result.failed == 0
