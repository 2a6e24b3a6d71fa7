"""`python -m vae_teach train --data DATA --out DIR`: your own VAE, from pictures to an explorer."""

import argparse

FOR_FOLDERS = ("size", "channels", "fit", "invert", "on_bad")  # options of `data.load_folder`
LIKELIHOODS = ("bernoulli", "continuous_bernoulli", "gaussian", "learned_gaussian", "laplace")


def add_parser(subparsers) -> None:
    """Add `train` to the command line."""
    parser = subparsers.add_parser(
        "train",
        help="train a VAE on a data set or on a folder of your own pictures",
        description="Train a VAE and write the model, its curves, samples, reconstructions and "
        "an explorer into a folder. Give the same command again to go on where a run stopped.",
    )
    parser.add_argument("--data", metavar="DATA", help="strokes, mnist, fashion_mnist or "
                        "images:FOLDER; default: what the notebooks use")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="where everything is written")
    _add_folder_options(parser.add_argument_group("for images:FOLDER"))
    _add_model_options(parser.add_argument_group("model and training"))
    parser.set_defaults(run=run)


def _add_folder_options(group) -> None:
    group.add_argument("--size", type=_size, metavar="S", help="pixels, or HEIGHTxWIDTH")
    group.add_argument("--channels", type=int, choices=(1, 3), help="1 grey, 3 colour (default)")
    group.add_argument("--fit", choices=("crop", "pad", "stretch"), help="other proportions")
    group.add_argument("--invert", action="store_true", default=None, help="dark ink to light")
    group.add_argument(
        "--on-bad", choices=("skip", "refuse"), help="files that cannot be read; default: skip"
    )


def _add_model_options(group) -> None:
    from_plan = "default: %(default)s"
    group.add_argument("--latent", type=int, default=8, metavar="L", help=from_plan)
    group.add_argument(
        "--hidden", type=int, nargs="+", default=[400], metavar="H",
        help="sizes of the encoder's layers, the decoder's in reverse; default: 400",
    )  # fmt: skip
    group.add_argument(
        "--likelihood", choices=LIKELIHOODS,
        help="default: bernoulli for grey, learned_gaussian for colour",
    )  # fmt: skip
    group.add_argument("--epochs", type=int, help="in all; default: about 5,000 steps")
    group.add_argument("--batch-size", type=int, default=128, help=from_plan)
    group.add_argument("--lr", type=float, default=1e-3, help=from_plan)
    group.add_argument("--beta", type=float, default=1.0, help="weight of the KL; " + from_plan)
    group.add_argument(
        "--patience", type=int, default=20, metavar="N",
        help="stop after N epochs without a better held-out loss, 0: never; " + from_plan,
    )  # fmt: skip
    group.add_argument("--seed", type=int, default=0, help=from_plan)
    group.add_argument("--device", help="such as cpu or cuda; default: what the machine has")
    group.add_argument("--threads", type=int, metavar="T", help="CPU threads; default: PyTorch's")


def _size(text: str) -> int | tuple[int, int]:
    """28 -> 28, 32x48 -> (32, 48)."""
    try:
        sides = tuple(int(side) for side in text.lower().split("x"))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor HEIGHTxWIDTH")
    return sides[0] if len(sides) == 1 else sides


def _folder_options(args: argparse.Namespace) -> dict:
    """The options that are given, as `data.load` takes them; colour unless told."""
    given = {name: getattr(args, name) for name in FOR_FOLDERS if getattr(args, name) is not None}
    if args.data is not None and args.data.startswith("images:"):
        return {"channels": 3} | given
    if given:
        option = next(iter(given)).replace("_", "-")
        data = f"--data {args.data}" if args.data else "the default data"
        raise ValueError(f"--{option} goes with --data images:FOLDER, not with {data}")
    return {}


def run(args: argparse.Namespace) -> int:
    """Check the arguments, load the pictures, train, and say what lies where."""
    import torch

    from vae_teach import data
    from vae_teach.device import pick_device
    from vae_teach.run_folder import epochs_kept
    from vae_teach.train_run import Plan, train_run

    options = _folder_options(args)
    if args.threads is not None:
        if args.threads < 1:
            raise ValueError(f"--threads must be at least 1, but it is {args.threads}")
        torch.set_num_threads(args.threads)
    plan = Plan(
        hidden=tuple(args.hidden), latent_dim=args.latent, likelihood=args.likelihood,
        epochs=args.epochs, batch_size=args.batch_size, lr=args.lr, beta=args.beta,
        patience=args.patience, seed=args.seed,
    )  # fmt: skip
    pick_device(args.device)  # a misspelt device is told before pictures are read
    dataset = data.load(args.data, **options)
    print(dataset.source)
    kept = epochs_kept(args.out)
    if kept:
        print(f"{args.out} has {kept} epochs already: going on from there")
    try:
        record = train_run(dataset, args.out, plan, device=args.device)
    except KeyboardInterrupt:
        kept = epochs_kept(args.out)
        print(f"\nstopped: {args.out} keeps {kept} whole epochs; the same command goes on from "
              f"there, and --epochs {max(kept, 1)} draws what there is")  # fmt: skip
        raise
    _print(record, args.out)
    return 0


def _print(record: dict, out: str) -> None:
    protocol, test = record["protocol"], record["results"]["test"]
    best = protocol["best_epoch"]
    chosen = f", the best after {best}" if best else ""
    print(
        f"{protocol['epochs_made']} epochs{chosen}; on {protocol['test_images']:,} test pictures:"
    )
    print(f"  negative ELBO {test['negative_elbo_nats']:.4g} nats, KL {test['kl_nats']:.3g} nats, "
          f"error per pixel {test['pixel_error']:.3g}")  # fmt: skip
    print(f"written to {out}: open explorer.html in a browser; the rest is curves.png, "
          "samples.png, reconstructions.png, run.json and the model")  # fmt: skip
