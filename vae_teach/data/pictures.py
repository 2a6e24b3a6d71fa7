"""One image file of any kind to pixels of one size: what can go wrong with a user's pictures.

Shapes: a picture is (C * H * W,) unsigned bytes, channel by channel, row by row.
"""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps

Fit = Literal["crop", "pad", "stretch"]

BITS = (8, 10, 12, 14, 16)  # that cameras, scanners and microscopes use of 16
_NOT_READ = {"EPS", "WMF"}  # read by another program, or by Windows alone


class UnusableError(Exception):
    """A file that gives no picture; the message says why."""


class Depth(NamedTuple):
    """What a picture says of its depth: 8 bits or more, and how many of them it may use.

    Attributes:
        colour: whether it is a colour picture of 16 bits, of which Pillow reads the upper 8.
        largest: its largest value as stored; 0 for a picture of at most 8 bits.
    """

    colour: bool
    largest: int


@functools.cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in Image.ID if name not in _NOT_READ]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file, and make whatever goes wrong with it an `UnusableError`.

    Decoders of damaged files raise nearly anything: OSError, SyntaxError, RuntimeError,
    OverflowError, MemoryError, struct.error.
    """
    try:
        with warnings.catch_warnings():
            # Of damaged metadata, and of pictures half as large as those that Pillow refuses.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as image:
                yield image
    except UnusableError:
        raise
    except Exception as error:
        raise UnusableError(_reason(error)) from error


def read_depth(path: Path) -> Depth:
    """Look at an image file's head, and at its pixels only if they have more than 8 bits.

    Raises:
        UnusableError: if the file is no image, or one of more than 8 bits that is damaged.
    """
    with _opened(path) as image:
        if image.mode.startswith("I"):
            return Depth(False, max(0, int(np.asarray(image).max())))
        if _is_deep_colour(image):
            return Depth(True, 256 * int(np.asarray(image.convert("RGB")).max()) + 255)
    return Depth(False, 0)


def _is_deep_colour(image: Image.Image) -> bool:
    """Say whether the stored pixels have 16 bits, though Pillow gives 8: "RGB;16B", "LA;16B"."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return isinstance(raw_mode, str) and ";16" in raw_mode and not image.mode.startswith("I")


def read_picture(
    path: Path,
    size: tuple[int, int],
    channels: int,
    fit: Fit,
    border: Literal["black", "white"] = "black",
    bits: int = 16,
) -> np.ndarray:
    """Return an image file's pixels, uint8 (C * H * W,), upright and on white where transparent.

    `border` is what `fit="pad"` puts around the picture; 2^bits - 1 is the white of a picture that
    is stored with more than 8 bits.

    Raises:
        UnusableError: if the file is no image, is damaged, has pixels of unknown range, or would
            be padded to nothing.
    """
    with _opened(path) as image:
        if bits < 16 and _is_deep_colour(image):
            raise UnusableError(
                f"16-bit colour that uses {bits} bits: Pillow reads the upper 8 only, so save it "
                "with 8 bits"
            )
        image.load()
        upright = _eight_bits(ImageOps.exif_transpose(image), bits)
        picture = _resize(upright, size, fit, border)
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))  # (H, W[, 3])
    return pixels.reshape(*size, channels).transpose(2, 0, 1).ravel()


def _eight_bits(image: Image.Image, bits: int) -> Image.Image:
    """Return the image as RGB or grey bytes."""
    if image.mode == "F":
        raise UnusableError("floating-point pixels, whose range is not known")
    if image.mode.startswith("I"):
        return _from_deep(image, bits)
    if image.mode == "L" and "transparency" not in image.info:
        return image
    if {"A", "a"} & set(image.getbands()) or "transparency" in image.info:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")  # as a viewer or a sheet of paper would
        page.alpha_composite(image)
        image = page
    return image.convert("RGB")


def _from_deep(image: Image.Image, bits: int) -> Image.Image:
    """Scale deep grey to 8 bits; Pillow's own conversion has clipped it at 255 instead."""
    values = np.asarray(image).astype(np.int64)
    white = 2**bits - 1
    if values.min() < 0 or values.max() > white:
        raise UnusableError(f"pixels from {values.min()} to {values.max()}, beyond {bits} bits")
    grey = (2 * 255 * values + white) // (2 * white)  # rounded
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey.astype(np.uint8))


def _resize(
    image: Image.Image, size: tuple[int, int], fit: Fit, border: Literal["black", "white"]
) -> Image.Image:
    height, width = size
    lanczos = Image.Resampling.LANCZOS
    if fit == "stretch":
        return image.resize((width, height), lanczos)
    if fit == "crop":
        return ImageOps.fit(image, (width, height), method=lanczos)
    ratio = min(width / image.width, height / image.height)
    if min(image.width, image.height) * ratio < 0.5:
        raise UnusableError(f"{image.width} x {image.height} pixels: nothing is left of it "
                            f"when it is padded to {width} x {height}")  # fmt: skip
    return ImageOps.pad(image, (width, height), method=lanczos, color=border)


def _reason(error: BaseException) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image that Pillow knows"
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        return f"more than {most:.0f} million pixels, the most that are read: make it smaller"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
