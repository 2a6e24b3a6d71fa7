"""A derivation on the page: Markdown with typeset mathematics, or plain text.

No colour carries a verdict alone: every line has a sign and a word as well. In the reasons, a
formula between backticks is typeset too.
"""

import math
import re
from collections.abc import Sequence

from .step import Step
from .typeset import latex, relation_latex
from .verify import Verdict

RED = "#d9302b"  # contrast 4.6 on white, 4.0 on #121212
_FLOOR = -12  # smaller discrepancies are rounding, and differ from machine to machine
_ALARM = 5.0  # standard errors: chance alone does that once in 1.7 million lines
_FORMULA = re.compile(r"`([^`]+)`")


def evidence(relation: str, verdict: Verdict) -> str:
    """How far off a step was found to be, the same words on every machine.

    A proof is "exact", an equality in numbers "<= 1e-12", an inequality "at 50 points".
    """
    if not verdict.holds:
        finite = math.isfinite(verdict.off_by)
        return f"off by {verdict.off_by:.2g}" if finite else "cannot be evaluated"
    if verdict.method == "algebra":
        return "exact"
    if relation != "=":
        return f"at {verdict.points} points"
    decade = math.ceil(math.log10(max(verdict.discrepancy, 1e-99)))
    return f"<= 1e{max(decade, _FLOOR)}"


def _typeset(found: str) -> str:
    """ "<= 1e-12" with a power of ten."""
    return re.sub(r"<= 1e(-?\d+)", r"error $\\le 10^{\1}$", found)


def _alarm(verdict: Verdict) -> str:
    """What the reader must know before the reason."""
    if not verdict.holds:
        return f"**False:** {verdict.example}. The reason given was: "
    draws = verdict.monte_carlo
    if draws and draws.errors_away > _ALARM:
        return f"(Monte Carlo disagrees, by {draws.errors_away:.0f} standard errors.) "
    return ""


def _display(formula: str) -> str:
    # Between $$ and $$, JupyterLab's MyST numbers every formula, against the steps' own numbers.
    return f"\\begin{{equation*}}\n{formula}\n\\end{{equation*}}"


def _headline(title: str, verdicts: Sequence[Verdict]) -> tuple[str, str]:
    holds, points = sum(v.holds for v in verdicts), max((v.points for v in verdicts), default=0)
    return title, f"{holds} of {len(verdicts)} steps hold, checked at {points} random points."


def markdown(
    title: str,
    start: str,
    given: str,
    steps: Sequence[Step],
    verdicts: Sequence[Verdict],
    size: str = "k",
) -> str:
    """For each step the evidence, the reason and the formula."""

    def prose(text: str) -> str:
        return _FORMULA.sub(lambda match: f"${latex(match[1], size)}$", text)

    headline, count = _headline(title, verdicts)
    blocks = [f"**{prose(headline)}.** {count}", prose(given), _display(latex(start, size))]
    for i, (step, verdict) in enumerate(zip(steps, verdicts, strict=True), 1):
        sign = "✓" if verdict.holds else "✗"
        formula = rf"{relation_latex(step.relation)}\; {latex(step.formula, size)}"
        formula = formula if verdict.holds else rf"\textcolor{{{RED}}}{{{formula}}}"
        words = _typeset(evidence(step.relation, verdict))
        found = f"{sign} *{words[0].upper()}{words[1:]}.*"
        blocks.append(f"**{i}.** {found} {_alarm(verdict)}{prose(step.why)}")
        blocks.append(_display(formula))
    return "\n\n".join(blocks) + "\n"


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
    """All three opinions on every step, as a plain table."""
    lines = [
        "step  verdict  method      discrepancy  Monte Carlo (standard error)   line it follows"
    ]
    for i, (step, verdict) in enumerate(zip(steps, verdicts, strict=True), 1):
        word, draws = ("holds" if verdict.holds else "FALSE"), verdict.monte_carlo
        row = f"{i:>4}  {word:<7}  {verdict.method:<10}  {evidence(step.relation, verdict):<12}"
        if draws:
            row += f" {draws.value:>8.4f} ({draws.std_error:.4f}) {draws.expected:>27.4f}"
        lines.append(row.rstrip())
    return "\n".join(lines)
