"""`python -m vae_teach train --data DATA --out DIR`: your own VAE, from pictures to an explorer."""

import argparse
from pathlib import Path

from vae_teach.commands._arguments import add_machine_options, folder

# options of `data.load_folder`
FOR_FOLDERS = ("size", "channels", "fit", "invert", "on_bad", "bits", "max_gb")


def add_parser(subparsers) -> None:
    """Add `train` to the command line."""
    parser = subparsers.add_parser(
        "train",
        help="train a VAE on a data set or on a folder of your own pictures",
        description="Train a VAE and write the model, its curves, samples, reconstructions and "
        "an explorer into a folder. Give the same command again to go on where a run stopped.",
    )
    parser.add_argument("--data", metavar="DATA", help="a name that `data` lists, or "
                        "images:FOLDER; default: what the notebooks use")  # fmt: skip
    parser.add_argument("--out", required=True, type=folder, metavar="DIR",
                        help="where everything is written; not among the pictures")  # fmt: skip
    _add_folder_options(parser.add_argument_group("for images:FOLDER"))
    _add_model_options(parser.add_argument_group("model and training"))
    parser.set_defaults(run=run)


def _add_folder_options(group) -> None:
    group.add_argument("--size", type=_size, metavar="S",
                       help="pixels a side, or HEIGHTxWIDTH; default: 28")  # fmt: skip
    group.add_argument("--channels", type=int, choices=(1, 3), help="1 grey, 3 colour (default)")
    group.add_argument(
        "--fit", choices=("crop", "pad", "stretch"),
        help="how a picture of other proportions gets there; default: crop",
    )  # fmt: skip
    group.add_argument(
        "--invert", action="store_true", default=None,
        help="turn dark ink on paper into light on black, as MNIST's is",
    )  # fmt: skip
    group.add_argument(
        "--on-bad",
        choices=("skip", "refuse"),
        help="what to do about files that cannot be read; default: skip",
    )
    group.add_argument("--bits", type=int, choices=(8, 10, 12, 14, 16), metavar="B",
                       help="bits that pictures of more than 8 use; default: as their values "
                       "need")  # fmt: skip
    group.add_argument("--max-gb", type=float, metavar="GB",
                       help="memory that the pictures may take; default: 4")  # fmt: skip


def _add_model_options(group) -> None:
    from_plan = "default: %(default)s"
    group.add_argument("--latent", type=int, default=8, metavar="L", help=from_plan)
    group.add_argument(
        "--hidden", type=int, nargs="+", default=[400], metavar="H",
        help="sizes of the encoder's layers, the decoder's in reverse; default: 400",
    )  # fmt: skip
    group.add_argument(
        "--conv", type=int, nargs="+", default=[], metavar="C",
        help="channels of convolutions before the layers of --hidden, each halves both sides; "
        "such a run has no explorer; default: none",
    )  # fmt: skip
    group.add_argument(
        "--likelihood", metavar="NAME",
        help="such as bernoulli or laplace, a wrong name lists all; default: bernoulli for grey, "
        "learned_gaussian for colour",
    )  # fmt: skip
    group.add_argument("--epochs", type=int, help="in all; default: about 5,000 steps")
    group.add_argument("--batch-size", type=int, default=128, help=from_plan)
    group.add_argument("--lr", type=float, default=1e-3, help=from_plan)
    group.add_argument("--beta", type=float, default=1.0, help="weight of the KL; " + from_plan)
    group.add_argument(
        "--patience", type=int, default=20, metavar="N",
        help="stop after N epochs without a better held-out loss, 0: never; " + from_plan,
    )  # fmt: skip
    add_machine_options(group)


