"""Named rules by which a line follows from the one above, each with its conditions.

An equality follows by the identities of `formal`, or by ordinary algebra. An inequality follows if
one rule or two, used in the line above or in the line below, make the two lines equal.
"""

import ast
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .expression import binder, call_name, is_ratio, key, parse
from .numeric import Numeric
from .setting import Setting

JENSEN = "Jensen's inequality"
GIBBS = "Gibbs' inequality"
TANGENT = "tangent of the logarithm"
TANGENT_OF_EXP = "tangent of the exponential"
LEFT_OUT = "leaving out what is not negative"

# log t = log(t^p)/p: the tangent at 1 bounds it from above for p > 0, from below for p < 0.
POWERS = ("1", "2", "1/2", "-1", "-2")


@dataclass(frozen=True)
class Reason:
    """By which named rules a line follows, and under which conditions; no rule: by algebra."""

    rules: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def and_also(self, other: "Reason") -> "Reason":
        """The rules and conditions of both reasons, each named once."""
        both = (*self.rules, *other.rules), (*self.conditions, *other.conditions)
        return Reason(*(tuple(dict.fromkeys(part)) for part in both))


def reason(above: str, relation: str, below: str, setting: Setting) -> Reason | None:
    """Why `above relation below` holds, or None if no rule here shows it.

    A formula that holds at every point tried is not thereby shown.
    """
    left, right = parse(above), parse(below)
    if (same := _equal(left, right, setting)) is not None or relation == "=":
        return same
    down = relation == ">="
    for depth in (1, 2):
        for start, end, smaller in ((left, right, down), (right, left, not down)):
            for found, moved in _moves(start, smaller, setting, depth):
                if (same := _equal(moved, end, setting)) is not None:
                    return found.and_also(same)
    return None


def _equal(left: ast.expr, right: ast.expr, setting: Setting) -> Reason | None:
    if not _agree(left, right, setting):
        return None  # in a moment, where algebra may take seconds
    from .formal import CONDITIONS, identities  # with sympy, which takes 0.4 s and few pages need
    from .symbolic import difference

    found = identities(left, right, setting)
    if found is not None:
        return Reason(found, tuple(CONDITIONS[name] for name in found if CONDITIONS[name]))
    gap = difference(left, right, setting)
    return Reason() if gap == 0 else None


def _agree(left: ast.expr, right: ast.expr, setting: Setting) -> bool:
    for point in itertools.islice(setting.points(), 3):
        one, other = (Numeric(setting, point).value(side) for side in (left, right))
        if not abs(one - other) <= 1e-8 * max(1.0, abs(one), abs(other)):
            return False
    return True


def _moves(
    tree: ast.expr, smaller: bool, setting: Setting, depth: int
) -> Iterator[tuple[Reason, ast.expr]]:
    """The formula made smaller (or larger) by so many rules, each in one place."""
    if depth == 0:
        yield Reason(), tree
        return
    for node, grows, put in _places(tree, setting):
        for found, new in _options(node, smaller == grows, setting):
            for more, moved in _moves(put(new), smaller, setting, depth - 1):
                yield found.and_also(more), moved


def _options(node: ast.expr, smaller: bool, setting: Setting) -> Iterator[tuple[Reason, ast.expr]]:
    """What is at most (or at least) as large as the node, by a rule."""
    if smaller and isinstance(node, ast.Call) and call_name(node) == "KL":
        densities = " and ".join(f"`{setting.density(arg)}`" for arg in node.args)
        yield Reason((GIBBS,), (f"{densities} are densities",)), parse("0")
    elif smaller and is_not_negative(node, setting) and number_of(node) is None:
        yield Reason((LEFT_OUT,), (f"`{key(node)}` is not negative",)), parse("0")
    match node:
        case ast.Call(ast.Name("log"), [ast.Call(ast.Subscript(ast.Name("E"), q) as under, [t])]):
            if smaller and is_not_negative(t, setting):
                yield _jensen(q, t), ast.Call(under, [_log(t)], [])
        case ast.Call(ast.Subscript(ast.Name("E"), q) as under, [ast.Call(ast.Name("log"), [t])]):
            if not smaller and is_not_negative(t, setting):
                yield _jensen(q, t), _log(ast.Call(under, [t], []))
    match node:
        case ast.Call(ast.Name("log"), [t]) if is_not_negative(t, setting):
            found = Reason((TANGENT,), (f"`{key(t)}` is positive",))
            for power in POWERS:
                if smaller == power.startswith("-"):
                    gap = _minus_one(ast.BinOp(t, ast.Pow(), parse(power)))
                    yield found, ast.BinOp(parse(f"1/({power})"), ast.Mult(), gap)
        case ast.Call(ast.Name("exp"), [t]) if smaller:
            yield Reason((TANGENT_OF_EXP,)), ast.BinOp(t, ast.Add(), ast.Constant(1))


