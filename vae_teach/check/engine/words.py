"""Putting inputs, results and errors into few words for the student."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor

LONGEST_QUOTE = 160  # characters of an error message worth repeating
LONGEST_NAME = 40
DIGITS = 4  # of a number in a sentence, unless more are needed to tell two apart


def brief(value: Any) -> str:
    """A value in few characters: small tensors and lists by their numbers, large ones by shape."""
    if isinstance(value, Tensor):
        if value.numel() > 6 or value.dtype.is_complex:
            return f"a tensor of shape {tuple(value.shape)}"
        if not value.is_floating_point():
            return f"tensor({value.tolist()})"
        numbers = np.vectorize(lambda v: float(f"{v:.4g}"), otypes=[float])(value.tolist()).tolist()
        return f"tensor({numbers})"
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 40 else kind(value)


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as tell them apart: 1.05 and 1.0504."""
    if all(abs(value) < 1e9 and value == round(value) for value in (one, other)):
        return f"{one:.0f}", f"{other:.0f}"
    pairs = [(f"{one:.{n}g}", f"{other:.{n}g}") for n in range(DIGITS, 18)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def call_text(args: dict[str, Any], note: str = "") -> str:
    """The arguments of one call in words: "x = tensor([0.0, 1.0]), k = 2 (x is one image)"."""
    text = ", ".join(f"{name} = {brief(value)}" for name, value in args.items())
    return f"{text} ({note})" if note else text


def text_of(error: BaseException | None) -> str:
    """What an exception says, or nothing: it may be one whose own text fails."""
    try:
        return str(error or "").strip()
    except Exception:
        return ""


def _name_of(value: Any) -> str:
    """The name of a value's type on one line, which a made-up class need not have."""
    return " ".join(type(value).__name__.split())[:LONGEST_NAME] or "thing"


def error_text(error: BaseException) -> str:
    """Name an exception and quote the first line of what it says."""
    lines = text_of(error).splitlines()
    quote = lines[0][:LONGEST_QUOTE].rstrip(".") if lines else ""
    return f'{_name_of(error)} ("{quote}")' if quote else _name_of(error)


def kind(value: Any) -> str:
    """The type of a value with its article: "an int"."""
    name = _name_of(value)
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def listed(items: Iterable[Any]) -> str:
    """A few things in a row: "A", "A and B", "A, B and C"."""
    texts = [" ".join(str(item).split())[:LONGEST_NAME] for item in items]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def counted(n: int, thing: str) -> str:
    """A number of things: "1 number", "7 numbers"."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def within(where: str, sentence: str) -> str:
    """A sentence about a part: "In the mean: your values are ..."."""
    return f"{where}: {sentence[:1].lower()}{sentence[1:]}"
