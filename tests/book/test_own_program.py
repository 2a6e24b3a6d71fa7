"""The program that chapter 7 gives a student to take along, as one listing and as its cells."""

import re

import nbformat
import pytest
import torch
from chapters import CHAPTERS

from vae_teach import VAE, fit

CHAPTER = next(path for path in CHAPTERS if path.stem.endswith("_vae") and "cvae" not in path.stem)
CELLS = nbformat.read(CHAPTER, as_version=4).cells
MOST_LINES = 45


def listing() -> str:
    """The one listing among the chapter's texts."""
    found = [
        match[1]
        for cell in CELLS
        if cell.cell_type == "markdown"
        for match in re.finditer(r"```python\n(.*?)\n```", cell.source, re.DOTALL)
    ]
    assert len(found) == 1
    return found[0]


def cell_with(name: str) -> str:
    return next(c.source for c in CELLS if c.cell_type == "code" and c.source.startswith(name))


def test_the_listing_is_what_the_cells_define():
    """Fails if a cell was changed and the listing still shows the old one."""
    for part in listing().split("\n\n\n")[1:]:
        head = part.splitlines()[0]
        assert cell_with(head).split("\n\n\n")[0] == part


def test_the_listing_is_short_and_needs_pytorch_alone():
    """Fails for a program that grows, or that a student cannot run without the kit."""
    lines = [line for line in listing().splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if "import" in line] == ["import torch", "from torch import nn"]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_listing_trains_as_the_kit_does(seed):
    """Fails for another layer, term, batch or noise than the kit's: the chapter says they agree."""
    names: dict = {}
    exec(listing(), names)
    images = torch.rand(200, 784, generator=torch.Generator().manual_seed(seed))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        own = names["MyVAE"](hidden=32, latent=4)
    kit = VAE(784, (32,), 4, (32,), seed=seed)
    course = names["train_vae"](own, images, epochs=3, batch_size=50)
    history = fit(kit, images, epochs=3, batch_size=50, device="cpu", progress=False)
    for name, weight in own.state_dict().items():
        torch.testing.assert_close(weight, kit.state_dict()[name], rtol=1e-4, atol=1e-5)
    last = torch.tensor(course[-4:]).mean(0)
    for value, term in zip(last, ("reconstruction", "kl"), strict=True):
        assert value == pytest.approx(history.last[f"train_{term}"], rel=1e-5)
