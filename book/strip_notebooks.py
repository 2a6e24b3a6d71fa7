"""Strip notebooks of what git should not have: `python book/strip_notebooks.py FILE...`.

nbstripout does the work and keeps the outputs of cells tagged `keep_output`. nbval compares such an
output only if its cell has an execution count; a constant one makes no difference to git.
"""

import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbstripout import strip_output

from vae_teach.machine.whole_file import write_text

TRACES = ("metadata.language_info", "metadata.widgets", "cell.metadata.execution")


def strip(notebook: NotebookNode) -> NotebookNode:
    """The notebook without outputs, counts and traces of a run, but with the outputs kept."""
    notebook = strip_output(
        notebook, keep_output=False, keep_count=False, keep_id=True, extra_keys=list(TRACES)
    )
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.outputs:
            cell.execution_count = 1
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = 1
    return notebook


def main(paths: list[str]) -> None:
    """Strip each file in place; a file that needs nothing is left untouched."""
    for path in map(Path, paths):
        before = path.read_text(encoding="utf-8")
        after = nbformat.writes(strip(nbformat.reads(before, as_version=4))) + "\n"
        if after != before:
            write_text(path, after)  # the only copy of what somebody wrote: whole or as it was
            print(f"stripped {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
