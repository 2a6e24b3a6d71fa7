"""How real the drawn digits are: a small CNN that has seen only strokes reads real MNIST.

conv 5x5 16 - pool - conv 5x5 32 - pool - dense 128 - dense 10 (ReLU, no augmentation), trained on
the 20,000 strokes, 5 epochs, batch 128, Adam 1e-3, cross-entropy; then MNIST's 10,000 test images.
The pens were made up and tuned on 10,000 of MNIST's *training* images, which `tune` scores.

Run: VAE_TEACH_DATA=FOLDER python benchmarks/strokes_realism.py [tune] [seeds] [picture.png]
"""

import statistics
import sys
import time

import torch
from PIL import Image
from torch import nn

from vae_teach import data
from vae_teach.machine.device import describe_device, pick_device

EPOCHS, BATCH, LR = 5, 128, 1e-3
TARGET = 0.90


def reader(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip


def train(strokes, seed, device):
    model = reader(seed).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    generator = torch.Generator().manual_seed(seed)
    images, labels = strokes.images.to(device), strokes.labels.to(device)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(images), generator=generator).split(BATCH):
            loss = nn.functional.cross_entropy(model(images[index]), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def confusion(model, real, device):
    """(10, 10): how often digit i is read as digit j."""
    read = torch.cat([model(x.to(device)).argmax(dim=1).cpu() for x in real.images.split(1000)])
    return torch.bincount(real.labels * 10 + read, minlength=100).view(10, 10)


def write_picture(path, strokes, real, columns=15):
    """Fifteen of each digit: strokes on the left, MNIST on the right."""
    halves = []
    for split in (strokes, real):
        rows = [split.images[split.labels == d][:columns].view(-1, 28, 28) for d in range(10)]
        halves.append(torch.cat([torch.cat(list(row), dim=1) for row in rows]))
    page = torch.cat([halves[0], torch.ones(280, 4), halves[1]], dim=1)
    Image.fromarray((page * 255).byte().numpy()).resize((3 * page.shape[1], 840)).save(path)


def main():
    tune = "tune" in sys.argv
    seeds = next((int(word) for word in sys.argv[1:] if word.isdigit()), 3)
    device, started = pick_device(), time.perf_counter()
    strokes, mnist = data.load("strokes"), data.load("mnist")
    real = mnist.with_validation(10_000).validation if tune else mnist.test
    for path in (word for word in sys.argv[1:] if word.endswith(".png")):
        write_picture(path, strokes.train, real)
    tables = [confusion(train(strokes.train, s, device), real, device) for s in range(seeds)]
    scores = [table.trace().item() / len(real) for table in tables]
    table = sum(tables)
    recall = table.diagonal() / table.sum(dim=1)
    wrong = table.clone().fill_diagonal_(0).flatten()
    worst = [
        (i // 10, i % 10, wrong[i].item()) for i in wrong.argsort(descending=True)[:6].tolist()
    ]
    print(f"trained on {len(strokes.train):,} strokes, read {len(real):,} MNIST "
          f"{'training' if tune else 'test'} images; {EPOCHS} epochs, {seeds} seeds, "
          f"{describe_device(device)}, {time.perf_counter() - started:.0f} s")  # fmt: skip
    print(f"accuracy {', '.join(f'{s:.4f}' for s in scores)}; mean {statistics.mean(scores):.4f}, "
          f"target {TARGET}")  # fmt: skip
    print("recall by digit", " ".join(f"{d}:{recall[d]:.2f}" for d in range(10)))
    print("most often misread", ", ".join(f"{a} as {b} {n / seeds:.0f}x" for a, b, n in worst))
    print(f"mean pixel: strokes {strokes.train.images.mean():.4f}, MNIST {real.images.mean():.4f}")
    return 0 if min(scores) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
