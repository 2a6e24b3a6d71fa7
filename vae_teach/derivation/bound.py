"""The evidence lower bound, by Jensen's inequality and in its several forms.

Every line is a statement about any model; it is verified on one whose answers are known,
x = w z + b + noise, where p(x) and p(z|x) are Gaussian (`LINEAR_GAUSSIAN`), and the tests verify
the same lines on a decoder that is not linear (`SINE_DECODER`), where p(x) is an integral.
Source: Altosaar's tutorial; the last display there prints KL(q || p(z|x)) where p(z) belongs, a
misprint that is one of the wrong variants below.
"""

from .chain import Derivation
from .setting import Setting
from .step import Step

_VARIANCE = "(sigma_x^2 + w^2)"
_LATENT = {"q(z)": ("z", "mu", "sigma^2"), "p(z)": ("z", "0", "1")}
_JOINT = {"log(p(x, z))": "log(p(x|z)) + log(p(z))"}

LINEAR_GAUSSIAN = Setting(
    real="x w b mu",
    positive="sigma sigma_x",
    normals=_LATENT
    | {
        "p(x|z)": ("x", "w*z + b", "sigma_x^2"),
        "p(x)": ("x", "b", _VARIANCE),
        "p(z|x)": ("z", f"w*(x - b)/{_VARIANCE}", f"sigma_x^2/{_VARIANCE}"),
    },
    definitions=_JOINT,
)

SINE_DECODER = Setting(
    real="x w b mu",
    positive="sigma sigma_x",
    normals=_LATENT | {"p(x|z)": ("x", "sin(w*z) + b", "sigma_x^2")},
    definitions=_JOINT
    | {
        "p(x)": "integral[z](p(x|z)*p(z))",
        "log(p(z|x))": "log(p(x|z)) + log(p(z)) - log(p(x))",
    },
    n_points=20,
)

BOUND_BY_JENSEN = Derivation(
    title="The bound, by Jensen's inequality",
    start="log(p(x))",
    given="The evidence of one data point `x`. The density `q(z)` is any that we choose.",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= log(integral[z](p(x, z)))",
            "The evidence is the joint density with the latent variable integrated out.",
            {
                "log inside": ("log(integral[z](p(x, z)))", "integral[z](p(x, z))"),
                "prior forgotten": ("p(x, z)", "p(x|z)"),
                "sign": ("log(", "-log("),
            },
        ),
        Step(
            "= log(integral[z](q(z)*p(x, z)/q(z)))",
            "Multiply and divide by `q(z)`.",
            {
                "multiplied only": ("p(x, z)/q(z)", "p(x, z)"),
                "likelihood for joint": ("p(x, z)", "p(x|z)"),
                "two for one": ("integral", "2*integral"),
            },
        ),
        Step(
            "= log(E[q](p(x, z)/q(z)))",
            "An integral weighted by `q` is an expectation under `q`.",
            {
                "q left out of the ratio": ("p(x, z)/q(z)", "p(x, z)"),
                "likelihood for joint": ("p(x, z)", "p(x|z)"),
                "log moved inside": ("log(E[q](p(x, z)/q(z)))", "E[q](log(p(x, z)/q(z)))"),
            },
        ),
        Step(
            ">= E[q](log(p(x, z)/q(z)))",
            "Jensen: the log is concave, so the log of a mean is at least the mean of the logs.",
            {
                "the wrong way": (">=", "<="),
                "equality claimed": (">=", "="),
                "ratio upside down": ("p(x, z)/q(z)", "q(z)/p(x, z)"),
                "q forgotten": ("p(x, z)/q(z)", "p(x|z)/p(z)"),
            },
        ),
        Step(
            "= E[q](log(p(x|z)) + log(p(z)) - log(q(z)))",
            "The joint density is likelihood times prior; logs of products and ratios split.",
            {
                "sign of log q": ("- log(q(z))", "+ log(q(z))"),
                "sign of the prior": ("+ log(p(z))", "- log(p(z))"),
                "posterior for prior": ("log(p(z))", "log(p(z|x))"),
            },
        ),
        Step(
            "= E[q](log(p(x|z))) - KL(q(z), p(z))",
            "The last two terms are minus a divergence: reconstruction less the cost of leaving "
            "the prior.",
            {
                "sign of the divergence": ("- KL", "+ KL"),
                "divergence counted twice": ("- KL", "- 2*KL"),
                "arguments swapped": ("KL(q(z), p(z))", "KL(p(z), q(z))"),
                "posterior for prior": ("KL(q(z), p(z))", "KL(q(z), p(z|x))"),
            },
        ),
    ],
)

