"""Handouts: the convention of exercises, and copies that leak nothing and still run."""

import copy
import json
import re
from pathlib import Path

import nbformat
import pytest
from notebook_runs import execute

from vae_teach.__main__ import main
from vae_teach.check import CHECKS
from vae_teach.handout.cells import complaints, exercises
from vae_teach.handout.copies import read, student_copy

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "handout_example.ipynb"
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def example():
    return read(FIXTURE)


def tagged(notebook):
    return [c for c in notebook.cells if "solution" in c.metadata.get("tags", [])]


def text(notebook):
    return "\n".join(c.source for c in notebook.cells)


def printed(notebook):
    return [
        o.text for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "stream"
    ]


def shown(notebook):
    """What each code cell shows, as text."""
    return [
        [o.get("text") or o.data["text/plain"] for o in c.outputs]
        for c in notebook.cells
        if c.cell_type == "code"
    ]


def execute_both(student, instructor):
    """Run one notebook after the other in one kernel, which forgets all names in between."""
    both = copy.deepcopy(student)
    both.cells += [nbformat.v4.new_code_cell("%reset -f"), *copy.deepcopy(instructor.cells)]
    for cell in both.cells:  # cells of the same notebook have the same ids
        cell.id = nbformat.v4.new_code_cell().id
    execute(both, ROOT)
    first, second = copy.deepcopy(both), copy.deepcopy(both)
    first.cells = both.cells[: len(student.cells)]
    second.cells = both.cells[len(student.cells) + 1 :]
    return first, second


def test_fixture_shows_the_whole_convention(example):
    """An example that lost its exercises would make the tests below pass on nothing."""
    found = exercises(example)
    assert [e.label for e in found] == ["ex-fixture-mean", "ex-fixture-share", "ex-fixture-paper"]
    assert [e.checks for e in found] == [{"log_mean_exp"}, {"share_inside"}, set()]
    assert [bool(e.solution) for e in found] == [True, True, False]
    assert complaints(example) == []


@pytest.mark.parametrize("path", [FIXTURE, *CHAPTERS], ids=lambda p: p.name)
def test_notebook_follows_the_convention(path):
    """An exercise without stub, check or solution; a solution the handout would give away."""
    notebook = read(path)
    marked = len(re.findall(r"\{exercise-start\}", text(notebook)))
    assert complaints(notebook) == []
    assert len(exercises(notebook)) == marked
    for exercise in exercises(notebook):
        for name in exercise.checks:
            assert name in CHECKS, f"{exercise.label} calls check.{name}, which is not there"


@pytest.mark.parametrize("path", [FIXTURE, *CHAPTERS], ids=lambda p: p.name)
def test_handout_holds_everything_but_solutions_and_outputs(path):
    """A solution, its output or a widget's state that slips through; a stub that is lost."""
    source = read(path)
    untouched = copy.deepcopy(source)
    handout = student_copy(source)
    assert source == untouched
    kept = [c.id for c in source.cells if c not in tagged(source)]
    assert [c.id for c in handout.cells] == kept
    assert not tagged(handout)
    everything = json.dumps(handout)
    for cell in tagged(source):
        for line in cell.source.splitlines():
            if len(line.strip()) > 12 and line not in text(handout):
                assert json.dumps(line)[1:-1] not in everything
    for exercise in exercises(source):
        assert exercise.label in everything
    assert "{solution-" not in everything
    assert all(c.get("outputs", []) == [] for c in handout.cells)
    assert all(c.get("execution_count") is None for c in handout.cells)
    assert "widgets" not in handout.metadata
    nbformat.validate(handout)


@pytest.mark.processes
def test_handout_runs_from_top_to_bottom_with_every_exercise_open(tmp_path, capsys):
    """A cell after an exercise that needs the solution stops the class."""
    assert main(["handout", str(FIXTURE), "-o", str(tmp_path), "--solutions"]) == 0
    says = capsys.readouterr().out.splitlines()
    assert says[0].endswith("handout_example.ipynb: 3 exercises, without solutions")
    assert says[1].endswith("handout_example_solutions.ipynb: 3 exercises, with solutions")
    names = ("handout_example.ipynb", "handout_example_solutions.ipynb")
    student, instructor = execute_both(*(read(tmp_path / name) for name in names))
    assert printed(student) == [
        "○ log_mean_exp: Not attempted yet.\n",
        "○ share_inside: Not attempted yet.\n",
    ]
    assert [line[0] for line in printed(instructor)] == list("○✔○✔")
    # the checks print the same plain line every time: no address, no time, no line shown twice
    assert shown(instructor) == shown(read(FIXTURE)) and len(shown(instructor)) == 8


