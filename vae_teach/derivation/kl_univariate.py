"""The KL divergence of one Gaussian from another, line by line.

Source: mathybit, "Variational Autoencoders" (2018), equation 5; Kingma & Welling 2014, appendix B.
Each `wrong` entry is a usual mistake, as an edit of the line; the tests see every one turn red.
"""

from .chain import Derivation
from .setting import Setting
from .step import Step

_ONE = Setting(
    real="mu",
    positive="sigma",
    normals={"q(z)": ("z", "mu", "sigma^2"), "p(z)": ("z", "0", "1")},
)

KL_TO_STANDARD_NORMAL = Derivation(
    title="KL of N(`mu`, `sigma^2`) from N(0, 1)",
    start="KL(q, p)",
    given="Here `q` = N(`mu`, `sigma^2`) and `p` = N(0, 1), both densities of `z`.",
    setting=_ONE,
    steps=[
        Step(
            "= integral[z](q(z)*log(q(z)/p(z)))",
            "The definition: the log ratio of the densities, averaged with weight `q`.",
            {
                "ratio upside down": ("q(z)/p(z)", "p(z)/q(z)"),
                "weighted by p": ("(q(z)*", "(p(z)*"),
                "counted twice": ("integral", "2*integral"),
            },
        ),
        Step(
            "= E[q](log(q(z)) - log(p(z)))",
            "An integral weighted by a density is an expectation; the log of a ratio is a "
            "difference of logs.",
            {
                "sign": ("- log(p(z))", "+ log(p(z))"),
                "expectation under p": ("E[q]", "E[p]"),
                "p forgotten": (" - log(p(z))", ""),
            },
        ),
        Step(
            "= E[q](log(1/sigma) + 1/2*(z^2 - ((z - mu)/sigma)^2))",
            "Put in the two densities; the two `sqrt(2*pi)` cancel, and `1/sigma` is left.",
            {
                "sign of a square": ("z^2 - ", "z^2 + "),
                "half missing": ("1/2*(", "("),
                "sigma for 1/sigma": ("log(1/sigma)", "log(sigma)"),
                "variance not squared": ("/sigma)^2", ")^2/sigma"),
            },
        ),
        Step(
            "= log(1/sigma) + 1/2*E[q](z^2) - 1/2*E[q](((z - mu)/sigma)^2)",
            "The expectation is linear, and a constant passes through it.",
            {
                "sign": ("- 1/2*E[q]", "+ 1/2*E[q]"),
                "half missing": ("+ 1/2*E[q]", "+ E[q]"),
                "square of the mean": ("E[q](z^2)", "E[q](z)^2"),
            },
        ),
        Step(
            "= log(1/sigma) + 1/2*E[q](z^2) - 1/2",
            "The last expectation is the variance of `z` divided by `sigma^2`, which is 1.",
            {
                "sign": ("- 1/2", "+ 1/2"),
                "variance left in": ("- 1/2", "- 1/2*sigma^2"),
                "forgotten": (" - 1/2", ""),
            },
        ),
        Step(
            "= log(1/sigma) + 1/2*(E[q]((z - mu)^2) + 2*mu*E[q](z) - mu^2) - 1/2",
            "Write `z^2` as `(z - mu)^2 + 2*mu*z - mu^2`, to reach moments we know.",
            {
                "sign of mu squared": ("- mu^2", "+ mu^2"),
                "cross term halved": ("2*mu*", "mu*"),
                "cross term forgotten": (" + 2*mu*E[q](z)", ""),
            },
        ),
        Step(
            "= log(1/sigma) + 1/2*(sigma^2 + mu^2) - 1/2",
            "`E[q]((z - mu)^2)` is the variance `sigma^2`, and `E[q](z)` is `mu`.",
            {
                "sign of the mean": ("+ mu^2", "- mu^2"),
                "sigma not squared": ("sigma^2", "sigma"),
                "cross term added twice": ("+ mu^2", "+ 3*mu^2"),
            },
        ),
        Step(
            "= 1/2*(mu^2 + sigma^2 - 1 - log(sigma^2))",
            "Take one half out; `log(1/sigma)` is `-1/2*log(sigma^2)`.",
            {
                "sign of the variance": ("+ sigma^2", "- sigma^2"),
                "sign of the log": ("- log(", "+ log("),
                "half missing": ("1/2*(", "("),
                "log sigma for log sigma^2": ("log(sigma^2)", "log(sigma)"),
                "one forgotten": (" - 1", ""),
            },
        ),
    ],
)

