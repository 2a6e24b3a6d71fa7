"""Seconds per epoch of `fit`, against a plain PyTorch program with a DataLoader, in one run.

The program does what PyTorch's own VAE example does with torchvision's MNIST: bytes in memory, each
made a Pillow image and then a tensor, one item at a time through a DataLoader; Adam; a loss that is
summed up with `.item()`. Same network, same batches of 128, same device, the two sides in turn,
`ROUNDS` times; medians and their ratio. The first epoch of `fit` records a training step where the
device can replay one, the second has it.

Run: python benchmarks/epoch_speed.py [N]
"""

import math
import statistics
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from vae_teach import VAE, data, fit
from vae_teach.machine.device import describe_device, pick_device

ROUNDS = 3
TARGETS = {"cpu": 2.0, "cuda": 20.0}  # ratios; on other devices nothing is promised
BELOW = 3  # the exit status of a measurement below its target; 1 is a crash


class Pictures(Dataset):
    """Bytes (N, 28, 28); an item is a float tensor (1, 28, 28), by way of a Pillow image."""

    def __init__(self, images):
        self.bytes = (images * 255).round().to(torch.uint8).view(-1, 28, 28)

    def __len__(self):
        return len(self.bytes)

    def __getitem__(self, index):
        picture = np.array(Image.fromarray(self.bytes[index].numpy()))
        return torch.from_numpy(picture)[None].float().div(255)


class Plain(nn.Module):
    """784-400-20, as many tutorials write it."""

    def __init__(self):
        super().__init__()
        self.encoder, self.mu, self.logvar = (
            nn.Linear(*s) for s in ((784, 400), (400, 20), (400, 20))
        )
        self.hidden, self.pixels = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x):
        h = torch.relu(self.encoder(x.view(-1, 784)))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.pixels(torch.relu(self.hidden(z)))), mu, logvar


def plain_epoch(pictures, device):
    """Seconds of one epoch of the plain program, model and optimizer made before."""
    model = Plain().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    # as in the example: one worker and pinned memory where there is a card
    options = {"num_workers": 1, "pin_memory": True} if device.type == "cuda" else {}
    loader = DataLoader(pictures, batch_size=128, shuffle=True, **options)
    total = 0.0
    started = time.perf_counter()
    for batch in loader:
        x = batch.to(device)
        optimizer.zero_grad()
        again, mu, logvar = model(x)
        error = functional.binary_cross_entropy(again, x.view(-1, 784), reduction="sum")
        loss = error - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss.backward()
        total += loss.item()
        optimizer.step()
    assert math.isfinite(total)
    return time.perf_counter() - started


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    device = pick_device()
    strokes = data.load("strokes").train.images
    images = strokes.repeat(math.ceil(n / len(strokes)), 1)[:n]
    pictures = Pictures(images)
    first, later, plain = [], [], []
    for _ in range(ROUNDS):
        history = fit(VAE(seed=0), images, epochs=2, progress=False, device=device)
        first.append(history.column("seconds")[0])
        later.append(history.column("seconds")[1])
        plain.append(plain_epoch(pictures, device))
    ours, theirs = statistics.median(later), statistics.median(plain)
    ratio, target = theirs / ours, TARGETS.get(device.type)
    print(f"{n:,} pictures, 784-400-20, batch 128, {describe_device(device)}, median of {ROUNDS}")
    print(f"fit:            {ours:.3f} s per epoch, the first {statistics.median(first):.3f} s")
    print(f"                {history.how}")
    print(f"plain PyTorch:  {theirs:.3f} s per epoch")
    print(f"ratio {ratio:.2f}" + (f" (target {target:g})" if target else ""))
    return 0 if target is None or ratio >= target else BELOW


if __name__ == "__main__":
    sys.exit(main())
