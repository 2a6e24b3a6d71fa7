"""The order in which notebooks are run that are run several at a time."""

from collections.abc import Iterable
from pathlib import Path


def longest_first(paths: Iterable[Path]) -> list[Path]:
    """Those that train most, then the later ones: at the end no core waits for a long one."""

    def trainings(path: Path) -> int:
        return path.read_text(encoding="utf-8").count("fit(")

    return sorted(sorted(paths, reverse=True), key=trainings, reverse=True)
