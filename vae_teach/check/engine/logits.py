"""What every check of a Bernoulli likelihood tries, and what goes wrong there.

Shapes: B batch, D pixels.
"""

import torch
from torch import Tensor

from vae_teach.check.engine.exercise import Mistake


def rows(b: int, d: int, *, grey: bool = False) -> dict[str, Tensor]:
    """B pictures of D pixels and logits for them, each (B, D)."""
    g = torch.Generator().manual_seed(b * d)
    x = torch.rand(b, d, generator=g)
    return {"x": x if grey else x.round(), "logits": 2 * torch.randn(b, d, generator=g)}


def extreme_logits() -> dict[str, Tensor]:
    """Confident and wrong in one pixel of each row; e^100 is too large for float32."""
    size = torch.tensor([30.0, 100.0, 200.0, 300.0])[:, None]
    x = torch.tensor([0.0, 1.0, 1.0, 0.0]).repeat(4, 1)
    return {"x": x, "logits": size * torch.tensor([1.0, 1.0, 1.0, -1.0])}


EXTREME = "logits from 30 to 300"
_NOT_FINITE = Mistake(
    "overflow",
    "Your values are right for moderate logits, but NaN or infinite at logits such as 100: "
    "work from the logits with softplus or F.binary_cross_entropy_with_logits.",
    matches=lambda got, want, *args: not bool(got.isfinite().all()),
    hard=True,
)
_CLIPPED = Mistake(
    "clipped-probabilities",
    "Your values are right for moderate logits, but at logits of 30 and more a probability was "
    "clipped or rounded to 0 or 1 before its log: work from the logits instead.",
    matches=lambda got, want, *args: True,
    hard=True,
)
_PROBABILITIES_WANTED = Mistake(
    "binary-cross-entropy-on-logits",
    "F.binary_cross_entropy takes probabilities and you gave it logits: "
    "use F.binary_cross_entropy_with_logits.",
    raises="all elements of input should be between 0 and 1",
)
_BINARY_PIXELS_WANTED = Mistake(
    "grey-pixels-refused",
    "Your function works on black and white pixels only, and these are grey: "
    "give torch.distributions.Bernoulli validate_args=False.",
    raises="to be within the support (Boolean())",
)
LOGIT_MISTAKES = (_PROBABILITIES_WANTED, _BINARY_PIXELS_WANTED, _NOT_FINITE, _CLIPPED)
