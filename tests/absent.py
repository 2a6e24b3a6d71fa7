"""What a test needs and a machine may lack: a skip line for a user, a failure where CI is set."""

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """End a test that cannot run here; the reason says what is missing and how to get it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason.splitlines()[0])


def unbuilt(what: str) -> NoReturn:
    """End a test that needs `what` of the built book."""
    absent(f"the book is not built (no {what}): run `make book` first")
