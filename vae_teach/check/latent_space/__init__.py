"""Checks for chapter 10, the latent space: what has collapsed, where codes lie, a mixture of them.

Each has a module of its own.
"""

from vae_teach.check.latent_space.aggregate import AGGREGATE, aggregate_log_density
from vae_teach.check.latent_space.collapsed import COLLAPSED, collapsed_dimensions
from vae_teach.check.latent_space.mixtures import HINTS as MIXTURE_HINTS
from vae_teach.check.latent_space.mixtures import mixture_table

__all__ = ["aggregate_log_density", "collapsed_dimensions", "mixture_table"]

_TABLES = (AGGREGATE, COLLAPSED)
HINTS = {table.name: table.hints for table in _TABLES} | {"mixture_table": MIXTURE_HINTS}
