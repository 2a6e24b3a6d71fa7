"""Show a figure with its text alternative, in every host the book has.

The picture is an SVG inside an HTML `<figure>`: sharp at any size, its letters in the typeface of
the page. Black becomes the colour of the page's own text and the ground stays open, so that one
drawing serves a light and a dark page. What has a colour keeps it.
"""

import base64
import html
import io
import re
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from PIL import Image

PIXELS_AN_INCH = 100  # of CSS; a figure 6.5 inches wide fills the column of the book
DOTS_AS_PICTURE = 300  # a scatter of more dots is drawn as pixels: as curves it would be megabytes
PLAIN_DOTS_AS_PICTURE = 1000  # of more opaque dots without edges, see _dots_as_strokes
DPI_OF_DOTS = 2 * PIXELS_AN_INCH  # for a dense screen
_GROUND = "#fefdfc"  # stands for the page's ground until the page gives its own
_ON_PAGE = {
    "#000000": "currentColor",
    _GROUND: "var(--vt-ground, var(--jp-layout-color0, #fff))",
}


def figure_html(svg: str, alt: str, caption: str | None = None) -> str:
    """The `<figure>` element for an SVG. `alt` says what is seen, `caption` what it means."""
    label = f'<svg role="img" aria-label="{html.escape(alt, quote=True)}"'
    text = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    box = f'<div class="vt-figure-box">{svg.replace("<svg", label, 1)}</div>'
    return f'<figure class="vt-figure">{box}{text}</figure>'


def render_svg(figure: Figure, *, name: str = "", crop: bool = True) -> str:
    """The figure as one `<svg>` element that takes ink, ground and typeface from its page.

    Args:
        figure: a matplotlib Figure. Scatters of many dots become pixels inside it, and pictures
            keep the pixels that they have.
        name: told apart from other figures of a page by this text, in the ids of clip paths.
        crop: cut off the empty margin; False keeps the size of the figure, as a film needs it.
    """
    for scatter in figure.findobj(PathCollection):
        if len(np.asarray(scatter.get_offsets())) > _most_dots(scatter):
            scatter.set_rasterized(True)
            scatter.set_antialiased(False)  # smoothed edges blend colours: three times the bytes
    for image in figure.findobj(AxesImage):
        if image.get_interpolation() in ("auto", "antialiased", "nearest"):
            image.set_interpolation("none")  # matplotlib then stores the picture's own pixels
    for legend in figure.findobj(Legend):
        legend.get_frame().set_facecolor(_GROUND)
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(
            file,
            format="svg",
            dpi=DPI_OF_DOTS,
            transparent=True,
            bbox_inches="tight" if crop else None,
            metadata={"Date": None, "Creator": None},
        )
    return _for_a_page(file.getvalue())


def _most_dots(scatter: PathCollection) -> int:
    plain = not np.any(scatter.get_linewidth()) and scatter.get_alpha() in (None, 1)
    return PLAIN_DOTS_AS_PICTURE if plain else DOTS_AS_PICTURE


def _for_a_page(svg: str) -> str:
    """Matplotlib's file as an element of a page: no prologue, no unused ids, colours mapped."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = _DOTS.sub(_dots_as_strokes, svg)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    for colour, on_page in _ON_PAGE.items():
        svg = svg.replace(f": {colour}", f": {on_page}")
    svg = re.sub(r"font: ((?:\w+ )*)([\d.]+)px [^;\"]*", _own_typeface, svg)
    svg = re.sub(r"; font-family: [^;\"]*", "", svg)
    svg = re.sub(r' (?:d|x|y|points|transform)="[^"]*"', _two_decimals, svg)
    svg = re.sub(r'(?<=href="data:image/png;base64,)[^"]+', _smaller, svg)
    width = float(re.findall(r'viewBox="0 0 ([\d.]+)', svg)[0]) / 72 * PIXELS_AN_INCH
    head = f'<svg fill="currentColor" style="--vt-width: {width:.0f}px; width: {width:.0f}px"'
    svg = re.sub(r'<svg[^>]*?( viewBox="[^"]*")[^>]*>', rf"{head}\1>", svg, count=1)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()


def _own_typeface(match: re.Match) -> str:
    """`font: italic 10px 'DejaVu Sans', ...` without the name: the page's typeface is inherited."""
    words = match[1].split()
    style = "font-style: italic; " if {"italic", "oblique"} & set(words) else ""
    weight = "font-weight: bold; " if {"bold", "700"} & set(words) else ""
    return f"{style}{weight}font-size: {match[2]}px"


