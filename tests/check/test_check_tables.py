"""Every check against the tables `WRONG`, `UNNAMED`, `RIGHT` of its chapter's test_check_*.py.

WRONG[check][name of the mistake] is what a student would write; the check must answer with the
hint of that name. UNNAMED[check][what] = (function, piece of the sentence) holds wrong answers
without a hint of their own. RIGHT[check][how it is written] must be accepted.
A chapter whose checks are not all handed a function says which in ANSWERS, a set of names.
"""

import contextlib
import functools
import importlib
import io
import itertools
import json
import pkgutil
import random
import re
import sys
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from vae_teach import check
from vae_teach.check.engine.call import numbers
from vae_teach.check.engine.diagnose import RELATIVE_TOLERANCE
from vae_teach.check.engine.exercise import Exercise, evaluate_parts
from vae_teach.check.engine.registry import CHECKS as OFFERED

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
MODULES = {
    found.name: importlib.import_module(f"vae_teach.check.{found.name}")
    for found in pkgutil.iter_modules(check.__path__)
    if found.name != "engine"
}
CHAPTERS = {name: importlib.import_module(f"test_check_{name}") for name in MODULES}
HINTS = {name: found.hints for name, found in OFFERED.items()}
ANSWERED = {name for chapter in CHAPTERS.values() for name in getattr(chapter, "ANSWERS", ())}
CHECKS = sorted(OFFERED)
HANDED_A_FUNCTION = sorted(set(CHECKS) - ANSWERED)
EXERCISES = {
    value.name: value
    for name in sys.modules
    if name.startswith("vae_teach.check.")
    for value in vars(sys.modules[name]).values()
    if isinstance(value, Exercise)
}


def table(kind):
    """[(check, name, answer)] over all chapters."""
    return [
        pytest.param(exercise, name, answer, id=f"{exercise}-{name}")
        for chapter in CHAPTERS.values()
        for exercise, answers in getattr(chapter, kind).items()
        for name, answer in answers.items()
    ]


WRONG, UNNAMED, RIGHT = table("WRONG"), table("UNNAMED"), table("RIGHT")


def verdict_on(exercise, answer):
    with contextlib.redirect_stdout(io.StringIO()):
        return getattr(check, exercise)(answer)


def random_states():
    of_numpy = np.random.get_state()[1]  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), of_numpy.tobytes(), random.getstate()


def seed_all(seed):
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002


@functools.cache
def verdict_at(kind, place):
    """The verdict on one entry of WRONG, UNNAMED or RIGHT, which several tests look at.

    The random states are the same before each and must be the same after it.
    """
    exercise, _, answer = {"WRONG": WRONG, "UNNAMED": UNNAMED, "RIGHT": RIGHT}[kind][place].values
    seed_all(1)
    before = random_states()
    verdict = verdict_on(exercise, answer[0] if kind == "UNNAMED" else answer)
    assert random_states() == before, "the check moved a global random state"
    return verdict


def numbered(entries):
    """The entries with their places, for `verdict_at`."""
    return [pytest.param(i, *p.values, id=p.id) for i, p in enumerate(entries)]


@pytest.mark.parametrize(("place", "exercise", "name", "answer"), numbered(RIGHT))
def test_right_answer_is_accepted_however_it_is_written(place, exercise, name, answer):
    """A check that knows one way of writing turns a right answer down."""
    verdict = verdict_at("RIGHT", place)
    assert verdict.passed, verdict
    assert verdict.require() is verdict


@pytest.mark.parametrize(("place", "exercise", "name", "answer"), numbered(WRONG))
def test_wrong_answer_is_rejected_with_the_hint_for_its_mistake(place, exercise, name, answer):
    """A check that accepts a usual mistake, or sends the student to look for another one."""
    verdict = verdict_at("WRONG", place)
    assert not verdict.passed
    assert HINTS[exercise][name].split("{")[0] in verdict.message
    with pytest.raises(AssertionError, match=exercise):
        verdict.require()


