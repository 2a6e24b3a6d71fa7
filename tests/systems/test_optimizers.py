"""The sources' optimizers against PyTorch's own, where those agree, and against hand-made steps."""

import math

import pytest
import torch
from torch import nn

from vae_teach.systems.optimizers import AdamBurda, RMSpropTF, make_optimizer, split_decay

F64 = torch.float64


def start(n=5):
    return nn.Parameter(torch.linspace(-1, 2, n, dtype=F64))


def gradients(steps, n=5, scale=1.0):
    g = torch.Generator().manual_seed(0)
    return scale * torch.randn(steps, n, generator=g, dtype=F64)


def walk(make, gradients):
    """Where a parameter ends after one step with each gradient."""
    parameter = start(gradients.shape[1])
    optimizer = make([parameter])
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


def test_rmsprop_of_tensorflow_is_pytorchs_from_the_same_start():
    """With epsilon near 0 only the decay and the first mean square are left to differ."""

    def pytorchs(parameters):
        optimizer = torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=0)
        for parameter in parameters:
            ones = torch.ones_like(parameter)
            optimizer.state[parameter] = {"step": torch.tensor(0.0), "square_avg": ones}
        return optimizer

    ours = walk(lambda p: RMSpropTF(p, eps=0), gradients(20))
    torch.testing.assert_close(ours, walk(pytorchs, gradients(20)), rtol=1e-12, atol=0)


def test_rmsprop_of_tensorflow_by_hand():
    """Catches epsilon outside the root, and a mean square that starts at 0."""
    moved = walk(
        lambda p: RMSpropTF(p, lr=0.1, decay=0.75, eps=0.0225), torch.tensor([[2.0]], dtype=F64)
    )
    # 0.75 * 1 + 0.25 * 4 = 1.75; the root of 1.7725
    assert moved.item() == pytest.approx(-1 - 0.1 * 2 / math.sqrt(1.7725), rel=1e-12)


def test_rmsprop_from_zero_moves_far_more_at_first():
    """Why the start matters: PyTorch's first step is ten times larger for a small gradient."""
    small = gradients(1, scale=1e-3)
    ours, theirs = walk(RMSpropTF, small) - start(), walk(torch.optim.RMSprop, small) - start()
    assert theirs.abs().max() > 10 * ours.abs().max()


def test_adam_of_burda_by_hand():
    """Two steps. Catches a first moment of 0.9, a corrected second moment, and a lost epsilon."""
    steps = torch.tensor([[2.0], [-1.0]], dtype=F64)
    position, m, v = -1.0, 0.0, 1.0
    for t, g in enumerate(steps.flatten().tolist(), start=1):
        m, v = 0.99 * m + 0.01 * g, 0.999 * v + 0.001 * g * g
        rate = 1e-3 * math.sqrt(1 - 0.999**t) / (1 - 0.99**t)
        position -= rate * m / (math.sqrt(v) + 1e-4)
    assert walk(AdamBurda, steps).item() == pytest.approx(position, rel=1e-12)


def test_clipping_cuts_each_element_and_leaves_the_others():
    """By value, not by norm."""
    parameter = start(3)
    optimizer = make_optimizer([parameter], "Adam", lr=1e-3, clip=5.0)
    parameter.grad = torch.tensor([9.0, -0.5, -7.0], dtype=F64)
    optimizer.step()
    assert parameter.grad.tolist() == [5.0, -0.5, -5.0]


def test_weight_decay_acts_on_weights_and_not_on_biases():
    """With no gradient at all only the weights may shrink."""
    layer = nn.Linear(3, 2)
    optimizer = make_optimizer(layer.parameters(), "Adam", lr=1e-2, weight_decay=0.1)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 0.5)
    before = [p.detach().clone() for p in layer.parameters()]
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    weight, bias = (p.detach() for p in layer.parameters())
    assert (weight.abs() < before[0].abs()).all()
    assert torch.equal(bias, before[1])


def test_weight_decay_is_the_gradient_of_half_the_squared_weights():
    """1e-5 * sum of W^2 / 2 in the loss is weight_decay=1e-5, and not 2e-5."""
    layers = [nn.Linear(3, 2).double() for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    inside = make_optimizer(layers[0].parameters(), "Adam", lr=1e-2, weight_decay=0.1)
    outside = make_optimizer(layers[1].parameters(), "Adam", lr=1e-2)
    x = gradients(4, 3)
    for _ in range(3):
        for layer, optimizer, penalty in zip(layers, (inside, outside), (0.0, 0.1), strict=True):
            optimizer.zero_grad()
            loss = layer(x).square().sum() + penalty * layer.weight.square().sum() / 2
            loss.backward()
            optimizer.step()
    torch.testing.assert_close(layers[0].weight, layers[1].weight, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(layers[0].bias, layers[1].bias, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["Adam", "AdamBurda"])
def test_stages_change_the_rate_at_the_right_step(name):
    """Catches a stage that begins one step late, and a rate that falls back at the end."""
    parameter = start()
    stages = [(2, 0.1), (3, 0.01), (1, 0.001)]
    optimizer = make_optimizer([parameter], name, lr=1.0, stages=stages)
    rates = []
    for gradient in gradients(8):
        parameter.grad = gradient
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.1] * 2 + [0.01] * 3 + [0.001] * 3


def test_a_resumed_run_goes_on_in_its_stage():
    """The count of steps is read from the optimizer's own state, which a checkpoint keeps."""
    first, second = start(), start()
    stages = [(2, 0.1), (3, 0.01)]
    before = make_optimizer([first], "RMSpropTF", stages=stages)
    for gradient in gradients(3):
        first.grad = gradient
        before.step()
    after = make_optimizer([second], "RMSpropTF", stages=stages)
    after.load_state_dict(before.state_dict())
    second.grad = gradients(1)[0]
    after.step()
    assert after.param_groups[0]["lr"] == 0.01
    assert after.state[second]["step"].item() == 4


def test_split_decay_loses_no_parameter():
    layer = nn.Linear(3, 2)
    groups = split_decay(layer.parameters(), 0.1)
    assert [len(group["params"]) for group in groups] == [1, 1]
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]


def test_a_closure_is_evaluated_with_gradients():
    parameter = start(1)
    optimizer = RMSpropTF([parameter])

    def closure():
        optimizer.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert parameter.item() > -1


def test_an_unknown_optimizer_is_named():
    with pytest.raises(ValueError, match=r"'Adagrad'.*AdamBurda"):
        make_optimizer([start()], "Adagrad")
