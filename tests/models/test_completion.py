"""Completion tasks: which pixels are given, how they are drawn, and where they are put back."""

import pytest
import torch
from seeded import generator

from vae_teach.models.completion import Completer, Completion, column_task, half_task, quadrant_task
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.training.checkpoint import load_model
from vae_teach.training.loop import fit


@pytest.fixture
def images():
    return torch.rand(5, 784, generator=generator())


def test_the_column_task_gives_column_13_and_asks_for_the_other_27(images):
    """Slice points 13 and 14 of 0 ... 27, and 756 pixels to fill in."""
    task = column_task()
    pictures = images.view(-1, 28, 28)
    assert (task.n_seen, task.n_asked) == (28, 756)
    others = torch.cat([pictures[:, :, :13], pictures[:, :, 14:]], dim=2)
    assert torch.equal(task.target(images), others.flatten(1))
    binary = (pictures[:, :, 13] > 0.5).float()
    drawn = task.condition(binary.repeat_interleave(28, dim=1), generator=generator())
    assert torch.equal(drawn, binary)  # 0 is never drawn as ink, and 1 always


def test_p_of_ink_is_the_intensity():
    """Noise on [0, 2) gives x/2. 28 levels, 20,000 draws each, 5 standard errors."""
    levels = torch.linspace(0, 1, 28)
    picture = torch.zeros(28, 28)
    picture[:, 13] = levels
    drawn = column_task().condition(picture.flatten().expand(20_000, -1), generator=generator())
    error = (levels * (1 - levels) / 20_000).sqrt()
    assert ((drawn.mean(0) - levels).abs() <= 5 * error).all()
    assert set(drawn.unique().tolist()) == {0.0, 1.0}


def test_the_condition_is_drawn_anew_each_time_and_repeats_with_its_generator(images):
    """Two models are compared on one tensor, so it must be possible to draw it once."""
    task, g = column_task(), generator()
    first, second = task.condition(images, generator=g), task.condition(images, generator=g)
    assert not torch.equal(first, second)
    assert torch.equal(first, task.condition(images, generator=generator()))
    with pytest.raises(ValueError, match="'column 13' draws its condition: pass a generator"):
        task.condition(images)


def test_a_composed_picture_has_28_columns_and_the_condition_is_the_13th(images):
    """13 + 1 + 14 columns, and the highlighted one is the condition itself."""
    task = column_task()
    c = task.condition(images, generator=generator())
    whole = task.compose(c, task.target(images)).view(-1, 28, 28)
    assert whole.shape == (5, 28, 28)
    assert torch.equal(whole[:, :, 13], c)
    pictures = images.view(-1, 28, 28)
    assert torch.equal(whole[:, :, :13], pictures[:, :, :13])
    assert torch.equal(whole[:, :, 14:], pictures[:, :, 14:])


@pytest.mark.parametrize(
    "task", [half_task(), *(quadrant_task(n) for n in (1, 2, 3))], ids=lambda t: t.name
)
def test_splitting_and_composing_a_grey_task_gives_the_picture_back(task, images):
    whole = task.compose(task.condition(images), task.target(images))
    assert torch.equal(whole, images)
    assert task.n_seen + task.n_asked == 784


def test_many_draws_are_composed_with_one_condition(images):
    task = half_task()
    c = task.condition(images)
    draws = torch.rand(7, 5, task.n_asked, generator=generator())
    whole = task.compose(c, draws)
    assert whole.shape == (7, 5, 784)
    assert torch.equal(task.target(whole), draws)
    assert torch.equal(task.condition(whole)[3], c)


@pytest.mark.parametrize(
    ("n_seen", "corners"),
    [
        (1, [False, False, True, False]),
        (2, [True, False, True, False]),
        (3, [True, True, True, False]),
    ],
)
def test_quadrants_come_in_the_order_of_the_published_table(n_seen, corners):
    """Lower left first, then upper left, then upper right: corners are read row by row."""
    seen = quadrant_task(n_seen).seen.view(28, 28)
    assert seen[[0, 0, 27, 27], [0, 27, 0, 27]].tolist() == corners
    assert seen.sum() == n_seen * 196


def test_the_left_half_is_the_left_half():
    seen = half_task().seen.view(28, 28)
    assert seen[:, :14].all() and not seen[:, 14:].any()


def test_other_sizes_of_pictures():
    task = column_task(2, image_shape=(4, 6))
    assert task.seen.view(4, 6)[:, 2].all() and task.n_seen == 4
    assert quadrant_task(1, image_shape=(4, 6)).n_seen == 6


# --- training on a task ---


def test_fit_draws_the_condition_anew_in_every_epoch():
    """Resampled each time a digit is passed, by the epoch's own generator."""
    seen = []

    class Spy(Regressor):
        def loss_terms(self, x, c, *, generator=None):
            seen.append((x.cpu(), c.cpu()))
            return super().loss_terms(x, c)

    task = column_task()
    grey = torch.full((1, 784), 0.5)
    model = Completer(Spy(756, 28, (5,), seed=0), task)
    fit(model, grey, epochs=3, batch_size=1, progress=False)
    conditions = torch.cat([c for _, c in seen])
    assert len(conditions.unique(dim=0)) == 3
    assert all(torch.equal(x, task.target(grey)) for x, _ in seen)  # the target stays grey


@pytest.mark.parametrize(
    "model", [CVAE(756, 28, (9,), 2, (9,), seed=0), Regressor(756, 28, (9,), seed=0)]
)
def test_a_checkpoint_holds_the_task_too(model, images, tmp_path):
    path = tmp_path / "completer.safetensors"
    whole = Completer(model, column_task())
    fit(whole, images, epochs=1, batch_size=3, progress=False, checkpoint=path)
    twin = load_model(path)
    ours, theirs = (m.loss_terms(images, generator=generator()) for m in (whole, twin))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert twin.task.name == "column 13"


def test_errors_name_both_sides(images):
    task = column_task()
    with pytest.raises(ValueError, match="images have 783 pixels but the task 'column 13' has 784"):
        task.target(images[:, 1:])
    with pytest.raises(ValueError, match=r"c has 28 and x has 755 .* gives 28 and asks for 756"):
        task.compose(torch.zeros(28), torch.zeros(755))
    with pytest.raises(ValueError, match=r"column is 28, but image_shape \(28, 28\) has 28"):
        column_task(28)
    with pytest.raises(ValueError, match="1, 2 or 3 quadrants, but it is 4"):
        quadrant_task(4)
    with pytest.raises(ValueError, match=r"bool of shape \(784,\)"):
        Completion("wrong", torch.ones(784))
    for seen in (torch.ones(784, dtype=torch.bool), torch.zeros(784, dtype=torch.bool)):
        with pytest.raises(ValueError, match="must give some pixels and ask for others"):
            Completion("all or nothing", seen)
