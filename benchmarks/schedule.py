"""A source's whole schedule: this kit against the same network in plain PyTorch, and its memory.

mathybit's VAE (784-250-30-320-784, second head σ, Adam, batches of 250) on real MNIST, trained by
`reproduce`'s loop and by a plain program: a `DataLoader` over bytes that become floats one picture
at a time, autograd, Adam, the loss summed up with `.item()`. Each side is a process of its own, one
after the other, and says its seconds an epoch, its seconds of the whole training, its processor
seconds, the training loss of its last epoch, which the source printed as 29.28 after epoch 50, and
the most memory that its process held. On a machine with other work read the processor seconds.

The kit keeps all pictures as floats, the plain program as bytes: it holds less. In one run of 5
epochs on one thread of a busy machine the kit took 14.9 processor seconds and 665 MB, the plain
program 15.7 and 392 MB; both are nearly all matrix products.

`seeds` measures instead what stacking three seeds in one network saves, in processor seconds of one
thread, for each of the presets that follow. In one run (medians of 3) the seeds one by one took
1.03 times as long as stacked for altosaar-mf (9.8 s for 1,000 steps), 1.02 for altosaar-iaf
(16.5 s), 1.11 for lazy2, 1.15 for altosaar2 and 0.82 for doersch: too little for `reproduce` to
stack them. For a GPU see `vae_teach/training/stacked.py`.

Run: python benchmarks/schedule.py [EPOCHS]
     python benchmarks/schedule.py seeds [PRESET ...]
"""

import contextlib
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS, BATCH, PUBLISHED = 50, 250, 29.28
SEEDS, ROUNDS, STEPS = 3, 3, 40
STACKED = ("altosaar-mf", "altosaar-iaf", "lazy2", "altosaar2", "doersch")


def kit(epochs, folder):
    """Seconds of every epoch, processor seconds and the last loss, trained by this package."""
    import numpy as np
    import torch

    from vae_teach.machine.device import pick_device
    from vae_teach.systems.measures import sse_constant
    from vae_teach.systems.pixels import Pixels
    from vae_teach.systems.table import PRESETS
    from vae_teach.systems.train import train_preset

    pictures = torch.from_numpy(np.load(Path(folder) / "train.npy")).view(-1, 784) / 255
    preset = PRESETS["mathybit"]
    steps = epochs * math.ceil(len(pictures) / BATCH)
    began = time.process_time()
    history = train_preset(
        preset, preset.build(0), Pixels(pictures, pictures[:1], None),
        steps=steps, seed=0, device=pick_device(), progress=False,
    )  # fmt: skip
    used, last = time.process_time() - began, history.last
    loss = last["train_reconstruction"] + last["train_kl"] - sse_constant(784)
    return history.column("seconds"), used, loss


