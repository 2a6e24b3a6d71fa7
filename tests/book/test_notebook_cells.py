"""Cells that fit on the page and that can be run again, read from the files.

ruff holds the lines to the column (`notebooks/ruff.toml`). Running every cell again is
`test_notebooks_again.py`; what can be read off the code is found here in a second.
"""

import ast
from collections.abc import Iterator

import nbformat
import pytest
from cell_names import names_of, needed
from chapters import CHAPTERS, code_cells
from nbformat import NotebookNode

MOST_LINES = 15  # of an open cell, without imports, docstrings, comments and blank lines
WORDS = {"alt", "caption"}  # arguments for screen readers and captions: not code to be read


def unfolded_figures(notebook: NotebookNode) -> Iterator[str]:
    """Cells that draw a figure, or carry the words for one, and stand open on the page."""
    for number, cell in code_cells(notebook):
        if draws(cell.source) and "hide-input" not in cell.metadata.get("tags", []):
            yield f"cell {number} draws a figure, but has no tag hide-input"


def draws(source: str) -> bool:
    """Whether a cell calls `show` or gives a figure its words."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(
        ast.unparse(call.func) == "show" or WORDS & {keyword.arg for keyword in call.keywords}
        for call in calls
    )


def long_cells(notebook: NotebookNode) -> Iterator[str]:
    """Open cells with more lines than a reader takes in at once; solutions are the reader's own."""
    for number, cell in code_cells(notebook):
        if not {"hide-input", "solution", "conclusion"} & set(cell.metadata.get("tags", [])):
            lines = lines_of_code(cell.source)
            if lines > MOST_LINES:
                yield f"cell {number} has {lines} lines, more than {MOST_LINES}: split or fold it"


def lines_of_code(source: str) -> int:
    """Lines that say something: no import, docstring, comment or blank line."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            skipped.update(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(n not in skipped and line.strip()[:1] not in ("", "#") for n, line in lines)


def second_meanings(notebook: NotebookNode) -> Iterator[str]:
    """Names that a cell, or a function it hands on, takes and that are bound anew further on."""
    cells = {number: names_of(cell.source) for number, cell in code_cells(notebook)}
    for number, names in cells.items():
        again = {name: n for n, o in reversed(cells.items()) for name in o.bound if n >= number}
        for name in sorted(names.taken & again.keys()):
            yield f"cell {number} takes {name}, which cell {again[name]} gives another meaning"
        handed_on = any(names.functions & other.taken for other in cells.values())
        later = {name: n for n, o in reversed(cells.items()) for name in o.bound if n > number}
        for name in sorted(names.by_functions & names.bound & later.keys() if handed_on else ()):
            yield (
                f"a function of cell {number} takes {name}, "
                f"which cell {later[name]} gives another meaning"
            )


def trained_elsewhere(notebook: NotebookNode) -> Iterator[str]:
    """Models that a cell trains without making them: a second run would train them on."""
    for number, cell in code_cells(notebook):
        made = made_in(cell.source)
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and call.args:
                trained = model_trained(call)
                if trained and trained not in made:
                    yield f"cell {number} trains {trained}, which it does not make"


def model_trained(call: ast.Call) -> str | None:
    """The name in `fit(NAME, ...)` or `torch.optim.X(NAME.parameters(), ...)`."""
    function, first = ast.unparse(call.func), call.args[0]
    if function == "fit" and isinstance(first, ast.Name):
        return first.id
    if function.startswith("torch.optim.") and isinstance(first, ast.Call):
        return ast.unparse(first.func).removesuffix(".parameters")
    return None


def made_in(source: str) -> set[str]:
    """Names that a cell assigns, in functions too, and their arguments, which a caller makes."""
    nodes = list(ast.walk(ast.parse(source)))
    assigned = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return assigned | {n.arg for n in nodes if isinstance(n, ast.arg)}


def conclusion_faults(notebook: NotebookNode) -> Iterator[str]:
    """Conclusions that stand on the page, and cells for conclusions that do something else."""
    told = [(n, cell) for n, cell in code_cells(notebook) if is_conclusion(cell)]
    for number, cell in told:
        if "remove-cell" not in cell.metadata.tags:
            yield f"cell {number} is a conclusion, but has no tag remove-cell"
        if not cell.metadata.get("jupyter", {}).get("source_hidden", False):
            yield f"cell {number} is a conclusion, but JupyterLab shows its code"
        statements = ast.parse(cell.source).body
        if not any(map(concludes, statements)):
            yield f"cell {number} is a conclusion, but calls no check.holds"
        for statement in statements:
            if not (concludes(statement) or isinstance(statement, PLAIN)):
                yield f"cell {number} is a conclusion, but does more: {ast.unparse(statement)}"
    open_cells = [cell for _, cell in code_cells(notebook) if not is_conclusion(cell)]
    shown = frozenset().union(*(names_of(cell.source).bound for cell in open_cells))
    for number, cell in code_cells(notebook):
        if not is_conclusion(cell):
            if any(map(concludes, ast.walk(ast.parse(cell.source)))):
                yield f"cell {number} calls check.holds, but has no tag conclusion"
            for name in sorted(names_of(cell.source).taken):
                if name not in shown and any(name in names_of(c.source).bound for _, c in told):
                    yield f"cell {number} takes {name}, which only a conclusion computes"


PLAIN = ast.Assign | ast.Import | ast.ImportFrom


def is_conclusion(cell: NotebookNode) -> bool:
    """Whether the cell is there to compare a sentence with the run."""
    return "conclusion" in cell.metadata.get("tags", [])


def concludes(node: ast.AST) -> bool:
    """Whether a statement is a call of `check.holds` and nothing else."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    return ast.unparse(node.value.func) == "check.holds"


