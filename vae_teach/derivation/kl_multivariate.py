"""The KL divergence of Gaussians in k dimensions: full covariances, then the diagonal case.

Source: Doersch, "Tutorial on Variational Autoencoders" (2016), equations 6 and 7.
"""

from .chain import Derivation
from .setting import Setting
from .step import Step

_FULL = Setting(
    vectors="mu_q mu_p",
    spd="Sigma_q Sigma_p",
    normals={"q(z)": ("z", "mu_q", "Sigma_q"), "p(z)": ("z", "mu_p", "Sigma_p")},
    n_points=20,
)
_QUADRATIC_P = "(z - mu_p).T @ inv(Sigma_p) @ (z - mu_p)"
_QUADRATIC_Q = "(z - mu_q).T @ inv(Sigma_q) @ (z - mu_q)"
_DISTANCE = "(mu_p - mu_q).T @ inv(Sigma_p) @ (mu_p - mu_q)"
_LOG_DETS = "log(det(Sigma_p)/det(Sigma_q))"
_EQUATION_6 = f"1/2*(tr(inv(Sigma_p) @ Sigma_q) + {_DISTANCE} - k + {_LOG_DETS})"
_UPSIDE_DOWN = ("det(Sigma_p)/det(Sigma_q)", "det(Sigma_q)/det(Sigma_p)")

KL_MULTIVARIATE = Derivation(
    title="KL of one Gaussian from another in `k` dimensions",
    start="KL(q, p)",
    given="Here `q` = N(`mu_q`, `Sigma_q`) and `p` = N(`mu_p`, `Sigma_p`), densities of a vector "
    "`z` with `k` components. Checked for `k` from 1 to 5.",
    setting=_FULL,
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
            f"= 1/2*E[q]({_LOG_DETS} + {_QUADRATIC_P} - {_QUADRATIC_Q})",
            "Put in the two densities; the two `(2*pi)^(k/2)` cancel.",
            {
                "sign": ("- (z - mu_q).T", "+ (z - mu_q).T"),
                "ratio upside down": _UPSIDE_DOWN,
                "half missing": ("1/2*E", "E"),
                "inverse forgotten": ("@ inv(Sigma_p) @", "@ Sigma_p @"),
            },
        ),
        Step(
            f"= 1/2*({_LOG_DETS} + E[q]({_QUADRATIC_P}) "
            "- E[q](tr(inv(Sigma_q) @ (z - mu_q) @ (z - mu_q).T)))",
            "The expectation is linear. A number is its own trace, and a trace may be turned "
            "cyclically.",
            {
                "sign": ("- E[q](tr(", "+ E[q](tr("),
                "the wrong covariance": ("tr(inv(Sigma_q)", "tr(inv(Sigma_p)"),
                "the wrong centre": ("(z - mu_q) @ (z - mu_q).T", "(z - mu_p) @ (z - mu_p).T"),
            },
        ),
        Step(
            f"= 1/2*({_LOG_DETS} + E[q]({_QUADRATIC_P}) - tr(inv(Sigma_q) @ Sigma_q))",
            "The expectation goes inside the trace, where `E[q]((z - mu_q) @ (z - mu_q).T)` "
            "is `Sigma_q`.",
            {
                "sign": ("- tr(", "+ tr("),
                "the other covariance": ("@ Sigma_q))", "@ Sigma_p))"),
                "inverse forgotten": ("tr(inv(Sigma_q) @ Sigma_q)", "tr(Sigma_q @ Sigma_q)"),
            },
        ),
        Step(
            f"= 1/2*({_LOG_DETS} + E[q]({_QUADRATIC_P}) - k)",
            "A matrix times its inverse is the identity, whose trace is `k`.",
            {
                "sign": ("- k", "+ k"),
                "one for k": ("- k", "- 2*k"),
                "ratio upside down": _UPSIDE_DOWN,
            },
        ),
        Step(
            f"= {_EQUATION_6}",
            "Write `z - mu_p` as `z - mu_q` plus `mu_q - mu_p`: the first part gives the trace, "
            "the second the distance between the means, and the cross terms average to zero. "
            "This is equation 6 of Doersch.",
            {
                "sign of the distance": ("+ (mu_p - mu_q).T", "- (mu_p - mu_q).T"),
                "sign of k": ("- k", "+ k"),
                "half missing": ("1/2*(", "("),
                "ratio upside down": _UPSIDE_DOWN,
                "arguments swapped": ("tr(inv(Sigma_p) @ Sigma_q)", "tr(inv(Sigma_q) @ Sigma_p)"),
                "the wrong inverse": ("T @ inv(Sigma_p) @", "T @ inv(Sigma_q) @"),
            },
        ),
    ],
)

