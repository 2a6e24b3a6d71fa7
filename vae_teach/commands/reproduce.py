"""`python -m vae_teach reproduce NAME`: train a system of the sources by its own protocol."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vae_teach.commands._arguments import add_machine_options, folder

if TYPE_CHECKING:
    from vae_teach.systems.presets import Preset

FOLDER = Path("runs/reproduce")


def add_parser(subparsers) -> None:
    """Add `reproduce` to the command line."""
    parser = subparsers.add_parser(
        "reproduce",
        help="train one of the sources' systems and compare it with its published numbers",
        description="Train one of the sources' systems by its own protocol, evaluate it by its "
        "own protocol and write the result as JSON. A run that was stopped goes on where it "
        "stopped when the same command is given again.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a preset; see --list")
    parser.add_argument("--list", action="store_true", help="list the presets and stop")
    parser.add_argument("--show", action="store_true", help="describe the preset NAME and stop")
    parser.add_argument("--steps", type=int, help="training steps; default: the source's own")
    parser.add_argument(
        "--out", default=FOLDER, type=folder, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--data", default="mnist", metavar="DATA", help="default: %(default)s")
    parser.add_argument(
        "--amat", type=Path, metavar="DIR",
        help="instead: the folder with Larochelle's three files binarized_mnist_*.amat",
    )  # fmt: skip
    parser.add_argument("--samples", type=int, metavar="K", help="draws for log p(x)")
    parser.add_argument("--images", type=int, metavar="N", help="test pictures; default: all")
    add_machine_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the presets, or reproduce one and print its numbers beside the published ones."""
    from vae_teach.systems.table import PRESETS, get_preset

    if args.list:
        for name, preset in PRESETS.items():
            print(f"{name:18}{preset.title}")
        return 0
    if args.name is None:
        raise ValueError(f"give a preset, one of {', '.join(PRESETS)}; --list describes them")
    preset = get_preset(args.name)  # a misspelt name is told before data is read
    if args.show:
        _show(preset)
        return 0
    from vae_teach import data
    from vae_teach.machine.device import pick_device
    from vae_teach.machine.threads import take_threads
    from vae_teach.systems.amat import binarized_mnist
    from vae_teach.systems.reproduce import reproduce, require_counts, require_seed

    require_seed(args.seed)
    require_counts(steps=args.steps, samples=args.samples, images=args.images)
    take_threads(args.threads)
    pick_device(args.device)  # a misspelt device is told before data is read
    result = reproduce(
        args.name,
        seed=args.seed,
        steps=args.steps,
        device=args.device,
        out=args.out,
        dataset=binarized_mnist(args.amat) if args.amat else data.load(args.data),
        importance_samples=args.samples,
        n_test=args.images,
    )
    _print(result, args.out / f"{args.name}-seed{args.seed}.json")
    return 0


def _show(preset: "Preset") -> None:
    from vae_teach.systems.describe import describe

    print(preset.title)
    for what, value in describe(preset):
        print(f"  {what:24}{value}")
    for published in preset.published:
        print(f"  {'published':24}{published.measure} {published.value:g}: {published.where}")


def _print(result: dict, path: Path) -> None:
    protocol, early = result["protocol"], result.get("early_stopping")
    most = "" if early is None else "at most "
    print(f"{result['title']}: {protocol['steps']:,} of {most}{protocol['planned_steps']:,} steps")
    if early is not None:
        why = "stopped by the source's rule" if early["stopped"] else "not stopped by the rule yet"
        print(f"  {why}; the weights are {_kept(early['best_step'])}")
    for line in result["results"]:
        published = "" if line["published"] is None else f"  published {line['published']['value']}"
        samples = "" if line["samples"] is None else f", {line['samples']:,} draws"
        print(f"  {line['title']}{samples}: {line['value']:.4g} {line['unit']}{published}")
    print(f"written to {path}")


def _kept(best_step: int | None) -> str:
    if best_step is None:
        return "the last, because no validation bound is a number"
    return f"those of step {best_step:,}"
