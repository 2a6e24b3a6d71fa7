"""The widgets' JavaScript under Node: its own tests, and agreement with PyTorch."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

from vae_teach.models import VAE
from vae_teach.widgets import LatentExplorer
from vae_teach.widgets.parts.bundle import bundle

ROOT = Path(__file__).parents[2]
JS = ROOT / "tests" / "js"

NODE = shutil.which("node")
REASON = "the JavaScript tests need Node 20 or newer: install it from your package manager"

if NODE is None and not os.environ.get("CI"):
    pytest.skip(REASON, allow_module_level=True)  # one line for a user; CI fails below


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> Path:
    """Every module under vae_teach/widgets as it ships, at its path in the project."""
    folder = tmp_path_factory.mktemp("bundles")
    for path in (ROOT / "vae_teach" / "widgets").rglob("*.js"):
        packed = folder / path.relative_to(ROOT)
        packed.parent.mkdir(parents=True, exist_ok=True)
        packed.write_text(bundle(path), encoding="utf-8")
    return folder


@pytest.fixture
def run_node(bundles):
    """A function that runs Node with these arguments; tests/js/load.mjs finds the bundles."""

    def run_node(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
        assert NODE is not None, REASON
        return subprocess.run(
            [NODE, *arguments], input=text, capture_output=True, text=True, timeout=120,
            check=False, env={**os.environ, "VAE_TEACH_BUNDLES": str(bundles)},
        )  # fmt: skip

    return run_node


def test_javascript_suite(run_node):
    """Everything under tests/js passes, and there is something there."""
    files = sorted(str(file) for file in JS.glob("*.test.mjs"))
    result = run_node("--test", *files)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "# tests 0" not in result.stdout


@pytest.mark.parametrize("latent_dim", [2, 20])
def test_node_decodes_as_pytorch_does(latent_dim, tmp_path, run_node):
    """64 codes through the exported page's decoder, to 2/255 a pixel.

    Fails if weights are read column by column, a bias is misplaced or the bytes are swapped.
    """
    model = contrasty_vae(latent_dim)
    page = LatentExplorer.from_model(model).to_html(tmp_path / "page.html")
    z = torch.randn(64, latent_dim, generator=torch.Generator().manual_seed(1))
    result = run_node(str(JS / "decode.mjs"), str(page), text=json.dumps(z.tolist()))
    assert result.returncode == 0, result.stderr
    pixels = torch.tensor(json.loads(result.stdout))
    with torch.no_grad():
        expected = model.mean_image(z)
    assert expected.std(dim=0).mean() > 0.2  # the test has power: pictures depend on z
    assert (pixels - expected).abs().max() <= 2 / 255


def contrasty_vae(latent_dim: int) -> VAE:
    """A VAE whose pictures are as black and white as a trained one's, without training."""
    model = VAE(latent_dim=latent_dim, seed=0)
    with torch.no_grad():
        for layer in model.decoder:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(3)
    return model
