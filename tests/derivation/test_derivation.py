"""Every step of every delivered derivation holds, and every usual mistake turns its line red."""

import dataclasses
import subprocess
import sys
from collections import Counter

import pytest
import sympy

from vae_teach.derivation import (
    AFFINE_INVARIANCE,
    BOUND_BY_IDENTITY,
    BOUND_BY_JENSEN,
    BOUND_FROM_GAP,
    DELIVERED,
    FORMS_OF_THE_BOUND,
    GIBBS_INEQUALITY,
    KL_LOG_VARIANCE,
    KL_MULTIVARIATE,
    KL_NONNEGATIVE,
    KL_TO_STANDARD_NORMAL,
    POSTERIOR_GAP,
    SINE_DECODER,
    Derivation,
    Setting,
    Step,
)
from vae_teach.derivation.expression import parse
from vae_teach.derivation.formal import identities
from vae_teach.derivation.rules import reason

STEPS = [(d, i) for d in DELIVERED for i in range(1, len(d.steps) + 1)]
STEP_IDS = [f"{d.title.replace('`', '')} {i}" for d, i in STEPS]


@pytest.fixture(scope="session")
def tally(report_counts):
    """Counts what the tests below have really verified, and prints it."""
    counts: Counter[str] = Counter(steps=0, rule=0, algebra=0, wrong=0)
    yield counts
    report_counts(
        "derivations: {steps} verified steps ({rule} of them by rule, {algebra} by algebra), "
        "{wrong} caught wrong variants",
        **counts,
    )


@pytest.mark.parametrize(("derivation", "number"), STEPS, ids=STEP_IDS)
def test_step_holds(derivation, number, tally):
    """A slip in a delivered formula, or a definition that drifts from its line."""
    verdict = derivation.verdicts[number - 1]
    assert verdict.holds, verdict.example
    assert verdict.points >= 20
    if draws := verdict.monte_carlo:
        # 5 standard errors: chance alone fails one of these lines in 30 000 seeds
        assert draws.errors_away < 5, draws
    tally["steps"] += 1
    tally[verdict.method] += 1


@pytest.mark.parametrize(("derivation", "number"), STEPS, ids=STEP_IDS)
def test_each_usual_mistake_turns_exactly_its_own_line_red(derivation, number, tally):
    """A mistake that passes, or that drags the lines below down with it."""
    step = derivation.steps[number - 1]
    assert len(step.wrong) >= 3
    for name, (old, new) in step.wrong.items():
        changed = derivation.edit(number, old, new)
        assert changed.false_steps == [number], f"{name}: {changed.steps[number - 1].line}"
        # not a rounding that happens to exceed the tolerance: a visible error
        assert changed.verdicts[number - 1].discrepancy > 1e-2, name
        tally["wrong"] += 1


def test_the_univariate_derivation_is_proved_not_sampled():
    """A sympy reader that quietly gives up: every verdict would still be green."""
    assert {v.method for v in KL_TO_STANDARD_NORMAL.verdicts} == {"algebra", "rule"}
    assert {v.method for v in KL_LOG_VARIANCE.verdicts} == {"algebra"}
    assert {v.method for v in KL_MULTIVARIATE.verdicts[1:]} == {"quadrature"}


@pytest.mark.parametrize(
    "derivation",
    [BOUND_BY_JENSEN, POSTERIOR_GAP, BOUND_BY_IDENTITY, BOUND_FROM_GAP, FORMS_OF_THE_BOUND,
     KL_NONNEGATIVE, AFFINE_INVARIANCE],
    ids=lambda d: d.title,
)  # fmt: skip
def test_what_is_said_of_any_densities_is_proved_for_any(derivation):
    """A general statement whose mark rests on the one Gaussian model that it was tried on."""
    assert all(verdict.is_proved for verdict in derivation.verdicts)
    formal = [
        identities(parse(above), parse(step.formula), derivation.setting) is not None
        for above, step in zip(lines_above(derivation), derivation.steps, strict=True)
        if step.relation == "="
    ]
    assert all(formal)


def lines_above(derivation):
    return [derivation.start, *(step.formula for step in derivation.steps[:-1])]


