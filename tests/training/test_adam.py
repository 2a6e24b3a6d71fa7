"""Adam without the compiler is PyTorch's Adam."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from vae_teach.training.adam import Adam

WITHOUT_COMPILER = """
import sys, torch
from vae_teach import VAE, fit
x = torch.rand(64, 16, generator=torch.Generator().manual_seed(0))
fit(VAE(16, (8,), 2, (8,), seed=0), x, x, epochs=1, progress=False, checkpoint=sys.argv[1])
fit(VAE(16, (8,), 2, (8,), seed=0), x, x, epochs=2, progress=False, checkpoint=sys.argv[1],
    resume=True)
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def steps(make, n=7, *, other=None):
    """The weights after n steps; with `other`, the state moves to its optimizer half-way."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    optimizer, x = make(model.parameters(), lr=0.01, fused=True), torch.randn(9, 5)
    for i in range(n):
        if other is not None and i == n // 2:
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = other(model.parameters(), lr=0.3, fused=True)
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def test_a_step_is_pytorchs_to_the_last_bit():
    """Fails if a method is unwrapped too far, or the gradients are not cleared."""
    assert torch.equal(steps(Adam), steps(torch.optim.Adam))


@pytest.mark.parametrize(
    "first, second", [(Adam, torch.optim.Adam), (torch.optim.Adam, Adam), (Adam, Adam)]
)
def test_a_state_moves_between_the_two(first, second):
    """Fails if a checkpoint of one cannot be resumed by the other."""
    assert torch.equal(steps(first, other=second), steps(torch.optim.Adam))


def test_hooks_run_around_a_step():
    """Fails if the step that is put in place loses what PyTorch adds to every optimizer's."""
    heard = []
    optimizer = Adam([nn.Parameter(torch.ones(2))])
    optimizer.register_step_pre_hook(lambda *_: heard.append("before"))
    optimizer.register_step_post_hook(lambda *_: heard.append("after"))
    optimizer.step()
    assert heard == ["before", "after"]


@pytest.mark.processes
def test_a_training_does_not_load_the_compiler(tmp_path):
    """Fails if 2 seconds come back to every program that trains."""
    command = [sys.executable, "-c", WITHOUT_COMPILER, str(tmp_path / "run.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
