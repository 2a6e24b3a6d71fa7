"""Show a figure with its text alternative, in every host the book has.

The picture travels inside an HTML `<figure>` so that the alt text reaches the static page,
JupyterLab and an exported handout alike; image/png is kept for hosts that render no HTML.
"""

import base64
import html
import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

DPI = 110
COLOURS = 128  # a palette makes sheets of grey tiles a third of the size, with no visible change


def figure_html(png: bytes, alt: str, caption: str | None = None) -> str:
    """Return the `<figure>` element for a PNG. `alt` says what is seen, `caption` what it means."""
    data = base64.b64encode(png).decode("ascii")
    image = f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'
    text = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="vt-figure">{image}{text}</figure>'


def palette_png(figure: Figure, *, dpi: int, colours: int, **options) -> bytes:
    """The figure as a PNG file with a palette; the options go to `savefig`."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=dpi, **options)
    picture = Image.open(full).convert("RGB")
    # kmeans moves the palette to the colours that are there: half the error of the first choice
    picture = picture.quantize(colours, kmeans=1, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def render_png(figure: Figure, colours: int = COLOURS) -> bytes:
    """The figure as a PNG file small enough to travel inside a page."""
    return palette_png(figure, dpi=DPI, colours=colours, bbox_inches="tight")


def show(figure: Figure, *, alt: str, caption: str | None = None, colours: int = COLOURS) -> None:
    """Display `figure` with alt text and an optional caption, then close it.

    Args:
        figure: a matplotlib Figure.
        alt: what a reader who cannot see the picture needs to know; required, in words.
        caption: the message, shown under the picture.
        colours: of the palette, at most 256, for pictures of many hues.

    Raises:
        ValueError: if alt is empty or a mere file name.
    """
    if len(alt.split()) < 4:
        raise ValueError(f"alt must describe the figure in words, but it is {alt!r}")
    png = render_png(figure, colours)
    plt.close(figure)
    bundle = {
        "text/html": figure_html(png, alt, caption),
        "image/png": base64.b64encode(png).decode("ascii"),
        "text/plain": alt,
    }
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})
