"""One line of a derivation: a relation, a formula, the reason, and the usual mistakes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .expression import parse

RELATIONS = ("<=", ">=", "=")


def split_relation(line: str) -> tuple[str, str]:
    """("<=", "x - 1") from "<= x - 1".

    Raises:
        ValueError: if the line does not start with =, <= or >=.
    """
    for relation in RELATIONS:
        if line.strip().startswith(relation):
            return relation, line.strip().removeprefix(relation).strip()
    raise ValueError(f"a step starts with =, <= or >=, but got {line!r}")


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Args:
        line: the relation to the line above, then the formula: "= log(1/sigma) + 1/2".
        why: the reason it holds, in words.
        wrong: usual mistakes, each a name and the edit (old, new) of `line` that makes it.
        instead_of: the step this one was put in place of, if a reader changed it.
    """

    line: str
    why: str
    wrong: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    instead_of: "Step | None" = None

    def __post_init__(self):
        """Read the line now, so that a slip shows where it was typed."""
        parse(split_relation(self.line)[1])

    @property
    def relation(self) -> str:
        """How the line continues the one above: =, <= or >=."""
        return split_relation(self.line)[0]

    @property
    def formula(self) -> str:
        """The line without its relation."""
        return split_relation(self.line)[1]

    def edited(self, old: str, new: str) -> "Step":
        """This step with one piece of its text changed.

        Raises:
            ValueError: if `old` does not occur exactly once.
        """
        if self.line.count(old) != 1:
            raise ValueError(f"{old!r} occurs {self.line.count(old)} times in {self.line!r}")
        return self.put(self.line.replace(old, new))

    def put(self, line: str) -> "Step":
        """This step with another line, which remembers what it replaces."""
        line = line if line.strip().startswith(RELATIONS) else f"{self.relation} {line}"
        return replace(self, line=line, instead_of=self.instead_of or self)
