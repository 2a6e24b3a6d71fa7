"""What a trait may be set to, for the validators of the widgets.

Each takes traitlets' proposal and returns its value. Shapes: L latent dimensions.
"""

import math

import traitlets


def code(proposal: dict, latent_dim: int) -> list[float]:
    """A proposed z.

    Args:
        proposal: of the validator.
        latent_dim: L, or 0 before it is known.

    Raises:
        traitlets.TraitError: if it has another length, or a value is not finite.
    """
    z = proposal["value"]
    if latent_dim and len(z) != latent_dim:
        raise traitlets.TraitError(f"z has {len(z)} values but the decoder takes {latent_dim}")
    if not all(math.isfinite(value) for value in z):
        raise traitlets.TraitError(f"z must be finite, but it is {z}")
    return z


def axes(proposal: dict, latent_dim: int) -> list[int]:
    """The two latent dimensions proposed for the pad.

    Args:
        proposal: of the validator.
        latent_dim: L, or 0 before it is known.

    Raises:
        traitlets.TraitError: if they are not two different dimensions of the code; a code of one
            dimension has [0, 0].
    """
    chosen = proposal["value"]
    known = not latent_dim or all(0 <= d < latent_dim for d in chosen)
    if len(chosen) != 2 or not known or (latent_dim > 1 and chosen[0] == chosen[1]):
        raise traitlets.TraitError(
            f"axes must be two different dimensions from 0 to {latent_dim - 1}, "
            f"but they are {chosen}"
        )
    return chosen


def index(proposal: dict, count: int, lowest: int = 0) -> int:
    """A proposed number of one thing among `count`.

    Args:
        proposal: of the validator.
        count: how many there are.
        lowest: -1 where that means none.

    Raises:
        traitlets.TraitError: if it is outside lowest to count - 1.
    """
    name, value = proposal["trait"].name, proposal["value"]
    if not lowest <= value < count:
        raise traitlets.TraitError(
            f"{name} must be from {lowest} to {count - 1}, but it is {value}"
        )
    return value
