"""Chapter 1's shares of digit-like pictures: what the text says of MNIST, and a run of its cells.

What the chapter prints on the package's own digits is compared by its conclusion cells.
"""

import re

import nbformat
import pytest
from chapters import CHAPTERS
from data_tools import REAL_MNIST, needs_mnist

ROWS = {
    r"(\d+) to (\d+) % for the VAE's prior": ("VAE, its prior",),
    r"(\d+) to (\d+) % for one Gaussian": ("autoencoder, 1 Gaussian",),
    r"(\d+) to (\d+) % for a mixture": ("VAE, 50 Gaussians", "autoencoder, 50 Gaussians"),
}
POINTS = 3  # of rounding and of another machine's arithmetic: 1,000 pictures err by 1.5


def chapter():
    """Chapter 1's notebook."""
    (path,) = (path for path in CHAPTERS if path.stem.endswith("_autoencoder"))
    return nbformat.read(path, as_version=4)


def stated(text: str) -> dict[str, tuple[int, int]]:
    """The ranges that the sentence on MNIST gives, in per cent, by the name of the row."""
    (sentence,) = re.findall(r"On MNIST, the same cells give .*", text)
    return {
        name: tuple(map(int, re.search(pattern, sentence).groups()))
        for pattern, names in ROWS.items()
        for name in names
    }


def test_the_text_has_a_range_for_every_row():
    """A sentence that was rewritten, so that the long test below would compare nothing."""
    text = "\n".join(c.source for c in chapter().cells if c.cell_type == "markdown")
    assert stated(text).keys() == {name for names in ROWS.values() for name in names}


@needs_mnist
@pytest.mark.mnist
@pytest.mark.timeout(0)
def test_the_shares_on_mnist_are_those_of_the_text(monkeypatch):
    """Numbers in the text that came from other settings than the cells have now."""
    monkeypatch.setenv("VAE_TEACH_DATA", str(REAL_MNIST))
    monkeypatch.setenv("VAE_TEACH_DATASET", "mnist")
    cells, text, names = chapter().cells, "", {}
    for cell in cells:
        if cell.cell_type == "markdown":
            text += cell.source + "\n"
        elif not {"hide-input", "solution", "conclusion"} & set(cell.metadata.get("tags", [])):
            if "check." not in cell.source and "shares" not in names:
                exec(compile(cell.source, "cell", "exec"), names)
    for name, (low, high) in stated(text).items():
        for share in names["shares"][name]:
            assert low - POINTS <= 100 * share <= high + POINTS, name
