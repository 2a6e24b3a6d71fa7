"""The machinery of the checks, on exercises made up here."""

import contextlib
import inspect
import io
import itertools
import math
import signal
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from vae_teach import check
from vae_teach.check.engine import limit, registry, sampling
from vae_teach.check.engine.answers import one_of, read_dictionary, read_row
from vae_teach.check.engine.call import Fault, call, numbers
from vae_teach.check.engine.diagnose import diagnose
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, deliver, judge
from vae_teach.check.engine.rules import LOG_WEIGHTS, LOGVAR, Role
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import apart, brief, call_text, error_text


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
        (lambda x: 0 * x.sum(-1), "all 0, whatever the input, and the right ones differ"),
        (lambda x: torch.zeros((1,) * 12), "The shape is (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"),
        (lambda x: x.sum(-1).tolist(), "they come as a list: return a torch tensor"),
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
    deliver("f", lambda: moved.append(sampling.watch(draw)))
    assert moved[0].moved_global
    assert not moved[0].moved_generator


def test_watch_sees_the_generator_move(capsys):
    """A right answer accused of ignoring its generator."""
    moved = []
    deliver("f", lambda: moved.append(sampling.watch(lambda g: torch.randn(3, generator=g))))
    assert moved[0].moved_generator
    assert not moved[0].moved_global


@pytest.mark.parametrize("register", [registry.check({}), registry.helper])
def test_two_functions_cannot_be_offered_under_one_name(register):
    """The later chapter's check silently replaces the earlier one's."""

    def share_inside(student):
        return student

    before = registry.CHECKS["share_inside"]
    with pytest.raises(ImportError, match=r"the check share_inside of .* exists already"):
        register(share_inside)
    assert registry.CHECKS["share_inside"] is before and "share_inside" not in registry.HELPERS


def test_a_check_has_the_name_of_its_exercise():
    """A sentence that names an exercise which no notebook calls."""
    exercise = Exercise("right_name", right=len, cases=list, mistakes=())
    with pytest.raises(ValueError, match="judges the exercise right_name"):

        @registry.check(exercise)
        def wrong_name(student):
            return student


def test_a_name_that_no_check_has_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"no check 'vea_loss'; there are .*vae_loss"):
        check.vea_loss  # noqa: B018
    assert {"vae_loss", "factor_data", "holds"} <= set(dir(check))


def test_every_offered_check_has_a_signature_in_its_docstring():
    """`check.vae_loss?` in a notebook that does not say what the function takes and returns."""
    judges_functions = []
    for name in registry.CHECKS:
        offered = getattr(check, name)
        if inspect.isfunction(offered):
            parameters = list(inspect.signature(offered).parameters.values())
            if parameters and parameters[0].annotation is Callable:
                judges_functions.append(name)
                assert "->" in offered.__doc__, name
    assert len(judges_functions) >= 20


# --- harsher calls, from the roles of the arguments ----------------------------------------------

LOGS = Exercise(
    name="log_mean",
    right=lambda log_w: log_w.logsumexp(0) - math.log(len(log_w)),
    cases=lambda: [Case({"log_w": torch.randn(n, b, generator=seeded(n))}) for n, b in SIZES],
    roles={"log_w": Role("KB", LOG_WEIGHTS)},
    ones="BK",
    mistakes=(),
)
COSTS = Exercise(
    name="cost",
    right=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1),
    cases=lambda: [
        Case(dict(zip(("mu", "logvar"), torch.randn(2, n, b, generator=seeded(n)), strict=True)))
        for n, b in SIZES
    ],
    roles={"mu": Role("BL"), "logvar": Role("BL", LOGVAR)},
    mistakes=(),
)
SIZES = [(4, 3), (5, 2)]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def average(w, shift):
    return (w - shift).exp().mean(0).log() + shift


def cached(function):
    """A student who keeps results by the shape of the argument."""
    kept = {}
    return lambda *args: kept.setdefault(args[0].shape, function(*args))


