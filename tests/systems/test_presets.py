"""The sources' systems: counts, wiring and the choices that their code makes."""

import dataclasses
import json

import pytest
import torch
from seeded import generator
from torch import nn
from torch.distributions import kl_divergence

from vae_teach.machine import products
from vae_teach.maths.gaussian import kl_to_standard_normal, log_normal
from vae_teach.models import build_model, count_parameters
from vae_teach.models.likelihoods import Gaussian
from vae_teach.systems.dense import SourceAutoencoder, SourceVAE, drop_connections
from vae_teach.systems.flows import FlowPosterior
from vae_teach.systems.measures import MEASURES
from vae_teach.systems.presets import Preset, Published
from vae_teach.systems.table import PRESETS, get_preset
from vae_teach.training.checkpoint import load_model, save_checkpoint
from vae_teach.training.history import History

# Printed by the source, or counted from its layers.
PARAMETERS = {
    "ffl50": 1_361_884,
    "ffl2": 1_289_788,
    "mathybit": 472_894,
    "mathybit-logvar": 472_894,
    "mathybit-ae": 457_370,
    "mathybit-conv-ae": 359_263,
    "mathybit-cvae": 618_991,
    "doersch": 2_844_844,
    "doersch-cvae": 3_506_316,
    "doersch-regressor": 2_100_756,
    "altosaar2": 396_388,
    "altosaar-tf": 455_384,
    "altosaar-mf": 632_848,
    "altosaar-iaf": 1_060_752,
    "lazy": 374_984,
    "lazy2": 355_588,
    "lazy-theano": 374_984,
    "lazy-ae": 471_484,
    "burda1": 425_284,
}
TINY = {"n_pixels": 12, "encoder_hidden": (8, 7), "latent_dim": 3, "decoder_hidden": (7, 8)}


def pixels(n=6, d=12):
    return torch.rand(n, d, generator=generator())


def tiny(*, positive="half-logvar", initial_sigma=None, sampled_kl=False, **options):
    posterior = {"name": "gaussian", "positive": positive, "initial_sigma": initial_sigma}
    return SourceVAE(**TINY, posterior=posterior | {"sampled_kl": sampled_kl}, seed=0, **options)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_the_parameters_of_its_source(name):
    assert count_parameters(PRESETS[name].build(0)) == PARAMETERS[name]


def test_the_parts_have_the_sources_counts_too():
    """Sums can agree by accident; these are the parts that the sources print or describe."""
    mathybit = PRESETS["mathybit"].build(0)
    assert count_parameters(mathybit.decoder) == 261_584
    doersch = PRESETS["doersch"].build(0)
    heads = count_parameters(doersch.to_mu) + count_parameters(doersch.to_logvar)
    assert (count_parameters(doersch.trunk), heads) == (1_410_750, 15_060)
    assert count_parameters(doersch.decoder) == 1_419_034
    flow = PRESETS["altosaar-iaf"].build(0)
    assert count_parameters(flow.decoder) == 300_304
    assert count_parameters(flow) - count_parameters(flow.decoder) == 760_448


@pytest.mark.parametrize(
    "name, sizes, kind",
    [
        ("ffl50", [784, 500, 500, 50, 500, 500, 784], nn.ELU),
        ("doersch", [784, 1000, 500, 250, 30, 250, 500, 1000, 784], nn.ReLU),
        ("mathybit", [784, 250, 30, 320, 784], nn.ReLU),
        ("altosaar2", [784, 200, 200, 2, 200, 200, 784], nn.ReLU),
        ("lazy2", [784, 200, 100, 2, 100, 200, 784], nn.ReLU),
        ("burda1", [784, 200, 200, 50, 200, 200, 784], nn.Tanh),
    ],
)
def test_layers_have_the_sizes_and_activations_of_the_source(name, sizes, kind):
    model = PRESETS[name].build(0)
    linear = [m for m in [*model.trunk, model.to_mu, *model.decoder] if isinstance(m, nn.Linear)]
    assert [linear[0].in_features, *(m.out_features for m in linear)] == sizes
    others = [m for m in [*model.trunk, *model.decoder] if not isinstance(m, nn.Linear)]
    assert {type(m) for m in others} == {kind}
    assert len(others) == len(linear) - 2  # none behind a head, none behind the output


