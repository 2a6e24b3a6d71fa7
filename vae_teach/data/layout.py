"""What the subfolders of a folder of pictures mean: labels, or the user's own split.

cats/ and dogs/ are labels. train/, val/ and test/ are a split, and then the folders in them are
labels. Shapes: N pictures; labels are (N,) whole numbers in the order of the labels' names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PARTS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where each picture belongs.

    Attributes:
        is_split: whether the folders name a split.
        parts: "train", "validation", "test" -> pictures; only "train" where nobody split them.
        names: of the labels; None where there are none.
        label: picture -> number of its label; {} where there are none.
        loose: pictures beside the folders of labels, in none of them.
    """

    is_split: bool
    parts: dict[str, list[Path]]
    names: tuple[str, ...] | None
    label: dict[Path, int]
    loose: list[Path]


def read_layout(root: Path, pictures: Iterable[Path]) -> Layout:
    """Read labels and split from the pictures' places below `root`.

    Raises:
        ValueError: if folders that name a split stand beside others or lack a part, or if all
            pictures have the same label.
    """
    inner = {path: path.relative_to(root).parts for path in pictures}
    parts = _split(root, sorted({where[0] for where in inner.values() if len(where) > 1}))
    if parts is not None:
        inner = {path: where[1:] for path, where in inner.items() if len(where) > 1}
    labelled = [path for path, where in inner.items() if len(where) > 1]
    names = tuple(sorted({inner[path][0] for path in labelled}))
    if len(names) == 1:
        raise ValueError(_one_label(root, names[0], parts))
    placed = labelled or list(inner)
    part = {path: _part(root, path, parts) for path in placed}
    if parts is not None and (missing := set(parts.values()) - set(part.values())):
        raise ValueError(
            f"{root} has no picture for {' and '.join(sorted(missing))}: if some of its folders "
            "have labels in them, all must"
        )
    return Layout(
        parts is not None,
        {name: [p for p in placed if part[p] == name] for name in sorted(set(part.values()))},
        names or None,
        {path: names.index(inner[path][0]) for path in labelled},
        [path for path in pictures if path not in part],
    )


def _part(root: Path, path: Path, parts: dict[str, str] | None) -> str:
    return "train" if parts is None else parts[path.relative_to(root).parts[0]]


def _split(root: Path, folders: list[str]) -> dict[str, str] | None:
    """Folder -> part of the split, or None where the folders are labels."""
    parts = {name: part for name in folders if (part := part_of(name)) is not None}
    if len(parts) < 2:  # a single "train" among other folders may be the one with wheels
        return None
    others = [name for name in folders if name not in parts]
    named = ", ".join(parts)
    if others:
        raise ValueError(
            f"{root} has the folders {named}, which name a split, beside {', '.join(others)}, "
            "which do not: put the labels into the parts of the split, or rename those that are "
            "labels"
        )
    if len(set(parts.values())) < len(parts) or "train" not in parts.values():
        raise ValueError(
            f"{root} has the folders {named}, but a split has one for training, one for testing "
            "and perhaps one for validation: train, test, val"
        )
    if "test" not in parts.values():  # of a split in two, the part that is held back
        return {name: "test" if part == "validation" else part for name, part in parts.items()}
    return parts


def part_of(name: str) -> str | None:
    """Which part of a split a folder's name means: "Train", "test_set", "valid"; None for none."""
    return PARTS.get(name.lower().removesuffix("set").rstrip(" _-"))


def _one_label(root: Path, name: str, parts: dict[str, str] | None) -> str:
    if parts is None:
        return (
            f"{root} has one folder of pictures, {name}, which would be the only label: "
            f"give {root / name} instead, or a folder for each of two labels or more"
        )
    return (
        f"{root} has pictures in folders called {name} only, which would be the only label: "
        f"put them into {', '.join(parts)} themselves, or into folders of two labels or more"
    )
