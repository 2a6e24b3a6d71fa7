"""A Gaussian q(z|x) with a full covariance, against torch's own and on the grid."""

import pytest
import torch
from seeded import generator
from torch.distributions import MultivariateNormal, kl_divergence

from vae_teach import evaluate
from vae_teach.models import PosteriorVAE, build_model
from vae_teach.models.full_posterior import FullGaussianPosterior
from vae_teach.training.loop import fit

F64 = torch.float64


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


HEADS = draws(4, 3), draws(4, 3, seed=1), draws(4, 3, seed=2)  # 3 latents have 3 covariances
Q = FullGaussianPosterior(8, 3)


def torchs(heads=HEADS):
    return MultivariateNormal(heads[0], scale_tril=Q.root(heads))


def test_density_and_divergence_are_torchs():
    """A determinant, a transposed root, or a term of the KL that is left out."""
    z = draws(5, 4, 3, seed=3)
    torch.testing.assert_close(Q.log_prob(HEADS, z), torchs().log_prob(z))
    standard = MultivariateNormal(torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64))
    torch.testing.assert_close(Q.kl(HEADS), kl_divergence(torchs(), standard))


def test_draws_have_the_covariance_and_the_density_that_they_say():
    z, log_q = Q.draw(HEADS, draws(40_000, 4, 3, seed=4))
    torch.testing.assert_close(log_q, Q.log_prob(HEADS, z))
    centred = z - z.mean(0)
    cov = torch.einsum("kbi,kbj->bij", centred, centred) / len(z)
    scale = torchs().variance.sqrt()
    off = (cov - torchs().covariance_matrix).abs() / (scale[:, :, None] * scale[:, None])
    assert off.max() < 0.03
    same, kl = Q.draw_with_kl(HEADS, draws(40_000, 4, 3, seed=4))
    assert torch.equal(same, z) and torch.equal(kl, Q.kl(HEADS))


def small(posterior):
    return PosteriorVAE(12, (16,), 2, (16,), activation="tanh", posterior=posterior, seed=0)


def test_it_starts_as_the_diagonal_one_and_a_config_rebuilds_it():
    """An untrained covariance, or a trunk that starts from other weights."""
    full, plain = small("full"), small("gaussian")
    x, eps = (draws(5, 12).float() > 0).float(), draws(5, 2).float()
    torch.testing.assert_close(full.elbo(x, eps).value, plain.elbo(x, eps).value)
    again = build_model("PosteriorVAE", full.config)
    again.load_state_dict(full.state_dict())
    assert torch.equal(again.elbo(x, eps).value, full.elbo(x, eps).value)
    assert not full.has_closed_kl  # or estimates from `encode` alone would take q for diagonal


@pytest.mark.usefixtures("one_thread")
def test_training_finds_covariances_and_a_smaller_gap():
    """On rows whose posteriors are slanted: both pixels of a pair show the sum of two causes."""
    g = generator(5)
    z, direction = torch.randn(600, 2, generator=g), torch.ones(2, 12)
    direction[1, ::2] = 0.6
    x = (2 * z @ direction + 0.5 * torch.randn(600, 12, generator=g) > 0).float()
    found = {}
    for posterior in ("gaussian", "full"):
        model = small(posterior)
        model.decoder[0].weight.data.copy_(torch.ones(16, 2))  # sees the sum of the two alone
        for weight in model.decoder.parameters():
            weight.requires_grad_(False)
        model.decoder[2].weight.mul_(6)
        fit(model, x, epochs=60, batch_size=100, lr=1e-2, progress=False)
        judged = evaluate.grid_log_likelihood(model, x[:50], reach=7, n=281)
        found[posterior] = judged.kl_to_posterior.mean().item()
    assert found["full"] < 0.5 * found["gaussian"]


def test_one_latent_and_noise_of_another_size_are_refused():
    with pytest.raises(ValueError, match="latent_dim is 1, but a covariance needs at least 2"):
        FullGaussianPosterior(8, 1)
    with pytest.raises(ValueError, match="latent dimensions"):
        Q.draw(HEADS, draws(4, 2))
