"""Early stopping by validation: when it ends, which weights stay, and what a resumed run knows."""

import math

import pytest
import torch
from torch import nn

from vae_teach.training.checkpoint import read_checkpoint
from vae_teach.training.early_stopping import EarlyStopping, Validation, best_of
from vae_teach.training.loop import fit

pytestmark = pytest.mark.usefixtures("one_thread")
RULE = EarlyStopping(every=3, patience=2)
BEST, LAST = 7, 16  # steps made: validated after 1, 4, 7, 10, 13, 16, and nearest to the mark at 7


class Walker(nn.Module):
    """Every step of gradient descent adds 1 to its weight, so the weight counts the steps."""

    def __init__(self):
        super().__init__()
        self.config = {}
        self.weight = nn.Parameter(torch.zeros(()))

    def loss_terms(self, x, *, generator):
        return {"error": -self.weight + 0 * x.sum(dim=-1)}


def walk(most_steps=100, rule=RULE, mark=BEST, model=None, **options):
    """Ten steps an epoch, worth the more the nearer the weight is to the mark."""
    model = model or Walker()
    validation = Validation(
        rule,
        lambda m: {"elbo": -abs(m.weight.item() - mark), "other": m.weight.item()},
        by="elbo",
        most_steps=most_steps,
    )
    history = fit(
        model, torch.zeros(20, 3), epochs=math.ceil(most_steps / 10), batch_size=2, progress=False,
        optimizer=lambda p: torch.optim.SGD(p, lr=1.0), validation=validation, **options,
    )  # fmt: skip
    return model.weight.item(), history


def test_the_best_is_the_first_of_equals_and_never_nan():
    """A NaN that counts as best would be kept for good: nothing is greater."""
    assert best_of([1.0, 3.0, 3.0, 2.0]) == 1
    assert best_of([math.nan, -5.0, math.nan]) == 1
    assert best_of([]) is None and best_of([math.nan]) is None
    assert EarlyStopping(1, 0).is_over([math.nan])
    assert not EarlyStopping(1, 0).is_over([])


def test_the_best_weights_stay_and_not_the_last():
    weight, history = walk()
    assert weight == BEST
    assert [record["step"] for record in history.validations] == [0, 3, 6, 9, 12, 15]
    assert [record["other"] for record in history.validations] == [1, 4, 7, 10, 13, 16]
    # the loss of a step is taken before its weights move
    assert [record["train_loss"] for record in history.validations] == [0, -3, -6, -9, -12, -15]


def test_it_ends_within_an_epoch_and_says_what_that_had():
    """The whole epoch would be trained, or its line be missing, or be an average over ten."""
    _, history = walk()
    assert history.column("epoch") == [1, 2]
    assert history.column("train_error") == [-4.5, -12.5]  # steps 0 to 9, and 10 to 15


def test_it_ends_after_the_most_steps_with_the_best_so_far():
    weight, history = walk(most_steps=12)
    assert (weight, len(history.validations)) == (BEST, 4)
    assert history.last["train_error"] == -10.5


def test_an_epoch_that_failed_leaves_no_validations():
    """The error's history would judge weights of steps that were taken back."""

    class Stumbler(Walker):
        def loss_terms(self, x, *, generator):
            cost = torch.where(self.weight < 14, -self.weight, math.nan)
            return {"error": cost + 0 * x.sum(dim=-1)}

    with pytest.raises(FloatingPointError) as error:
        walk(model=Stumbler())
    assert len(error.value.history) == 1
    assert [record["step"] for record in error.value.history.validations] == [0, 3, 6, 9]


@pytest.mark.parametrize("cut", [10, 12, 15])  # at the end of an epoch, and within the next
def test_a_resumed_run_knows_the_best_weights(tmp_path, cut):
    """Without them in the checkpoint it would end with the last, or with a later, worse best."""
    file = tmp_path / "a.safetensors"
    walk(most_steps=cut, checkpoint=file)
    _, tensors = read_checkpoint(file)
    assert (tensors["model/weight"], tensors["best/weight"]) == (10, BEST)
    weight, history = walk(checkpoint=file, resume=True)
    straight = walk()[1]
    assert weight == BEST
    assert history.validations == straight.validations
    assert history.column("train_error") == straight.column("train_error")


def test_a_run_that_was_ended_at_the_end_of_an_epoch_makes_no_step_more(tmp_path):
    """Validated after 1, 4, 7 and 10: with a patience of 0 and its best at 7 it is over at 10."""
    options = {"rule": EarlyStopping(3, 0), "checkpoint": tmp_path / "a.safetensors"}
    first = walk(**options)
    again = walk(**options, resume=True)
    assert (first[0], len(first[1])) == (again[0], len(again[1])) == (BEST, 1)
    assert again[1].validations == first[1].validations


def test_a_run_of_another_rule_is_not_gone_on_with(tmp_path):
    file = tmp_path / "a.safetensors"
    fit(
        Walker(), torch.zeros(20, 3), epochs=1, batch_size=2, progress=False, checkpoint=file,
        optimizer=lambda p: torch.optim.SGD(p, lr=1.0),
    )  # fmt: skip
    with pytest.raises(ValueError, match="early stopping was not noted there, but is"):
        walk(checkpoint=file, resume=True)
    file.unlink()
    walk(most_steps=12, checkpoint=file)
    with pytest.raises(ValueError, match=r"early stopping was .*'patience': 2.* there, but is"):
        walk(rule=EarlyStopping(3, 3), checkpoint=file, resume=True)


def test_a_model_is_judged_in_evaluation_mode_and_trained_on_in_training_mode():
    modes = []

    class Dropping(Walker):
        def loss_terms(self, x, *, generator):
            modes.append(self.training)
            return super().loss_terms(x, generator=generator)

    def measure(model):
        assert not model.training and not torch.is_grad_enabled()
        return {"elbo": 0.0}

    validation = Validation(EarlyStopping(2, 9), measure, by="elbo", most_steps=5)
    model = Dropping()
    fit(model, torch.zeros(20, 3), epochs=1, batch_size=2, progress=False, validation=validation)
    assert modes == [True] * 5 and not model.training


def test_two_rules_and_numbers_without_a_sense_are_refused():
    with pytest.raises(ValueError, match="patience=3 and validation are two rules"):
        walk(patience=3, held_out=torch.zeros(2, 3))
    with pytest.raises(ValueError, match="every must be"):
        EarlyStopping(0, 5)
    with pytest.raises(ValueError, match="patience must be"):
        EarlyStopping(1, -1)
    with pytest.raises(ValueError, match="most_steps must be"):
        walk(most_steps=0)


def test_a_value_that_decides_and_is_not_measured_is_refused():
    """A name with a slip ended in a KeyError from within the loop."""
    validation = Validation(RULE, lambda model: {"elbo": 0.0}, by="bound", most_steps=5)
    with pytest.raises(ValueError, match=r"by is 'bound', but what is measured is \['elbo'\]"):
        fit(Walker(), torch.zeros(20, 3), epochs=1, progress=False, validation=validation)
