"""`python -m vae_teach COMMAND`: the kit's command line."""

import argparse
import importlib
import pkgutil
import sys

from vae_teach import __version__, commands


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with one subcommand for every module in `vae_teach.commands`."""
    parser = argparse.ArgumentParser(prog="python -m vae_teach", description="The VAE teaching kit")
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        importlib.import_module(f"vae_teach.commands.{module.name}").add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; user errors print one line, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name of any alphabet must not end a run
            stream.reconfigure(errors="backslashreplace")
    args = build_parser().parse_args(argv)
    try:
        return args.run(args)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