def in_turn(*functions):
    turns = itertools.cycle(functions)
    return lambda *args: next(turns)(*args)


@pytest.mark.parametrize(
    ("student", "piece"),
    [
        (lambda w: average(w, w.max()), "they are infinite or NaN: subtract the largest of each"),
        (lambda w: average(w.double(), 0), "for columns of log-weights that lie hundreds apart"),
        (lambda w: average(w, w.mean(0)), "for a column whose log-weights lie 2,000 apart they"),
        (lambda w: average(w.double(), w.min(0).values), "lie 2,000 apart they are infinite"),
        (lambda w: average(w, w.median(0).values), "lie 2,000 apart they are infinite"),
        (lambda w: average(w, w.max(0).values).squeeze(), "a batch of one the shape is ()"),
        (cached(LOGS.right), "but for a later call of the same sizes entry [0]"),
        (lambda w: average(w[:6], w[:6].max(0).values), "but for an axis K of size 9"),
        (lambda w: average(w, w.max(0).values)[:7], "for 9 examples the shape is (7,)"),
        (
            lambda w: ((w - w.amax(0)).exp().mean(0) + 1e-6).log() + w.amax(0),
            "for 4,096 draws of which one has nearly all the weight entry [0] of the result",
        ),
    ],
)
def test_log_weights_are_tried_at_all_the_sizes_they_take(student, piece, say):
    """One maximum for all columns, the mean for the maximum, a squeeze, a cache, a fixed size."""
    assert piece in say(student, LOGS)


@pytest.mark.parametrize(
    ("student", "piece"),
    [
        (lambda m, v: COSTS.right(m, v.clamp(-4, 11)), "logvar between -40 and -30 entry [0]"),
        (lambda m, v: COSTS.right(m, v.clamp(max=6)), "logvar between 7 and 10 entry"),
        (lambda m, v: COSTS.right(m, (v.exp() + 1e-4).log()), "a constant added to the variance"),
        (lambda m, v: COSTS.right(m, v).squeeze(), "a batch of one the shape is ()"),
    ],
)
def test_log_variances_are_tried_from_minus_40_to_10(student, piece, say):
    """A clamp, which a trained encoder runs into, or a variance kept away from 0."""
    assert piece in say(student, COSTS)


def test_values_that_go_wrong_for_one_example_alone_are_no_matter_of_a_squeeze(say):
    """Advice on a shape that is right."""
    student = lambda mu, logvar: COSTS.right(mu, logvar) * (1 + (len(mu) == 1))  # noqa: E731
    message = say(student, COSTS)
    assert "for a batch of one entry [0] of the result should be" in message
    assert message.endswith("look for what depends on how many there are.")


def test_wrong_values_that_change_from_call_to_call_are_told_so(say):
    """ "Should be 0.5, but yours is 0.488", for an answer that draws."""
    student = lambda x: x.sum(-1) + torch.randn(len(x))  # noqa: E731
    assert "a second call with the same arguments gives others: draw no random" in say(student)


@pytest.mark.parametrize("exercise", [LOGS, COSTS], ids=["logs", "costs"])
def test_right_answers_pass_the_harsher_calls(exercise, say):
    """A rule that float32 cannot follow turns every right answer down."""
    assert say(exercise.right, exercise) == "Right."
    float32 = lambda *args: exercise.right(*(a.float() for a in args))  # noqa: E731
    assert say(float32, exercise) == "Right."


def test_an_answer_that_differs_in_a_second_call_is_refused(say):
    """Draws of one's own where a formula is asked, right by chance or on average."""
    student = in_turn(*[LOGS.right] * 2, lambda w: LOGS.right(w) + 0.01)
    assert "but for a later call of the same sizes" in say(student, LOGS)