CHECKS = [unfolded_figures, long_cells, second_meanings, trained_elsewhere, conclusion_faults]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", CHECKS)
def test_cells_fit_and_can_be_run_again(path, check):
    assert list(check(nbformat.read(path, as_version=4))) == []


def chapter(*sources: str, **metadata) -> NotebookNode:
    cells = [nbformat.v4.new_code_cell(source, metadata=metadata) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


FOLDED = {"tags": ["hide-input"]}
FOLDED_CODE = {"jupyter": {"source_hidden": True}}


@pytest.mark.parametrize(
    ("source", "metadata", "count"),
    [
        ("x = 1", {}, 0),
        ("show(figure, alt='A line.')", FOLDED, 0),
        ("show(figure, alt='A line.')", {}, 1),
        ("film = [Frame(p, alt=f'Step {p}.') for p in pictures]", {}, 1),
    ],
)
def test_an_open_figure_is_found(source, metadata, count):
    assert len(list(unfolded_figures(chapter(source, **metadata)))) == count


@pytest.mark.parametrize(
    ("source", "metadata", "count"),
    [
        ("x = 1\n" * MOST_LINES, {}, 0),
        ("x = 1\n\n# why\n" * MOST_LINES + "import math", {}, 0),
        ("x = 1\n" * (MOST_LINES + 1), {}, 1),
        ("x = 1\n" * (MOST_LINES + 1), FOLDED, 0),
    ],
)
def test_a_long_open_cell_is_found(source, metadata, count):
    assert len(list(long_cells(chapter(source, **metadata)))) == count


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (("x = 1", "print(x)", "y = x"), []),
        (("x = 1\nprint(x)", "x = 2\nprint(x)"), []),
        (("x = 1", "print(x)", "x = 2"), ["cell 1 takes x, which cell 2 gives another meaning"]),
        (("x = 1", "x = x + 1"), ["cell 1 takes x, which cell 1 gives another meaning"]),
        (("x = 1", "x += 1"), ["cell 1 takes x, which cell 1 gives another meaning"]),
        (("x = 1", "[x for _ in 'ab']", "for x in 'ab': pass"), 1),
        (("x = 1", "def f():\n    return x", "x = 2"), 1),
        (("def f():\n    return x\nx = 1", "f()", "x = 2"), 1),
        (("x = 1\nf = lambda: x", "f()", "x = 2"), 1),
        (("def f():\n    return x\nx = 1\nf()", "x = 2\nprint(x)"), []),
        (("x = 1", "[x for x in 'ab']", "x = 2"), []),
        (("x = 1", "f = lambda x: x", "x = 2"), []),
    ],
)
def test_a_second_meaning_is_found(sources, found):
    """Fails if a cell that was right in its place breaks when it is run after the chapter."""
    got = list(second_meanings(chapter(*sources)))
    assert got == found if isinstance(found, list) else len(got) == found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("m = VAE()\nfit(m, x)", 0),
        ("def train(m):\n    return fit(m, x)", 0),
        ("fit(Completer(m, task), x)", 0),
        ("fit(m, x)", 1),
        ("torch.optim.Adam(m.parameters(), lr=1)", 1),
        ("m = VAE()\ntorch.optim.Adam(m.parameters(), lr=1)", 0),
    ],
)
def test_training_on_is_found(source, count):
    assert len(list(trained_elsewhere(chapter(source)))) == count


HIDDEN = {"tags": ["remove-cell", "conclusion"], "jupyter": {"source_hidden": True}}


@pytest.mark.parametrize(
    ("source", "metadata", "count"),
    [
        ("gap = 2 - 1\ncheck.holds(gap > 0, 'There is a gap.')", HIDDEN, 0),
        ("from vae_teach import check\ncheck.holds(True, 'A.')", HIDDEN, 0),
        ("check.holds(True, 'A.')", {"tags": ["conclusion"], **FOLDED_CODE}, 1),
        ("check.holds(True, 'A.')", {"tags": ["conclusion", "remove-cell"]}, 1),
        ("check.holds(True, 'A.')", {}, 1),
        ("check.holds(True, 'A.')\nassert gap > 0", HIDDEN, 1),
        ("check.holds(True, 'A.')\nprint(gap)", HIDDEN, 1),
        ("gap = 2 - 1", HIDDEN, 1),
    ],
)
def test_a_conclusion_on_the_page_and_a_hidden_cell_that_does_more_are_found(
    source, metadata, count
):
    """Fails if an assertion of trained models stops a reader, or hidden code does a page's work."""
    assert len(list(conclusion_faults(chapter(source, **metadata)))) == count


def test_a_cell_that_needs_a_conclusion_is_found():
    told = chapter("gap = 1\ncheck.holds(gap > 0, 'A.')", **HIDDEN)
    told.cells.append(nbformat.v4.new_code_cell("print(gap)"))
    assert list(conclusion_faults(told)) == ["cell 1 takes gap, which only a conclusion computes"]


def test_a_cell_needs_those_that_bind_what_it_takes_and_those_that_they_need():
    """Fails for a name that is bound further on, or that only a function takes."""
    sources = ["a = 1", "b = 2", "def f():\n    return a", "c = f()", "c + 1", "a = 0"]
    assert needed(chapter(*sources), 4) == [0, 2, 3, 4]
