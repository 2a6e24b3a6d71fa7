"""Splits and data sets: what they refuse, how they are cut, and what they say of themselves."""

import pytest
import torch
from data_tools import REAL_MNIST, needs_mnist

from vae_teach import data
from vae_teach.data import Dataset, Split


def split(n: int, start: int = 0) -> Split:
    images = torch.arange(start, start + n).float()[:, None] / 100
    return Split(images, torch.arange(start, start + n), {"slant": images[:, 0] * 2})


def dataset(n_train: int = 10, n_test: int = 4) -> Dataset:
    return Dataset("some", split(n_train), split(n_test, 50), (1, 1), "made here.")


def test_validation_is_the_end_of_the_training_examples_and_all_goes_along():
    """Fails if labels or factors are cut elsewhere than the images, or the test set is touched."""
    whole = dataset()
    cut = whole.with_validation(3)
    assert cut.train.labels.tolist() == list(range(7))
    assert cut.validation.labels.tolist() == [7, 8, 9]
    assert torch.equal(cut.validation.images[:, 0] * 2, cut.validation.factors["slant"])
    assert cut.test is whole.test and whole.validation is None and len(whole.train) == 10


def test_a_share_holds_out_that_many_and_at_least_one():
    assert [len(dataset().with_validation(n).validation) for n in (0.3, 0.01, 0.25)] == [3, 1, 2]


@pytest.mark.parametrize("n", [0, -1, 10, 11, 0.0, 1.0, 2.5])
def test_a_validation_split_that_leaves_nothing_is_refused(n):
    with pytest.raises(ValueError, match=f"n is {n} but some has 10 training images"):
        dataset().with_validation(n)


def test_a_second_validation_split_is_refused():
    """It would eat into the training images a second time, silently."""
    with pytest.raises(ValueError, match="already has 2 validation images"):
        dataset().with_validation(2).with_validation(2)


def test_limited_keeps_the_first_of_every_split():
    cut = dataset().with_validation(3).limited(2)
    assert cut.train.labels.tolist() == [0, 1]
    assert cut.validation.labels.tolist() == [7, 8]
    assert cut.test.labels.tolist() == [50, 51]
    assert len(dataset().limited(100).train) == 10


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="limit is 0"):
        dataset().limited(0)


def test_a_split_is_indexed_by_slices_and_by_positions():
    picked = split(10)[torch.tensor([4, 2])]
    assert picked.labels.tolist() == [4, 2] and len(picked.factors["slant"]) == 2
    assert Split(torch.zeros(3, 2))[1:].labels is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3, 2, 2),), r"float32 of shape \(N, D\), not torch\.float32 of shape \(3, 2"),
        ((torch.zeros(3, 2, dtype=torch.float64),), r"not torch\.float64"),
        ((torch.zeros(3, 2), torch.zeros(2).long()), r"labels has shape \(2,\) .* 3 images"),
        ((torch.zeros(3, 2), None, {"slant": torch.zeros(3, 1)}), r"slant has shape \(3, 1\)"),
    ],
    ids=["pictures", "float64", "labels", "factors"],
)
def test_parts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Split(*arguments)


def test_a_notebook_shows_sizes_not_pixels():
    """The default repr of a data class would print thousands of numbers into a student's cell."""
    text = repr(dataset().with_validation(3))
    assert text == "Dataset(some: 7 train, 3 validation, 4 test, images 1 x 1)"
    assert repr(split(1234)) == "Split(1,234 images of 1 pixels, 1234 labels, factors slant)"
    assert repr(Split(torch.zeros(2, 6))) == "Split(2 images of 6 pixels, no labels)"


@needs_mnist
@pytest.mark.mnist
def test_mnist_splits_50_10_10(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DATA", str(REAL_MNIST))
    mnist = data.load("mnist").with_validation()
    sizes = [len(part) for part in (mnist.train, mnist.validation, mnist.test)]
    assert sizes == [50_000, 10_000, 10_000]
