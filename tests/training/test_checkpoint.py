"""Checkpoints: every model comes back, damage is refused by name, and a refusal changes nothing."""

import copy
import importlib
import inspect
import json
import pkgutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

import vae_teach
from vae_teach.models import (
    MODELS,
    VAE,
    Autoencoder,
    ConvVAE,
    CountVAE,
    MixtureDensity,
    build_model,
)
from vae_teach.models.completion import Completer, column_task
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.models.posterior import PosteriorVAE
from vae_teach.systems.conditional import ColumnCVAE, ColumnRegressor, LabelConvCVAE
from vae_teach.systems.convolutional import ConvAutoencoder
from vae_teach.systems.dense import SourceAutoencoder, SourceVAE
from vae_teach.training.checkpoint import (
    fingerprint,
    load_model,
    read_checkpoint,
    read_head,
    restore,
    save_checkpoint,
)
from vae_teach.training.history import History
from vae_teach.training.importance import ImportanceWeighted

SMALL = {"n_pixels": 12, "encoder_hidden": (5,), "latent_dim": 2, "decoder_hidden": (5,)}
EXP = {"name": "gaussian", "positive": "exp", "initial_sigma": 0.5, "sampled_kl": True}
FLOW = {"name": "flow", "depth": 2, "hidden": 6}
EXAMPLES = {
    "Autoencoder": lambda: Autoencoder(**SMALL, seed=0),
    "VAE": lambda: VAE(**SMALL, likelihood={"name": "learned_gaussian"}, seed=0),
    "ConvVAE": lambda: ConvVAE((3, 8, 4), (2, 3), (5,), 2, seed=0),
    "CountVAE": lambda: CountVAE(12, (5,), 3, 4.0, 0.5, seed=0),
    "PosteriorVAE": lambda: PosteriorVAE(**SMALL, posterior=FLOW, seed=0),
    "SourceVAE": lambda: SourceVAE(**SMALL, posterior=EXP, initialization="he-normal", seed=0),
    "SourceAutoencoder": lambda: SourceAutoencoder(**SMALL, error="cross_entropy", seed=0),
    "ConvAutoencoder": lambda: ConvAutoencoder(seed=0),
    "CVAE": lambda: CVAE(12, 3, seed=0),
    "Regressor": lambda: Regressor(12, 3, seed=0),
    "MixtureDensity": lambda: MixtureDensity(12, 3, (5,), 2, pixels="gaussian", seed=0),
    "Completer": lambda: Completer(CVAE(756, 28, seed=0), column_task()),
    "ImportanceWeighted": lambda: ImportanceWeighted(VAE(**SMALL, seed=0), 3),
    "LabelConvCVAE": lambda: LabelConvCVAE(label_in_encoder=True, seed=0),
    "ColumnCVAE": lambda: ColumnCVAE(seed=0),
    "ColumnRegressor": lambda: ColumnRegressor(seed=0),
}


def model(**changes):
    return VAE(**SMALL | changes, seed=0)


def adam(net):
    return torch.optim.Adam(net.parameters(), lr=0.01)


def trained(seed=0):
    """A model and its optimizer after three steps."""
    net = model()
    optimizer = adam(net)
    g = torch.Generator().manual_seed(seed)
    for _ in range(3):
        optimizer.zero_grad()
        terms = net.loss_terms(torch.rand(4, 12, generator=g), generator=g)
        sum(t.mean() for t in terms.values()).backward()
        optimizer.step()
    return net, optimizer


@pytest.fixture
def written(tmp_path):
    net, optimizer = trained()
    path = tmp_path / "run.safetensors"
    history = History([{"epoch": 1, "train_loss": 2.0}])
    save_checkpoint(
        path, net, history=history, settings={"seed": 0}, optimizer=optimizer,
        best=net.state_dict(),
    )  # fmt: skip
    return path


