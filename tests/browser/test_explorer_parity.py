"""The browser's decoder against PyTorch: the same picture, to 2/255 a pixel."""

from types import SimpleNamespace

import pytest
import torch
from explorer_page import contrasty_vae, picture, render_with_model
from torch import nn

from vae_teach.widgets import LatentExplorer

pytestmark = pytest.mark.browser


def deep_model() -> SimpleNamespace:
    """Every other activation in one decoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(5, 60), nn.ELU(), nn.Linear(60, 60), nn.Softplus()]
        layers += [nn.Linear(60, 60), nn.Tanh(), nn.Linear(60, 784)]
        decoder = nn.Sequential(*layers)
    with torch.no_grad():
        for layer in decoder[::2]:
            layer.weight.mul_(3)
    return SimpleNamespace(decoder=decoder)


MODELS = {
    "2-400-784": lambda: contrasty_vae(2, hidden=400),
    "20-400-784": lambda: contrasty_vae(20, hidden=400),
    "5-60-60-60-784 with elu, softplus and tanh": deep_model,
}


@pytest.mark.parametrize("name", MODELS)
def test_64_codes_give_the_pictures_that_pytorch_gives(open_page, tmp_path, name):
    """From float16 weights to canvas pixels, in the real browser.

    Fails if weights are read column by column, a bias is misplaced, an activation is another one,
    or the picture is upside down.
    """
    model = MODELS[name]()
    latent_dim = model.decoder[0].in_features
    z = torch.randn(64, latent_dim, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = 255 * model.decoder(z).sigmoid()
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html><meta charset=utf-8><title>t</title>")
    page = open_page(blank)
    explorer = render_with_model(page, LatentExplorer.from_model(model, ink="white"))
    shown = []
    for code in z.tolist():
        page.evaluate("z => model.set('z', z)", code)
        shown.append(picture(explorer))
    gap = (torch.tensor(shown) - expected).abs().max()
    assert gap <= 2, f"a pixel is off by {gap:.2f} of 255"
    assert expected.std(dim=0).mean() > 30  # the test has power: the pictures depend on z
