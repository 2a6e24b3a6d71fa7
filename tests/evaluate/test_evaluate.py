"""Bounds against models whose answers are known, and against the exact grid."""

import math

import pytest
import torch
from seeded import generator
from torch import nn

from vae_teach import evaluate
from vae_teach.data.treatments import treat
from vae_teach.evaluate.bounds import PerImage
from vae_teach.evaluate.weights import chunks
from vae_teach.exact import LinearGaussian
from vae_teach.models import VAE, GaussianCodes
from vae_teach.models.likelihoods import (
    Bernoulli,
    ContinuousBernoulli,
    Gaussian,
    Laplace,
    LearnedGaussian,
)
from vae_teach.training.loop import fit

pytestmark = pytest.mark.usefixtures("one_thread")

F64 = torch.float64


def draws(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


class Known(GaussianCodes, nn.Module):
    """A linear-Gaussian model behind a VAE's interface, with any diagonal q(z|x) we choose."""

    def __init__(self, exact: LinearGaussian, shift: float = 0.0, widen: float = 0.0):
        super().__init__()
        self.exact, self.shift, self.widen = exact, shift, widen
        self.latent_dim = exact.latent_dim
        self.likelihood = Gaussian(exact.sigma_x)

    def encode(self, x):
        mu, logvar = self.exact.best_factorized(x)
        return mu + self.shift, logvar + self.widen

    def decode(self, z):
        return self.exact.decode(z)

    def mean_image(self, z):
        return self.decode(z)


def known(latent_dim=3, **choices):
    model = LinearGaussian(draws(6, latent_dim), draws(6, seed=1), 0.7)
    x, _ = model.sample(8, generator=generator(2))
    return Known(model, **choices), x


@pytest.fixture(scope="module")
def trained():
    """A VAE with 2 latents on binary rows that have a 2-D cause, and 25 rows it never saw."""
    z = draws(1_200, 2, seed=3, dtype=torch.float32)
    direction = draws(2, 24, seed=4, dtype=torch.float32)
    x = (2 * z @ direction + draws(1_200, 24, seed=5, dtype=torch.float32) > 0).float()
    model = VAE(24, (32,), 2, (32,), activation="tanh", seed=0)
    fit(model, x[:1_000], epochs=40, batch_size=250, lr=2e-2, progress=False)
    return model, x[1_000:1_025]


@pytest.fixture(scope="module")
def referee(trained):
    model, x = trained
    return evaluate.grid_log_likelihood(model, x)


# --- importance sampling against closed forms ---------------------------------------------------


def test_elbo_is_the_closed_form_of_the_linear_model():
    model, x = known(shift=0.2, widen=0.3)
    exact = model.exact.elbo_diagonal(x, *model.encode(x))
    for name, estimate in {
        "sampled": evaluate.importance_bounds(
            model, x, n_samples=4_000, generator=generator()
        ).elbo,
        "closed": evaluate.elbo(model, x, n_samples=4_000, generator=generator()),
    }.items():
        assert (estimate.errors < 0.1).all(), name  # power: a tenth of a nat would show
        # 8 images by 4 standard errors: one false alarm in 2 000 runs
        assert ((estimate.per_image - exact).abs() < 4 * estimate.errors).all(), name


def test_importance_sampling_reaches_the_exact_evidence():
    """The error shrinks with K and the stated standard error covers it."""
    model, x = known(shift=0.1, widen=0.5)
    exact = model.exact.log_evidence(x)
    bounds = evaluate.importance_bounds(model, x, n_samples=20_000, generator=generator())
    assert (bounds.log_px.errors < 0.03).all()
    assert ((bounds.log_px.per_image - exact).abs() < 4 * bounds.log_px.errors).all()
    assert (bounds.elbo.per_image < exact).all()


def test_with_the_true_posterior_one_draw_is_enough():
    """Every weight is then p(x) itself. Catches a prior or a q left out of the weight."""
    model, x = known(latent_dim=1)  # in one dimension the best diagonal q is the posterior
    exact = model.exact.log_evidence(x)
    bounds = evaluate.importance_bounds(model, x, n_samples=2, generator=generator())
    torch.testing.assert_close(bounds.elbo.per_image, exact, rtol=1e-12, atol=0)
    torch.testing.assert_close(bounds.log_px.per_image, exact, rtol=1e-12, atol=0)
    assert bounds.log_px.errors.max() < 1e-6


def test_bounds_rise_with_the_number_of_draws_and_stay_below_the_evidence():
    """L_1 <= L_5 <= L_50 <= L_500 <= log p(x), each within its errors; L_1 is the ELBO."""
    model, x = known(shift=0.3, widen=0.8)
    exact = model.exact.log_evidence(x)
    curve = evaluate.bound_curve(model, x, sizes=(1, 5, 50, 500), generator=generator())
    for low, high in [(1, 5), (5, 50), (50, 500)]:
        a, b = curve[low], curve[high]
        assert a.mean < b.mean + 4 * math.hypot(a.noise, b.noise)
    assert curve[1].mean < curve[500].mean - 0.3  # the climb is real
    assert curve[500].mean < exact.mean().item() + 4 * curve[500].noise
    elbo = model.exact.elbo_diagonal(x, *model.encode(x))
    assert ((curve[1].per_image - elbo).abs() < 4 * curve[1].errors).all()


def test_a_bound_of_k_draws_is_itself_biased_by_the_known_amount():
    """Averaged over blocks, L_5 is E[log of a mean of 5 weights], not the log of all 500."""
    model, x = known(shift=0.3, widen=0.8)
    many = evaluate.bound_curve(model, x, sizes=(5, 2_000), generator=generator())
    separate = [
        evaluate.importance_bounds(model, x, n_samples=5, generator=generator(s)).log_px.per_image
        for s in range(400)
    ]
    mean, error = torch.stack(separate).mean(0), torch.stack(separate).std(0) / 20
    both = (error.square() + many[5].errors.square()).sqrt()
    assert ((many[5].per_image - mean).abs() < 4 * both).all()


@pytest.mark.parametrize("bound", ["elbo", "log_px"])
def test_stated_errors_are_the_spread_of_repeated_estimates(bound):
    """Catches an error that is a standard deviation, or one that forgets a square root."""
    model, x = known(shift=0.2, widen=0.4)
    repeats = [
        getattr(evaluate.importance_bounds(model, x, n_samples=200, generator=generator(s)), bound)
        for s in range(200)
    ]
    spread = torch.stack([r.per_image for r in repeats]).std(0)
    stated = torch.stack([r.errors for r in repeats]).mean(0)
    # a spread of 200 values is known to 5 %; the delta method adds a little
    torch.testing.assert_close(stated, spread, rtol=0.25, atol=0)
    noise = torch.tensor([r.mean for r in repeats]).std().item()
    assert repeats[0].noise == pytest.approx(noise, rel=0.25)


def test_closed_kl_has_less_noise_than_sampled_kl_and_the_same_mean(trained):
    """On a trained model: both mean the ELBO; the ratio of their variances is reported."""
    model, x = trained
    sampled = evaluate.importance_bounds(model, x, n_samples=1_000, generator=generator()).elbo
    closed = evaluate.elbo(model, x, n_samples=1_000, generator=generator(1))
    gap = (sampled.per_image - closed.per_image).abs()
    assert (gap < 4.5 * (sampled.errors**2 + closed.errors**2).sqrt()).all()
    ratio = (sampled.errors / closed.errors).square().median().item()
    assert ratio != pytest.approx(1, abs=0.05)


def test_results_do_not_depend_on_how_the_work_is_cut(trained):
    model, x = trained
    whole = evaluate.importance_bounds(model, x, n_samples=300, generator=generator())
    cut = evaluate.importance_bounds(model, x, n_samples=300, generator=generator(), budget=2_000)
    assert len(cut.log_px.per_image) == len(x)
    both = (whole.log_px.errors**2 + cut.log_px.errors**2).sqrt()
    assert ((whole.log_px.per_image - cut.log_px.per_image).abs() < 4.5 * both).all()


@pytest.mark.parametrize("n_samples, budget", [(1, 10), (7, 10), (5_000, 4_000), (130, 10**9)])
def test_chunks_hold_every_image_and_every_draw_and_keep_the_budget(n_samples, budget):
    images = torch.arange(30.0).view(15, 2)
    seen = []
    for x, sizes in chunks(images, n_samples, budget):
        seen.append(x)
        assert sum(sizes) == n_samples and min(sizes) > 0
        assert max(sizes) * x.numel() <= max(budget, 2)
    assert torch.equal(torch.cat(seen), images)


def test_one_draw_has_no_error_of_its_own():
    model, x = known()
    bounds = evaluate.importance_bounds(model, x, n_samples=1, generator=generator())
    assert bounds.elbo.errors.isnan().all()
    torch.testing.assert_close(bounds.elbo.per_image, bounds.log_px.per_image)


def test_the_two_errors_of_a_mean():
    """`noise` is of the draws on these images, `standard_error` of another set of images."""
    estimate = PerImage(torch.tensor([1.0, 3.0, 5.0, 7.0]), torch.tensor([0.1, 0.1, 0.1, 0.1]))
    assert estimate.mean == 4.0
    assert estimate.noise == pytest.approx(0.1 / 2)
    assert estimate.standard_error == pytest.approx(math.sqrt(20 / 3) / 2)


# --- the grid as the referee --------------------------------------------------------------------


def test_the_grid_is_exact_where_the_answer_is_known():
    """log p(x), KL(q || posterior) and the ELBO of the linear model, to nine digits."""
    model, x = known(latent_dim=2, shift=0.3, widen=0.4)
    grid = evaluate.grid_log_likelihood(model, x, reach=9, n=401)
    mu, logvar = model.encode(x)
    exact = model.exact
    cov = torch.diag_embed(logvar.exp())
    kl = torch.stack([exact.kl_to_posterior(a, b, c) for a, b, c in zip(x, mu, cov, strict=True)])
    torch.testing.assert_close(grid.log_px, exact.log_evidence(x), rtol=1e-9, atol=0)
    torch.testing.assert_close(grid.kl_to_posterior, kl, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(grid.elbo, exact.elbo_diagonal(x, mu, logvar), rtol=1e-8, atol=0)
    assert grid.spacing_error < 1e-9


def test_elbo_below_importance_bound_below_grid_on_every_image(trained, referee):
    """Each within its stated standard error, on every image tried."""
    model, x = trained
    bounds = evaluate.importance_bounds(model, x, n_samples=20_000, generator=generator())
    elbo, log_px = bounds.elbo, bounds.log_px
    assert (elbo.errors < 0.02).all() and log_px.errors.median() < 0.05
    assert (elbo.per_image <= log_px.per_image).all()  # Jensen, for the very same draws
    assert (log_px.per_image <= referee.log_px + 4 * log_px.errors).all()
    assert (referee.log_px - log_px.per_image).mean() < 0.03  # and it has nearly arrived
    assert (referee.log_px - elbo.per_image).mean() > 0.06  # while the ELBO has not


def test_the_gap_is_the_divergence_to_the_posterior_on_the_grid(trained, referee):
    """ELBO from draws + KL from the grid = log p from the grid, to the printed precision."""
    model, x = trained
    elbo = evaluate.elbo(model, x, n_samples=20_000, generator=generator())
    gap = elbo.per_image + referee.kl_to_posterior - referee.log_px
    # 25 images by 4.5 standard errors: one false alarm in 6 000 runs
    assert (gap.abs() < 4.5 * elbo.errors).all()
    assert gap.abs().max() < 0.05 and abs(gap.mean()) < 0.01
    torch.testing.assert_close(
        referee.elbo + referee.kl_to_posterior, referee.log_px, rtol=1e-9, atol=0
    )
    assert (referee.kl_to_posterior > 0).all()


def test_grid_does_not_depend_on_how_it_is_cut(trained, referee, monkeypatch):
    model, x = trained
    monkeypatch.setattr("vae_teach.evaluate.grid.TABLE", 50_003)
    again = evaluate.grid_log_likelihood(model, x)
    for a, b in zip(again[:3], referee[:3], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    assert again.spacing_error == pytest.approx(referee.spacing_error, rel=1e-3, abs=1e-10)


@pytest.mark.parametrize(
    "likelihood",
    [
        Bernoulli(), ContinuousBernoulli(), Gaussian(0.3), Gaussian(0.3, squash=True),
        LearnedGaussian(0.3, squash=True), Laplace(0.5),
    ],
    ids=lambda p: type(p).__name__,
)  # fmt: skip
def test_the_table_of_all_pairs_is_log_prob(likelihood):
    x, params = torch.rand(4, 9, generator=generator()), draws(5, 9, dtype=torch.float32)
    table = evaluate.log_prob_table(likelihood, x, params)
    pairs = likelihood.log_prob(x[:, None].expand(4, 5, 9), params.expand(4, 5, 9))
    torch.testing.assert_close(table, pairs, rtol=1e-5, atol=1e-5)


def test_a_grid_that_cannot_be_trusted_is_refused(trained):
    model, x = trained
    with pytest.raises(ValueError, match=r"spacing 1.* is too wide.*raise n"):
        evaluate.grid_log_likelihood(model, x, n=13)
    with pytest.raises(ValueError, match="reaches the edge"):
        evaluate.grid_log_likelihood(model, x, reach=1.0)
    with pytest.raises(ValueError, match="2 latent dimensions, but the model has 3"):
        evaluate.grid_log_likelihood(known()[0], known()[1])
    narrow, x = known(latent_dim=2, widen=-12.0)  # sigma of q far below the spacing
    with pytest.raises(ValueError, match="mass that is off by"):
        evaluate.grid_log_likelihood(narrow, x, reach=9, n=401)


def test_a_model_without_a_posterior_is_told_how_to_get_one():
    """A network with encode alone ended in an AttributeError, which names a thing to be written."""

    class Bare(nn.Module):
        latent_dim, likelihood = 2, Bernoulli()

        def encode(self, x):
            return x[:, :2], x[:, 2:4]

        def decode(self, z):
            return z

    x = torch.zeros(3, 2)
    for judge in (evaluate.elbo, evaluate.importance_bounds):
        with pytest.raises(ValueError, match=r"Bare has not all of them.*GaussianCodes"):
            judge(Bare(), x, n_samples=1, generator=generator())


# --- active units -------------------------------------------------------------------------------


def test_active_units_are_those_whose_mean_moves():
    """Catches the variance of z, which is near 1 in a collapsed dimension."""

    class Half(GaussianCodes, nn.Module):
        latent_dim = 3

        def encode(self, x):
            scale = torch.tensor([1.0, 0.05, 0.2], dtype=x.dtype)
            return x[:, :1] * scale, torch.zeros(len(x), 3, dtype=x.dtype)

    x = draws(5_000, 6)
    units = evaluate.active_units(Half(), x)
    expected = torch.tensor([1.0, 0.05**2, 0.2**2], dtype=F64)
    torch.testing.assert_close(units.variance, expected, rtol=0.1, atol=0)
    assert units.active.tolist() == [True, False, True]
    assert units.count == 2
    assert evaluate.active_units(Half(), x, threshold=0.1).count == 1


# --- predictives --------------------------------------------------------------------------------


def test_five_ways_to_look_at_a_model_have_the_right_range_and_shape(trained):
    """Samples are in {0, 1}, probabilities in (0, 1), means of codes anywhere."""
    model, x = trained
    g = generator()
    codes = evaluate.transform(model, x)
    assert codes.shape == (25, 2)
    torch.testing.assert_close(codes, model.encode(x)[0].detach())
    sample, mean = evaluate.prior_predictive(model, 7, generator=g)
    posterior_mean = evaluate.posterior_predictive_mean(model, x, generator=g)
    posterior_sample = evaluate.posterior_predictive_sample(model, x, generator=g)
    at = evaluate.prior_predictive_at(model, torch.zeros(4, 3, 2))
    assert sample.shape == mean.shape == (7, 24)
    assert posterior_mean.shape == posterior_sample.shape == x.shape
    assert at.shape == (4, 3, 24)
    for samples in (sample, posterior_sample):
        assert set(samples.unique().tolist()) == {0.0, 1.0}
    for means in (mean, posterior_mean, at):
        assert ((means > 0) & (means < 1)).all()
    assert not any(t.requires_grad for t in (codes, sample, mean, posterior_mean, at))


def test_prior_samples_average_to_prior_probabilities(trained):
    """Catches samples and means that belong to different latents."""
    model, _ = trained
    sample, mean = evaluate.prior_predictive(model, 5_000, generator=generator())
    residual = sample - mean
    error = residual.std(0) / math.sqrt(5_000)
    assert (error < 0.01).all()
    assert (residual.mean(0).abs() < 4.5 * error).all()
    # knowing its own z explains a good part of a sample's variance
    assert residual.var() < 0.8 * (sample - sample.mean(0)).var()


def test_the_prior_predictive_never_calls_the_encoder(trained, monkeypatch):
    """A prior draw that starts from a picture, as a reconstruction does."""
    model, _ = trained

    def refuse(*_):
        raise AssertionError("the encoder was called")

    monkeypatch.setattr(model.trunk, "forward", refuse)
    evaluate.prior_predictive(model, 3, generator=generator())
    evaluate.prior_predictive_at(model, torch.zeros(3, 2))


def test_the_posterior_predictive_draws_its_latent(trained):
    """A reconstruction from one random z is another number than one from the mean."""
    model, x = trained
    pictures = [
        evaluate.posterior_predictive_mean(model, x, generator=generator(s)) for s in (0, 1)
    ]
    assert not torch.allclose(*pictures)
    from_mean = (model.reconstruct(x) - x).square().sum(-1).mean()
    assert all((p - x).square().sum(-1).mean() > from_mean for p in pictures)


# --- nearest neighbours -------------------------------------------------------------------------


def test_the_nearest_neighbour_is_the_one_a_loop_finds():
    images = torch.rand(7, 20, generator=generator())
    references = torch.rand(40, 20, generator=generator(1))
    distance, index = evaluate.nearest_neighbours(images, references, batch_size=3)
    table = torch.stack([(image - references).norm(dim=1) for image in images])
    assert torch.equal(index, table.argmin(dim=1))
    torch.testing.assert_close(distance, table.min(dim=1).values)


def test_a_copy_is_found_at_distance_zero():
    """A matrix-product distance alone would say 0.01 for identical bright pictures."""
    references = torch.rand(2_000, 784, generator=generator())
    distance, index = evaluate.nearest_neighbours(references[[5, 1_999]], references)
    assert index.tolist() == [5, 1_999]
    assert distance.tolist() == [0.0, 0.0]


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match="images have 4 pixels but references have 5"):
        evaluate.nearest_neighbours(torch.zeros(1, 4), torch.zeros(1, 5))


# --- the aggregate posterior ---------------------------------------------------------------------


def test_log_mixture_agrees_with_torch_distributions():
    mu, logvar, z = draws(5, 3), draws(5, 3, seed=1), draws(7, 3, seed=2)
    parts = torch.distributions.Independent(torch.distributions.Normal(mu, (0.5 * logvar).exp()), 1)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(5, dtype=F64)), parts
    )
    torch.testing.assert_close(
        evaluate.log_mixture(z, mu, logvar), mixture.log_prob(z), rtol=1e-10, atol=0
    )


