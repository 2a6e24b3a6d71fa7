"""What the page on the five sources says of them, computed, and the tests that it names."""

import functools
import math
import re

import numpy as np
import pytest
import torch
import yaml
from chapters import ROOT
from scipy.integrate import trapezoid
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from sigma_race import race
from torch import nn
from torch.nn import functional as F

from vae_teach import VAE, data, evaluate, fit
from vae_teach.evaluate.aggregate import log_mixture
from vae_teach.maths.gaussian import (
    kl_between_normals,
    kl_to_standard_normal,
    log_normal,
    reparameterize,
)
from vae_teach.systems.optimizers import RMSpropTF

PAGE = (ROOT / "book" / "sources.md").read_text(encoding="utf-8")
SOURCES = ("Fast Forward Labs", "mathybit", "Doersch", "Altosaar", "lazyprogrammer")


# --- the page -----------------------------------------------------------------------------------


def test_every_test_that_the_page_names_exists():
    """Fails if a test was renamed or taken out, and the page goes on calling it a witness."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named and named - there == set()


def test_every_point_says_where_it_is_shown():
    """Fails for a point that contradicts a source and brings nothing a reader could look at."""
    points = [point for point in re.split(r"\n(?=- \*\*|## )", PAGE) if point.startswith("- **")]
    assert len(points) > 40
    assert [point for point in points if "*Shown:*" not in point] == []


def test_every_source_has_a_part():
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert [head for head in heads if head.startswith(SOURCES)] == list(SOURCES)


# --- Fast Forward Labs --------------------------------------------------------------------------


@functools.cache
def strokes(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n training and 1,000 test pictures, drawn by the package, black and white."""
    drawn = data.load("strokes", limit=max(n, 1_000))
    train, test = drawn.train.images[:n], drawn.test.images[:1_000]
    return tuple((x.flatten(1) > 0.5).float() for x in (train, test))


@functools.cache
def trained(latent: int, n: int, seed: int) -> VAE:
    """A small VAE after 600 steps of 100 of the n pictures."""
    model = VAE(784, (100,), latent, (100,), seed=seed)
    fit(
        model,
        strokes(n)[0],
        epochs=60_000 // n,
        batch_size=100,
        seed=seed,
        progress=False,
        device="cpu",
    )
    return model


def mean_elbo(model: VAE, x: torch.Tensor) -> float:
    g = torch.Generator().manual_seed(0)
    return evaluate.elbo(model, x[:1_000], n_samples=1, generator=g).mean


@pytest.mark.notebooks
def test_few_pictures_are_learned_by_heart():
    """The gap between training and new pictures, in nats: three seeds, hundreds to thousands."""
    gaps = {}
    for n in (100, 1_000, 3_000):
        x, new = strokes(n)
        models = [trained(10, n, seed) for seed in range(3)]
        gaps[n] = [mean_elbo(model, x) - mean_elbo(model, new) for model in models]
    assert min(gaps[100]) > 60 and max(gaps[3_000]) < 10
    assert min(gaps[100]) > max(gaps[1_000]) > min(gaps[1_000]) > max(gaps[3_000])


