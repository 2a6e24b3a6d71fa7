"""A slider over pictures drawn beforehand: what no browser can compute, shown in time."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from vae_teach.plots.page import palette_png
from vae_teach.widgets.parts import validation
from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet

_HERE = Path(__file__)


@dataclass(frozen=True)
class Frame:
    """One picture: its PNG file, what the slider says there, and what the picture shows."""

    png: bytes
    label: str
    alt: str


class FrameScrubber(TeachingWidget):
    """Frames with a slider and a play button; the frames lie in the page.

    Args:
        frames: at least one, all of one size in pixels.
        title: what the slider moves through, for those who cannot see it.
        index: the frame shown first.

    Raises:
        ValueError: naming the frame that has no label, no alt text or another size.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"))

    index = traitlets.Int(0, help="the frame shown, from 0").tag(sync=True)
    title = traitlets.Unicode("frame", help="name of the slider").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode(), help="what the slider says").tag(sync=True)
    alts = traitlets.List(traitlets.Unicode(), help="what each frame shows").tag(sync=True)
    sizes = traitlets.List(traitlets.Int(), help="bytes of each PNG file").tag(sync=True)
    pngs = traitlets.Bytes(help="the PNG files, one after another").tag(sync=True)
    shape = traitlets.List(traitlets.Int(), help="width and height in pixels").tag(sync=True)

    def __init__(self, frames: Sequence[Frame], *, title: str = "frame", index: int = 0):
        frames = list(frames)
        shape = _require_alike(frames)
        super().__init__(
            title=title,
            labels=[frame.label for frame in frames],
            alts=[frame.alt for frame in frames],
            sizes=[len(frame.png) for frame in frames],
            pngs=b"".join(frame.png for frame in frames),
            shape=list(shape),
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
        dpi: int = 80,
        colours: int = 64,
        index: int = 0,
    ) -> "FrameScrubber":
        """Draw one figure per moment, keep it as a PNG file of few colours, and close it.

        Args:
            draw: moment -> Figure. Fix the axes' limits in it, or the frames jump.
            moments: such as training steps, in the order of the slider.
            label: moment -> what the slider says there.
            alt: moment -> what the figure shows.
            title: name of the slider.
            dpi: pixels per inch of the figure.
            colours: of the palette; 64 keep the edges of text smooth.
            index: the frame shown first.
        """
        frames = []
        for moment in moments:
            figure = draw(moment)
            frames.append(
                Frame(
                    palette_png(figure, dpi=dpi, colours=colours, facecolor="white"),
                    label(moment),
                    alt(moment),
                )
            )
            plt.close(figure)
        return cls(frames, title=title, index=index)

    @traitlets.validate("index")
    def _check_index(self, proposal: dict) -> int:
        return validation.index(proposal, len(self.labels))

    def __repr__(self) -> str:
        return f"FrameScrubber({len(self.labels)} frames, {self.title}: {self.labels[self.index]})"


def _require_alike(frames: Sequence[Frame]) -> tuple[int, int]:
    """The size of all frames, or a ValueError that names the first that differs."""
    if not frames:
        raise ValueError("frames is empty: a scrubber needs at least one")
    shape = None
    for i, frame in enumerate(frames):
        for part in ("label", "alt"):
            if not getattr(frame, part).strip():
                raise ValueError(f"frame {i} has no {part}: say what it is in words")
        try:
            with Image.open(io.BytesIO(frame.png), formats=["PNG"]) as picture:
                size = picture.size
        except OSError as error:
            raise ValueError(f"frame {i} ({frame.label}) is no PNG file") from error
        shape = shape or size
        if size != shape:
            raise ValueError(
                f"frame {i} ({frame.label}) has {size[0]} x {size[1]} pixels, "
                f"but frame 0 has {shape[0]} x {shape[1]}"
            )
    return shape
