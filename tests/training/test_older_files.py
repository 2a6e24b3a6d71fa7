"""Checkpoints from before a VAE had a posterior: their weights, their numbers, going on."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from vae_teach.models import build_model
from vae_teach.training.checkpoint import fingerprint, load_model, restore, save_checkpoint
from vae_teach.training.history import History
from vae_teach.training.older_files import as_of_today

SMALL = {
    "n_pixels": 12, "encoder_hidden": [5], "latent_dim": 2, "decoder_hidden": [5],
    "activation": "relu", "likelihood": "bernoulli",
}  # fmt: skip
SOURCE = {"initialization": "torch", "heads_initialization": None, "scale_head": "after"}
SOFTPLUS = {"positive": "softplus", "initial_sigma": None}
# What the classes of then made of seed 0: their config, the checksum of their weights by the names
# of then, and the ELBO of two pictures.
OF_THEN = {
    "PositiveVAE": (
        SMALL | {"positive": "exp", "initial_sigma": 0.5},
        "75b373fc445d7b81ee6868667fa8ac62422719c5ea687166f9627755b78348f5",
        [-9.127547264099121, -9.960041046142578],
    ),
    "SourceVAE": (
        SMALL | SOFTPLUS | SOURCE | {"keep": 0.9, "kl": "sampled"},
        "2824beb78a6a81a3823fb8e4a49613167b3fa03dd53fa4ee53b281c821a5cd31",
        [-9.11539077758789, -9.526179313659668],
    ),
    "FlowVAE": (
        SMALL | SOFTPLUS | SOURCE | {"keep": 1.0, "depth": 2, "flow_hidden": 6},
        "807a0d1adefb43a5187c3117b6d68496b1a9311ddf96d1e8ab4575f148d4c007",
        [-9.416719436645508, -9.465963363647461],
    ),
}


def of_then(tensors):
    return {name.replace("posterior.", ""): tensor for name, tensor in tensors.items()}


def built(name):
    """The model of today that stands for one of then, from seed 0."""
    head, _ = as_of_today({"model": name, "config": OF_THEN[name][0], "settings": {}}, {})
    return build_model(head["model"], head["config"] | {"seed": 0})


def written(name, path):
    """A checkpoint after one step, as the classes of then wrote it; returns model and optimizer."""
    model = built(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    elbo(model).sum().neg().backward()
    optimizer.step()
    best = model.state_dict()
    save_checkpoint(path, model, history=History(), settings={}, optimizer=optimizer, best=best)
    with safe_open(path, framework="pt") as file:
        head = json.loads(file.metadata()["vae_teach"])
        tensors = of_then({key: file.get_tensor(key) for key in file.keys()})
    text = json.dumps(head | {"model": name, "config": OF_THEN[name][0]})
    path.write_bytes(save(tensors, {"vae_teach": text, "sha256": fingerprint(tensors, text)}))
    return model, optimizer


def elbo(model):
    x, eps = torch.linspace(0, 1, 24).view(2, 12), torch.tensor([[0.5, -1.0], [0.25, 2.0]])
    return model.elbo(x, eps).value


@pytest.mark.parametrize("name", OF_THEN)
def test_a_seed_gives_the_weights_and_the_bound_that_it_gave(name):
    """A flow drawn before the trunk, or from its seed, changed every number of a preset."""
    model, (_, checksum, bound) = built(name), OF_THEN[name]
    assert fingerprint(of_then(model.state_dict())) == checksum
    torch.testing.assert_close(elbo(model).detach(), torch.tensor(bound), rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", OF_THEN)
def test_a_file_of_then_is_read(name, tmp_path):
    """Names of classes and tensors that are gone made a reader's file unreadable."""
    model, _ = written(name, tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.config == model.config and type(again) is type(model)
    assert torch.equal(elbo(again.train(False)), elbo(model.train(False)))


@pytest.mark.parametrize("name", OF_THEN)
def test_a_run_of_then_is_gone_on_with(name, tmp_path):
    """Moments of Adam handed to another parameter, or settings that seem to differ."""
    model, optimizer = written(name, tmp_path / "m.safetensors")
    fresh = built(name)
    adam = torch.optim.Adam(fresh.parameters(), lr=0.01)
    _, best = restore(tmp_path / "m.safetensors", fresh, adam, {})
    assert best.keys() == model.state_dict().keys()
    for net, steps in ((model, optimizer), (fresh, adam)):
        steps.zero_grad()
        elbo(net).sum().neg().backward()
        steps.step()
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("name", "weights", "scale", "left"),
    [
        ("FlowVAE", {"reconstruction": 128.0, "kl": 128.0}, 128.0, {}),
        ("SourceAutoencoder", {"squared_error": 1 / 784}, 1 / 784, {}),
        ("SourceVAE", {}, 1.0, {}),
        ("SourceVAE", {"reconstruction": 1.0, "kl": 4.0}, 1.0, {"reconstruction": 1.0, "kl": 4.0}),
        ("VAE", {"kl": 4.0}, 1.0, {"kl": 4.0}),  # a reader's own beta
    ],
)
def test_the_reduction_of_a_preset_was_a_weight_for_every_term(name, weights, scale, left):
    """A stopped run of a preset that sums over the batch could not be gone on with."""
    head = {"model": name, "config": {}, "settings": {"weights": weights}}
    assert as_of_today(head, {})[0]["settings"] == {"weights": left, "scale": scale}
    head["settings"] = {"weights": {"reconstruction": 2.0, "kl": 2.0}, "scale": 1.0}
    assert as_of_today(head, {})[0] == head  # of today: it says its scale itself


def test_a_file_of_today_is_left_as_it_is():
    head = {"model": "SourceVAE", "config": built("SourceVAE").config, "settings": {}}
    tensors = {"model/steps.0": torch.zeros(1)}
    assert as_of_today(head, tensors) == (head, tensors)
