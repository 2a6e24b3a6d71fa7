"""Noise of the right type in the right place, and one class for what it gave."""

import pytest
import torch

from vae_teach import evaluate
from vae_teach.maths.estimate import Estimate, measure_mean
from vae_teach.maths.kl_numeric import kl_from_draws
from vae_teach.maths.noise import noise, noise_like
from vae_teach.models import VAE


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_has_the_type_of_what_it_is_added_to(dtype):
    """A model in float64 was given draws of float32: 24 bits of them were random, 29 were not."""
    like = torch.zeros(5, 3, dtype=dtype)
    drawn = noise_like(like, generator())
    assert drawn.dtype == dtype
    assert torch.equal(drawn, torch.randn(5, 3, generator=generator(), dtype=dtype))
    assert torch.equal(drawn, noise((5, 3), like, generator()))
    model = VAE(4, (3,), 2, (3,), seed=0).to(dtype)
    z = noise((6, 2), torch.zeros(0, dtype=dtype), generator())
    assert torch.equal(model.sample(6, generator=generator()), model.mean_image(z))


def test_noise_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="generator must be a torch"):
        noise((2,), torch.zeros(1), None)


def test_a_mean_with_its_error_is_one_thing_wherever_it_is_measured():
    """Two classes with two names for the error made two kinds of text of it."""
    draws = torch.randn(1_000, generator=generator())
    log_q, log_p = (lambda x: x), (lambda x: torch.zeros_like(x))
    for found in (measure_mean(draws), kl_from_draws(log_q, log_p, draws)):
        assert type(found) is Estimate
        assert found.standard_error == draws.std() / 1_000**0.5
    assert found.distance(found.value + 2 * found.standard_error) == pytest.approx(2, rel=1e-4)
    assert not hasattr(evaluate, "Estimate")  # what it gives has one estimate per image
