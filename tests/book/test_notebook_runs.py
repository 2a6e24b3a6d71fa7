"""The runs themselves: what they find, and what their kernel remembers."""

import functools
from typing import ClassVar

import nbformat
import numpy as np
import pytest
import torch
from chapters import extension
from kernel_memo import digest, remember
from notebook_runs import findings, plan, run
from sklearn.mixture import GaussianMixture
from torch import nn

from vae_teach import VAE, Autoencoder, fit
from vae_teach.training import Recorder

KEPT = {"tags": ["nbval-check-output", "keep_output"]}


def test_the_plan_runs_each_cell_four_times_and_backwards_at_the_end():
    assert [step.cell for step in plan([1, 3])] == [1, 3, 1, 1, 3, 3, 3, 1]


def test_the_notebooks_that_train_most_are_run_first(tmp_path):
    """Fails if a core waits at the end while the other one trains a chapter's models."""
    for name, trainings in {"1": 3, "2": 0, "3": 0, "4": 1}.items():
        (tmp_path / name).write_text(trainings * "fit(model)\n")
    order = extension("execution_order").longest_first(tmp_path.iterdir())
    assert [path.name for path in order] == ["1", "4", "3", "2"]


def chapter(tmp_path, *sources: str):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = tmp_path / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.processes
def test_a_cell_that_works_once_is_found(tmp_path):
    """A list that grows, a name that is used up, a list that a later cell empties."""
    path = chapter(
        tmp_path,
        "grown, emptied = [], [1]",
        "grown.append(1)\nassert len(grown) == 1, 'grown'",
        "first = emptied[0]",
        "emptied.clear()",
    )
    found = list(findings(*run(path)))
    assert found == [
        "cell 1 run twice in a row: AssertionError: grown",
        "cell 2 run after the later cells: IndexError: list index out of range",
        "cell 1 run after the later cells: AssertionError: grown",
    ]


@pytest.mark.processes
def test_a_kept_output_that_changes_is_found(tmp_path):
    path = chapter(tmp_path, "n = 0", "n += 1\nprint(n)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata.update(KEPT)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="1\n")]
    nbformat.write(notebook, path)
    found = list(findings(*run(path)))
    assert found[0] == "cell 1 run twice in a row shows '2\\n', but the file keeps '1\\n'"


@pytest.fixture
def counted():
    """`fit` that is remembered, and the list of its real calls."""
    calls = []

    def counting(*args, **options):
        calls.append(args)
        return fit(*args, **options)

    return remember(counting), calls


X = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))
SETTINGS = {"epochs": 2, "batch_size": 20, "progress": False, "device": "cpu"}


def vae(seed=0):
    return VAE(6, (4,), 2, (4,), seed=seed)


def test_an_equal_training_is_given_again_without_being_computed(counted):
    remembered, calls = counted
    first, second = vae(), vae()
    one, two = remembered(first, X, **SETTINGS), remembered(second, X, **SETTINGS)
    assert len(calls) == 1 and one.records == two.records and one is not two
    torch.testing.assert_close(first.state_dict(), second.state_dict(), atol=0, rtol=0)
    assert not second.training
    assert not torch.equal(second.to_mu.weight, vae().to_mu.weight)  # it is trained


@pytest.mark.parametrize(
    ("model", "x", "more"),
    [
        (vae(1), X, {}),
        (vae(), X + 0.001, {}),
        (vae(), X, {"seed": 1}),
        (vae(), X, {"transform": lambda x, g: x.round()}),
        (Autoencoder(6, (4,), 2, (4,), seed=0), X, {}),
    ],
)
def test_another_model_another_picture_another_argument_is_another_training(
    counted, model, x, more
):
    """Fails if a chapter gets the weights of another of its models."""
    remembered, calls = counted
    remembered(vae(), X, **SETTINGS)
    remembered(model, x.clamp(0, 1), **SETTINGS, **more)
    assert len(calls) == 2


def test_what_a_callback_sees_is_computed_each_time(counted):
    remembered, calls = counted
    steps = []
    for _ in range(2):
        remembered(vae(), X, **SETTINGS, on_step=lambda step, model: steps.append(step))
    assert len(calls) == 2 and steps == 2 * [0, 1, 2, 3, 4]


def test_what_a_recorder_saw_is_given_again(counted):
    """Fails for a film without frames, or with those of a recorder that looked elsewhere."""
    remembered, calls = counted
    places, recorders = torch.zeros(3, 2), []
    for shift in (0, 0, 1):
        places = places + shift
        looks = {"drawn": lambda model: model.mean_image(places)}  # noqa: B023 - read at once
        recorders.append(Recorder([0, 3], **looks))
        remembered(vae(), X, **SETTINGS, on_step=recorders[-1])
    one, two, other = (recorder.at(3)["drawn"] for recorder in recorders)
    assert len(calls) == 2 and torch.equal(one, two) and not torch.equal(one, other)
    assert [recorder.steps for recorder in recorders] == 3 * [[0, 3]]


