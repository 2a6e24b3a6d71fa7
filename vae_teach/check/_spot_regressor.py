"""The check of `spot_regressor` (chapter 9): tell averages from single answers by their pictures.

Shapes: N pictures of D pixels in [0, 1].
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict
from vae_teach.completion_scores import pixel_entropy


def _answers(
    n: int, d: int, share: float, seed: int, *, faded: bool = False
) -> tuple[Tensor, Tensor]:
    """A regressor's pictures, averages of eight candidates, and a CVAE's, one candidate each.

    `share` is how much ink the candidates have. A faded CVAE draws its ink at 0.9 and its paper at
    0.1, as real ones do.
    """
    g = torch.Generator().manual_seed(seed)
    candidates = (torch.rand(8, n, d, generator=g) < share).float()
    chosen = 0.1 + 0.8 * candidates[0] if faded else candidates[0]
    return candidates.mean(0), chosen


def _spot_cases() -> list[Case]:
    cases = []
    for seed, (n, d, share, faded, first) in enumerate(
        [
            (5, 40, 0.3, False, True),
            (5, 40, 0.7, False, False),
            (3, 60, 0.3, True, False),
            (4, 50, 0.6, True, True),
            (1, 90, 0.5, False, False),
        ]
    ):
        regressor, cvae = _answers(n, d, share, seed, faded=faded)
        pair = (regressor, cvae) if first else (cvae, regressor)
        cases.append(Case(dict(zip("ab", pair, strict=True))))
    return cases


def _which(score: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """0 if a has the larger average score, else 1."""
    return lambda a, b: (score(b).mean() > score(a).mean()).long()


SPOT_REGRESSOR = Exercise(
    name="spot_regressor",
    right=_which(pixel_entropy),
    cases=_spot_cases,
    mistakes=(
        Mistake(
            "the-other-one",
            "You name the CVAE: 0 says that a is the regressor's, 1 that b is.",
            lambda a, b: 1 - _which(pixel_entropy)(a, b),
        ),
        Mistake(
            "always-a",
            "You always answer 0: compare the two sets of pictures.",
            lambda a, b: torch.tensor(0),
        ),
        Mistake(
            "always-b",
            "You always answer 1: compare the two sets of pictures.",
            lambda a, b: torch.tensor(1),
        ),
        Mistake(
            "less-ink",
            "You judge by how much ink there is: an average keeps the ink, and loses the edges.",
            _which(lambda pictures: -pictures.sum(-1)),
        ),
        Mistake(
            "more-ink",
            "You judge by how much ink there is, more ink for the regressor: an average keeps it.",
            _which(lambda pictures: pictures.sum(-1)),
        ),
        Mistake(
            "a-score-for-each-picture",
            "You answer for every picture: say once which set is the regressor's, 0 or 1.",
            matches=lambda got, want, a, b: got.shape == a.shape[:1],
        ),
    ),
)


def spot_regressor(student: Callable) -> Verdict:
    """Check f(a, b) -> 0 or 1: which of two sets of pictures (N, D) a regressor made."""
    return judge(student, SPOT_REGRESSOR)