# --- one model, several protocols ---------------------------------------------------------------


def test_protocols_move_the_number_and_not_the_model(trained):
    model, _ = trained
    grey = torch.rand(20, 24, generator=generator())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = evaluate.compare_protocols(model, grey, n_samples=50, generator=generator())
    assert [(row.treatment, row.likelihood) for row in rows] == [
        ("grey", "Bernoulli"),
        ("threshold", "Bernoulli"),
        ("stochastic", "Bernoulli"),
        ("fixed", "Bernoulli"),
        ("grey", "ContinuousBernoulli"),
    ]
    assert [row.is_density for row in rows] == [False, True, True, True, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    fixed = evaluate.importance_bounds(
        model, treat(grey, "fixed"), n_samples=50, generator=generator()
    )
    assert rows[3].elbo.mean == pytest.approx(fixed.elbo.mean, abs=5 * fixed.elbo.noise)
    # the continuous Bernoulli's constant, at most log C a pixel and at least log 2 = log C(1/2)
    gain = rows[4].elbo.mean - rows[0].elbo.mean
    assert gain > 24 * math.log(2) - 5 * rows[4].elbo.noise


# --- errors -------------------------------------------------------------------------------------


def test_errors_name_both_sides():
    model, x = known()
    with pytest.raises(ValueError, match="n_samples must be at least 1, but it is 0"):
        evaluate.importance_bounds(model, x, n_samples=0, generator=generator())
    with pytest.raises(ValueError, match="a size must be at least 1, but it is 0"):
        evaluate.bound_curve(model, x, sizes=(5, 0), generator=generator())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m, x, g: evaluate.importance_bounds(m, x, n_samples=0, generator=g), "n_samples"),
        (
            lambda m, x, g: evaluate.importance_bounds(m, x[:0], n_samples=2, generator=g),
            r"\(0, 24",
        ),
        (
            lambda m, x, g: evaluate.importance_bounds(m, x, n_samples=2, generator=None),
            "generator",
        ),
        (lambda m, x, g: evaluate.elbo(m, x, n_samples=2.5, generator=g), "n_samples must be"),
        (lambda m, x, g: evaluate.bound_curve(m, x, sizes=[], generator=g), "sizes is empty"),
        (lambda m, x, g: evaluate.bound_curve(m, x, sizes=[0, 2], generator=g), "a size must be"),
        (lambda m, x, g: evaluate.active_units(m, x, threshold=-1), "threshold must be"),
        (lambda m, x, g: evaluate.prior_predictive(m, 0, generator=g), "n must be at least 1"),
        (lambda m, x, g: evaluate.nearest_neighbours(x, x[:0]), "references is empty"),
        (lambda m, x, g: evaluate.grid_log_likelihood(m, x, reach=-1.0), "reach must be positive"),
        (lambda m, x, g: evaluate.grid_log_likelihood(m, x, tolerance=0), "tolerance must be"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(trained, ask, message):
    """PyTorch's own words named a split or a reshape, and never the argument."""
    model, x = trained
    with pytest.raises(ValueError, match=message):
        ask(model, x, generator())


def test_results_lie_on_the_cpu_and_the_model_is_where_it_was(trained):
    """Heavy evaluation borrows the accelerator; a chapter goes on with CPU tensors."""
    model, x = trained
    curve = evaluate.bound_curve(model, x, sizes=(1, 3), generator=generator())
    results = [
        evaluate.elbo(model, x, n_samples=2, generator=generator()).per_image,
        curve[3].errors,
        evaluate.active_units(model, x).variance,
        evaluate.grid_log_likelihood(model, x, n=281).log_px,
        *evaluate.prior_predictive(model, 3, generator=generator()),
        evaluate.posterior_predictive_sample(model, x, generator=generator()),
        *evaluate.nearest_neighbours(x, x),
    ]
    assert {result.device.type for result in results} == {"cpu"}
    assert next(model.parameters()).device.type == "cpu"


@pytest.mark.parametrize(
    "measure",
    [
        lambda model, x: evaluate.elbo(model, x, n_samples=1, generator=torch.Generator()),
        lambda model, x: evaluate.importance_bounds(
            model, x, n_samples=1, generator=torch.Generator()
        ),
        lambda model, x: evaluate.bound_curve(model, x, sizes=(1,), generator=torch.Generator()),
        lambda model, x: evaluate.grid_log_likelihood(model, x),
    ],
)
def test_pictures_that_the_likelihood_cannot_score_are_refused(measure):
    """A bound of pixels from 0 to 255 is a number, and means nothing."""
    with pytest.raises(ValueError, match=r"images must be .* from 0 to 1, .* from 0 to 255"):
        measure(VAE(6, (4,), 2, (4,), seed=0), torch.linspace(0, 255, 12).view(2, 6))