def test_a_checkpoint_is_written_each_time(counted, tmp_path):
    remembered, calls = counted
    for _ in range(2):
        remembered(vae(), X, **SETTINGS, checkpoint=tmp_path / "kept.pt")
        (tmp_path / "kept.pt").unlink()
    assert len(calls) == 2


def test_a_generator_goes_on_as_after_the_first_call():
    """Fails if a second evaluation leaves the cell after it other noise than the first did."""
    calls = []

    def draw(*, generator):
        calls.append(generator)
        return torch.rand(2, generator=generator)

    remembered, drawn = remember(draw), []
    for seed in (0, 0, 1):
        generator = torch.Generator().manual_seed(seed)
        drawn.append([*remembered(generator=generator), *torch.rand(2, generator=generator)])
    assert len(calls) == 2 and drawn[0] == drawn[1] != drawn[2]


def test_a_mixture_is_fitted_once_for_each_set_of_codes():
    calls = []

    class Counted(GaussianMixture):
        def fit(self, codes):
            calls.append(len(codes))
            return super().fit(codes)

    Counted.fit = remember(Counted.fit)
    for codes in (X, X.clone(), X + 1):  # repr() of a large array leaves its middle out
        mixture = Counted(2, random_state=0)
        assert mixture.fit(codes.double().numpy()) is mixture
        assert abs(mixture.means_.mean() - codes.mean()) < 0.1
    assert len(calls) == 2


def test_dropout_draws_from_the_global_state_which_is_part_of_the_training(counted):
    remembered, calls = counted

    class Noisy(nn.Module):
        config: ClassVar = {}

        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 6))

        def loss_terms(self, x, *, generator):
            return {"error": (self.net(x) - x).square().sum(-1)}

    after = []
    for seed in (0, 0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = Noisy()
            model.net[1].weight.data.fill_(0.1)
            model.net[1].bias.data.zero_()
            remembered(model, X, **SETTINGS)
            after.append(torch.rand(1).item())
    assert len(calls) == 2 and after[0] == after[1] != after[2]


def test_what_draws_from_no_global_state_is_given_again_wherever_that_stands(counted):
    """One cell with an unseeded layer once had every training of its chapter computed four times.

    Fails too if what is given again takes the global states back to where they stood."""
    remembered, calls = counted
    trained, here = [], []
    with torch.random.fork_rng():
        for _ in range(2):
            torch.rand(3), np.random.random()  # noqa: NPY002
            here.append((torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()))  # noqa: NPY002
            trained.append(vae())
            remembered(trained[-1], X, **SETTINGS)
            now = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()  # noqa: NPY002
            assert now == here[-1]
    assert len(calls) == 1 and here[0] != here[1]
    torch.testing.assert_close(trained[0].state_dict(), trained[1].state_dict(), atol=0, rtol=0)


def test_a_pure_function_is_called_once_and_its_result_is_not_shared():
    calls = []
    remembered = remember(lambda *args, **options: calls.append(args) or [args])
    remembered(1, key=X).append("changed by the caller")
    assert remembered(1, key=X.clone()) == [(1,)] and len(calls) == 1
    assert remembered(2, key=X) == [(2,)] and len(calls) == 2


def test_functions_are_told_apart_by_what_they_do_and_hold():
    def adder(n):
        return lambda x: x + n

    assert digest(adder(1)) == digest(adder(1)) != digest(adder(2))
    assert digest(lambda x: x + 1) != digest(lambda x: x + 2)
    assert digest(lambda x: x.sin()) != digest(lambda x: x.cos())
    one, two = (lambda x, k=k: x * k for k in (1, 2))
    three, four = (lambda x, *, k=k: x * k for k in (1, 2))
    assert digest(one) != digest(two) and digest(three) != digest(four)
    assert digest(functools.partial(sum, start=1)) != digest(functools.partial(sum, start=2))
    assert digest(vae(0).encode) != digest(vae(1).encode)
    around = {"scale": 1.0}
    reads = eval("lambda x: [scale * y for y in x]", around)
    before = digest(reads)
    around["scale"] = 2.0
    assert before != digest(reads)


CELL = """
scale = 1.0
def deepest(x): return scale * x
def deeper(x, n=0): return deep(x) if n else deepest(x)
def deep(x): return deeper(x)
"""


def test_what_a_function_reads_through_those_it_calls_tells_it_apart():
    """A number two calls away was changed, and the training of before it was given again."""
    around = {}
    exec(CELL, around)
    before = digest(around["deep"])
    around["scale"] = 2.0
    after = digest(around["deep"])
    exec(CELL, around)  # a cell that is run again makes equal functions
    assert after != before == digest(around["deep"])


def test_arrays_are_told_apart_in_their_middle():
    """`repr` of 10,000 numbers shows the first and the last three."""
    one, other = np.zeros(10_000), np.zeros(10_000)
    other[5_000] = 1
    assert digest(one) != digest(other)
