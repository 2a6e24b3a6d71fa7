"""The three opinions the verdicts rest on, each against something it does not share."""

import math

import mpmath
import numpy as np
import pytest
import sympy

from vae_teach.derivation import KL_TO_STANDARD_NORMAL, KL_TWO_NORMALS, LINEAR_GAUSSIAN, Setting
from vae_teach.derivation.expression import parse
from vae_teach.derivation.monte_carlo import MonteCarlo
from vae_teach.derivation.numeric import Numeric
from vae_teach.derivation.quadrature import gauss_hermite, trapezoid
from vae_teach.derivation.symbolic import Symbolic, difference
from vae_teach.derivation.typeset import latex

POINT = {"mu": np.float64(0.7), "sigma": np.float64(0.4)}
SETTING = KL_TO_STANDARD_NORMAL.setting


@pytest.mark.parametrize("formula", ["z^2", "sin(3*z)", "exp(z)", "log(1 + z^2)", "tanh(z)^2"])
def test_an_expectation_agrees_with_mpmath(formula):
    """A quadrature with the wrong weight, range or step."""
    mpmath.mp.dps = 30
    names = {"sin": mpmath.sin, "exp": mpmath.exp, "log": mpmath.log, "tanh": mpmath.tanh}
    names |= {"mu": mpmath.mpf(0.7), "sigma": mpmath.mpf(0.4)}
    code = formula.replace("^", "**")
    mu, sigma = names["mu"], names["sigma"]
    expected = mpmath.quad(
        lambda z: mpmath.npdf(z, mu, sigma) * eval(code, names, {"z": z}), [-6, mu - 1, mu, 8]
    )
    value = Numeric(SETTING, POINT).value(parse(f"E[q]({formula})"))
    assert value == pytest.approx(float(expected), rel=1e-12)  # a float64 sum of 300 terms


def test_a_ratio_of_densities_survives_where_each_underflows():
    """q * (p / q) computed as 0 * inf in the tails of a narrow q."""
    wide = Setting(normals={"q(z)": ("z", "0", "0.01"), "p(z)": ("z", "3", "4")})
    value = Numeric(wide, {}).value(parse("E[q](p(z)/q(z))"))
    assert value == pytest.approx(1.0, abs=1e-12)


def test_gauss_hermite_is_exact_to_degree_seven():
    """One node too few: degree 7 is the last a rule of four nodes integrates exactly."""
    nodes, weights = gauss_hermite(2)
    x, y = nodes[:, 0, 0], nodes[:, 1, 0]
    assert np.sum(weights * x**6 * y**4) == pytest.approx(15 * 3, rel=1e-13)
    assert np.sum(weights * x**8) != pytest.approx(105, rel=1e-3)


def test_the_trapezoid_refuses_what_does_not_settle():
    """A number printed for an integral that the grid cannot see."""
    with pytest.raises(ArithmeticError, match="integral over x did not settle"):
        trapezoid(lambda t: np.exp(-(t**2)) * np.abs(t - 0.1), [(0.0, 1.0)])


def test_nested_integrals_over_two_variables_are_refused():
    """Two grids of equal length multiplied elementwise: a wrong number in silence."""
    with pytest.raises(ValueError, match="over x inside an integral over z"):
        Numeric(LINEAR_GAUSSIAN, next(LINEAR_GAUSSIAN.points())).visit(
            parse("E[q](integral[x](p(x|z)))")
        )


@pytest.mark.parametrize("derivation", [KL_TO_STANDARD_NORMAL, KL_TWO_NORMALS])
def test_algebra_alone_rejects_every_usual_mistake(derivation):
    """A simplifier that proves falsehoods: numbers come first, so verdicts would not show it."""
    above = derivation.start
    for step in derivation.steps:
        assert difference(parse(above), parse(step.formula), derivation.setting) == 0
        for old, new in step.wrong.values():
            gap = difference(parse(above), parse(step.edited(old, new).formula), derivation.setting)
            assert gap is None or gap != 0
        above = step.formula


