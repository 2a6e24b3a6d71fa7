"""Parameters per data point against parameters shared: what each costs and loses."""

import pytest
import torch

from vae_teach.exact import (
    AmortizedGuide,
    DecoderModel,
    PerDatapointGuide,
    ascend,
    fit_guide,
    quadrature_elbo,
)
from vae_teach.models.layers import count_parameters

F64 = torch.float64


def curve(z):
    return torch.cat([torch.sin(1.5 * z), z + 0.3 * z.square()], dim=-1)


MODEL = DecoderModel(curve, 0.4)


def bound(x, mu, logvar):
    return quadrature_elbo(MODEL, x, mu, logvar, order=16)


def data(n, seed):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 1, generator=g, dtype=F64)
    return curve(z) + 0.4 * torch.randn(n, 2, generator=g, dtype=F64)


def amortized(seed=0):
    return AmortizedGuide(2, 1, 3, generator=torch.Generator().manual_seed(seed))


def test_free_parameters_grow_with_the_data_and_shared_ones_do_not():
    """A mean and a log-variance for each data point, or one network for all of them."""
    assert [count_parameters(PerDatapointGuide(n, 3)) for n in (1, 10, 100)] == [6, 60, 600]
    assert count_parameters(amortized()) == 2 * 3 + 3 + 2 * (3 + 1)
    mu, logvar = amortized()(data(7, seed=1))
    assert mu.shape == logvar.shape == (7, 1)


def test_a_free_guide_has_nothing_for_a_new_data_point():
    """The first N parameters silently used for other data."""
    with pytest.raises(ValueError, match="10 data points, but x has 3"):
        PerDatapointGuide(10, 1)(data(3, seed=0))


def test_refining_a_shared_guide_point_by_point_never_loses_and_gains_something():
    """The amortization gap, which is never negative and here not zero."""
    train, new = data(60, seed=2), data(20, seed=3)
    guide = amortized()
    path = fit_guide(guide, bound, train, steps=300)
    assert path[-1] > path[0]
    with torch.no_grad():
        start = guide(new)
    gains = []
    for i in range(len(new)):
        x, mu, logvar = (t[i : i + 1] for t in (new, *start))
        refined = ascend(MODEL, x, mu, logvar, steps=40, order=16)
        assert refined.elbo[-1] >= refined.elbo[0] - 1e-12
        gains.append(refined.elbo[-1] - refined.elbo[0])
    assert torch.cat(gains).mean() > 0.01


def test_free_parameters_reach_at_least_what_shared_ones_reach():
    """On the training data: tying parameters cannot help the bound."""
    x = data(30, seed=4)
    shared = fit_guide(amortized(), bound, x, steps=300)[-1]
    free = fit_guide(PerDatapointGuide(30, 1), bound, x, steps=300)[-1]
    assert free > shared


def test_building_a_guide_spends_none_of_the_global_random_state():
    """nn.Linear's own initial values come from the global generator, whatever one passes."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = amortized(), amortized()
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
