"""Seconds until data is there: strokes drawn and from the cache, MNIST, the four treatments.

Bars: 24,000 strokes drawn in 10 s and read again in 1 s, on two cores; MNIST well under 1 s.

Run: [VAE_TEACH_DATA=FOLDER] python benchmarks/data_speed.py
"""

import os
import statistics
import sys
import tempfile
import time
from functools import partial
from unittest import mock

import torch

from vae_teach import data

ROUNDS = 3


def seconds(action):
    started = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - started[0], time.process_time() - started[1]


def report(name, action, bar=None, rounds=ROUNDS):
    """Time an action; return whether its median is within the bar."""
    runs = [seconds(action) for _ in range(rounds)]
    wall, cpu = (statistics.median(times) for times in zip(*runs, strict=True))
    limit = "" if bar is None else f"   bar {bar:g} s"
    print(f"{name:<42}{wall:7.3f} s wall {cpu:7.3f} s processor{limit}")
    return bar is None or wall <= bar


def main():
    print(f"{os.cpu_count()} processors, torch threads {torch.get_num_threads()}")
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, VAE_TEACH_CACHE=folder),
    ):
        good = [report("strokes, drawn and written", lambda: data.load("strokes"), 10, rounds=1)]
        good.append(report("strokes, from the cache", lambda: data.load("strokes"), 1))
    images = torch.rand(60_000, 784, generator=torch.Generator().manual_seed(0))
    try:
        good.append(report("mnist, verified and converted", lambda: data.load("mnist"), 1))
        images = data.load("mnist").train.images
    except FileNotFoundError as error:
        print(f"mnist: {error}")
    for how in data.TREATMENTS:
        g = torch.Generator().manual_seed(0)
        report(f"60,000 images, {how}", partial(data.treat, images, how, generator=g))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
