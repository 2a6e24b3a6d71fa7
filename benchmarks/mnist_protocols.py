"""The two MNIST numbers that chapters 1 and 7 are compared with.

vae: 784-400-20, grey pixels, batch 128, Adam 1e-3, sum over pixels, 10 epochs, one draw of z per
test picture; PyTorch's well-known example ends near 106 nats. autoencoder: mathybit's 784-250-16
(tanh)-320-784, batch 200, Adam 1e-3, 50 epochs; its notebook reports a test MSE near 0.012.

Run: VAE_TEACH_DATA=DIR python benchmarks/mnist_protocols.py [vae|autoencoder] [seeds]
"""

import statistics
import sys

from vae_teach import VAE, Autoencoder, data, fit
from vae_teach.machine.device import describe_device, pick_device


def vae(digits, seed):
    train, test = digits.train.images, digits.test.images
    history = fit(VAE(seed=seed), train, test, epochs=10, seed=seed, progress=False)
    return history.last["held_out_loss"], sum(history.column("seconds"))


def autoencoder(digits, seed):
    model = Autoencoder(seed=seed)
    model.start_from_average(digits.train.images)
    history = fit(
        model, digits.train.images, digits.test.images, epochs=50, batch_size=200, seed=seed,
        progress=False,
    )  # fmt: skip
    return history.last["held_out_squared_error"] / 784, sum(history.column("seconds"))


PROTOCOLS = {
    "vae": (vae, "test -ELBO", "nats per picture", lambda value: abs(value - 106) < 1),
    "autoencoder": (autoencoder, "test MSE", "per pixel", lambda value: abs(value - 0.012) < 0.001),
}


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "vae"
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    train, label, unit, within = PROTOCOLS[name]
    digits = data.load("mnist")
    runs = [train(digits, seed) for seed in range(seeds)]
    values = [value for value, _ in runs]
    print(f"{name}: {label} {', '.join(f'{value:.4f}' for value in values)} {unit}")
    print(f"mean {statistics.mean(values):.4f}, {seeds} seeds, {describe_device(pick_device())}")
    print(f"training {statistics.mean(s for _, s in runs):.0f} s a seed")
    return 0 if all(map(within, values)) else 1


if __name__ == "__main__":
    sys.exit(main())
