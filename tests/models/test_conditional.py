"""The CVAE: the VAE it grows out of, where the condition goes, what it draws, what it bounds."""

import math

import pytest
import torch
from seeded import generator
from torch.distributions import Independent, Normal, kl_divergence

from vae_teach.models import VAE, build_model, count_parameters
from vae_teach.models.conditional import CVAE, PLACES, Regressor, join, one_hot
from vae_teach.training.checkpoint import load_model
from vae_teach.training.loop import fit

D, C, L = 30, 4, 3
SIZES = {"encoder_hidden": (12,), "latent_dim": L, "decoder_hidden": (11,)}


def cvae(**keywords):
    return CVAE(D, C, **(SIZES | {"seed": 0} | keywords))


@pytest.fixture
def x():
    return torch.rand(6, D, generator=generator())


@pytest.fixture
def c():
    return one_hot(torch.arange(6) % C, C)


# --- the VAE is the case of no condition ---


@pytest.mark.parametrize("place", PLACES)
def test_a_condition_of_size_zero_gives_the_vaes_loss_exactly(x, place):
    """Fails if the weights are drawn in another order or a term differs by one operation."""
    vae = VAE(D, **SIZES, seed=0)
    model = CVAE(D, 0, **SIZES, condition_in=place, seed=0)
    nothing = torch.empty(6, 0)
    ours = model.loss_terms(x, nothing, generator=generator(1))
    theirs = vae.loss_terms(x, generator=generator(1))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert torch.equal(model.sample(torch.empty(0), 5, generator=generator(2)),
                       vae.sample(5, generator=generator(2)))  # fmt: skip


