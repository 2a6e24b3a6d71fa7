"""The check of `marginal` (chapter 2): the evidence and the posterior, from prior and likelihood.

Shapes: M settings, N pictures.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.rules import PROBABILITIES, Role
from vae_teach.check.engine.verdict import Verdict

EVIDENCE, POSTERIOR = "evidence", "posterior"


def _joint(prior: Tensor, likelihood: Tensor) -> Tensor:
    return prior[:, None] * likelihood


def _evidence(prior: Tensor, likelihood: Tensor) -> Tensor:
    return _joint(prior, likelihood).sum(0)


def _posterior(prior: Tensor, likelihood: Tensor) -> Tensor:
    return _joint(prior, likelihood) / _evidence(prior, likelihood)


def _right(prior: Tensor, likelihood: Tensor) -> tuple[Tensor, Tensor]:
    return _evidence(prior, likelihood), _posterior(prior, likelihood)


def _case(m: int, n: int) -> Case:
    """Rows do not sum to 1: the N pictures are a few of all there are."""
    g = torch.Generator().manual_seed(10 * m + n)
    prior, likelihood = torch.rand(m, generator=g) + 0.1, torch.rand(m, n, generator=g) + 0.05
    return Case({"prior": prior / prior.sum(), "likelihood": likelihood})


MARGINAL = Exercise(
    name="marginal",
    right=_right,
    cases=lambda: [_case(2, 3), _case(4, 2), _case(3, 3), _case(9, 4)],
    roles={"prior": Role("M"), "likelihood": Role("MN", PROBABILITIES)},
    ones="N",
    fixed="M",  # a prior twice over does not sum to 1
    parts=(EVIDENCE, POSTERIOR),
    mistakes=(
        Mistake(
            "prior-missing",
            "You do not weight by the prior: multiply each row of the likelihood by the "
            "probability of its setting.",
            lambda p, lik: (lik.sum(0), lik / lik.sum(0)),
        ),
        Mistake(
            "prior-uniform",
            "You average over the settings as if all were equally likely: "
            "weight them by the prior.",
            lambda p, lik: (lik.mean(0), lik / lik.sum(0)),
        ),
        Mistake(
            "order-swapped",
            "You return the posterior first: return evidence, posterior.",
            lambda p, lik: _right(p, lik)[::-1],
        ),
        Mistake(
            "prior-along-pictures",
            "The prior has one entry per setting, a row of the likelihood: "
            "give it a second axis, prior[:, None].",
            raises="must match the size of tensor",
        ),
        Mistake(
            "prior-missing-in-the-evidence",
            "Your evidence is not weighted by the prior: sum prior times likelihood over the "
            "settings.",
            (lambda p, lik: lik.sum(0), lambda p, lik: lik.mean(0)),
            part=EVIDENCE,
        ),
        Mistake(
            "evidence-averaged",
            "Your evidence is an average over the settings: the weights of the prior sum to 1 "
            "already, so add up.",
            lambda p, lik: _joint(p, lik).mean(0),
            part=EVIDENCE,
        ),
        Mistake(
            "evidence-over-pictures",
            "Your evidence has one value per setting: "
            "sum over the settings, axis 0, and keep one value per picture.",
            lambda p, lik: _joint(p, lik).sum(1),
            part=EVIDENCE,
        ),
        Mistake(
            "evidence-over-everything",
            "Your evidence is one number for all pictures: keep one value per picture.",
            (lambda p, lik: _joint(p, lik).sum(), lambda p, lik: _evidence(p, lik).mean()),
            part=EVIDENCE,
        ),
        Mistake(
            "evidence-in-logs",
            "Your evidence is a logarithm: return the probability itself here.",
            lambda p, lik: _evidence(p, lik).log(),
            part=EVIDENCE,
        ),
        Mistake(
            "prior-missing-in-the-posterior",
            "Your posterior is not weighted by the prior: it is prior times likelihood, divided "
            "by the evidence.",
            (lambda p, lik: lik / lik.sum(0), lambda p, lik: lik / _evidence(p, lik)),
            part=POSTERIOR,
        ),
        Mistake(
            "prior-twice",
            "Your posterior holds the prior twice: it is prior times likelihood, divided by the "
            "evidence.",
            (
                lambda p, lik: _posterior(p, lik) * p[:, None],
                lambda p, lik: _posterior(p, _joint(p, lik)),
            ),
            part=POSTERIOR,
        ),
        Mistake(
            "normalised-over-pictures",
            "Your posterior sums to 1 over the pictures: "
            "for each picture it must sum to 1 over the settings.",
            lambda p, lik: _joint(p, lik) / _joint(p, lik).sum(1, keepdim=True),
            part=POSTERIOR,
        ),
        Mistake(
            "normalised-over-everything",
            "Your posterior sums to 1 over the whole table: "
            "for each picture it must sum to 1 over the settings.",
            lambda p, lik: _joint(p, lik) / _joint(p, lik).sum(),
            part=POSTERIOR,
        ),
        Mistake(
            "not-normalised",
            "You return the joint probability as posterior: divide it by the evidence.",
            _joint,
            part=POSTERIOR,
        ),
        Mistake(
            "softmax-of-probabilities",
            "Your posterior is a softmax of probabilities, which takes the exponential of what is "
            "none: divide the joint by its sum.",
            (lambda p, lik: _joint(p, lik).softmax(0), lambda p, lik: lik.softmax(0)),
            part=POSTERIOR,
        ),
        Mistake(
            "divided-by-the-mean",
            "Your posterior is divided by an average, so it sums to M: divide by the sum.",
            lambda p, lik: _joint(p, lik) / _joint(p, lik).mean(0),
            part=POSTERIOR,
        ),
        Mistake(
            "posterior-in-logs",
            "Your posterior is a logarithm: return the probabilities themselves here.",
            lambda p, lik: _posterior(p, lik).log(),
            part=POSTERIOR,
        ),
        Mistake(
            "most-probable-setting",
            "You return the most probable setting only: return the probability of every setting.",
            (
                lambda p, lik: _posterior(p, lik).argmax(0),
                lambda p, lik: _posterior(p, lik).amax(0),
            ),
            part=POSTERIOR,
        ),
        Mistake(
            "likelihood-as-posterior",
            "You return the likelihood as posterior: it says how likely a picture is given a "
            "setting, not the other way round.",
            lambda p, lik: lik,
            part=POSTERIOR,
        ),
        Mistake(
            "prior-as-posterior",
            "You return the prior as posterior: the picture must change it.",
            (lambda p, lik: p, lambda p, lik: p[:, None].expand_as(lik)),
            part=POSTERIOR,
        ),
        Mistake(
            "transposed",
            "Your posterior is transposed: one row per setting, one column per picture.",
            lambda p, lik: _posterior(p, lik).T,
            part=POSTERIOR,
        ),
    ),
)


def marginal(student: Callable) -> Verdict:
    """Check f(prior (M,), likelihood (M, N)) -> (evidence (N,), posterior (M, N))."""
    return judge(student, MARGINAL)