@pytest.mark.parametrize(
    ("derivation", "number", "rule", "condition"),
    [
        (BOUND_BY_JENSEN, 4, "Jensen's inequality", "`p(x, z) / q(z)` is positive"),
        (KL_NONNEGATIVE, 2, "Jensen's inequality", "`q` integrates to 1"),
        (BOUND_FROM_GAP, 2, "Gibbs' inequality", "`q(z)` and `p(z | x)` are densities"),
        (GIBBS_INEQUALITY, 1, "tangent of the logarithm", "`p[i] / q[i]` is positive"),
        (KL_TO_STANDARD_NORMAL, 4, "linearity", "the expectations exist"),
        (AFFINE_INVARIANCE, 2, "change of variables", "the map is one to one"),
        (POSTERIOR_GAP, 2, "Bayes' rule", "the evidence is positive"),
        (BOUND_BY_JENSEN, 1, "total probability", ""),
    ],
)
def test_a_rule_is_named_with_its_conditions(derivation, number, rule, condition):
    verdict = derivation.verdicts[number - 1]
    assert verdict.method == "rule" and rule in verdict.rules
    assert condition in "; ".join(verdict.conditions)
    line = next(text for text in derivation.markdown().splitlines() if f"{{({number})}}" in text)
    assert rule in str(derivation) and r"\text{by rule}" in line


def test_densities_that_come_from_others_are_those_of_the_map():
    """A change of variables announced for densities that are not related by it."""
    setting, (a, b) = AFFINE_INVARIANCE.setting, sympy.symbols("a b")
    for image, source in setting.images.items():
        (_, mean_y, var_y), (_, mean_x, var_x) = setting.densities[image], setting.densities[source]
        assert sympy.expand(sympy.sympify(f"{mean_y} - (a*({mean_x}) + b)".replace("^", "**"))) == 0
        assert sympy.expand(sympy.sympify(f"{var_y} - a^2*({var_x})".replace("^", "**"))) == 0
    assert setting.maps == {"y": ("x", f"{a}*x + {b}")}


def test_no_rule_and_no_algebra_proves_a_usual_mistake():
    """A prover that shows what is false: numbers come first, so the verdicts would not tell."""
    tried = 0
    for derivation in DELIVERED:
        for above, step in zip(lines_above(derivation), derivation.steps, strict=True):
            for old, new in step.wrong.values():
                wrong = step.edited(old, new)
                assert reason(above, wrong.relation, wrong.formula, derivation.setting) is None
                tried += 1
    assert tried > 200


@pytest.mark.parametrize(
    "derivation",
    [BOUND_BY_JENSEN, POSTERIOR_GAP, BOUND_BY_IDENTITY, BOUND_FROM_GAP, FORMS_OF_THE_BOUND,
     KL_NONNEGATIVE, GIBBS_INEQUALITY, AFFINE_INVARIANCE],
    ids=lambda d: d.title,
)  # fmt: skip
def test_identities_for_any_densities_reject_a_usual_mistake_without_numbers(derivation):
    """A formal reading under which everything is equal: the numbers before it would hide that."""
    for above, step in zip(lines_above(derivation), derivation.steps, strict=True):
        for old, new in step.wrong.values():
            wrong = step.edited(old, new)
            if wrong.relation == "=":
                assert identities(parse(above), parse(wrong.formula), derivation.setting) is None


@pytest.mark.parametrize(
    "derivation",
    [BOUND_BY_JENSEN, POSTERIOR_GAP, BOUND_BY_IDENTITY, BOUND_FROM_GAP, FORMS_OF_THE_BOUND],
    ids=lambda d: d.title,
)
def test_the_bound_holds_for_a_decoder_that_is_not_linear(derivation, tally):
    """A step that is true only because the linear-Gaussian model is so tame."""
    moved = dataclasses.replace(derivation, setting=SINE_DECODER)
    assert moved.holds, moved.report()
    assert all(v.discrepancy < 1e-10 for v in moved.verdicts)
    tally["steps"] += len(moved.steps)


def test_one_changed_sign_leaves_every_other_verdict_as_it_was():
    """A verdict above or below the change that moves with it."""
    before = KL_TO_STANDARD_NORMAL.verdicts
    after = KL_TO_STANDARD_NORMAL.edit(4, "- 1/2*E[q]", "+ 1/2*E[q]").verdicts
    assert after[:3] == before[:3] and after[4:] == before[4:]
    assert not after[3].holds


def test_a_line_written_another_way_still_holds():
    """A checker that compares spelling instead of value."""
    kl = KL_TO_STANDARD_NORMAL.with_step(8, "(mu^2 + sigma^2)/2 - log(sigma) - 1/2")
    assert kl.holds
    assert kl.steps[7].line.startswith("= ")  # the relation it did not name


def test_a_sympy_expression_is_a_line_too():
    """A reader who works in sympy and must retype everything."""
    mu, sigma = sympy.symbols("mu sigma", positive=True)
    right = (mu**2 + sigma**2 - 1) / 2 - sympy.log(sigma)
    assert KL_TO_STANDARD_NORMAL.with_step(8, right).holds
    assert KL_TO_STANDARD_NORMAL.with_step(8, right + sigma).false_steps == [8]


