"""The README's example gives the values that it prints."""

import doctest
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_prints_what_it_says():
    """Fails for a name that moved and for a number that changed."""
    text = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0)
    result = doctest.DocTestRunner().run(test)
    assert (result.attempted, result.failed) == (7, 0)