@pytest.mark.parametrize("name", PRESETS)
def test_large_layers_take_the_faster_product(name):
    """PyTorch's own Linear in their place gives the same numbers, on some CPUs half as fast."""
    preset = PRESETS[name]
    slow = [
        layer
        for layer in preset.build(0).modules()
        if type(layer) is nn.Linear
        and products._is_large(torch.empty(preset.batch_size, layer.in_features), layer.weight)
    ]
    assert slow == []


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_run_and_its_protocol_written_down(name):
    """A misspelt measure or optimizer would otherwise show after hours of training."""
    preset = PRESETS[name]
    assert (preset.steps is None) != (preset.epochs is None)
    assert set(preset.measures) <= MEASURES.keys()
    assert {p.measure for p in preset.published} <= set(preset.measures)
    parameters = list(preset.build(0).parameters())
    optimizer = preset.make_optimizer(parameters, 10)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(parameters)
    json.dumps(dataclasses.asdict(preset))


def test_training_lengths_are_the_sources():
    """ffl50 saw 55 000 pictures 46.5 times; mathybit 50 epochs of 240 steps; Burda 3 280 epochs."""
    steps = {name: preset.planned_steps(60_000) for name, preset in PRESETS.items()}
    assert steps["mathybit"] == 12_000
    assert steps["mathybit-ae"] == 15_000
    assert steps["mathybit-cvae"] == 12_000
    assert PRESETS["lazy"].planned_steps(42_000) == 30 * 657  # the source drops the 657th
    assert PRESETS["burda1"].epochs == 3_280
    assert round(PRESETS["ffl50"].steps * 128 / 55_000, 1) == 46.5


@pytest.mark.parametrize(
    "name, expected",
    [
        ("doersch", {"betas": (0.0, 0.999), "weight_decay": 5e-4, "lr": 1e-3}),  # no momentum
        ("ffl2", {"lr": 5e-4, "weight_decay": 1e-5}),  # the repository's, not the post's
        ("mathybit", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-7}),
        ("altosaar-mf", {"lr": 1e-3, "centered": True, "alpha": 0.99}),
        ("lazy", {"lr": 1e-3, "decay": 0.9, "eps": 1e-10}),
        ("burda1", {"betas": (0.99, 0.999), "eps": 1e-4}),
    ],
)
def test_optimizers_are_set_as_in_the_source(name, expected):
    preset = PRESETS[name]
    group = preset.make_optimizer(preset.build(0).parameters(), 10).param_groups[0]
    assert {key: group[key] for key in expected} == expected


def test_gradients_are_clipped_where_the_source_clips_them():
    """Fast Forward Labs cut every element to [-5, 5]; the others do not."""
    for name, limit in (("ffl50", 5.0), ("mathybit", 100.0)):
        model = PRESETS[name].build(0)
        optimizer = PRESETS[name].make_optimizer(model.parameters(), 10)
        model.to_mu.weight.grad = torch.full_like(model.to_mu.weight, 100.0)
        optimizer.step()
        assert model.to_mu.weight.grad.max().item() == limit


def test_burdas_learning_rates_are_the_papers():
    """1e-3 * 10^(-i / 7), which their code rounds to two digits, for 3^i epochs."""
    stages = PRESETS["burda1"].stages
    assert [epochs for epochs, _ in stages] == [1, 3, 9, 27, 81, 243, 729, 2187]
    for i, (_, lr) in enumerate(stages):
        assert lr == pytest.approx(1e-3 * 10 ** (-i / 7), rel=0.03)
    assert [round(lr * 1e4, 1) for _, lr in stages] == [10, 7.2, 5.2, 3.7, 2.7, 1.9, 1.4, 1.0]


def test_reductions_are_the_sources_loss_scales():
    """Sum over the batch, mean over the batch, mean over the pixels too."""
    factors = {name: preset.loss_scale(784) for name, preset in PRESETS.items()}
    assert factors["mathybit"] == 1.0
    assert factors["altosaar-mf"] == 128.0
    assert factors["mathybit-ae"] == pytest.approx(1 / 784)


# --- the raw sigma of mathybit, by hand ---------------------------------------------------------


