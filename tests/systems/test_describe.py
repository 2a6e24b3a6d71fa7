"""What a preset is said to be, against the numbers of its source's own files."""

import dataclasses

import pytest
import torch

from vae_teach.__main__ import main
from vae_teach.systems.describe import REDUCED, SIGMA, TOLD, TREATED, describe
from vae_teach.systems.presets import CONDITIONS, REDUCTIONS
from vae_teach.systems.table import PRESETS

# (what, how) as the sources' code has it; read there, not here.
FACTS = {
    "ffl50": {
        "trunk": "784 – 500 elu – 500 elu (643,000 parameters)",
        "head of the mean": "500 – 50 (25,050 parameters)",
        "second head": "500 – 50 (25,050 parameters)",
        "decoder": "50 – 500 elu – 500 elu – 784 (668,784 parameters)",
        "parameters": "1,361,884",
        "scale": "the second head is log σ",
        "cost": "cross-entropy + KL + 1e-05 Σ w²/2 over the weights, not the biases",
        "over the batch": "summed over the pixels, mean over the batch",
        "first weights": "N(0, 2 / fan_in), biases 0",
        "connections": "while training each is kept with probability 0.9, in every layer "
        "(DropConnect)",
        "optimizer": "Adam: learning rate 0.001, β₁ and β₂ 0.9 and 0.999, ε 1e-08, the penalty "
        "inside the gradient, each element of the gradient cut to ±5",
        "batch": "128 pictures",
        "length": "20,000 steps, 46.51 epochs",
        "pictures of MNIST": "55,000 for training, 5,000 held out, 10,000 for the test",
    },
    "ffl2": {
        "head of the mean": "500 – 2 (1,002 parameters)",
        "parameters": "1,289,788",
        "optimizer": "Adam: learning rate 0.0005, β₁ and β₂ 0.9 and 0.999, ε 1e-08, the penalty "
        "inside the gradient, each element of the gradient cut to ±5",
        "length": "2,000 steps, 4.651 epochs",
    },
    "mathybit": {
        "decoder": "30 – 320 relu – 784 (261,584 parameters)",
        "scale": "the second head is σ itself, of either sign",
        "cost": "squared error + KL",
        "optimizer": "Adam: learning rate 0.001, β₁ and β₂ 0.9 and 0.999, ε 1e-07",
        "length": "12,000 steps, 50 epochs",
        "pictures of MNIST": "60,000 for training, 10,000 for the test",
    },
    "mathybit-logvar": {
        "scale": "the second head is log σ²",
        "parameters": "472,894",
        "length": "12,000 steps, 50 epochs",
        "batch": "250 pictures",
    },
    "mathybit-ae": {
        "optimizer": "Adam: learning rate 0.001, β₁ and β₂ 0.9 and 0.999, ε 1e-07",
        "batch": "200 pictures",
        "length": "15,000 steps, 50 epochs",
        "encoder": "784 – 250 relu – 16 tanh (200,266 parameters)",
        "over the batch": "mean over the pixels and the batch",
    },
    "mathybit-conv-ae": {
        "encoder": "28×28×1 – convolution 5×5×4 relu – largest of 2×2 – convolution 5×5×8 relu – "
        "largest of 2×2 – flat – 150 relu – 16 tanh (62,278 parameters)",
        "decoder": "16 – 120 relu – 320 relu – 784 relu – 7×7×16 – enlarged 2 times – "
        "convolution 5×5×8 relu – enlarged 2 times – convolution 6×6×4 relu – "
        "convolution 7×7×1 sigmoid – flat (296,985 parameters)",
        "batch": "150 pictures",
        "length": "8,000 steps, 20 epochs",
    },
    "mathybit-cvae": {
        "features": "28×28×1 – convolution 5×5×16 relu – largest of 2×2 – convolution 5×5×32 relu "
        "– largest of 2×2 – flat (13,248 parameters)",
        "dense": "1568 – 250 relu (392,250 parameters)",
        "second head": "250 – 10 (2,510 parameters)",
        "decoder": "20 – 120 relu – 1568 relu – 7×7×32 – enlarged 2 times – convolution 5×5×16 "
        "relu – enlarged 2 times – convolution 5×5×8 relu – convolution 5×5×1 sigmoid – flat "
        "(208,473 parameters)",
        "scale": "the second head is log σ²",
        "told": "the digit, one-hot",
        "batch": "250 pictures",
        "length": "12,000 steps, 50 epochs",
    },
    "doersch": {
        "trunk": "784 – 1000 relu – 500 relu – 250 relu (1,410,750 parameters)",
        "scale": "the second head is log σ",
        "second head reads": "the last hidden layer before its activation",
        "first weights": "N(0, 0.01), each weight kept with probability 15 / outputs, biases 0; "
        "the heads: N(0, 0.01), every weight, biases 0",
        "optimizer": "Adam: learning rate 0.001, β₁ and β₂ 0 and 0.999, ε 1e-08, the penalty "
        "inside the gradient",
        "length": "60,000 steps, 100 epochs",
    },
    "doersch-cvae": {
        "parameters": "3,506,316",
        "tower": "28 – 1000 relu – 500 relu – 250 relu – 250 (717,500 parameters)",
        "second head": "250 – 30 (7,530 parameters)",
        "second head reads": "the last hidden layer before its activation",
        "first weights": "N(0, 0.01), each weight kept with probability 15 / outputs, biases 0; "
        "250 – 250 and the heads: N(0, 0.01), every weight, biases 0",
        "cost": "cross-entropy + KL + 0.0005 Σ w²/2 over the weights, not the biases",
        "batch": "100 pictures",
    },
    "doersch-regressor": {
        "net": "28 – 1000 relu – 500 relu – 250 relu – 250 relu – 500 relu – 1000 relu – 756 "
        "(2,100,756 parameters)",
        "cost": "cross-entropy + 0.0005 Σ w²/2 over the weights, not the biases",
        "first weights": "N(0, 0.01), each weight kept with probability 15 / outputs, biases 0; "
        "250 – 250: N(0, 0.01), every weight, biases 0",
    },
    "altosaar2": {
        "scale": "σ is the softplus of the second head, plus 10⁻⁶",
        "optimizer": "RMSpropTF: learning rate 0.001, decay of the mean square 0.9, ε 1e-10",
        "pixels": "1 where the grey level is above 0.5",
        "batch": "64 pictures",
        "length": "1,000 steps, 1.163 epochs",
        "pictures of MNIST": "55,000 for training, 5,000 held out, 10,000 for the test",
    },
    "altosaar-tf": {
        "trunk": "784 – 200 relu – 200 relu (197,200 parameters)",
        "parameters": "455,384",
        "scale": "σ is the softplus of the second head",
        "KL": "in closed form",
        "batch": "64 pictures",
        "over the batch": "summed over the pixels and over the batch",
        "pixels": "1 with the grey level as probability, drawn once",
        "pictures of MNIST": "50,000 for training, 10,000 held out, 10,000 for the test",
    },
    "altosaar-mf": {
        "KL": "log q(z|x) − log p(z) at the draw",
        "over the batch": "summed over the pixels and over the batch",
        "optimizer": "RMSprop: learning rate 0.001, decay of the mean square 0.99, momentum 0, "
        "ε 1e-08, centered true",
        "pictures of MNIST": "50,000 for training, 10,000 held out, 10,000 for the test",
    },
    "altosaar-iaf": {
        "posterior": "context 256 – 128; 2 autoregressive steps, the order reversed between them, "
        "each a masked network 128 – 256 – 256 – 256 that reads the context (427,904 parameters)",
        "length": "until the bound on the pictures held out, taken after the first step and every "
        "10,000 from it on, has not been better 6 times in a row; then the best weights are "
        "evaluated; at most 300,000 steps",
    },
    "lazy": {
        "first weights": "N(0, 4 / fan_in), sqrt(2) times He's, biases 0",
        "length": "19,710 steps, 30 epochs",
        "pictures of MNIST": "42,000 for training, 10,000 for the test",
    },
    "lazy2": {
        "trunk": "784 – 200 relu – 100 relu (177,100 parameters)",
        "decoder": "2 – 100 relu – 200 relu – 784 (178,084 parameters)",
        "parameters": "355,588",
    },
    "lazy-theano": {
        "first weights": "N(0, 2 / fan_in), biases 0",
        "optimizer": "RMSpropTF: learning rate 0.001, decay of the mean square 0.9, ε 1e-10",
    },
    "lazy-ae": {"first weights": "N(0, 2 / fan_out), biases 0", "cost": "cross entropy"},
    "burda1": {"pixels": "1 with the grey level as probability, drawn anew at every pass"},
}


