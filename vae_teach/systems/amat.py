"""Larochelle's binarised MNIST, from the three text files that Altosaar's and Burda's scripts read.

A line is a picture: 784 numbers 0 or 1, with spaces between. Shapes: N pictures, 784 pixels.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_teach.data.dataset import Dataset, Split

PARTS = ("train", "valid", "test")
N_PIXELS = 784
_BREAK, _SPACES, _ZERO, _ONE = ord("\n"), b" \t\r\n", ord("0"), ord("1")


def read_amat(path: str | Path) -> Tensor:
    """The pictures of one file, (N, 784), float32, each pixel 0 or 1.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the line, if a line is not 784 numbers 0 or 1.

    Source: data.py, function parse_binary_mnist (github.com/altosaar/variational-autoencoder).
    """
    text = np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)
    breaks = np.flatnonzero(text == _BREAK)
    digit = (text == _ZERO) | (text == _ONE)
    strange = ~digit & ~np.isin(text, np.frombuffer(_SPACES, dtype=np.uint8))
    strange[1:] |= digit[1:] & digit[:-1]  # two digits in a row are one number above 1
    if strange.any():
        line = np.searchsorted(breaks, strange.argmax()) + 1
        raise ValueError(f"{path}, line {line}: a number that is neither 0 nor 1")
    seen = np.cumsum(digit, dtype=np.int32)
    counts = np.diff(seen[[*breaks, -1]], prepend=0) if len(seen) else np.zeros(1, dtype=int)
    wrong = (counts != N_PIXELS) & (counts != 0)  # an empty line is no picture
    if wrong.any() or not counts.any():
        row = int(wrong.argmax()) if wrong.any() else 0
        said = f"{counts[row]} numbers, but a picture has {N_PIXELS}"
        raise ValueError(f"{path}, line {row + 1}: {said}")
    pixels = (text[digit] == _ONE).reshape(-1, N_PIXELS)
    return torch.from_numpy(pixels.astype(np.float32))


def binarized_mnist(folder: str | Path) -> Dataset:
    """The three files of a folder as one data set; the validation pictures end its training set.

    A preset holds the last pictures of the training set out, so these are the file's own.

    Raises:
        FileNotFoundError: naming the files, if one is missing.
        ValueError: as `read_amat`.
    """
    files = [Path(folder) / f"binarized_mnist_{part}.amat" for part in PARTS]
    if missing := [file.name for file in files if not file.is_file()]:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}")
    train, valid, test = map(read_amat, files)
    source = (
        f"MNIST as binarised by Larochelle: {len(train):,} training, {len(valid):,} validation and "
        f"{len(test):,} test images, read from {len(files)} .amat files."
    )
    both = Split(torch.cat([train, valid]))
    return Dataset("binarized_mnist", both, Split(test), (28, 28), source)
