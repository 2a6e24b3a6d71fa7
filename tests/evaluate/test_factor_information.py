"""How much a latent says of a factor: against scikit-learn's, and in cases where it is known."""

import math

import pytest
import torch
from seeded import generator
from sklearn.metrics import mutual_info_score

from vae_teach.evaluate.factor_information import (
    entropies,
    in_equal_shares,
    information_by_latent,
    information_gaps,
)

FACTORS = torch.randn(4_000, 3, generator=generator(0))
CLASSES = torch.stack([in_equal_shares(f, 10) for f in FACTORS.T], dim=1)


def score(codes):
    return information_gaps(information_by_latent(codes, CLASSES), entropies(CLASSES)).mean()


def test_pieces_are_equally_full_and_in_order():
    pieces = in_equal_shares(torch.tensor([3.0, -1.0, 2.0, 0.0, 1.0, 5.0]), 3)
    assert pieces.tolist() == [2, 0, 1, 0, 1, 2]


def test_information_is_scikit_learns():
    """A latent exchanged with a factor, a logarithm of base 2, or cells that are left out."""
    codes = FACTORS @ torch.randn(3, 4, generator=generator(1))
    found = information_by_latent(codes, CLASSES, pieces=7)
    for i, column in enumerate(codes.T):
        cut = in_equal_shares(column, 7)
        for j, classes in enumerate(CLASSES.T):
            assert found[i, j].item() == pytest.approx(mutual_info_score(cut, classes), abs=1e-12)


def test_factors_on_axes_score_one_and_between_axes_nothing():
    """A gap to the mean of the others, or one that a rotation does not change."""
    assert score(FACTORS) == pytest.approx(1, abs=0.02)
    quarter = torch.eye(3)
    quarter[:2, :2] = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    turned = information_gaps(information_by_latent(FACTORS @ quarter, CLASSES), entropies(CLASSES))
    assert turned[:2].max() < 0.05 and turned[2] > 0.9


def test_noise_says_next_to_nothing_and_its_excess_is_millers():
    """On average (20 - 1)(10 - 1) / 2N where there is nothing."""
    found = information_by_latent(torch.randn(4_000, 60, generator=generator(2)), CLASSES)
    excess = 19 * 9 / 8_000
    assert found.mean().item() == pytest.approx(excess, rel=0.05)
    assert score(torch.randn(4_000, 5, generator=generator(3))) < 0.01


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r"codes must be \(N, L\)"):
        information_by_latent(FACTORS[:10], CLASSES)
    with pytest.raises(ValueError, match="L >= 2"):
        information_gaps(torch.ones(1, 3), torch.ones(3))
    with pytest.raises(ValueError, match="N >= 20"):
        in_equal_shares(torch.ones(3), 20)


@pytest.mark.parametrize("classes", [FACTORS.sigmoid(), CLASSES - 1])
def test_classes_that_are_no_whole_numbers_from_0_are_refused(classes):
    """A continuous factor between 0 and 1 became one class, of which every latent says 0 nats."""
    with pytest.raises(ValueError, match="classes must be whole numbers from 0"):
        information_by_latent(FACTORS, classes)
    with pytest.raises(ValueError, match="classes must be whole numbers from 0"):
        entropies(classes)


def test_a_factor_that_never_varies_has_no_gap():
    """Its share of 0 nats was not a number, and the mean over the factors neither."""
    constant = torch.zeros_like(CLASSES)
    with pytest.raises(ValueError, match="entropy must be above 0"):
        information_gaps(information_by_latent(FACTORS, constant), entropies(constant))
