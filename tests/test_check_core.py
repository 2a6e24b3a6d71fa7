"""The machinery of the checks, on exercises made up here."""

import io
import runpy
import sys
import types

import numpy as np
import pytest
import torch

from vae_teach import check
from vae_teach.check import _sampling
from vae_teach.check._call import numbers
from vae_teach.check._diagnose import diagnose
from vae_teach.check._exercise import Case, Exercise, Mistake, deliver, judge
from vae_teach.check._verdict import Verdict
from vae_teach.check._words import brief, call_text, error_text


def pairs():
    return [
        Case({"x": torch.tensor([[1.0, -2.0], [3.0, 4.0], [0.5, 6.0]])}),
        Case({"x": torch.linspace(-1, 2, 8).reshape(2, 4)}, note="x is wide"),
        Case({"x": torch.full((2, 3), 1e4)}, note="x is large", hard=True),
    ]


SUMS = Exercise(
    name="row_sums",
    right=lambda x: x.sum(-1),
    cases=pairs,
    gradients=("x",),
    mistakes=(
        Mistake("largest", "You take the largest entry.", lambda x: x.max(-1).values),
        Mistake("short", "You are right but short.", hard=True, matches=lambda got, want, x: True),
        Mistake("tensors", "You index too far.", raises="out of range"),
    ),
)


@pytest.fixture
def say(capsys):
    """Judge one answer and return what the student reads, without the mark and the name."""

    def judged(student, exercise=SUMS):
        verdict = judge(student, exercise)
        printed = capsys.readouterr().out
        assert printed == f"{verdict}\n"
        return verdict.message

    return judged


def test_verdict_shows_a_mark_and_words_and_is_printed_once(capsys):
    """Colour alone, nothing at all, or the same line twice in a notebook cell."""
    verdict = judge(lambda x: x.sum(-1), SUMS)
    assert capsys.readouterr().out == "✔ row_sums: Right.\n"
    assert repr(verdict) == str(verdict) == "✔ row_sums: Right."
    verdict._ipython_display_()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict(True, "Right.", "f"), "✔ f: Right."),
        (Verdict(False, "Wrong.", "f"), "✘ f: Wrong."),
        (Verdict(False, "Not attempted yet.", "f"), "○ f: Not attempted yet."),
        (Verdict(True, "Right."), "✔ Right."),
    ],
)
def test_verdict_marks(verdict, text):
    """An untouched stub marked as a failure discourages before the start."""
    assert str(verdict) == text


def test_require_lets_a_right_solution_pass_and_stops_the_build_on_a_wrong_one():
    """A wrong solution in the book that prints a cross, and nobody looks."""
    right, wrong = Verdict(True, "Right.", "f"), Verdict(False, "You forgot.", "f")
    assert right.require() is right
    with pytest.raises(AssertionError, match="f: You forgot"):
        wrong.require()


def test_console_without_ticks_gets_ascii(monkeypatch):
    """UnicodeEncodeError from a check in a terminal with an old code page."""
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    verdict = judge(lambda x: x.sum(-1), SUMS)
    console.seek(0)
    assert console.read().strip() == "[right] row_sums: Right."
    assert verdict.passed


def stub(x):
    raise NotImplementedError("Exercise 1.1")


def bare_stub(x):
    raise NotImplementedError


def missing_method(x):
    return torch.distributions.ExponentialFamily(validate_args=False).entropy()


@pytest.mark.parametrize("student", [stub, bare_stub, lambda x: stub(x)])
def test_stub_is_not_attempted(student, say):
    """A stub that counts as an error, or as wrong."""
    assert say(student) == "Not attempted yet."


def test_library_that_raises_not_implemented_is_an_error_of_the_student(say):
    """PyTorch raises NotImplementedError too: "not attempted" after an hour of work insults."""
    assert "raised NotImplementedError when called with x = " in say(missing_method)
    for student in (lambda x: x.to("meta").cpu(), lambda x: torch.special.ndtri(x.half())):
        assert 'raised NotImplementedError ("' in say(student)


def test_named_mistake_goes_before_the_diagnosis(say):
    """The generic sentence where a better one is in the table."""
    assert say(lambda x: x.max(-1).values) == "You take the largest entry."


