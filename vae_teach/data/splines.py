"""Catmull-Rom splines as matrices: the path of a pen is linear in its control points.

A path that visits K control points is `basis @ control`, so thousands of wobbled copies of one
variant are one matrix product. Shapes: K control points, P points along the path.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_teach.data.pens import PENS, Point, Variant

POINTS = 128  # along a path: half a pixel apart on the longest of them, the 8s
_FINE = 1000  # points along one stroke when its length is measured
_REACH = (
    1.0  # control points over which a wobble is felt: a hand does not tremble from one to the next
)


class Spline(NamedTuple):
    """One variant of one digit, ready to be written many times over."""

    control: Tensor  # (K, 2) the control points
    basis: Tensor  # (P, K) control points -> path, evenly spaced along it
    smooth: Tensor  # (K, K) independent wobbles -> wobbles alike within a stroke, same variance
    ink: Tensor  # (P,) 1 where a point leads on to the next, 0 where the pen is lifted


@cache
def splines() -> dict[int, tuple[Spline, ...]]:
    """Return the splines of every digit and variant in `pens.PENS`."""
    return {digit: tuple(_spline(pen) for pen in pens) for digit, pens in PENS.items()}


def _spline(pen: Variant) -> Spline:
    strokes = [_stroke(stroke) for stroke in pen.strokes]
    lengths = np.array([length for _, _, length in strokes])
    points = np.maximum(2, np.round(POINTS * lengths / lengths.sum()).astype(int))
    points[lengths.argmax()] += POINTS - points.sum()
    n_controls = [len(control) for control, _, _ in strokes]
    basis, smooth = np.zeros((POINTS, sum(n_controls))), np.zeros((sum(n_controls),) * 2)
    ink, row, column = np.ones(POINTS), 0, 0
    for (_, along, _), n, k in zip(strokes, points, n_controls, strict=True):
        basis[row : row + n, column : column + k] = along(n)
        smooth[column : column + k, column : column + k] = _alike(k)
        row, column = row + n, column + k
        ink[row - 1] = 0
    control = np.concatenate([control for control, _, _ in strokes])
    return Spline(*(torch.from_numpy(a).float() for a in (control, basis, smooth, ink)))


def _stroke(visits: tuple[Point, ...]) -> tuple[np.ndarray, Callable[[int], np.ndarray], float]:
    """Return the distinct points (K, 2), a function n -> basis (n, K), and the length.

    A point visited twice running is one control point that the spline passes twice: a corner.
    """
    turns = np.array([i == 0 or p != visits[i - 1] for i, p in enumerate(visits)])
    distinct = np.eye(turns.sum())[turns.cumsum() - 1]  # (visits, K)
    control = np.array(visits)[turns]
    fine = np.linspace(0, len(visits) - 1, _FINE)
    path = catmull_rom(fine, len(visits)) @ np.array(visits)
    travelled = np.cumsum(np.linalg.norm(np.diff(path, axis=0, prepend=path[:1]), axis=1))

    def along(n: int) -> np.ndarray:
        evenly = np.interp(np.linspace(0, travelled[-1], n), travelled, fine)
        return catmull_rom(evenly, len(visits)) @ distinct

    return control, along, travelled[-1]


def catmull_rom(t: np.ndarray, k: int) -> np.ndarray:
    """Return the weights (len(t), k) of k points at parameters t in [0, k - 1].

    The curve passes point i at t = i with the slope (p[i+1] - p[i-1]) / 2; the ends repeat.

    Source: Catmull & Rom 1974, "A class of local interpolating splines" (uniform, tension 1/2).
    """
    i = np.minimum(np.floor(t).astype(int), k - 2)
    f = t - i
    cubic = (
        (-f + 2 * f**2 - f**3) / 2,
        (2 - 5 * f**2 + 3 * f**3) / 2,
        (f + 4 * f**2 - 3 * f**3) / 2,
        (-(f**2) + f**3) / 2,
    )
    weights = np.zeros((len(t), k))
    for offset, values in zip((-1, 0, 1, 2), cubic, strict=True):
        np.add.at(weights, (np.arange(len(t)), (i + offset).clip(0, k - 1)), values)
    return weights


def _alike(k: int) -> np.ndarray:
    """(k, k) rows of unit length: neighbours share their wobble, each keeps its variance."""
    i = np.arange(k)
    kernel = np.exp(-0.5 * ((i[:, None] - i) / _REACH) ** 2)
    return kernel / np.linalg.norm(kernel, axis=1, keepdims=True)
