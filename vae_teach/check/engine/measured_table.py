"""Tables that a student measures: each number is compared with its exact value.

A measured number scatters, so it may lie off by the allowance of its exercise. What lies further
off is compared with the tables that usual slips lead to; then comes the first row that is wrong.
"""

import contextlib
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vae_teach.check.engine.answers import is_open
from vae_teach.check.engine.call import Fault, numbers
from vae_teach.check.engine.verdict import NOT_ATTEMPTED
from vae_teach.check.engine.words import counted, kind, listed

Row = tuple[float, ...]
Table = dict[float, Row]

OPEN = "Your row for {row} is still open."
NOISY = (
    "In the row for {row} your {column} is further off than {draws} estimates explain: "
    "take as many, each from noise of its own."
)
ZEROS = "Your row for {row} holds zeros only, which no measurement gives."
ALIKE = "Your rows are all the same: measure each {letter} on its own."
OTHER = "In the row for {row} your {column} is not right: measure this one alone, and look at it."


@dataclass(frozen=True)
class Slip:
    """A usual slip, its sentence, and what it makes of the right table."""

    name: str
    hint: str
    table: Callable[[], Table]


@dataclass(frozen=True)
class MeasuredTable:
    """What the check of a measured table needs to know.

    Args:
        letter: of what the rows are for, as the exercise writes it.
        columns: their names, in order.
        right: the exact table.
        allowance: by how much a row's exact numbers may be missed, one for each column; from what
            the row is for, and its numbers.
        draws: estimates for each row, in words, as the exercise asks.
        slips: in the order in which they are tried.
        scaled: for numbers that are all one factor away from the right ones, with {factor}.
        noisy: for a number that is nearly right.
    """

    letter: str
    columns: tuple[str, ...]
    right: Callable[[], Table]
    allowance: Callable[[float, Row], Row]
    draws: str
    slips: tuple[Slip, ...]
    scaled: str = ""
    noisy: str = NOISY

    @property
    def hints(self) -> dict[str, str]:
        """Every sentence, by the name of the slip."""
        return {slip.name: slip.hint for slip in self.slips} | {
            "still-open": OPEN,
            "noisy": self.noisy,
            "zeros": ZEROS,
            "alike": ALIKE,
            "other": OTHER,
            **({"scaled": self.scaled} if self.scaled else {}),
        }

    def place(self, row: float) -> str:
        """A row as the exercise names it."""
        return f"{self.letter} = {row:g}"

    def examine(self, answer: Any) -> Table:
        """The student's table; raise the `Fault` to tell the student about, if there is one."""
        got, right = self._read(answer), self.right()
        if self._agree(got, right):
            return got
        self._examine_kind(got)
        if slip := self._nearest_slip(got, right):
            raise Fault(slip.hint)
        if self.scaled and (factor := self._factor(got, right)):
            raise Fault(self.scaled.format(factor=f"{factor:.2g}"))
        row, i = next(
            (row, i)
            for row in right
            for i in range(len(self.columns))
            if not self._near(row, got[row][i], right[row], i)
        )
        near = all(
            self._near(row, got[row][i], right[row], i, times=4)
            for row in right
            for i in range(len(self.columns))
        )
        words = {"row": self.place(row), "column": self.columns[i], "draws": self.draws}
        raise Fault((self.noisy if near else OTHER).format(**words))

    def _nearest_slip(self, got: Table, right: Table) -> Slip | None:
        """Of the slips that explain the table the nearest, if it is nearer than the right one."""
        explaining = [
            (self._distance(got, table), slip)
            for slip in self.slips
            if self._agree(
                got, table := slip.table(), times=2
            )  # what a slip measures scatters more
        ]
        distance, slip = min(explaining, key=lambda pair: pair[0], default=(math.inf, None))
        return slip if distance < self._distance(got, right) else None

    def _distance(self, got: Table, table: Table) -> float:
        """How far all numbers lie off, each in units of what it may be off."""
        return sum(
            abs(value - exact) / max(allowed, 1e-12)
            for row, exacts in table.items()
            for value, exact, allowed in zip(
                got[row], exacts, self.allowance(row, exacts), strict=True
            )
        )

    def _examine_kind(self, got: Table) -> None:
        """What no measurement gives."""
        for row, values in got.items():
            if not any(values):
                raise Fault(ZEROS.format(row=self.place(row)))
        if len(got) > 1 and len(set(got.values())) == 1:
            raise Fault(ALIKE.format(letter=self.letter))

    def _factor(self, got: Table, right: Table) -> float | None:
        """The one factor between all numbers and the right ones, if there is one."""
        factor = statistics.median(
            value / exact
            for row in right
            for value, exact in zip(got[row], right[row], strict=True)
        )
        scaled = {row: tuple(factor * exact for exact in exacts) for row, exacts in right.items()}
        # less allowed: columns wrong by factors of their own lie near a common one too
        return factor if factor > 0 and self._agree(got, scaled, times=0.7) else None

    def _near(self, row: float, value: float, exact: Row, i: int, times: float = 1) -> bool:
        return abs(value - exact[i]) <= times * self.allowance(row, exact)[i]

    def _agree(self, got: Table, table: Table, times: float = 1) -> bool:
        return all(
            self._near(row, got[row][i], exact, i, times)
            for row, exact in table.items()
            for i in range(len(exact))
        )

    def _read(self, answer: Any) -> Table:
        if answer is None:
            raise Fault(NOT_ATTEMPTED)
        rows = list(self.right())
        wanted = f"a dictionary {{{self.letter}: ({', '.join(self.columns)})}}"
        if not isinstance(answer, Mapping):
            raise Fault(f"Your answer is {kind(answer)}: give {wanted}.")
        found = {}
        for key, value in answer.items():
            with contextlib.suppress(Exception):  # a key that is no number is nobody's row
                found[float(key)] = value
        if missing := [row for row in rows if row not in found]:
            names = listed([f"{row:g}" for row in missing])
            raise Fault(f"Your table lacks {self.letter} = {names}: give {wanted}.")
        if all(is_open(found[row]) for row in rows):
            raise Fault(NOT_ATTEMPTED)
        return {row: self._row(row, found[row]) for row in rows}

    def _row(self, row: float, value: Any) -> Row:
        if is_open(value):
            raise Fault(OPEN.format(row=self.place(row)))
        many = f"{len(self.columns)} numbers, {listed(self.columns)}"
        try:
            values = numbers(list(value) if isinstance(value, tuple) else value).flatten()
        except Fault:
            text = f"Your row for {self.place(row)} is {kind(value)}: give {many}."
            raise Fault(text) from None
        if len(values) != len(self.columns):
            has = counted(len(values), "number")
            text = f"Your row for {self.place(row)} has {has}: give {many}."
            raise Fault(text)
        if not values.isfinite().all():
            raise Fault(f"Your row for {self.place(row)} holds NaN or infinity: give {many}.")
        return tuple(values.tolist())
