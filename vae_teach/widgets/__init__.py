"""Interactive figures that move with a kernel and without one.

**Here:** `LatentExplorer`; `base.py` and `host.js` run a widget in a page that has no kernel.
**Start with:** `base.py`, then `latent_explorer.py` beside `latent_explorer.js`.
"""

from vae_teach.widgets.latent_explorer import LatentExplorer

__all__ = ["LatentExplorer"]