def _size(text: str) -> int | tuple[int, int]:
    """28 -> 28, 32x48 -> (32, 48)."""
    try:
        sides = tuple(int(side) for side in text.lower().split("x"))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor HEIGHTxWIDTH")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def _folder_options(args: argparse.Namespace, name: str) -> dict:
    """The options that are given, as `data.load` takes them; colour unless told."""
    given = {name: getattr(args, name) for name in FOR_FOLDERS if getattr(args, name) is not None}
    if name.startswith("images:"):
        return {"channels": 3} | given
    if given:
        option = next(iter(given)).replace("_", "-")
        data = f"--data {name}" if args.data else f"{name}, the default data"
        raise ValueError(f"--{option} goes with --data images:FOLDER, not with {data}")
    return {}


def _require_apart(pictures: Path, out: Path) -> None:
    """Refuse to write among the pictures: the next call would take the samples for pictures."""
    above = (out.resolve(), *out.resolve().parents)
    if any(place.exists() and place.samefile(pictures) for place in above):
        raise ValueError(
            f"--out is {out}, inside the pictures' folder {pictures}: give a folder outside it"
        )


def run(args: argparse.Namespace) -> int:
    """Check the arguments, load the pictures, train, and say what lies where."""
    from vae_teach import data
    from vae_teach.data import catalog, places
    from vae_teach.machine.device import pick_device
    from vae_teach.machine.threads import take_threads
    from vae_teach.runs.folder import epochs_kept, require_usable
    from vae_teach.runs.own import Plan, train_run

    told = args.data is not None
    name = catalog.require_known(args.data, "--data") if told else catalog.choose()[0]
    options = _folder_options(args, name)
    take_threads(args.threads)
    plan = Plan(
        hidden=tuple(args.hidden), conv=tuple(args.conv), latent_dim=args.latent,
        likelihood=args.likelihood, epochs=args.epochs, batch_size=args.batch_size, lr=args.lr,
        beta=args.beta, patience=args.patience, seed=args.seed,
    )  # fmt: skip
    pick_device(args.device)  # a misspelt device or folder is told before pictures are read
    require_usable(args.out)
    if name.startswith("images:"):
        pictures = places.find_folder(name.removeprefix("images:"))
        _require_apart(pictures, args.out)
        print(f"reading {pictures}")
    dataset = data.load(name, **options)
    print(dataset.source)
    kept = epochs_kept(args.out)
    try:
        record = train_run(dataset, args.out, plan, device=args.device)
    except KeyboardInterrupt:
        print(f"\nstopped: {args.out} keeps {_epochs(epochs_kept(args.out))}")
        raise
    except OSError as error:  # a full disk, as a rule: what is there is whole
        if isinstance(error, BlockingIOError) or epochs_kept(args.out) == 0:
            raise
        raise OSError(f"{error}; {args.out} keeps {_epochs(epochs_kept(args.out))}") from error
    made = record["protocol"]["epochs_made"]
    if kept:
        added = f"{made - kept} were added" if made > kept else "none was added"
        print(f"{args.out} had {kept} epochs already: {added}")
    _print(record, args.out)
    return 0


def _epochs(kept: int) -> str:
    """What a stopped run can do with its epochs."""
    if kept == 0:
        return "no whole epoch yet; the same command starts again"
    whole = "1 whole epoch" if kept == 1 else f"{kept} whole epochs"
    return f"{whole}; the same command goes on from there, and --epochs {kept} draws what there is"


def _print(record: dict, out: Path) -> None:
    protocol, test = record["protocol"], record["results"]["test"]
    best = protocol["best_epoch"]
    chosen = f", the best after {best}" if best else ""
    print(
        f"{protocol['epochs_made']} epochs{chosen}; on {protocol['test_images']:,} test pictures:"
    )
    print(f"  negative ELBO {test['negative_elbo_nats']:.4g} nats, KL {test['kl_nats']:.3g} nats, "
          f"error per pixel {test['pixel_error']:.3g}")  # fmt: skip
    rest = "curves.png, samples.png, reconstructions.png, run.json and the model"
    page = out / "explorer.html"
    if not page.exists():  # of a model with convolutions, which the browser does not run
        print(f"written to {out}: {rest}")
        return
    size = page.stat().st_size
    told = f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"
    print(f"written to {out}: open explorer.html ({told}) in a browser; the rest is {rest}")