def test_a_later_call_has_other_numbers_in_every_argument(say):
    """A fit kept from the first call, which the same data with other examples never shows."""
    fitted = Exercise(
        name="slopes",
        right=lambda t, x: x @ t.mean(0),
        cases=lambda: [
            Case({"t": torch.rand(n, b, generator=seeded(n)), "x": torch.rand(3, b)})
            for n, b in SIZES
        ],
        roles={"t": Role("ND"), "x": Role("BD")},
        fixed="ND",
        mistakes=(),
    )
    means = {}
    student = lambda t, x: x @ means.setdefault(t.shape, t.mean(0))  # noqa: E731
    torch.manual_seed(0)
    assert "but for a later call of the same sizes entry [0]" in say(student, fitted)
    assert say(fitted.right, fitted) == "Right."


# --- several parts --------------------------------------------------------------------------------

MOMENTS = Exercise(
    name="moments",
    right=lambda x: (x.mean(0), x.var(0)),
    cases=lambda: [Case({"x": torch.randn(n, b, generator=seeded(n))}) for n, b in SIZES],
    mistakes=(Mistake("swapped", "You swap them.", lambda x: (x.var(0), x.mean(0))),),
    parts=("mean", "variance"),
)


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (lambda x: [x.mean(0), x.var(0)], "Right."),
        (lambda x: (x.mean(0).numpy(), x.var(0).tolist()), "Right."),
        (lambda x: (x.var(0), x.mean(0)), "You swap them."),
        (lambda x: x.mean(0), "Your function returned a Tensor: return 2 things, mean, variance."),
        (lambda x: (1, 2, 3), "Your function returned a tuple of 3: return 2 things, mean,"),
        (lambda x: (x.mean(0), 2 * x.var(0)), "In the variance: your values are 2 times the right"),
        (lambda x: None, "Your function returned None: is its `return` missing?"),
        (lambda x: (x.mean(0), None), "Your function returned None: is its `return` missing?"),
    ],
)
def test_a_result_of_several_parts_is_judged_part_by_part(student, message, say):
    """A message that does not say which of two results is wrong."""
    assert say(student, MOMENTS).startswith(message)


# --- numbers in sentences -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "texts"),
    [
        (1.05, 1.0504, ("1.05", "1.0504")),
        (8, 6, ("8", "6")),
        (0.1, 0.1, ("0.1", "0.1")),
        (1e-9, 1.0000001e-9, ("1e-09", "1.0000001e-09")),
    ],
)
def test_two_numbers_are_shown_with_as_many_digits_as_tell_them_apart(one, other, texts):
    """ "should be 1.05, but yours is 1.05"."""
    assert apart(one, other) == texts


SCALED = Exercise(
    name="scaled",
    right=lambda x, y, width, n: x.exp() / width**2 + n * y,
    cases=lambda: [
        Case(
            {"x": torch.randn(n, generator=seeded(n)), "y": torch.randn(n, generator=seeded(n + 9)),
             "width": 0.5 + n, "n": n}
        )
        for n in (3, 4)
    ],
    mistakes=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("student", "text"),
    [
        (lambda x, y, width, n: x.exp() / width**2, "0 in place of y, as if y were not used"),
        (lambda x, y, width, n: (-x).exp() / width**2 + n * y, "-x in place of x"),
        (lambda x, y, width, n: (x / 2).exp() / width**2 + n * y, "x / 2 in place of x"),
        (lambda x, y, width, n: y.exp() / width**2 + n * x, "x and y exchanged"),
        (lambda x, y, width, n: x.exp() / width + n * y, "the root of width in place of width"),
        (lambda x, y, width, n: x.exp() + n * y, "1 in place of width, as if width were not used"),
        (lambda x, y, width, n: x.exp() / width**2 + (n - 1) * y, "n - 1 in place of n"),
    ],
)
def test_an_argument_that_was_misread_is_named(student, text, say):
    """Sigma for the variance, n - 1 for n, two arguments exchanged: "should be 3, but is 4"."""
    assert say(student, SCALED) == f"Your values would be right with {text}."


