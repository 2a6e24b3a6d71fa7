"""Checks of the exercises: `check.share_inside(your_function)` says right, or what is wrong.

Whatever a student's function does, fail, exit or never return, its check answers with a verdict;
only KeyboardInterrupt passes through, so that the reader can stop a cell.
**Here:** a module or folder for each chapter, by its name, whose functions under `@check` are
offered here; `engine` is what they are made with.
**In:** a student's function. **Out:** a `Verdict`.
`holds` compares the text's own conclusions with the reader's run.
**Start with:** `autoencoder`, then `engine/exercise.py`.
"""

import importlib
import pkgutil
from collections.abc import Callable

from vae_teach.check.engine.conclusion import holds
from vae_teach.check.engine.registry import CHECKS, HELPERS
from vae_teach.check.engine.verdict import Verdict

__all__ = ["Verdict", "holds"]

for _found in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_found.name)  # where `@check` and `@helper` put their functions down


def __getattr__(name: str) -> Callable:
    if name in CHECKS:
        return CHECKS[name].function
    if name in HELPERS:
        return HELPERS[name]
    raise AttributeError(f"there is no check {name!r}; there are {', '.join(sorted(CHECKS))}")


def __dir__() -> list[str]:
    return sorted({*globals(), *CHECKS, *HELPERS})