def test_training_without_a_condition_is_training_the_vae(x):
    """Through `fit`: the same weights after the same steps."""
    vae, model = VAE(D, **SIZES, seed=0), CVAE(D, 0, **SIZES, seed=0)
    fit(vae, x, epochs=3, batch_size=4, progress=False)
    fit(model, (x, torch.empty(6, 0)), epochs=3, batch_size=4, progress=False)
    for ours, theirs in zip(model.parameters(), vae.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# --- where the condition goes ---


@pytest.mark.parametrize("place", PLACES)
def test_the_condition_reaches_the_places_it_is_sent_to_and_no_other(x, c, place):
    """A q(z|x) that claims to be q(z|x, c), or a decoder that never hears the label."""
    model = cvae(condition_in=place)
    other = c.roll(1, dims=0)
    codes_move = not torch.equal(model.encode(x, c)[0], model.encode(x, other)[0])
    z = torch.randn(6, L, generator=generator())
    pictures_move = not torch.equal(model.decode(z, c), model.decode(z, other))
    assert codes_move == (place in ("encoder", "both"))
    assert pictures_move == (place in ("decoder", "both"))


@pytest.mark.parametrize(
    ("keywords", "extra"),
    [
        ({"condition_in": "encoder"}, 12 * C),
        ({"condition_in": "decoder"}, 11 * C),
        ({"condition_in": "both"}, 23 * C),
        ({"condition_in": "both", "prior_hidden": ()}, 23 * C + (C + 1) * 2 * L),
        ({"condition_in": "both", "prior_hidden": (5,)}, 23 * C + (C + 1) * 5 + 6 * 2 * L),
    ],
)
def test_a_condition_costs_only_the_weights_that_read_it(keywords, extra):
    plain = count_parameters(VAE(D, **SIZES))
    assert count_parameters(cvae(**keywords)) == plain + extra


def test_one_loss_reaches_every_parameter(x, c):
    """A learned prior left out of the KL would never move."""
    model = cvae(prior_hidden=(5,))
    terms = model.loss_terms(x, c, generator=generator())
    (terms["reconstruction"] + terms["kl"]).mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


# --- the two priors ---


def test_the_fixed_prior_is_standard_normal_for_every_condition(c):
    """z is drawn independently of c at test time."""
    mu, logvar = cvae().prior(c)
    assert mu.shape == logvar.shape == (6, L)
    assert not mu.any() and not logvar.any()


@pytest.mark.parametrize("prior_hidden", [None, (), (5,)])
def test_kl_is_to_the_prior_that_samples_are_drawn_from(x, c, prior_hidden):
    """Against torch.distributions; fails if a learned prior is used for one of the two only."""
    model = cvae(prior_hidden=prior_hidden)
    mu, logvar = model.encode(x, c)
    codes = model.sample_codes(c, 20_000, generator=generator())  # (K, B, L)
    means, variances = model.prior(c)[0], model.prior(c)[1].exp()
    assert ((codes.mean(0) - means).abs() < 5 * (variances / 20_000).sqrt()).all()
    # the variance of a sample variance of a normal is 2 sigma^4 / n
    assert ((codes.var(0) - variances).abs() < 5 * variances * math.sqrt(2 / 20_000)).all()
    q = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    p = Independent(Normal(means, variances.sqrt()), 1)
    kl = model.elbo(x, c, torch.zeros(6, L)).kl
    torch.testing.assert_close(kl, kl_divergence(q, p), rtol=1e-4, atol=1e-6)
    assert model.has_learned_prior == (prior_hidden is not None)


def test_a_learned_prior_depends_on_the_condition():
    mu, _ = cvae(prior_hidden=()).prior(torch.eye(C))
    assert len(mu.unique(dim=0)) == C


# --- bound and evidence ---


@pytest.mark.parametrize("keywords", [{}, {"prior_hidden": ()}, {"condition_in": "encoder"}])
def test_the_bound_lies_below_the_importance_sampled_likelihood(x, c, keywords):
    """With K draws both are averaged over the same kind of noise: ELBO <= log p(x|c)."""
    model = cvae(**keywords)
    elbo = model.elbo(x, c, torch.randn(4_000, 6, L, generator=generator())).value
    evidence = model.log_likelihood(x, c, n_draws=4_000, generator=generator(1))
    assert (elbo < evidence).all()
    assert (evidence - elbo < 3).all()  # the estimate is of the right size, not merely larger


def test_one_importance_draw_is_one_draw_of_the_bound(x, c):
    """log w of a single draw averages to the ELBO; a prior forgotten in w would shift it."""
    model = cvae(prior_hidden=())
    draws = torch.stack(
        [model.log_likelihood(x, c, n_draws=1, generator=generator(s)) for s in range(600)]
    )
    elbo = model.elbo(x, c, torch.randn(4_000, 6, L, generator=generator())).value
    assert ((draws.mean(0) - elbo).abs() < 5 * draws.std(0) / math.sqrt(600)).all()
    assert (draws.std(0) / math.sqrt(600) < 0.1).all()


def test_log_likelihood_needs_a_draw(x, c):
    with pytest.raises(ValueError, match="n_draws must be at least 1, but it is 0"):
        cvae().log_likelihood(x, c, n_draws=0, generator=generator())


# --- drawing ---


def test_sampling_never_calls_the_encoder(c, monkeypatch):
    model = cvae(prior_hidden=())

    def refuse(*_):
        raise AssertionError("the encoder was called")

    monkeypatch.setattr(model, "encode", refuse)
    assert model.sample(c[0], 5, generator=generator()).shape == (5, D)
    assert model.sample(c, 5, generator=generator()).shape == (5, 6, D)


def test_draws_differ_for_one_condition_and_follow_the_condition(c):
    """The variance across z at one c is positive; the same noise with another c differs."""
    model = cvae()
    samples = model.sample(c[0], 50, generator=generator())
    assert (samples.var(dim=0) > 0).all()
    other = model.sample(c[1], 50, generator=generator())
    assert not torch.equal(samples, other)
    assert torch.equal(samples, model.sample(c[0], 50, generator=generator()))


@pytest.mark.parametrize("prior_hidden", [None, (5,)])
def test_drawn_pixels_have_the_likelihoods_noise_and_the_priors_codes(c, prior_hidden):
    """Fails for means in place of draws, for one code for all draws, and for N(0, I) where the
    prior is learned."""
    noise = {"name": "gaussian", "sigma_x": 0.5}
    model = cvae(likelihood=noise, prior_hidden=prior_hidden)
    with torch.no_grad():  # codes that matter, and a prior that is not N(0, I)
        for name, weight in model.named_parameters():
            weight.mul_(3 if name.startswith(("decoder", "prior")) else 1)
    draws = model.sample_pixels(c[:C], 20_000, generator=generator())
    means = model.sample(c[:C], 20_000, generator=generator(1)).detach()
    assert draws.shape == means.shape == (20_000, C, D)
    error = ((draws.var(0) + means.var(0)) / 20_000).sqrt()
    assert ((draws.mean(0) - means.mean(0)).abs() < 5 * error).all()
    torch.testing.assert_close(draws.var(0), means.var(0) + 0.25, atol=0.01, rtol=0.1)
    assert means.var(0).max() > 0.1  # else codes would not be seen


def test_reconstruction_is_of_the_mean_or_of_a_draw(x, c):
    model = cvae()
    mu, _ = model.encode(x, c)
    assert torch.equal(model.reconstruct(x, c), model.mean_image(mu, c))
    drawn = model.reconstruct(x, c, generator=generator())
    assert not torch.equal(drawn, model.reconstruct(x, c))


def test_join_broadcasts_either_side():
    z, c = torch.randn(5, 6, 3), torch.randn(6, 4)
    assert join(z, c).shape == (5, 6, 7)
    assert torch.equal(join(z, c)[2, :, 3:], c)
    assert join(torch.randn(3), c).shape == (6, 7)
    assert join(z, torch.empty(6, 0)).shape == z.shape


# --- the regressor ---


def test_the_regressor_is_the_decoder_without_z():
    """The same layers but for the weights that read z: the same capacity."""
    regressor = Regressor(D, C, (11,), seed=0)
    decoder = cvae(condition_in="decoder").decoder
    assert count_parameters(regressor) == count_parameters(decoder) - 11 * L


def test_the_regressors_likelihood_is_its_loss(x, c):
    regressor = Regressor(D, C, (11,), seed=0)
    p = torch.distributions.Bernoulli(logits=regressor.decode(c), validate_args=False)
    expected = p.log_prob(x).sum(-1)
    torch.testing.assert_close(regressor.log_likelihood(x, c), expected)
    torch.testing.assert_close(regressor.loss_terms(x, c)["reconstruction"], -expected)
    assert ((regressor.mean_image(c) > 0) & (regressor.mean_image(c) < 1)).all()


# --- keeping and errors ---


@pytest.mark.parametrize(
    "model", [cvae(prior_hidden=(5,), condition_in="decoder"), Regressor(D, C, (9,), seed=1)]
)
def test_a_checkpoint_rebuilds_the_model(model, x, c, tmp_path):
    """Importing the package must be enough for `load_model` to know the conditional models."""
    path = tmp_path / "model.safetensors"
    fit(model, (x, c), epochs=1, batch_size=3, progress=False, checkpoint=path)
    twin = load_model(path)
    ours, theirs = (m.loss_terms(x, c, generator=generator()) for m in (model, twin))
    assert type(twin) is type(model)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_config_rebuilds_the_architecture():
    model = cvae(prior_hidden=(5,), condition_in="encoder", likelihood="gaussian")
    assert str(build_model("CVAE", model.config)) == str(model)


def test_one_hot_marks_the_class():
    assert torch.equal(one_hot(torch.tensor([2, 0]), 3), torch.eye(3)[[2, 0]])
    with pytest.raises(ValueError, match="labels go from 0 to 3, but n_classes is 3"):
        one_hot(torch.tensor([0, 3]), 3)
    with pytest.raises(ValueError, match="labels go from -1 to 1"):
        one_hot(torch.tensor([-1, 1]), 3)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int64])
