"""Which checks there are: `@check(...)` stands on each one's function, `@helper` on their data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from vae_teach.check.engine.exercise import Exercise

F = TypeVar("F", bound=Callable)


class Asked(Protocol):
    """What is asked, such as an `Exercise` or a `MeasuredTable`: it has a hint for each mistake."""

    @property
    def hints(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True)
class Check:
    """A check by its name: what a notebook calls, and every sentence that it can answer with."""

    function: Callable
    hints: Mapping[str, str]


CHECKS: dict[str, Check] = {}
HELPERS: dict[str, Callable] = {}  # what an exercise hands to the student, such as its data


def check(about: Asked | Mapping[str, str]) -> Callable[[F], F]:
    """Offer the function below as `check.<its name>`: `@check(EXERCISE)` or `@check(hints)`.

    Args:
        about: the exercise that the function judges, or the hints by the names of the mistakes.

    Raises:
        ImportError: if a check of that name exists already.
        ValueError: if the exercise has another name than the function.
    """
    hints = about if isinstance(about, Mapping) else about.hints

    def register(function: F) -> F:
        name = function.__name__
        _require_new(function)
        if isinstance(about, Exercise) and about.name != name:
            raise ValueError(
                f"the check {name} judges the exercise {about.name}: give both one name"
            )
        CHECKS[name] = Check(function, hints)
        return function

    return register


def helper(function: F) -> F:
    """Offer the function below as `check.<its name>`; it judges nothing.

    Raises:
        ImportError: if there is something of that name already.
    """
    _require_new(function)
    HELPERS[function.__name__] = function
    return function


def _require_new(function: Callable) -> None:
    if function.__name__ in CHECKS or function.__name__ in HELPERS:
        found = f"{function.__name__} of {function.__module__}"
        raise ImportError(f"the check {found} exists already")
