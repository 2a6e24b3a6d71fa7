"""Five runs, four of them in trouble, and the check of who can tell which is which (chapter 15)."""

import math
from typing import Any

from vae_teach.check.engine.answers import read_choices
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import listed

# Measured: VAE(1728, (200,), L, (200,), seed=0) on 2,100 of draw_shapes(3_000, seed 0), the next
# 300 held out, 600 for the error; Adam 2e-3, 30 epochs; learned Gaussian from sigma_x 0.2, squash.
# A: L = 2. B: pixels times 255. C: 60 pictures, 300 epochs of batch 30. D: Gaussian with
# sigma_x^2 = 864, which is the mean of squared errors, 10 epochs. E: nothing changed.
_COLUMNS = ("latents", "training", "held_out", "kl", "pixel_error")  # costs in nats
_RUNS = {
    "A": (2, -1245.4, -1230.5, 9.2, 0.119),
    "B": (8, math.inf, math.inf, math.inf, None),  # at the first step
    "C": (8, -2966.1, -1586.1, 37.0, 0.084),
    "D": (8, 7429.9, 7429.9, 0.0, 0.203),
    "E": (8, -2234.4, -2245.5, 33.7, 0.057),
}
TROUBLED_ANSWERS = {
    "A": "too few latents",
    "B": "pixels up to 255",
    "C": "over-fitting",
    "D": "collapsed latents",
    "E": "no trouble",
}
TROUBLES = tuple(sorted(TROUBLED_ANSWERS.values()))

HINTS = {
    "too few latents": "A code with too few numbers has a high KL for each of them and a large "
    "error on training and held-out pictures alike, unlike {where}.",
    "pixels up to 255": "Pixels up to 255 make the first step overflow, unlike {where}.",
    "over-fitting": "Over-fitting makes training pictures far cheaper than held-out ones, "
    "unlike {where}.",
    "collapsed latents": "Collapsed latents carry nothing, so their KL is 0, unlike {where}.",
    "no trouble": "Compare the error, the KL and the two costs with those of the other runs: "
    "something is wrong with {where}.",
    "still-open": "There is no answer yet for {where}.",
}


@helper
def troubled_runs() -> dict[str, dict[str, float | None]]:
    """Five measured runs, name -> latents, costs in nats, KL in nats, error per pixel value."""
    return {name: dict(zip(_COLUMNS, values, strict=True)) for name, values in _RUNS.items()}


def _examine(answer: Any) -> None:
    places: dict[str, list[str]] = {}
    for name, value in read_choices(answer, tuple(TROUBLED_ANSWERS), TROUBLES).items():
        if value != TROUBLED_ANSWERS[name]:
            places.setdefault(value or "still-open", []).append(name)
    if places:
        hints = (
            HINTS[what].format(where=f"run{'s' * (len(names) > 1)} {listed(names)}")
            for what, names in places.items()
        )
        raise Fault(" ".join(hints))


@check(HINTS)
def name_the_trouble(answers: dict[str, str | None]) -> Verdict:
    """Check {"A": .., ... "E": ..}: name of a run of `troubled_runs` -> what is wrong with it.

    The options are `TROUBLES`; None leaves a place open.
    """
    return deliver("name_the_trouble", lambda: _examine(answers))
