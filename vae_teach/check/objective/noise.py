"""The check of `sigma_table` (chapter 12): which sigma_x, chosen on validation pictures.

The numbers are the student's own. Nats per picture.
"""

import math
from collections.abc import Mapping
from typing import Any

from vae_teach.check.engine.answers import read_dictionary
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.experiment import near, read_by_setting, read_number
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

KEYS = ("validation", "chosen", "test")
LEAST = 5
PIXELS = 784
APART = 100.0  # nats: 4 standard errors of a difference between two sets of some 100 pictures
FLAT = 5.0  # nats, a range too small for pictures: by sigma^2 * 1.5 the constant alone moves 159

HINTS = {
    "no-table": "Your validation is {kind}: give a dictionary, sigma_x to ELBO.",
    "no-sigma": "A key of your validation is no positive number: the keys are values of sigma_x.",
    "too-few-sigmas": "Your validation has fewer than five values of sigma_x.",
    "chosen-not-tried": "Your chosen is none of the sigma_x in your validation.",
    "constant-left-out": "Your ELBO rises all the way to the largest sigma_x, and is negative: the "
    "constant -D/2 log(2 pi sigma_x^2) is missing, or you have to try larger ones.",
    "at-the-end": "The {end} sigma_x that you tried is the best: go on beyond it, until the ELBO "
    "falls on both sides.",
    "cost-for-elbo": "Your ELBO is lowest in the middle and rises on both sides: that is a cost, "
    "so change its sign.",
    "smallest-chosen": "Your chosen has the lowest ELBO: the highest is the best, for it is no "
    "cost.",
    "not-the-best": "Your chosen is not the sigma_x with the highest validation ELBO.",
    "one-model": "All your ELBOs agree: train a model for each sigma_x.",
    "validation-for-test": "Your test is the validation ELBO of the chosen model: the pictures "
    "that chose it do not judge it.",
    "per-pixel": "Your ELBOs hardly differ: sum over the pixels, and average over pictures only.",
    "too-steep": "Your ELBO falls faster from one sigma_x to the next than its constant does, "
    "-D log sigma_x: give nats, and the average over the pictures.",
    "far-test": "Your test is far from the validation ELBO of your chosen model: give it in the "
    "same unit, as the average over the test pictures.",
    "other-test": "Your test is nearer to the ELBO of another sigma_x than to that of your "
    "chosen one: it is for the model that you chose.",
}


def _table(value: Any) -> dict[float, float]:
    found = read_by_setting(value, _sigma, "ELBO at sigma_x = {:g}".format, HINTS["no-table"])
    return dict(sorted(found.items()))


def _sigma(key: Any) -> float:
    try:
        sigma = read_number(key, "sigma_x")
    except Fault:
        sigma = -1.0
    if isinstance(key, bool) or sigma <= 0:
        raise Fault(HINTS["no-sigma"])
    return sigma


def _fault(elbos: dict[float, float], chosen: float, test: float) -> tuple[str, str]:
    """Name of the first thing that is wrong, and which end is meant."""
    sigmas, values = list(elbos), list(elbos.values())
    best, worst = (pick(elbos, key=lambda s: elbos[s]) for pick in (max, min))
    picked = next((s for s in sigmas if near(s, chosen)), None)
    rising = values == sorted(values)
    pairs = zip(sigmas, sigmas[1:], values, values[1:], strict=False)
    too_steep = any(v - w > 1.05 * PIXELS * math.log(t / s) + FLAT for s, t, v, w in pairs)
    spread = max(values) - min(values)
    far = abs(test - elbos[best]) > min(0.25 * spread, APART)
    nearest = min(elbos, key=lambda s: abs(elbos[s] - test))
    wrong = {
        "too-few-sigmas": len(elbos) < LEAST,
        "one-model": spread < 1e-3,
        "chosen-not-tried": picked is None,
        "constant-left-out": rising and max(values) < 0,
        "cost-for-elbo": worst not in (sigmas[0], sigmas[-1]) and best in (sigmas[0], sigmas[-1]),
        "at-the-end": best in (sigmas[0], sigmas[-1]),
        "per-pixel": spread < FLAT and sigmas[-1] > 1.5 * sigmas[0],
        "too-steep": too_steep,
        "smallest-chosen": picked == worst,
        "not-the-best": picked != best,
        "validation-for-test": test == elbos[best],
        "other-test": far and nearest != best and test > min(values) - 0.25 * spread,
        "far-test": far,
    }
    end = "smallest" if best == sigmas[0] else "largest"
    return next((name for name, found in wrong.items() if found), ""), end


def _examine(answer: Any) -> None:
    given = read_dictionary(answer, KEYS)
    if given["validation"] is None:
        raise Fault("There is no answer yet for validation.")
    elbos = _table(given["validation"])
    if not elbos:
        raise Fault(HINTS["too-few-sigmas"])
    chosen, test = (read_number(given[name], name) for name in KEYS[1:])
    name, end = _fault(elbos, chosen, test)
    if name:
        raise Fault(HINTS[name].format(end=end))


@check(HINTS)
def sigma_table(table: Mapping[str, Any]) -> Verdict:
    """Check {"validation": {sigma_x: ELBO, ..}, "chosen": .., "test": ..}: five sizes of noise.

    The ELBOs are those of a Gaussian likelihood with its constant, in nats per picture.
    """
    return deliver("sigma_table", lambda: _examine(table))