def test_mathybits_loss_is_the_formula_it_prints():
    """Mean over the batch of SSE + (mu^2 + s^2 - 1 - ln(s^2 + 1e-10)) / 2, s the output.

    The kit's reconstruction term has the Gaussian's constant on top.
    """
    model = PRESETS["mathybit"].build(0).double()
    x = torch.rand(5, 784, generator=generator(), dtype=torch.float64)
    eps = torch.randn(5, 30, generator=generator(1), dtype=torch.float64)
    mu, s = model.heads(x)
    assert 0.2 < (s < 0).double().mean() < 0.8  # sigma is negative for many
    picture = torch.sigmoid(model.decoder(mu + s * eps))
    kl = 0.5 * (mu**2 + s**2 - 1 - torch.log(s**2 + 1e-10)).sum(-1)
    loss = ((picture - x) ** 2).sum(-1) + kl
    constant = 784 / 2 * torch.tensor(torch.pi, dtype=torch.float64).log()
    torch.testing.assert_close(-model.elbo(x, eps).value - constant, loss, rtol=1e-9, atol=0)


def test_average_instead_of_sum_over_pixels_would_be_another_loss():
    """Keras' mse averages over the last axis only; the per-image loss has shape (B,)."""
    model = PRESETS["mathybit"].build(0)
    terms = model.loss_terms(torch.rand(4, 784), generator=generator())
    assert {name: tuple(value.shape) for name, value in terms.items()} == {
        "reconstruction": (4,),
        "kl": (4,),
    }
    assert isinstance(model.likelihood, Gaussian) and model.likelihood.squash


# --- wiring of the second head, and the sampled KL ----------------------------------------------


def test_doerschs_second_head_reads_the_layer_before_its_relu():
    """Catches both heads on the same side of the activation."""
    after, before = tiny(), tiny(scale_head="before")
    before.load_state_dict(after.state_dict())
    x = pixels()
    h = after.trunk[:-1](x)
    assert (h < 0).any()
    assert torch.equal(before.heads(x)[0], after.heads(x)[0])
    torch.testing.assert_close(before.heads(x)[1], before.to_logvar(h))
    torch.testing.assert_close(after.heads(x)[1], after.to_logvar(torch.relu(h)))


@pytest.mark.parametrize(
    "positive, sigma",
    [
        ("exp", lambda a: a.exp()),
        ("half-logvar", lambda a: (a / 2).exp()),
        ("softplus", nn.functional.softplus),
        ("softplus + floor", lambda a: nn.functional.softplus(a) + 1e-6),
    ],
)
def test_sigma_comes_from_the_head_as_the_source_says(positive, sigma):
    """Catches a log sigma read as a log variance."""
    model, x = tiny(positive=positive).double(), pixels().double()
    torch.testing.assert_close((0.5 * model.encode(x)[1]).exp(), sigma(model.heads(x)[1]))


def test_the_posterior_is_reparameterized():
    """Gradients reach the encoder through the sample, as torch's own has_rsample says."""
    model, x = tiny(), pixels()
    mu, logvar = model.encode(x)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    assert q.has_rsample
    z, log_q = model.draw_posterior(x, torch.randn(6, 3, generator=generator()))
    z.sum().backward()
    assert model.to_logvar.weight.grad.abs().sum() > 0
    torch.testing.assert_close(log_q, q.log_prob(z).sum(-1))
    p = torch.distributions.Normal(torch.zeros_like(mu), 1.0)
    torch.testing.assert_close(kl_divergence(q, p).sum(-1), kl_to_standard_normal(mu, logvar))


def test_sampled_and_closed_kl_have_one_expectation_and_the_sampled_one_more_noise():
    """The mean over many draws agrees within 4 standard errors; the variance does not."""
    closed, sampled = tiny(), tiny(sampled_kl=True)
    sampled.load_state_dict(closed.state_dict())
    x = pixels(1)
    eps = torch.randn(4_000, 1, 3, generator=generator(1))
    values = {name: _kls(model, x, eps) for name, model in (("c", closed), ("s", sampled))}
    error = values["s"].std() / 4_000**0.5
    assert error < 0.05
    assert abs(values["s"].mean() - values["c"].mean()) < 4 * error
    assert values["c"].std() < 1e-6 < values["s"].std()


