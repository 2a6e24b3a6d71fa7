"""The machinery behind every check: a right answer, inputs, and a table of usual mistakes.

A student's function is compared with the right one first, then with each named mistake; the first
that matches gives the sentence. Only then is the difference itself examined (`_diagnose`).
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_teach.check._call import (
    Fault,
    call,
    changed,
    fresh,
    numbers,
    untouched_random_states,
)
from vae_teach.check._diagnose import all_agree, diagnose
from vae_teach.check._gradient import examine_gradients
from vae_teach.check._verdict import RIGHT, Verdict, announce
from vae_teach.check._words import error_text, text_of


@dataclass(frozen=True)
class Case:
    """One call of the student's function; `hard` cases are tried once the others are right."""

    args: dict[str, Any]
    note: str = ""
    hard: bool = False


@dataclass(frozen=True)
class Mistake:
    """A usual mistake and the student's sentence. Say in one of three ways how to recognise it.

    `answer` computes what a student would who makes it, from the arguments of a case; `matches`
    takes the student's result, the right one and those arguments; `raises` is a piece of the text
    of the exception that it leads to. A `hard` mistake shows on hard cases, the others on the rest.
    """

    name: str
    hint: str
    answer: Callable[..., Any] | None = None
    matches: Callable[..., bool] | None = None
    raises: str = ""
    hard: bool = False

    def explains(self, gots: list[Tensor], wants: list[Tensor], cases: Sequence[Case]) -> bool:
        """Whether it accounts for the student's results in every case."""
        if self.answer is not None:
            return all_agree(gots, [evaluate(self.answer, case) for case in cases])
        if self.matches is not None:
            triples = zip(gots, wants, cases, strict=True)
            return all(self.matches(g, w, *_in_float64(c.args).values()) for g, w, c in triples)
        return False


@dataclass(frozen=True)
class Exercise:
    """What a check needs to know about one exercise.

    `cases` builds the inputs afresh; `gradients` names the arguments that training differentiates.
    """

    name: str
    right: Callable[..., Any]
    cases: Callable[[], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    gradients: tuple[str, ...] = ()

    @property
    def hints(self) -> dict[str, str]:
        """Every sentence this check has ready, by the name of the mistake."""
        return {mistake.name: mistake.hint for mistake in self.mistakes}


def _in_float64(args: dict[str, Any]) -> dict[str, Any]:
    """For our own answers, right and wrong: then the only rounding is the student's."""
    return {
        name: v.double() if isinstance(v, Tensor) and v.is_floating_point() else v
        for name, v in args.items()
    }


def evaluate(answer: Callable[..., Any], case: Case) -> Tensor:
    """One of our own answers, right or wrong, on one case."""
    return numbers(answer(*_in_float64(fresh(case.args)).values()))


def _attempt(student: Callable, exercise: Exercise, case: Case) -> tuple[Tensor, list[str]]:
    """The student's numbers for one case, and the names of the arguments written into."""
    args = fresh(case.args)
    try:
        result = call(student, exercise.name, args, note=case.note)
    except Fault as fault:
        said = text_of(fault.__cause__)
        hints = (m.hint for m in exercise.mistakes if m.raises and m.raises in said)
        raise Fault(next(hints, str(fault))) from fault
    return numbers(result), changed(case.args, args)


def _examine_values(student: Callable, exercise: Exercise, *, hard: bool) -> None:
    cases = [case for case in exercise.cases() if case.hard == hard]
    attempts = [_attempt(student, exercise, case) for case in cases]
    gots = [got for got, _ in attempts]
    wants = [evaluate(exercise.right, case) for case in cases]
    right = all_agree(gots, wants)
    if not right:
        for mistake in exercise.mistakes:
            if mistake.hard == hard and mistake.explains(gots, wants, cases):
                raise Fault(mistake.hint)
    written = next((names[0] for _, names in attempts if names), None)
    if written:
        raise Fault(f"Your function changes its argument {written} in place: work on a copy of it.")
    if not right:
        raise Fault(diagnose(gots, wants, [case.args for case in cases]))


def examine(student: Callable, exercise: Exercise) -> None:
    """Raise the `Fault` to tell the student about, if there is one."""
    _examine_values(student, exercise, hard=False)
    _examine_values(student, exercise, hard=True)
    if exercise.gradients:
        for case in exercise.cases():
            examine_gradients(student, exercise.right, case.args, exercise.gradients, case.note)


@contextlib.contextmanager
def _usual_settings() -> Iterator[None]:
    """Gradients on and tensors on the CPU, whatever the notebook has switched."""
    with torch.inference_mode(False), torch.enable_grad(), torch.device("cpu"):
        yield


def deliver(name: str, examination: Callable[[], None]) -> Verdict:
    """Turn an examination into a printed verdict; the one place that promises never to raise."""
    try:
        with untouched_random_states(), _usual_settings():
            examination()
    except Fault as fault:
        verdict = Verdict(False, str(fault), name)
    except (Exception, SystemExit) as error:
        verdict = Verdict(False, f"Your result could not be read ({error_text(error)}).", name)
    else:
        verdict = Verdict(True, RIGHT, name)
    return announce(verdict)


def judge(student: Callable, exercise: Exercise) -> Verdict:
    """Examine a student's function, print the verdict and return it; never raises."""
    return deliver(exercise.name, lambda: examine(student, exercise))
