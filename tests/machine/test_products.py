"""A linear layer by oneDNN is PyTorch's, to rounding, and steps aside for all that it cannot do."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad

from vae_teach import VAE, fit
from vae_teach.machine import products
from vae_teach.machine.products import Linear

N_IN, N_OUT, ROWS = 160, 128, 128
TIGHT = {"rtol": 0, "atol": 2e-4}  # sums of up to 160 numbers around 1, in float32

needs_onednn = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="PyTorch has no oneDNN here"
)


@pytest.fixture
def by_onednn(monkeypatch):
    """As on a CPU where it is faster; a list with one entry for each layer that it computed."""
    made = []
    monkeypatch.setattr(products, "BY_ONEDNN", True)
    usual = products._Product.apply
    monkeypatch.setattr(products._Product, "apply", lambda *a: made.append(1) or usual(*a))
    return made


def layer_and_rows(*shape, bias=True, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    layer = Linear(N_IN, N_OUT, bias=bias, dtype=dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / N_IN**0.5)
    return layer, torch.randn(*(shape or (ROWS, N_IN)), generator=generator, dtype=dtype)


def in_float64(layer, x):
    parameters = dict.fromkeys(("weight", "bias")) | dict(layer.named_parameters())
    return F.linear(x.double(), *(p if p is None else p.double() for p in parameters.values()))


def gradients(output, inputs, upstream):
    return torch.autograd.grad((output * upstream).sum(), inputs)


@needs_onednn
@pytest.mark.parametrize("shape", [(ROWS, N_IN), (4, 32, N_IN), (2, 3, 40, N_IN)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_float64(by_onednn, shape, bias):
    """Fails if a factor of a product is not transposed, a bias is lost or axes are mixed up."""
    layer, x = layer_and_rows(*shape, bias=bias)
    x.requires_grad_()
    inputs, upstream = [x, *layer.parameters()], torch.randn(*shape[:-1], N_OUT)
    y, reference = layer(x), in_float64(layer, x)
    assert by_onednn
    torch.testing.assert_close(y.double(), reference, **TIGHT)
    for ours, theirs in zip(
        gradients(y, inputs, upstream), gradients(reference, inputs, upstream), strict=True
    ):
        torch.testing.assert_close(ours, theirs, **TIGHT)


@needs_onednn
@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.repeat(1, 2)[:, ::2],
        lambda x: x.t().contiguous().t(),
        lambda x: x[0].expand(ROWS, N_IN),
    ],
    ids=["every second", "transposed", "one row for all"],
)
def test_rows_may_lie_anywhere_in_memory(by_onednn, view):
    """Fails if strides are not passed on: to the layer, or with the gradient of a plain sum."""
    layer, x = layer_and_rows()
    x = view(x).requires_grad_()
    y = layer(x)
    assert by_onednn
    torch.testing.assert_close(y.double(), in_float64(layer, x), **TIGHT)
    found = torch.autograd.grad(y.sum(), [x, layer.weight])  # its gradient is one number, expanded
    assert torch.allclose(found[0], layer.weight.sum(0).expand_as(x), atol=1e-5)
    assert torch.allclose(found[1], x.sum(0).expand_as(layer.weight), atol=1e-4)


@needs_onednn
@pytest.mark.parametrize("frozen", ["weight", "bias", "x"])
def test_what_is_frozen_gets_no_gradient(by_onednn, frozen):
    """Fails if a decoder that is not to be trained collects gradients, or blocks those of x."""
    layer, x = layer_and_rows()
    parts = {"weight": layer.weight, "bias": layer.bias, "x": x}
    for name, part in parts.items():
        part.requires_grad_(name != frozen)
    layer(x).square().sum().backward()
    assert by_onednn
    assert [name for name, part in parts.items() if part.grad is None] == [frozen]


@needs_onednn
def test_a_gradient_has_a_gradient(by_onednn):
    """Fails if the second derivative is 0 or an error: a penalty on a slope needs it."""
    layer, x = layer_and_rows()
    x.requires_grad_()
    seconds = []
    for forward in (layer, lambda x: in_float64(layer, x)):
        (slope,) = torch.autograd.grad(torch.tanh(forward(x)).sum(), x, create_graph=True)
        seconds.append(torch.autograd.grad(slope.square().sum(), [x, layer.weight, layer.bias]))
    assert by_onednn
    for ours, theirs in zip(*seconds, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@needs_onednn
def test_many_gradients_are_taken_at_once(by_onednn):
    """Fails if a vectorized Jacobian is an error: only its way back goes through vmap."""
    layer, x = layer_and_rows()
    x.requires_grad_()
    upstream, inputs = torch.randn(3, ROWS, N_OUT), [x, *layer.parameters()]
    y = layer(x)
    assert by_onednn
    at_once = torch.autograd.grad(y, inputs, upstream, is_grads_batched=True, retain_graph=True)
    one_by_one = [torch.autograd.grad(y, inputs, u, retain_graph=True) for u in upstream]
    for many, single in zip(at_once, zip(*one_by_one, strict=True), strict=True):
        torch.testing.assert_close(many, torch.stack(single), **TIGHT)


def jvp(layer, x):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(layer(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


ASIDE = {
    "vmap": lambda layer, x: torch.vmap(layer)(x[None])[0],
    "jvp": lambda layer, x: torch.func.jvp(layer, (x,), (torch.ones_like(x),))[1],
    "dual numbers": jvp,
    "autocast": lambda layer, x: torch.autocast("cpu", torch.bfloat16)(layer)(x),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # jvp's
@pytest.mark.parametrize("way", ASIDE)
def test_what_it_cannot_do_is_left_to_pytorch(by_onednn, way):
    """Fails if a transform or a mode meets the layer's own derivative, which knows none of it."""
    layer, x = layer_and_rows()
    usual = nn.Linear(N_IN, N_OUT)
    usual.load_state_dict(layer.state_dict())
    assert torch.equal(ASIDE[way](layer, x), ASIDE[way](usual, x))
    assert not by_onednn


