"""The noise of a Gaussian decoder is a weight of the KL term: sigma_x^2 is what beta is at 1."""

import pytest
import torch
from seeded import generator

from vae_teach import VAE, data
from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.training.adam import Adam
from vae_teach.training.loop import fit

X = data.draw(300, generator=generator(0)).images.double()
NOISES = (0.3, 1.0, 3.0)


def small(sigma_x, seed):
    noise = {"name": "gaussian", "sigma_x": sigma_x}
    return VAE(784, (32,), 4, (32,), likelihood=noise, seed=seed).double()


def slope(model, weight):
    """The gradient of -log p(x|z) + weight * KL, for one noise."""
    eps = torch.randn(300, 4, generator=generator(1), dtype=torch.float64)
    elbo = model.elbo(X, eps)
    loss = (weight * elbo.kl - elbo.log_likelihood).mean()
    parts = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("sigma_x", NOISES)
def test_the_gradient_with_a_noise_is_that_of_beta_over_the_variance(sigma_x):
    """A noise that is taken for a variance, or a KL term that it weighs too."""
    own, weighed = slope(small(sigma_x, 0), 1.0), slope(small(1.0, 0), sigma_x**2)
    torch.testing.assert_close(own * sigma_x**2, weighed, rtol=1e-9, atol=1e-12)


def test_both_trainings_go_the_same_way_and_a_larger_noise_has_the_smaller_rate():
    """Adam divides the factor 1 / sigma_x^2 out of its steps, but for its own epsilon.

    Three noises, three seeds.
    """
    for seed in range(3):
        rates, errors = [], []
        for sigma_x in NOISES:
            own, weighed = small(sigma_x, seed), small(1.0, seed)
            for model, beta in ((own, 1.0), (weighed, sigma_x**2)):
                fit(
                    model,
                    X,
                    epochs=15,
                    batch_size=100,
                    seed=seed,
                    weights={"kl": beta},
                    optimizer=lambda weights: Adam(weights, lr=3e-3, eps=1e-30),
                    progress=False,
                )
            with torch.no_grad():
                mu, logvar = own.encode(X)
                torch.testing.assert_close(weighed.encode(X)[0], mu, rtol=0, atol=1e-6)
                rates.append(kl_to_standard_normal(mu, logvar).mean().item())
                errors.append((own.decode(mu) - X).square().sum(1).mean().item())
        assert rates[0] > 2 * rates[1] > 4 * rates[2]
        assert errors == sorted(errors)
