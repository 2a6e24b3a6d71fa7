"""Tables of the results page against the sources' files, and against the mathematics."""

import pytest
import torch

from vae_teach.maths.gaussian import kl_to_standard_normal, reparameterize
from vae_teach.systems.source_tables import SOURCE_TABLES, doersch_layers, ffl_settings, run_layers
from vae_teach.systems.table import PRESETS, ffl


def blobs(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    mu, logsd, noise = torch.randn(3, 100, 30, generator=g, dtype=dtype)
    return {"mu": mu, "logsd": logsd, "noise": noise}


def test_doerschs_layers_sum_up_to_the_kl_and_draw_z():
    """Block by block, with the weight 1 / batch of the last: nats per picture."""
    given = blobs()
    made = run_layers(given)
    logvar = 2 * given["logsd"]
    per_picture = kl_to_standard_normal(given["mu"], logvar)
    assert torch.allclose(made["kldiv"].sum(dim=1), per_picture, rtol=1e-12)
    assert 0.01 * made["klloss"] == pytest.approx(per_picture.mean().item(), rel=1e-12)
    z = reparameterize(given["mu"], logvar, given["noise"])
    assert torch.allclose(made["sample"], z, rtol=1e-12)


def test_in_the_test_phase_the_sample_is_the_noise():
    """The file gives mu = 0 and sd = 1 then, and has no encoder."""
    noise = blobs()["noise"]
    made = run_layers({"mu": torch.zeros(100, 30), "sd": torch.ones(100, 30), "noise": noise})
    assert torch.equal(made["sample"], noise) and "kldiv" not in made


def test_every_layer_reads_what_is_there():
    _, rows = doersch_layers()
    known = {"mu", "logsd", "noise"}
    for name, _, reads, _ in rows:
        assert set(reads.split(", ")) <= known, name
        known.add(name.strip("`"))


def test_the_defaults_of_fast_forward_labs_are_those_of_its_class():
    """vae.py of the repository; main.py and the post give what the two runs have beside."""
    head, rows = ffl_settings()
    assert head == ("Setting", "`DEFAULTS`", "`ffl50`", "`ffl2`")
    assert rows == [
        ("`batch_size`", "128", "128", "128"),
        ("`learning_rate`", "0.001", "0.001", "0.0005"),
        ("`dropout`", "1", "0.9", "0.9"),
        ("`lambda_l2_reg`", "0", "1e-05", "1e-05"),
        ("`nonlinearity`", "elu", "elu", "elu"),
        ("`squashing`", "sigmoid", "sigmoid", "sigmoid"),
    ]


def test_the_settings_are_those_that_the_presets_have():
    """A dictionary that no network is built from would be a table of its own."""
    _, rows = ffl_settings()
    by_name = {name.strip("`"): values for name, *values in rows}
    bare = ffl("bare", 50, 20_000, {})
    for i, preset in enumerate((bare, PRESETS["ffl50"], PRESETS["ffl2"])):
        _, config = preset.model
        model = preset.build(0)
        assert by_name["batch_size"][i] == str(preset.batch_size)
        assert by_name["learning_rate"][i] == f"{preset.optimizer['lr']:g}"
        assert by_name["lambda_l2_reg"][i] == f"{preset.optimizer['weight_decay']:g}"
        assert by_name["dropout"][i] == f"{model.keep:g}"
        assert by_name["nonlinearity"][i] == config["activation"]
        assert type(model.likelihood).__name__ == "Bernoulli"  # a sigmoid of logits
    for given, said in (({"drop": 0.1}, "no .'drop'"), ({"squashing": "tanh"}, "need 'sigmoid'")):
        with pytest.raises(ValueError, match=said):
            ffl("wrong", 2, 1, given)


def test_the_class_without_settings_drops_and_penalises_nothing():
    bare = ffl("bare", 50, 20_000, {})
    model = bare.build(0).train()
    g = torch.Generator().manual_seed(0)
    x = torch.rand(5, 784, generator=g)
    terms = [model.loss_terms(x, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(terms[0]["reconstruction"], terms[1]["reconstruction"])
    made = bare.make_optimizer(model.parameters(), 1)
    assert {group["weight_decay"] for group in made.param_groups} == {0}


def test_every_table_has_a_column_for_each_head():
    for make in SOURCE_TABLES.values():
        head, rows = make()
        assert rows and {len(row) for row in rows} == {len(head)}