def rewrite(path, change_head=None, change_tensors=None, *, checked=False):
    """Write the file anew with another head or other tensors, by default without a checksum."""
    with safe_open(path, framework="pt") as file:
        head = json.loads(file.metadata()["vae_teach"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    head = change_head(head) if change_head else head
    tensors = change_tensors(tensors) if change_tensors else tensors
    text = head if isinstance(head, str) else json.dumps(head)
    metadata = {"vae_teach": text}
    if checked:
        metadata["sha256"] = fingerprint(tensors, text)
    path.write_bytes(save({k: t.contiguous() for k, t in tensors.items()}, metadata))


def fittable_classes():
    """Every class of the package that `fit` can train: it has `loss_terms`."""
    found = {}
    for module in pkgutil.walk_packages(vae_teach.__path__, "vae_teach."):
        # a check's programs are made to be found out, and not to be kept
        if "__main__" in module.name or module.name.startswith("vae_teach.check."):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and issubclass(value, nn.Module):
                if value.__module__ == module.name and hasattr(value, "loss_terms"):
                    found[name] = value
    del found["ConditionalModel"]  # what the others share; it has no layers and no config
    return found


def test_every_model_that_fit_can_train_can_be_read_back():
    """A class that was never entered could be written and not be read."""
    assert fittable_classes().keys() == MODELS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_from_its_checkpoint_alone(name, tmp_path):
    net, path = EXAMPLES[name](), tmp_path / "m.safetensors"
    save_checkpoint(path, net, history=History(), settings={})
    twin = load_model(path)
    assert type(twin) is type(net)
    assert json.dumps(twin.config) == json.dumps(net.config)
    mine, theirs = net.state_dict(), twin.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert not any(tensor.is_meta for tensor in theirs.values())


# --- damage -------------------------------------------------------------------------------------


def test_every_flipped_bit_is_refused_by_the_files_name(written):
    """One bit of an exponent makes 0.456 a weight of 1.55e38, which no one sees in the numbers."""
    whole, g = written.read_bytes(), torch.Generator().manual_seed(0)
    before = {name: t.clone() for name, t in read_checkpoint(written)[1].items()}
    refused = 0
    for byte in torch.randint(len(whole), (300,), generator=g).tolist():
        for bit in (0, 6):
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << bit
            written.write_bytes(damaged)
            try:
                _, tensors = read_checkpoint(written)
            except ValueError as error:
                assert str(written) in str(error)
                refused += 1
            else:  # in the checksum's own name
                assert all(torch.equal(t, before[name]) for name, t in tensors.items())
    assert refused > 590


def test_a_file_from_before_there_was_a_checksum_is_read(written):
    """Runs of an earlier version can still be looked at and gone on with."""
    rewrite(written)
    net = model()
    history, best = restore(written, net, adam(net), {"seed": 0})
    assert len(history) == 1 and best is not None
    assert isinstance(load_model(written), VAE)


def without(name):
    return lambda values: {key: value for key, value in values.items() if key != name}


def renamed(old, new):
    return lambda tensors: {key.replace(old, new): value for key, value in tensors.items()}


HEADS = {
    "a list": lambda head: [],
    "a number": lambda head: 3,
    "deep": lambda head: "[" * 100_000,
    "no json": lambda head: "{",
    "no history": without("history"),
    "no settings": without("settings"),
    "no model": without("model"),
    "no config": without("config"),
    "history of a number": lambda head: head | {"history": {"records": 3}},
    "history of numbers": lambda head: head | {"history": {"records": [3]}},
    "history of other names": lambda head: head | {"history": {"lines": []}},
    "config of other names": lambda head: head | {"config": {"layers": 3}},
    "config of other types": lambda head: head | {"config": head["config"] | {"latent_dim": "x"}},
    "no optimizer": without("param_groups"),
    "groups of another number": lambda head: head | {"param_groups": []},
    "groups of another kind": lambda head: head | {"param_groups": [3]},
    "groups without lr": lambda head: (
        head | {"param_groups": [without("lr")(g) for g in head["param_groups"]]}
    ),
    "unknown model": lambda head: head | {"model": "GAN"},
}
TENSORS = {
    "model tensor renamed": renamed("model/to_mu.bias", "model/to_nu.bias"),
    "model tensor of another shape": lambda t: t | {"model/to_mu.bias": torch.zeros(7)},
    "model tensor too many": lambda t: t | {"model/more": torch.zeros(7)},
    "best tensor missing": without("best/to_mu.bias"),
    "slot renamed": renamed("exp_avg_sq", "square_avg"),
    "one slot renamed": renamed("optimizer/2/exp_avg_sq", "optimizer/2/square_avg"),
    "slot missing": without("optimizer/2/exp_avg"),
    "slot of another shape": lambda t: t | {"optimizer/2/exp_avg": torch.zeros(7)},
    "slot of no parameter": lambda t: t | {"optimizer/99/exp_avg": torch.zeros(7)},
    "slot of a parameter by name": lambda t: t | {"optimizer/to_mu/exp_avg": torch.zeros(7)},
}


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("kind", [*HEADS, *TENSORS])
def test_a_checkpoint_that_does_not_fit_changes_nothing(written, kind, checked):
    """Loading the weights before the optimizer's state was looked at left a model of both."""
    rewrite(written, HEADS.get(kind), TENSORS.get(kind), checked=checked)
    net, _ = trained(seed=1)
    fresh = adam(net)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    groups = copy.deepcopy(fresh.state_dict()["param_groups"])
    with pytest.raises(ValueError, match=r"run\.safetensors"):
        restore(written, net, fresh, {"seed": 0})
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert fresh.state_dict() == {"state": {}, "param_groups": groups}


LOADS = [*(k for k in HEADS if "group" not in k and k != "no optimizer"), *list(TENSORS)[:3]]


@pytest.mark.parametrize("kind", LOADS)
def test_a_damaged_model_is_refused_by_the_files_name(written, kind):
    rewrite(written, HEADS.get(kind), TENSORS.get(kind))
    with pytest.raises(ValueError, match=r"run\.safetensors"):
        load_model(written)


def test_a_model_larger_than_its_tensors_is_refused_before_it_is_built(written, monkeypatch):
    """A head of two layers of 50,000 took 10 GB and 42 s before it was compared."""
    places = []

    def watched(name, config):
        places.append(torch.get_default_device().type)
        return build_model(name, config)

    monkeypatch.setattr("vae_teach.training.checkpoint.build_model", watched)
    sizes = {"encoder_hidden": [50_000, 50_000]}
    rewrite(written, lambda head: head | {"config": head["config"] | sizes})
    with pytest.raises(ValueError, match=r"\[2, 5\] there, but of shape \[2, 50000\] in the model"):
        load_model(written)
    assert places == ["meta"]


def test_a_head_alone_is_checked_too(written):
    rewrite(written, HEADS["no history"])
    with pytest.raises(ValueError, match="its 'history' is no dict"):
        read_head(written)


# --- what must agree ----------------------------------------------------------------------------


def test_settings_that_differ_are_named_with_both_values(written):
    net = model()
    with pytest.raises(ValueError, match="seed was 0 there, but is 1 now"):
        restore(written, net, adam(net), {"seed": 1})
    with pytest.raises(ValueError, match="data was not noted there, but is 'abc' now"):
        restore(written, net, adam(net), {"seed": 0, "data": "abc"})


def test_the_fingerprint_sees_values_names_types_and_shapes():
    x = torch.arange(6.0)
    ways = [
        {"x": x}, {"y": x}, {"x": x.view(2, 3)}, {"x": x.double()}, {"x": -x},
        {"x": x[:3], "y": x[3:]}, {"x": x.bool()}, {},
    ]  # fmt: skip
    assert len({fingerprint(way) for way in ways} | {fingerprint({}, "text")}) == len(ways) + 1
    assert fingerprint({"a": x, "b": -x}) == fingerprint({"b": -x, "a": x.clone()})
    assert fingerprint({"x": x.view(2, 3).T}) == fingerprint({"x": x.view(2, 3).T.contiguous()})
    assert len(fingerprint({"x": torch.tensor(3.0, dtype=torch.bfloat16)})) == 64
