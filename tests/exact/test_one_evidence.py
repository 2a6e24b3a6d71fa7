"""Of the decoders with one p(x) the bound prefers one, and training finds it from another."""

import math

import pytest
import torch
from torch import nn

from vae_teach.exact.bound import normal_nodes

SIGMA_X, F64 = 0.3, torch.float64
NODES, WEIGHTS = (part.flatten() for part in normal_nodes(1, 12))
AXIS = torch.linspace(-5, 5, 401, dtype=F64)


def network(outputs):
    layers = nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, outputs)
    return nn.Sequential(*layers).double()


def climb(objective, parameters, steps, lr):
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (-objective()).backward()
        optimizer.step()
    return objective().item()


def log_likelihood(decoder, x, z):
    """log N(x; f(z), sigma_x^2): x (N, 1), z (..., Q) -> (N, Q)."""
    apart = (x - decoder(z[..., None])[..., 0]) / SIGMA_X
    return -0.5 * apart.square() - math.log(SIGMA_X) - 0.5 * math.log(2 * math.pi)


@pytest.mark.usefixtures("one_thread")
def test_training_unfolds_a_decoder_whose_posteriors_have_two_peaks():
    """From f(z) = z^2, whose best Gaussians lose about log 2: the gap closes, log p(x) stays.

    One run; the bound is by quadrature and log p(x) by a sum over the line.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder, encoder = network(1), network(2)
        x = torch.randn(300, 1, dtype=F64).square() + SIGMA_X * torch.randn(300, 1, dtype=F64)

    def bound():
        mu, logvar = encoder(x).chunk(2, dim=1)
        rebuilt = log_likelihood(decoder, x, mu + (logvar / 2).exp() * NODES) @ WEIGHTS
        return (rebuilt - 0.5 * (mu.square() + logvar.exp() - 1 - logvar)[:, 0]).mean()

    @torch.no_grad()
    def log_evidence():
        log_prior = -0.5 * (AXIS.square() + math.log(2 * math.pi))
        log_joint = log_likelihood(decoder, x, AXIS[None]) + log_prior
        return (log_joint.logsumexp(dim=1) + (AXIS[1] - AXIS[0]).log()).mean().item()

    weights = torch.exp(-AXIS.square() / 2)
    climb(
        lambda: -((decoder(AXIS[:, None])[:, 0] - AXIS.square()).square() * weights).mean(),
        decoder.parameters(),
        steps=500,
        lr=1e-2,
    )
    folded = climb(bound, encoder.parameters(), steps=300, lr=1e-2)
    at_first = log_evidence()
    both = [*encoder.parameters(), *decoder.parameters()]
    trained = climb(bound, both, steps=900, lr=7e-3)
    assert at_first - folded > 0.4
    assert log_evidence() - trained < 0.06
    assert abs(log_evidence() - at_first) < 0.15
