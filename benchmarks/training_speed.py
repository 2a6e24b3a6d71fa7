"""Training speed: this kit against a plain PyTorch program, an epoch and a whole program.

The plain program does what PyTorch's own VAE example does with torchvision's MNIST: bytes in memory
become a Pillow image and then a tensor, one item at a time through a DataLoader; Adam; a loss that
is summed up with `.item()`; a test after every epoch. Same network (784-400-20), same batches
of 128, same threads, same device. Each side is a process of its own, from its start to its last
test; the two run in turn, `ROUNDS` times, and medians are compared. Real MNIST where it is found,
else the strokes that the package draws.

It prints the two ratios, what a program's seconds go to, and the share of an epoch that the matrix
products alone take: no loop around the same products can be faster than that. Where the kit has
them made by another library than PyTorch does (`vae_teach/machine/products.py`), by both.

Run: python benchmarks/training_speed.py [N]
"""

import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTED = time.perf_counter()
ROUNDS, EPOCHS, BATCH = 3, 3, 128
# ratios: of an epoch, of the whole program; on other devices nothing is promised
TARGETS = {"cpu": (2.6, 2.2), "cuda": (20.0, 1.5)}
BELOW = 3  # the exit status of a measurement below its target; 1 is a crash


def kit(n):
    """Seconds of each part, of a program written with this package."""
    from vae_teach import VAE, data, fit
    from vae_teach.machine.device import describe_device, pick_device

    imported = time.perf_counter()
    digits = data.load()
    train, test = digits.train.images[:n], digits.test.images[: n // 6]
    loaded = time.perf_counter()
    history = fit(VAE(seed=0), train, epochs=EPOCHS, held_out=test, progress=False)
    trained = time.perf_counter()
    return {
        "imports": imported - STARTED,
        "reading": loaded - imported,
        "training": trained - loaded,
        "epochs": history.column("seconds"),
        "how": history.how,
        "device": describe_device(pick_device()),
    }


def plain(n, folder):
    """The same of a program in PyTorch alone."""
    import numpy as np
    import torch
    from PIL import Image
    from torch import nn
    from torch.nn import functional
    from torch.utils.data import DataLoader, Dataset

    imported = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    class Pictures(Dataset):
        """Bytes (N, 28, 28); an item is a float tensor (1, 28, 28), by way of a Pillow image."""

        def __init__(self, name, count):
            self.bytes = np.load(Path(folder) / f"{name}.npy")[:count]

        def __len__(self):
            return len(self.bytes)

        def __getitem__(self, index):
            picture = np.array(Image.fromarray(self.bytes[index]))
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

    def one_pass(loader, step):
        total = 0.0
        for batch in loader:
            x = batch.to(device)
            again, mu, logvar = model(x)
            error = functional.binary_cross_entropy(again, x.view(-1, 784), reduction="sum")
            loss = error - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            total += loss.item()
            if step:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        assert math.isfinite(total)

    # as in the example: one worker and pinned memory where there is a card
    options = {"num_workers": 1, "pin_memory": True} if device.type == "cuda" else {}
    train = DataLoader(Pictures("train", n), batch_size=BATCH, shuffle=True, **options)
    test = DataLoader(Pictures("test", n // 6), batch_size=BATCH, **options)
    loaded = time.perf_counter()
    model = Plain().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    epochs = []
    for _ in range(EPOCHS):
        began = time.perf_counter()
        one_pass(train, step=True)
        with torch.no_grad():
            one_pass(test, step=False)
        epochs.append(time.perf_counter() - began)
    trained = time.perf_counter()
    return {
        "imports": imported - STARTED,
        "reading": loaded - imported,
        "training": trained - loaded,
        "epochs": epochs,
    }


def matrix_products(steps, device, product):
    """Seconds that the products of `steps` training steps take: nine and five, on fixed tensors."""
    import torch

    def wide(*size):
        return torch.rand(*size, device=device)

    layers = [(784, 400), (400, 20), (400, 20), (20, 400), (400, 784)]
    weights, inputs = zip(*((wide(o, i), wide(BATCH, i)) for i, o in layers), strict=True)
    gradients = [wide(BATCH, o) for _, o in layers]

    def step():
        for weight, x, gradient in zip(weights, inputs, gradients, strict=True):
            _ = product(x, weight), product(gradient.T, x.T)
        for weight, gradient in zip(weights[1:], gradients[1:], strict=True):
            _ = product(gradient, weight.T)  # the first layer's input needs no gradient

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()

    step()
    wait()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return time.perf_counter() - began


def measure(side, n, folder):
    """What one side's process says, and its seconds from outside."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, str(n), side, folder],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout) | {"program": time.perf_counter() - began}


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    if len(sys.argv) > 2:
        with contextlib.redirect_stdout(sys.stderr):
            said = kit(n) if sys.argv[2] == "kit" else plain(n, sys.argv[3])
        print(json.dumps(said))
        return 0
    import numpy as np
    import torch

    from vae_teach import data
    from vae_teach.machine import products
    from vae_teach.machine.device import pick_device

    device, digits = pick_device(), data.load()
    n = min(n, len(digits.train))
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("train", digits.train), ("test", digits.test)):
            pictures = (part.images * 255).round().to(torch.uint8).view(-1, 28, 28)
            np.save(Path(folder) / f"{name}.npy", pictures.numpy())
        runs = [
            {side: measure(side, n, folder) for side in ("kit", "plain")} for _ in range(ROUNDS)
        ]

    def median(side, what):
        values = (run[side][what] for run in runs)
        return statistics.median(v[-1] if isinstance(v, list) else v for v in values)

    makers = {"PyTorch": torch.nn.functional.linear}
    if device.type == "cpu" and products.BY_ONEDNN:
        makers["oneDNN, the kit"] = products.onednn
    steps = math.ceil(n / BATCH)
    alone = {name: matrix_products(steps, device, make) for name, make in makers.items()}
    said = runs[0]["kit"]
    print(f"{digits.name}, {n:,} pictures, 784-400-20, batch {BATCH}, {EPOCHS} epochs with a test")
    print(f"{said['device']}, {torch.get_num_threads()} threads, median of {ROUNDS}: {said['how']}")
    print(f"{'seconds':10}{'kit':>8}{'plain':>8}{'ratio':>8}")
    for what in ("imports", "reading", "training", "epochs", "program"):
        ours, theirs = median("kit", what), median("plain", what)
        name = "an epoch" if what == "epochs" else what
        print(f"{name:10}{ours:8.2f}{theirs:8.2f}{theirs / ours:8.2f}")
    epoch = median("kit", "epochs")
    for name, seconds in alone.items():
        share = f"{seconds / epoch:.0%} of the kit's epoch"
        print(f"matrix products alone, by {name}: {seconds:.2f} s, {share}")
    targets = TARGETS.get(device.type)
    ratios = [median("plain", what) / median("kit", what) for what in ("epochs", "program")]
    if targets is not None and any(r < t for r, t in zip(ratios, targets, strict=True)):
        print(f"below its target, {targets[0]:g} for an epoch and {targets[1]:g} for a program")
        return BELOW
    return 0


if __name__ == "__main__":
    sys.exit(main())
