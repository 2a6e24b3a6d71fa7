"""What the KL term of a VAE does to its codes, against the same network trained without it."""

import functools
import statistics

import pytest
import torch

from vae_teach import VAE, data, fit
from vae_teach.evaluate.bounds import posterior_means

pytestmark = pytest.mark.notebooks

SEEDS = (0, 1, 2)
LATENT = 8


@functools.cache
def measured(beta, seed):
    """Of strokes after six epochs, with the KL term weighted by beta.

    The standard deviation of the codes' means over pictures, as it is and in units of the codes'
    own; the mean distance of samples from the prior to the nearest training picture; the mean
    distance of two codes of one digit divided by that of two codes of two digits.
    """
    digits = data.load("strokes")
    train, held, labels = (
        digits.train.images[:5_000],
        digits.test.images[:2_000],
        digits.test.labels,
    )
    model = VAE(784, (200,), LATENT, (200,), seed=seed)
    fit(model, train, epochs=6, seed=seed, weights={"kl": beta}, progress=False)
    means = posterior_means(model, held)
    z = torch.randn(1_000, LATENT, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        widths = model.encode(held)[1].div(2).exp().mean(dim=0)
        samples = model.mean_image(z)
    spread = means.std(dim=0)
    same = labels[:2_000, None] == labels[None, :2_000]
    others = ~torch.eye(len(held), dtype=torch.bool)
    apart = torch.cdist(means, means)
    return {
        "spread": spread.mean().item(),
        "in-widths": (spread / widths).mean().item(),
        "nearest": torch.cdist(samples, train).amin(dim=1).mean().item(),
        "within-between": (apart[same & others].mean() / apart[~same].mean()).item(),
    }


def of_three(name, beta):
    """The smallest and the largest of three seeds."""
    found = [measured(beta, seed)[name] for seed in SEEDS]
    return min(found), max(found)


@pytest.mark.parametrize(
    ("name", "without", "with_it"),
    [
        ("spread", 3.3, 1.25),
        ("in-widths", 52.0, 3.2),
        ("nearest", 7.2, 5.6),
        ("within-between", 0.80, 0.76),
    ],
)
def test_the_kl_term_keeps_codes_together_and_prior_samples_near_the_data(name, without, with_it):
    """The published "the regularizer keeps the codes diverse", which is the wrong way round.

    Without the term the codes lie further apart, by far more of their own widths, and what is drawn
    from the prior lies further from any training picture, with each of three seeds. Two codes of
    one digit are a little further from each other, relative to two of different digits, too.
    """
    low, high = of_three(name, 0.0), of_three(name, 1.0)
    assert low[0] > high[1]
    assert statistics.mean(low) == pytest.approx(without, rel=0.25)
    assert statistics.mean(high) == pytest.approx(with_it, rel=0.25)
