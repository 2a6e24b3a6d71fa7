"""One notebook, two copies: the student's handout without solutions, the instructor's with them.

Which cells are solutions is said by their tag; `exercise_cells` holds the convention.
"""

import copy
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor
from nbformat import NotebookNode

from vae_teach.handout.cells import SOLUTION_TAG, complaints
from vae_teach.machine.whole_file import write_text

OUTPUT_TAGS = {"nbval-check-output", "keep_output"}  # a handout has no output to compare or keep


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no notebook.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no notebook {path}")
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises half a dozen kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path} is not a Jupyter notebook: {reason[:120]}") from error
    return notebook


def student_copy(notebook: NotebookNode) -> NotebookNode:
    """The notebook without solutions and without outputs.

    Raises:
        ValueError: naming what in the notebook departs from the convention.
    """
    found = complaints(notebook)
    if found:
        raise ValueError("; ".join(found))
    handout = copy.deepcopy(notebook)
    for preprocessor in (
        TagRemovePreprocessor(remove_cell_tags={SOLUTION_TAG}),
        ClearOutputPreprocessor(),
    ):
        handout, _ = preprocessor.preprocess(handout, {})
    handout.metadata.pop("widgets", None)  # the state of widgets is output too
    for cell in handout.cells:
        if "tags" in cell.metadata:
            cell.metadata.tags = [t for t in cell.metadata.tags if t not in OUTPUT_TAGS]
    return handout


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all, into a folder that is made if it is missing.

    Raises:
        OSError: naming the path, if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, nbformat.writes(notebook) + "\n")
