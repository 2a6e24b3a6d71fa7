"""The page that maps the sources' calls to ours names things that exist, and files load alone."""

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import vae_teach
from vae_teach import evaluate
from vae_teach.maths import walks
from vae_teach.systems.table import PRESETS
from vae_teach.training.checkpoint import save_checkpoint
from vae_teach.training.history import History

PAGE = (Path(__file__).parents[2] / "book" / "api_map.md").read_text("utf-8")
FOLDERS = "evaluate|plots|models|data|maths|systems|training"
NAMES = sorted(set(re.findall(rf"`[^`\n]*?\b((?:{FOLDERS})(?:\.[A-Za-z_]\w*)+)", PAGE)))
# What a reader who knows a source's code would look for.
OLD_CALLS = [
    "VAE(architecture", "encode(x)", "decode(zs)", "vae(x)", "train(X", "max_iter", "saver",
    "meta_graph", "crossEntropy", "l1_loss", "kullbackLeibler", "composeAll", "get_mnist",
    "plotSubset", "plotInLatent", "exploreLatent", "interpolate", "justMNIST", "morph",
    "sampling(args)", "random_batch", "combine_images", "plot_image", "reset_graph", ".h5",
    "start_fresh", "prototxt", "imtile", "Model.forward(z, x)", "Variational*.forward",
    "BernoulliLogProb", "evaluate(n_samples", "YAML", ".amat", "DenseLayer", "transform",
    "prior_predictive_with_input", "posterior_predictive_sample", "prior_predictive_sample_with",
    "Generate another?", "util.get_mnist(limit)",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_the_page_exists(name):
    assert pkgutil.resolve_name(f"vae_teach.{name}") is not None


def test_the_page_answers_for_every_old_call():
    assert len(NAMES) > 30
    assert [call for call in OLD_CALLS if call not in PAGE] == []
    assert all(hasattr(vae_teach, name) for name in ("VAE", "fit", "Bernoulli", "reparameterize"))


def test_a_morph_through_the_digits_can_be_decoded_frame_by_frame():
    """For any number of latents, and the ends are the two reconstructions."""
    model = vae_teach.VAE(12, (8,), 5, (8,), seed=0).eval()
    x = torch.rand(20, 12, generator=torch.Generator().manual_seed(0))
    codes = evaluate.transform(model, x)
    stops = codes[walks.one_of_each(torch.arange(20) % 10)]
    film = evaluate.prior_predictive_at(model, walks.morph(stops))
    assert film.shape == (100, 12)
    strip = evaluate.prior_predictive_at(model, walks.interpolate(codes[3], codes[7], 20))
    ends = model.reconstruct(x[[3, 7]]).detach()
    torch.testing.assert_close(strip[[0, -1]], ends)


@pytest.mark.processes
def test_a_sources_model_loads_where_only_the_checkpoint_module_is_imported(tmp_path):
    """Classes that live outside `models` must be known after a plain `import vae_teach`."""
    path = tmp_path / "flow.safetensors"
    save_checkpoint(path, PRESETS["altosaar-iaf"].build(0), history=History(), settings={})
    code = (
        "import sys; from vae_teach.training.checkpoint import load_model; "
        "print(type(load_model(sys.argv[1]).posterior).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("FlowPosterior", 0), done.stderr
