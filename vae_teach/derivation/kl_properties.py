"""What every KL divergence does: cross-entropy less entropy, never negative, blind to units.

Sources: mathybit, "Variational Autoencoders" (2018), equations 1 to 4; Doersch (2016), appendix A.
"""

from .chain import Derivation
from .setting import Setting
from .step import Step

_TWO = Setting(
    real="mu_q mu_p",
    positive="sigma_q sigma_p",
    normals={"q(z)": ("z", "mu_q", "sigma_q^2"), "p(z)": ("z", "mu_p", "sigma_p^2")},
)

CROSS_ENTROPY_MINUS_ENTROPY = Derivation(
    title="KL is cross-entropy minus entropy",
    start="KL(q, p)",
    given="Any two densities of `z`; checked for two Gaussians, and worked out for them in the "
    "last step.",
    setting=_TWO,
    steps=[
        Step(
            "= integral[z](q(z)*log(q(z)/p(z)))",
            "The definition.",
            {
                "ratio upside down": ("q(z)/p(z)", "p(z)/q(z)"),
                "weighted by p": ("(q(z)*", "(p(z)*"),
                "sign": ("integral", "-integral"),
            },
        ),
        Step(
            "= -integral[z](q(z)*log(p(z))) + integral[z](q(z)*log(q(z)))",
            "The log of a ratio is a difference of logs; split the integral.",
            {
                "first sign": ("= -integral", "= integral"),
                "second sign": ("+ integral", "- integral"),
                "weighted by p": ("-integral[z](q(z)", "-integral[z](p(z)"),
            },
        ),
        Step(
            "= E[q](-log(p(z))) - E[q](-log(q(z)))",
            "`-log(p(z))` is the surprise at outcome `z` of someone who believes `p`. Both "
            "averages are over outcomes of `q`.",
            {
                "sign": ("- E[q]", "+ E[q]"),
                "expectation under p": ("E[q](-log(p(z)))", "E[p](-log(p(z)))"),
                "swapped": (
                    "E[q](-log(p(z))) - E[q](-log(q(z)))",
                    "E[q](-log(q(z))) - E[q](-log(p(z)))",
                ),
            },
        ),
        Step(
            "= H(q, p) - H(q)",
            "The names of the two: the cross-entropy of `q` and `p`, and the entropy of `q`.",
            {
                "difference of entropies": ("H(q, p)", "H(p)"),
                "arguments swapped": ("H(q, p)", "H(p, q)"),
                "sign": ("- H(q)", "+ H(q)"),
            },
        ),
        Step(
            "= 1/2*log(2*pi*sigma_p^2) + (sigma_q^2 + (mu_q - mu_p)^2)/(2*sigma_p^2) "
            "- 1/2*log(2*pi*exp(1)*sigma_q^2)",
            "For two Gaussians both have a closed form.",
            {
                "e forgotten": ("exp(1)*", ""),
                "sign": ("(sigma_q^2 + ", "(sigma_q^2 - "),
                "variances swapped": ("log(2*pi*sigma_p^2)", "log(2*pi*sigma_q^2)"),
            },
        ),
    ],
)

KL_NONNEGATIVE = Derivation(
    title="KL is never negative, by Jensen's inequality",
    start="-KL(q, p)",
    given="Minus the divergence. We show that it is at most 0.",
    setting=_TWO,
    steps=[
        Step(
            "= E[q](log(p(z)/q(z)))",
            "The definition; the sign turns the ratio upside down.",
            {
                "ratio not turned": ("p(z)/q(z)", "q(z)/p(z)"),
                "expectation under p": ("E[q]", "E[p]"),
                "sign": ("E[q]", "-E[q]"),
            },
        ),
        Step(
            "<= log(E[q](p(z)/q(z)))",
            "Jensen: the log is concave, so the mean of logs is at most the log of the mean.",
            {
                "the wrong way": ("<=", ">="),
                "equality claimed": ("<=", "="),
                "too tight": ("log(E[q](p(z)/q(z)))", "2*E[q](log(p(z)/q(z)))"),
                "half the mean": ("log(E[q]", "log(1/2*E[q]"),
            },
        ),
        Step(
            "= log(integral[z](p(z)))",
            "Under the expectation `q` cancels.",
            {
                "log forgotten": ("log(integral[z](p(z)))", "integral[z](p(z))"),
                "counted twice": ("integral", "2*integral"),
                "p squared": ("(p(z)))", "(p(z)*p(z)))"),
            },
        ),
        Step(
            "= 0",
            "`p` is a density: it integrates to 1, and `log(1)` is 0.",
            {
                "log forgotten": ("= 0", "= 1"),
                "sign": ("= 0", "= -1"),
                "two densities": ("= 0", "= log(2)"),
            },
        ),
    ],
)

