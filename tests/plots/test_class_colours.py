"""The ten class colours: seen on both grounds, told apart with full and with limited colour vision.

Colours are linear RGB in [0, 1] once `linear` has read them.
"""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from vae_teach import plots
from vae_teach.plots.class_colours import CLASS_COLOURS, css_rules

GROUNDS = {"white paper": "#ffffff", "the book in the dark": "#14181e"}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
# What each kind of colour blindness makes of linear RGB, at full severity (Machado et al., 2009).
VISION = {
    "full": np.eye(3),
    "no long cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no middle cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no short cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# From linear RGB to cones, and from their cube roots to Oklab, in which distance is about what an
# eye sees (B. Ottosson, 2020).
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colours) -> np.ndarray:
    c = np.array([to_rgb(colour) for colour in colours])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrasts(colours, ground) -> np.ndarray:
    """WCAG 2 contrast ratio of each colour with the ground."""
    one, other = linear(colours) @ LUMINANCE + 0.05, linear([ground]) @ LUMINANCE + 0.05
    return np.maximum(one, other) / np.minimum(one, other)


def nearest(colours, vision) -> float:
    """Distance of the two colours that are most alike."""
    seen = np.clip(linear(colours) @ VISION[vision].T, 0, 1)
    lab = np.cbrt(seen @ CONES.T) @ OKLAB.T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return apart[np.triu_indices(len(colours), 1)].min()


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_stands_out_from_the_ground(ground):
    """What WCAG asks of graphics; of a yellow and a navy dot one fails on either ground."""
    assert contrasts(CLASS_COLOURS, GROUNDS[ground]).min() >= 3
    assert contrasts(["yellow", "navy"], GROUNDS[ground]).min() < 3


@pytest.mark.parametrize("vision", VISION)
def test_no_two_colours_are_alike(vision):
    """At least twice as far apart as the nearest of matplotlib's ten are for colour-blind eyes."""
    limit = 0.16 if vision == "full" else 0.08
    assert nearest(CLASS_COLOURS, vision) > limit
    assert nearest(colormaps["tab10"].colors, vision) < limit


def test_figures_and_widgets_have_the_same_ten():
    """Fails if a figure's 4 has another colour than the explorer's."""
    assert [to_rgb(colour) for colour in CLASS_COLOURS] == plots.CLASS_COLOURS
    rules = css_rules(".a")
    assert rules.startswith(".a { --class-0: #3391ff;")
    assert rules.count("--class-") == len(set(CLASS_COLOURS)) == 10
