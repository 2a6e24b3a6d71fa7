"""Scores of completions, each against a case whose value is known."""

import math

import numpy as np
import pytest
import torch
from seeded import generator
from sklearn.neighbors import NearestNeighbors

from vae_teach.evaluate.completions import (
    correlation,
    diversity,
    nearest,
    pixel_entropy,
)


def test_pixel_entropy_is_zero_when_decided_and_log_2_a_pixel_when_not():
    decided = torch.tensor([[0.0, 1.0, 1.0], [0.5, 0.5, 0.5], [0.0, 0.5, 1.0]])
    expected = torch.tensor([0.0, 3 * math.log(2), math.log(2)])
    torch.testing.assert_close(pixel_entropy(decided), expected)


def test_averaging_pictures_raises_the_entropy():
    """What the score is for: a blur of two digits is undecided."""
    a, b = (torch.rand(20, 784, generator=generator(s)).round() for s in (0, 1))
    blur = (a + b) / 2
    assert (pixel_entropy(blur) > pixel_entropy(a)).all()


def test_diversity_is_half_the_mean_squared_distance_of_two_draws():
    samples = torch.rand(7, 3, 10, generator=generator())
    pairs = torch.cdist(samples.transpose(0, 1), samples.transpose(0, 1)).square()
    expected = pairs.sum((1, 2)) / (7 * 6) / 2
    torch.testing.assert_close(diversity(samples), expected)
    assert not diversity(samples[:1].expand(4, -1, -1)).any()
    with pytest.raises(ValueError, match="at least 2 draws, but there are 1"):
        diversity(samples[:1])


def test_nearest_agrees_with_scikit_learn():
    query, known = (torch.rand(n, 9, generator=generator(n)) for n in (2_345, 500))
    theirs = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(query, return_distance=False)
    assert torch.equal(nearest(query, known), torch.from_numpy(theirs[:, 0]))
    with pytest.raises(ValueError, match="rows of 9 but known has 8"):
        nearest(query, known[:, 1:])


def test_correlation_agrees_with_numpy_and_survives_a_flat_row():
    a, b = (torch.rand(4, 30, generator=generator(s)) for s in (0, 1))
    theirs = [np.corrcoef(x, y)[0, 1] for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    np.testing.assert_allclose(correlation(a, b).numpy(), theirs, rtol=1e-5)
    for shade in (1.0, 0.1, 0.3, 0.7):  # the mean of a row of 0.1s is not 0.1 to the last bit
        flat = torch.full((1, 392), shade)
        assert correlation(flat, torch.rand(1, 392, generator=generator())).item() == 0
        assert correlation(flat, 2 * flat).item() == 0
    torch.testing.assert_close(correlation(a, 3 * a + 1), torch.ones(4))
    torch.testing.assert_close(correlation(1e-3 * a, b), correlation(a, b))  # faint pictures too


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_the_entropy_of_what_is_no_probability_is_refused(value):
    """A Gaussian's mean picture may leave [0, 1]; its entropy would be minus infinity."""
    with pytest.raises(ValueError, match="pixels must be probabilities"):
        pixel_entropy(torch.tensor([[0.5, value]]))
    assert pixel_entropy(torch.tensor([[1 + 1e-6, -1e-6]])).item() == 0  # rounding
