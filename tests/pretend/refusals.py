"""The pretend accelerator refuses what CUDA refuses, and computes what the CPU computes.

Not collected by itself: `tests/pretend/test_pretend.py` runs it where the device is there.
"""

import copy
import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

HERE = torch.device("pretend", 0)


def there(*shape):
    return torch.ones(*shape, device=HERE)


def generator(device=HERE):
    return torch.Generator(device).manual_seed(0)


def test_it_is_the_machines_accelerator():
    assert torch.accelerator.current_accelerator() == torch.device("pretend")
    assert there(2).device == HERE and generator().device == HERE


MIXED = {
    "a sum": lambda: there(3) + torch.ones(3),
    "a product": lambda: torch.ones(2, 3) @ there(3, 2),
    "a layer": lambda: nn.Linear(3, 2).to(HERE)(torch.ones(1, 3)),
    "a layer at home": lambda: nn.Linear(3, 2)(there(1, 3)),
    "writing into": lambda: there(3).add_(torch.ones(3)),
    "a mask": lambda: there(3)[torch.tensor([True, False, True])],
    "a list of both": lambda: torch.stack([there(3), torch.ones(3)]),
    "a choice": lambda: torch.where(there(3) > 0, there(3), torch.ones(3)),
    "a loss": lambda: nn.functional.mse_loss(there(3), torch.ones(3)),
    "a gradient": lambda: torch.autograd.grad(there(3).requires_grad_().sum(), torch.ones(3)),
}


@pytest.mark.parametrize("mistake", MIXED)
def test_mixed_devices_are_refused(mistake):
    with pytest.raises(RuntimeError):
        MIXED[mistake]()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.randn(3, device=HERE, generator=generator("cpu")),
        lambda: torch.randperm(3, device=HERE, generator=generator("cpu")),
        lambda: torch.bernoulli(there(3), generator=generator("cpu")),
        lambda: there(3).normal_(generator=generator("cpu")),
        lambda: torch.randn(3, generator=generator()),
        lambda: torch.randperm(3, generator=generator()),
        lambda: torch.bernoulli(torch.ones(3), generator=generator()),
    ],
)
def test_the_other_devices_generator_is_refused(draw):
    with pytest.raises(RuntimeError, match="device type for generator but found"):
        draw()


@pytest.mark.parametrize(
    "look",
    [
        lambda t: t.numpy(),
        np.asarray,
        lambda t: np.ones(3) * t.detach().numpy(),
        lambda t: __import__("matplotlib.pyplot").pyplot.plot(t),
    ],
    ids=["numpy", "asarray", "product", "matplotlib"],
)
def test_numpy_and_matplotlib_are_refused(look):
    with pytest.raises(TypeError, match="can't convert pretend:0 device type tensor to numpy"):
        look(there(3))


def test_what_cuda_allows_is_allowed():
    """A number on the CPU, a copy, an index from the CPU in a copy, printing, a moment's value."""
    assert torch.equal((there(3) * torch.tensor(2.0)).cpu(), torch.full((3,), 2.0))
    target = torch.zeros(3)
    target.copy_(there(3))
    assert target.tolist() == there(3).tolist() == [1.0, 1.0, 1.0]
    assert f"{there(3).sum():.1f}" == "3.0" and float(there(1)) == 1.0
    assert "pretend" in repr(there(2))
    assert copy.deepcopy(there(2)).device == HERE


def test_a_module_keeps_its_parameters_when_it_moves():
    """An optimizer that was made before the move goes on with the same parameters, as on CUDA."""
    layer = nn.Linear(3, 2)
    layer.register_buffer("mean", torch.zeros(2))
    before = dict(layer.named_parameters())
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for device in (HERE, torch.device("cpu"), HERE):
        layer.to(device)
        assert all(layer.get_parameter(name) is p for name, p in before.items())
        assert layer.weight.device.type == layer.mean.device.type == device.type
        start = layer.weight.detach().clone()
        layer(torch.ones(1, 3, device=device)).sum().backward()
        optimizer.state.clear()
        optimizer.step()
        assert not torch.equal(start, layer.weight)


def test_a_tensor_is_gone_when_nothing_holds_it():
    """One that waits for Python to tidy up holds its memory, and its module cannot be moved."""
    gc.collect()
    gc.disable()
    try:
        given = there(3)
        result = given + 1
        left = [weakref.ref(given), weakref.ref(result)]
        del given, result
        assert [ref() for ref in left] == [None, None]
    finally:
        gc.enable()


def test_all_numbers_are_those_of_the_cpu():
    """Training, noise and a state that is written back: equal to the last bit."""
    results = []
    for device in ("cpu", HERE):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 5)).to(device)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1, fused=True)
        noise = generator(device)
        for _ in range(5):
            x = torch.randn(7, 5, generator=noise, device=device)
            optimizer.zero_grad()
            (net(x) - x).square().sum().backward()
            optimizer.step()
        net.load_state_dict({name: t.cpu() for name, t in net.state_dict().items()})
        order = torch.randperm(100, generator=noise, device=device)
        results.append([*(p.detach().cpu() for p in net.parameters()), order.cpu()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(128, 784, 400), (3, 4, 5)], ids=["large", "small"])
def test_a_product_is_that_of_the_cpu(shape, bias):
    """Fails for a product by another library that has an operand the wrong way round."""
    rows, n_in, n_out = shape
    g = torch.Generator().manual_seed(0)
    x, weight, b = (torch.randn(s, generator=g) for s in ((rows, n_in), (n_out, n_in), (n_out,)))
    b = b if bias else None
    on_it = [None if t is None else t.to(HERE).requires_grad_() for t in (x, weight, b)]
    here = [None if t is None else t.double().requires_grad_() for t in (x, weight, b)]
    products = [torch.nn.functional.linear(*tensors) for tensors in (here, on_it)]
    for product in products:
        product.square().sum().backward()
    torch.testing.assert_close(products[1].cpu().double(), products[0], rtol=1e-5, atol=1e-4)
    for theirs, ours in zip(on_it, here, strict=True):
        if ours is not None:
            scale = ours.grad.abs().max()
            error = (theirs.grad.cpu().double() - ours.grad).abs().max()
            assert error < 1e-5 * scale
