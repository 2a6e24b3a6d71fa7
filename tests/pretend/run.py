"""Run Python, and all that it starts, as on a machine with an accelerator.

Run: python tests/pretend/run.py ARGUMENT..., with the arguments of `python`, such as
`-m pytest --nbval-lax --nbval-current-env notebooks`.
"""

import os
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """The environment in which Python imports sitecustomize.py, and so the device, first of all."""
    others = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *others]),
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel is this environment's, as in the Makefile
    }


if __name__ == "__main__":
    os.execve(sys.executable, [sys.executable, *sys.argv[1:]], environment())
