"""`python -m vae_teach data [NAME]`: list the data sets of this machine, or get one."""

import argparse


def add_parser(subparsers) -> None:
    """Add the `data` command."""
    parser = subparsers.add_parser("data", help="list the data sets on this machine, or get one")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a data set, or images:FOLDER; without it, list them and what is here",
    )
    parser.add_argument(
        "--from",
        dest="from_folder",
        metavar="FOLDER",
        help="copy the files from here, raw or .gz, instead of downloading them",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the data sets, or bring one to this machine and say what it is."""
    from vae_teach import data
    from vae_teach.data.sources import SOURCES

    if args.from_folder is not None and args.name not in SOURCES:
        name = "no name" if args.name is None else args.name
        raise ValueError(f"--from goes with {' or '.join(SOURCES)}, not with {name}")
    if args.name is None:
        return _list()
    if args.name in SOURCES:
        _get(args.name, args.from_folder)
    print(data.load(args.name).source)
    return 0


def _list() -> int:
    import os

    from vae_teach import data

    for variable in ("VAE_TEACH_DATA", "VAE_TEACH_DATASET"):
        print(f"{variable}: {os.environ.get(variable) or 'not set'}")
    print(f"cache: {data.cache_dir()}\n")
    entries = data.inventory()
    for entry in entries:
        print(f"{entry.name:<14}{entry.state:<12}{entry.detail}")
    print(
        f"{'images:FOLDER':<14}{'yours':<12}set VAE_TEACH_DATASET=images:FOLDER to use your own\n"
    )
    name, reason = data.choose()
    print(f"Notebooks use {name}: {reason}.")
    if any(entry.name == name and entry.state not in data.USABLE for entry in entries):
        print(f"But {name} cannot be loaded as it is: see its line above.")
        return 1
    return 0


def _get(name: str, from_folder: str | None) -> None:
    from vae_teach.data.cache import cache_dir
    from vae_teach.data.fetch import fetch
    from vae_teach.data.places import CACHE, find_folder, locate
    from vae_teach.data.sources import SOURCES

    source = SOURCES[name]
    here = locate(source)
    if from_folder is None and here is not None and here[0] != CACHE:
        return  # the copy that VAE_TEACH_DATA names is used; loading it will verify it
    folder = None if from_folder is None else find_folder(from_folder)
    fetch(source, cache_dir() / name, from_folder=folder)