def test_algebra_says_when_it_cannot_tell():
    """sympy silent about a matrix or an integral that does not close is not a proof."""
    matrices = Setting(vectors="m", spd="S")
    assert difference(parse("tr(S)"), parse("tr(S)"), matrices) is None
    assert difference(parse("E[q](sin(z))"), parse("0"), SETTING) is None


def test_sympy_moments_are_the_double_factorials():
    """A table of moments typed by hand and one off."""
    unit = Setting(normals={"q(z)": ("z", "0", "1")})
    moments = [Symbolic(unit).visit(parse(f"E[q](z^{n})")) for n in (0, 1, 2, 3, 4, 6)]
    assert moments == [sympy.Integer(m) for m in (1, 0, 1, 0, 3, 15)]


def test_monte_carlo_alone_sees_a_wrong_sign():
    """A third opinion without power: 20 000 draws must tell 1/2 from -1/2."""
    rng = np.random.default_rng(0)
    draws = MonteCarlo(SETTING, POINT, rng, 20_000)
    line = "log(1/sigma) + 1/2*E[q](z^2) - 1/2"
    value, error = draws.estimate(parse(line))
    right = Numeric(SETTING, POINT).value(parse("KL(q, p)"))
    assert abs(value - right) < 5 * error
    assert abs(value + 1 - right) > 50 * error


def test_a_standard_error_means_what_it_says():
    """Errors propagated wrongly through a log: the spread over repeats is the standard error."""
    line = parse("log(E[q](exp(z))) - 2*E[q](z)")
    runs = [
        MonteCarlo(SETTING, POINT, np.random.default_rng(seed), 2_000).estimate(line)
        for seed in range(200)
    ]
    values, errors = np.array(runs).T
    # the spread of 200 values is itself known to 5 percent; 4 of those is 20
    assert values.std(ddof=1) == pytest.approx(errors.mean(), rel=0.2)


def test_random_points_are_the_same_each_time_and_leave_the_global_state_alone():
    """A verdict that changes between runs, or a notebook whose seed a derivation spends."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (list(SETTING.points()) for _ in range(2))
    assert [p["mu"] for p in first] == [p["mu"] for p in second]
    assert len({p["mu"] for p in first}) == SETTING.n_points
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1/2*(mu^2 - 1)", r"\tfrac{1}{2} \left(\mu^{2} - 1\right)"),
        ("-1/2*log(sigma^2)", r"-\tfrac{1}{2}\, \log \sigma^{2}"),
        ("log(a)*b", r"\left(\log a\right) b"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a*(b + c)", r"a \left(b + c\right)"),
        ("2*3", r"2 \cdot 3"),
        ("sigma_x^2", r"\sigma_{x}^{2}"),
        ("exp(gamma/2)^2", r"\left(e^{\gamma/2}\right)^{2}"),
        ("p(x|z)/p(x, z)", r"\frac{p(x \mid z)}{p(x, z)}"),
        ("KL(q(z), p(z))", r"\mathrm{KL}\left(q(z) \,\Vert\, p(z)\right)"),
        ("E[q](z)^2", r"\mathbb{E}_{q}\left[z\right]^{2}"),
        ("log(det(S))", r"\log \det S"),
        ("m.T @ inv(S) @ m", r"m^{\top} S^{-1} m"),
        ("(a - b).T @ c", r"\left(a - b\right)^{\top} c"),
        ("sum[l](mu[l]^2)", r"\sum_{l=1}^{k} \mu_{l}^{2}"),
        ("integral[z](q(z)*log(q(z)))", r"\int q(z)\, \log q(z)\, dz"),
    ],
)
def test_mathematics_is_typeset_as_it_was_written(formula, expected):
    """Parentheses lost or terms reordered: the page would show a formula nobody checked."""
    assert latex(formula) == expected


def test_typeset_keeps_the_difference_between_a_mean_square_and_a_squared_mean():
    """Two formulas that differ in value must differ on the page."""
    assert latex("E[q](z^2)") != latex("E[q](z)^2")
    assert math.isclose(Numeric(SETTING, POINT).value(parse("E[q](z)^2")), 0.49, rel_tol=1e-12)
