"""What the symbols of a derivation stand for: their ranges, and the densities they describe."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .expression import DIVERGENCES, call_name, factors, is_density, key, parse


class Normal(NamedTuple):
    """A Gaussian density: its variable, mean and variance (a covariance for a vector)."""

    variable: str
    mean: str
    variance: str


@dataclass(frozen=True, eq=False)
class Setting:
    """Names a derivation may use. Each group is a string of names separated by spaces.

    Args:
        real, positive: scalars, sampled from N(0, 1.2^2) and log-uniformly from [0.4, 2.5].
        vectors, positive_vectors, spd: columns of length `size` and positive definite matrices.
        simplex: probability vectors of length `size`.
        normals: Gaussian densities, e.g. {"q(z)": ("z", "mu", "sigma^2")}.
        definitions: any other formula by name, e.g. {"log(p(x,z))": "log(p(x|z)) + log(p(z))"}.
        maps: variables that are functions of others, e.g. {"y": ("x", "a*x + b")}.
        images: densities of such a variable and those they come from, {"q_y(y)": "q(x)"}.
        size: the name of the dimension; it takes the values in `sizes` in turn.
        n_points: how many random points every line is evaluated at.
        seed: of the random points, and of the Monte-Carlo draws.
    """

    real: str = ""
    positive: str = ""
    vectors: str = ""
    positive_vectors: str = ""
    spd: str = ""
    simplex: str = ""
    normals: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    size: str = "k"
    sizes: tuple[int, ...] = (1, 2, 3, 4, 5)
    n_points: int = 50
    seed: int = 0

    @cached_property
    def densities(self) -> dict[str, Normal]:
        """The Gaussian densities by canonical name."""
        return {key(parse(name)): Normal(*normal) for name, normal in self.normals.items()}

    @cached_property
    def _meanings(self) -> dict[str, ast.expr]:
        meanings = {
            f"log({name})": parse(self._log_density(normal))
            for name, normal in self.densities.items()
        }
        return meanings | {key(parse(k)): parse(v) for k, v in self.definitions.items()}

    def _log_density(self, normal: Normal) -> str:
        v, mean, var = normal
        if self.is_matrix(normal):
            quadratic = f"({v} - ({mean})).T @ inv({var}) @ ({v} - ({mean}))"
            return f"-1/2*({self.size}*log(2*pi) + log(det({var})) + {quadratic})"
        return f"-1/2*log(2*pi*({var})) - ({v} - ({mean}))^2/(2*({var}))"

    def is_matrix(self, normal: Normal) -> bool:
        """Whether the density is over a vector, so that its variance is a matrix."""
        names = (part.id for part in ast.walk(parse(normal.variance)) if isinstance(part, ast.Name))
        return any(name in self.spd.split() for name in names)

    def density(self, node: ast.expr) -> str:
        """The canonical name of the density written q or q(z).

        Raises:
            ValueError: if no density, or more than one, goes by that name.
        """
        name = key(node)
        if is_density(node) or name in self.densities:
            return name
        heads = [d for d in self._density_names if d.partition("(")[0] == name]
        if len(heads) != 1:
            raise ValueError(f"{name!r} names {len(heads)} densities here; write it in full")
        return heads[0]

    @cached_property
    def named(self) -> frozenset[str]:
        """The canonical names of all densities, Gaussian or not."""
        return frozenset(self._density_names)

    def integrates_to_one(self, name: str, variable: str) -> bool:
        """Whether the name is that of a density of this variable, given others or not."""
        if name not in self.named:
            return False
        match parse(name):
            case ast.Call(_, [argument]):
                return key(argument).split(" | ")[0] == variable
        return False

    @cached_property
    def _density_names(self) -> list[str]:
        nodes = (_without_log(parse(name)) for name in self._meanings)
        return list(dict.fromkeys(key(n) for n in nodes if is_density(n)))

    def normal(self, node: ast.expr) -> Normal:
        """The Gaussian an expectation E[...] is taken under.

        Raises:
            ValueError: if that density is not one of `normals`.
        """
        name = self.density(node)
        if name not in self.densities:
            known = ", ".join(self.densities) or "none"
            raise ValueError(f"no Gaussian {name} to take an expectation under; known: {known}")
        return self.densities[name]

    def split_density(
        self, product: ast.expr, variable: str
    ) -> tuple[ast.expr | None, list[ast.expr]]:
        """A factor that is a Gaussian over `variable`, or None, and the other factors."""
        for i, factor in enumerate(parts := factors(product)):
            normal = self.densities.get(key(factor))
            if normal and normal.variable == variable:
                return factor, parts[:i] + parts[i + 1 :] or [parse("1")]
        return None, parts

    def meaning(self, node: ast.expr) -> ast.expr | None:
        """What a formula is short for, one level down, or None if it is not a shorthand."""
        if found := self._meanings.get(key(node)):
            return found
        if isinstance(node, ast.Call) and call_name(node) in DIVERGENCES:
            return self._divergence(node)
        if is_density(node) and f"log({key(node)})" in self._meanings:
            return parse(f"exp(log({key(node)}))")
        return None

    def expand(self, node: ast.expr) -> ast.expr:
        """What a shorthand stands for.

        Raises:
            ValueError: if it stands for nothing here, with the names that do.
        """
        meaning = self.meaning(node)
        if meaning is None:
            known = ", ".join((*self.sampled, *self._density_names))
            raise ValueError(f"{key(node)!r} means nothing here; this derivation has {known}")
        return meaning

    def log_density(self, node: ast.expr) -> ast.expr:
        """A formula for the log of a density."""
        log = ast.Call(ast.Name("log", ast.Load()), [node], [])
        found = self._meanings.get(key(log))
        return found or ast.Call(log.func, [self.expand(node)], [])

    def _divergence(self, node: ast.Call) -> ast.expr:
        first, *rest = (self.density(arg) for arg in node.args)
        if call_name(node) == "KL" and len(rest) == 1:
            return parse(f"E[{first}](log({first}) - log({rest[0]}))")
        if call_name(node) == "H" and len(rest) <= 1:
            return parse(f"-E[{first}](log({(rest or [first])[0]}))")
        raise ValueError(f"{key(node)} has {len(node.args)} arguments")

    def points(self) -> Iterator[dict[str, np.ndarray | float]]:
        """Yield `n_points` random values of every sampled name, the same ones every time."""
        rng = np.random.default_rng(self.seed)
        for i in range(self.n_points):
            yield self._draw(rng, self.sizes[i % len(self.sizes)])

    def _draw(self, rng: np.random.Generator, k: int) -> dict[str, np.ndarray | float]:
        def positive(*shape: int) -> np.ndarray:
            return np.exp(rng.uniform(np.log(0.4), np.log(2.5), shape))

        def covariance() -> np.ndarray:
            factor = rng.standard_normal((k, k))
            return factor @ factor.T / k + 0.3 * np.eye(k)

        point: dict[str, np.ndarray | float] = {self.size: np.float64(k), "I": np.eye(k)}
        point |= {name: np.float64(1.2 * rng.standard_normal()) for name in self.real.split()}
        point |= {name: np.float64(positive()) for name in self.positive.split()}
        point |= {name: rng.standard_normal((k, 1)) for name in self.vectors.split()}
        point |= {name: positive(k, 1) for name in self.positive_vectors.split()}
        point |= {name: covariance() for name in self.spd.split()}
        return point | {name: rng.dirichlet(np.ones(k))[:, None] for name in self.simplex.split()}

    @cached_property
    def arrays(self) -> frozenset[str]:
        """Names of vectors and matrices."""
        groups = (self.vectors, self.positive_vectors, self.spd, self.simplex, "I")
        return frozenset(" ".join(groups).split())

    @cached_property
    def sampled(self) -> tuple[str, ...]:
        """Names that take a random value at each point, in the order given."""
        groups = (self.real, self.positive, self.vectors, self.positive_vectors)
        return tuple(" ".join((*groups, self.spd, self.simplex)).split())


def _without_log(node: ast.expr) -> ast.expr:
    match node:
        case ast.Call(ast.Name("log"), [argument]):
            return argument
    return node