def _kls(model, x, eps):
    with torch.no_grad():
        return torch.stack([model.elbo(x, e).kl[0] for e in eps[:4_000]])


def test_many_draws_of_the_sampled_kl_are_averaged():
    model, x = tiny(sampled_kl=True), pixels()
    eps = torch.randn(5, 6, 3, generator=generator())
    together = model.elbo(x, eps)
    one_by_one = [model.elbo(x, e) for e in eps]
    torch.testing.assert_close(together.kl, torch.stack([e.kl for e in one_by_one]).mean(0))
    torch.testing.assert_close(together.value, torch.stack([e.value for e in one_by_one]).mean(0))


# --- dropped connections ------------------------------------------------------------------------


def test_connections_are_kept_with_probability_keep_and_scaled():
    """0.9 is the share that stays, in every layer; biases stay whole."""
    model = PRESETS["ffl2"].build(0)
    dropped = drop_connections(model, model.keep, generator())
    weights = {name: p for name, p in model.named_parameters() if name.endswith("weight")}
    assert dropped.keys() == weights.keys()
    kept = torch.cat([(dropped[name] != 0).flatten() for name in weights]).double()
    assert kept.mean().item() == pytest.approx(0.9, abs=4 * (0.09 / len(kept)) ** 0.5)
    name = "to_mu.weight"
    stays = dropped[name] != 0
    torch.testing.assert_close(dropped[name][stays], weights[name][stays] / 0.9)


def test_connections_drop_while_training_only():
    """model.eval() removes the noise of the weights."""
    model, x = tiny(keep=0.5), pixels()
    train = [model.train().loss_terms(x, generator=generator(s))["kl"] for s in (0, 1)]
    assert not torch.allclose(train[0], train[1])
    quiet = [model.eval().loss_terms(x, generator=generator(s))["kl"] for s in (0, 1)]
    assert torch.equal(quiet[0], quiet[1])


def test_dropped_connections_get_no_gradient():
    model, x = tiny(keep=0.5).train(), pixels()
    sum(model.loss_terms(x, generator=generator()).values()).mean().backward()
    share = (model.trunk[0].weight.grad == 0).double().mean().item()
    assert 0.3 < share < 0.7


# --- starting points, errors, checkpoints -------------------------------------------------------


def test_burdas_output_starts_from_the_average_picture():
    model = tiny()
    images = torch.rand(500, 12, generator=generator()) * torch.linspace(0.05, 0.95, 12)
    model.start_from_average(images)
    with torch.no_grad():
        for weight in model.decoder.parameters():
            if weight.ndim == 2:
                weight.zero_()
    torch.testing.assert_close(model.mean_image(torch.zeros(1, 3))[0], images.mean(0))


def test_an_initial_sigma_survives_the_initialization():
    model = tiny(initialization="he-normal", initial_sigma=0.1)
    assert model.to_logvar.bias.exp().sqrt().mean().item() == pytest.approx(0.1, rel=1e-5)


def test_cross_entropy_of_the_autoencoder_is_taken_from_logits():
    """Equal to the formula, and finite where probabilities would round to 0."""
    model = SourceAutoencoder(12, (), 5, (), code_activation="relu", error="cross_entropy", seed=0)
    x = pixels()
    y = model(x)
    formula = -(x * y.log() + (1 - x) * (1 - y).log()).sum(-1)
    torch.testing.assert_close(model.loss_terms(x)["cross_entropy"], formula)
    nn.init.constant_(model.decoder[-2].bias, 200.0)
    assert torch.isfinite(model.loss_terms(x)["cross_entropy"]).all()


@pytest.mark.parametrize("name", ["mathybit", "mathybit-conv-ae", "altosaar-iaf", "lazy-ae"])
def test_a_checkpoint_rebuilds_a_preset_from_the_file_alone(name, tmp_path):
    """The architecture comes from the checkpoint, not from its file's name."""
    model = PRESETS[name].build(0).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, history=History(), settings={})
    again = load_model(tmp_path / "m.safetensors").eval()
    x = torch.rand(2, 784, generator=generator())
    rebuild = [getattr(m, "reconstruct", m)(x) for m in (model, again)]
    assert torch.equal(*rebuild)


