"""What a formula is worth at one point, by arithmetic and quadrature.

A scalar has at most one axis, the nodes of an integral (M,); a matrix is (k, k) or (M, k, k).
"""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

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
from .quadrature import gauss_hermite, trapezoid
from .setting import Normal, Setting

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "tanh": np.tanh,
    "tr": lambda a: np.trace(a, axis1=-2, axis2=-1),
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "diag": lambda v: np.diag(v[:, 0]),
}


def scalar(value):
    """Read a 1 x 1 matrix, such as a quadratic form, as the number it holds."""
    return value[..., 0, 0] if np.ndim(value) > 1 and value.shape[-2:] == (1, 1) else value


class Numeric(Interpreter):
    """Evaluates a formula in a setting, at one point; integrals by quadrature."""

    def __init__(self, setting: Setting, point: dict):
        self.setting = setting
        self.values = dict(point) | {"pi": np.pi}
        self.bound: str | None = None
        self.integrals = 0

    def value(self, node: ast.expr) -> float:
        """The formula's value; NaN where it has none.

        A false line may well take the log of -1, invert a singular matrix or diverge.
        """
        try:
            with np.errstate(all="ignore"):
                return float(scalar(self.visit(node)))
        except (ArithmeticError, np.linalg.LinAlgError):
            return math.nan

    def visit_Constant(self, node: ast.Constant) -> np.float64:
        """The number that stands in the line."""
        return np.float64(number(node))

    def visit_Name(self, node: ast.Name):
        """A symbol: bound, sampled, or defined by the setting."""
        return self.values[node.id] if node.id in self.values else self.defined(node)

    def defined(self, node: ast.expr):
        """The value of what the node is short for."""
        return self.visit(self.setting.expand(node))

    def visit_UnaryOp(self, node: ast.UnaryOp):
        """The operand with its sign."""
        value = self.visit(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def visit_BinOp(self, node: ast.BinOp):
        """Arithmetic; a 1 x 1 matrix that is added to a number is a number."""
        left, right = self.visit(node.left), self.visit(node.right)
        fewest, most = sorted((np.ndim(left), np.ndim(right)))
        scaling = fewest == 0 and isinstance(node.op, ast.Mult | ast.Div)
        if fewest < 2 <= most and not scaling:
            left, right = scalar(left), scalar(right)
        return _OPERATORS[type(node.op)](left, right)

    def visit_Attribute(self, node: ast.Attribute):
        """The transpose of a matrix: A.T, the only attribute that the language has."""
        return np.swapaxes(self.visit(node.value), -1, -2)

    def visit_Subscript(self, node: ast.Subscript):
        """The components of a vector, all at once: only a sum or product asks for them."""
        return self.visit(node.value)[:, 0]

    def call(self, name: str, argument: ast.expr):
        """An elementary function of one argument, such as exp."""
        return self.log_of(argument) if name == "log" else _FUNCTIONS[name](self.visit(argument))

    def log_of(self, node: ast.expr):
        """log of the node, through log p and never p, which underflows in its own tails."""
        if is_density(node):
            return self.visit(self.setting.log_density(node))
        if isinstance(node, ast.BinOp) and mentions_density(node):
            if isinstance(node.op, ast.Mult):
                return self.log_of(node.left) + self.log_of(node.right)
            if isinstance(node.op, ast.Div):
                return self.log_of(node.left) - self.log_of(node.right)
        return np.log(scalar(self.visit(node)))

    def over_sum(self, index: ast.expr, body: ast.expr) -> float:
        """The sum of the body over 1..k."""
        return np.sum(self.visit(body))

    def over_prod(self, index: ast.expr, body: ast.expr) -> float:
        """The product of the body over 1..k."""
        return np.prod(self.visit(body))

    def over_integral(self, variable: ast.expr, body: ast.expr) -> float:
        """The integral of the body over the real line."""
        return self.integrate(key(variable), factors(body))

    def over_E(self, density: ast.expr, body: ast.expr) -> float:
        """The expectation of the body under a Gaussian."""
        normal = self.setting.normal(density)
        self.integrals += 1
        if not self.setting.is_matrix(normal):
            return self.integrate(normal.variable, [parse(self.setting.density(density)), body])
        mean, root = self.moments(normal)
        nodes, weights = gauss_hermite(len(mean))
        return np.sum(weights * self.bind(normal.variable, mean + root @ nodes, body))

    def integrate(self, variable: str, nodes: list[ast.expr]) -> float:
        """The integral of a product; its range is where the setting's densities live."""
        self.integrals += 1
        self.refuse_nesting(variable)
        normals = [n for n in self.setting.densities.values() if n.variable == variable]
        if not normals:
            raise ValueError(f"no density over {variable!r} says where to integrate")
        moments = [self.moments(n) for n in normals]
        return trapezoid(lambda t: self.bind(variable, t, *nodes), moments, variable)

    def refuse_nesting(self, variable: str) -> None:
        """Two grids at once would be multiplied node by node, a wrong number in silence."""
        if self.bound not in (None, variable):
            raise ValueError(
                f"cannot integrate over {variable} inside an integral over {self.bound}"
            )

    def bind(self, variable: str, t: np.ndarray, *nodes: ast.expr):
        """A product at the nodes t; its densities meet on the log scale, so q * (p / q) is p."""
        self.refuse_nesting(variable)
        outer = self.values, self.bound
        self.values, self.bound = self.values | {variable: t}, variable
        try:
            log_ratio = sum(self.log_of(n) for n in nodes if is_ratio(n))
            value = np.exp(log_ratio)
            for node in nodes:
                value = value if is_ratio(node) else value * scalar(self.visit(node))
            return value
        finally:
            self.values, self.bound = outer

    def moments(self, normal: Normal) -> tuple:
        """Mean and standard deviation; for a vector, mean and Cholesky factor."""
        mean, variance = (self.visit(parse(text)) for text in normal[1:])
        matrix = self.setting.is_matrix(normal)
        return mean, (np.linalg.cholesky(variance) if matrix else np.sqrt(variance))
