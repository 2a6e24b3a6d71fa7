"""From a path on the page to pixels: place it as MNIST does, then draw it with a round pen.

Shapes: N images, P points along a path. Pixel (row, column) covers the unit square around itself,
so x is the column and y the row, growing downwards.
"""

import torch
from torch import Tensor

SIDE = 28  # pixels
BOX = 20.0  # pixels: MNIST scales the longer side of the ink, pen and all, to this
CENTRE = 14.0  # mean row and mean column of the ink in MNIST, measured on its training images
_CHUNK = 256  # images drawn at a time, so that their distances stay in the processor's cache


def place(path: Tensor, ink: Tensor, factors: dict[str, Tensor]) -> Tensor:
    """Stretch, slant, turn and scale paths, and put their centres of mass where they belong.

    Args:
        path: (N, P, 2) in the control points' box.
        ink: (N, P), 1 where a point leads on to the next, 0 where the pen is lifted.
        factors: each (N,); see `hands`.

    Returns:
        (N, P, 2) in pixels.
    """
    slant, aspect = factors["slant"][:, None], factors["aspect"][:, None]
    x, y = path.unbind(dim=-1)
    x = x * aspect - slant * y  # y grows downwards: a positive slant leans the tops to the right
    cos, sin = factors["rotation"].cos()[:, None], factors["rotation"].sin()[:, None]
    path = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
    longer = (path.amax(dim=1) - path.amin(dim=1)).amax(dim=1)  # (N,)
    size = BOX * factors["scale"] - factors["width"]  # half the pen sticks out on either side
    path = path * (size / longer)[:, None, None]
    shift = torch.stack([factors["shift_x"], factors["shift_y"]], dim=1)
    return path + (CENTRE + shift - _centre_of_mass(path, ink))[:, None]


def _centre_of_mass(path: Tensor, ink: Tensor) -> Tensor:
    """(N, 2): the mean of the path weighted by length, which stands in for the mean of the ink."""
    steps = path.diff(dim=1)
    mass = steps.norm(dim=-1) * ink[:, :-1]
    middles = path[:, :-1] + steps / 2
    return (middles * mass[..., None]).sum(dim=1) / mass.sum(dim=1, keepdim=True)


def render(path: Tensor, width: Tensor, softness: float) -> Tensor:
    """Draw paths with a round pen: sigmoid((width / 2 - distance to the path) / softness).

    Args:
        path: (N, P, 2) in pixels, points close together.
        width: (N,) of the pen, in pixels.
        softness: pixels over which ink fades at the edge.

    Returns:
        (N, 28, 28) in (0, 1).
    """
    pieces = zip(path.split(_CHUNK), width.split(_CHUNK), strict=True)
    return torch.cat(
        [((w[:, None, None] / 2 - _distance(p)) / softness).sigmoid() for p, w in pieces]
    )


def _distance(path: Tensor) -> Tensor:
    """(B, P, 2) -> (B, 28, 28): pixels from each pixel's centre to the nearest point of a path."""
    grid = torch.arange(SIDE, dtype=path.dtype)
    columns, rows = (grid - path[..., None]).square().unbind(dim=2)  # each (B, P, 28)
    nearest = rows[:, 0, :, None] + columns[:, 0, None, :]
    for p in range(1, path.shape[1]):  # one point at a time: (B, P, 28, 28) would not fit the cache
        torch.minimum(nearest, rows[:, p, :, None] + columns[:, p, None, :], out=nearest)
    return nearest.sqrt()
