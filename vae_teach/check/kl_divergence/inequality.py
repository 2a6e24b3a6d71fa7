"""The check of a proof, line by line, of a lower bound of KL to N(0, 1) (chapter 3)."""

import ast
import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np

from vae_teach.check.engine.answers import is_open
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.named_rules import follows
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import NOT_ATTEMPTED, Verdict
from vae_teach.check.engine.words import kind, text_of
from vae_teach.derivation import Derivation, Setting, Step
from vae_teach.derivation.expression import call_name, parse
from vae_teach.derivation.step import RELATIONS, split_relation
from vae_teach.derivation.verify import check as compare
from vae_teach.derivation.verify import compose

START, END = "1/2*(mu^2 + sigma^2 - 1 - log(sigma^2))", "1/2*(mu^2 + (sigma - 1)^2)"
# 400 points: the lower bound and the KL itself, which meet at sigma = 1, are then never confused.
SETTING = Setting(real="mu", positive="sigma", n_points=400)
TYPOGRAPHY = {
    "≥": ">=", "≤": "<=", "−": "-", "·": "*", "²": "^2", "½": "(1/2)", "μ": "mu", "µ": "mu",
    "σ": "sigma", "ln(": "log(", "\\geq": ">=", "\\ge": ">=", "\\mu": "mu", "\\sigma": "sigma",
}  # fmt: skip
# What is larger takes the algebra for ever, or more memory than there is: 9^9^9.
LONGEST, LARGEST_POWER, LARGEST_NUMBER = 300, 12, 1e6

HINTS = {
    "unreadable": "Each line is a formula of mu and sigma, but line {line} cannot be read: "
    "{reason}.",
    "no-relation": "A line starts with =, >= or <=, its relation to the line above, "
    "but line {line} does not.",
    "turned-round": "The direction is wrong in line {line}: {found} holds there, not {given}.",
    "not-equal": "Equality is too much to claim in line {line}: only {found} holds there.",
    "false": "The first false line is line {line}: {example}.",
    "mixed": "Your chain uses both >= and <=, so its ends cannot be compared.",
    "wrong-end": "Every line holds, but the chain does not end at 1/2*(mu^2 + (sigma - 1)^2).",
    "not-shown": "Line {line} holds, but nothing in the line above shows why: take apart there "
    "what you keep and what you leave out, or replace the log by its bound.",
    "only-the-claim": "That line is the claim itself, so it proves nothing: put at least one "
    "line before it that shows why it holds.",
}


def _plain(line: str) -> str:
    line = unicodedata.normalize("NFC", line)
    for sign, plain in TYPOGRAPHY.items():
        line = line.replace(sign, plain)
    return line.strip()


def _require_small(text: str) -> None:
    """Refuse what would take the algebra for ever.

    Raises:
        ValueError: for a long line, a large number, or a power that is not a small number.
    """
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, and {LONGEST} are allowed")
    for part in ast.walk(parse(split_relation(text)[1])):
        if isinstance(part, ast.Constant) and not _is_small(part, LARGEST_NUMBER):
            raise ValueError(f"its numbers may go up to {LARGEST_NUMBER:,.0f}")
        match part:
            case ast.Call(ast.Name("exp")) if any(call_name(p) == "exp" for p in _within(part)):
                raise ValueError("an exponential may not stand in another")
            case ast.BinOp(_, ast.Pow(), power) if not _is_small_power(power):
                raise ValueError(f"its powers must be numbers up to {LARGEST_POWER}")


def _within(node: ast.Call) -> Iterator[ast.AST]:
    return (part for argument in node.args for part in ast.walk(argument))


def _is_small_power(node: ast.expr) -> bool:
    match node.operand if isinstance(node, ast.UnaryOp) else node:
        case ast.BinOp(left, ast.Div(), right):
            return _is_small(left, LARGEST_POWER) and _is_small(right, LARGEST_POWER)
        case power:
            return _is_small(power, LARGEST_POWER)


def _is_small(node: ast.expr, limit: float) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and abs(node.value) <= limit
    )


def _read_line(line: Any, number: int) -> Step:
    """One line as a step, once it can be parsed and evaluated."""
    if not isinstance(line, str):
        raise Fault(f'Line {number} is {kind(line)}: write it as a string such as "= {END}".')
    text = _plain(line)
    if not text.startswith(RELATIONS):
        raise Fault(HINTS["no-relation"].format(line=number))
    try:
        _require_small(text)
        step = Step(text, "")
        compare(START, "=", step.formula, SETTING)
    except Exception as error:  # whatever a made-up formula may raise, it is the line's fault
        reason = text_of(error).rstrip(".") or type(error).__name__
        raise Fault(HINTS["unreadable"].format(line=number, reason=reason)) from error
    return step


def _read(steps: Any) -> list[Step]:
    if steps is None:
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(steps, list | tuple):
        raise Fault(f"Your answer is {kind(steps)}: give a list of lines, each a string.")
    if all(map(is_open, steps)):
        raise Fault(NOT_ATTEMPTED)
    return [_read_line(line, number) for number, line in enumerate(steps, 1)]


def _explain(derivation: Derivation, number: int) -> str:
    """Why a line is false: its direction, or its formula."""
    step, verdict = derivation.steps[number - 1], derivation.verdicts[number - 1]
    above = ([START] + [s.formula for s in derivation.steps])[number - 1]
    other = [r for r in RELATIONS if compare(above, r, step.formula, SETTING).holds]
    if other:
        name = "not-equal" if step.relation == "=" else "turned-round"
        return HINTS[name].format(line=number, found=other[0], given=step.relation)
    return HINTS["false"].format(line=number, example=verdict.example)


def _require_a_proof(derivation: Derivation) -> None:
    steps = derivation.steps
    relation: str | None = "="
    for step in steps:
        relation = compose(relation, step.relation)
        if relation is None:
            raise Fault(HINTS["mixed"])
    if not compare(END, "=", steps[-1].formula, SETTING).holds:
        raise Fault(HINTS["wrong-end"])
    if len(steps) == 1:
        raise Fault(HINTS["only-the-claim"])
    above = START
    for number, (step, verdict) in enumerate(zip(steps, derivation.verdicts, strict=True), 1):
        shown = verdict.is_proved and follows(above, step.formula, SETTING)
        if step.relation == ">=" and not shown:
            raise Fault(HINTS["not-shown"].format(line=number))
        above = step.formula


def proof(steps: list[Step]) -> Derivation:
    """The student's lines as a derivation, which shows itself with a verdict beside each."""
    return Derivation(
        title="A lower bound of KL",
        start=START,
        given="The closed form of KL from N(`mu`, `sigma^2`) to N(0, 1).",
        steps=tuple(steps),
        setting=SETTING,
    )


@np.errstate(all="ignore")  # of a formula that is infinite somewhere
def _examine(answer: Any) -> None:
    derivation = proof(_read(answer))
    if derivation.false_steps:
        raise Fault(_explain(derivation, derivation.false_steps[0]))
    _require_a_proof(derivation)


@check(HINTS)
def prove_inequality(steps: list[str]) -> Verdict:
    """Check the lines START -> END of a proof that KL to N(0, 1) is at least `END`.

    The chain starts at the closed form, `START`; each line is a relation and a formula. `END` is
    half the squared distance of the points (mu, sigma) and (0, 1).
    """
    return deliver("prove_inequality", lambda: _examine(steps))
