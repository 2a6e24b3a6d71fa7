"""The check of `spot_regressor` (chapter 9): tell averages from single answers by their pictures.

Shapes: N pictures of D pixels in [0, 1].
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict
from vae_teach.completion_scores import pixel_entropy


def _answers(n: int, d: int, share: float, contrast: float, seed: int) -> tuple[Tensor, Tensor]:
    """A regressor's pictures, averages of eight candidates, and a CVAE's, one candidate each.

    `share` is how much ink the candidates have, `contrast` how far ink and paper lie apart. All
    agree about the first fifth of the pixels, so that the faintest and the darkest pixel tell
    nothing; every other pixel is a little off, so that counting values tells nothing either.
    """
    g = torch.Generator().manual_seed(seed)
    ink = (torch.rand(8, n, d, generator=g) < share).float()
    ink += 0.02 * torch.rand(8, n, d, generator=g) * (1 - 2 * ink)
    ink[..., : d // 10], ink[..., d // 10 : d // 5] = 0, 1
    candidates = 0.5 + contrast * (ink - 0.5)
    return candidates.mean(0), candidates[0]


# pictures, pixels, share of ink, contrast, whether the regressor's come first
_SETS = (
    (5, 40, 0.3, 0.97, True),
    (5, 40, 0.7, 0.97, False),
    (3, 60, 0.3, 0.8, False),
    (4, 50, 0.6, 0.8, True),
    (1, 90, 0.5, 0.97, False),
    (1, 80, 0.4, 0.9, True),
    (6, 50, 0.65, 0.9, False),
    (2, 70, 0.45, 0.8, True),
    (3, 60, 0.35, 0.97, True),
    (2, 90, 0.55, 0.9, False),
)


def _spot_cases() -> list[Case]:
    cases = []
    for seed, (n, d, share, contrast, first) in enumerate(_SETS):
        regressor, cvae = _answers(n, d, share, contrast, seed)
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
            "You answer 0 for every pair: what you compare is equal in both sets, or not compared.",
            lambda a, b: torch.tensor(0),
        ),
        Mistake(
            "always-b",
            "You answer 1 for every pair: what you compare is equal in both sets, or not compared.",
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
