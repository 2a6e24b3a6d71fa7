"""The sweeps that come with the package: whole, small, and made again in part."""

import itertools
import math
from importlib import resources

import pytest
import torch

from vae_teach.sweeps import load_factors, load_sweep
from vae_teach.sweeps.kept import read_sweep
from vae_teach.sweeps.protocol import (
    FACTOR_BETAS,
    FACTORS,
    PROTOCOL,
    SETTINGS,
    TURNS,
    make_factors,
    make_sweep,
)

NAMES = sorted(SETTINGS)


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_sweep_is_that_of_todays_protocol(name):
    """Settings or a protocol that were changed, and a file that was not made again."""
    sweep = load_sweep(name)
    assert tuple(p.setting for p in sweep.points) == SETTINGS[name]
    assert sweep.protocol == {k: v for k, v in PROTOCOL.items() if k != name}
    assert all(len(p.rate) == len(PROTOCOL["seeds"]) >= 3 for p in sweep.points)
    assert {"date", "git_commit", "torch", "device", "data_sha256", "seconds"} <= set(sweep.origin)
    assert not sweep.origin["git_commit"].endswith("+")


def test_more_latents_lose_less_as_far_as_sixteen():
    """The mean of -log p(x|z) falls from setting to setting, for every seed, up to 16 latents; with
    a thousand it is higher again, so it does not fall for ever."""
    points = load_sweep("latent_dim").points
    lost = [p.distortion for p in points if p.setting <= 16]
    assert len(lost) >= 6
    assert all(max(more) < min(fewer) for fewer, more in itertools.pairwise(lost))
    assert min(points[-1].distortion) > max(lost[-1])


def test_the_files_are_small():
    files = [f for f in resources.files("vae_teach.sweeps").iterdir() if f.name.endswith(".json")]
    assert len(files) == 4 and sum(len(file.read_bytes()) for file in files) < 300_000


@pytest.mark.parametrize("name", NAMES)
def test_the_latents_add_up_to_the_rate(name):
    """A mean over latents for a sum, or another model's latents."""
    for point in load_sweep(name).points:
        for rate, kl, active, idle in zip(
            point.rate, point.kl, point.active, point.idle_kl, strict=True
        ):
            assert kl == sorted(kl, reverse=True)
            if len(kl) < 40:
                assert sum(kl) == pytest.approx(rate, abs=0.03)
            assert 0 <= idle <= rate and active >= 0
    assert point.samples.shape == point.redrawn.shape == (28, 178)
    assert 0 <= point.samples.min() and point.samples.max() <= 1


def test_a_small_sweep_is_read_as_it_was_made():
    """A seed's numbers under another setting: with beta = 1000 nothing is left of the rate."""
    small = {"train_pictures": 400, "test_pictures": 50, "epochs": 10, "hidden": 8, "lr": 1e-2}
    made = make_sweep("beta", settings=(0.1, 1000), **small)
    sweep = read_sweep(made)
    assert max(sweep.at(1000).rate) < 0.5 < 5 < min(sweep.at(0.1).rate)
    assert sweep.at(1000).active == [0, 0, 0]
    assert sweep.at(0.1).elbo[1] == -(sweep.at(0.1).rate[1] + sweep.at(0.1).distortion[1])
    assert sweep.at(0.1).samples.std() > 0.05


@pytest.mark.notebooks
def test_one_point_of_the_beta_sweep_is_made_again():
    """A file that no longer follows from the program. On another machine sums round otherwise."""
    kept = load_sweep("beta").at(10)
    again = read_sweep(make_sweep("beta", settings=(10,))).at(10)
    torch.testing.assert_close(again.rate, kept.rate, atol=0.3, rtol=0)
    torch.testing.assert_close(again.distortion, kept.distortion, atol=1.0, rtol=0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: load_sweep("gamma"), r"name is 'gamma', but the known sweeps are \['beta'"),
        (lambda: make_sweep("gamma"), "the known sweeps are"),
        (lambda: make_sweep("beta", epoch=3), r"\['epoch'\] is not in the protocol"),
        (lambda: load_sweep("beta").at(3), "setting is 3, but the sweep of beta has"),
    ],
)
def test_bad_arguments_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_kept_factors_are_those_of_todays_protocol():
    """A measurement of other models, or of factors in another order."""
    kept = load_factors()
    assert tuple(kept.names) == FACTORS and tuple(kept.information) == FACTOR_BETAS
    assert kept.protocol.items() >= {k: PROTOCOL[k] for k in ("hidden", "epochs", "seeds")}.items()
    assert not kept.origin["git_commit"].endswith("+")
    for beta in FACTOR_BETAS:
        assert kept.information[beta].shape == (3, 16, 6) and kept.turned[beta].shape == (3, TURNS)
        assert (kept.information[beta] < kept.entropy).all()


def test_a_small_measurement_of_factors_has_what_is_kept():
    """A factor without variation, and codes that are turned although they are not used."""
    made = make_factors(betas=(1,), train_pictures=400, epochs=10, hidden=8, lr=1e-2, seeds=[0])
    run = made["points"][0]["runs"][0]
    assert torch.tensor(made["entropy"]).sub(math.log(10)).abs().max() < 0.01
    assert max(row[0] for row in run["information"]) > 0.1 > 0.05 > run["turned"][0] >= 0


def test_the_run_of_ten_thousand_latents_follows_the_protocol_of_the_sweep():
    """One run that was made otherwise than those it stands beside."""
    one = load_sweep("ten_thousand")
    assert [point.setting for point in one.points] == [10_000] and len(one.points[0].rate) == 1
    assert one.protocol == load_sweep("latent_dim").protocol | {"seeds": [0]}
    assert not one.origin["git_commit"].endswith("+")