_TWO = Setting(
    real="mu_q mu_p",
    positive="sigma_q sigma_p",
    normals={"q(z)": ("z", "mu_q", "sigma_q^2"), "p(z)": ("z", "mu_p", "sigma_p^2")},
)

KL_TWO_NORMALS = Derivation(
    title="KL of one Gaussian from another",
    start="KL(q, p)",
    given="Here `q` = N(`mu_q`, `sigma_q^2`) and `p` = N(`mu_p`, `sigma_p^2`), both densities "
    "of `z`.",
    setting=_TWO,
    steps=[
        Step(
            "= E[q](log(q(z)) - log(p(z)))",
            "The definition.",
            {
                "arguments swapped": ("log(q(z)) - log(p(z))", "log(p(z)) - log(q(z))"),
                "sign": ("- log(p(z))", "+ log(p(z))"),
                "expectation under p": ("E[q]", "E[p]"),
            },
        ),
        Step(
            "= E[q](log(sigma_p/sigma_q) + 1/2*((z - mu_p)/sigma_p)^2 "
            "- 1/2*((z - mu_q)/sigma_q)^2)",
            "Put in the two densities; the two `sqrt(2*pi)` cancel.",
            {
                "ratio upside down": ("sigma_p/sigma_q", "sigma_q/sigma_p"),
                "sign": ("- 1/2*((z - mu_q)", "+ 1/2*((z - mu_q)"),
                "half missing": ("+ 1/2*", "+ "),
            },
        ),
        Step(
            "= log(sigma_p/sigma_q) + E[q]((z - mu_p)^2)/(2*sigma_p^2) - 1/2",
            "The expectation is linear, and `E[q]((z - mu_q)^2)` is `sigma_q^2`.",
            {
                "sign": ("- 1/2", "+ 1/2"),
                "the wrong centre": ("z - mu_p", "z - mu_q"),
                "the wrong variance": ("2*sigma_p^2", "2*sigma_q^2"),
                "variance not squared": ("2*sigma_p^2", "2*sigma_p"),
            },
        ),
        Step(
            "= log(sigma_p/sigma_q) + (E[q]((z - mu_q)^2) + 2*(mu_q - mu_p)*E[q](z - mu_q) "
            "+ (mu_q - mu_p)^2)/(2*sigma_p^2) - 1/2",
            "Write `z - mu_p` as `z - mu_q` plus `mu_q - mu_p`, and square it.",
            {
                "sign of the squared distance": ("+ (mu_q - mu_p)^2", "- (mu_q - mu_p)^2"),
                "means added": ("+ (mu_q - mu_p)^2", "+ (mu_q + mu_p)^2"),
                "distance not squared": ("(mu_q - mu_p)^2", "(mu_q - mu_p)"),
            },
        ),
        Step(
            "= log(sigma_p/sigma_q) + (sigma_q^2 + (mu_q - mu_p)^2)/(2*sigma_p^2) - 1/2",
            "The first expectation is `sigma_q^2`, the second is zero.",
            {
                "sign": ("(sigma_q^2 + ", "(sigma_q^2 - "),
                "arguments swapped": (
                    "log(sigma_p/sigma_q) + (sigma_q^2 + (mu_q - mu_p)^2)/(2*sigma_p^2)",
                    "log(sigma_q/sigma_p) + (sigma_p^2 + (mu_q - mu_p)^2)/(2*sigma_q^2)",
                ),
                "half missing": ("/(2*sigma_p^2)", "/sigma_p^2"),
                "distance outside the fraction": (
                    "(sigma_q^2 + (mu_q - mu_p)^2)/(2*sigma_p^2)",
                    "sigma_q^2/(2*sigma_p^2) + (mu_q - mu_p)^2",
                ),
            },
        ),
    ],
)

