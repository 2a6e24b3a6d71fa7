"""The simulated counts: drawn from the formula that their docstring has."""

import math

import pytest
import torch
from seeded import generator

from vae_teach.data.counts import DEPTH, DEPTH_SPREAD, draw_counts


def test_counts_have_the_mean_and_the_variance_of_the_formula():
    """Catches Poisson counts, and a gamma variable whose mean is not 1."""
    cells = draw_counts(20_000, generator=generator(0), n_genes=20, dispersion=2.0)
    error = cells.x - cells.rates
    expected = cells.rates + cells.rates.square() / 2
    assert abs(error.mean() / error.std() * math.sqrt(error.numel())) < 4
    assert 0.9 < (error.square().mean(0) / expected.mean(0)).median() < 1.1
    poisson = draw_counts(20_000, generator=generator(0), n_genes=20, dispersion=1e6)
    spread = (poisson.x - poisson.rates).square().mean(0) / poisson.rates.mean(0)
    assert 0.95 < spread.median() < 1.05


def test_rates_add_up_to_the_depth():
    cells = draw_counts(500, generator=generator(1))
    torch.testing.assert_close(cells.rates.sum(1).log(), cells.log_depth)
    assert abs(cells.log_depth.mean() - math.log(DEPTH)) < 4 * DEPTH_SPREAD / math.sqrt(500)


def test_a_programme_changes_some_genes_and_not_others():
    """The logs of the rates are linear in the programmes, up to a number of each cell's own."""
    cells = draw_counts(400, generator=generator(2), n_genes=50, n_programmes=2)
    logs = cells.rates.log()
    centred = logs - logs.median(1, keepdim=True).values
    a = torch.cat([cells.programmes, torch.ones(400, 1)], 1)
    logs = logs - logs.mean(1, keepdim=True)
    fitted = a @ torch.linalg.lstsq(a, logs).solution
    assert (fitted - logs).abs().max() < 1e-3
    assert centred.std() > 0.1


def test_a_seed_fixes_the_cells_and_a_part_keeps_what_is_known():
    one, other = (draw_counts(30, generator=generator(3)) for _ in range(2))
    assert torch.equal(one.x, other.x) and torch.equal(one.x, one.x.round()) and len(one) == 30
    part = one[10:15]
    assert len(part) == 5 and torch.equal(part.programmes, one.programmes[10:15])
    assert part.rates.shape == (5, 100) and part.log_depth.shape == (5,)


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="dispersion must be positive"):
        draw_counts(3, generator=generator(0), dispersion=0.0)
    with pytest.raises(ValueError, match="n must be at least 1"):
        draw_counts(0, generator=generator(0))
