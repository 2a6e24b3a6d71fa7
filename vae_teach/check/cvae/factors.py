"""The check of `factor_condition` (chapter 14): a label and a number as one condition.

Shapes: N examples.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.models.conditional import one_hot


def _factor_case(labels: list[int], mean: float, sd: float) -> Case:
    g = torch.Generator().manual_seed(len(labels))
    factor = 3.4 + 0.9 * torch.randn(len(labels), generator=g)
    return Case({"labels": torch.tensor(labels), "factor": factor, "mean": mean, "sd": sd})


def row(values: Tensor) -> str:
    """A few numbers in a sentence: [1, 0, 0.25]."""
    return "[" + ", ".join(f"{value:.3g}" for value in values.tolist()) + "]"


def _explain(gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]) -> str | None:
    """Which of the two parts is wrong; and what was made of the factor, if it is a line."""
    for got, case in zip(gots, cases, strict=True):
        labels, factor, mean, sd = case.args.values()
        wrong = (got[:, :10] != one_hot(labels)).any(1).nonzero()
        if len(wrong):
            i = wrong[0].item()
            return (
                f"For the label {labels[i]} the first ten entries of your condition are "
                f"{row(got[i, :10])}: entry {labels[i]} should be 1, the others 0."
            )
        basis = torch.stack([factor.double(), torch.ones(len(factor)).double()], dim=1)
        slope, shift = (
            torch.linalg.lstsq(basis, got[:, 10:]).solution[:, 0].round(decimals=6).tolist()
        )
        line = slope * basis[:, 0] + shift
        if agree(got[:, 10], (factor.double() - mean) / sd):
            continue
        text = f"Your one-hot labels are right, but for mean = {mean:g} and sd = {sd:g} you append "
        what = f"{slope:.4g} factor {shift:+.4g}"
        if len(factor) < 3 or not agree(got[:, 10], line):
            i = (got[:, 10] - (factor.double() - mean) / sd).abs().argmax()
            what = f"{got[i, 10]:.4g} for the factor {factor[i]:.4g}"
        return f"{text}{what}: (factor - mean) / sd is {1 / sd:.4g} factor {-mean / sd:+.4g}."
    return None


def _conditioned(labels: Tensor, scaled: Tensor) -> Tensor:
    return torch.cat([one_hot(labels).to(scaled.dtype), scaled[:, None]], dim=1)


FACTOR_CONDITION = Exercise(
    name="factor_condition",
    right=lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) / sd),
    cases=lambda: [  # one without a 9
        _factor_case([4, 9, 3, 0, 3, 9], 2.5, 0.5),
        _factor_case([5, 0, 7, 1], -1.5, 0.7),
        _factor_case([2, 6, 9, 8, 2], 0.4, 3.0),
    ],
    roles={"labels": Role("B"), "factor": Role("B")},
    explain=_explain,
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
            (
                lambda labels, factor, mean, sd: _conditioned(
                    labels, (factor - factor.mean()) / factor.std()
                ),
                lambda labels, factor, mean, sd: _conditioned(
                    labels, (factor - factor.mean()) / factor.std(correction=0)
                ),
            ),
        ),
        Mistake(
            "own-mean",
            "You subtract the batch's own mean: take the given one, or the same slant would be "
            "another number in the next batch.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - factor.mean()) / sd),
        ),
        Mistake(
            "own-sd",
            "You divide by the batch's own sd: take the given one, or the same slant would be "
            "another number in the next batch.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) / factor.std()),
        ),
        Mistake(
            "scaled-to-the-batch",
            "You scale by the smallest and largest factor of the batch: take the given mean and "
            "sd.",
            lambda labels, factor, mean, sd: _conditioned(
                labels, (factor - factor.min()) / (factor.max() - factor.min())
            ),
        ),
        Mistake(
            "multiplied",
            "You multiply by sd: divide by it.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - mean) * sd),
        ),
        Mistake(
            "unscaled-backwards",
            "You turn a scaled factor back, factor * sd + mean: here the factor is to be scaled, "
            "(factor - mean) / sd.",
            lambda labels, factor, mean, sd: _conditioned(labels, factor * sd + mean),
        ),
        Mistake(
            "sign",
            "You subtract the factor from the mean: it is (factor - mean) / sd.",
            lambda labels, factor, mean, sd: _conditioned(labels, (mean - factor) / sd),
        ),
        Mistake(
            "mean-added",
            "You add the mean: subtract it.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor + mean) / sd),
        ),
        Mistake(
            "divided-before",
            "You divide before you subtract the mean: (factor - mean) / sd needs its brackets.",
            (
                lambda labels, factor, mean, sd: _conditioned(labels, factor / sd - mean),
                lambda labels, factor, mean, sd: _conditioned(labels, factor - mean / sd),
            ),
        ),
        Mistake(
            "mean-and-sd-swapped",
            "You take mean for sd and sd for mean.",
            lambda labels, factor, mean, sd: _conditioned(labels, (factor - sd) / mean),
        ),
        Mistake(
            "labels-scaled-too",
            "You scale the one-hot label as well: scale the factor alone.",
            lambda labels, factor, mean, sd: (_conditioned(labels, factor) - mean) / sd,
        ),
        Mistake(
            "magnitude",
            "You drop the sign of the scaled factor: left and right would be the same slant.",
            lambda labels, factor, mean, sd: _conditioned(labels, ((factor - mean) / sd).abs()),
        ),
        Mistake(
            "counted-from-one",
            "Your one-hot vectors are shifted by one: label 0 is the first entry.",
            (
                lambda labels, factor, mean, sd: _conditioned(
                    (labels - 1) % 10, (factor - mean) / sd
                ),
                lambda labels, factor, mean, sd: _conditioned(
                    (labels + 1) % 10, (factor - mean) / sd
                ),
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


@check(FACTOR_CONDITION)
def factor_condition(student: Callable) -> Verdict:
    """Check f(labels, factor, mean, sd) -> (N, 11): one-hot label and standardised factor."""
    return judge(student, FACTOR_CONDITION)
