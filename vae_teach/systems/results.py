"""Tables of reproduced numbers, made from the files that `reproduce` wrote and from nothing else.

A group is what may be averaged: one preset, one number of steps, one number of draws and pictures;
only the seed differs.
"""

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from vae_teach.systems.measures import MEASURES, sse_constant
from vae_teach.systems.result_file import read_result
from vae_teach.systems.table import PRESETS

NUMBERS = ("Number", "Published", "Ours", "Draws K")
VALIDATIONS = (
    "Step", "ELBO of one training batch", "ELBO, published", "ELBO, ours", "log p(x), published",
    "log p(x), ours",
)  # fmt: skip
PICTURES = {"mnist": "", "binarized_mnist": " --amat DIR"}  # how `reproduce` is told of them
NARROW = ((0, 1, 2, 3), (0, 4, 5))  # columns of `VALIDATIONS` that stand side by side


def read_results(folder: str | Path) -> list[dict]:
    """Every result in a folder, ordered as `PRESETS`, then by length, then by seed.

    Raises:
        FileNotFoundError: if the folder holds none.
        ValueError: naming a file that is no result, or whose preset is unknown.
    """
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"no results in {folder}")
    results = [read_result(file) for file in files]
    order = list(PRESETS)

    def place(result: dict) -> tuple[int, float, int]:
        length = _length(result)
        steps = math.inf if isinstance(length, str) else length
        return order.index(result["preset"]), steps, result["protocol"]["seed"]

    return sorted(results, key=place)


def group(results: Iterable[dict]) -> list[list[dict]]:
    """Results that differ in nothing but the seed, together, in the order they came."""
    groups: dict[tuple, list[dict]] = {}
    for result in results:
        protocol = result["protocol"]
        draws = tuple((line["samples"], line["images"]) for line in result["results"])
        last = early_stopping_of(result) is None
        key = (result["preset"], protocol["data"], _length(result), last, draws)
        groups.setdefault(key, []).append(result)
    return list(groups.values())


def _length(result: dict) -> int | str:
    """What makes two runs equally long: their steps, or the rule that ended them."""
    rule = early_stopping_of(result)
    return "by its rule" if rule and rule["stopped"] else result["protocol"]["steps"]


def early_stopping_of(result: dict) -> dict | None:
    """What early stopping did in a run; None for one that evaluated its last weights."""
    return result.get("early_stopping")


def spread(values: Sequence[float], digits: int) -> str:
    """'29.27 (29.16 to 29.34)', or the value alone if there is one."""
    mean, low, high = (_number(f(values), digits) for f in (statistics.mean, min, max))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _number(value: float, digits: int) -> str:
    """A number with a minus sign, where a hyphen would let a line break behind it."""
    return f"{value:.{digits}f}".replace("-", "−")


def number_rows(members: Sequence[dict]) -> list[tuple[str, ...]]:
    """One row per measure of a group, with the columns of `NUMBERS`."""
    return [
        _row(line, [member["results"][i]["value"] for member in members])
        for i, line in enumerate(members[0]["results"])
    ]


def _row(line: dict, values: list[float]) -> tuple[str, ...]:
    digits = MEASURES[line["measure"]].digits
    published = _number(line["published"]["value"], digits) if line["published"] else "none"
    draws = f"{line['samples']:,}" if line["samples"] else "–"
    return plain(f"{line['title']}, {line['unit']}"), published, spread(values, digits), draws


def share_line(members: Sequence[dict]) -> str:
    """How much of the source's schedule a group went through, and over how many seeds."""
    protocol, many = members[0]["protocol"], len(members)
    steps, planned = protocol["steps"], protocol["planned_steps"]
    seeds = f"{many} seed{'s' * (many > 1)}"
    if PRESETS[members[0]["preset"]].early_stopping is not None:
        return f"{_stopped(members, steps)}, {seeds}"
    whole = f"The whole schedule of {planned:,} steps"
    part = f"**{100 * steps / planned:.0f} % of the schedule**, {steps:,} of {planned:,} steps"
    return f"{whole if steps == planned else part}, {seeds}"


def _stopped(members: Sequence[dict], steps: int) -> str:
    """How runs of a source that stops early ended, and which weights were evaluated."""
    rules = [rule for member in members if (rule := early_stopping_of(member))]
    if not rules:
        return (
            f"**Another rule than the source's**: {steps:,} steps, and the last weights, where "
            "the source evaluates those of the best validation bound"
        )
    if not rules[0]["stopped"]:
        kept = _kept(rules, "the best weights so far")
        return f"**Cut at {steps:,} steps**, before the source's rule ended it; {kept}"
    ends = _steps(rule["validations"]["step"][-1] for rule in rules)
    return f"The source's rule ended it at step {ends}; {_kept(rules, 'the best weights')}"


