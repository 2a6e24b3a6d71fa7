"""The sweeps that come with the package. Nats per picture."""

import base64
import io
import json
from dataclasses import dataclass
from importlib import resources

import numpy as np
import torch
from PIL import Image
from torch import Tensor

FACTORS_FILE = "factors.json"


@dataclass(frozen=True)
class Point:
    """One setting: a list has an entry for each seed, in the protocol's order.

    `redrawn` and `samples` are sheets of pictures of the first seed, (height, width), 1 is ink.
    """

    setting: float
    rate: list[float]  # mean KL(q(z|x) || p(z))
    distortion: list[float]  # mean of E_q[-log p(x|z)]
    active: list[int]  # latents whose mean varies by more than 0.01
    idle_kl: list[float]  # the part of the rate that the others pay
    kl: list[list[float]]  # of each latent, largest first, 40 at most
    redrawn: np.ndarray
    samples: np.ndarray

    @property
    def elbo(self) -> list[float]:
        """The bound at beta = 1, whatever the model was trained by: -(rate + distortion)."""
        return [-(r + d) for r, d in zip(self.rate, self.distortion, strict=True)]


@dataclass(frozen=True)
class Sweep:
    """All settings of one number, and how they were made."""

    name: str
    points: list[Point]
    originals: np.ndarray  # the pictures that were redrawn
    protocol: dict
    origin: dict

    def at(self, setting: float) -> Point:
        """The point of one setting.

        Raises:
            ValueError: if it was not trained.
        """
        for point in self.points:
            if point.setting == setting:
                return point
        known = [point.setting for point in self.points]
        raise ValueError(f"setting is {setting}, but the sweep of {self.name} has {known}")


def load_sweep(name: str) -> Sweep:
    """The sweep of "beta" or of "latent_dim", or the latter's one run at "ten_thousand".

    Raises:
        ValueError: for another name.
    """
    known = sorted(
        file.name.removesuffix(".json")
        for file in resources.files(__package__).iterdir()
        if file.name.endswith(".json") and file.name != FACTORS_FILE
    )
    if name not in known:
        raise ValueError(f"name is {name!r}, but the known sweeps are {known}")
    return read_sweep(_kept(f"{name}.json"))


@dataclass(frozen=True)
class Factors:
    """What the latents of some models of the beta sweep say of the factors of strokes, in nats."""

    names: list[str]
    entropy: Tensor  # of each factor, (F,)
    information: dict[float, Tensor]  # beta -> I(z_l; v) for each seed, (seeds, L, F)
    turned: dict[float, Tensor]  # the score of the means after random rotations, (seeds, rotations)
    protocol: dict
    origin: dict


def load_factors() -> Factors:
    """The kept measurement, `factors.json`."""
    written = _kept(FACTORS_FILE)
    runs = {point["setting"]: point["runs"] for point in written["points"]}
    information, turned = (
        {beta: torch.tensor([run[name] for run in found]) for beta, found in runs.items()}
        for name in ("information", "turned")
    )
    return Factors(
        written["factors"],
        torch.tensor(written["entropy"]),
        information,
        turned,
        written["protocol"],
        written["origin"],
    )


def _kept(file: str) -> dict:
    return json.loads(resources.files(__package__).joinpath(file).read_text("utf-8"))


def read_sweep(written: dict) -> Sweep:
    """What `protocol.make_sweep` returns, as a `Sweep`."""
    points = []
    for point in written["points"]:
        runs = point["runs"]
        points.append(
            Point(
                setting=point["setting"],
                rate=[run["rate"] for run in runs],
                distortion=[run["distortion"] for run in runs],
                active=[run["active"] for run in runs],
                idle_kl=[run["idle_kl"] for run in runs],
                kl=[run["kl"] for run in runs],
                redrawn=_sheet(point["redrawn"]),
                samples=_sheet(point["samples"]),
            )
        )
    return Sweep(
        written["sweep"],
        points,
        _sheet(written["originals"]),
        written["protocol"],
        written["origin"],
    )


def _sheet(text: str) -> np.ndarray:
    """A PNG of black ink on white as numbers, (height, width), 1 is ink."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as png:
        return 1 - np.asarray(png.convert("L"), dtype=np.float32) / 255
