"""How a sweep is made: all seeds, and where sizes agree all settings, in one stacked training.

The pictures are strokes. Shapes: N pictures, D pixels, L latent. Nats per picture.
"""

import base64
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vae_teach import data, evaluate
from vae_teach.data.dataset import Dataset
from vae_teach.evaluate.factor_information import (
    entropies,
    in_equal_shares,
    information_by_latent,
    information_gaps,
)
from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models.vae import VAE
from vae_teach.plots.frames import sheet_png
from vae_teach.training.provenance import provenance
from vae_teach.training.stacked import fit_stacked

SETTINGS: dict[str, tuple[float, ...]] = {
    "beta": (0.1, 0.2, 0.4, 0.7, 1, 1.5, 2.5, 4, 6.5, 10),
    "latent_dim": (1, 2, 3, 4, 8, 16, 30, 100, 300, 1000),
}
PROTOCOL: dict[str, Any] = {
    "hidden": 64,
    "latent_dim": 16,
    "beta": 1.0,
    "train_pictures": 6_000,
    "test_pictures": 1_000,
    "epochs": 20,
    "batch_size": 100,
    "lr": 2e-3,
    "draws": 8,
    "pixels": "each training batch tossed anew, the test pictures once",
    "likelihood": "bernoulli",
    "seeds": [0, 1, 2],
}
FACTORS = ("digit", "slant", "rotation", "aspect", "width", "scale")
FACTOR_BETAS, PIECES, TURNS = (1, 2.5, 4), 10, 20
SHOWN, COLUMNS, SHADES = 6, 6, 8  # pictures of each kind, in a row, in so many greys


