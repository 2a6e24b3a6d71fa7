"""Seconds per epoch: data as one tensor on the device, against a per-item DataLoader.

The DataLoader side opens and decodes one PNG file per picture, as an image folder does; the files
are fresh, so they come from the system's cache and not from a disk. Same model, same optimizer,
same batches of 128, one process, the two sides in turn, `ROUNDS` times; medians and their ratio.

Run: python benchmarks/epoch_speed.py [N]
"""

import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from vae_teach import VAE, data, fit
from vae_teach.device import describe_device, pick_device

ROUNDS = 3
TARGET = 2.5
BELOW = 3  # the exit status of a measurement below its target; 1 is a crash


class Pictures(Dataset):
    def __init__(self, images, folder):
        self.files = []
        for i, pixels in enumerate((images * 255).round().byte().reshape(-1, 28, 28).numpy()):
            self.files.append(Path(folder, f"{i}.png"))
            Image.fromarray(pixels).save(self.files[-1])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as picture:
            pixels = np.asarray(picture.convert("L"), dtype=np.float32)
        return torch.from_numpy(pixels).flatten() / 255


def loader_epoch(model, pictures, device):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    generator = torch.Generator(device).manual_seed(0)
    started = time.perf_counter()
    for x in DataLoader(pictures, batch_size=128, shuffle=True):
        terms = model.loss_terms(x.to(device), generator=generator)
        loss = sum(value.mean() for value in terms.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - started


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    device = pick_device()
    strokes = data.load("strokes").train.images
    images = strokes.repeat(math.ceil(n / len(strokes)), 1)[:n]
    tensor_seconds, loader_seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        pictures = Pictures(images, folder)
        for _ in range(ROUNDS):
            history = fit(VAE(seed=0), images, epochs=1, progress=False, device=device)
            tensor_seconds.append(history.last["seconds"])
            loader_seconds.append(loader_epoch(VAE(seed=0).to(device), pictures, device))
    fast, slow = statistics.median(tensor_seconds), statistics.median(loader_seconds)
    print(f"{n:,} pictures, 784-400-20, batch 128, {describe_device(device)}, median of {ROUNDS}")
    print(f"one tensor on the device: {fast:.2f} s per epoch")
    print(f"per-item DataLoader:      {slow:.2f} s per epoch")
    print(f"ratio {slow / fast:.2f} (target {TARGET})")
    return 0 if slow / fast >= TARGET else BELOW


if __name__ == "__main__":
    sys.exit(main())
