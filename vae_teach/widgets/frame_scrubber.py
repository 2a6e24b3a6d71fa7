"""A slider over pictures drawn beforehand: what no browser can compute, shown in time."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import traitlets
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from vae_teach.plots.frames import sheet_png
from vae_teach.plots.page import PIXELS_AN_INCH, render_svg
from vae_teach.validation import kind as kind_of
from vae_teach.validation import require_count
from vae_teach.widgets.parts import validation
from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet

_HERE = Path(__file__)


@dataclass(frozen=True)
class Frame:
    """One picture, what the slider says there, and what the picture shows.

    The picture is a PNG file as bytes, or an `<svg>` element as text, its viewBox in points.
    """

    picture: bytes | str
    label: str
    alt: str


class FrameScrubber(TeachingWidget):
    """Frames with a slider and a play button; the frames lie in the page.

    Args:
        frames: at least one, all PNG or all SVG, and of one size.
        title: what the slider moves through, for those who cannot see it.
        index: the frame shown first.
        scale: CSS pixels that a pixel of a PNG file is wide; above 1 they are shown as squares
            with sharp edges. An SVG is shown so many times as large.

    Raises:
        ValueError: naming the frame that has no label, no alt text, another kind or another size.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"))

    index = traitlets.Int(0, help="the frame shown, from 0").tag(sync=True)
    title = traitlets.Unicode("frame", help="name of the slider").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode(), help="what the slider says").tag(sync=True)
    alts = traitlets.List(traitlets.Unicode(), help="what each frame shows").tag(sync=True)
    kind = traitlets.Enum(["png", "svg"], help="of the pictures").tag(sync=True)
    sizes = traitlets.List(traitlets.Int(), help="bytes of each picture").tag(sync=True)
    pictures = traitlets.Bytes(help="the pictures, one after another").tag(sync=True)
    shape = traitlets.List(traitlets.Int(), help="width, height in CSS pixels").tag(sync=True)
    scale = traitlets.Int(1, help="CSS pixels for a pixel of a PNG").tag(sync=True)

    def __init__(
        self, frames: Sequence[Frame], *, title: str = "frame", index: int = 0, scale: int = 1
    ):
        frames = list(frames)
        require_count(scale, "scale")
        kind, shape = _require_alike(frames)
        pictures = [p if isinstance(p, bytes) else p.encode() for p in (f.picture for f in frames)]
        super().__init__(
            title=title,
            labels=[frame.label for frame in frames],
            alts=[frame.alt for frame in frames],
            kind=kind,
            sizes=[len(picture) for picture in pictures],
            pictures=b"".join(pictures),
            shape=[scale * length for length in shape],
            scale=scale,
        )
        self.index = index  # once the frames are there, so that the limit is known

    @classmethod
    def from_figures(
        cls,
        draw: Callable[[Any], Figure],
        moments: Iterable[Any],
        *,
        label: Callable[[Any], str],
        alt: Callable[[Any], str],
        title: str = "frame",
        index: int = 0,
    ) -> "FrameScrubber":
        """Draw one figure per moment, keep it as an SVG, and close it.

        The frames are drawn as `show` draws a figure: sharp on any screen, in the typeface, the
        ink and the ground of the page.

        Args:
            draw: moment -> Figure. Fix the axes' limits in it, or the frames jump.
            moments: such as training steps, in the order of the slider.
            label: moment -> what the slider says there.
            alt: moment -> what the figure shows.
            title: name of the slider.
            index: the frame shown first.
        """
        frames = []
        for moment in moments:
            figure = draw(moment)
            svg = render_svg(figure, name=title, crop=False)
            plt.close(figure)
            frames.append(Frame(svg, label(moment), alt(moment)))
        return cls(frames, title=title, index=index)

    @classmethod
    def from_sheets(
        cls,
        draw: Callable[[Any], Tensor],
        moments: Iterable[Any],
        *,
        columns: int,
        label: Callable[[Any], str],
        alt: Callable[[Any], str],
        title: str = "frame",
        scale: int = 1,
        shades: int = 16,
    ) -> "FrameScrubber":
        """One sheet of digits per moment, black ink on white, as `plots.sheet_png` draws it.

        Args:
            draw: moment -> pictures (N, 784) in [0, 1], as many at each moment.
            moments: such as training steps, in the order of the slider.
            columns: pictures in a row.
            label: moment -> what the slider says there.
            alt: moment -> what the sheet shows.
            title: name of the slider.
            scale: CSS pixels that a pixel is wide.
            shades: how many greys, from 2 to 256; the page shrinks with them.
        """
        frames = [
            Frame(sheet_png(draw(moment), columns, shades=shades), label(moment), alt(moment))
            for moment in moments
        ]
        return cls(frames, title=title, scale=scale)

    @traitlets.validate("index")
    def _check_index(self, proposal: dict) -> int:
        return validation.index(proposal, len(self.labels))

    def __repr__(self) -> str:
        return f"FrameScrubber({len(self.labels)} frames, {self.title}: {self.labels[self.index]})"


def _require_alike(frames: Sequence[Frame]) -> tuple[str, tuple[int, int]]:
    """Kind and size of all frames, or a ValueError that names the first that differs."""
    if not frames:
        raise ValueError("frames is empty: a scrubber needs at least one")
    found = []
    for i, frame in enumerate(frames):
        for part in ("label", "alt"):
            if not getattr(frame, part).strip():
                raise ValueError(f"frame {i} has no {part}: say what it is in words")
        try:
            found.append(_measure(frame.picture))
        except ValueError as error:
            raise ValueError(f"frame {i} ({frame.label}) {error}") from error
        if found[i] != found[0]:
            said, first = _words(found[i]), _words(found[0])
            raise ValueError(f"frame {i} ({frame.label}) {said}, but frame 0 {first}")
    return found[0]


def _words(found: tuple[str, tuple[int, int]]) -> str:
    kind, (width, height) = found
    return f"has {width} x {height} pixels" if kind == "png" else f"is an SVG of {width} x {height}"


def _measure(picture: object) -> tuple[str, tuple[int, int]]:
    """Kind of a picture, and its width and height: a PNG's own pixels, an SVG's in CSS pixels."""
    if isinstance(picture, bytes):
        try:
            with Image.open(io.BytesIO(picture), formats=["PNG"]) as png:
                return "png", png.size
        except OSError as error:
            raise ValueError("is no PNG file") from error
    if not isinstance(picture, str):
        raise ValueError(f"must be bytes of a PNG or text of an SVG, but it is {kind_of(picture)}")
    box = re.match(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    if box is None:
        raise ValueError("is no <svg> element with a viewBox from 0 0")
    width, height = (round(float(length) / 72 * PIXELS_AN_INCH) for length in box.groups())
    return "svg", (width, height)
