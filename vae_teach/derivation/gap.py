"""How far a bound is from the evidence: the gap is a divergence, and then the bound is an identity.

Source: Doersch (2016), equations 2 to 5; Altosaar's tutorial, whose last display prints
KL(q || p(z|x)) where p(z) belongs: that misprint is one of the wrong variants below.
"""

from .bound import LINEAR_GAUSSIAN
from .chain import Derivation
from .step import Step

POSTERIOR_GAP = Derivation(
    title="How far `q` is from the posterior (equations 2 and 3)",
    start="KL(q(z), p(z|x))",
    given="The divergence of `q` from the posterior, which we cannot compute: it contains `p(x)`.",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= E[q](log(q(z)) - log(p(z|x)))",
            "The definition: equation 2 of Doersch.",
            {
                "sign": ("- log(p(z|x))", "+ log(p(z|x))"),
                "prior for posterior": ("p(z|x)", "p(z)"),
                "expectation under the prior": ("E[q]", "E[p(z)]"),
            },
        ),
        Step(
            "= E[q](log(q(z)) - log(p(x|z)*p(z)/p(x)))",
            "Bayes' rule for the posterior.",
            {
                "prior forgotten": ("p(x|z)*p(z)/p(x)", "p(x|z)/p(x)"),
                "evidence forgotten": ("p(z)/p(x)", "p(z)"),
                "evidence multiplied": ("p(z)/p(x)", "p(z)*p(x)"),
            },
        ),
        Step(
            "= E[q](log(q(z)) - log(p(x|z)) - log(p(z)) + log(p(x)))",
            "The log of a product is a sum; two minus signs make a plus.",
            {
                "sign of the evidence": ("+ log(p(x))", "- log(p(x))"),
                "sign of the prior": ("- log(p(z))", "+ log(p(z))"),
                "sign of the likelihood": ("- log(p(x|z))", "+ log(p(x|z))"),
            },
        ),
        Step(
            "= E[q](log(q(z)) - log(p(x|z)) - log(p(z))) + log(p(x))",
            "`log(p(x))` does not depend on `z`, so it leaves the expectation: equation 3.",
            {
                "sign of the evidence": ("+ log(p(x))", "- log(p(x))"),
                "evidence forgotten": (" + log(p(x))", ""),
                "evidence counted twice": ("+ log(p(x))", "+ 2*log(p(x))"),
            },
        ),
        Step(
            "= E[q](log(q(z))) - E[q](log(p(x, z))) + log(p(x))",
            "Likelihood times prior is the joint density: the form Altosaar prints.",
            {
                "sign of the joint": ("- E[q](log(p(x, z)))", "+ E[q](log(p(x, z)))"),
                "likelihood for joint": ("p(x, z)", "p(x|z)"),
                "sign of the evidence": ("+ log(p(x))", "- log(p(x))"),
            },
        ),
    ],
)

BOUND_BY_IDENTITY = Derivation(
    title="The bound, by an identity (equations 4 and 5)",
    start="log(p(x)) - KL(q(z), p(z|x))",
    given="What we want large, less a gap that is never negative.",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= log(p(x)) - (E[q](log(q(z)) - log(p(x|z)) - log(p(z))) + log(p(x)))",
            "Equation 3 for the gap.",
            {
                "sign of the evidence": (") + log(p(x))", ") - log(p(x))"),
                "sign of the bracket": ("- (E[q]", "+ (E[q]"),
                "sign of the prior": ("- log(p(z))", "+ log(p(z))"),
            },
        ),
        Step(
            "= -E[q](log(q(z)) - log(p(x|z)) - log(p(z)))",
            "The two `log(p(x))` cancel: nothing intractable is left.",
            {
                "sign": ("= -E", "= E"),
                "evidence left over": ("= -E", "= log(p(x)) - E"),
                "sign of the likelihood": ("- log(p(x|z))", "+ log(p(x|z))"),
            },
        ),
        Step(
            "= E[q](log(p(x|z))) - E[q](log(q(z)) - log(p(z)))",
            "The expectation is linear; collect `q` and the prior.",
            {
                "sign of the second term": ("- E[q]", "+ E[q]"),
                "sign of the prior": ("- log(p(z))", "+ log(p(z))"),
                "sign of the likelihood": ("= E[q]", "= -E[q]"),
            },
        ),
        Step(
            "= E[q](log(p(x|z))) - KL(q(z), p(z))",
            "The second expectation is a divergence from the prior: equations 4 and 5.",
            {
                "the misprint: posterior for prior": ("KL(q(z), p(z))", "KL(q(z), p(z|x))"),
                "arguments swapped": ("KL(q(z), p(z))", "KL(p(z), q(z))"),
                "sign of the divergence": ("- KL", "+ KL"),
                "divergence counted twice": ("- KL", "- 2*KL"),
            },
        ),
    ],
)

BOUND_FROM_GAP = Derivation(
    title="Evidence is bound plus gap",
    start="log(p(x))",
    given="The evidence of one data point.",
    setting=LINEAR_GAUSSIAN,
    steps=[
        Step(
            "= E[q](log(p(x|z))) - KL(q(z), p(z)) + KL(q(z), p(z|x))",
            "Equation 5 with the gap carried to the other side.",
            {
                "sign of the gap": ("+ KL(q(z), p(z|x))", "- KL(q(z), p(z|x))"),
                "sign of the prior term": ("- KL(q(z), p(z))", "+ KL(q(z), p(z))"),
                "arguments of the gap swapped": ("KL(q(z), p(z|x))", "KL(p(z|x), q(z))"),
            },
        ),
        Step(
            ">= E[q](log(p(x|z))) - KL(q(z), p(z))",
            "A divergence is never negative, so dropping the gap can only lower the line.",
            {
                "the wrong way": (">=", "<="),
                "equality claimed": (">=", "="),
                "prior term dropped instead": (" - KL(q(z), p(z))", ""),
                "sign of the divergence": ("- KL", "+ KL"),
            },
        ),
    ],
)