def _kept(rules: Sequence[dict], best: str) -> str:
    """Which weights were evaluated: the last, where no validation was better than any other."""
    steps = [rule["best_step"] for rule in rules]
    if (lost := steps.count(None)) == 0:
        return f"{best}, of step {_steps(steps)}"
    runs = f"{lost} of {len(rules)} seed{'s' * (len(rules) > 1)}"
    return f"**the last weights of {runs}, because no validation bound of theirs is a number**"


def _steps(steps: Iterable[int]) -> str:
    return " / ".join(f"{step:,}" for step in steps)


def origin_line(members: Sequence[dict]) -> str:
    """What made a group's files, and on what: the command, the machine, the minutes, the commit."""
    first = members[0]
    name, steps = first["preset"], first["protocol"]["steps"]
    whole = steps == first["protocol"]["planned_steps"]
    ended = (early_stopping_of(first) or {}).get("stopped", False)
    short = "" if whole or ended else f" --steps {steps}"
    data = first["protocol"]["data"]
    pictures = PICTURES.get(data, f" --data {data}")
    seeds = ", ".join(str(member["protocol"]["seed"]) for member in members)
    minutes = statistics.mean(member["provenance"]["training_minutes"] for member in members)
    told = (str(member["provenance"]["device"]) for member in members)
    devices = _different(plain(re.sub(r"\b1 threads$", "1 thread", device)) for device in told)
    commits = _different(f"`{member['provenance']['git_commit'][:7]}`" for member in members)
    tested = next((line["images"] for line in first["results"] if line["images"]), None)
    test = f" Tested on {tested:,} pictures." if tested else ""
    return (
        f"`python -m vae_teach reproduce {name}{pictures} --seed S{short}`, S = {seeds}; "
        f"{minutes:.1f} minutes a seed on {devices}; files `{name}-seedS.json`, commit "
        f"{commits}.{test}"
    )


def _different(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def curve_rows(results: Iterable[dict], preset: str) -> list[tuple[str, ...]]:
    """Epoch, published training loss, ours: for the epochs that the source printed.

    Raises:
        ValueError: if the source printed no curve or no result reaches its first epoch.
    """
    published = PRESETS[preset].published_curve
    curves = [training_losses(result) for result in results if result["preset"] == preset]
    rows: list[tuple[str, ...]] = []
    for epoch, value in published:
        ours = [curve[epoch] for curve in curves if epoch in curve]
        if ours:
            rows.append((str(epoch), f"{value:.2f}", spread(ours, 2)))
    if not rows:
        raise ValueError(f"{preset} has no published curve, or no result reaches its first epoch")
    return rows


def validation_rows(members: Sequence[dict]) -> list[tuple[str, ...]]:
    """Step, published bound and log p(x) on the validation pictures, and ours over the seeds.

    A row for every step at which all of a group were validated; none where nothing was.
    """
    columns = [rule["validations"] for m in members if (rule := early_stopping_of(m))]
    published = {step: rest for step, *rest in PRESETS[members[0]["preset"]].published_validations}
    rows: list[tuple[str, ...]] = []
    common = min((len(column["step"]) for column in columns), default=0)
    for i in range(common):
        step = columns[0]["step"][i]
        his = [_number(value, 2) for value in published.get(step, ())] or ["–", "–"]
        ours = [spread([column[name][i] for column in columns], 2) for name in ("elbo", "log_px")]
        train = spread([column["train_elbo"][i] for column in columns], 2)
        rows.append((f"{step:,}", train, his[0], ours[0], his[1], ours[1]))
    return rows


def epoch_rows(
    results: Iterable[dict], presets: Sequence[str], epochs: Iterable[int]
) -> list[tuple[str, ...]]:
    """Epoch, then the training loss of each preset over its seeds: squared error plus KL.

    Raises:
        ValueError: if a preset has no result, or one that was not trained for so long.
    """
    results, rows = list(results), []
    for epoch in epochs:
        row = [str(epoch)]
        for preset in presets:
            curves = [training_losses(r) for r in results if r["preset"] == preset]
            if not curves or any(epoch not in curve for curve in curves):
                raise ValueError(f"no result of {preset}, or not all of them reach epoch {epoch}")
            row.append(spread([curve[epoch] for curve in curves], 2))
        rows.append(tuple(row))
    return rows


def training_losses(result: dict) -> dict[int, float]:
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
