"""A formula with every expectation replaced by an average over random draws."""

import ast

import numpy as np

from .expression import key
from .numeric import Numeric
from .setting import Setting


class Undrawable(Exception):
    """An integral with no Gaussian factor to draw from."""


class MonteCarlo(Numeric):
    """Evaluates a formula at one point by averages, and says how far they may be off."""

    def __init__(self, setting: Setting, point: dict, rng: np.random.Generator, draws: int):
        super().__init__(setting, point)
        self.rng, self.draws = rng, draws
        self.averages: dict[tuple, tuple[float, float]] = {}  # mean, standard error
        self.nudged: tuple | None = None

    def estimate(self, node: ast.expr) -> tuple[float, float]:
        """Value and standard error; each average is nudged by its own error in turn.

        Raises:
            Undrawable: if some integral is not an expectation under a Gaussian.
        """
        value = self.value(node)
        changes = [self._nudged_value(mark, node) - value for mark in self.averages]
        return value, float(np.linalg.norm(changes))

    def _nudged_value(self, mark: tuple, node: ast.expr) -> float:
        self.nudged = mark
        return self.value(node)

    def over_integral(self, variable: ast.expr, body: ast.expr) -> float:
        """An integral weighted by a density is an expectation under it."""
        density, rest = self.setting.split_density(body, key(variable))
        if density is None:
            raise Undrawable(f"cannot draw from {key(body)}")
        return self._average(density, rest)

    def over_E(self, density: ast.expr, body: ast.expr) -> float:
        """The average of the body over draws of the density."""
        return self._average(density, [body])

    def _average(self, density: ast.expr, nodes: list[ast.expr]) -> float:
        # A shorthand such as KL is expanded afresh at each visit: only its spelling is stable.
        mark = key(density), *map(key, nodes)
        if mark not in self.averages:
            mean, root = self.moments(normal := self.setting.normal(density))
            if self.setting.is_matrix(normal):
                t = mean + root @ self.rng.standard_normal((self.draws, len(mean), 1))
            else:
                t = mean + root * self.rng.standard_normal(self.draws)
            values = self.bind(normal.variable, t, *nodes) * np.ones(self.draws)
            self.averages[mark] = values.mean(), values.std(ddof=1) / np.sqrt(self.draws)
        average, error = self.averages[mark]
        return average + error * (self.nudged == mark)