def test_two_changed_lines_are_two_red_lines():
    """Edits that do not add up, or that hide one another."""
    kl = KL_TO_STANDARD_NORMAL.edit(3, "z^2 - ", "z^2 + ").edit(7, "+ mu^2", "- mu^2")
    assert kl.false_steps == [3, 7]
    assert kl.with_step(3, KL_TO_STANDARD_NORMAL.steps[2].line).false_steps == [7]


TANGENT = Setting(positive="t")


def chain(*lines, start="log(t)", setting=TANGENT):
    return Derivation("a chain", start, "", [Step(line, "") for line in lines], setting)


def test_a_reader_can_prove_an_inequality():
    """A tool that only knows the book's own derivations."""
    assert chain("<= t - 1", "<= t").holds
    assert chain(">= t - 1").false_steps == [1]
    assert chain("= t - 1").false_steps == [1]


@pytest.mark.parametrize(
    ("chain_", "method"),
    [
        (("<= t - 1",), "rule"),
        (("<= 1/2*(t^2 - 1)",), "rule"),
        ((">= 1 - 1/t",), "rule"),
        (("<= log(t) + 1 + t^2",), "rule"),
        (("<= log(t) + 1",), "rule"),
        (("<= 2*(sqrt(t) - 1)",), "rule"),
        (("<= t/exp(1)",), "arithmetic"),  # true, and its touching point is no tangent at 1
    ],
)
def test_an_inequality_of_ones_own_is_by_rule_or_at_points(chain_, method):
    """A true inequality that nothing here proves, and that is marked as if something did."""
    (verdict,) = chain(*chain_).verdicts
    assert verdict.holds and verdict.method == method
    assert verdict.is_proved == (method == "rule")


def test_a_false_line_in_a_chain_of_ones_own_does_not_spread():
    """Each line compared with the line above even if that is false: two red lines for one."""
    assert chain("= 2*log(sqrt(t))", "= 3*log(t)", "= log(t)").false_steps == [2]


def test_relations_add_up_below_a_false_line():
    """After a false `<= b`, a true `= c` with a < c must not turn red as well."""
    assert chain("<= t - 2", "= t - 1").false_steps == [1]
    assert chain("<= t - 2", "= t - 3").false_steps == [1, 2]


def test_nothing_follows_from_a_false_line_the_other_way():
    """`<=` then `>=` says nothing, so a line that leans on both must not pass as either."""
    assert chain("<= t - 2", ">= 100").false_steps == [1, 2]
    assert chain("<= t - 2", ">= -100").false_steps == [1, 2]


def test_a_reader_who_repairs_a_false_line_is_believed():
    """A repaired line for which the line it replaced still counts."""
    broken = chain("= 2*log(t)", "= log(sqrt(t)) + log(sqrt(t))")
    assert broken.false_steps == [1]
    assert broken.edit(1, "2*log(t)", "1*log(t)").holds


def test_a_divergent_or_undefined_line_is_red_not_an_exception():
    """A traceback instead of a verdict, for the mistake that makes an integral diverge."""
    diverges = KL_TO_STANDARD_NORMAL.with_step(2, "integral[z](exp(z^2))")
    assert diverges.false_steps == [2]
    assert chain("= log(-t)").false_steps == [1]
    assert "cannot be evaluated" in str(chain("= log(-t)"))


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: KL_TO_STANDARD_NORMAL.with_step(8, "= sgima^2").verdicts, "'sgima' means nothing"),
        (lambda: KL_TO_STANDARD_NORMAL.with_step(8, "= E[r](z)").verdicts, "'r' names 0 densities"),
        (lambda: KL_TO_STANDARD_NORMAL.with_step(8, "= 1 +"), "cannot read '1 \\+'"),
        (lambda: KL_TO_STANDARD_NORMAL.with_step(8, "= [1]"), "cannot read"),
        (lambda: KL_TO_STANDARD_NORMAL.with_step(8, "= mu.__class__"), "cannot read"),
        (lambda: KL_TO_STANDARD_NORMAL.with_step(9, "= 1"), "steps run from 1 to 8"),
        (lambda: KL_TO_STANDARD_NORMAL.edit(8, "mu^3", "mu"), "occurs 0 times"),
        (lambda: Step("log(t)", "no relation"), "starts with =, <= or >="),
        (lambda: BOUND_BY_JENSEN.with_step(2, "= E[p](1)").verdicts, "'p' names 5 densities"),
    ],
)
def test_a_slip_of_the_pen_is_named(attempt, message):
    """A KeyError from the depths, which names nothing the reader wrote."""
    with pytest.raises(ValueError, match=message):
        attempt()