def test_a_negative_number_among_the_arguments_has_no_root_and_breaks_nothing(say):
    """ "Your result could not be read (math domain error)", of a reading that nobody makes."""
    exercise = Exercise(
        name="shifted",
        right=lambda x, m: x - m,
        cases=lambda: [Case({"x": torch.rand(n, generator=seeded(n)), "m": -1.0}) for n in (3, 4)],
        mistakes=(),
    )
    assert say(lambda x, m: x**2 * m, exercise).startswith("For x = tensor(")


def test_a_factor_is_told_though_one_entry_that_should_be_zero_is_rounded():
    """An entry of 1e-8 where 0 is right hides what all the others say."""
    wants = [torch.tensor([1.0, -2.0, 1e-9]).double(), torch.tensor([3.0, 0.5, -1e-9]).double()]
    gots = [3 * want + torch.tensor([0.0, 0.0, 2e-8]) for want in wants]
    assert "3 times the right ones" in diagnose(gots, wants, [{}] * 2)


def scalars(*values):
    return [torch.tensor(float(v), dtype=torch.float64) for v in values]


@pytest.mark.parametrize(
    ("gots", "wants", "piece"),
    [
        ((6, 200_000), (8, 200_266), "should be 8, but yours is 6"),
        ((8, 200_265), (8, 200_266), "should be 200266, but yours is 200265"),
        ((1.0004, 1.0004), (1, 1), "should be 1, but yours is 1.0004"),
        ((2.5, 2.5), (2, 2), "should be 2, but yours is 2.5"),  # a factor or a difference?
        ((1.00025, 2.0005, 3.0015), (1, 2, 3), "should be 1, but yours is 1.0003"),
        ((2, 4, 6), (1, 2, 3), "2 times the right ones"),
        ((2, 3, 4), (1, 2, 3), "plus 1, in every case"),
    ],
)
def test_a_factor_or_a_difference_is_told_only_where_it_holds_for_every_entry(gots, wants, piece):
    """A missing bias called a factor of 0.9999, because the largest entry has no other fault."""
    assert piece in diagnose(scalars(*gots), scalars(*wants), [{}] * len(gots))


def test_rounded_values_are_told_to_be_rounded(say):
    """ "Close but not exact" said of an answer that only lacks its digits."""
    student = lambda m, v: (100 * COSTS.right(m, v)).round() / 100  # noqa: E731
    assert say(student, COSTS) == "Your values are rounded to 2 decimals: return all their digits."


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        (torch.sqrt, "the square roots of the right ones"),
        (torch.square, "the squares of the right ones"),
        (torch.log, "the logarithms of the right ones"),
        (torch.reciprocal, "1 over the right ones"),
        (lambda w: 1 - w, "1 minus the right ones"),
        (lambda w: w.flip(0), "the right ones in reverse order, along axis 0"),
        (lambda w: 0 * w + 2, "all 2, whatever the input"),
        (lambda w: w + math.log(len(w)), "plus the log of the size of axis 0 of x"),
        (lambda w: w - math.log(len(w)), "minus the log of the size of axis 0 of x"),
        (lambda w: w * len(w) / (len(w) - 1), "divided by n - 1 in place of the size of axis 0"),
        (lambda w: w / len(w) ** 0.5, "divided by the root of the size of axis 0 of x"),
    ],
)
def test_a_function_too_many_or_the_size_of_an_axis_is_recognised(change, piece):
    """An example in place of the reason, which is one for every exercise."""
    wants = [torch.rand(n, generator=seeded(n)).double() + 0.5 for n in (3, 5, 8)]
    assert piece in diagnose([change(w) for w in wants], wants, [{"x": w} for w in wants])


# --- names in answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["N(0, I)", " n( 0,I ) ", r"$\mathcal{N}(0, I)$", r"\mathcal N(0,I)", "`N(0, I)`", "N(0, I)."],
)
def test_a_name_may_be_written_in_any_of_the_usual_ways(text):
    """Capitals, spaces, TeX and a full stop, accepted by one check and refused by another."""
    assert one_of(text, ["p(z)", "N(0, I)"]) == "N(0, I)"


