"""A chapter's conclusions: where they stop a run, and where they only say so."""

import nbformat
import numpy as np
import pytest
import torch
from notebook_runs import findings, run

from vae_teach import check

SENTENCE = "The wide model is better."
FALSE = f"from vae_teach import check\ncheck.holds(1 > 2, {SENTENCE!r})"


@pytest.fixture
def reader(monkeypatch):
    """A reader's shell, in which nothing is strict."""
    monkeypatch.delenv("VAE_TEACH_STRICT")


@pytest.mark.parametrize("condition", [True, np.bool_(True), torch.tensor(True)])
def test_a_true_conclusion_says_nothing(condition, capsys):
    check.holds(condition, SENTENCE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("condition", [False, np.bool_(False), torch.tensor(1.0) > 2])
def test_a_false_conclusion_is_said_to_a_reader_and_stops_a_test(condition, capsys, monkeypatch):
    with pytest.raises(AssertionError, match=SENTENCE):
        check.holds(condition, SENTENCE)
    monkeypatch.setenv("VAE_TEACH_STRICT", "")
    check.holds(condition, SENTENCE)
    assert capsys.readouterr().out == f"Not so in this run: {SENTENCE}\n"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (1, "it is 1"),
        (0.3, "it is 0.3"),
        (None, "it is None"),
        ("yes", "it is 'yes'"),
        ([True], r"it is \[True\]"),
        (torch.tensor(0.3), r"Tensor of torch.float32 with shape \(\)"),
        (torch.tensor([True]), r"Tensor of torch.bool with shape \(1,\)"),
        (np.array([True, False]), r"ndarray of bool with shape \(2,\)"),
        (np.float64(0.3), r"float64 of float64 with shape \(\)"),
    ],
)
def test_what_is_no_single_truth_is_refused(condition, found, reader):
    """Fails if a difference is taken for a comparison: every number but 0 would hold."""
    with pytest.raises(ValueError, match=f"condition must be a bool .* but .*{found}"):
        check.holds(condition, SENTENCE)


@pytest.mark.parametrize("sentence", ["", "  ", None, True])
def test_a_conclusion_without_words_is_refused(sentence):
    with pytest.raises(ValueError, match="sentence must be the conclusion in words, but it is"):
        check.holds(True, sentence)


@pytest.mark.processes
def test_a_false_conclusion_fails_a_chapter_under_test_and_leaves_a_readers_alive(tmp_path):
    """Fails if the kernels of the tests are not strict: a false sentence would stay in the book.

    One kernel is both: the tests' at first, and a reader's once the variable is taken away.
    """
    cells = (FALSE, "import os\nos.environ.pop('VAE_TEACH_STRICT', None)", f"{FALSE}\nprint('on')")
    path = tmp_path / "chapter.ipynb"
    chapter = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(chapter, path)
    chapter, done = run(path)
    strict = f"cell 0 in the first run: AssertionError: {SENTENCE}"
    assert list(findings(chapter, done)) == [strict]
    printed = [output.text for output in done[2][1].outputs]
    assert printed == [f"Not so in this run: {SENTENCE}\non\n"]