def test_every_system_has_facts():
    assert set(FACTS) == set(PRESETS)


@pytest.mark.parametrize("name", FACTS)
def test_a_preset_is_described_as_its_source_has_it(name):
    """A reader with the source open looks for a number and finds another, or none."""
    told = dict(describe(PRESETS[name]))
    assert {what: told.get(what) for what in FACTS[name]} == FACTS[name]


def test_what_a_system_has_not_is_left_out():
    told = dict(describe(PRESETS["mathybit-ae"]))
    assert not {"scale", "KL", "connections", "told"} & told.keys()
    assert "learning rate by stage" in dict(describe(PRESETS["burda1"]))


@pytest.mark.parametrize(
    ("posterior", "told"),
    [
        ({"name": "gaussian"}, "in closed form"),
        ({"name": "gaussian", "sampled_kl": True}, "log q(z|x) − log p(z) at the draw"),
        ({"name": "full"}, "in closed form"),
        ({"name": "mixture"}, "log q(z|x) − log p(z) at the draw"),
        ({"name": "flow"}, "log q(z|x) − log p(z) at the draw"),
    ],
)
def test_how_the_kl_is_taken_is_what_training_does(posterior, told):
    """A mixture's was called closed, because its name was not known to be of a sampled one."""
    posterior = posterior | {"positive": "half-logvar"}
    like = PRESETS["altosaar-mf"]
    preset = dataclasses.replace(
        like, model=(like.model[0], like.model[1] | {"posterior": posterior})
    )
    assert dict(describe(preset))["KL"] == told
    model = preset.build(0)
    heads, eps = model.heads(torch.zeros(1, 784)), torch.zeros(2, 1, model.latent_dim)
    _, kl = model.posterior.draw_with_kl(heads, eps)
    assert (kl.shape == (1,)) == (told == "in closed form")  # of both draws together, or of each


def test_every_choice_has_its_words():
    """A preset with a new reduction, treatment or scale would stop the page."""
    assert (set(REDUCED), set(TOLD)) == (set(REDUCTIONS), set(CONDITIONS))
    for preset in PRESETS.values():
        assert preset.treatment in TREATED
        posterior = preset.model[1].get("posterior")
        assert posterior is None or posterior["positive"] in SIGMA
        assert all(what and value for what, value in describe(preset))


def test_the_command_shows_a_preset_and_trains_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "altosaar-mf", "--show"]) == 0
    shown = capsys.readouterr().out
    for what, value in describe(PRESETS["altosaar-mf"]):
        assert what in shown and value in shown
    assert "-103.31: the repository's README, step 65,000" in shown
    assert not [*tmp_path.iterdir()]
