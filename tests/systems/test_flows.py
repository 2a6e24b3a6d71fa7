"""Masks, Jacobians and densities of the autoregressive flow, against autograd and the grid."""

import math

import pytest
import torch

from vae_teach import evaluate
from vae_teach.exact import Grid
from vae_teach.models import PosteriorVAE, build_model, seeded_initialization
from vae_teach.systems.dense import SourceVAE
from vae_teach.systems.flows import MADE, IAFStep, degree_masks

F64 = torch.float64


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def seeded(build, seed=0):
    with seeded_initialization(seed):
        return build().double()


def strong_step(latent_dim=4, seed=0):
    """A step far from the identity: gates spread over (0.05, 0.95) and not all near 0.88."""
    step = seeded(lambda: IAFStep(latent_dim, 32, 3), seed)
    bend(step)
    return step


def bend(module, factor=4.0):
    """Make every step of a flow matter: larger masked weights, a smaller gate, a wider start."""
    with torch.no_grad():
        if isinstance(module, PosteriorVAE):
            module.to_logvar.bias.fill_(2.0)  # sigma = 2.1 before the flow
        for step in module.modules():
            if isinstance(step, IAFStep):
                for layer in (step.made.first, step.made.second, step.made.last):
                    layer.weight.mul_(factor)
                step.gate_bias.fill_(0.3)
    return module


def small_vae(**options):
    config = {"n_pixels": 6, "encoder_hidden": (8,), "latent_dim": 2, "decoder_hidden": (8,)}
    flow = {"name": "flow", "positive": "softplus", "hidden": 16}
    return SourceVAE(**config, posterior=flow, seed=0, **options).double()


@pytest.mark.parametrize("n_inputs, n_hidden", [(2, 5), (5, 16), (128, 256)])
def test_chained_masks_let_an_output_see_earlier_inputs_only(n_inputs, n_hidden):
    """The product of the masks is strictly lower triangular in each block of outputs."""
    first, second, last = degree_masks(n_inputs, n_hidden, n_outputs=2)
    paths = last @ second @ first  # number of ways from an input to an output
    for block in paths.chunk(2):
        assert torch.equal(block, block.tril(diagonal=-1))
    assert (paths > 0).any()


def test_no_output_is_cut_off_from_what_it_may_see():
    """With enough hidden units every allowed path exists; catches masks that allow nothing."""
    first, second, last = degree_masks(5, 200, n_outputs=1)
    allowed = torch.ones(5, 5).tril(diagonal=-1) > 0
    assert torch.equal((last @ second @ first) > 0, allowed)


def test_made_outputs_do_not_move_with_later_inputs():
    """By autograd: d m_i / d z_j = 0 for j >= i, and not for j < i."""
    made = seeded(lambda: MADE(5, 64, 3))
    context = draws(3)
    for output in range(2):
        jacobian = torch.autograd.functional.jacobian(
            lambda z, output=output: made(z, context)[output], draws(5, seed=1)
        )
        assert torch.equal(jacobian, jacobian.tril(diagonal=-1))
        assert (jacobian.tril(diagonal=-1).abs().sum(dim=1)[1:] > 0).all()


def test_the_context_reaches_every_output():
    made = seeded(lambda: MADE(5, 64, 3))
    jacobian = torch.autograd.functional.jacobian(lambda c: made(draws(5), c)[0], draws(3, seed=1))
    # the first output reads no hidden unit, so not even the context can move it
    assert (jacobian[1:].abs().sum(dim=1) > 0).all()
    assert jacobian[0].abs().sum() == 0


def test_log_determinant_agrees_with_the_jacobian_of_autograd():
    """Catches a wrong sign and a reversal that is taken for a change of volume."""
    step, context = strong_step(), draws(3)
    for seed in range(5):
        z = draws(4, seed=seed)
        jacobian = torch.autograd.functional.jacobian(lambda z: step(z, context)[0], z)
        log_det = torch.linalg.slogdet(jacobian).logabsdet
        torch.testing.assert_close(step(z, context)[1], log_det, rtol=1e-10, atol=1e-10)
        assert log_det.abs() > 0.1


def test_a_fresh_step_is_nearly_the_identity_but_reversed():
    """The gate starts at sigmoid(2) = 0.881."""
    step = seeded(lambda: IAFStep(4, 32, 3))
    z = draws(50, 4)
    moved, _ = step(z, draws(50, 3, seed=1))
    assert torch.sigmoid(step.gate_bias).mean().item() == pytest.approx(0.881, abs=5e-4)
    assert torch.corrcoef(torch.stack([moved.flip(-1).flatten(), z.flatten()]))[0, 1] > 0.99


