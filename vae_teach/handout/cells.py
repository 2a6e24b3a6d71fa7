"""How exercises and their solutions stand in a notebook, and what breaks the convention.

An exercise is, in this order:

- a markdown cell with `{exercise-start}`, its `:label:`, the text and `{exercise-end}`;
- the stub, which raises NotImplementedError or leaves an answer open (None, or an empty list), and
  a call of its check, in one code cell or two;
- the solution, every cell of it tagged `solution`: a markdown cell with `{solution-start} LABEL`
  and `:class: dropdown`, code cells that end with `check.NAME(...).require()`, a markdown cell with
  `{solution-end}`.

A pen-and-paper exercise has no code in its solution, and then needs no stub and no check.
"""

import builtins
import re
import symtable
from collections.abc import Iterable
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

SOLUTION_TAG = "solution"
_DIRECTIVE = re.compile(
    r"^\s*[`:]{3,}\{(exercise-start|exercise-end|solution-start|solution-end)\}[ \t]*(.*)$"
    r"((?:\n\s*:[\w-]+:.*)*)",
    re.MULTILINE,
)
_LABEL = re.compile(r":label:\s*(\S+)")
# a line of its own: what hands out data, such as check.factor_data(), stands inside another line
_CHECK = re.compile(r"^check\.(\w+)\(", flags=re.MULTILINE)
_OPEN = re.compile(r"NotImplementedError|[:=] None\b|= \[\]")


@dataclass
class Exercise:
    """The code of one exercise, and whether its solution has begun and ended."""

    label: str
    stub: str = ""
    solution: str = ""
    begun: bool = False
    ended: bool = False

    @property
    def checks(self) -> set[str]:
        """The names of the checks that the reader's cells call."""
        return set(_CHECK.findall(self.stub))


@dataclass
class _Reading:
    """A notebook read from top to bottom: the exercises so far and the complaints."""

    exercises: dict[str, Exercise] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    last: Exercise | None = None  # the exercise whose stub may follow
    open: Exercise | None = None  # the exercise whose solution has begun and not ended

    def start_exercise(self, options: str) -> None:
        found = _LABEL.search(options)
        if found is None:
            self.complaints.append("an exercise has no :label:")
        elif found[1] in self.exercises:
            self.complaints.append(f"two exercises are called {found[1]}")
        else:
            self.last = self.exercises[found[1]] = Exercise(found[1])

    def start_solution(self, label: str, options: str) -> None:
        if self.open is not None:
            self.complaints.append(f"the solution of {self.open.label} has no end")
        self.open = self.exercises.get(label)
        if self.open is None:
            self.complaints.append(f"a solution of {label or 'no exercise'} has no exercise before")
        else:
            self.open.begun = True
            if "dropdown" not in options:
                self.complaints.append(f"the solution of {label} is not folded: :class: dropdown")

    def end_solution(self) -> None:
        if self.open is not None:
            self.open.ended = True
        self.open = self.last = None

    def cell(self, number: int, cell: NotebookNode) -> None:
        tagged = SOLUTION_TAG in cell.metadata.get("tags", [])
        directives = _DIRECTIVE.findall(cell.source) if cell.cell_type == "markdown" else []
        names = {name for name, _, _ in directives}
        inside = self.open is not None or "solution-start" in names
        if inside and not tagged:
            self.complaints.append(f"cell {number} belongs to a solution but has no tag 'solution'")
        if tagged and (not inside or "exercise-start" in names):
            self.complaints.append(f"cell {number} has the tag 'solution' but is no part of one")
        for name, argument, options in directives:
            if name == "exercise-start":
                self.start_exercise(options)
            elif name == "solution-start":
                self.start_solution(argument.strip(), options)
            elif name == "solution-end":
                self.end_solution()
        if cell.cell_type == "code" and self.open is not None:
            self.open.solution += cell.source + "\n"
        elif cell.cell_type == "code" and self.last is not None and not tagged:
            self.last.stub += cell.source + "\n"


def _read(notebook: NotebookNode) -> _Reading:
    reading = _Reading()
    for number, cell in enumerate(notebook.cells):
        reading.cell(number, cell)
    return reading


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The exercises of a notebook, in order."""
    return list(_read(notebook).exercises.values())


def _names(code: Iterable[str]) -> tuple[set[str], set[str]]:
    """The names that cells define, and those they use from outside, as Python itself sees them."""
    defined, used = set(), set()
    for source in code:
        python = TransformerManager().transform_cell(source)  # magics become calls
        try:
            tables = [symtable.symtable(python, "cell", "exec")]
        except SyntaxError:
            continue  # a cell that is to fail; running the notebook says so
        top = tables[0]
        defined |= {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
        used |= {s.get_name() for s in top.get_symbols() if s.is_referenced()}
        while tables:
            tables.extend(tables.pop().get_children())
            used |= {s.get_name() for t in tables for s in t.get_symbols() if s.is_global()}
    return defined, used


def _complaints_about(exercise: Exercise) -> list[str]:
    label, complaints = exercise.label, []
    if not exercise.begun:
        return [f"{label} has no solution"]
    if not exercise.ended:
        return [f"the solution of {label} has no end"]
    if not exercise.solution and not exercise.stub:
        return []
    if not _OPEN.search(exercise.stub):
        complaints.append(f"{label} has no stub that raises NotImplementedError")
    if not exercise.checks:
        complaints.append(f"{label} does not call its check")
    for name in exercise.checks - set(_CHECK.findall(exercise.solution)):
        complaints.append(f"the solution of {label} is not judged by check.{name}")
    if ".require()" not in exercise.solution:
        complaints.append(f"the solution of {label} does not end with check.NAME(...).require()")
    both = _names([exercise.stub])[0] & _names([exercise.solution])[0]
    complaints += [f"the solution of {label} overwrites the reader's {n}" for n in sorted(both)]
    return complaints


def _used_after_removal(notebook: NotebookNode) -> list[str]:
    """Names that only solutions define and that the rest of the notebook uses."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    removed = [c.source for c in code if SOLUTION_TAG in c.metadata.get("tags", [])]
    kept = [c.source for c in code if SOLUTION_TAG not in c.metadata.get("tags", [])]
    defined, used = _names(kept)
    return sorted((_names(removed)[0] - defined - set(dir(builtins))) & used)


def complaints(notebook: NotebookNode) -> list[str]:
    """What keeps a notebook from the convention, each a phrase that names the exercise or cell."""
    reading = _read(notebook)
    found = list(reading.complaints)
    for exercise in reading.exercises.values():
        found += _complaints_about(exercise)
    found += [
        f"{name} is defined in a solution only, but used outside"
        for name in _used_after_removal(notebook)
    ]
    return list(dict.fromkeys(found))
