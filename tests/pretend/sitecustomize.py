"""Python imports this file by itself where it is on the path: see run.py."""

import pretend_accelerator  # noqa: F401