def test_inverse_undoes_a_step_and_reports_the_same_volume():
    step = strong_step()
    z, context = draws(7, 4), draws(7, 3, seed=1)
    there, log_det = step(z, context)
    back, log_det_back = step.inverse(there, context)
    # each pass divides by a gate, so rounding grows with their product
    torch.testing.assert_close(back, z, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(log_det_back, log_det, rtol=1e-7, atol=1e-7)


def test_the_flows_density_integrates_to_one():
    """Catches a missing or doubled log-determinant."""
    model = bend(small_vae())
    x = draws(3, 6)
    grid = Grid(-12, 12, 301, dim=2)
    log_q = model.log_posterior(x, grid.points[:, None].expand(-1, 3, -1)).T  # (3, M)
    mass = grid.log_integral(log_q).exp()
    torch.testing.assert_close(mass, torch.ones(3, dtype=F64), rtol=1e-4, atol=0)


def test_draws_carry_their_own_density():
    """The log q returned with a draw is the density that the inverse finds there."""
    model = bend(small_vae())
    x = draws(3, 6)
    z, log_q = model.draw_posterior(x, draws(20, 3, 2, seed=1))
    assert z.shape == (20, 3, 2) and log_q.shape == (20, 3)
    torch.testing.assert_close(model.log_posterior(x, z), log_q, rtol=1e-8, atol=1e-8)


def test_a_bent_flow_is_no_gaussian():
    """Otherwise the tests above would say nothing about flows."""
    model = bend(small_vae())
    z, _ = model.draw_posterior(draws(1, 6), draws(20_000, 1, 2, seed=1))
    standard = (z[:, 0] - z[:, 0].mean(0)) / z[:, 0].std(0)
    skew_error = math.sqrt(6 / 20_000)
    assert (standard**3).mean(0).abs().max() > 10 * skew_error


def test_elbo_of_the_flow_is_the_mean_log_weight():
    model = bend(small_vae())
    x, eps = (draws(3, 6) > 0).to(F64), draws(11, 3, 2, seed=1)
    by_hand = evaluate.log_weights(model, x, eps).mean(0)
    torch.testing.assert_close(model.elbo(x, eps).value, by_hand, rtol=1e-12, atol=0)
    single = model.elbo(x, eps[0]).value
    torch.testing.assert_close(single, evaluate.log_weights(model, x, eps[:1])[0])


def test_every_parameter_of_the_flow_learns():
    model = small_vae()
    x = (draws(4, 6) > 0).to(F64)
    model.elbo(x, draws(4, 2, seed=1)).value.sum().neg().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_elbo_plus_kl_is_log_p_for_a_flow_too():
    """The grid judges a posterior that is no Gaussian."""
    model = bend(small_vae())
    x = (draws(5, 6) > 0).to(F64)
    grid = evaluate.grid_log_likelihood(model, x, reach=12, n=301, tolerance=1e-3)
    bounds = evaluate.importance_bounds(
        model, x, n_samples=10_000, generator=torch.Generator().manual_seed(0)
    )
    gap = bounds.elbo.per_image + grid.kl_to_posterior - grid.log_px
    assert (gap.abs() < 4.5 * bounds.elbo.errors).all()
    assert (bounds.elbo.errors < 0.03).all()


def test_reconstructing_without_noise_is_repeatable_and_with_noise_is_not():
    model = small_vae()
    x = draws(2, 6)
    assert torch.equal(model.reconstruct(x), model.reconstruct(x))
    g = torch.Generator().manual_seed(0)
    noisy = model.reconstruct(x, generator=g)
    assert not torch.equal(noisy, model.reconstruct(x))


def test_config_rebuilds_the_model_with_its_masks():
    model = bend(small_vae())
    twin = build_model("SourceVAE", model.config).double()
    twin.load_state_dict(model.state_dict())
    x, eps = draws(3, 6), draws(3, 2, seed=1)
    torch.testing.assert_close(twin.elbo(x, eps).value, model.elbo(x, eps).value, rtol=0, atol=0)


def test_errors_name_both_sides():
    with pytest.raises(ValueError, match="n_inputs is 1, but an order needs at least 2"):
        degree_masks(1, 4, 2)
    with pytest.raises(ValueError, match="initialization must be 'torch'"):
        small_vae(initialization="he-normal")
    with pytest.raises(ValueError, match="a flow has no closed form for the KL"):
        small_vae().posterior.kl(())
    with pytest.raises(ValueError, match=r"SourceVAE has no closed form.*importance_bounds"):
        evaluate.elbo(small_vae(), draws(2, 6), n_samples=1, generator=torch.Generator())