KL_MULTIVARIATE_TO_STANDARD = Derivation(
    title="The special case `p` = N(0, `I`) in `k` dimensions",
    start=_EQUATION_6,
    given="Equation 6, now with `mu_p` = 0 and `Sigma_p` = `I`.",
    setting=Setting(
        vectors="mu_q",
        spd="Sigma_q",
        definitions={"mu_p": "0*mu_q", "Sigma_p": "I"},
        n_points=20,
    ),
    steps=[
        Step(
            "= 1/2*(tr(inv(I) @ Sigma_q) + (-mu_q).T @ inv(I) @ (-mu_q) - k "
            "+ log(det(I)/det(Sigma_q)))",
            "Put in `mu_p` = 0 and `Sigma_p` = `I`.",
            {
                "sign of the distance": ("+ (-mu_q).T", "- (-mu_q).T"),
                "ratio upside down": ("det(I)/det(Sigma_q)", "det(Sigma_q)/det(I)"),
                "inverse on the wrong matrix": ("inv(I) @ Sigma_q", "I @ inv(Sigma_q)"),
            },
        ),
        Step(
            "= 1/2*(tr(Sigma_q) + mu_q.T @ mu_q - k - log(det(Sigma_q)))",
            "The identity is its own inverse and has determinant 1. This is equation 7 of Doersch.",
            {
                "sign of the log": ("- log(", "+ log("),
                "sign of the distance": ("+ mu_q.T", "- mu_q.T"),
                "half missing": ("1/2*(", "("),
                "determinant for trace": ("tr(Sigma_q)", "det(Sigma_q)"),
                "one for k": ("- k", "- 1"),
            },
        ),
    ],
)

KL_DIAGONAL = Derivation(
    title="A diagonal covariance: the sum over dimensions",
    start="1/2*(tr(Sigma) + mu.T @ mu - k - log(det(Sigma)))",
    given="Equation 7 with `Sigma` diagonal, its entries the `sigma[l]^2`: the components of `z` "
    "are independent under `q`.",
    setting=Setting(
        vectors="mu",
        positive_vectors="sigma",
        definitions={"Sigma": "diag(sigma) @ diag(sigma)"},
        n_points=20,
    ),
    steps=[
        Step(
            "= 1/2*(sum[l](sigma[l]^2) + sum[l](mu[l]^2) - k - log(prod[l](sigma[l]^2)))",
            "The trace of a diagonal matrix is the sum of its entries, the determinant their "
            "product.",
            {
                "sum for product": ("prod[l]", "sum[l]"),
                "sign of the log": ("- log(", "+ log("),
                "sigma not squared": ("(sum[l](sigma[l]^2)", "(sum[l](sigma[l])"),
            },
        ),
        Step(
            "= sum[l](1/2*(mu[l]^2 + sigma[l]^2 - 1 - log(sigma[l]^2)))",
            "The log of a product is a sum of logs, and `k` is a sum of `k` ones: the univariate "
            "result, added up over the dimensions.",
            {
                "averaged over dimensions": ("sum[l](1/2", "1/k*sum[l](1/2"),
                "half missing": ("1/2*(", "("),
                "sign of the variance": ("+ sigma[l]^2", "- sigma[l]^2"),
                "k ones subtracted from each": ("- 1 ", "- k "),
                "log sigma for log sigma^2": ("log(sigma[l]^2)", "log(sigma[l])"),
            },
        ),
    ],
)
