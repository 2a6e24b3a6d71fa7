"""The same formula in sympy, with Gaussian integrals closed: the checks that are proofs."""

import ast
from functools import cache

import sympy
from sympy import Dummy, Expr, Symbol, expand_log, oo, pi

from .expression import (
    Interpreter,
    factors,
    is_density,
    is_ratio,
    key,
    mentions_density,
    number,
    parse,
)
from .setting import Setting

_FUNCTIONS = {
    "exp": sympy.exp,
    "expm1": lambda x: sympy.exp(x) - 1,
    "sqrt": sympy.sqrt,
    "abs": sympy.Abs,
    "sin": sympy.sin,
    "tanh": sympy.tanh,
}


class Open(ArithmeticError):
    """The formula has a part that does not close here: a matrix, a sum, an integral."""


@cache
def _moment(n: int) -> Expr:
    """E[t^n] under N(0, 1), integrated by sympy."""
    t = Symbol("t", real=True)
    return sympy.integrate(t**n * sympy.exp(-(t**2) / 2), (t, -oo, oo)) / sympy.sqrt(2 * pi)


@cache
def _gaussian_integral(a: Expr, b: Expr, c: Expr) -> Expr:
    """The integral of exp(c + b t - a t^2) over the line, for a > 0, integrated by sympy."""
    t, beta = Symbol("t", real=True), Symbol("beta", real=True)
    alpha, gamma = Symbol("alpha", positive=True), Symbol("gamma", real=True)
    closed = sympy.integrate(sympy.exp(beta * t - alpha * t**2), (t, -oo, oo)) * sympy.exp(gamma)
    return closed.subs({alpha: a, beta: b, gamma: c})


class Symbolic(Interpreter):
    """Turns a formula into a sympy expression; raises `Open` where it does not close."""

    def __init__(self, setting: Setting):
        self.setting = setting

    def symbol(self, name: str) -> Symbol:
        """The symbol of a sampled or bound name; bound ones are real."""
        positive = name in self.setting.positive.split()
        return Symbol(name, positive=True) if positive else Symbol(name, real=True)

    def visit_Constant(self, node: ast.Constant) -> Expr:
        """The number as an exact fraction."""
        return sympy.nsimplify(number(node))

    def visit_Name(self, node: ast.Name) -> Expr:
        """A symbol, or what it is short for."""
        if node.id == "pi":
            return pi
        if node.id in self.setting.arrays:
            raise Open(node.id)
        meaning = self.setting.meaning(node)
        return self.visit(meaning) if meaning is not None else self.symbol(node.id)

    def defined(self, node: ast.expr) -> Expr:
        """What the node is short for."""
        return self.visit(self.setting.expand(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expr:
        """The operand with its sign."""
        value = self.visit(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def visit_BinOp(self, node: ast.BinOp) -> Expr:
        """Arithmetic on scalars."""
        left, right = self.visit(node.left), self.visit(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Pow():
                return left**right
        raise Open(key(node))

    def visit_Attribute(self, node: ast.Attribute) -> Expr:
        """Transposes: matrices are left to the numeric comparison."""
        raise Open(key(node))

    def visit_Subscript(self, node: ast.Subscript) -> Expr:
        """Components, likewise."""
        raise Open(key(node))

    def call(self, name: str, argument: ast.expr) -> Expr:
        """An elementary function of one argument; an unknown one is left open."""
        if name == "log":
            return self.log_of(argument)
        if name not in _FUNCTIONS:
            raise Open(name)
        return _FUNCTIONS[name](self.visit(argument))

    def log_of(self, node: ast.expr) -> Expr:
        """log of the node; the log of a product of positive things is a sum of logs."""
        if is_density(node):
            return self.visit(self.setting.log_density(node))
        if isinstance(node, ast.BinOp) and mentions_density(node):
            if isinstance(node.op, ast.Mult):
                return self.log_of(node.left) + self.log_of(node.right)
            if isinstance(node.op, ast.Div):
                return self.log_of(node.left) - self.log_of(node.right)
        return expand_log(sympy.log(self.visit(node)), force=True)

    def over_sum(self, index: ast.expr, body: ast.expr) -> Expr:
        """Sums over an unknown number of terms stay open."""
        raise Open("sum")

    over_prod = over_sum

    def over_integral(self, variable: ast.expr, body: ast.expr) -> Expr:
        """An integral weighted by a Gaussian, or of something that is one."""
        density, rest = self.setting.split_density(body, key(variable))
        if density is not None:
            return self._expectation(key(density), rest)
        return self._exponential(self.symbol(key(variable)), self.log_of(body))

    def over_E(self, density: ast.expr, body: ast.expr) -> Expr:
        """The expectation of a polynomial, or of a ratio of Gaussians."""
        if self.setting.is_matrix(self.setting.normal(density)):
            raise Open(key(density))
        return self._expectation(self.setting.density(density), factors(body))

    def _expectation(self, density: str, parts: list[ast.expr]) -> Expr:
        normal = self.setting.densities[density]
        variable, t = self.symbol(normal.variable), Dummy("t", real=True)
        if any(is_ratio(p) for p in parts):
            logs = sum(self.log_of(p) for p in [parse(density), *parts])
            return self._exponential(variable, logs)
        mean, variance = self.visit(parse(normal.mean)), self.visit(parse(normal.variance))
        body = sympy.Mul(*(self.visit(p) for p in parts))
        body = sympy.expand(body.subs(variable, mean + sympy.sqrt(variance) * t))
        return sum(c * _moment(n) for (n,), c in _polynomial(body, t))

    def _exponential(self, variable: Symbol, log_integrand: Expr) -> Expr:
        """The integral of exp(quadratic)."""
        terms = {n: c for (n,), c in _polynomial(sympy.expand(log_integrand), variable)}
        a = sympy.simplify(-terms.get(2, sympy.S.Zero))
        if a == 0 or set(terms) - {0, 1, 2}:
            raise Open(str(log_integrand))
        return _gaussian_integral(a, terms.get(1, sympy.S.Zero), terms.get(0, sympy.S.Zero))


def _polynomial(expr: Expr, t: Symbol) -> list:
    """Powers and coefficients of a polynomial in t."""
    try:
        return sympy.Poly(expr, t).terms()
    except sympy.PolynomialError:
        raise Open(f"{expr} is no polynomial in {t}") from None


def difference(left: ast.expr, right: ast.expr, setting: Setting) -> Expr | None:
    """left - right, simplified; None where one of them does not close."""
    try:
        reader = Symbolic(setting)
        gap = reader.visit(left) - reader.visit(right)
        return sympy.simplify(expand_log(sympy.expand(gap), force=True))
    except Open:
        return None
