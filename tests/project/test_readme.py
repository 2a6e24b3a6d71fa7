"""The README: its example gives the values that it prints, its table names every folder."""

import doctest
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("README.md", "Makefile")


def test_the_example_prints_what_it_says():
    """Fails for a name that moved and for a number that changed."""
    text = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0)
    result = doctest.DocTestRunner().run(test)
    assert (result.attempted, result.failed) == (7, 0)


def test_tests_without_make_are_shared_out_as_with_it():
    """A Makefile that has learned a better way, beside a README that tells the old one."""
    ways = [set(re.findall(r"--dist \w+", (ROOT / f).read_text("utf-8"))) for f in FILES]
    assert ways[0] == ways[1] and len(ways[0]) == 1


def test_the_readme_names_every_folder_of_the_package():
    """A folder that was added, renamed or removed without the table of the README."""
    table = (ROOT / "README.md").read_text("utf-8").split("| folder | holds |")[1]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    folders = [init.parent.name for init in (ROOT / "vae_teach").glob("*/__init__.py")]
    assert sorted(named) == sorted(folders)
