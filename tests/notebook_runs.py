"""Run a chapter as its reader may: from top to bottom, a cell twice, an earlier cell once more."""

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TESTS = Path(__file__).parent
INSTALL = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import kernel_memo
kernel_memo.install(mixtures=%s)
"""
CELL_SECONDS = 1_800  # a busy machine; the tests that call this have no limit of their own


@dataclass(frozen=True)
class Step:
    """One execution of a cell."""

    cell: int
    when: str


def plan(numbers: list[int]) -> list[Step]:
    """The executions of the cells with these numbers, in order.

    First the whole chapter. Then every cell twice in a row, in order: what a reader does who comes
    back. Then every cell once, from the last to the first: no cell may lean on what an earlier one
    has just put right.
    """
    return [
        *(Step(n, "in the first run") for n in numbers),
        *(Step(n, when) for n in numbers for when in ("run again", "run twice in a row")),
        *(Step(n, "run after the later cells") for n in reversed(numbers)),
    ]


def run(path: Path) -> tuple[NotebookNode, list[tuple[Step, NotebookNode]]]:
    """Execute the plan of a notebook in one kernel; returns the notebook and what each step did."""
    notebook = nbformat.read(path, as_version=4)
    steps = plan([n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"])
    executed = deepcopy(notebook)
    mixtures = any("GaussianMixture" in cell.source for cell in notebook.cells)
    executed.cells = [nbformat.v4.new_code_cell(INSTALL % mixtures)]
    for step in steps:
        cell = deepcopy(notebook.cells[step.cell])
        cell.id = nbformat.v4.new_code_cell().id
        executed.cells.append(cell)
    execute(executed, path.parent, timeout=CELL_SECONDS, allow_errors=True)
    return notebook, list(zip(steps, executed.cells[1:], strict=True))


def execute(notebook: NotebookNode, folder: Path, **options) -> None:
    """Run every cell in a new kernel that starts in the folder.

    `NotebookClient.execute` would leave its event loop open in a thread that ends; the garbage
    collector finds it in whichever later test it happens to run, as a ResourceWarning.
    """
    client = NotebookClient(notebook, kernel_name="python3", **options)
    asyncio.run(client.async_execute(cwd=str(folder)))


def findings(notebook: NotebookNode, done: list[tuple[Step, NotebookNode]]) -> Iterator[str]:
    """Errors that no tag announces, and kept outputs that are not those of the file."""
    for step, cell in done:
        where, stored = f"cell {step.cell} {step.when}", notebook.cells[step.cell]
        tags = stored.metadata.get("tags", [])
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags:
                yield f"{where}: {output.ename}: {output.evalue}"
        if "nbval-check-output" in tags:
            before, now = _texts(stored), _texts(cell)
            if before != now:
                yield f"{where} shows {now!r}, but the file keeps {before!r}"


def _texts(cell: NotebookNode) -> str:
    """What a cell prints and returns, as plain text; progress bars are not told."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif "data" in output:
            texts.append(output.data["text/plain"])
    return "".join(texts)