def test_config_rebuilds_a_source_model():
    model = tiny(positive="exp", keep=0.7, scale_head="before", sampled_kl=True)
    twin = build_model("SourceVAE", model.config)
    assert twin.config == model.config
    twin.load_state_dict(model.state_dict())
    x, eps = pixels(), torch.randn(6, 3, generator=generator())
    assert torch.equal(twin.elbo(x, eps).value, model.elbo(x, eps).value)


def test_one_decoder_serves_reconstruction_and_generation():
    """A change of the decoder must change both."""
    model, x = tiny(), pixels()
    before = model.reconstruct(x), model.sample(3, generator=generator())
    nn.init.constant_(model.decoder[-1].bias, 5.0)
    after = model.reconstruct(x), model.sample(3, generator=generator())
    assert not any(torch.allclose(b, a) for b, a in zip(before, after, strict=True))


def test_two_calls_are_the_whole_elbo():
    """log p(x, z) and (z, log q(z|x)) are all that the bound needs."""
    model, x = tiny(sampled_kl=True), pixels()
    eps = torch.randn(6, 3, generator=generator())
    z, log_q = model.draw_posterior(x, eps)
    zero = torch.zeros_like(z)
    log_joint = model.likelihood.log_prob(x, model.decode(z)) + log_normal(z, zero, zero)
    torch.testing.assert_close(model.elbo(x, eps).value, log_joint - log_q)


def test_errors_name_both_sides():
    with pytest.raises(ValueError, match=r"preset is 'lasy'.*lazy"):
        get_preset("lasy")
    with pytest.raises(ValueError, match=r"posterior is 'mix'.*'flow', 'full', 'gaussian'"):
        SourceVAE(posterior="mix")
    with pytest.raises(ValueError, match=r"posterior must be a name or a dict.*it is None"):
        SourceVAE(posterior=None)
    with pytest.raises(ValueError, match=r"in \(0, 1\], not 0"):
        tiny(keep=0)
    with pytest.raises(ValueError, match=r"scale_head is 'middle'"):
        tiny(scale_head="middle")
    with pytest.raises(ValueError, match=r"error is 'mae'"):
        SourceAutoencoder(error="mae")


def test_the_flow_preset_is_a_flow():
    posterior = PRESETS["altosaar-iaf"].build(0).posterior
    assert isinstance(posterior, FlowPosterior) and len(posterior.steps) == 2


# --- what a preset refuses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"treatment": "gray"}, "treatment has 'gray', but the known ones are grey"),
        ({"reduction": "avg"}, "reduction has 'avg', but the known ones are mean, sum, pixel"),
        ({"condition": "digit"}, "condition has 'digit', but the known ones are None, label"),
        ({"measures": ("elbo",)}, "measures has 'elbo', but the known ones are test_elbo"),
        ({"published": (Published("test_mse", 1.0, ""),)}, "published has 'test_mse'"),
        ({"optimizer": {"name": "adam"}}, "optimizer has 'adam', but the known ones are Adam"),
        ({"optimizer": {"lr": 1e-3}}, "optimizer has None"),
        ({"model": ("GAN", {})}, "model has 'GAN', but the known ones are Autoencoder"),
        ({"steps": None}, "exactly one of steps and epochs must be given, but they are None and"),
        ({"epochs": 3}, "exactly one of steps and epochs must be given, but they are 10 and 3"),
        ({"steps": 0}, "steps must be at least 1, but it is 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, but it is 0"),
        ({"train_images": 0}, "train_images must be at least 1, but it is 0"),
        ({"importance_samples": 0}, "importance_samples must be at least 1, but it is 0"),
        ({"validation": -1}, "validation must be at least 0, but it is -1"),
        ({"stages": ((0, 1e-3),)}, r"stages\[0\] must be at least 1, but it is 0"),
    ],
)
def test_a_preset_refuses_nonsense_when_it_is_made(change, said):
    """A misspelt treatment used to be told after the data had been read."""
    usual = {
        "title": "T", "model": ("VAE", {}), "treatment": "grey", "optimizer": {"name": "Adam"},
        "batch_size": 5, "steps": 10,
    }  # fmt: skip
    Preset(**usual)
    with pytest.raises(ValueError, match=said):
        Preset(**usual | change)
