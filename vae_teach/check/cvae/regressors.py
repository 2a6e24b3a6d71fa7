"""The check of `spot_regressor` (chapter 14): tell averages from single answers by their pictures.

Shapes: N pictures of D pixels in [0, 1].
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.evaluate.completions import pixel_entropy

CANDIDATES = 8


def _candidates(d: int, mixed: float, share: float, more: float, g: torch.Generator) -> Tensor:
    """Eight pictures of ink 1 and paper 0 that disagree in a share `mixed` of their D pixels.

    Each has a share `share` of ink there, the first one `more` besides.
    """
    n_mixed = round(mixed * d)
    ink = torch.zeros(CANDIDATES, d)
    ink[:, n_mixed:] = (torch.rand(d - n_mixed, generator=g) < share).float()
    for i in range(CANDIDATES):
        dark = round((share + (more if i == 0 else 0)) * n_mixed)
        ink[i, torch.randperm(n_mixed, generator=g)[:dark]] = 1
    # Ink and paper are somewhere in every picture, and all agree about the two outermost pixels.
    agreed = (torch.rand(2, generator=g) < share).float().expand(CANDIDATES, 2)
    inner = torch.cat([ink, torch.eye(2)[0].expand(CANDIDATES, 2)], dim=1)
    shuffled = inner[:, torch.randperm(d + 2, generator=g)]
    return torch.cat([agreed[:, :1], shuffled, agreed[:, 1:]], dim=1)


def _rendered(means: Tensor, soft: float, g: torch.Generator) -> Tensor:
    """Pixels a little off black and white, and a share `soft` of them grey, as at edges."""
    pixels = means + 0.04 * torch.rand(means.shape, generator=g) * torch.where(means < 0.5, 1, -1)
    grey = torch.rand(means.shape, generator=g) < soft
    grey[[0, -1]] = False
    pixels = torch.where(grey, 0.35 + 0.3 * torch.rand(means.shape, generator=g), pixels)
    pixels[means.argmax()], pixels[means.argmin()] = 1, 0  # the extremes tell nothing
    return pixels


def _sets(
    n: int, d: int, mixed: float, soft: float, share: float, more: float, odd: int, seed: int
) -> tuple[Tensor, Tensor]:
    """A regressor's pictures, averages of eight candidates, and a CVAE's, one candidate each.

    `odd` pictures, the first and then the last, have one answer only, which the regressor draws
    sharp, and the CVAE badly: a judgement of one picture is not one of the set.
    """
    g = torch.Generator().manual_seed(seed)
    regressor, cvae = [], []
    for i in range(n):
        is_odd = i in (0, n - 1)[:odd]
        ink = _candidates(d, 0 if is_odd else mixed, share, more, g)
        regressor.append(_rendered(ink.mean(0), 0 if is_odd else 0.02, g))
        cvae.append(_rendered(ink[0], min(3 * soft, 0.4) + 0.1 if is_odd else soft, g))
    return torch.stack(regressor), torch.stack(cvae)


# Arguments of _sets, and whether the regressor's pictures come first. The CVAE's of the last two
# are greyer than the regressor's of the two before, so that no set can be judged by itself.
_SETS = (
    ((4, 120, 0.6, 0.05, 0.3, -0.02, 0), True),
    ((5, 120, 0.6, 0.05, 0.7, -0.02, 1), False),
    ((3, 160, 0.7, 0.05, 0.35, 0.02, 1), False),
    ((6, 100, 0.8, 0.08, 0.6, 0.02, 2), True),
    ((1, 300, 0.7, 0.05, 0.45, 0.02, 0), False),
    ((1, 300, 0.6, 0.04, 0.55, -0.02, 0), True),
    ((7, 120, 0.7, 0.05, 0.65, -0.02, 2), False),
    ((8, 100, 0.7, 0.05, 0.3, 0.02, 2), True),
    ((4, 250, 0.2, 0.0, 0.4, -0.02, 0), True),
    ((4, 250, 0.2, 0.0, 0.4, 0.02, 0), False),
    ((4, 250, 1.0, 0.35, 0.45, 0.02, 0), True),
    ((4, 250, 1.0, 0.35, 0.45, -0.02, 0), False),
)


def _spot_cases() -> list[Case]:
    cases = []
    for seed, (of, first) in enumerate(_SETS):
        regressor, cvae = _sets(*of, seed)
        pair = (regressor, cvae) if first else (cvae, regressor)
        cases.append(Case(dict(zip("ab", pair, strict=True))))
    return cases


def _which(score: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """0 if a has the larger average score, else 1."""
    return lambda a, b: (score(b).mean() > score(a).mean()).long()


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """A pair that is judged wrongly, and how grey its two sets are."""
    numbers = (got.item() for got in gots if got not in (0, 1))
    if (number := next(numbers, None)) is not None:
        return f"Your function returns {number:.4g}: answer 0 if a is the regressor's, 1 if b is."
    wrong = [case for got, want, case in zip(gots, wants, cases, strict=True) if got != want]
    a, b = ((x * (1 - x)).mean().item() for x in wrong[0].args.values())
    named, other = "ab" if a < b else "ba"
    return (
        f"You name the wrong set in {len(wrong)} of {len(cases)} pairs, such as one whose pixels "
        f"have a mean p (1 - p) of {a:.3f} in a and {b:.3f} in b: compare {named} with {other}, "
        "over all their pictures and pixels."
    )


SPOT_REGRESSOR = Exercise(
    name="spot_regressor",
    right=_which(pixel_entropy),
    cases=_spot_cases,
    roles={"a": Role("B."), "b": Role("B.")},
    explain=_explain,
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
            "one-picture",
            "You look at one picture of each set: a single condition may leave one answer only, "
            "so judge by all pictures.",
            (
                lambda a, b: _which(pixel_entropy)(a[:1], b[:1]),
                lambda a, b: _which(pixel_entropy)(a[-1:], b[-1:]),
            ),
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
            "one-and-two",
            "You count the sets from 1: answer 0 for a and 1 for b.",
            lambda a, b: 1 + _which(pixel_entropy)(a, b),
        ),
        Mistake(
            "a-score-for-each-picture",
            "You answer for every picture: say once which set is the regressor's, 0 or 1.",
            matches=lambda got, want, a, b: got.shape == a.shape[:1],
        ),
    ),
)


@check(SPOT_REGRESSOR)
def spot_regressor(student: Callable) -> Verdict:
    """Check f(a, b) -> 0 or 1: which of two sets of pictures (N, D) a regressor made."""
    return judge(student, SPOT_REGRESSOR)
