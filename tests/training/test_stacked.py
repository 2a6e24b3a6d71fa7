"""Many models as one: the same steps as alone, and nothing that crosses from one to another."""

import pytest
import torch

from vae_teach import VAE, data, fit
from vae_teach.training.stacked import Stack, fit_stacked

SIZE = {"n_pixels": 784, "encoder_hidden": (12,), "latent_dim": 3, "decoder_hidden": (12,)}
HOW = {"epochs": 2, "batch_size": 60, "lr": 3e-3}


def digits(n=200):
    return data.draw(n, generator=torch.Generator().manual_seed(0)).images


def toss(x, generator):
    return data.treat(x, "stochastic", generator=generator)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_stacked_models_are_those_that_are_trained_alone():
    """Noise shared by two seeds, a beta on the wrong model, a last batch that is left out.

    200 pictures in batches of 60: the last one is smaller.
    """
    seeds, betas, x = (0, 1, 0), (1.0, 1.0, 4.0), digits()
    together = [VAE(**SIZE, seed=s) for s in seeds]
    fit_stacked(together, x, seeds=seeds, betas=betas, transform=toss, **HOW)
    for model, seed, beta in zip(together, seeds, betas, strict=True):
        alone = VAE(**SIZE, seed=seed)
        start = weights(alone)
        fit(alone, x, seed=seed, weights={"kl": beta}, transform=toss, progress=False, **HOW)
        torch.testing.assert_close(weights(model), weights(alone), atol=2e-5, rtol=1e-4)
        assert (weights(alone) - start).abs().max() > 1e-2  # or equality would say nothing


def test_the_terms_are_those_of_each_model():
    """Models that all compute with the weights of the first."""
    models = [VAE(**SIZE, seed=s) for s in range(3)]
    x, eps = digits(5), torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    reconstruction, kl = Stack(models).look(x, eps)
    for i, model in enumerate(models):
        elbo = model.elbo(x, eps)
        torch.testing.assert_close(reconstruction[i], -elbo.log_likelihood)
        torch.testing.assert_close(kl[i], elbo.kl)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": (0,)}, "2 models, but 1 seeds"),
        ({"betas": (1.0,)}, "2 models, but 2 seeds and 1 betas"),
        ({"betas": (1.0, -1.0)}, "betas must be at least 0"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"lr": -1.0}, "lr must be at least 0"),
        ({"seeds": (0, -1)}, "seeds must be at least 0"),
        ({"train": 2 * digits(10)}, "train must be a tensor of finite floats from 0 to 1"),
        ({"train": digits(10)[:, :700]}, "train has 700 pixels"),
    ],
)
def test_bad_arguments_change_nothing(changed, said):
    models = [VAE(**SIZE, seed=s) for s in range(2)]
    before = [weights(m) for m in models]
    call = {"train": digits(10), "seeds": (0, 1), "epochs": 1} | changed
    with pytest.raises(ValueError, match=said):
        fit_stacked(models, call.pop("train"), **call)
    assert all(torch.equal(weights(m), w) for m, w in zip(models, before, strict=True))


def test_models_of_two_sizes_are_no_stack():
    other = VAE(**SIZE | {"latent_dim": 4}, seed=0)
    with pytest.raises(ValueError, match=r"models\[1\] is VAE .*a stack needs one architecture"):
        Stack([VAE(**SIZE, seed=0), other])
    with pytest.raises(ValueError, match="models is empty"):
        fit_stacked([], digits(4), seeds=(), epochs=1)


def test_a_loss_that_is_lost_leaves_the_models_as_they_were():
    models = [VAE(**SIZE, seed=0)]
    before = weights(models[0])
    with pytest.raises(FloatingPointError, match=r"epoch 1: the loss of models \[0\]"):
        fit_stacked(models, digits(), seeds=(0,), epochs=1, batch_size=50, lr=1e30)
    assert torch.equal(weights(models[0]), before)