def test_a_keep_probability_is_no_drop_probability():
    """`dropout: 0.9`, copied into `nn.Dropout`, keeps a tenth of what the source keeps."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kept = [(F.dropout(torch.ones(100_000), p) > 0).float().mean().item() for p in (0.9, 0.1)]
    assert kept == pytest.approx([0.1, 0.9], abs=0.01)


def test_clipped_probabilities_cap_the_cost_of_a_pixel():
    assert -math.log(1e-7) == pytest.approx(16.12, abs=0.01)


def test_percentiles_cut_at_the_smallest_numbers_are_not_symmetric():
    """The outermost codes of a grid whose percentiles are clipped at 1e-16 and 1 - 1e-16."""
    low, high = ndtri(1e-16), ndtri(1 - 1e-16)
    assert low == pytest.approx(-8.22, abs=0.005) and high == pytest.approx(8.21, abs=0.005)
    assert abs(ndtri(1 / 23)) == pytest.approx(1.71, abs=0.005)  # the next of 24


def test_an_average_since_the_first_step_lags_behind():
    """A cost that falls from 200 to 100 within a few thousand of 20,000 steps."""
    cost = 100 + 100 * np.exp(-np.arange(20_000) / 1_000)
    assert cost[-1] == pytest.approx(100, abs=0.01)
    assert cost.mean() == pytest.approx(105, abs=0.1)


# --- mathybit -----------------------------------------------------------------------------------


def test_the_constant_inside_the_logarithm_makes_a_cliff_and_then_nothing():
    """The slope of the KL at small sigma, and the constant in half precision."""
    sigma = torch.tensor([1e-5, 0.0], dtype=torch.float64, requires_grad=True)
    kl = 0.5 * (sigma**2 - 1 - torch.log(1e-10 + sigma**2))
    (slope,) = torch.autograd.grad(kl.sum(), sigma)
    assert kl[1].item() == pytest.approx(11.01, abs=0.005)
    assert slope.tolist() == pytest.approx([-5e4, 0], rel=1e-3)
    assert torch.tensor(1e-10).half() == 0


@pytest.mark.notebooks
def test_codes_of_a_data_set_are_correlated_and_their_cost_has_two_parts():
    """What a posterior does for one picture is not what the codes do over a data set.

    The mean KL is what a code tells about its picture, plus the distance of the aggregate from the
    prior: both parts are large, and the second is not zero.
    """
    x, _ = strokes(3_000)
    for seed in range(3):
        model = trained(10, 3_000, seed)
        with torch.no_grad():
            mu, logvar = model.encode(x)
            eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))
            z = reparameterize(mu, logvar, eps)
            correlation = torch.corrcoef(z.T) - torch.eye(10)
            aggregate = log_mixture(z, mu, logvar)
            told = (log_normal(z, mu, logvar) - aggregate).mean().item()
            away = (aggregate - log_normal(z, z * 0, z * 0)).mean().item()
            cost = kl_to_standard_normal(mu, logvar).mean().item()
        assert correlation.abs().max() > 0.2
        assert told + away == pytest.approx(cost, abs=0.3)
        assert 6 < told < math.log(3_000) + 0.1 and away > 5


@pytest.mark.notebooks
def test_a_raw_sigma_trains_more_slowly_partly_because_it_starts_near_zero():
    """Steps until a held-out loss is reached: median of six seeds, on strokes, 30 latents."""
    x, new = strokes(3_000)
    settings = {"steps": 330, "hidden": 64, "batch_size": 32, "look_every": 10, "latent_dim": 30}
    run = functools.partial(race, x, new[:300], **settings)
    reference = run("half-logvar", seeds=[100])
    level = reference.losses[0, reference.steps == 220].item()

    def median(name: str, **start: float) -> float:
        return float(np.median(run(name, seeds=range(6), **start).steps_to(level)))

    raw, logvar = median("raw"), median("half-logvar")
    assert raw > 1.1 * logvar
    assert (
        median("raw", initial_sigma=1.0) / median("half-logvar", initial_sigma=1.0) < raw / logvar
    )
    assert median("softplus") < raw


def test_random_codes_lie_in_the_box_of_tanh_only_if_they_are_narrow():
    """The share of codes of 16 coordinates that are all between -1 and 1."""
    inside = [(ndtr(1 / sd) - ndtr(-1 / sd)) ** 16 for sd in (0.33, 1.0)]
    assert inside == pytest.approx([0.962, 0.0022], abs=0.0005)


def test_a_walk_of_equal_steps_spreads():
    assert math.sqrt(1 + 50 * 0.15**2) == pytest.approx(1.458, abs=0.001)


def test_numpy_has_moved_on():
    """Two calls of the notebook that fail today."""
    assert not hasattr(np, "float")
    with pytest.raises(np.exceptions.AxisError):
        np.min(4, 5)


# --- Doersch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_a_scaled_prior_changes_nothing_if_its_variance_is_the_square(scale):
    mu, logvar = (
        torch.tensor([[0.7, -1.2, 0.1]]).double(),
        torch.tensor([[-1.0, 0.3, -2.0]]).double(),
    )
    moved = mu * scale, logvar + 2 * math.log(scale)
    zero = torch.zeros_like(mu)
    kl = kl_to_standard_normal(mu, logvar)
    right = kl_between_normals(*moved, zero, zero + 2 * math.log(scale))
    as_printed = kl_between_normals(*moved, zero, zero + math.log(scale))
    torch.testing.assert_close(right, kl, atol=1e-12, rtol=0)
    assert (as_printed - kl).abs() > 0.05


@pytest.mark.notebooks
def test_too_few_and_far_too_many_latents_cost_nats():
    """Held-out ELBO after 600 steps on strokes: three seeds for each size."""
    _, new = strokes(3_000)
    elbo = {d: [mean_elbo(trained(d, 3_000, s), new) for s in range(3)] for d in (2, 4, 20, 1_000)}
    assert max(elbo[2]) + 15 < min(elbo[4]) and max(elbo[4]) < min(elbo[20])
    assert max(elbo[1_000]) + 15 < min(elbo[20])


def test_without_momentum_adam_is_rmsprop_with_a_corrected_start():
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    adam = torch.optim.Adam([weight], lr=1e-3, betas=(0.0, 0.999))
    by_hand, square = weight.detach().clone(), torch.zeros(3, dtype=torch.float64)
    for step in range(1, 6):
        gradient = torch.tensor([0.3, -1.0, 2.0 * step], dtype=torch.float64)
        weight.grad = gradient
        adam.step()
        square = 0.999 * square + 0.001 * gradient**2
        by_hand -= 1e-3 * gradient / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    torch.testing.assert_close(weight.detach(), by_hand)


def test_a_weight_penalty_inside_adam_ignores_the_size_of_the_weight():
    """Where the data have no say, a penalty in the gradient pulls small and large weights alike."""
    moved, start = {}, torch.tensor([0.1, 10.0], dtype=torch.float64)
    for optimizer in (torch.optim.Adam, torch.optim.AdamW):
        weight = nn.Parameter(start.clone())
        weight.grad = torch.zeros_like(weight)
        optimizer([weight], lr=1e-3, betas=(0.0, 0.999), weight_decay=5e-4).step()
        moved[optimizer] = start - weight.detach()
    assert moved[torch.optim.Adam].tolist() == pytest.approx([1e-3, 1e-3], rel=0.01)
    ratio = moved[torch.optim.AdamW][1] / moved[torch.optim.AdamW][0]
    assert ratio.item() == pytest.approx(100)


def test_noise_from_zero_to_two_halves_the_probability_of_ink():
    intensity = torch.full((200_000,), 0.3)
    g = torch.Generator().manual_seed(0)
    u = torch.rand(200_000, generator=g)
    ink = [(intensity > scale * u).float().mean().item() for scale in (1, 2)]
    assert ink == pytest.approx([0.3, 0.15], abs=0.005)


def test_a_density_with_bounded_slopes_can_need_a_decoder_without():
    """f = F^-1(Phi(z)) for a Cauchy: its density is smooth, and the slope of f grows for ever."""
    z = np.array([0.0, 2.0, 4.0, 6.0])
    x = np.tan(np.pi * (ndtr(z) - 0.5))
    slope = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * np.pi * (1 + x**2)
    assert np.all(np.diff(slope) > 0) and slope[-1] > 1e6


def test_densities_that_agree_at_every_point_in_the_limit_may_stay_apart():
    """(1 - 1/n) N(0, 1) + (1/n) N(n^2, 1) goes to N(0, 1) at every x, and its KL to infinity."""
    kls, at_one = [], []
    for n in (4, 8, 16):
        x = np.linspace(-12, n**2 + 12, 400_001)
        normal = lambda m, x=x: np.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi)  # noqa: E731
        q = (1 - 1 / n) * normal(0) + normal(n**2) / n
        log_p = -(x**2) / 2 - math.log(2 * math.pi) / 2
        kls.append(trapezoid(np.where(q > 0, q * (np.log(np.maximum(q, 1e-300)) - log_p), 0), x))
        at_one.append(abs(np.interp(1, x, q - normal(0))))
    assert kls[0] < kls[1] < kls[2] and kls[2] > 1_000
    assert at_one[0] > at_one[1] > at_one[2]


WEIGHTS, MEANS, SDS = np.array([0.4, 0.6]), np.array([-1.2, 1.0]), np.array([0.6, 0.8])


def _mixture(x: float) -> tuple[float, float, float]:
    """Distribution function, density and its slope of the mixture at x."""
    u = (x - MEANS) / SDS
    density = WEIGHTS * np.exp(-(u**2) / 2) / (SDS * math.sqrt(2 * math.pi))
    return float(WEIGHTS @ ndtr(u)), float(density.sum()), float((-u / SDS * density).sum())


def test_most_of_the_error_of_the_proofs_q_is_not_curvature():
    """KL / sigma^2 at x = 1.7, from a grid, beside the coefficient and its part from curvature.

    With N(0, 1) as the truth there is no curvature at all, and the KL is x^2 sigma^2 / 2.
    """
    x, sigma = 1.7, 0.005
    cdf, density, slope = _mixture(x)
    g = float(ndtri(cdf))
    normal = math.exp(-g * g / 2) / math.sqrt(2 * math.pi)
    first = density / normal
    second = (slope + g * normal * first**2) / normal
    curvature = 15 / 8 * (second / first) ** 2
    whole = curvature + 0.5 * (-3 * g * second + (g * first) ** 2)
    z = np.linspace(-8, 8, 801) * first * sigma + g
    f = np.array([brentq(lambda t, p=p: _mixture(t)[0] - p, -8, 8, xtol=1e-14) for p in ndtr(z)])
    log_q = -(((z - g) / (first * sigma)) ** 2) / 2 - math.log(
        first * sigma * math.sqrt(2 * math.pi)
    )
    log_post = -(((x - f) / sigma) ** 2) / 2 - z**2 / 2
    log_post -= np.log(trapezoid(np.exp(log_post - log_post.max()), z)) + log_post.max()
    kl = trapezoid(np.exp(log_q) * (log_q - log_post), z)
    assert kl / sigma**2 == pytest.approx(whole, abs=2e-3)
    assert [whole, curvature] == pytest.approx([0.529, 0.057], abs=1e-3)

    x, s2 = torch.tensor([[2.0]]).double(), 0.05**2
    log_s2 = torch.full_like(x, math.log(s2))
    exact = kl_between_normals(x, log_s2, x / (1 + s2), log_s2 - math.log(1 + s2))
    assert exact.item() / s2 == pytest.approx(1.996, abs=1e-3)


# --- Altosaar -----------------------------------------------------------------------------------


def test_frames_named_by_their_bare_number_sort_out_of_order():
    steps = range(0, 1_000, 10)
    assert sorted(f"frame_{s}" for s in steps)[:4] == [
        "frame_0",
        "frame_10",
        "frame_100",
        "frame_110",
    ]
    assert sorted(f"frame_{s:04}" for s in steps) == [f"frame_{s:04}" for s in steps]


def test_a_function_that_makes_its_layers_does_not_share_them():
    """Two calls, one for training and one for drawing: other weights, other pictures."""
    decode = lambda z: nn.Linear(2, 784)(z)  # noqa: E731
    z = torch.ones(1, 2)
    assert not torch.equal(decode(z), decode(z))


def test_zeros_and_ones_saved_as_bytes_are_black():
    assert np.array([0.0, 1.0]).astype(np.uint8).max() / 255 < 0.004


def test_yaml_is_not_read_without_a_loader():
    with pytest.raises(TypeError):
        yaml.load("max_iterations: 1")


# --- lazyprogrammer -----------------------------------------------------------------------------


def test_rmsprop_hardly_sees_the_scale_of_the_loss_and_plain_descent_does():
    """A sum over 128 pictures instead of their mean, once the average of squares has settled."""
    moved = {}
    for name, make in {
        "rmsprop": lambda p: RMSpropTF(p, lr=1e-3),
        "sgd": lambda p: torch.optim.SGD(p, lr=1e-3),
    }.items():
        for scale in (1, 128):
            weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
            optimizer = make([weight])
            for _ in range(300):
                before = weight.item()
                weight.grad = torch.full((1,), 0.01 * scale, dtype=torch.float64)
                optimizer.step()
            moved[name, scale] = before - weight.item()
    assert moved["rmsprop", 128] == pytest.approx(moved["rmsprop", 1], rel=1e-3)
    assert moved["sgd", 128] == pytest.approx(128 * moved["sgd", 1])


def test_or_between_two_letters_is_the_first():
    assert eval("'n' or 'N'") == "n"  # as the loop asks: `answer in ('n' or 'N')`


def test_the_logarithm_of_an_exponential_overflows_where_softplus_does_not():
    with np.errstate(over="ignore"):
        assert np.log1p(np.exp(710.0)) == np.inf
    assert F.softplus(torch.tensor(710.0)) == 710


def test_shuffling_in_place_parts_pictures_from_labels():
    labels = np.arange(10)
    pictures = labels.copy()
    np.random.default_rng(0).shuffle(pictures)
    assert not np.array_equal(pictures, labels)
