"""Four training curves, and the check of who can tell which is which (chapter 12)."""

from typing import Any

from vae_teach.check.engine.answers import read_choices
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check, helper
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import listed

# Measured: the chapter's `Peeking` model, seed 0, on 20,000 coins of 30 tosses, Adam 1e-2, batches
# of 100; rate and distortion of 2,000 further coins after every 100 steps. A: sees all tosses
# before, free bits with a floor of 2 nats. B: the same without the KL term. C: the same with
# nothing changed. D: sees z alone.
_RUNS = {
    "A": (
        (0.01, 1.9, 2.07, 1.99, 1.97, 1.94, 2.01, 2.01, 2.0, 2.01, 2.0),
        (21.34, 15.9, 15.72, 15.6, 15.38, 15.44, 15.38, 15.26, 15.33, 15.25, 15.53),
    ),
    "B": (
        (0.01, 4.13, 4.86, 5.43, 5.8, 6.05, 6.32, 6.51, 6.52, 7.02, 7.02),
        (21.34, 15.77, 15.37, 15.12, 14.97, 14.84, 14.8, 14.78, 14.6, 14.59, 14.57),
    ),
    "C": (
        (0.01, 0.26, 0.21, 0.19, 0.16, 0.13, 0.11, 0.05, 0.07, 0.07, 0.05),
        (21.34, 16.84, 16.87, 16.89, 16.93, 16.95, 16.97, 17.03, 17.01, 17.01, 17.03),
    ),
    "D": (
        (0.01, 1.14, 1.24, 1.23, 1.22, 1.19, 1.24, 1.17, 1.27, 1.29, 1.18),
        (21.34, 16.05, 15.93, 15.91, 15.95, 16.03, 15.86, 15.96, 15.87, 15.82, 15.95),
    ),
}
CURVE_ANSWERS = {"A": "free bits", "B": "no KL term", "C": "collapsed", "D": "sound"}
CAUSES = tuple(sorted(CURVE_ANSWERS.values()))

HINTS = {
    "free bits": "Free bits hold the rate at their floor, here 2 nats, unlike {where}.",
    "no KL term": "Without a KL term nothing holds the rate back, so it grows to the end, unlike "
    "{where}.",
    "collapsed": "A collapsed code carries nothing, so its rate ends near 0, unlike {where}.",
    "sound": "A sound training settles at a rate above 0 that nobody set, unlike {where}.",
    "still-open": "There is no answer yet for {where}.",
}


@helper
def four_runs() -> dict[str, dict[str, list[float]]]:
    """Four measured trainings, name -> step, rate and distortion (11 each), in nats per coin."""
    return {
        name: {
            "step": list(range(0, 1_100, 100)),
            "rate": list(rate),
            "distortion": list(distortion),
        }
        for name, (rate, distortion) in _RUNS.items()
    }


def _examine(answer: Any) -> None:
    places: dict[str, list[str]] = {}
    for name, value in read_choices(answer, tuple(CURVE_ANSWERS), CAUSES).items():
        if value != CURVE_ANSWERS[name]:
            places.setdefault(value or "still-open", []).append(name)
    if places:
        hints = (
            HINTS[what].format(where=f"training{'s' * (len(names) > 1)} {listed(names)}")
            for what, names in places.items()
        )
        raise Fault(" ".join(hints))


@check(HINTS)
def four_curves(answers: dict[str, str | None]) -> Verdict:
    """Check {"A": .., ... "D": ..}: name of a training of `four_runs` -> what was done in it.

    The options are `CAUSES`; None leaves a place open.
    """
    return deliver("four_curves", lambda: _examine(answers))
