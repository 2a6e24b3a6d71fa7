"""A formula as LaTeX, term for term in the order in which it was written."""

import ast
from typing import TypeGuard

from .expression import Interpreter, binder, call_name, factors, key, parse

_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi "
    "psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega".split()
)
_RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge"}
_OPERATORS = {name: rf"\{name}" for name in ("log", "sin", "tanh", "det")}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly a formula holds together


def latex(formula: str, size: str = "k") -> str:
    """LaTeX for a formula; `size` is the last index of a sum."""
    return _Typesetter(size).visit(parse(formula))


def relation_latex(relation: str) -> str:
    """LaTeX for =, <= or >=."""
    return _RELATIONS[relation]


def _strength(node: ast.expr) -> int:
    match node:
        case ast.UnaryOp() | ast.BinOp(op=ast.Add() | ast.Sub()):
            return _SUM
        case ast.BinOp(op=ast.Pow()):
            return _POWER
        case ast.BinOp():
            return _PRODUCT
        case ast.Call() if call_name(node) in ("exp", "inv"):
            return _POWER
        case ast.Call() if call_name(node) in _OPERATORS or binder(node) not in (None, "E"):
            return _PRODUCT
    return _ATOM


def _is_fraction(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _name(name: str) -> str:
    """Backslash for a Greek letter, a subscript for what follows _ or is a digit, as in mu0."""
    stem, _, subscript = name.partition("_")
    if not subscript:
        stem = name.rstrip("0123456789")
        subscript = name[len(stem) :]
    stem, subscript = (_letters(part) for part in (stem, subscript))
    return f"{stem}_{{{subscript}}}" if subscript else stem


def _letters(word: str) -> str:
    if word in _GREEK:
        return f"\\{word}"
    return rf"\mathrm{{{word}}}" if len(word) > 1 else word


class _Typesetter(Interpreter):
    def __init__(self, size: str):
        self.size = size

    def grouped(self, node: ast.expr, least: int) -> str:
        """The node, in parentheses if it holds together less tightly than `least`."""
        text = self.visit(node)
        return text if _strength(node) >= least else rf"\left({text}\right)"

    def visit_Name(self, node: ast.Name) -> str:
        return _name(node.id)

    def visit_Constant(self, node: ast.Constant) -> str:
        return str(node.value)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> str:
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return sign + self.grouped(node.operand, _PRODUCT)

    def visit_BinOp(self, node: ast.BinOp) -> str:
        match node.op:
            case ast.Add():
                return f"{self.visit(node.left)} + {self.grouped(node.right, _PRODUCT)}"
            case ast.Sub():
                return f"{self.visit(node.left)} - {self.grouped(node.right, _PRODUCT)}"
            case ast.Mult():
                return self.product(factors(node))
            case ast.MatMult():
                return f"{self.grouped(node.left, _PRODUCT)} {self.grouped(node.right, _PRODUCT)}"
            case ast.Div():
                return self.fraction(node)
            case ast.Pow():
                return f"{self.grouped(node.left, _ATOM)}^{{{self.script(node.right)}}}"
            case ast.BitOr():
                return rf"{self.visit(node.left)} \mid {self.visit(node.right)}"
        return self.generic_visit(node)

    def product(self, parts: list[ast.expr]) -> str:
        """Juxtaposition; only the last factor may be a bare log or sum, which read on."""
        *first, last = parts
        texts = [self.grouped(p, _PRODUCT if _is_fraction(p) else _POWER) for p in first]
        text = texts[0]
        for part, piece in zip(parts[1:], [*texts[1:], self.grouped(last, _PRODUCT)], strict=True):
            space = r"\," if isinstance(part, ast.Call) else ""
            text += (r" \cdot " if isinstance(part, ast.Constant) else f"{space} ") + piece
        return text

    def fraction(self, node: ast.BinOp) -> str:
        """A fraction; its sign stands in front of it."""
        if isinstance(node.left, ast.UnaryOp) and isinstance(node.left.op, ast.USub):
            return "-" + self.fraction(ast.BinOp(node.left.operand, node.op, node.right))
        small = isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
        command = r"\tfrac" if small else r"\frac"
        return f"{command}{{{self.visit(node.left)}}}{{{self.visit(node.right)}}}"

    def script(self, node: ast.expr) -> str:
        """An exponent, where a fraction is too tall."""
        if _is_fraction(node):
            return f"{self.grouped(node.left, _PRODUCT)}/{self.grouped(node.right, _POWER)}"
        return self.visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> str:
        return rf"{self.grouped(node.value, _ATOM)}^{{\top}}"

    def visit_Subscript(self, node: ast.Subscript) -> str:
        return f"{self.visit(node.value)}_{{{self.visit(node.slice)}}}"

    def call(self, name: str, argument: ast.expr) -> str:
        match name:
            case "exp":
                inner = self.script(argument)
                return "e" if inner == "1" else f"e^{{{inner}}}"
            case "sqrt":
                return rf"\sqrt{{{self.visit(argument)}}}"
            case "abs":
                return rf"\left\lvert {self.visit(argument)} \right\rvert"
            case "inv":
                return f"{self.grouped(argument, _ATOM)}^{{-1}}"
        command = _OPERATORS.get(name, rf"\operatorname{{{name}}}")
        bare = (
            _strength(argument) >= _POWER or _is_fraction(argument) or call_name(argument) == "det"
        )
        if bare and name in ("log", "det"):
            return f"{command} {self.visit(argument)}"
        return rf"{command}\left({self.visit(argument)}\right)"

    def defined(self, node: ast.Call) -> str:
        """A divergence, an entropy or a density in its usual notation."""
        arguments = [self.visit(argument) for argument in node.args]
        match call_name(node):
            case "KL":
                first, second = arguments
                return rf"\mathrm{{KL}}\left({first} \,\Vert\, {second}\right)"
            case "H":
                return rf"\mathrm{{H}}\left({', '.join(arguments)}\right)"
        return f"{_name(key(node.func))}({', '.join(arguments)})"

    def over_E(self, density: ast.expr, body: ast.expr) -> str:
        return rf"\mathbb{{E}}_{{{self.visit(density)}}}\left[{self.visit(body)}\right]"

    def over_integral(self, variable: ast.expr, body: ast.expr) -> str:
        return rf"\int {self.grouped(body, _PRODUCT)}\, d{self.visit(variable)}"

    def over_sum(self, index: ast.expr, body: ast.expr) -> str:
        return self._over(r"\sum", index, body)

    def over_prod(self, index: ast.expr, body: ast.expr) -> str:
        return self._over(r"\prod", index, body)

    def _over(self, command: str, index: ast.expr, body: ast.expr) -> str:
        return (
            rf"{command}_{{{key(index)}=1}}^{{{_name(self.size)}}} {self.grouped(body, _PRODUCT)}"
        )
