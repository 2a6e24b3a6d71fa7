"""Data sets, all of one shape: `load()` them, `treat()` their pixels, `draw()` digits to order.

**Here:** a `catalog` of data sets: downloaded (`sources`, `fetch`), drawn by the package
(`strokes`, `shapes`), or a `folder` of pictures. **In:** a name or a folder.
**Out:** a `Dataset`: images (N, D) float32 in [0, 1], row by row; `image_shape` makes pictures.
**Start with:** `dataset.py`, then `catalog.py`.
"""

from vae_teach.data.cache import cache_dir
from vae_teach.data.catalog import NAMES, USABLE, choose, inventory, load
from vae_teach.data.dataset import Dataset, Split
from vae_teach.data.folder import load_folder
from vae_teach.data.hands import FACTORS, HAND, NEAT, Hand
from vae_teach.data.strokes import draw
from vae_teach.data.treatments import TREATMENTS, treat

__all__ = [
    "FACTORS",
    "HAND",
    "NAMES",
    "NEAT",
    "TREATMENTS",
    "USABLE",
    "Dataset",
    "Hand",
    "Split",
    "cache_dir",
    "choose",
    "draw",
    "inventory",
    "load",
    "load_folder",
    "treat",
]