@pytest.mark.parametrize(
    "text",
    ["log σ read as log σ²", "Log sigma read as log sigma^2 ", "log_sigma read as log-sigma**2",
     r"$\log\sigma$ read as $\log \sigma^{2}$"],
)  # fmt: skip
def test_greek_letters_and_squares_may_be_spelt_out_or_not(text):
    """A name typed as it is spoken, refused for a letter."""
    options = ["half missing", "log sigma read as log sigma squared"]
    assert one_of(text, options) == options[1]


@pytest.mark.parametrize("thing", [None, 3, np.zeros(2), torch.zeros(2), ["p(z)"], "p(x)", ""])
def test_what_is_no_name_names_nothing(thing):
    """An array compared with a string, whose truth cannot be told."""
    assert one_of(thing, ["p(z)"]) is None


def test_keys_of_a_dictionary_may_be_written_in_any_usual_way():
    """A dictionary with "log evidence" for "log_evidence"."""
    answer = {"Log evidence": 1, " ELBO": np.zeros(2), "gap": None, "note": "x"}
    want = {"log_evidence": 1, "elbo": answer[" ELBO"], "gap": None}
    assert read_dictionary(answer, ("log_evidence", "elbo", "gap")) == want


# --- what a function does besides ----------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "another thread"])
@pytest.mark.parametrize("stubborn", [False, True], ids=["plain", "catches everything"])
def test_a_function_that_never_returns_gets_a_sentence(monkeypatch, in_thread, stubborn, capsys):
    """A check that hangs, in a notebook's main thread or where there are no alarms."""
    monkeypatch.setattr(limit, "SECONDS", 0.3)
    monkeypatch.setattr(limit, "AGAIN", 0.05)
    verdicts, caught = [], []

    def student(x):
        while True:
            try:
                time.sleep(0.001)
            except BaseException:
                caught.append(1)
                if not stubborn or len(caught) > 2:
                    raise

    work = lambda: verdicts.append(judge(student, SUMS))  # noqa: E731
    if in_thread:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    else:
        work()
    assert verdicts[0].message.startswith(
        "Your function was stopped after 0.3 seconds, all calls together, when called with x ="
    )


def test_an_alarm_of_somebody_else_still_rings():
    """A limit that switches off the timer of a test runner or of the notebook."""
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with limit.time_limit(10):
            time.sleep(0.1)
        time.sleep(0.05)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [1]


def test_no_late_stop_reaches_the_reader(monkeypatch):
    """TimeUp raised in the notebook after the check has ended."""
    monkeypatch.delattr(signal, "setitimer")
    for _ in range(200):
        with contextlib.suppress(limit.TimeUp), limit.time_limit(0.001):
            time.sleep(0.001)
    time.sleep(0.01)


def test_a_right_answer_of_another_default_dtype_is_right_and_the_dtype_stays(say):
    """float64 set in the notebook, or inside the function: refused, or left behind."""
    dtype = torch.get_default_dtype()

    def sets_it(mu, logvar):
        torch.set_default_dtype(torch.float64)
        return COSTS.right(mu, logvar) + torch.zeros(len(mu))

    assert say(sets_it, COSTS) == "Right."
    assert torch.get_default_dtype() == dtype
    try:
        torch.set_default_dtype(torch.float64)
        eye = lambda mu, logvar: COSTS.right(mu @ torch.eye(mu.shape[1]), logvar)  # noqa: E731
        assert say(eye, COSTS) == "Right."
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(dtype)