# --- what the reader sees


def test_only_the_false_line_is_red_and_a_word_says_so_too():
    """A verdict that only colour carries, or red that spreads."""
    page = KL_TO_STANDARD_NORMAL.edit(8, "+ sigma^2", "- sigma^2").markdown()
    assert page.count(r"\textcolor") == 1
    red = next(line for line in page.splitlines() if r"\textcolor" in line)
    assert (
        r"\textcolor{#d9302b}{-}} \sigma^{2} - 1" in red and "{✗ (8)}" in red and "{false}" in red
    )
    assert "✗ **False**, *off by" in page and "at mu = " in page
    assert r"\textcolor" not in KL_TO_STANDARD_NORMAL.markdown()


def test_the_page_is_markdown_and_never_html():
    """The book prefers text/html over Markdown, and would print the TeX raw."""
    bundle = KL_TO_STANDARD_NORMAL._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    assert bundle["text/markdown"].startswith("**KL of N($\\mu$, $\\sigma^{2}$) from N(0, 1).**")
    assert bundle["text/plain"] == str(KL_TO_STANDARD_NORMAL)


def test_formulas_are_displayed_without_numbers_of_their_own():
    """JupyterLab's MyST numbers what stands between $$: (2) beside step 1."""
    page = KL_TO_STANDARD_NORMAL.markdown()
    assert "$$" not in page
    assert page.count(r"\begin{equation*}") == page.count(r"\begin{aligned}") == 1
    assert page.count(r"\\[0.5em]") == 8


def test_a_changed_derivation_shows_the_change_and_not_every_line_again():
    """Eight lines of which seven were on the page a moment ago, and the sign is hard to find."""
    page = KL_TO_STANDARD_NORMAL.edit(4, "- 1/2*E[q]", "+ 1/2*E[q]").markdown()
    assert page.count("{aligned}") == 2 and page.count(r"\\[0.5em]") == 2
    assert "{(3)}" in page and "{✗ (4)}" in page and "instead of (4)" in page
    assert "(5)" not in page
    both = KL_TO_STANDARD_NORMAL.edit(3, "z^2 - ", "z^2 + ").edit(7, "+ mu^2", "- mu^2").markdown()
    assert both.count(r"\begin{aligned}") == 2 and "3. ✗" in both and "7. ✗" in both


def test_a_change_that_holds_is_not_red():
    page = KL_TO_STANDARD_NORMAL.with_step(8, "(mu^2 + sigma^2)/2 - log(sigma) - 1/2").markdown()
    assert r"\textcolor" not in page and "✗" not in page and "instead of (8)" in page


def test_a_mark_says_no_more_than_was_done():
    """A tick beside a line that was tried at some points and proved by nobody."""
    assert "✓" not in "".join(derivation.markdown() for derivation in DELIVERED)
    page = KL_MULTIVARIATE.markdown()
    assert "6 of 6 steps hold: 1 by rule, 5 at 20 points." in page
    assert (
        page.count(r"\text{at 20 points}") == 5 and r"*At 20 points, error $\le 10^{-12}$*" in page
    )


def test_every_line_carries_its_discrepancy():
    """A tick with nothing behind it."""
    assert str(KL_TO_STANDARD_NORMAL).count("holds (by") == 8
    assert str(KL_MULTIVARIATE).count("holds (at 20 points, error <= 1e-12)") == 5
    wrong = str(KL_MULTIVARIATE.edit(6, "- k", "+ k"))
    assert "FALSE (off by " in wrong and "5 of 6 steps hold" in wrong


@pytest.mark.processes
def test_the_plain_text_is_the_same_in_every_process():
    """Hash order, or a random point drawn from the global state, in text that nbval compares."""
    program = (
        "from vae_teach.derivation import KL_TO_STANDARD_NORMAL as kl;"
        "d = kl.edit(8, '+ sigma^2', '- sigma^2'); print(d); print(d.report())"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    )  # fmt: skip
    assert first == second and "7 of 8 steps hold" in first


def test_the_report_sets_three_opinions_side_by_side():
    """Monte Carlo that nobody can see."""
    rows = KL_TO_STANDARD_NORMAL.report().splitlines()
    assert len(rows) == 9
    assert "algebra" in rows[3] and "<= 1e-12" in rows[3] and "(0.0029)" in rows[1]
