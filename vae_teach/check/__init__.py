"""Checks of the exercises: `check.share_inside(your_function)` says right, or what is wrong.

Whatever a student's function does, fail, exit or never return, its check answers with a verdict;
only KeyboardInterrupt passes through, so that the reader can stop a cell.
**Here:** a module or folder for each chapter, by its name; what its `__all__` has is offered here.
`engine` is what they are made with. **In:** a student's function. **Out:** a `Verdict`.
`holds` compares the text's own conclusions with the reader's run.
**Start with:** `autoencoder`, then `engine/exercise.py`.
"""

import importlib
import pkgutil

from vae_teach.check.engine.conclusion import holds
from vae_teach.check.engine.verdict import Verdict

__all__ = ["Verdict", "holds"]

for _found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
    if _found.name != "engine":
        _chapter = importlib.import_module(f"{__name__}.{_found.name}")
        for _name in _chapter.__all__:
            if _name in globals():
                raise ImportError(f"the check {_name} of {_found.name} exists already")
            globals()[_name] = getattr(_chapter, _name)
            __all__ += [_name]
