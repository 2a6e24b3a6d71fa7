"""The sources' conditional systems: parameter counts, and where the condition enters."""

import pytest
import torch
from seeded import generator

from vae_teach.models import build_model, count_parameters
from vae_teach.models.conditional import one_hot
from vae_teach.systems.conditional import ColumnCVAE, ColumnRegressor, LabelConvCVAE


def test_mathybits_cvae_has_his_parameter_counts():
    """410,518 + 208,473 = 618,991, as his notebook prints."""
    model = LabelConvCVAE()
    assert count_parameters(model.decoder) == 208_473
    assert count_parameters(model) == 618_991
    assert count_parameters(LabelConvCVAE(label_in_encoder=True)) == 618_991 + 10 * 250


@pytest.mark.parametrize("label_in_encoder", [False, True])
def test_mathybits_encoder_sees_the_label_only_in_the_other_variant(label_in_encoder):
    """In both variants, on pictures (2, 784), with draws leading."""
    model = LabelConvCVAE(label_in_encoder, seed=0)
    x, c = torch.rand(2, 784, generator=generator()), one_hot(torch.tensor([3, 5]))
    moved = not torch.equal(model.encode(x, c)[0], model.encode(x, c.flip(0))[0])
    assert moved == label_in_encoder
    samples = model.sample(c, 3, generator=generator())
    assert samples.shape == (3, 2, 784)
    assert ((samples > 0) & (samples < 1)).all()
    one = model.mean_image(torch.zeros(10), c[0])
    torch.testing.assert_close(one, model.mean_image(torch.zeros(2, 10), c)[0])


def test_mathybits_loss_is_the_squared_error_plus_kl():
    """Up to the Gaussian's constant, 784/2 log(pi) nats."""
    model = LabelConvCVAE(seed=0)
    x, c = torch.rand(2, 784, generator=generator()), one_hot(torch.tensor([3, 5]))
    terms = model.loss_terms(x, c, generator=generator(1))
    mu, logvar = model.encode(x, c)
    eps = torch.randn(2, 10, generator=generator(1))
    squared = (model.decode(mu + (logvar / 2).exp() * eps, c) - x).square().sum(-1)
    constant = 392 * torch.log(torch.tensor(torch.pi))
    torch.testing.assert_close(terms["reconstruction"], squared + constant)


def test_doerschs_pair_has_his_parameter_counts():
    """The regressor is the CVAE without its encoder and without z."""
    cvae, regressor = ColumnCVAE(), ColumnRegressor()
    assert count_parameters(cvae) == 3_506_316
    assert count_parameters(regressor) == 2_100_756
    gone = (cvae.encode2, cvae.encode3, cvae.to_mu, cvae.to_log_sigma, cvae.decode1)
    assert 3_506_316 - sum(map(count_parameters, gone)) == 2_100_756


def test_the_column_enters_doerschs_cvae_by_exactly_two_sums():
    """With the tower's two outputs silenced nothing of the condition is left, and not before."""
    model = ColumnCVAE(seed=0)
    x, z = torch.rand(2, 756, generator=generator()), torch.randn(2, 30, generator=generator())
    ones, zeros = torch.ones(2, 28), torch.zeros(2, 28)

    def moved():
        codes = not torch.equal(model.encode(x, ones)[0], model.encode(x, zeros)[0])
        return codes, not torch.equal(model.decode(z, ones), model.decode(z, zeros))

    assert moved() == (True, True)
    with torch.no_grad():
        model.tower["input4"][-1].weight.zero_()
    assert moved() == (True, False)
    with torch.no_grad():
        model.tower["input2"][-1].weight.zero_()
    assert moved() == (False, False)


def test_the_two_sums_add_what_the_tower_gives():
    """By hand; with a minus the layers, their sizes and their counts would all be the same."""
    model = ColumnCVAE(seed=0)
    x, z = torch.rand(2, 756, generator=generator()), torch.randn(2, 30, generator=generator())
    c = (torch.rand(2, 28, generator=generator()) > 0.5).float()
    second = model.tower["input2"](c)
    features = model.encode3(torch.relu(second + model.encode2(x)))
    torch.testing.assert_close(model.encode(x, c)[1], 2 * model.to_log_sigma(features))
    both = model.tower["input4"](second) + model.decode1(z)
    torch.testing.assert_close(model.decode(z, c), model.decode4(torch.relu(both)))


def test_doerschs_heads_read_the_layer_on_both_sides_of_its_relu():
    """mu after the ReLU, log sigma before it; logvar is twice his log sd."""
    model = ColumnCVAE(seed=0)
    with torch.no_grad():
        model.encode3.weight.zero_()
        model.encode3.bias.fill_(-1.0)  # after the ReLU nothing is left
        model.to_mu.bias.fill_(0.3)
    mu, logvar = model.encode(torch.rand(1, 756, generator=generator()), torch.ones(1, 28))
    torch.testing.assert_close(mu[0], model.to_mu.bias)
    log_sigma = model.to_log_sigma.bias - model.to_log_sigma.weight.sum(dim=1)
    torch.testing.assert_close(logvar[0], 2 * log_sigma)


def test_the_presets_start_from_their_sources_weights():
    """Caffe's sparse Gaussian but for mu, log sd and input4, which are dense; biases 0."""
    for model in (ColumnCVAE(seed=0), ColumnRegressor(seed=0)):
        shares = {
            name: (weight != 0).float().mean().item()
            for name, weight in model.named_parameters()
            if weight.ndim == 2
        }
        dense = {name for name, share in shares.items() if share == 1}
        expected = {"net.6.weight"}
        if isinstance(model, ColumnCVAE):
            expected = {"to_mu.weight", "to_log_sigma.weight", "tower.input4.3.weight"}
        assert dense == expected
        outputs = {name: weight.shape[0] for name, weight in model.named_parameters()}
        for name in shares.keys() - dense:
            assert shares[name] == pytest.approx(15 / outputs[name], rel=0.15)
        assert not any(p.any() for name, p in model.named_parameters() if name.endswith("bias"))
    weight = LabelConvCVAE(seed=0).dense[0].weight
    bound = (6 / (1568 + 250)) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound


def test_a_seed_fixes_a_presets_weights_and_leaves_the_global_stream_alone():
    state = torch.get_rng_state()
    a, b, c = (LabelConvCVAE(seed=s) for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(a.to_mu.weight, b.to_mu.weight)
    assert not torch.equal(a.to_mu.weight, c.to_mu.weight)


@pytest.mark.parametrize("model", [LabelConvCVAE(True), ColumnCVAE(), ColumnRegressor()])
def test_config_rebuilds_the_preset(model):
    assert str(build_model(type(model).__name__, model.config)) == str(model)
