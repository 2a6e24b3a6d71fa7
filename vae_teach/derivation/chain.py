"""A derivation as data: a first line, and steps that each say a formula and why it holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from . import render
from .expression import parse
from .setting import Setting
from .step import Step
from .verify import Verdict, judge


@dataclass(frozen=True, eq=False)
class Derivation:
    """A chain of formulas, each verified against the one it follows from.

    Every line is checked against the nearest line above that holds. Where a reader has put a
    line in place of another (`with_step`, `edit`), the lines below still lean on the one that
    was there. So one false line is one red line: neither it nor a change to it spreads.

    Args:
        title: one line.
        start: the formula the chain begins with.
        given: what the start is, in words.
        steps: the lines that follow.
        setting: what the symbols stand for.
    """

    title: str
    start: str
    given: str
    steps: Sequence[Step]
    setting: Setting

    def __post_init__(self):
        """Accept a list of steps, and read the first formula now."""
        object.__setattr__(self, "steps", tuple(self.steps))
        parse(self.start)

    def with_step(self, number: int, line) -> "Derivation":
        """The derivation with step `number` (from 1) replaced: a string or a sympy expression.

        A line without a relation keeps the old one.
        """
        return self._with(number, self._step(number).put(str(line)))

    def edit(self, number: int, old: str, new: str) -> "Derivation":
        """The derivation with one piece of step `number` changed, such as "+ mu^2" to "- mu^2"."""
        return self._with(number, self._step(number).edited(old, new))

    def _step(self, number: int) -> Step:
        if not 1 <= number <= len(self.steps):
            raise ValueError(f"there is no step {number}: steps run from 1 to {len(self.steps)}")
        return self.steps[number - 1]

    def _with(self, number: int, step: Step) -> "Derivation":
        return replace(self, steps=(*self.steps[: number - 1], step, *self.steps[number:]))

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict on each step, in the order of the steps."""
        return judge(self.start, self.steps, self.setting)

    @property
    def false_steps(self) -> list[int]:
        """Numbers of the steps that do not hold."""
        return [i for i, verdict in enumerate(self.verdicts, 1) if not verdict.holds]

    @property
    def holds(self) -> bool:
        """Whether every step holds."""
        return not self.false_steps

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        # No text/html: the book would prefer it, and its mathematics would stay raw.
        return {"text/markdown": self.markdown(), "text/plain": str(self)}

    def __str__(self) -> str:
        return render.plain(self.title, self.start, self.given, self.steps, self.verdicts)

    def markdown(self) -> str:
        """The typeset chain, a verdict beside every line."""
        size = self.setting.size
        return render.markdown(self.title, self.start, self.given, self.steps, self.verdicts, size)

    def report(self) -> str:
        """A table of the opinions on every step: method, discrepancy, Monte Carlo."""
        return render.report(self.steps, self.verdicts)
