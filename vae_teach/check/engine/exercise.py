"""The machinery behind every check: a right answer, inputs, and a table of usual mistakes.

A student's function is compared with the right one first, then with each named mistake; the first
that matches gives the sentence. Only then is the difference itself examined (`_diagnose`). What is
right on the ordinary cases is tried on harsher ones, which follow from the roles of the arguments
(`_rules`).
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine import limit
from vae_teach.check.engine.call import (
    Fault,
    call,
    fresh,
    parts_of,
    untouched_dtype,
    untouched_random_states,
)
from vae_teach.check.engine.diagnose import all_agree, all_rounded, diagnose, difference
from vae_teach.check.engine.gradient import examine_gradients
from vae_teach.check.engine.limit import TimeUp, time_limit
from vae_teach.check.engine.misread import misread
from vae_teach.check.engine.rules import Role, Rule, derived
from vae_teach.check.engine.verdict import RIGHT, Verdict, announce
from vae_teach.check.engine.words import error_text, text_of, within

Answer = Callable[..., Any]
Result = tuple[Tensor, ...]  # one tensor for each part of the result


@dataclass(frozen=True)
class Case:
    """One call of the student's function; `hard` cases are tried once the others are right."""

    args: dict[str, Any]
    note: str = ""
    hard: bool = False


@dataclass(frozen=True)
class Mistake:
    """A usual mistake and the student's sentence. Say in one of three ways how to recognise it.

    `answer` computes what a student would who makes it, from the arguments of a case (or several
    do, in a tuple); `matches` takes the student's result, the right one and those arguments;
    `raises` is a piece of the text of the exception that it leads to. A `hard` mistake shows on
    hard cases, the others on the rest. With `part`, it is a mistake in this part of the result,
    and `answer` gives this part alone.
    """

    name: str
    hint: str
    answer: Answer | tuple[Answer, ...] | None = None
    matches: Callable[..., bool] | None = None
    raises: str = ""
    hard: bool = False
    part: str = ""

    def explains(self, gots: list[Result], wants: list[Result], cases: Sequence[Case]) -> bool:
        """Whether it accounts for the student's results in every case, which are not right."""
        if self.answer is not None:
            ways = self.answer if isinstance(self.answer, tuple) else (self.answer,)
            return any(_same(gots, [evaluate_parts(way, case) for case in cases]) for way in ways)
        if self.matches is not None:
            return all(
                self.matches(*got, *want, *_in_float64(case.args).values())
                for got, want, case in zip(gots, wants, cases, strict=True)
            )
        return False


