"""`python -m vae_teach handout NOTEBOOK...`: copies for the class, without solutions."""

import argparse
import unicodedata
from pathlib import Path

from vae_teach.commands._arguments import folder

FOLDER = Path("handouts")


def add_parser(subparsers) -> None:
    """Add `handout` to the command line."""
    parser = subparsers.add_parser(
        "handout",
        help="write a copy of a notebook without solutions",
        description="Write a copy of each notebook without solutions and outputs. Stubs and checks "
        "stay, so the copy runs from top to bottom and says what is not attempted yet.",
    )
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument(
        "-o", "--output", type=folder, default=FOLDER, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--solutions", action="store_true", help="write NAME_solutions.ipynb beside it too"
    )
    parser.add_argument("--force", action="store_true", help="write over copies of before")
    parser.set_defaults(run=run)


def _plan(notebooks: list[Path], args: argparse.Namespace) -> dict[Path, tuple[Path, bool]]:
    """Where each copy goes: {target: (source, with solutions)}.

    Raises:
        ValueError: if two copies would have one name, on any file system: some do not tell capital
            letters apart, or ways to write an accent; or if one would replace its source.
        OSError: if a copy exists and --force is not given, or --output is a file.
    """
    if args.output.exists() and not args.output.is_dir():
        raise NotADirectoryError(f"--output is {args.output}, which is a file: give a folder")
    plan: dict[Path, tuple[Path, bool]] = {}
    taken: dict[str, Path] = {}
    for source in notebooks:
        for suffix, solutions in (("", False), ("_solutions", True))[: 1 + args.solutions]:
            target = args.output / f"{source.stem}{suffix}.ipynb"
            name = unicodedata.normalize("NFC", target.name).casefold()
            if name in taken:
                raise ValueError(f"{taken[name]} and {source} would both become {target}")
            taken[name] = source
            plan[target] = source, solutions
    for target, (source, _) in plan.items():
        if target.exists() and any(target.samefile(s) for s in notebooks if s.exists()):
            raise ValueError(f"{target} is a source: give another folder than {args.output}")
        if target.exists() and not args.force:
            raise FileExistsError(f"{target} exists already: --force writes over it ({source})")
    return plan


def run(args: argparse.Namespace) -> int:
    """Check every notebook, and only then write the copies."""
    from vae_teach.handout import cells, copies

    plan = _plan(args.notebooks, args)
    read = {source: copies.read(source) for source in args.notebooks}
    written = {}
    for target, (source, solutions) in plan.items():
        try:
            written[target] = read[source] if solutions else copies.student_copy(read[source])
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from error
    for target, notebook in written.items():
        copies.write(notebook, target)
        source, solutions = plan[target]
        count = len(cells.exercises(read[source]))
        print(f"{target}: {count} exercises, {'with' if solutions else 'without'} solutions")
    return 0
