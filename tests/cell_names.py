"""Which names a notebook's cell takes and binds, and so which cells it needs, read off the code."""

import ast
import dis
import functools
from dataclasses import dataclass
from types import CodeType

from chapters import code_cells
from nbformat import NotebookNode


@dataclass(frozen=True)
class Names:
    """What one cell has to do with the names of a chapter."""

    taken: frozenset[str]  # from other cells
    bound: frozenset[str]
    by_functions: frozenset[str]  # what its functions look up when they are called
    functions: frozenset[str]  # those of `bound` that are its functions


@functools.cache
def names_of(source: str) -> Names:
    """The names that a cell takes from elsewhere, and those that it binds.

    The order of its instructions tells a name that is read first from one that is bound first. A
    function's names are looked up when it is called: by then the cell has bound its own.
    """
    taken, bound, by_functions = set(), set(), set()
    for step in dis.get_instructions(compile(source, "cell", "exec")):
        if step.opname == "STORE_NAME":
            bound.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in bound:
            taken.add(step.argval)
        elif isinstance(step.argval, CodeType):
            at_once = step.argval.co_name in ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
            found = globals_of(step.argval)
            by_functions.update(() if at_once else found)
            taken.update(found - bound if at_once else ())
    sets = taken | (by_functions - bound), bound, by_functions, functions_of(source)
    return Names(*map(frozenset, sets))


def functions_of(source: str) -> set[str]:
    """The functions, classes and lambdas that a cell names."""
    found = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign):
            if any(isinstance(node, ast.Lambda) for node in ast.walk(statement.value)):
                found.update(t.id for t in statement.targets if isinstance(t, ast.Name))
    return found


def globals_of(code: CodeType) -> set[str]:
    """The names that a function and all inside it look up outside of it."""
    found = set()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found.add(step.argval)
        elif isinstance(step.argval, CodeType):
            found |= globals_of(step.argval)
    return found


def needed(notebook: NotebookNode, last: int) -> list[int]:
    """The cells without which the cell `last` cannot run, and itself, in their order."""
    cells, names = [], set()
    for number, cell in reversed(list(code_cells(notebook))):
        found = names_of(cell.source)
        if number == last or (number < last and found.bound & names):
            cells.append(number)
            names |= found.taken
    return cells[::-1]