KL_SPECIAL_CASE = Derivation(
    title="The special case `p` = N(0, 1)",
    start="log(sigma_p/sigma_q) + (sigma_q^2 + (mu_q - mu_p)^2)/(2*sigma_p^2) - 1/2",
    given="The general formula, now with `mu_p` = 0 and `sigma_p` = 1.",
    setting=Setting(real="mu_q", positive="sigma_q", definitions={"mu_p": "0", "sigma_p": "1"}),
    steps=[
        Step(
            "= log(1/sigma_q) + (sigma_q^2 + mu_q^2)/2 - 1/2",
            "Put in `mu_p` = 0 and `sigma_p` = 1.",
            {
                "sign": ("+ mu_q^2", "- mu_q^2"),
                "ratio upside down": ("1/sigma_q", "sigma_q"),
                "half missing": (")/2", ")"),
            },
        ),
        Step(
            "= 1/2*(mu_q^2 + sigma_q^2 - 1 - log(sigma_q^2))",
            "Take one half out; `log(1/sigma)` is `-1/2*log(sigma^2)`.",
            {
                "sign of the log": ("- log(", "+ log("),
                "sign of the mean": ("(mu_q^2", "(-mu_q^2"),
                "log sigma for log sigma^2": ("log(sigma_q^2)", "log(sigma_q)"),
                "half missing": ("1/2*(", "("),
            },
        ),
    ],
)

KL_LOG_VARIANCE = Derivation(
    title="The log-variance form",
    start="1/2*(mu^2 + sigma^2 - 1 - log(sigma^2))",
    given="The closed form, with `gamma` = `log(sigma^2)`, so that `sigma` = `exp(gamma/2)`. "
    "Networks output `gamma`: any real number is a valid one.",
    setting=Setting(real="mu gamma", definitions={"sigma": "exp(gamma/2)"}),
    steps=[
        Step(
            "= 1/2*(mu^2 + exp(gamma/2)^2 - 1 - log(exp(gamma/2)^2))",
            "Put in `sigma` = `exp(gamma/2)`.",
            {
                "gamma read as log sigma": ("exp(gamma/2)^2 - 1", "exp(gamma)^2 - 1"),
                "sign of the exponent": ("exp(gamma/2)^2 - 1", "exp(-gamma/2)^2 - 1"),
                "square forgotten": ("exp(gamma/2)^2 - 1", "exp(gamma/2) - 1"),
            },
        ),
        Step(
            "= 1/2*(mu^2 + exp(gamma) - 1 - gamma)",
            "The square of `exp(gamma/2)` is `exp(gamma)`, and its log is `gamma`.",
            {
                "sign of gamma": ("- gamma", "+ gamma"),
                "log taken of gamma": ("- gamma", "- log(abs(gamma))"),
                "gamma read as log sigma": ("exp(gamma)", "exp(2*gamma)"),
                "half missing": ("1/2*(", "("),
            },
        ),
        Step(
            "= 1/2*(mu^2 + expm1(gamma) - gamma)",
            "`expm1(gamma)` is `exp(gamma) - 1` computed without cancellation: the form the "
            "package uses.",
            {
                "one subtracted twice": ("- gamma", "- gamma - 1"),
                "sign of gamma": ("- gamma", "+ gamma"),
                "sign of the mean": ("(mu^2", "(-mu^2"),
            },
        ),
    ],
)
