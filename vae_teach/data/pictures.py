"""One image file of any kind to pixels of one size: what can go wrong with a user's pictures.

Shapes: a picture is (C * H * W,) unsigned bytes, channel by channel, row by row.
"""

import struct
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

Fit = Literal["crop", "pad", "stretch"]

_UNREADABLE = (
    OSError,
    SyntaxError,  # what Pillow raises for a broken PNG
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class UnusableError(Exception):
    """A file that gives no picture; the message says why."""


def read_picture(
    path: Path,
    size: tuple[int, int],
    channels: int,
    fit: Fit,
    border: Literal["black", "white"] = "black",
) -> np.ndarray:
    """Return an image file's pixels, uint8 (C * H * W,), upright and on white where transparent.

    `border` is what `fit="pad"` puts around the picture.

    Raises:
        UnusableError: if the file is no image, is damaged, has pixels of unknown range, or would
            be padded to nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # damaged metadata; the pixels are judged here
        try:
            with Image.open(path) as image:
                image.load()
                upright = _eight_bits(ImageOps.exif_transpose(image))
                picture = _resize(upright, size, fit, border)
        except _UNREADABLE as error:
            raise UnusableError(_reason(error)) from error
    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))  # (H, W) or (H, W, 3)
    return pixels.reshape(*size, channels).transpose(2, 0, 1).ravel()


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the image as RGB or grey bytes."""
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is not known")
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    if image.mode == "L" and "transparency" not in image.info:
        return image
    if {"A", "a"} & set(image.getbands()) or "transparency" in image.info:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")  # as a viewer or a sheet of paper would
        page.alpha_composite(image)
        image = page
    return image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion has clipped it at 255 instead."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise ValueError(f"pixels from {values.min()} to {values.max()}, beyond 16 bits")
    return Image.fromarray(np.round(values / 257).astype(np.uint8))


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
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
