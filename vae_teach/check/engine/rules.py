"""The harsher calls that every exercise gets, made from what its arguments are.

An exercise says of each argument which axes it has and what its numbers mean (`Role`). From its
first case come: the same call again, the batch turned round, a batch of one, sizes of nine; and
where an argument holds log-weights, log-variances or probabilities, the sizes that these take in
practice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LOG_WEIGHTS, LOGVAR = "log-weights", "logvar"
MANY = 9  # more than any ordinary case has of anything
LEVELS = (0.0, -100.0, -900.0, 900.0)  # e^100 is too large for float32, e^900 for float64
DRAWS = 4_096  # as many as an estimate of log p(x) takes
RANGE = 2_000.0  # so that the largest lies 900 or more above mean, median and smallest


@dataclass(frozen=True)
class Role:
    """What an argument is.

    Args:
        axes: one letter for each axis, the same in all arguments that share it: "KB". "B" is the
            batch; "." is an axis whose size and order belong to the exercise.
        values: `LOG_WEIGHTS` (reduced over the first axis) or `LOGVAR`; else any numbers.
    """

    axes: str = ""
    values: str = ""


@dataclass(frozen=True)
class Rule:
    """What a student reads who passes the ordinary cases and fails the harsher one.

    Args:
        right_for: where the answer is right already.
        place: what the harsher call is, after "for".
        advice: what to look for.
        on_values: the same where the shape is right, if that is another thing.
    """

    right_for: str
    place: str
    advice: str
    on_values: str = ""


AGAIN = Rule(
    "a first call",
    "a later call of the same sizes",
    "keep nothing between calls, and draw no random numbers",
)
ONE = Rule(
    "several examples",
    "{place}",
    "a .squeeze() without an axis drops every axis of size 1",
    "look for what depends on how many there are",
)
MANY_OF = Rule("small sizes", "{place}", "look for a size that is written as a number")
FAR_APART = Rule(
    "columns of one level",
    "columns of log-weights that lie hundreds apart",
    "subtract the largest of each column before exp, as torch.logsumexp and softmax do",
)
WIDE = Rule(
    "log-weights a few nats apart",
    "a column whose log-weights lie 2,000 apart",
    "subtract the largest of the column before exp, as torch.logsumexp and softmax do",
)
RARE = Rule(
    "a few draws",
    f"{DRAWS:,} draws of which one has nearly all the weight",
    "look for a constant added inside the log, or for a clip",
)
VARIANCES = Rule(
    "moderate log-variances",
    "{place}",
    "look for a clamp, for a constant added to the variance, or for an exp too many",
)

Args = dict[str, Any]
Derived = tuple[Rule, str, Args]  # the rule, what is special about this call, its arguments


def _axes_of(roles: dict[str, Role], letter: str) -> dict[str, int]:
    """The arguments that have an axis, and where it is."""
    return {name: role.axes.index(letter) for name, role in roles.items() if letter in role.axes}


def _letters(roles: dict[str, Role], *, without: str) -> list[str]:
    """Of all axes whose order means nothing, but for some."""
    letters = {letter for role in roles.values() for letter in role.axes}
    return sorted(letters - set("." + without))


def _along(args: Args, axes: dict[str, int], change: Callable[[Tensor, int], Tensor]) -> Args:
    return {
        name: change(value, axes[name]).clone() if name in axes else value
        for name, value in args.items()
    }


def _tiled(size: int) -> Callable[[Tensor, int], Tensor]:
    """A tensor's entries along an axis over and over, until there are `size`."""
    return lambda v, axis: v.index_select(axis, torch.arange(size) % v.shape[axis])


def _again(args: Args, roles: dict[str, Role], ones: str) -> Iterator[Derived]:
    yield AGAIN, "the first call again", args
    for letter in [*ones[:1], *_letters(roles, without=ones[:1])]:
        if axes := _axes_of(roles, letter):
            turned = _along(args, axes, lambda v, axis: v.flip(axis))
            yield AGAIN, "the entries of the first call in reverse order", turned


def _ones(args: Args, roles: dict[str, Role], ones: str) -> Iterator[Derived]:
    for letter in ones:
        if axes := _axes_of(roles, letter):
            place = "a batch of one" if letter == "B" else f"an axis {letter} of size 1"
            yield ONE, place, _along(args, axes, lambda v, axis: v.narrow(axis, 0, 1))


def _many(args: Args, roles: dict[str, Role], fixed: str) -> Iterator[Derived]:
    for letter in _letters(roles, without=fixed):
        axes = _axes_of(roles, letter)
        place = f"{MANY} examples" if letter == "B" else f"an axis {letter} of size {MANY}"
        yield MANY_OF, place, _along(args, axes, _tiled(MANY))


def _log_weights(args: Args, roles: dict[str, Role]) -> Iterator[Derived]:
    """In float64, so that only exp can spoil them."""
    for name in (name for name, role in roles.items() if role.values == LOG_WEIGHTS):
        columns = roles[name].axes[1:]
        if columns:
            grown = _along(args, _axes_of(roles, columns[-1]), _tiled(len(LEVELS)))
            levels = torch.tensor(LEVELS, dtype=torch.float64)
            yield FAR_APART, FAR_APART.place, grown | {name: grown[name].double() + levels}
        grown = _along(args, _axes_of(roles, roles[name].axes[0]), _tiled(MANY))
        value = grown[name].double().reshape(MANY, -1)
        top = (torch.arange(value.shape[1]) * 2 + MANY // 2) % MANY  # another row in each column
        far = torch.arange(MANY)[:, None] != top
        wide = (value - RANGE * far).reshape(grown[name].shape)
        yield WIDE, WIDE.place, grown | {name: wide}
        many = _along(args, _axes_of(roles, roles[name].axes[0]), _tiled(DRAWS))
        rare = many[name].double()
        rare[1:] -= 100.0
        yield RARE, RARE.place, many | {name: rare}


def _log_variances(args: Args, roles: dict[str, Role]) -> Iterator[Derived]:
    for name in (name for name, role in roles.items() if role.values == LOGVAR):
        for ends in ((-40.0, -30.0), (-20.0, -9.0), (7.0, 10.0)):
            value = args[name]
            spread = torch.linspace(*ends, value.numel()).to(value.dtype).reshape(value.shape)
            place = f"{name} between {ends[0]:.0f} and {ends[1]:.0f}"
            yield VARIANCES, place, args | {name: spread}


def derived(args: Args, roles: dict[str, Role], *, ones: str, fixed: str) -> Iterator[Derived]:
    """The harsher calls that follow from one ordinary call, mildest first.

    Args:
        args: the arguments of the ordinary call.
        roles: what those of them are that are tensors with a meaning.
        ones: the letters of axes that may have size 1, the examples first.
        fixed: the letters of axes that cannot be made longer by repeating their entries.
    """
    yield from _again(args, roles, ones)
    yield from _ones(args, roles, ones)
    yield from _many(args, roles, fixed)
    yield from _log_weights(args, roles)
    yield from _log_variances(args, roles)
