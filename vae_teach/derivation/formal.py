"""A formula in which densities are only letters: what holds here holds for any densities.

`symbolic` knows that q is Gaussian and closes integrals; here q(z) is a positive symbol that
depends on z, and an expectation is an unknown number. Two formulas that agree after the identities
below are equal whatever the densities are. Each identity that was needed is noted by its name.
"""

import ast
from collections.abc import Callable

import sympy
from sympy import Expr, Symbol, expand_log

from .expression import is_density, key, parse
from .setting import Setting
from .symbolic import Open, Symbolic

DEFINITION = "definition"
LINEARITY = "linearity"
LOGARITHM = "logarithm of a product"
PRODUCT = "product rule"
BAYES = "Bayes' rule"
TOTAL = "total probability"
UNIT = "normalisation"
CANCELLING = "cancelling a density"
CHANGE = "change of variables"

# What each identity needs. In words, beside the line that it proves.
CONDITIONS = {
    DEFINITION: "",
    LINEARITY: "the expectations exist",
    LOGARITHM: "the factors are positive",
    PRODUCT: "",
    BAYES: "the evidence is positive",
    TOTAL: "",
    UNIT: "densities integrate to 1, and probabilities add up to 1",
    CANCELLING: "what cancels is positive",
    CHANGE: "the map is one to one",
}


