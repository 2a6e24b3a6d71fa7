"""Checks of the exercises: `check.squared_error(your_function)` says right, or what is wrong.

Whatever a student's function does, fail, exit or never return, its check answers with a verdict;
only KeyboardInterrupt passes through, so that the reader can stop a cell. Each chapter has a module
`chNN`, whose `__all__` is offered here; a chapter is added by adding its file. `check.holds`
compares the text's own conclusions with the reader's run.
"""

import importlib
import pkgutil

from vae_teach.check._conclusion import holds
from vae_teach.check._verdict import Verdict

__all__ = ["Verdict", "holds"]

for _found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
    if not _found.name.startswith("_"):
        _chapter = importlib.import_module(f"{__name__}.{_found.name}")
        for _name in _chapter.__all__:
            if _name in globals():
                raise ImportError(f"the check {_name} of {_found.name} exists already")
            globals()[_name] = getattr(_chapter, _name)
            __all__ += [_name]
