"""`python -m vae_teach COMMAND`: the kit's command line."""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of an import before `main` listens

import argparse
import contextlib
import importlib
import os
import pkgutil
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from vae_teach import __version__, commands


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with one subcommand for every module in `vae_teach.commands`."""
    parser = argparse.ArgumentParser(prog="python -m vae_teach", description="The VAE teaching kit")
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        if not module.name.startswith("_"):
            importlib.import_module(f"vae_teach.commands.{module.name}").add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; an error is one line, not a traceback.

    `python -X dev -m vae_teach COMMAND` shows the traceback of an error that is not the user's.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name of any alphabet must not end a run
            stream.reconfigure(errors="backslashreplace")
    deaf = argv is None  # the process ends after this
    try:
        with _watch_for_ctrl_c() as pressed:
            return _run(argv, pressed)
    except KeyboardInterrupt:
        return _interrupted(deaf)


def _run(argv: list[str] | None, pressed: list[int]) -> int:
    try:
        args = build_parser().parse_args(argv)
        status = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `| head` has seen enough
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return 1
    except Exception as error:
        if pressed:  # Ctrl-C while a library is loaded comes out as an error of that library
            raise KeyboardInterrupt from error
        if sys.flags.dev_mode and not isinstance(error, (OSError, ValueError)):
            raise
        print(f"error: {_in_a_line(error)}", file=sys.stderr)
        return 1


def _in_a_line(error: Exception) -> str:
    """What the error says; for a fault that nobody foresaw, also its kind."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        package = error.name.partition(".")[0]
        return f"{package} is not installed: pip install -r requirements.txt"
    if isinstance(error, MemoryError):
        return f"this machine has not the memory for it ({text})"
    if isinstance(error, (OSError, ValueError)):
        return text
    return f"{type(error).__name__}: {text}"


@contextlib.contextmanager
def _watch_for_ctrl_c() -> Iterator[list[int]]:
    """The presses of Ctrl-C, in a list; where it is ignored, as in a shell's job, it stays so."""
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if not pressed and _is_importing(frame):
            os.write(2, b"interrupted\n")
            os._exit(130)
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()  # it alone gets signals
    if before not in (signal.default_int_handler, signal.SIG_DFL) or not in_main_thread:
        yield pressed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being loaded, which libraries bear badly when it is cut off.

    Some answer with an error of another kind, and some swallow it. Nothing is half written then,
    so the process can end at once.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _interrupted(deaf: bool) -> int:
    """Say so; a second press while the process ends would be a traceback of its last steps."""
    if deaf and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", file=sys.stderr)
    return 130


if __name__ == "__main__":
    sys.exit(main())
