"""Chapter 15's checks: what students write, right and wrong (judged by test_check_tables.py), and
our own right answers against independent oracles."""

import math

import numpy as np
import torch
from PIL import Image
from torch.distributions import Normal

from vae_teach import check
from vae_teach.check import your_data
from vae_teach.check.engine.exercise import evaluate
from vae_teach.check.your_data.trouble import TROUBLED_ANSWERS, TROUBLES
from vae_teach.data.pictures import read_picture

ANSWERS = {"name_the_trouble"}


def pixels_by_numpy(pictures):
    array = np.transpose(pictures.numpy(), (0, 3, 1, 2)).astype(np.float32) / 255
    return array.reshape(len(array), -1)


def pixels_by_channel(pictures):
    return torch.cat([pictures[..., c].flatten(1).float() for c in range(3)], dim=1) / 255


def sigma_by_norm(x, f):
    return torch.linalg.norm(x - f) / math.sqrt(x.numel())


def sigma_by_search(x, f):
    """The least cost on a grid, then on a finer one around it."""
    low, high = 0.01, 3.0
    for _ in range(6):
        sigmas = torch.linspace(low, high, 201, dtype=torch.float64)
        costs = [-Normal(f.double(), s).log_prob(x.double()).sum() for s in sigmas]
        best = int(torch.stack(costs).argmin())
        low, high = sigmas[max(best - 1, 0)].item(), sigmas[min(best + 1, 200)].item()
    return sigmas[best]


def answers(**changes):
    return {**TROUBLED_ANSWERS, **changes}


LOG_2 = math.log(2)

RIGHT = {
    "to_pixels": {
        "permute": lambda p: p.permute(0, 3, 1, 2).reshape(len(p), -1) / 255,
        "numpy": pixels_by_numpy,
        "channel-by-channel": pixels_by_channel,
    },
    "best_sigma_x": {
        "root-mean-square": lambda x, f: torch.sqrt(torch.mean((x - f) ** 2)),
        "norm": sigma_by_norm,
        "search": sigma_by_search,
        "a-number": lambda x, f: float(np.sqrt(np.square(x.numpy() - f.numpy()).mean())),
    },
    "bits_per_value": {
        "floats": lambda c, d: [v / d / LOG_2 + math.log2(255) for v in c.tolist()],
        "formula": lambda c, d: c / d / LOG_2 + math.log2(255),
        "nats-first": lambda c, d: (c + d * math.log(255)) / (d * LOG_2),
        "numpy": lambda c, d: c.numpy() / d * np.log2(np.e) + np.log2(255),
    },
    "name_the_trouble": {
        "as-one-writes": {
            key.lower(): f" {value.replace('-', '').title()} "
            for key, value in TROUBLED_ANSWERS.items()
        },
        "in-order": TROUBLED_ANSWERS,
        "in-another-order": dict(reversed(TROUBLED_ANSWERS.items())),
        "with-a-key-too-many": {**TROUBLED_ANSWERS, "F": None},
    },
}

