"""The explorer that a training run leaves, opened as its reader opens it."""

import pytest
import torch
from explorer_page import explorers, picture, values
from playwright.sync_api import expect

from vae_teach import data
from vae_teach.data.shapes import draw_shapes, write_folder
from vae_teach.runs.own import Plan, train_run
from vae_teach.training.checkpoint import load_model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on sixty coloured pictures: its folder, and the test pictures."""
    root = tmp_path_factory.mktemp("run")
    g = torch.Generator().manual_seed(0)
    folder = write_folder(root / "shapes", draw_shapes(60, generator=g), generator=g)
    for broken in folder.rglob("broken*"):
        broken.unlink()
    dataset = data.load(f"images:{folder}", size=10, channels=3)
    plan = Plan(hidden=(16,), latent_dim=5, epochs=20, batch_size=8)
    train_run(dataset, root / "out", plan, device="cpu", progress=False)
    return root / "out", dataset.test.images


def test_it_starts_at_a_test_picture_on_the_busiest_latents(open_page, run):
    """Fails if it opens on z = 0, or on two latents that say less than another."""
    out, test = run
    explorer = explorers(open_page(out / "explorer.html"))
    model = load_model(out / "model.safetensors")
    with torch.no_grad():
        codes = model.encode(test)[0]
        red = 255 * model.mean_image(codes[:1]).view(3, 100)[0]
    assert values(explorer) == pytest.approx(codes[0].tolist(), abs=0.006)
    assert picture(explorer) == pytest.approx(red.tolist(), abs=2)
    busiest = sorted(codes.var(dim=0).topk(2).indices.tolist())
    assert busiest != [0, 1]  # else the next lines would show nothing
    for axis, latent in zip(("Across", "Up"), busiest, strict=True):
        expect(explorer.get_by_label(axis, exact=True)).to_have_value(str(latent))


def test_it_offers_the_test_pictures(open_page, run):
    out, test = run
    explorer = explorers(open_page(out / "explorer.html"))
    buttons = explorer.get_by_role("group", name="Test pictures").get_by_role("button")
    assert buttons.count() == min(10, len(test))
    before = values(explorer)
    buttons.nth(1).click()
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    assert values(explorer) != before