FORMS_OF_THE_BOUND = Derivation(
    title="One bound, three forms",
    start="E[q](log(p(x, z))) - E[q](log(q(z)))",
    given="The joint form: expected log joint density, less expected `log(q(z))`.",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= E[q](log(p(x, z))) + H(q)",
            "The entropy form: minus the expected `log(q(z))` is the entropy of `q`.",
            {
                "sign of the entropy": ("+ H(q)", "- H(q)"),
                "cross-entropy for entropy": ("H(q)", "H(q, p(z))"),
                "likelihood for joint": ("p(x, z)", "p(x|z)"),
            },
        ),
        Step(
            "= E[q](log(p(x|z)) + log(p(z))) + H(q)",
            "The joint density is likelihood times prior.",
            {
                "sign of the prior": ("+ log(p(z))", "- log(p(z))"),
                "posterior for prior": ("log(p(z))", "log(p(z|x))"),
                "sign of the entropy": ("+ H(q)", "- H(q)"),
            },
        ),
        Step(
            "= E[q](log(p(x|z))) - (H(q, p(z)) - H(q))",
            "The expected log prior is minus a cross-entropy.",
            {
                "cross-entropy's arguments swapped": ("H(q, p(z))", "H(p(z), q(z))"),
                "sign in the bracket": ("- H(q))", "+ H(q))"),
                "sign of the bracket": ("- (H", "+ (H"),
            },
        ),
        Step(
            "= E[q](log(p(x|z))) - KL(q(z), p(z))",
            "The KL form: cross-entropy less entropy is a divergence.",
            {
                "the misprint: posterior for prior": ("KL(q(z), p(z))", "KL(q(z), p(z|x))"),
                "arguments swapped": ("KL(q(z), p(z))", "KL(p(z), q(z))"),
                "sign of the divergence": ("- KL", "+ KL"),
            },
        ),
    ],
)

LINEAR_GAUSSIAN_BOUND = Derivation(
    title="The bound in closed form for `x` = `w*z + b` + noise",
    start="E[q](log(p(x|z))) - KL(q(z), p(z))",
    given="Here `p(x|z)` = N(`w*z + b`, `sigma_x^2`), `p(z)` = N(0, 1) and "
    "`q(z)` = N(`mu`, `sigma^2`).",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= -1/2*log(2*pi*sigma_x^2) - E[q]((x - w*z - b)^2)/(2*sigma_x^2) - KL(q(z), p(z))",
            "Put in the density of `x` given `z`.",
            {
                "sign of the error": ("- E[q]", "+ E[q]"),
                "half missing": ("/(2*sigma_x^2)", "/sigma_x^2"),
                "sign of the offset": ("- b)", "+ b)"),
            },
        ),
        Step(
            "= -1/2*log(2*pi*sigma_x^2) - ((x - w*mu - b)^2 + w^2*sigma^2)/(2*sigma_x^2) "
            "- KL(q(z), p(z))",
            "An expected square is the square of the mean plus the variance, here `w^2*sigma^2`.",
            {
                "variance forgotten": (" + w^2*sigma^2", ""),
                "sign of the variance": ("+ w^2*sigma^2", "- w^2*sigma^2"),
                "weight not squared": ("w^2*sigma^2", "w*sigma^2"),
            },
        ),
        Step(
            "= -1/2*log(2*pi*sigma_x^2) - ((x - w*mu - b)^2 + w^2*sigma^2)/(2*sigma_x^2) "
            "- 1/2*(mu^2 + sigma^2 - 1 - log(sigma^2))",
            "The divergence from the prior in closed form.",
            {
                "sign of the divergence": ("- 1/2*(mu^2", "+ 1/2*(mu^2"),
                "half missing": ("- 1/2*(mu^2", "- (mu^2"),
                "log sigma for log sigma^2": ("- log(sigma^2)", "- log(sigma)"),
            },
        ),
    ],
)