WRONG = {
    "to_pixels": {
        "one-channel": lambda p: p[..., 1].flatten(1) / 255,
        "other-order-of-channels": lambda p: p.flip(-1).permute(0, 3, 1, 2).flatten(1) / 255,
        "upside-down": lambda p: p.flip(1).permute(0, 3, 1, 2).flatten(1) / 255,
        "mirrored": lambda p: p.flip(2).permute(0, 3, 1, 2).flatten(1) / 255,
        "batch-and-channels-mixed": lambda p: p.permute(3, 0, 1, 2).reshape(len(p), -1) / 255,
        "by-the-largest": lambda p: p.permute(0, 3, 1, 2).flatten(1) / p.max(),
        "standardised": lambda p: (
            (pixels_by_channel(p) - pixels_by_channel(p).mean()) / pixels_by_channel(p).std()
        ),
        "black-and-white": lambda p: pixels_by_channel(p) > 0.5,
        "channels-last": lambda p: p.reshape(len(p), -1).float() / 255,
        "columns-first": lambda p: p.transpose(1, 3).flatten(1) / 255,
        "bytes-left": lambda p: p.permute(0, 3, 1, 2).flatten(1).float(),
        "by-256": lambda p: p.permute(0, 3, 1, 2).flatten(1) / 256,
        "minus-one-to-one": lambda p: p.permute(0, 3, 1, 2).flatten(1) / 127.5 - 1,
        "inverted": lambda p: 1 - p.permute(0, 3, 1, 2).flatten(1) / 255,
        "grey": lambda p: p.float().mean(-1).flatten(1) / 255,
        "divided-as-bytes": lambda p: p.permute(0, 3, 1, 2).flatten(1) // 255,
    },
    "best_sigma_x": {
        "one-less": lambda x, f: (((x - f) ** 2).sum() / (x.numel() - 1)) ** 0.5,
        "unbiased-spread": lambda x, f: (x - f).std(),
        "variance-of-the-errors": lambda x, f: (x - f).var(),
        "spread-of-each-picture": lambda x, f: (x - f).std(1).mean(),
        "averaged-over-places": lambda x, f: ((x - f) ** 2).mean(0).sqrt().mean(),
        "mean-length": lambda x, f: torch.linalg.norm(x - f, dim=1).mean(),
        "from-absolute-errors": lambda x, f: (x - f).abs().mean().sqrt(),
        "median": lambda x, f: (x - f).abs().median(),
        "mean-error": lambda x, f: (f - x).mean(),
        "relative": lambda x, f: ((x - f) ** 2).mean().sqrt() / x.mean(),
        "variance": lambda x, f: ((x - f) ** 2).mean(),
        "summed-over-values": lambda x, f: ((x - f) ** 2).sum(1).mean() ** 0.5,
        "absolute": lambda x, f: torch.nn.functional.l1_loss(x, f),
        "averaged-after-the-root": lambda x, f: ((x - f) ** 2).mean(-1).sqrt().mean(),
        "one-for-each-picture": lambda x, f: ((x - f) ** 2).mean(-1).sqrt(),
        "one-for-each-value": lambda x, f: ((x - f) ** 2).mean(0).sqrt(),
        "half": lambda x, f: (0.5 * (x - f) ** 2).mean().sqrt(),
        "spread-of-the-errors": lambda x, f: (x - f).double().std(correction=0),
        "spread-of-the-data": lambda x, f: x.double().std(correction=0),
        "logarithm": lambda x, f: 0.5 * ((x - f) ** 2).mean().log(),
    },
    "bits_per_value": {
        "step-of-256": lambda c, d: c / d / LOG_2 + math.log2(256),
        "step-itself": lambda c, d: c / d / LOG_2 + 255,
        "half-a-step": lambda c, d: c / d / LOG_2 + math.log2(255) + 0.5,
        "divided-by-255": lambda c, d: c / d / LOG_2 / 255,
        "whole-cost": lambda c, d: c / LOG_2 + math.log2(255),
        "times-the-values": lambda c, d: c * d / LOG_2 + math.log2(255),
        "nats-without-the-step": lambda c, d: c / d,
        "bits-of-bits": lambda c, d: (c / d + math.log2(255)) / LOG_2,
        "base-ten": lambda c, d: c / d * math.log10(math.e) + math.log10(255),
        "log-of-the-cost": lambda c, d: c.abs().log2() / d + math.log2(255),
        "channels-counted-twice": lambda c, d: c / (3 * d) / LOG_2 + math.log2(255),
        "step-missing": lambda c, d: c / d / LOG_2,
        "step-subtracted": lambda c, d: c / d / LOG_2 - math.log2(255),
        "nats-and-bits": lambda c, d: c / d + math.log2(255),
        "nats": lambda c, d: c / d + math.log(255),
        "multiplied": lambda c, d: c / d * LOG_2 + math.log2(255),
        "whole-picture": lambda c, d: c / LOG_2 + d * math.log2(255),
        "step-once": lambda c, d: c / d / LOG_2 + math.log2(255) / d,
        "natural-log-of-the-step": lambda c, d: c / d / LOG_2 + math.log(255),
        "per-pixel": lambda c, d: c / (d / 3) / LOG_2 + math.log2(255),
        "averaged-over-pictures": lambda c, d: c.mean() / d / LOG_2 + math.log2(255),
        "sign": lambda c, d: math.log2(255) - c / d / LOG_2,
    },
    "name_the_trouble": {
        "too few latents": answers(E="too few latents"),
        "pixels up to 255": answers(D="pixels up to 255"),
        "over-fitting": answers(E="over-fitting"),
        "collapsed latents": answers(A="collapsed latents"),
        "no trouble": answers(C="no trouble", A="no trouble"),
        "still-open": answers(B=None),
    },
}

