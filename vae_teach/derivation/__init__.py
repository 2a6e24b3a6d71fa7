"""Derivations that are verified line by line, and the ones the book delivers.

**Here:** a `chain` of lines, each an `expression` that `verify` compares with the one before, by
algebra or by number; `bound`, `gap` and the `kl_` files are the book's own.
**In:** lines as text. **Out:** a display with a verdict for each line. z is the latent variable,
q comes first in KL(q || p), everything is in nats.
**Start with:** `chain.py`, then `kl_univariate.py`.
"""

from .bound import (
    BOUND_BY_JENSEN,
    FORMS_OF_THE_BOUND,
    LINEAR_GAUSSIAN,
    LINEAR_GAUSSIAN_BOUND,
    SINE_DECODER,
)
from .chain import Derivation
from .gap import BOUND_BY_IDENTITY, BOUND_FROM_GAP, POSTERIOR_GAP
from .kl_multivariate import KL_DIAGONAL, KL_MULTIVARIATE, KL_MULTIVARIATE_TO_STANDARD
from .kl_properties import (
    AFFINE_INVARIANCE,
    CROSS_ENTROPY_MINUS_ENTROPY,
    GIBBS_INEQUALITY,
    KL_NONNEGATIVE,
)
from .kl_univariate import (
    KL_LOG_VARIANCE,
    KL_SPECIAL_CASE,
    KL_TO_STANDARD_NORMAL,
    KL_TWO_NORMALS,
)
from .setting import Setting
from .step import Step
from .verify import Opinion, Verdict

DELIVERED = (
    KL_TO_STANDARD_NORMAL,
    KL_TWO_NORMALS,
    KL_SPECIAL_CASE,
    KL_LOG_VARIANCE,
    KL_MULTIVARIATE,
    KL_MULTIVARIATE_TO_STANDARD,
    KL_DIAGONAL,
    CROSS_ENTROPY_MINUS_ENTROPY,
    KL_NONNEGATIVE,
    GIBBS_INEQUALITY,
    AFFINE_INVARIANCE,
    BOUND_BY_JENSEN,
    POSTERIOR_GAP,
    BOUND_BY_IDENTITY,
    BOUND_FROM_GAP,
    FORMS_OF_THE_BOUND,
    LINEAR_GAUSSIAN_BOUND,
)

__all__ = [
    "AFFINE_INVARIANCE",
    "BOUND_BY_IDENTITY",
    "BOUND_BY_JENSEN",
    "BOUND_FROM_GAP",
    "CROSS_ENTROPY_MINUS_ENTROPY",
    "DELIVERED",
    "FORMS_OF_THE_BOUND",
    "GIBBS_INEQUALITY",
    "KL_DIAGONAL",
    "KL_LOG_VARIANCE",
    "KL_MULTIVARIATE",
    "KL_MULTIVARIATE_TO_STANDARD",
    "KL_NONNEGATIVE",
    "KL_SPECIAL_CASE",
    "KL_TO_STANDARD_NORMAL",
    "KL_TWO_NORMALS",
    "LINEAR_GAUSSIAN",
    "LINEAR_GAUSSIAN_BOUND",
    "POSTERIOR_GAP",
    "SINE_DECODER",
    "Derivation",
    "Opinion",
    "Setting",
    "Step",
    "Verdict",
]