class Formal(Symbolic):
    """Reads a formula and notes which identities that took, each with what it was applied to."""

    def __init__(self, setting: Setting):
        super().__init__(setting)
        self.applied: set[tuple[str, str]] = set()
        self.hangs_on: dict[Symbol, frozenset[str]] = {}  # the variables of a density or integral

    def _note(self, identity: str, where: object) -> None:
        self.applied.add((identity, str(where)))

    def _letter(
        self, name: str, variables: set[str] | frozenset[str], **known: bool | None
    ) -> Symbol:
        letter = Symbol(name, **known)
        self.hangs_on[letter] = frozenset(variables)
        return letter

    def _mentions(self, expr: Expr, variable: str) -> bool:
        return any(
            str(s) == variable or variable in self.hangs_on.get(s, ()) for s in expr.free_symbols
        )

    def defined(self, node: ast.expr) -> Expr:
        """A density as a letter; KL and H by their definitions."""
        if not is_density(node):
            self._note(DEFINITION, key(node))
            return self.visit(self.setting.expand(node))
        if image := self.setting.images.get(key(node)):
            self._note(CHANGE, key(node))
            return self.visit(parse(image)) / self._stretch(key(node.args[0]))
        for identity, same in self._other_forms(node):
            self._note(identity, key(node))
            return self.visit(same)
        names = {p.id for arg in node.args for p in ast.walk(arg) if isinstance(p, ast.Name)}
        return self._letter(key(node), names, positive=True)

    def _other_forms(self, node: ast.Call) -> list[tuple[str, ast.expr]]:
        """A joint density as a product, a posterior by Bayes' rule, if their parts are known."""
        head, known = key(node.func), self.setting.named
        if len(node.args) == 2:
            x, z = (key(arg) for arg in node.args)
            parts = [f"{head}({x} | {z})", f"{head}({z})"]
            return [(PRODUCT, parse("*".join(parts)))] if known.issuperset(parts) else []
        if isinstance(node.args[0], ast.BinOp) and isinstance(node.args[0].op, ast.BitOr):
            z, x = key(node.args[0].left), key(node.args[0].right)
            parts = [f"{head}({x} | {z})", f"{head}({z})", f"{head}({x})"]
            if known.issuperset([*parts, key(node)]) and z not in self.setting.sampled:
                return [(BAYES, parse("{}*{}/{}".format(*parts)))]
        return []

    def visit_BinOp(self, node: ast.BinOp) -> Expr:
        """Arithmetic; a density that falls out of a product is noted."""
        value = super().visit_BinOp(node)
        if isinstance(node.op, ast.Mult | ast.Div):
            before = self.visit(node.left).free_symbols | self.visit(node.right).free_symbols
            for letter in before - value.free_symbols:
                if letter in self.hangs_on:
                    self._note(CANCELLING, letter)
        return value

    def visit_Subscript(self, node: ast.Subscript) -> Expr:
        """An entry of a vector: q[i]."""
        name, groups = key(node.value), self.setting
        positive = name in (groups.simplex + " " + groups.positive_vectors).split()
        return self._letter(key(node), {key(node.slice)}, real=True, positive=positive or None)

    def log_of(self, node: ast.expr) -> Expr:
        """log of the node; logs of products, and of products over an index, split."""
        match node:
            case ast.Call(ast.Subscript(ast.Name("prod"), index), parts):
                self._note(LOGARITHM, key(node))
                return self.over_sum(index, ast.Call(ast.Name("log", ast.Load()), list(parts), []))
        argument = self.visit(node)
        split = expand_log(sympy.log(argument), force=True)
        if split.is_Add:
            self._note(LOGARITHM, argument)
        return split

    def over_E(self, density: ast.expr, body: ast.expr) -> Expr:
        """The integral of density times body, as far as the identities take it."""
        name = self.setting.density(density)
        self._note(DEFINITION, f"E[{name}]")
        variable, weight = self.setting.normal(density).variable, self.visit(parse(name))
        return self._integral(variable, sympy.expand(self.visit(body)), weight)

    def over_integral(self, variable: ast.expr, body: ast.expr) -> Expr:
        """The integral over the line."""
        return self._integral(key(variable), sympy.expand(self.visit(body)), sympy.S.One)

    def _stretch(self, variable: str) -> Expr:
        """By how much the map that makes this variable stretches the axis."""
        source, formula = self.setting.maps[variable]
        return sympy.Abs(sympy.diff(self.visit(parse(formula)), self.symbol(source)))

    def _integral(self, variable: str, body: Expr, weight: Expr) -> Expr:
        if variable in self.setting.maps:
            source, formula = self.setting.maps[variable]
            self._note(CHANGE, variable)
            body = body.subs(self.symbol(variable), self.visit(parse(formula)))
            weight = sympy.expand(weight * self._stretch(variable))
            return self._integral(source, sympy.expand(body), weight)
        return self._linear(variable, body, weight, "integral", self._known)

    def over_sum(self, index: ast.expr, body: ast.expr) -> Expr:
        """A sum over an index."""
        return self._linear(
            key(index), sympy.expand(self.visit(body)), sympy.S.One, "sum", self._one
        )

    def _linear(
        self, variable: str, body: Expr, weight: Expr, operator: str, known: Callable
    ) -> Expr:
        """Term by term, constants in front; each term closes by `known` or becomes a letter."""
        total, terms = sympy.S.Zero, body.as_ordered_terms()
        outside = [self._apart(term, variable) for term in terms]
        if len(terms) > 1 or any(constant != 1 for constant, _ in outside):
            self._note(LINEARITY, (operator, variable, sympy.expand(weight * body)))
        for constant, term in outside:
            whole = sympy.expand_power_base(sympy.powsimp(weight * term))
            lost = weight.free_symbols - whole.free_symbols
            for letter in lost & self.hangs_on.keys():
                self._note(CANCELLING, letter)
            value = known(variable, whole)
            if value is None:
                names = set().union(*(self.hangs_on.get(s, {str(s)}) for s in whole.free_symbols))
                value = self._letter(f"{operator}[{variable}]({whole})", names - {variable})
            total += constant * value
        return total

    def _apart(self, term: Expr, variable: str) -> tuple[Expr, Expr]:
        """A product as what does not depend on the variable, and the rest."""
        inside = [f for f in sympy.Mul.make_args(term) if self._mentions(f, variable)]
        rest = sympy.Mul(*inside)
        return term / rest, rest

    def _known(self, variable: str, whole: Expr) -> Expr | None:
        """The integral of a density, or of a likelihood times a prior."""
        names = sorted(str(s) for s in sympy.Mul.make_args(whole))
        if not all(isinstance(f, Symbol) for f in sympy.Mul.make_args(whole)):
            return None
        if len(names) == 1 and self.setting.integrates_to_one(names[0], variable):
            self._note(UNIT, names[0])
            return sympy.S.One
        for name in self.setting.named:
            head, _, rest = name.partition("(")
            x = rest.removesuffix(")")
            if names == sorted([f"{head}({x} | {variable})", f"{head}({variable})"]):
                self._note(TOTAL, name)
                return self.visit(parse(name))
        return None

    def _one(self, index: str, whole: Expr) -> Expr | None:
        """The sum of probabilities, or of ones."""
        if whole == 1:
            return self.symbol(self.setting.size)
        if str(whole) in {f"{name}[{index}]" for name in self.setting.simplex.split()}:
            self._note(UNIT, whole)
            return sympy.S.One
        return None


def identities(left: ast.expr, right: ast.expr, setting: Setting) -> tuple[str, ...] | None:
    """The identities by which left = right for any densities; None if they do not show it.

    None are needed where both sides say the same after ordinary algebra. An identity that both
    sides need in the same place tells nothing about the step, and is not named.
    """
    try:
        one, other = Formal(setting), Formal(setting)
        gap = one.visit(left) - other.visit(right)
        if sympy.simplify(expand_log(sympy.expand(gap), force=True)) != 0:
            return None
    except (Open, ValueError):
        return None
    found = {identity for identity, _ in one.applied ^ other.applied}
    return tuple(identity for identity in CONDITIONS if identity in found)
