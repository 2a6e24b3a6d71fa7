"""Tables of reproduced numbers, made from the files that `reproduce` wrote and from nothing else.

A group is what may be averaged: one preset, one number of steps, one number of draws and pictures;
only the seed differs.
"""

import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from vae_teach.systems.measures import MEASURES, sse_constant
from vae_teach.systems.result_file import read_result
from vae_teach.systems.table import PRESETS

HEAD = (
    "System and number", "Published", "Ours, mean (lowest to highest)", "Seeds", "Draws K",
    "Test pictures", "Steps, of the source's", "Minutes a seed", "Device",
)  # fmt: skip


def read_results(folder: str | Path) -> list[dict]:
    """Every result in a folder, ordered as `PRESETS`, then by steps, then by seed.

    Raises:
        FileNotFoundError: if the folder holds none.
        ValueError: naming a file that is no result, or whose preset is unknown.
    """
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"no results in {folder}")
    results = [read_result(file) for file in files]
    order = list(PRESETS)

    def place(result: dict) -> tuple[int, int, int]:
        protocol = result["protocol"]
        return order.index(result["preset"]), protocol["steps"], protocol["seed"]

    return sorted(results, key=place)


def group(results: Iterable[dict]) -> list[list[dict]]:
    """Results that differ in nothing but the seed, together, in the order they came."""
    groups: dict[tuple, list[dict]] = {}
    for result in results:
        protocol = result["protocol"]
        draws = tuple((line["samples"], line["images"]) for line in result["results"])
        key = (result["preset"], protocol["data"], protocol["steps"], draws)
        groups.setdefault(key, []).append(result)
    return list(groups.values())


def spread(values: Sequence[float], digits: int) -> str:
    """'29.27 (29.16 to 29.34)', or the value alone if there is one."""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table_rows(results: Iterable[dict]) -> list[tuple[str, ...]]:
    """One row per group and measure, with the columns of `HEAD`."""
    rows = []
    for members in group(results):
        first = members[0]
        for i, line in enumerate(first["results"]):
            values = [member["results"][i]["value"] for member in members]
            rows.append(_row(members, line, values, is_first=i == 0))
    return rows


def _row(members: list[dict], line: dict, values: list[float], is_first: bool) -> tuple[str, ...]:
    first, digits = members[0], MEASURES[line["measure"]].digits
    title = plain(f"{line['title']}, {line['unit']}")
    published = "none" if line["published"] is None else f"{line['published']['value']:.{digits}f}"
    cells = [f"`{first['preset']}`: {title}" if is_first else title, published]
    cells += [spread(values, digits), str(len(members))]
    cells += [f"{n:,}" if n else "–" for n in (line["samples"], line["images"])]
    if not is_first:
        return (*cells, "", "", "")
    protocol = first["protocol"]
    minutes = statistics.mean(m["provenance"]["training_minutes"] for m in members)
    devices = sorted({plain(str(member["provenance"]["device"])) for member in members})
    steps = f"{protocol['steps']:,} of {protocol['planned_steps']:,}"
    return (*cells, steps, f"{minutes:.1f}", "; ".join(devices))


def curve_rows(results: Iterable[dict], preset: str) -> list[tuple[str, ...]]:
    """Epoch, published training loss, ours: for the epochs that the source printed.

    Raises:
        ValueError: if the source printed no curve or no result reaches its first epoch.
    """
    published = PRESETS[preset].published_curve
    curves = [_training_losses(result) for result in results if result["preset"] == preset]
    rows: list[tuple[str, ...]] = []
    for epoch, value in published:
        ours = [curve[epoch] for curve in curves if epoch in curve]
        if ours:
            rows.append((str(epoch), f"{value:.2f}", spread(ours, 2)))
    if not rows:
        raise ValueError(f"{preset} has no published curve, or no result reaches its first epoch")
    return rows


def _training_losses(result: dict) -> dict[int, float]:
    """Squared error plus KL by epoch: without the constant of the Gaussian likelihood."""
    history = result["history"]
    constant = sse_constant(784)
    columns = (history["epoch"], history["train_reconstruction"], history["train_kl"])
    return {int(e): r + k - constant for e, r, k in zip(*columns, strict=True)}


def plain(text: str) -> str:
    """Text as Markdown that shows it as it is, in one line: no markup, no HTML, no second cell.

    A backslash before punctuation stands for the character. Source: CommonMark 0.31, section 2.4.
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!^@])", r"\\\1", " ".join(text.split()))


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", text)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; a bar inside a cell is escaped, unless it is already."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]