@pytest.mark.parametrize(("place", "exercise", "name", "answer"), numbered(UNNAMED))
def test_wrong_answer_without_a_hint_is_still_diagnosed(place, exercise, name, answer):
    """A mistake nobody foresaw that gets "wrong" for an answer, or passes."""
    verdict = verdict_at("UNNAMED", place)
    assert not verdict.passed
    assert answer[1] in verdict.message


def test_mutation_score(capsys):
    """Prints how many wrong answers are rejected; fails unless it is all of them."""
    wrong = [verdict_at("WRONG", i) for i in range(len(WRONG))]
    wrong += [verdict_at("UNNAMED", i) for i in range(len(UNNAMED))]
    right = [verdict_at("RIGHT", i) for i in range(len(RIGHT))]
    rejected = sum(not verdict.passed for verdict in wrong)
    accepted = sum(verdict.passed for verdict in right)
    with capsys.disabled():
        print(
            f"\nchecks: {rejected} of {len(wrong)} wrong answers rejected, "
            f"{accepted} of {len(right)} right answers accepted, {len(CHECKS)} exercises"
        )
    assert rejected == len(wrong)
    assert accepted == len(right)


@pytest.mark.parametrize("exercise", CHECKS)
def test_every_check_has_full_tables(exercise):
    """A check added without tables, a hint no wrong answer has ever drawn, fewer than 3 right."""
    wrong = {p.values[1] for p in WRONG if p.values[0] == exercise}
    assert wrong == set(HINTS[exercise])
    assert sum(p.values[0] == exercise for p in RIGHT) >= 3


@pytest.mark.parametrize("exercise", CHECKS)
def test_hints_are_single_different_sentences(exercise):
    """Two mistakes with one sentence, or a hint that is a paragraph."""
    hints = list(HINTS[exercise].values())
    assert len(set(hints)) == len(hints)
    for hint in hints:
        assert ". " not in hint.rstrip()
        assert len(hint) < 200
        assert hint[0].isupper()


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_cases_tell_all_mistakes_apart(exercise):
    """Cases on which two mistakes, or a mistake and the truth, give the same numbers.

    The margin is 100 tolerances, so rounding in float32 cannot confuse them either.
    """
    cases = [case for case in exercise.cases() if not case.hard]

    def results(answer, part):
        found = [evaluate_parts(answer, case) for case in cases]
        i = exercise.parts.index(part) if part and len(found[0]) > 1 else 0
        return [(one[i],) for one in found] if part else found

    for part in ("", *exercise.parts):
        answers = [("right", results(exercise.right, part))]
        for mistake in exercise.mistakes:
            if mistake.answer is not None and mistake.part == part:
                ways = mistake.answer if isinstance(mistake.answer, tuple) else (mistake.answer,)
                answers += [(mistake.name, results(way, part)) for way in ways]
        for (a, one), (b, other) in itertools.combinations(answers, 2):
            margin = max(
                gap for x, y in zip(one, other, strict=True) for gap in map(distance, x, y)
            )
            assert a == b or margin > 100 * RELATIVE_TOLERANCE, f"{a} and {b}: {margin:.2g} only"


def distance(one, other):
    """The largest difference, in units of the second's mean size."""
    if one.shape != other.shape or (one.isnan() != other.isnan()).any():
        return float("inf")
    gap = (one - other).abs().nan_to_num(0).max()
    return (gap / other.abs().nan_to_num(0).mean().clamp(min=1e-9)).item()


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_cases_are_the_same_every_time_and_shared_with_nobody(exercise):
    """Inputs from an unseeded generator, or one tensor handed out twice and spoilt by the first."""
    for one, two in zip(exercise.cases(), exercise.cases(), strict=True):
        for name, value in one.args.items():
            if isinstance(value, torch.Tensor):
                torch.testing.assert_close(value, two.args[name], rtol=0, atol=0, equal_nan=True)
                assert value.data_ptr() != two.args[name].data_ptr()
            else:
                assert value == two.args[name]


