"""Whether a line `>=` follows from the line above by a named rule, not by holding at points.

The rules: an even power, a product or a sum of positive things is not negative; log t <= t - 1.
They may be used in two ways that a reader can see. Terms that are not negative are left out of a
sum; or a logarithm in it is replaced by its bound. A formula restated, or the claim itself, shows
neither, however many points it holds at.
"""

import ast
import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np

from vae_teach.derivation import Setting
from vae_teach.derivation.expression import parse
from vae_teach.derivation.numeric import Numeric
from vae_teach.derivation.rules import is_not_negative, number_of

MOST_TERMS = 10  # of a sum: their subsets are tried
POWERS = (1.0, 2.0, 0.5, -1.0, -2.0)  # of the argument of a log: log sigma speaks of sigma^2 too

Terms = list[tuple[float, ast.expr]]  # coefficients and what they multiply


@cache
def _points(setting: Setting) -> tuple[dict, ...]:
    return tuple(itertools.islice(setting.points(), 60))


def _values(node: ast.expr, setting: Setting) -> np.ndarray:
    return np.array([Numeric(setting, point).value(node) for point in _points(setting)])


def _terms(node: ast.expr, *, inside: bool) -> Terms:
    """A sum as its terms; with `inside`, brackets that a number multiplies are opened too."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return [(sign * c, part) for c, part in _terms(node.operand, inside=inside)]
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add | ast.Sub):
            sign = -1.0 if isinstance(node.op, ast.Sub) else 1.0
            right = [(sign * c, part) for c, part in _terms(node.right, inside=inside)]
            return _terms(node.left, inside=inside) + right
        scaled = _scaled(node)
        if inside and scaled is not None:
            factor, rest = scaled
            return [(factor * c, part) for c, part in _terms(rest, inside=True)]
    return [(1.0, node)]


def _scaled(node: ast.BinOp) -> tuple[float, ast.expr] | None:
    """A formula times or divided by a number, as that number and the formula."""
    left, right = number_of(node.left), number_of(node.right)
    if isinstance(node.op, ast.Mult):
        if left is not None and right is None:
            return left, node.right
        if left is None and right is not None:
            return right, node.left
    if isinstance(node.op, ast.Div) and left is None and right:
        return 1 / right, node.left
    return None


def _arguments(nodes: list[ast.expr], setting: Setting) -> Iterator[np.ndarray]:
    """The t of every log t, and its powers."""
    for node in nodes:
        for part in ast.walk(node):
            match part:
                case ast.Call(ast.Name("log"), [argument]):
                    t = _values(argument, setting)
                    if (t > 0).all():
                        yield from (t**power for power in POWERS)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-9))


def _sum(values: list[np.ndarray], subset: tuple[int, ...]) -> np.ndarray:
    return np.sum([values[i] for i in subset], axis=0)


def _multiple_of_log_gap(values: np.ndarray, arguments: list[np.ndarray]) -> list[tuple]:
    """(c, t) for which the values are c (t - 1 - log t), c > 0."""
    found = []
    for t in arguments:
        gap = t - 1 - np.log(t)
        c = float(values @ gap / (gap @ gap))
        if c > 0 and _same(values, c * gap):
            found.append((c, t))
    return found


def _subsets(terms: Terms) -> Iterator[tuple[int, ...]]:
    count = len(terms) if len(terms) <= MOST_TERMS else 0
    for size in range(1, count + 1):
        yield from itertools.combinations(range(count), size)


def _left_out(above: ast.expr, gap: np.ndarray, setting: Setting) -> bool:
    """Whether some terms of the line above, each or together not negative, make up the gap."""
    terms = _terms(above, inside=False)
    values = [c * _values(part, setting) for c, part in terms]
    arguments = list(_arguments([above], setting))

    def is_shown(i: int) -> bool:
        shown = terms[i][0] > 0 and is_not_negative(terms[i][1], setting)
        return shown or bool(_multiple_of_log_gap(values[i], arguments))

    for subset in _subsets(terms):
        if len(subset) < len(terms) and _same(_sum(values, subset), gap):
            together = len(subset) > 1 and _multiple_of_log_gap(gap, arguments)
            if together or all(map(is_shown, subset)):
                return True
    return False


def _replaced(above: ast.expr, below: ast.expr, gap: np.ndarray, setting: Setting) -> bool:
    """Whether the line below holds t - 1 where the one above holds log t, for all to see."""
    terms = _terms(below, inside=True)
    values = [c * _values(part, setting) for c, part in terms]
    for c, t in _multiple_of_log_gap(gap, list(_arguments([above], setting))):
        if any(_same(_sum(values, s), -c * (t - 1)) for s in _subsets(terms)):
            return True
    return False


def follows(above: str, below: str, setting: Setting) -> bool:
    """Whether `above >= below` can be seen to follow, given that it holds."""
    left, right = parse(above), parse(below)
    gap = _values(left, setting) - _values(right, setting)
    return (
        _same(gap, np.zeros_like(gap))
        or _left_out(left, gap, setting)
        or _replaced(left, right, gap, setting)
    )