def test_hard_cases_are_judged_after_the_ordinary_ones_with_their_own_hints(say):
    """ "Right for moderate values" said of an answer that is wrong for them too."""
    assert say(lambda x: x.clip(max=100).sum(-1)) == "You are right but short."
    assert "right but short" not in say(lambda x: x.clip(max=1).sum(-1))


def test_error_with_a_known_text_gets_its_hint(say):
    """The raw exception where the table explains it."""
    assert say(lambda x: x[:, :7].sum(-1) + x[0, 7]) == (
        'Your function raised IndexError ("index 7 is out of bounds for dimension 1 with size 2") '
        "when called with x = tensor([[1.0, -2.0], [3.0, 4.0], [0.5, 6.0]])."
    )

    def student(x):
        raise IndexError("list index out of range")

    assert say(student) == "You index too far."


def test_error_in_one_case_says_what_is_special_about_it(say):
    """An error message with a shape but without the reason."""

    def student(x):
        if x.shape[1] == 4:
            raise ValueError("too wide\nand more")
        return x.sum(-1)

    assert say(student) == (
        'Your function raised ValueError ("too wide") when called with '
        "x = a tensor of shape (2, 4) (x is wide)."
    )


@pytest.mark.parametrize(
    ("student", "piece"),
    [
        (lambda x: x, "not summed yet: sum over axis 1"),
        (lambda x: x.sum(), "also summed over axis 0, which should be kept"),
        (lambda x: x.sum(-1).mean(), "also averaged over axis 0, which should be kept"),
        (lambda x: 3 * x.shape[1] * x.T, "The shape is (2, 3) where (3,) is asked."),
        (lambda x: x * x.shape[1], "not averaged yet: average over axis 1"),
        (lambda x: x.sum(-1)[None], "is (1, 3) where (3,) is asked: there is an axis of size 1"),
        (lambda x: x.sum(0), "The shape is (2,) where (3,) is asked."),
        (lambda x: x.mean(-1), "right ones divided by the size of axis 1 of x: look for a mean"),
        (lambda x: len(x) * x.sum(-1), "the right ones multiplied by the size of axis 0 of x"),
        (lambda x: -x.sum(-1), "-1 times the right ones: the sign is flipped"),
        (lambda x: 2 * x.sum(-1), "2 times the right ones: look for a missing 1/2"),
        (lambda x: x.sum(-1) / 2, "0.5 times the right ones: look for a 1/2 too many"),
        (lambda x: x.sum(-1) / np.log(2), "1.443 times the right ones: they are in bits"),
        (lambda x: 7 * x.sum(-1), "7 times the right ones, in every case"),
        (lambda x: x.sum(-1) - 0.25, "the right ones plus -0.25, in every case"),
        (lambda x: x.sum(-1) / 0, "contains infinity"),
        (lambda x: x.sum(-1) * float("nan"), "contains NaN"),
        (lambda x: x[:, 0], "entry [0] of the result should be -1, but yours is 1."),
        (lambda x: 0 * x.sum(-1), "entry [0] of the result should be -1, but yours is "),
        (lambda x: torch.zeros((1,) * 12), "The shape is (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"),
        (lambda x: x.sum(-1).tolist(), "the result is of type list: return a torch tensor"),
        (lambda x: (x.sum(-1),), "returned a tuple of 1"),
        (lambda x: "six", "returned a str, which is not a tensor of numbers"),
        (lambda x: x.sum(-1).detach(), "no gradient can flow back"),
        (lambda x: x.sum(-1).detach() + torch.zeros(1).requires_grad_(), "flows back to x"),
        (lambda x: x.detach().sum(-1) + 0 * x.sum(-1), "gradient with respect to x is wrong"),
        (lambda x: x.sum(-1) + 0 * (x * 0).sqrt().sum(-1), "with respect to x contains NaN"),
        (torch.no_grad()(lambda x: x.sum(-1)), "no gradient can flow back"),
    ],
)  # fmt: skip
def test_unknown_mistake_is_diagnosed(student, piece, say):
    """ "Wrong." for an answer that is a factor, an axis or a detach() away from right."""
    assert piece in say(student)


def test_extra_axis_first_or_last_and_reordered_axes_are_told():
    """(B, 1) for (B,), a matrix for its transpose, a row for a matrix."""
    want = torch.arange(6.0).reshape(2, 3)
    assert "in another order, which .permute(1, 0)" in diagnose([want.T], [want], [{}])
    assert "they need a reshape" in diagnose([want.reshape(-1)], [want], [{}])
    assert "too few" in diagnose([want[0]], [want[:1]], [{}])