UNNAMED = {
    "to_pixels": {
        "gamma": (
            lambda p: pixels_by_channel(p) ** 0.5,
            "stand where they should, but a byte of 62 becomes 0.4931: it should be 62 / 255",
        ),
        "half-a-turn": (
            lambda p: p.flip(1, 2).permute(0, 3, 1, 2).flatten(1) / 255,
            "stand in another order",
        ),
        "squeezed": (lambda p: pixels_by_channel(p).squeeze(), "for a batch of one"),
        "not-flat": (lambda p: p.permute(0, 3, 1, 2) / 255, "shape"),
        "one-picture": (lambda p: p[0].permute(2, 0, 1).flatten() / 255, "shape"),
    },
    "best_sigma_x": {
        "precision": (
            lambda x, f: 1 / ((x - f) ** 2).mean(),
            "Your result is 1 / sigma_x^2, the precision:",
        ),
        "half-the-variance": (
            lambda x, f: ((x - f) ** 2).mean() / 2,
            "sigma_x^2, the variance, times 0.5:",
        ),
        "root-of-the-sum": (
            lambda x, f: ((x - f) ** 2).sum().sqrt(),
            "times the root of N, times the root of D",
        ),
        "a-tuple": (lambda x, f: (x, f), "return one result only"),
    },
    "bits_per_value": {
        "step-twice": (
            lambda c, d: RIGHT_BITS(c, d) + math.log2(255),
            "Your log2(255) is twice the right one",
        ),
        "one-constant-for-another": (
            lambda c, d: c / d / LOG_2 + 8.5,
            "Your log2(255) is 1.063 times the right one",
        ),
        "kept-axis": (lambda c, d: RIGHT_BITS(c, d)[:, None], "axis of size 1"),
    },
    "name_the_trouble": {
        "an-array": (answers(A=np.zeros(2)), "Your answer for A is not one of the options"),
        "a-tensor": (answers(A=torch.zeros(2)), "Your answer for A is not one of the options"),
        "a-list": (["over-fitting"], "give a dictionary"),
        "not-an-option": (answers(A="bad luck"), "not one of the options"),
        "a-run-missing": ({"A": "over-fitting"}, "lacks"),
    },
}
RIGHT_BITS = RIGHT["bits_per_value"]["formula"]


def test_our_pixels_are_those_of_the_loader(tmp_path):
    """A right answer that is wrong would teach every student the same mistake."""
    for case in your_data.TO_PIXELS.cases():
        for picture, ours in zip(
            case.args["pictures"], evaluate(your_data.TO_PIXELS.right, case), strict=True
        ):
            Image.fromarray(picture.numpy()).save(tmp_path / "it.png")
            read = read_picture(tmp_path / "it.png", tuple(picture.shape[:2]), 3, "stretch")
            np.testing.assert_allclose(ours, read / 255, atol=1e-7)


def test_our_sigma_costs_least():
    """Fails for a formula that is not the optimum of the density."""
    for case in your_data.BEST_SIGMA_X.cases():
        found = sigma_by_search(*case.args.values())
        assert abs(evaluate(your_data.BEST_SIGMA_X.right, case) / found - 1) < 1e-5


def test_our_bits_are_those_of_naming_each_byte():
    """Sum of p over the cell of one byte: fails if the step were 256 cells, or the sign wrong."""
    sigma, f = 0.05, 0.4
    levels = torch.arange(-2_000, 2_255, dtype=torch.float64)  # beyond 0 and 255 nothing is cut
    normal = Normal(torch.tensor(f, dtype=torch.float64), sigma)
    chance = normal.cdf((levels + 0.5) / 255) - normal.cdf((levels - 0.5) / 255)
    byte = torch.tensor(110)
    exact = -chance[byte + 2_000].log2()
    cost = -normal.log_prob(byte.double() / 255)[None]
    ours = your_data.BITS_PER_VALUE.right(cost, 1)
    assert abs(ours.item() - exact.item()) < 2e-3  # the density bends within one cell


def test_every_trouble_is_a_runs_and_each_run_has_its_number():
    """Fails if a run could be taken for another: the sign of each trouble is in one run only."""
    runs = check.troubled_runs()
    assert sorted(TROUBLED_ANSWERS) == sorted(runs) and len(set(TROUBLES)) == len(runs)
    fine = next(run for name, run in runs.items() if TROUBLED_ANSWERS[name] == "no trouble")
    for name, run in runs.items():
        signs = {
            "too few latents": run["latents"] < fine["latents"],
            "pixels up to 255": math.isinf(run["kl"]),
            "over-fitting": run["held_out"] - run["training"] > 500,
            "collapsed latents": run["kl"] == 0,
        }
        assert [what for what, shown in signs.items() if shown] in (
            [TROUBLED_ANSWERS[name]],
            [] if run is fine else None,
        )