def edit(notebook, number, old, new):
    cell = notebook.cells[number]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def untag(notebook, number):
    notebook.cells[number].metadata.tags.remove("solution")


def tag(notebook, number):
    notebook.cells[number].metadata.setdefault("tags", []).append("solution")


def drop(notebook, *numbers):
    notebook.cells = [c for i, c in enumerate(notebook.cells) if i not in numbers]


def use(notebook, source):
    notebook.cells.append(nbformat.v4.new_code_cell(source))


BROKEN = {
    "no solution": (lambda n: drop(n, 4, 5, 6), "ex-fixture-mean has no solution"),
    "no end": (lambda n: drop(n, 6), "the solution of ex-fixture-mean has no end"),
    "no end at all": (
        lambda n: edit(n, 16, "{solution-end}", "{note}"),
        "the solution of ex-fixture-paper has no end",
    ),
    "no exercise": (lambda n: drop(n, 2, 3), "a solution of ex-fixture-mean has no exercise"),
    "misspelt": (lambda n: edit(n, 4, "mean", "maen"), "a solution of ex-fixture-maen has no"),
    "no label": (lambda n: edit(n, 2, ":label: ", ":class: "), "an exercise has no :label:"),
    "twice": (lambda n: edit(n, 7, "share", "mean"), "two exercises are called ex-fixture-mean"),
    "leak in code": (lambda n: untag(n, 5), "cell 5 belongs to a solution but has no tag"),
    "leak in prose": (lambda n: untag(n, 12), "cell 12 belongs to a solution but has no tag"),
    "leak of the start": (lambda n: untag(n, 4), "cell 4 belongs to a solution but has no tag"),
    "stub tagged": (lambda n: tag(n, 3), "cell 3 has the tag 'solution' but is no part of one"),
    "exercise tagged": (lambda n: tag(n, 2), "cell 2 has the tag 'solution' but is no part"),
    "unfolded": (lambda n: edit(n, 4, ":class: dropdown", ""), "mean is not folded"),
    "no stub": (lambda n: edit(n, 3, "raise NotImplemented", "# "), "mean has no stub that"),
    "no check": (lambda n: edit(n, 3, "check.", "# "), "ex-fixture-mean does not call its check"),
    "no require": (lambda n: edit(n, 5, ".require()", ""), "mean does not end with check.NAME"),
    "another check": (
        lambda n: edit(n, 5, "check.log_mean_exp", "check.share_inside"),
        "the solution of ex-fixture-mean is not judged by check.log_mean_exp",
    ),
    "same name": (
        lambda n: edit(n, 5, "_solution", ""),
        "the solution of ex-fixture-mean overwrites the reader's log_mean_exp",
    ),
    "used later": (
        lambda n: use(n, "[log_mean_exp_solution([2, k]) for k in (3, 4)]"),
        "log_mean_exp_solution is defined in a solution only, but used outside",
    ),
    "import used later": (
        lambda n: (edit(n, 5, "def", "import statistics\n\n\ndef"), use(n, "statistics.mean([1])")),
        "statistics is defined in a solution only, but used outside",
    ),
    "used inside a function": (
        lambda n: use(n, "def f(k):\n    return share_inside_solution(1.0, k)"),
        "share_inside_solution is defined in a solution only, but used outside",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("break_it", "complaint"), BROKEN.values(), ids=BROKEN)
def test_broken_convention_is_named_and_nothing_is_written(
    break_it, complaint, example, tmp_path, capsys
):
    """A handout that gives a solution away, or one that cannot run."""
    break_it(example)
    source = tmp_path / "broken.ipynb"
    nbformat.write(example, source)
    assert any(complaint in c for c in complaints(example)), complaints(example)
    assert main(["handout", str(source), "-o", str(tmp_path / "out"), "--solutions"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {source}: ")
    assert complaint in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


HARMLESS = {
    "a magic": lambda n: use(n, "%timeit -n1 -r1 math.erf(1)\n!true"),
    "a cell that fails": lambda n: use(n, "def :"),
    "a local of the same name": lambda n: use(n, "def f():\n    one = 2\n    return one"),
    "a built-in the solution covers": lambda n: (
        edit(n, 11, "one = ", "sum = one = "), use(n, "sum([1])")
    ),
    "a colon fence": lambda n: (
        edit(n, 7, "```{exercise-start}", ":::{exercise-start}"),
        edit(n, 7, "share\n```", "share\n:::"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_harmless_cells_are_not_complained_of(change, example):
    """A rule so strict that authors switch it off."""
    change(example)
    assert complaints(example) == []
    assert len(exercises(example)) == 3


def test_outputs_and_widget_state_of_the_source_stay_behind(example):
    """The answer to "predict first", printed below the question."""
    example.metadata["widgets"] = {"state": {"secret": 1}}
    use(example, "print(6 * 7)")
    example.cells[-1].outputs = [nbformat.v4.new_output("stream", text="42 is the answer")]
    example.cells[-1].execution_count = 3
    handout = student_copy(example)
    assert "42 is the answer" not in json.dumps(handout)
    assert "secret" not in json.dumps(handout)
    assert handout.cells[-1].source == "print(6 * 7)"
    assert all("nbval-check-output" not in c.metadata.get("tags", []) for c in handout.cells)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no notebook"),
        ("", "is not a Jupyter notebook"),
        ("# a text\n", "is not a Jupyter notebook"),
        ("[]", "is not a Jupyter notebook"),
        ("{}", "is not a Jupyter notebook"),
        ('{"cells": [{"cell_type": "wrong"}], "nbformat": 4, "nbformat_minor": 5}', "is not a Jup"),
        (b"\xff\xfe\x00", "is not a Jupyter notebook"),
    ],
)
def test_file_that_is_no_notebook_is_refused_by_name(content, reason, tmp_path, capsys):
    """A traceback of nbformat's for a mistyped path."""
    source = tmp_path / "x.ipynb"
    if content is not None:
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["handout", str(source), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert f"error: {'there' if content is None else source}" in said
    assert reason in said
    assert not (tmp_path / "out").exists()


def test_folder_instead_of_a_notebook_is_refused(tmp_path, capsys):
    """IsADirectoryError for `handout notebooks/`."""
    assert main(["handout", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert f"error: there is no notebook {tmp_path}\n" == capsys.readouterr().err


def test_existing_copy_is_kept_unless_forced(tmp_path, capsys):
    """An instructor's edited handout overwritten without a question."""
    target = tmp_path / FIXTURE.name
    target.write_text("edited by hand")
    assert main(["handout", str(FIXTURE), "-o", str(tmp_path)]) == 1
    assert f"error: {target} exists already: --force writes over it" in capsys.readouterr().err
    assert target.read_text() == "edited by hand"
    assert main(["handout", str(FIXTURE), "-o", str(tmp_path), "--force"]) == 0
    assert complaints(read(target)) != []  # no solutions in it any more
    assert [p.name for p in tmp_path.iterdir()] == [FIXTURE.name]  # and no half-written file


def test_source_is_never_overwritten(tmp_path, capsys):
    """`-o notebooks --force` would replace the chapter by its handout."""
    source = tmp_path / "chapter.ipynb"
    source.write_bytes(FIXTURE.read_bytes())
    assert main(["handout", str(source), "-o", str(tmp_path), "--force"]) == 1
    assert "is a source: give another folder" in capsys.readouterr().err
    assert source.read_bytes() == FIXTURE.read_bytes()


@pytest.mark.parametrize("name", [FIXTURE.name, FIXTURE.name.upper()])
def test_copies_of_one_name_are_refused(tmp_path, capsys, name):
    """The second chapter's handout silently replaces the first one's; on some disks, whatever case
    the letters have.
    """
    twin = (tmp_path / name).with_suffix(".ipynb")
    twin.write_bytes(FIXTURE.read_bytes())
    assert main(["handout", str(FIXTURE), str(twin), "-o", str(tmp_path / "out")]) == 1
    assert f"{FIXTURE} and {twin} would both become" in capsys.readouterr().err


def test_one_broken_notebook_stops_all_copies(example, tmp_path, capsys):
    """Half the handouts of a course, and no word which half."""
    untag(example, 5)
    broken = tmp_path / "broken.ipynb"
    nbformat.write(example, broken)
    assert main(["handout", str(FIXTURE), str(broken), "-o", str(tmp_path / "out")]) == 1
    assert f"error: {broken}: cell 5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_copy_goes_into_a_folder_that_has_a_name(capsys):
    """`-o "$DIR"` with an empty variable wrote into the folder at hand."""
    with pytest.raises(SystemExit):
        main(["handout", str(FIXTURE), "-o", ""])
    assert "give the name of a folder" in capsys.readouterr().err