@pytest.mark.parametrize("change", [torch.sum, lambda w: w[None], lambda w: w + 1.7])
def test_cases_with_different_numbers_of_axes_are_diagnosed_too(change):
    """A sum over everything, with answers of two axes and of one, raised IndexError."""
    wants = [torch.arange(6.0).reshape(2, 3), torch.arange(4.0)]
    assert diagnose([change(w) for w in wants], wants, [{}, {}])


def test_input_changed_in_place_is_reported_and_does_not_spoil_the_next_case(say):
    """A student who writes into x judges the second run on the wreck of the first."""
    assert say(lambda x: x.cumsum_(-1)[:, -1]) == (
        "Your function changes its argument x in place: work on a copy of it."
    )
    assert "in place" in say(lambda x: x.mul_(2).sum(-1))
    assert say(lambda x: x.sum(-1)) == "Right."


@pytest.mark.parametrize(
    "mode",
    [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")],
    ids=["no_grad", "inference_mode", "default device"],
)
def test_check_works_whatever_the_notebook_has_switched(mode, say):
    """Every answer fails after a notebook cell under no_grad, or with the GPU as default device."""
    with mode():
        assert say(lambda x: x.sum(-1)) == "Right."


def test_an_exit_in_the_students_function_is_an_error_like_others(say):
    """`exit()` in an exercise kills the kernel."""
    assert say(lambda x: sys.exit(3)).startswith('Your function raised SystemExit ("3")')


def test_nothing_escapes_even_from_a_broken_check(capsys):
    """A bug of ours must not stop the student's notebook."""
    assert not deliver("f", lambda: 1 / 0).passed
    assert "could not be read (ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.parametrize(
    "value",
    [1, 1.0, True, np.float32(1), np.array(1), torch.tensor(1), torch.tensor(1.0).half()],
    ids=repr,
)
def test_one_number_in_any_type_is_read(value):
    """An int, a NumPy float and a 0-d tensor are the same answer."""
    assert torch.equal(numbers(value), torch.tensor(1.0, dtype=torch.float64))


def test_values_are_described_in_few_characters():
    """A message that fills the screen with a tensor."""
    assert brief(torch.zeros(10, 10)) == "a tensor of shape (10, 10)"
    assert brief(torch.tensor([1 / 3, 2])) == "tensor([0.3333, 2.0])"
    assert brief(torch.tensor(0.5)) == "tensor(0.5)"
    assert brief(list(range(100))) == "a list"
    assert call_text({"k": 3, "sd": 0.1 + 0.2}, "both small") == "k = 3, sd = 0.3 (both small)"
    assert len(error_text(ValueError("long " * 100))) < 200


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: torch.randn(3),
        lambda g: torch.manual_seed(0),
        lambda g: np.random.rand(),  # noqa: NPY002
        lambda g: __import__("random").random(),
    ],
    ids=["torch", "torch seed", "numpy", "random"],
)  # fmt: skip
def test_watch_sees_the_global_random_states_move(draw, capsys):
    """A student who ignores the generator passes, or fails only in some runs."""
    moved = []
    deliver("f", lambda: moved.append(_sampling.watch(draw)))
    assert moved[0].moved_global
    assert not moved[0].moved_generator


def test_watch_sees_the_generator_move(capsys):
    """A right answer accused of ignoring its generator."""
    moved = []
    deliver("f", lambda: moved.append(_sampling.watch(lambda g: torch.randn(3, generator=g))))
    assert moved[0].moved_generator
    assert not moved[0].moved_global


def test_two_chapters_cannot_offer_one_name(monkeypatch):
    """The later chapter's check silently replaces the earlier one's."""
    twin = types.ModuleType("vae_teach.check.ch06")
    twin.__all__, twin.squared_error = ["squared_error"], len
    monkeypatch.setitem(sys.modules, "vae_teach.check.ch06", twin)
    with pytest.raises(ImportError, match="the check squared_error of ch06 exists already"):
        runpy.run_path(
            check.__file__, init_globals={"__path__": check.__path__}, run_name=check.__name__
        )


def test_every_offered_check_has_a_signature_in_its_docstring():
    """`check.vae_loss?` in a notebook that does not say what the function takes and returns."""
    for name in check.__all__:
        if name != "Verdict":
            assert "->" in getattr(check, name).__doc__, name
