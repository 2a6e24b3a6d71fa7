"""Reading answers that are given as they are, not as a function: names, and a few keys."""

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vae_teach.check.engine.call import Fault, numbers
from vae_teach.check.engine.verdict import NOT_ATTEMPTED
from vae_teach.check.engine.words import counted, kind, listed

_DRESS = r"\\(?:mathcal|mathrm|mathbf|mathbb|text|operatorname|left|right|,|;|!|:)(?![a-z])"
_SIGNS = {
    "²": "^2", "½": "1/2", "∣": "|", "‖": "||", "∥": "||", "−": "-", "–": "-", "—": "-", "·": "*",
    "**": "^", r"\mid": "|", r"\vert": "|", r"\given": "|", r"\|": "||",
}  # fmt: skip


def is_open(value: Any) -> bool:
    """Whether the student has left a place as it was: None, or nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def _latin(letter: str) -> str:
    """A Greek letter by its name: "sigma" for σ."""
    name = unicodedata.name(letter, "")
    return name.split()[-1].lower() if name.startswith("GREEK ") else letter


def plain(text: str) -> str:
    """A name as everybody would write it: one rule for every check.

    Case, spaces, quotes, TeX, hyphens and underscores do not count, nor whether a Greek letter is
    spelt out: "Log σ²", r"$\\log \\sigma^2$" and "log_sigma^2" are the same.
    """
    for sign, usual in _SIGNS.items():
        text = text.replace(sign, f" {usual} ")
    text = re.sub(_DRESS, "", text)
    text = "".join(map(_latin, unicodedata.normalize("NFKC", text))).casefold()
    text = re.sub(r"\^\s*\{?\s*2\s*\}?", " squared ", text)
    text = re.sub(r"[\\${}`'\"_\-\s]+", " ", text).strip(" .;:")
    return re.sub(r"\s*([(),|=+*/^<>])\s*", r"\1", text)


def _joined(text: str) -> str:
    """A name without its spaces: "overfitting" is "over-fitting"."""
    return plain(text).replace(" ", "")


def one_of(answer: Any, options: Iterable[str]) -> str | None:
    """The option that an answer names, however it is written; None if it names none."""
    if not isinstance(answer, str):
        return None
    return {_joined(option): option for option in options}.get(_joined(answer))


def _by_key(answer: Mapping[Any, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The entries under `keys`, however these are written; a key as it stands goes first."""
    found = {}
    for key, value in answer.items():
        meant = one_of(key, keys)
        if meant is not None and (meant not in found or key == meant):
            found[meant] = value
    return found


def read_dictionary(answer: Any, keys: Sequence[str]) -> dict[str, Any]:
    """The answers by key, in the order of `keys`; each may still be open, but not all of them.

    Raises:
        Fault: if it is no dictionary with these keys, or if nothing is answered.
    """
    if answer is None:
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(answer, dict):
        raise Fault(f"Your answer is {kind(answer)}: give a dictionary with {listed(keys)}.")
    found = _by_key(answer, keys)
    if all(is_open(value) for value in found.values()):
        if unknown := [key for key in answer if one_of(key, keys) is None]:
            raise Fault(f"Your dictionary has {listed(unknown)}: its keys are {listed(keys)}.")
        raise Fault(NOT_ATTEMPTED)
    if missing := [key for key in keys if key not in found]:
        raise Fault(f"Your dictionary lacks {listed(missing)}: its keys are {listed(keys)}.")
    return {key: found[key] for key in keys}


def read_choices(answer: Any, keys: Sequence[str], options: Sequence[str]) -> dict[str, str | None]:
    """A dictionary with one of `options` for each key; None where a place is open.

    Raises:
        Fault: as `read_dictionary`, or if an answer is none of the options.
    """
    answers = read_dictionary(answer, keys)
    chosen = {}
    for key, value in answers.items():
        chosen[key] = None if is_open(value) else one_of(value, options)
        if chosen[key] is None and not is_open(value):
            raise Fault(
                f"Your answer for {key} is not one of the options, which are "
                f"{listed(map(repr, options))}."
            )
    return chosen


def read_number(value: Any, where: str) -> float:
    """One number, in whatever holds it.

    Raises:
        Fault: if it is none.
    """
    with contextlib.suppress(Exception):  # whatever a string or an odd object makes of it
        if isinstance(value, str):
            return float(value.replace("−", "-").replace(",", "."))
        return numbers(value).item()
    raise Fault(f"Your answer for {where} is {kind(value)}: give a number.")


def read_row(value: Any, where: str, columns: Sequence[str]) -> tuple[float, ...]:
    """A row of a table, with one number for each of `columns`.

    Raises:
        Fault: if it is no list of so many numbers.
    """
    names = listed(columns)
    try:
        found = list(value.tolist() if hasattr(value, "tolist") else value)
    except Exception:
        found = []
    if isinstance(value, str | dict | set) or len(found) != len(columns):
        plain_row = found and not isinstance(value, str | dict | set)
        what = f"has {counted(len(found), 'number')}" if plain_row else f"is {kind(value)}"
        raise Fault(f"Your answer for {where} {what}: give {len(columns)} numbers, {names}.")
    return tuple(
        read_number(one, f"{where}, {name}") for one, name in zip(found, columns, strict=True)
    )