def test_one_hot_takes_whole_numbers_of_any_width(dtype):
    assert torch.equal(one_hot(torch.tensor([2, 0], dtype=dtype), 3), torch.eye(3)[[2, 0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_one_hot_refuses_what_is_no_whole_number(dtype):
    with pytest.raises(ValueError, match="labels must be whole numbers, but their dtype is"):
        one_hot(torch.ones(3, dtype=dtype), 3)


@pytest.mark.parametrize("labels", [torch.tensor(3), torch.arange(4)], ids=["one", "four"])
def test_labels_in_place_of_a_condition_are_told(labels):
    """Four labels could pass for one condition of four values."""
    with pytest.raises(ValueError, match=r"for labels give one_hot\(labels\)"):
        cvae().sample(labels, 2, generator=torch.Generator())


def test_errors_name_both_sides(x, c):
    with pytest.raises(ValueError, match="c has 5 values but the model was built for 4"):
        cvae().encode(x, torch.zeros(6, 5))
    with pytest.raises(ValueError, match="c has 5 values but the model was built for 4"):
        cvae(condition_in="encoder").decode(torch.zeros(6, L), torch.zeros(6, 5))
    with pytest.raises(ValueError, match="x has 29 pixels but the model was built for 30"):
        cvae().encode(x[:, 1:], c)
    with pytest.raises(ValueError, match=f"z has {L + 1} values but the model was built for {L}"):
        cvae().decode(torch.zeros(6, L + 1), c)
    with pytest.raises(ValueError, match="c has 5 values but the model was built for 4"):
        Regressor(D, 4, (8,)).decode(torch.zeros(6, 5))
    with pytest.raises(ValueError, match="condition_size must be at least 0, but it is -1"):
        CVAE(D, -1, **SIZES)
    with pytest.raises(ValueError, match=r"'middle'.*'encoder', 'decoder', 'both'"):
        cvae(condition_in="middle")
    with pytest.raises(ValueError, match="size 0 has nothing to say"):
        CVAE(D, 0, **SIZES, prior_hidden=())
    with pytest.raises(ValueError, match="encoder_hidden is empty"):
        cvae(encoder_hidden=())
