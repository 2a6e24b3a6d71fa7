"""The check of `factor_condition` (chapter 9): a label and a number as one condition.

Shapes: N examples.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._verdict import Verdict
from vae_teach.conditional import one_hot


def _factor_case(labels: list[int]) -> Case:
    g = torch.Generator().manual_seed(len(labels))
    factor = 3.4 + 0.9 * torch.randn(len(labels), generator=g)
    return Case({"labels": torch.tensor(labels), "factor": factor, "mean": 2.5, "sd": 0.5})


def _conditioned(labels: Tensor, scaled: Tensor) -> Tensor:
    return torch.cat([one_hot(labels).to(scaled.dtype), scaled[:, None]], dim=1)


FACTOR_CONDITION = Exercise(
    name="factor_condition",
    right=lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) / sd),
    cases=lambda: [_factor_case([4, 9, 3, 0, 3, 9]), _factor_case([5, 0, 7, 1])],  # one without a 9
    mistakes=(
        Mistake(
            "not-scaled",
            "You append the factor as it is: subtract the mean and divide by sd, so that its size "
            "is that of the other inputs.",
            lambda labels, factor, mean, sd: _conditioned(labels, factor),
        ),
        Mistake(
            "own-mean-and-sd",
            "You scale by the batch's own mean and sd: take the given ones, or the same slant "
            "would be another number in the next batch.",
            lambda labels, factor, mean, sd: _conditioned(
                labels, (factor - factor.mean()) / factor.std()
            ),
        ),
        Mistake(
            "divided-by-the-variance",
            "You divide by sd squared: divide by sd.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) / sd**2),
        ),
        Mistake(
            "not-centred",
            "You divide by sd but do not subtract the mean first.",
            lambda labels, factor, mean, sd: _conditioned(labels, factor / sd),
        ),
        Mistake(
            "not-divided",
            "You subtract the mean but do not divide by sd.",
            lambda labels, factor, mean, sd: _conditioned(labels, factor - mean),
        ),
        Mistake(
            "factor-first",
            "You put the factor before the one-hot label: append it after the ten entries.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) / sd).roll(1, 1),
        ),
        Mistake(
            "label-as-a-number",
            "You keep the label as one number, so that 8 is twice 4: make it a one-hot vector.",
            lambda labels, factor, mean, sd: torch.stack(
                [labels.to(factor.dtype), (factor - mean) / sd], dim=1
            ),
        ),
        Mistake(
            "width-from-the-batch",
            "Your one-hot vectors are as wide as the largest label of the batch asks: they need "
            "ten entries, whichever digits the batch has.",
            lambda labels, factor, mean, sd: torch.cat(
                [F.one_hot(labels).to(factor.dtype), ((factor - mean) / sd)[:, None]], dim=1
            ),
        ),
        Mistake(
            "label-lost",
            "The label is missing from your condition.",
            lambda labels, factor, mean, sd: ((factor - mean) / sd)[:, None],
        ),
        Mistake(
            "factor-lost",
            "The factor is missing from your condition.",
            lambda labels, factor, mean, sd: one_hot(labels).to(factor.dtype),
        ),
    ),
)


def factor_condition(student: Callable) -> Verdict:
    """Check f(labels, factor, mean, sd) -> (N, 11): one-hot label and standardised factor."""
    return judge(student, FACTOR_CONDITION)