def test_onednn_can_be_switched_off(by_onednn, monkeypatch):
    """Fails if PyTorch's own switch, which compares the two libraries, has no effect."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    layer, x = layer_and_rows()
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not by_onednn


@pytest.mark.parametrize("shape", [(8, N_IN), (0, N_IN), (N_IN,)])
def test_a_small_product_is_pytorchs_to_the_last_bit(by_onednn, shape):
    """Fails if a call that costs more than it saves is made all the same."""
    layer, x = layer_and_rows(*shape)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not by_onednn


def test_float64_is_pytorchs_to_the_last_bit(by_onednn):
    """Fails if a reference in float64 is rounded to float32."""
    layer, x = layer_and_rows(dtype=torch.float64)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not by_onednn


def test_rows_of_another_size_are_refused_by_pytorch(by_onednn):
    """Fails if the error of a wrong size is oneDNN's, which names no size."""
    layer, x = layer_and_rows()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        layer(x[:, 1:])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"avx512_f": True, "cpu_name": "AMD EPYC"}, True),
        ({"avx512_f": True, "cpu_name": "AMD Ryzen 9 9950X 16-Core Processor"}, True),
        ({"avx512_f": False, "cpu_name": "AMD Ryzen 5 3600"}, False),
        ({"avx512_f": True, "cpu_name": "Intel(R) Xeon(R) Platinum 8481C"}, False),
        ({"neon": True, "architecture": "aarch64"}, False),
    ],
)
def test_the_processor_decides(monkeypatch, said, expected):
    """Fails if oneDNN is taken where MKL uses all of the processor, or where there is none."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: said, raising=False)
    assert products.wide_vectors_unused() is expected


def test_a_pytorch_that_knows_no_processor_stays_with_mkl(monkeypatch):
    """Fails if the package needs a newer PyTorch than it asks for."""
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert products.wide_vectors_unused() is False


WITHOUT = {
    "the product": lambda patch: patch.setattr(torch.ops, "mkldnn", SimpleNamespace()),
    "its arguments": lambda patch: patch.setattr(
        torch.ops, "mkldnn", SimpleNamespace(_linear_pointwise=lambda x, weight: x)
    ),
    "the state of transforms": lambda patch: patch.delattr(
        torch._C, "_are_functorch_transforms_active"
    ),
    "the level of dual numbers": lambda patch: patch.delattr(forward_ad, "_current_level"),
}


@needs_onednn
@pytest.mark.parametrize("change", WITHOUT)
def test_a_pytorch_with_other_private_names_stays_with_mkl(monkeypatch, change):
    """Fails if a later PyTorch, which owes nobody these names, breaks every linear layer."""
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "cpu_name": "AMD"}, raising=False
    )
    assert products.faster_here() is True
    WITHOUT[change](monkeypatch)
    assert products.faster_here() is False


@needs_onednn
def test_a_training_uses_it_and_comes_out_the_same(by_onednn, monkeypatch):
    """Fails if the models' layers are not these, or a training drifts off by more than rounding."""
    x = torch.rand(512, 256, generator=torch.Generator().manual_seed(0))
    losses = []
    for which in (True, False):
        monkeypatch.setattr(products, "BY_ONEDNN", which)
        history = fit(VAE(256, (128,), 4, (128,), seed=0), x, x, epochs=2, progress=False)
        losses.append(history.column("held_out_loss"))
    assert len(by_onednn) == 2 * (2 * 4 + 2)  # two layers in every step and in every evaluation
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