@pytest.mark.parametrize("exercise", CHECKS)
def test_verdict_does_not_depend_on_the_global_random_state(exercise):
    """A check that draws from the global state: another verdict in another notebook."""
    places = [i for i, p in enumerate(RIGHT) if p.values[0] == exercise]
    assert verdict_at("RIGHT", places[0]).passed
    seed_all(2)
    assert verdict_on(exercise, RIGHT[places[0]].values[2]).passed


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class HostileArray:
    def __array__(self, *args, **kwargs):
        raise ZeroDivisionError("no array")


ERRORS = [
    ValueError("two\nlines"), TypeError(), NotImplementedError("Exercise 1.1"), RecursionError(),
    MemoryError(), StopIteration(3), SystemExit(2), Unprintable(), AssertionError("x" * 1000),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), Warning("w"),
    ExceptionGroup("g", [OSError()]),
]  # fmt: skip
SHAPES = st.lists(st.integers(0, 4), max_size=6)
FIXED = [
    None, "a string", b"bytes", {}, {"loss": 1.0}, set(), object(), Ellipsis, HostileArray(),
    HostileArray, [], [[]], [1, [2, 3]], ["1.0"], (), (1.0, 2.0), iter([1]), print, 10**400, 1 + 2j,
    float("nan"), float("inf"), True, np.float32(1), np.array(["a"]), np.array([None]), np.zeros(0),
    np.array(3), np.datetime64("2020-01-01"), torch.nn.Linear(2, 2), torch.empty(3, device="meta"),
    torch.zeros(2, dtype=torch.complex64), torch.eye(3).to_sparse(), torch.zeros(2).bool(),
    [torch.zeros(2), torch.zeros(3)], [torch.ones(2, requires_grad=True)] * 2,
    torch.ones(2, requires_grad=True), torch.zeros((1,) * 30), torch.tensor([]),
]  # fmt: skip
GARBAGE = st.one_of(
    st.sampled_from(FIXED),
    st.floats(),
    st.lists(st.floats(width=32), max_size=4),
    SHAPES.map(torch.zeros),
    SHAPES.map(np.ones),
    SHAPES.map(lambda s: torch.full(s, float("nan"))),
    SHAPES.map(lambda s: torch.ones(s, dtype=torch.int8)),
)
# What an answer may hold where a chapter's own keys and words are expected.
KEYS = sorted(
    {
        key
        for p in RIGHT
        if p.values[0] in ANSWERED and isinstance(p.values[2], dict)
        for key in p.values[2]
    }
    | {"", "another"},
    key=str,
)
TEXTS = st.one_of(st.text(max_size=9), st.lists(st.text("=<>mu^sigma12(log)[] ", max_size=9)))


QUIET = {"derandomize": True, "suppress_health_check": list(HealthCheck)}
# These read results in a way of their own; the others by that of the machinery, tried below.
OF_THEIR_OWN = sorted(set(HANDED_A_FUNCTION) - set(EXERCISES))


def require_a_sentence(verdict):
    assert not verdict.passed
    assert verdict.message.endswith((".", "?"))
    assert "could not be read" not in verdict.message  # the last resort; name the fault instead


@pytest.mark.parametrize("exercise", sorted(EXERCISES))
@settings(max_examples=8, **QUIET)
@given(result=GARBAGE)
def test_no_result_makes_a_check_raise(exercise, result):
    """A traceback from inside the check where the student should read a sentence."""
    require_a_sentence(verdict_on(exercise, lambda *args, **kwargs: result))


@pytest.mark.parametrize("exercise", OF_THEIR_OWN)
@settings(max_examples=40, **QUIET)
@given(result=GARBAGE)
def test_no_result_makes_a_check_of_its_own_kind_raise(exercise, result):
    """The same where the result is read by the check itself."""
    require_a_sentence(verdict_on(exercise, lambda *args, **kwargs: result))


@pytest.mark.parametrize("exercise", ["share_inside", "log_mean_exp", *OF_THEIR_OWN])
@pytest.mark.parametrize("result", FIXED, ids=lambda r: type(r).__name__)
def test_no_odd_result_makes_a_check_raise(exercise, result):
    """The same for each of the odd things that random ones may leave out."""
    require_a_sentence(verdict_on(exercise, lambda *args, **kwargs: result))