@pytest.mark.parametrize(
    "student",
    [
        lambda x: torch.zeros(1).expand(10**9),
        lambda x: range(10**9),
        lambda x: np.broadcast_to(np.zeros(1), 10**9),
        lambda x: [0.0] * 2_000_000,
    ],
    ids=["tensor", "range", "array", "list"],
)
def test_an_answer_of_far_too_many_numbers_gets_a_sentence(student, say):
    """A thousand million numbers, copied and compared for half a minute."""
    assert "00,000 numbers, far more than the inputs ask for" in say(student)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1).step(),
        lambda model: model.eval(),
        lambda model: next(model.parameters()).requires_grad_(False),
        lambda model: model.norm.running_mean.add_(1),
    ],
    ids=["weights", "mode", "flag", "buffer"],
)
def test_a_model_left_changed_is_named(change):
    """A training step in a function that only asks: the next call finds another model."""

    def model():
        built = torch.nn.Linear(2, 2)
        built.norm = torch.nn.BatchNorm1d(2)
        return built

    def student(model):
        model(torch.ones(1, 2)).sum().backward()
        change(model)

    with pytest.raises(Fault, match="changes its argument model in place"):
        call(student, "f", {"model": model()})
    # gradients may stay: whoever asks for some leaves them
    call(lambda model: model(torch.ones(1, 2)).sum().backward(), "f", {"model": model()})


def test_a_row_of_another_length_is_told_its_length():
    """ "Is a list: give 8 numbers", of a list of seven."""
    with pytest.raises(Fault, match="for x has 1 number: give 2 numbers, a and b"):
        read_row([1.0], "x", ("a", "b"))
    with pytest.raises(Fault, match="for x is a str: give 2 numbers"):
        read_row("12", "x", ("a", "b"))


def test_a_name_with_a_line_break_leaves_the_message_on_one_line(say):
    """A class of a made-up name, which breaks the line in two."""
    odd = type("Odd\nname", (), {})
    assert say(lambda x: odd()) == (
        "Your function returned an Odd name, which is not a tensor of numbers."
    )
    error = type("Odd\nerror", (Exception,), {})

    def student(x):
        raise error("no")

    assert say(student).startswith('Your function raised Odd error ("no") when called')
    assert "\n" not in say(odd())


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a["t"].add_(1),
        lambda a: a["d"].pop("k"),
        lambda a: a["d"]["n"].append(3),
        lambda a: a["l"].reverse(),
        lambda a: a["a"].fill(2),
    ],
    ids=["tensor", "key", "nested", "list", "array"],
)
def test_an_argument_written_into_is_named_whatever_it_is(change):
    """A list emptied or a dictionary changed, whose next reader gets the rest."""

    def args():
        return {
            "t": torch.zeros(2), "l": [1, 2], "d": {"k": 1, "n": [torch.ones(1)]},
            "a": np.ones(2), "g": torch.Generator(),
        }  # fmt: skip

    def student(t, l, d, a, g):  # noqa: E741
        torch.randn(1, generator=g)
        change({"t": t, "l": l, "d": d, "a": a})

    with pytest.raises(Fault, match=r"changes its argument [tlda] in place"):
        call(student, "f", args())
    call(lambda t, l, d, a, g: torch.randn(1, generator=g), "f", args())  # noqa: E741


def test_a_parameter_may_have_another_name():
    """`g` for `generator`: refused although the call can be made."""
    args = {"x": 1, "generator": 2}
    for student in (
        lambda x, generator: (x, generator),
        lambda x, g: (x, g),
        lambda x, *, generator: (x, generator),
    ):
        assert call(student, "f", args, keywords=("generator",)) == (1, 2)
    with pytest.raises(Fault, match=r"takes \(x\), but the check calls it with \(x, generator="):
        call(lambda x: x, "f", args, keywords=("generator",))


def test_kolmogorovs_distance_by_hand():
    """Catches the gap below a step, or above it, left out, and a distance that is not scaled."""
    assert sampling.kolmogorov_distance(torch.zeros(1)) == pytest.approx(0.5)
    ranks = torch.tensor([0.9, 0.1, 0.2, 0.3])  # three of four lie below 0.3: 0.75 - 0.3 = 0.45
    assert sampling.kolmogorov_distance(ranks, "uniform") == pytest.approx(0.45 * 2)
    assert sampling.kolmogorov_distance(1 - ranks, "uniform") == pytest.approx(0.45 * 2)