def toss(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every pixel as a coin, anew at each call."""
    return data.treat(x, "stochastic", generator=generator)


def train_settings(
    name: str, settings: Sequence[float], seeds: Sequence[int], images: Tensor, protocol: dict
) -> dict[tuple[float, int], VAE]:
    """A trained model for each setting and seed; those of one size are one stack."""
    sizes = settings if name == "latent_dim" else [protocol["latent_dim"]]
    betas = settings if name == "beta" else [protocol["beta"]]
    width, found = (protocol["hidden"],), {}
    for size in sizes:
        runs = [(beta, seed) for beta in betas for seed in seeds]
        models = [VAE(images.shape[1], width, int(size), width, seed=seed) for _, seed in runs]
        fit_stacked(
            models,
            images,
            seeds=[seed for _, seed in runs],
            betas=[beta for beta, _ in runs],
            epochs=protocol["epochs"],
            batch_size=protocol["batch_size"],
            lr=protocol["lr"],
            transform=toss,
        )
        for (beta, seed), model in zip(runs, models, strict=True):
            found[beta if name == "beta" else size, seed] = model
    return found


@torch.no_grad()
def measure(model: VAE, tossed: Tensor, draws: int) -> dict:
    """Rate, distortion and use of one model on test pictures (N, D) of 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    mu, logvar = model.encode(tossed)
    kl = kl_to_standard_normal(mu[..., None], logvar[..., None]).mean(dim=0)  # (L,)
    bound = evaluate.elbo(model, tossed, n_samples=draws, generator=generator).mean
    active = evaluate.active_units(model, tossed).active
    rate = kl.sum().item()
    return {
        "rate": round(rate, 4),
        "distortion": round(-bound - rate, 4),
        "active": int(active.sum()),
        "idle_kl": round(kl[~active].sum().item(), 4),
        "kl": [round(v, 3) for v in kl.sort(descending=True).values[:40].tolist()],
    }


@torch.no_grad()
def pictures(model: VAE, tossed: Tensor) -> dict[str, str]:
    """Mean pictures as PNG files in base64: test pictures redrawn from a draw of q, and samples."""
    generator = torch.Generator().manual_seed(0)
    redrawn = model.reconstruct(tossed[:SHOWN], generator=generator)
    samples = model.sample(SHOWN, generator=generator)
    kinds = {"redrawn": redrawn, "samples": samples}
    return {name: as_text(sheet_png(x, COLUMNS, shades=SHADES)) for name, x in kinds.items()}


def as_text(png: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(png).decode()


def make_sweep(
    name: str,
    *,
    settings: Sequence[float] | None = None,
    dataset: Dataset | None = None,
    **changed,
) -> dict:
    """Train and measure a sweep: what is written as JSON.

    Args:
        name: "beta" or "latent_dim", the number that is changed.
        settings: some of `SETTINGS[name]`; all of them by default.
        dataset: the pictures; the package's strokes by default.
        **changed: entries of `PROTOCOL` to be other than they are.

    Raises:
        ValueError: for another name, or an entry that the protocol has not.
    """
    if name not in SETTINGS:
        raise ValueError(f"name is {name!r}, but the known sweeps are {sorted(SETTINGS)}")
    if unknown := changed.keys() - PROTOCOL.keys():
        raise ValueError(f"{sorted(unknown)} is not in the protocol: {sorted(PROTOCOL)}")
    protocol = PROTOCOL | changed
    dataset = data.load("strokes") if dataset is None else dataset
    settings = SETTINGS[name] if settings is None else settings
    tossed = data.treat(dataset.test.images[: protocol["test_pictures"]], "fixed")
    images = dataset.train.images[: protocol["train_pictures"]]
    started = time.perf_counter()
    models = train_settings(name, settings, protocol["seeds"], images, protocol)
    seconds = time.perf_counter() - started
    points = [
        {
            "setting": setting,
            "runs": [measure(models[setting, s], tossed, protocol["draws"])
                     for s in protocol["seeds"]],
            **pictures(models[setting, protocol["seeds"][0]], tossed),
        }
        for setting in settings
    ]  # fmt: skip
    return {
        "sweep": name,
        "protocol": {k: v for k, v in protocol.items() if k != name},
        "origin": provenance(dataset, images.device)
        | {"seconds": round(seconds), "threads": torch.get_num_threads()},
        "originals": as_text(sheet_png(tossed[:SHOWN], COLUMNS, shades=2)),
        "points": points,
    }


@torch.no_grad()
def measure_factors(model: VAE, tossed: Tensor, classes: Tensor) -> dict:
    """What each latent's mean says of each factor, and the score of the same means turned."""
    generator = torch.Generator().manual_seed(0)
    mu, _ = model.encode(tossed)
    information, entropy = information_by_latent(mu, classes), entropies(classes)
    used = mu[:, evaluate.active_units(model, tossed).active]
    turned = []
    for _ in range(TURNS):
        square = torch.randn(used.shape[1], used.shape[1], generator=generator)
        codes = used @ torch.linalg.qr(square)[0]
        gaps = information_gaps(information_by_latent(codes, classes), entropy)
        turned.append(round(gaps.mean().item(), 4))
    return {
        "information": [[round(v, 4) for v in row] for row in information.tolist()],
        "turned": turned,
    }


def make_factors(*, betas: Sequence[float] = FACTOR_BETAS, **changed) -> dict:
    """What the latents of a few models of the beta sweep say of the factors of all test strokes.

    The continuous factors are cut into ten equally full classes.
    """
    protocol, dataset = PROTOCOL | changed, data.load("strokes")
    images = dataset.train.images[: protocol["train_pictures"]]
    test = dataset.test
    columns = [test.factors["digit"].long()]
    columns += [in_equal_shares(test.factors[name], PIECES) for name in FACTORS[1:]]
    classes, tossed = torch.stack(columns, dim=1), data.treat(test.images, "fixed")
    models = train_settings("beta", betas, protocol["seeds"], images, protocol)
    return {
        "protocol": {k: v for k, v in protocol.items() if k not in ("beta", "test_pictures")}
        | {"test_pictures": len(tossed), "classes": PIECES, "turns": TURNS},
        "origin": provenance(dataset, images.device),
        "factors": FACTORS,
        "entropy": [round(v, 4) for v in entropies(classes).tolist()],
        "points": [
            {
                "setting": beta,
                "runs": [
                    measure_factors(models[beta, seed], tossed, classes)
                    for seed in protocol["seeds"]
                ],
            }
            for beta in betas
        ],
    }
