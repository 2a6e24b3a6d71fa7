"""A derivation on the page: Markdown with typeset mathematics, or plain text.

The formulas stand in one display, aligned at their relation signs, each with its number and its
mark; the list below it has the marks again, in words, with the reasons. A mark says what was done:
"by rule" names the identity or inequality that was applied, with its conditions; "by algebra" means
that both sides are one formula; "at 50 points" that their numbers agree there, a check that could
have failed and is no proof. In the reasons, a formula between backticks is typeset too.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from .step import Step
from .typeset import latex, relation_latex
from .verify import Verdict

RED = "#d9302b"  # contrast 4.6 on white, 4.0 on #121212
_FLOOR = -12  # smaller discrepancies are rounding, and differ from machine to machine
_ALARM = 5.0  # standard errors: chance alone does that once in 1.7 million lines
_FORMULA = re.compile(r"`([^`]+)`")


def mark(verdict: Verdict) -> str:
    """What speaks for a step, in a word or two, the same on every machine."""
    if not verdict.holds:
        return "false"
    if verdict.method in ("rule", "algebra"):
        return f"by {verdict.method}"
    return f"at {verdict.points} points"


def evidence(relation: str, verdict: Verdict) -> str:
    """The mark with what it stands on: the rules, how close the numbers are, or how far off."""
    if not verdict.holds:
        finite = math.isfinite(verdict.off_by)
        return f"off by {verdict.off_by:.2g}" if finite else "cannot be evaluated"
    if verdict.method == "rule":
        return f"by rule: {', '.join(verdict.rules)}"
    if verdict.method == "algebra" or relation != "=":
        return mark(verdict)
    return f"{mark(verdict)}, error {_error(verdict)}"


def _error(verdict: Verdict) -> str:
    """How far the numbers are apart, or on the wrong side of each other, by powers of ten."""
    decade = math.ceil(math.log10(max(verdict.discrepancy, 1e-99)))
    return f"<= 1e{max(decade, _FLOOR)}"


def _typeset(found: str) -> str:
    """ "error <= 1e-12" with a power of ten."""
    return re.sub(r"<= 1e(-?\d+)", r"$\\le 10^{\1}$", found)


def _alarm(verdict: Verdict) -> str:
    """What the reader must know before the reason."""
    if not verdict.holds:
        return f"{verdict.example}. The reason given was: "
    draws = verdict.monte_carlo
    if draws and draws.errors_away > _ALARM:
        return f"(Monte Carlo disagrees, by {draws.errors_away:.0f} standard errors.) "
    return ""


def _display(rows: Sequence[tuple[str, str, str]]) -> str:
    """Rows of (number, formula, mark); the number comes first, and stays in sight on a phone."""
    # Between $$ and $$, JupyterLab's MyST numbers every formula, against the steps' own numbers.
    lines = [rf"{_note(n)} & {formula} && {_note(found)}" for n, formula, found in rows]
    inside = " \\\\[0.5em]\n".join(lines)
    begin, end = (f"\\{word}{{equation*}}" for word in ("begin", "end"))
    return f"{begin}\n\\begin{{aligned}}\n{inside}\n\\end{{aligned}}\n{end}"


def _note(text: str) -> str:
    return rf"{{\small\text{{{text}}}}}\;" if text else ""


def _count(verdicts: Sequence[Verdict]) -> str:
    """How many steps hold, and by what."""
    marks = Counter(mark(verdict) for verdict in verdicts if verdict.holds)
    by = ", ".join(f"{n} {name}" for name, n in marks.items())
    return f"{sum(marks.values())} of {len(verdicts)} steps hold{f': {by}' * bool(by)}."


def _headline(title: str, verdicts: Sequence[Verdict]) -> tuple[str, str]:
    return title, _count(verdicts)


def markdown(
    title: str,
    start: str,
    given: str,
    steps: Sequence[Step],
    verdicts: Sequence[Verdict],
    size: str = "k",
) -> str:
    """The display and the list of reasons; of a changed derivation the changed lines alone."""

    def prose(text: str) -> str:
        return _FORMULA.sub(lambda match: f"${latex(match[1], size)}$", text)

    def line(step: Step) -> str:
        return rf"{relation_latex(step.relation)} {latex(step.formula, size)}"

    def row(number: int, step: Step, verdict: Verdict) -> tuple[str, str, str]:
        formula = line(step)
        if not verdict.holds:
            formula = _red(formula, line(step.instead_of) if step.instead_of else "")
        sign = "" if verdict.holds else "✗ "
        return f"{sign}({number})", formula, mark(verdict)

    def reason(number: int, step: Step, verdict: Verdict) -> str:
        words = _typeset(evidence(step.relation, verdict))
        conditions = f" ({prose('; '.join(verdict.conditions))})" if verdict.conditions else ""
        found = f"*{words[0].upper()}{words[1:]}*" if verdict.holds else f"✗ **False**, *{words}*,"
        stop = "." if verdict.holds else ""
        return f"{number}. {found}{conditions}{stop} {_alarm(verdict)}{prose(step.why)}"

    lines = list(zip(range(1, len(steps) + 1), steps, verdicts, strict=True))
    replaced = [(entry, old) for entry in lines if (old := entry[1].instead_of)]
    changed = [entry for entry, _ in replaced]
    headline, count = _headline(title, verdicts)
    blocks = [f"**{prose(headline)}.** {count}"]
    if not changed:
        rows = [("", latex(start, size), ""), *(row(*entry) for entry in lines)]
        blocks += [prose(given), _display(rows)]
    for entry, old in replaced:
        number = entry[0]
        above = latex(steps[number - 2].formula if number > 1 else start, size)
        was = ("", line(old), f"instead of ({number})")
        rows = [(f"({number - 1})" if number > 1 else "", above, ""), row(*entry), was]
        blocks.append(_display(rows))
    blocks.append("\n".join(reason(*entry) for entry in changed or lines))
    return "\n\n".join(blocks) + "\n"


def _red(formula: str, was: str) -> str:
    """The formula in red, or only the sign in which it differs from the one it stands for."""
    if len(formula) == len(was):
        places = [i for i, (new, old) in enumerate(zip(formula, was, strict=True)) if new != old]
        if len(places) == 1 and formula[i := places[0]] in "+-":
            sign = rf"\mathbin{{\textcolor{{{RED}}}{{{formula[i]}}}}}"
            return formula[:i] + sign + formula[i + 1 :]
    return rf"\textcolor{{{RED}}}{{{formula}}}"


def plain(
    title: str, start: str, given: str, steps: Sequence[Step], verdicts: Sequence[Verdict]
) -> str:
    """The chain as it was written, two lines a step."""
    headline = ": ".join(_headline(title, verdicts))
    lines = [headline, f"     {start}", f"       {given}"]
    for i, (step, verdict) in enumerate(zip(steps, verdicts, strict=True), 1):
        word = "holds" if verdict.holds else "FALSE"
        lines.append(f"{i:>2}.  {step.relation} {step.formula}")
        lines.append(f"       {word} ({evidence(step.relation, verdict)}). {step.why}")
    return "\n".join(lines).replace("`", "")


def report(steps: Sequence[Step], verdicts: Sequence[Verdict]) -> str:
    """What was found on every step, as a plain table: proof, numbers, Monte Carlo."""
    lines = [
        "step  verdict  method      discrepancy  Monte Carlo (standard error)   line it follows"
    ]
    for i, (step, verdict) in enumerate(zip(steps, verdicts, strict=True), 1):
        word, draws = ("holds" if verdict.holds else "FALSE"), verdict.monte_carlo
        found = _error(verdict) if verdict.holds else evidence(step.relation, verdict)
        row = f"{i:>4}  {word:<7}  {verdict.method:<10}  {found:<12}"
        if draws:
            row += f" {draws.value:>8.4f} ({draws.std_error:.4f}) {draws.expected:>27.4f}"
        lines.append(row.rstrip())
    return "\n".join(lines)
