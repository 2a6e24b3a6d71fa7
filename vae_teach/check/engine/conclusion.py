"""A chapter's own conclusions: what its sentences say of trained models and of draws.

A conclusion can be false in a reader's run, who has changed a width or the epochs. It then says so
and the notebook goes on. Where the book is built and tested, it stops the run instead.
"""

import os

import numpy as np
import torch
from torch import Tensor

STRICT = "VAE_TEACH_STRICT"


def holds(condition: bool | Tensor, sentence: str) -> None:
    """Compare a conclusion of the text with this run: `holds(condition, sentence) -> None`.

    Args:
        condition: what the sentence states, as a bool or a bool tensor without axes.
        sentence: the conclusion in words, for the reader in whose run it is false.

    Raises:
        ValueError: if the sentence is empty, or the condition is no single bool.
        AssertionError: with the sentence, if it does not hold and $VAE_TEACH_STRICT is set.
    """
    if not isinstance(sentence, str) or not sentence.strip():
        raise ValueError(f"sentence must be the conclusion in words, but it is {sentence!r}")
    if _truth(condition):
        return
    if os.environ.get(STRICT):
        raise AssertionError(sentence)
    print(f"Not so in this run: {sentence}")


def _truth(condition: object) -> bool:
    """The condition as a bool; a number or a whole array would be true for the wrong reason."""
    if isinstance(condition, Tensor) and condition.dtype == torch.bool and condition.dim() == 0:
        return bool(condition)
    if isinstance(condition, bool | np.bool_):
        return bool(condition)
    found = repr(condition)
    if isinstance(condition, Tensor | np.ndarray | np.generic):
        shape = tuple(condition.shape)
        found = f"{type(condition).__name__} of {condition.dtype} with shape {shape}"
    raise ValueError(
        "condition must be a bool or a bool tensor without axes (use .all() or .any()), "
        f"but it is {found}"
    )
