"""The language of a derivation: one line of text, read once and understood three ways.

A formula is written as Python writes it, with a few additions, and `typeset`, `numeric` and
`symbolic` all read the same tree, so what is shown is what is checked:

    log(sigma^2)            natural logarithm; ^ is a power
    p(x|z)   q(z)           a density; |  separates the condition
    E[q](z^2)               expectation under q
    integral[z](q(z))       integral over the whole line
    sum[l](mu[l]^2)         sum over the index l;  prod[l](...) likewise
    KL(q, p)   H(q)         Kullback-Leibler divergence, entropy;  H(q, p) is the cross-entropy
    inv(S) @ m   m.T        matrices;  tr, det and diag too
"""

import ast
from functools import cache
from typing import Any, TypeGuard

FUNCTIONS = {"log", "exp", "expm1", "sqrt", "abs", "sin", "tanh", "tr", "det", "inv", "diag"}
DIVERGENCES = {"KL", "H"}
BINDERS = {"E", "integral", "sum", "prod"}
_NODES = (
    ast.BinOp,
    ast.UnaryOp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Subscript,
    ast.Attribute,
    ast.operator,
    ast.unaryop,
    ast.Load,
)


@cache
def parse(text: str) -> ast.expr:
    """Read a formula; str() of a sympy expression is one too.

    Raises:
        ValueError: if the text is not a formula of this language.
    """
    try:
        node = ast.parse(text.strip().replace("^", "**"), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"cannot read {text!r} as a formula: {error.msg}") from None
    for part in ast.walk(node):
        if not isinstance(part, _NODES) or (isinstance(part, ast.Attribute) and part.attr != "T"):
            raise ValueError(f"cannot read {ast.unparse(part)!r} in {text!r}")
        if isinstance(part, ast.Subscript) and not isinstance(part.value, ast.Name):
            raise ValueError(f"cannot read {ast.unparse(part)!r} in {text!r}")
    return node


def key(node: ast.AST) -> str:
    """The canonical spelling of a formula: two that differ only in spaces share it."""
    return ast.unparse(node)


def call_name(node: ast.AST) -> str | None:
    """The name of a plain call f(...); None for anything else, E[q](...) included."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


def binder(node: ast.AST) -> str | None:
    """The binder of E[q](...), integral[z](...), sum[l](...) or prod[l](...), else None."""
    match node:
        case ast.Call(ast.Subscript(ast.Name(name))) if name in BINDERS:
            return name
    return None


def number(node: ast.Constant) -> int | float:
    """The number that stands in a formula.

    Raises:
        ValueError: if something else stands there, such as a word in quotation marks.
    """
    if not isinstance(node.value, int | float):
        raise ValueError(f"{key(node)} is not a number")
    return node.value


def is_density(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether the node is a density such as q(z) or p(x|z)."""
    name = call_name(node)
    return name is not None and name not in FUNCTIONS | DIVERGENCES


def mentions_density(node: ast.AST) -> bool:
    """Whether a density occurs anywhere inside."""
    return any(is_density(part) for part in ast.walk(node))


def is_ratio(node: ast.expr) -> bool:
    """Whether the node is a product or quotient of densities and nothing else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return is_ratio(node.left) and is_ratio(node.right)
    return is_density(node)


def factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product, left to right."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return factors(node.left) + factors(node.right)
    return [node]


class Interpreter(ast.NodeVisitor):
    """Walks a formula; a subclass says what each kind of node is worth."""

    def call(self, name: str, argument: ast.expr) -> Any:
        """What an elementary function of one argument, such as exp, is worth."""
        raise NotImplementedError

    def defined(self, node: ast.Call) -> Any:
        """What a density, a divergence or an entropy is worth."""
        raise NotImplementedError

    def visit_Call(self, node: ast.Call) -> Any:
        """Send E[q](f) to `over_E`, log(x) to `call`, densities and KL to `defined`."""
        if not node.args or node.keywords:
            raise ValueError(f"{key(node)} needs plain arguments")
        match node.func:
            case ast.Subscript(ast.Name(bound), subject) if bound in BINDERS:
                return getattr(self, f"over_{bound}")(subject, *node.args)
        name = call_name(node)
        if name is None:
            raise ValueError(f"cannot read {key(node)}: it is neither a function nor E[q](...)")
        if name in FUNCTIONS:
            return self.call(name, *node.args)
        return self.defined(node)

    def generic_visit(self, node: ast.AST):
        """Refuse what the language does not have, instead of walking past it."""
        raise ValueError(f"cannot use {key(node)!r} here")