_DOT = (
    r'(?:<g clip-path="[^"]*">\s*)?'
    r'<use xlink:href="#\w+" x="([\d.-]+)" y="([\d.-]+)" style="fill: (#\w{6})"/>\s*'
    r"(?:</g>\s*)?"
)
_CIRCLE = r'<path id="\w+" d="M 0 (?P<radius>[\d.]+)\s+(?:C [^A-Za-z]+){8}z\s*"/>'
_DOTS = re.compile(
    rf"<defs>\s*{_CIRCLE}\s*</defs>\s*(?P<dots>(?P<clip><g clip-path=[^>]*>)?(?:\s*{_DOT})+)"
)
_ORDERED = 100  # dots; among so many, those of one colour lie on those of the colour before


def _dots_as_strokes(match: re.Match) -> str:
    """Filled circles of one size as strokes of no length with round ends, a path a colour.

    A sixth of the bytes. A tenth of a point is a place finer than a pixel of a dense screen.
    """
    dots = re.findall(_DOT, match["dots"])
    paths = []
    for first in range(0, len(dots), _ORDERED):
        places: dict[str, list[str]] = {}
        for x, y, colour in dots[first : first + _ORDERED]:
            places.setdefault(colour, []).append(f"M{float(x):.1f} {float(y):.1f}h0")
        paths += [
            # in the style: as an attribute of the group it would yield to matplotlib's rule for `*`
            f'<path style="stroke: {colour}; stroke-linecap: round" d="{"".join(strokes)}"/>\n'
            for colour, strokes in sorted(places.items())
        ]
    look = f'fill="none" stroke-width="{2 * float(match["radius"]):.2f}"'
    group = (match["clip"] or "<g>").replace("<g", f"<g {look}")
    return f"{group}\n{''.join(paths)}</g>\n"


def _two_decimals(match: re.Match) -> str:
    """Coordinates to a hundredth of a point: six decimals are half the bytes of a figure."""
    return re.sub(r"(\.\d\d)\d+", r"\1", match[0])


def _smaller(match: re.Match) -> str:
    """A PNG in base64 at its own size, in 64 greys or by a palette of 256 colours."""
    data = base64.b64decode(match[0])
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    red, green, blue, alpha = picture.split()
    if alpha.getextrema() == (255, 255) and red.tobytes() == green.tobytes() == blue.tobytes():
        picture = _few_greys(
            red.point([round(level / 255 * 63) * 255 // 63 for level in range(256)])
        )
    elif alpha.getextrema() == (255, 255):
        picture = _with_palette(picture, 256)
    else:
        picture = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return base64.b64encode(min(file.getvalue(), data, key=len)).decode("ascii")


def _with_palette(picture: Image.Image, colours: int) -> Image.Image:
    """An opaque picture in so many colours of its own."""
    # kmeans moves the palette to the colours that are there: half the error of the first choice
    return picture.convert("RGB").quantize(colours, kmeans=1, dither=Image.Dither.NONE)


def _few_greys(picture: Image.Image) -> Image.Image:
    """A grey picture by a palette if it has up to 16 greys: PNG then needs half a byte a pixel."""
    pixels = np.asarray(picture)
    greys = np.unique(pixels)
    few = len(greys) <= 16
    return with_greys(np.searchsorted(greys, pixels), greys.tolist()) if few else picture


def with_greys(places: np.ndarray, greys: Sequence[int]) -> Image.Image:
    """A picture whose pixels (height, width) are places in the palette `greys`, 0 to 255 each."""
    picture = Image.fromarray(places.astype(np.uint8), mode="P")
    picture.putpalette([value for grey in greys for value in (grey, grey, grey)])
    return picture


def show(figure: Figure, *, alt: str, caption: str | None = None) -> None:
    """Display `figure` with alt text and an optional caption, then close it.

    Args:
        figure: a matplotlib Figure.
        alt: what a reader who cannot see the picture needs to know; required, in words.
        caption: the message, shown under the picture.

    Raises:
        ValueError: if alt is empty or a mere file name.
    """
    if len(alt.split()) < 4:
        raise ValueError(f"alt must describe the figure in words, but it is {alt!r}")
    svg = render_svg(figure, name=alt)
    plt.close(figure)
    display({"text/html": figure_html(svg, alt, caption), "text/plain": alt}, raw=True)