def plain(epochs, folder):
    """The same of a program in PyTorch alone."""
    import numpy as np
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset

    class Pictures(Dataset):
        """Bytes (N, 28, 28); an item is 784 floats."""

        def __init__(self):
            self.bytes = torch.from_numpy(np.load(Path(folder) / "train.npy"))

        def __len__(self):
            return len(self.bytes)

        def __getitem__(self, index):
            return self.bytes[index].view(784).float().div(255)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    encoder, mu_head, sigma_head = nn.Linear(784, 250), nn.Linear(250, 30), nn.Linear(250, 30)
    decoder = nn.Sequential(nn.Linear(30, 320), nn.ReLU(), nn.Linear(320, 784), nn.Sigmoid())
    model = nn.ModuleList([encoder, mu_head, sigma_head, decoder]).to(device)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    loader = DataLoader(Pictures(), batch_size=BATCH, shuffle=True)
    seconds, began = [], time.process_time()
    for _ in range(epochs):
        epoch_began, total = time.perf_counter(), 0.0
        for batch in loader:
            x = batch.to(device)
            h = torch.relu(encoder(x))
            mu, sigma = mu_head(h), sigma_head(h)
            again = decoder(mu + sigma * torch.randn_like(mu))
            kl = 0.5 * (mu**2 + sigma**2 - 1 - torch.log(1e-10 + sigma**2)).sum(dim=1)
            loss = ((again - x) ** 2).sum(dim=1).add(kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        seconds.append(time.perf_counter() - epoch_began)
    return seconds, time.process_time() - began, total / len(loader.dataset)


def measure(side, epochs, folder):
    """What one side's process says of itself."""
    done = subprocess.run(
        [sys.executable, __file__, side, str(epochs), folder],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def say(side, epochs, folder):
    """Run one side in this process and print its numbers."""
    with contextlib.redirect_stdout(sys.stderr):
        seconds, used, loss = (kit if side == "kit" else plain)(epochs, folder)
    said = {
        "an epoch, s": statistics.median(seconds),
        "the training, s": sum(seconds),
        "processor, s": used,
        "peak memory, MB": peak_memory() / 1e6,
        "training loss": loss,
    }
    print(json.dumps(said))


def peak_memory():
    """The most bytes that this process held, without what the process that started it held."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands a parent's maximum on in ru_maxrss, but not in this
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def schedule(epochs):
    """Both sides one after the other, and their table."""
    import numpy as np
    import torch

    from vae_teach import data
    from vae_teach.machine.device import describe_device, pick_device

    digits = data.load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        pictures = (digits.train.images * 255).round().to(torch.uint8).view(-1, 28, 28)
        np.save(Path(folder) / "train.npy", pictures.numpy())
        del digits, pictures
        sides = {side: measure(side, epochs, folder) for side in ("kit", "plain")}
    print(f"mathybit's VAE, {epochs} of {EPOCHS} epochs; the source's loss after 50: {PUBLISHED}")
    print(describe_device(pick_device()))
    print(f"{'':18}{'kit':>10}{'plain':>10}{'ratio':>8}")
    for what, ours in sides["kit"].items():
        theirs = sides["plain"][what]
        print(f"{what:18}{ours:10.2f}{theirs:10.2f}{theirs / ours:8.2f}")


def seeds(names):
    """Processor seconds of seeds one by one and stacked, in turn, of one thread."""
    import torch

    torch.set_num_threads(1)
    print(f"processor s for 1,000 steps of a seed, medians of {ROUNDS}, {SEEDS} seeds, one thread")
    for name in names:
        rounds = [(one_by_one(name), stacked(name)) for _ in range(ROUNDS)]
        alone, together = (
            1_000 * statistics.median(side) / SEEDS / STEPS for side in zip(*rounds, strict=True)
        )
        ratio = alone / together
        print(f"{name:14}one by one {alone:6.1f}  stacked {together:6.1f}  ratio {ratio:5.2f}")


def batches(preset):
    """Random pictures of 0 and 1, a batch at each call."""
    import torch

    g = torch.Generator().manual_seed(0)
    pictures = (torch.rand(5_000, 784, generator=g) > 0.8).float()
    return lambda: pictures[torch.randint(0, 5_000, (preset.batch_size,), generator=g)]


def one_by_one(name):
    """Processor seconds of the seeds, one after the other."""
    import torch

    from vae_teach.systems.table import PRESETS

    preset = PRESETS[name]
    batch, began = batches(preset), time.process_time()
    for seed in range(SEEDS):
        model, noise = preset.build(seed), torch.Generator().manual_seed(seed)
        optimizer = preset.make_optimizer(model.parameters(), 1)
        for _ in range(STEPS):
            terms = model.loss_terms(batch(), generator=noise)
            optimizer.zero_grad()
            (sum(value.mean() for value in terms.values()) * preset.loss_scale(784)).backward()
            optimizer.step()
    return time.process_time() - began


def stacked(name):
    """The same of one network whose weights have an axis more."""
    import torch
    from torch import nn
    from torch.func import functional_call, stack_module_state, vmap

    from vae_teach.systems.table import PRESETS

    class Loss(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x, eps):
            elbo = self.model.elbo(x, eps)
            return elbo.kl - elbo.log_likelihood

    preset = PRESETS[name]
    batch, began = batches(preset), time.process_time()
    models = [Loss(preset.build(seed)) for seed in range(SEEDS)]
    weights, buffers = stack_module_state(models)
    losses = vmap(lambda w, b, x, eps: functional_call(models[0], (w, b), (x, eps)))
    optimizer = preset.make_optimizer(list(weights.values()), 1)
    size = (SEEDS, preset.batch_size, models[0].model.latent_dim)
    for _ in range(STEPS):
        x = torch.stack([batch() for _ in range(SEEDS)])
        loss = losses(weights, buffers, x, torch.randn(size)).mean(dim=1).sum()
        optimizer.zero_grad()
        (loss * preset.loss_scale(784)).backward()
        optimizer.step()
    return time.process_time() - began


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["seeds", *names]:
            seeds(names or STACKED)
        case ["kit" | "plain" as side, epochs, folder]:
            say(side, int(epochs), folder)
        case [*number]:
            schedule(int(number[0]) if number else EPOCHS)