def _jensen(q: ast.expr, inside: ast.expr) -> Reason:
    density = key(q)
    needs = f"the logarithm is concave, `{key(inside)}` is positive, `{density}` integrates to 1"
    return Reason((JENSEN,), (needs,))


def _minus_one(node: ast.expr) -> ast.expr:
    return ast.BinOp(node, ast.Sub(), ast.Constant(1))


def _log(node: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("log", ast.Load()), [node], [])


Put = Callable[[ast.expr], ast.expr]


def _places(node: ast.expr, setting: Setting) -> Iterator[tuple[ast.expr, bool, Put]]:
    """The parts in which a formula is monotone: part, whether it grows with it, how to replace it.

    On the way down are sums, factors that are not negative, expectations, and logarithms.
    """
    yield node, True, lambda new: new
    for child, grows, wrap in _children(node, setting):
        for part, also, put in _places(child, setting):
            yield part, grows == also, _inside(wrap, put)


def _inside(wrap: Put, put: Put) -> Put:
    return lambda new: wrap(put(new))


def _children(node: ast.expr, setting: Setting) -> Iterator[tuple[ast.expr, bool, Put]]:
    match node:
        case ast.UnaryOp(sign, operand):
            yield operand, isinstance(sign, ast.UAdd), lambda new: ast.UnaryOp(sign, new)
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            yield left, True, lambda new: ast.BinOp(new, op, right)
            yield right, isinstance(op, ast.Add), lambda new: ast.BinOp(left, op, new)
        case ast.BinOp(left, ast.Mult() as op, right):
            for child, factor, put in (
                (left, right, lambda new: ast.BinOp(new, op, right)),
                (right, left, lambda new: ast.BinOp(left, op, new)),
            ):
                if (keeps := _sign(factor, setting)) is not None:
                    yield child, keeps, put
        case ast.BinOp(left, ast.Div() as op, right):
            if (keeps := _sign(right, setting)) is not None:
                yield left, keeps, lambda new: ast.BinOp(new, op, right)
        case ast.Call(func, [body]) if binder(node) in ("E", "sum") or call_name(node) == "log":
            yield body, True, lambda new: ast.Call(func, [new], [])


def _sign(factor: ast.expr, setting: Setting) -> bool | None:
    """Whether a factor keeps the order or turns it round; None if its form does not say."""
    value = number_of(factor)
    if value is not None:
        return None if value == 0 else value > 0
    return True if is_not_negative(factor, setting) else None


def number_of(node: ast.expr) -> float | None:
    """What a formula without names is worth; None for any other, and where it has no value."""
    if any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node)):
        return None
    value = Numeric(Setting(), {}).value(node)
    return value if math.isfinite(value) else None


def is_not_negative(node: ast.expr, setting: Setting) -> bool:
    """Whether a formula shows by its form that it is not negative."""
    value = number_of(node)
    if value is not None:
        return value >= 0
    if is_ratio(node) or call_name(node) in ("exp", "sqrt", "abs"):
        return True
    match node:
        case ast.Name(name):
            return name in setting.positive.split()
        case ast.Subscript(ast.Name(name)):
            return name in f"{setting.simplex} {setting.positive_vectors}".split()
        case ast.BinOp(left, ast.Pow(), right):
            power = number_of(right)
            return (power is not None and power % 2 == 0) or is_not_negative(left, setting)
        case ast.BinOp(left, ast.Add() | ast.Mult() | ast.Div(), right):
            return is_not_negative(left, setting) and is_not_negative(right, setting)
    return False
