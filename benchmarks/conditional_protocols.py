"""The sources' conditional systems by their own protocols, on MNIST, beside the published numbers.

labels: what mathybit shows of k_cvae0, of the model that `reproduce mathybit-cvae` has trained, on
test pictures: the wrong label, agreement of samples with their label (five nearest of 10,000
training pictures), the label read from the code, and the repair of a box.
quadrants: 1, 2 or 3 quadrants given, by a regressor and a CVAE with a learned prior; nothing is
stopped early on test pictures, as Pyro's example does.

Run: VAE_TEACH_DATA=DIR python benchmarks/conditional_protocols.py labels MODEL.safetensors
     VAE_TEACH_DATA=DIR python benchmarks/conditional_protocols.py quadrants [EPOCHS]
"""

import argparse
import sys

import torch
from sklearn.neighbors import KNeighborsClassifier

from vae_teach import CVAE, Completer, Regressor, data, fit
from vae_teach.machine.device import describe_device, pick_device
from vae_teach.models.completion import quadrant_task
from vae_teach.models.conditional import one_hot
from vae_teach.training.checkpoint import load_model

PYRO = {1: (100.4, 71.8), 2: (61.9, 51.0), 3: (25.4, 24.2)}


@torch.no_grad()
def judge_labels(model, digits):
    g = torch.Generator().manual_seed(0)
    x, labels = digits.test.images, digits.test.labels
    c, wrong = one_hot(labels), one_hot((labels + 1) % 10)

    def in_pieces(function, *tensors):
        """The function of 2,000 pictures at a time: a convolution of all needs gigabytes."""
        pieces = zip(*(tensor.split(2_000) for tensor in tensors), strict=True)
        return torch.cat([function(*piece) for piece in pieces])

    def code(images, labels):
        return in_pieces(lambda a, b: model.encode(a, b)[0], images, one_hot(labels))

    def error(images):
        redrawn = in_pieces(lambda a, b: model.reconstruct(a, b, generator=g), images, c)
        return (redrawn - x).square()

    print(f"  SSE with the right label {error(x).sum(1).mean():.2f} (published weights 15.15)")
    z = code(x, labels)
    swapped = in_pieces(model.mean_image, z, wrong)
    print(f"  SSE with the next label {(swapped - x).square().sum(1).mean():.2f} (74.8)")
    asked = torch.arange(500) % 10
    vote = KNeighborsClassifier(5).fit(digits.train.images[:10_000], digits.train.labels[:10_000])
    samples = model.sample(one_hot(asked), 1, generator=g)[0]
    print(f"  samples agree with the label {vote.score(samples, asked):.3f} (0.95)")
    known = KNeighborsClassifier(5).fit(
        code(digits.train.images[:10_000], digits.train.labels[:10_000]),
        digits.train.labels[:10_000],
    )
    print(f"  label read from the code {known.score(z[:2_000], labels[:2_000]):.3f} (0.32)")
    corner = torch.randint(8, 13, (2, len(x)), generator=g)  # the box lies in 8 ... 19
    rows, columns = torch.arange(784) // 28, torch.arange(784) % 28
    top, left = corner[:, :, None]
    box = (rows >= top) & (rows < top + 8) & (columns >= left) & (columns < left + 8)
    damaged = x * ~box
    before, after = (damaged - x).square(), error(damaged)
    for where, mask, published in (
        ("whole picture", 1, " (20.7, 23.6)"),
        ("inside the box", box, ""),
    ):
        found = [(each * mask).sum(1).mean() for each in (before, after)]
        print(f"  {where}: damaged {found[0]:.2f}, repaired {found[1]:.2f}{published}")


def quadrants(digits, epochs):
    g = torch.Generator().manual_seed(0)
    for n, (network, cvae) in PYRO.items():
        task = quadrant_task(n)
        x, c = task.target(digits.test.images), task.condition(digits.test.images)
        sizes = task.n_asked, task.n_seen
        for model, published in (
            (Regressor(*sizes, (500, 500), seed=0), network),
            (CVAE(*sizes, (500, 500), 50, (500, 500), prior_hidden=(500,), seed=0), cvae),
        ):
            fit(Completer(model, task), digits.train.images, epochs=epochs, progress=False)
            model = model.cpu()
            with torch.no_grad():
                if isinstance(model, CVAE):
                    eps = torch.randn(10, len(x), 50, generator=g)
                    bound = -model.elbo(x, c, eps).value.mean()
                    exact = -model.log_likelihood(x, c, n_draws=100, generator=g).mean()
                    found = f"-ELBO of 10 draws {bound:.1f}, -log p(x|c) {exact:.1f}"
                else:
                    found = f"-log p(x|c) {-model.log_likelihood(x, c).mean():.1f}"
            print(f"  {task.name}: {type(model).__name__:9} {found} (published {published})")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("labels").add_argument("model")
    commands.add_parser("quadrants").add_argument("epochs", type=int, nargs="?", default=20)
    options = parser.parse_args()
    print(vars(options), describe_device(pick_device()))
    if options.what == "labels":
        judge_labels(load_model(options.model), data.load("mnist"))
    else:
        quadrants(data.load("mnist"), options.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