@pytest.mark.parametrize("exercise", sorted(ANSWERED))
@settings(max_examples=40, **QUIET)
@given(answer=st.one_of(GARBAGE, st.dictionaries(st.sampled_from(KEYS), GARBAGE), TEXTS))
def test_no_answer_makes_a_check_raise(exercise, answer):
    """The same for checks that take an answer: a number, a dictionary, a few lines of text."""
    require_a_sentence(verdict_on(exercise, answer))


@pytest.mark.parametrize("exercise", sorted(ANSWERED))
def test_an_answer_left_open_is_not_attempted_yet(exercise):
    """An untouched exercise marked as wrong, or a wrong answer marked as untouched."""
    assert verdict_on(exercise, None).message == "Not attempted yet."
    for place in (i for i, p in enumerate(WRONG) if p.values[0] == exercise):
        assert verdict_at("WRONG", place).message != "Not attempted yet.", WRONG[place].id


def every_road_of(things, usual):
    """All of them for one exercise of the machinery and each of its own kind, one for the rest."""
    every = ["share_inside", *OF_THEIR_OWN]
    rest = [name for name in HANDED_A_FUNCTION if name not in every]
    return [*itertools.product(every, things), *((name, usual) for name in rest)]


def names_of(value):
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize("exercise, error", every_road_of(ERRORS, ERRORS[0]), ids=names_of)
def test_no_exception_escapes_from_a_check(exercise, error):
    """A student's exception stops the notebook."""

    def student(*args, **kwargs):
        raise error

    message = verdict_on(exercise, student).message
    if isinstance(error, NotImplementedError):
        assert message == "Not attempted yet."
    else:
        assert type(error).__name__ in message
        assert "when called with" in message


NO_FUNCTIONS = [3, None, "f", torch.zeros(2), [len]]


@pytest.mark.parametrize("exercise, thing", every_road_of(NO_FUNCTIONS, 3), ids=names_of)
def test_passing_something_else_than_a_function_is_explained(exercise, thing):
    """check.f(f(x)) instead of check.f(f): "object is not callable" tells a beginner nothing."""
    assert "needs your function itself" in verdict_on(exercise, thing).message


@pytest.mark.parametrize("exercise", HANDED_A_FUNCTION)
def test_wrong_number_of_arguments_is_explained(exercise):
    """A TypeError that seems to come from the check instead of from the student's signature."""
    message = verdict_on(exercise, lambda: 1.0).message
    assert message.startswith("Your function takes (), but the check calls it with (")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_numpy_version_of_the_answer_is_judged_on_its_gradients(exercise):
    """A NumPy result in a training loss passes the check and then fails in the training cell."""

    def in_numpy(result):
        return numbers(result).numpy()

    def student(*args):
        result = exercise.right(*args)
        return tuple(map(in_numpy, result)) if exercise.parts else in_numpy(result)

    verdict = verdict_on(exercise.name, student)
    assert verdict.passed == (not exercise.gradients)
    assert exercise.gradients == () or "return a torch tensor" in verdict.message


@functools.cache
def chapters():
    """The cells of all notebooks, in order."""
    files = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))
    return [cell for file in files for cell in json.loads(file.read_text("utf8"))["cells"]]


@pytest.mark.parametrize(
    "exercise", [e for e in EXERCISES.values() if e.gradients], ids=lambda e: e.name
)
def test_an_exercise_whose_check_asks_for_a_gradient_says_so(exercise):
    """A NumPy answer refused for want of a gradient of which the text says nothing."""
    texts = ["".join(cell["source"]) for cell in chapters()]
    stub = next(i for i, text in enumerate(texts) if f"check.{exercise.name}(" in text)
    start = max(i for i in range(stub) if "{exercise-start}" in texts[i])
    asked = " ".join(texts[start : stub + 1]).split("{exercise-start}")[-1].lower()
    assert re.search(r"gradient|differentia|slope", asked), asked


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_interrupting_a_check_still_works(exercise):
    """A check that swallows Ctrl-C cannot be stopped."""

    def student(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict_on(exercise.name, student)