@dataclass(frozen=True)
class Exercise:
    """What a check needs to know about one exercise.

    Args:
        name: the check's, as in `check.name(your_function)`.
        right: the right answer.
        cases: builds the ordinary inputs, and those that are hard in its own way, afresh.
        mistakes: in the order in which they are tried.
        gradients: the arguments by which training differentiates. The exercise's text says so.
        roles: what the tensors among the arguments are, so that harsher calls can be made of them.
        ones: letters of the axes that may have size 1, that of the examples first.
        fixed: letters of the axes that cannot be made longer by repeating their entries.
        parts: the names of the things that are returned, if there are several.
        explain: has a sentence, or None, for results of the right shape that no mistake accounts
            for: it takes the student's results, the right ones and the cases.
    """

    name: str
    right: Answer
    cases: Callable[[], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    gradients: tuple[str, ...] = ()
    roles: dict[str, Role] = field(default_factory=dict)
    ones: str = "B"
    fixed: str = ""
    parts: tuple[str, ...] = ()
    explain: Callable[[list[Tensor], list[Tensor], Sequence[Case]], str | None] | None = None

    @property
    def hints(self) -> dict[str, str]:
        """Every sentence this check has ready, by the name of the mistake."""
        return {mistake.name: mistake.hint for mistake in self.mistakes}

    def harsher(self) -> list[tuple[Rule, Case]]:
        """The calls that follow from the roles of the arguments of the first case."""
        first = self.cases()[0].args
        calls = derived(first, self.roles, ones=self.ones, fixed=self.fixed)
        return [(rule, Case(args, note=note)) for rule, note, args in calls]


def _in_float64(args: dict[str, Any]) -> dict[str, Any]:
    """For our own answers, right and wrong: then the only rounding is the student's."""
    return {
        name: v.double() if isinstance(v, Tensor) and v.is_floating_point() else v
        for name, v in args.items()
    }


def evaluate_parts(answer: Answer, case: Case) -> Result:
    """One of our own answers, right or wrong, on one case: a tensor for each part."""
    result = answer(*_in_float64(fresh(case.args)).values())
    return parts_of(result, result) if isinstance(result, tuple) else parts_of(result, ())


def evaluate(answer: Answer, case: Case) -> Tensor:
    """One of our own answers that has a single part, on one case."""
    (only,) = evaluate_parts(answer, case)
    return only


def _part(results: Sequence[Result], i: int) -> list[Tensor]:
    return [result[i] for result in results]


def _same(gots: Sequence[Result], wants: Sequence[Result]) -> bool:
    return all(all_agree(got, want) for got, want in zip(gots, wants, strict=True))


def _attempt(student: Callable, exercise: Exercise, case: Case) -> Result:
    """The student's numbers for one case."""
    try:
        result = call(student, exercise.name, fresh(case.args), note=case.note)
    except Fault as fault:
        said = text_of(fault.__cause__)
        hints = (m.hint for m in exercise.mistakes if m.raises and m.raises in said)
        raise Fault(next(hints, str(fault))) from fault
    return parts_of(result, exercise.parts)


def _explanation(exercise: Exercise, gots: list[Tensor], wants: list[Tensor], cases: list) -> str:
    """What the exercise itself has to say, or nothing."""
    if exercise.explain is None or [g.shape for g in gots] != [w.shape for w in wants]:
        return ""
    return exercise.explain(gots, wants, cases) or ""


def _right_part(exercise: Exercise, i: int, args: dict[str, Any]) -> Tensor:
    return evaluate_parts(exercise.right, Case(args))[i]


def _diagnosis(exercise: Exercise, gots: list[Result], wants: list[Result], cases: list) -> str:
    """The first part that is wrong, and how."""
    args, notes = [case.args for case in cases], [case.note for case in cases]
    for i, name in enumerate(exercise.parts or ("result",)):
        got, want = _part(gots, i), _part(wants, i)
        if not all_agree(got, want):
            right = functools.partial(_right_part, exercise, i)
            text = _explanation(exercise, got, want, cases) or diagnose(
                got, want, args, notes, functools.partial(misread, right, got, args)
            )
            return within(f"In the {name}", text) if exercise.parts else text
    raise AssertionError("every part is right")


def _examine_values(student: Callable, exercise: Exercise, *, hard: bool) -> None:
    cases = [case for case in exercise.cases() if case.hard == hard]
    gots = [_attempt(student, exercise, case) for case in cases]
    wants = [evaluate_parts(exercise.right, case) for case in cases]
    if _same(gots, wants):
        return
    for i in range(len(wants[0]) if wants else 0):
        if decimals := all_rounded(_part(gots, i), _part(wants, i)):
            raise Fault(f"Your values are rounded to {decimals} decimals: return all their digits.")
    for mistake in exercise.mistakes:
        got, want = gots, wants
        if mistake.part:
            i = exercise.parts.index(mistake.part)
            got, want = [(g[i],) for g in gots], [(w[i],) for w in wants]
        if mistake.hard == hard and not _same(got, want) and mistake.explains(got, want, cases):
            raise Fault(mistake.hint)
    if not _same([_attempt(student, exercise, cases[0])], gots[:1]):
        raise Fault(
            "Your values are not right, and a second call with the same arguments gives others: "
            "draw no random numbers, and keep nothing between calls."
        )
    raise Fault(_diagnosis(exercise, gots, wants, cases))


def _examine_harsher(student: Callable, exercise: Exercise) -> None:
    """The calls made from the roles of the arguments, once everything else is right."""
    for rule, case in exercise.harsher():
        gots = _attempt(student, exercise, case)
        wants = evaluate_parts(exercise.right, case)
        for i, (got, want) in enumerate(zip(gots, wants, strict=True)):
            if not all_agree([got], [want]):
                values_only = got.shape == want.shape and rule.on_values
                advice = values_only or rule.advice
                part = f" in the {exercise.parts[i]}" if exercise.parts else ""
                raise Fault(
                    f"Your values are right for {rule.right_for}, but for "
                    f"{rule.place.format(place=case.note)} {difference(got, want)}{part}: "
                    f"{advice}."
                )


def examine(student: Callable, exercise: Exercise) -> None:
    """Raise the `Fault` to tell the student about, if there is one."""
    _examine_values(student, exercise, hard=False)
    _examine_values(student, exercise, hard=True)
    _examine_harsher(student, exercise)
    if exercise.gradients:
        for case in [*exercise.cases(), *(case for _, case in exercise.harsher())]:
            examine_gradients(student, exercise.right, case.args, exercise.gradients, case.note)


@contextlib.contextmanager
def _usual_settings() -> Iterator[None]:
    """Gradients on, tensors in float32 on the CPU, whatever the notebook has switched."""
    # A device that is set makes every operation a detour through Python, that of the CPU too.
    elsewhere = torch.get_default_device().type != "cpu"
    with (
        untouched_dtype(),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.device("cpu") if elsewhere else contextlib.nullcontext(),
    ):
        torch.set_default_dtype(torch.float32)
        yield


def deliver(name: str, examination: Callable[[], object]) -> Verdict:
    """Turn an examination into a printed verdict.

    The one place that promises a verdict: whatever the examination raises becomes a sentence, and
    so does one that never ends. Only KeyboardInterrupt passes through, for the reader who stops it.
    """
    try:
        with untouched_random_states(), _usual_settings(), time_limit():
            examination()
    except Fault as fault:
        verdict = Verdict(False, str(fault), name)
    except TimeUp:
        seconds = f"{limit.SECONDS:g} seconds"
        text = f"The check was stopped after {seconds}: your answer takes too long to work out."
        verdict = Verdict(False, text, name)
    except (Exception, SystemExit) as error:
        verdict = Verdict(False, f"Your result could not be read ({error_text(error)}).", name)
    else:
        verdict = Verdict(True, RIGHT, name)
    return announce(verdict)


def judge(student: Callable, exercise: Exercise) -> Verdict:
    """Examine a student's function, print the verdict and return it (see `deliver`)."""
    return deliver(exercise.name, lambda: examine(student, exercise))