GIBBS_INEQUALITY = Derivation(
    title="The same for probabilities, from a tangent",
    start="sum[i](q[i]*log(p[i]/q[i]))",
    given="Minus the divergence of the probabilities `q[i]` from the `p[i]`. We show that it is at "
    "most 0. Checked for `n` from 2 to 6.",
    setting=Setting(simplex="q p", size="n", sizes=(2, 3, 4, 5, 6)),
    steps=[
        Step(
            "<= sum[i](q[i]*(p[i]/q[i] - 1))",
            "`log(t)` is at most `t - 1`: the tangent at `t` = 1 lies above the curve.",
            {
                "the wrong way": ("<=", ">="),
                "equality claimed": ("<=", "="),
                "tangent too low": ("- 1)", "- 2)"),
            },
        ),
        Step(
            "= sum[i](p[i]) - sum[i](q[i])",
            "Multiply out; `q[i]` cancels in the first term.",
            {
                "sign": ("- sum", "+ sum"),
                "q not cancelled": ("sum[i](p[i])", "sum[i](p[i]*q[i])"),
                "second sum forgotten": (" - sum[i](q[i])", ""),
            },
        ),
        Step(
            "= 0",
            "Both sums are 1.",
            {
                "one sum left": ("= 0", "= 1"),
                "sign": ("= 0", "= -1"),
                "both added": ("= 0", "= 2"),
            },
        ),
    ],
)

AFFINE_INVARIANCE = Derivation(
    title="KL does not change when the axis is shifted and stretched",
    start="KL(q_y, p_y)",
    given="Let `y` = `a*x + b`, with `a` not zero. When `x` has density `q(x)`, `y` has `q_y(y)`; "
    "when `x` has `p(x)`, `y` has `p_y(y)`.",
    setting=Setting(
        real="mu_q mu_p a b",
        positive="sigma_q sigma_p",
        normals={
            "q(x)": ("x", "mu_q", "sigma_q^2"),
            "p(x)": ("x", "mu_p", "sigma_p^2"),
            "q_y(y)": ("y", "a*mu_q + b", "a^2*sigma_q^2"),
            "p_y(y)": ("y", "a*mu_p + b", "a^2*sigma_p^2"),
        },
        maps={"y": ("x", "a*x + b")},
        images={"q_y(y)": "q(x)", "p_y(y)": "p(x)"},
    ),
    steps=[
        Step(
            "= E[q_y](log(q_y(y)) - log(p_y(y)))",
            "The definition.",
            {
                "arguments swapped": ("log(q_y(y)) - log(p_y(y))", "log(p_y(y)) - log(q_y(y))"),
                "sign": ("- log(p_y(y))", "+ log(p_y(y))"),
                "expectation under p": ("E[q_y]", "E[p_y]"),
            },
        ),
        Step(
            "= E[q](log(q(x)/abs(a)) - log(p(x)/abs(a)))",
            "Averaging over `y` is averaging over `x`; a stretch by `a` divides every density by "
            "`abs(a)`.",
            {
                "one density not divided": ("log(p(x)/abs(a))", "log(p(x))"),
                "one density multiplied": ("log(p(x)/abs(a))", "log(p(x)*abs(a))"),
                "sign": (" - log(p(x)", " + log(p(x)"),
            },
        ),
        Step(
            "= E[q](log(q(x)) - log(abs(a)) - log(p(x)) + log(abs(a)))",
            "The log of a ratio is a difference of logs.",
            {
                "sign of the second log": ("+ log(abs(a))", "- log(abs(a))"),
                "sign of log p": ("- log(p(x))", "+ log(p(x))"),
                "expectation under p": ("E[q]", "E[p]"),
            },
        ),
        Step(
            "= E[q](log(q(x)) - log(p(x)))",
            "The two `log(abs(a))` cancel.",
            {
                "scale left behind": ("log(q(x)) -", "log(q(x)) - log(abs(a)) -"),
                "multiplied by the scale": ("E[q]", "abs(a)*E[q]"),
                "sign": ("- log(p(x))", "+ log(p(x))"),
            },
        ),
        Step(
            "= KL(q, p)",
            "The definition, read backwards.",
            {
                "arguments swapped": ("KL(q, p)", "KL(p, q)"),
                "sign": ("KL", "-KL"),
                "scaled": ("KL", "a^2*KL"),
            },
        ),
    ],
)
