"""Interactive figures that move with a kernel and without one.

**Here:** one widget a chapter; `base.py` and `host.js` run it in a page that has no kernel.
A widget is a `.py`, a `.js` and a `.css` of one name. The other `.js` and `.css` files are what
widgets share, from `lifetime.js` and `elements.js` to `pad.js`; `bundle.py` packs them.
**Start with:** `base.py`, then `kl_explorer.py` beside `kl_explorer.js`.
"""

from vae_teach.widgets.bound_explorer import BoundExplorer
from vae_teach.widgets.column_painter import ColumnPainter
from vae_teach.widgets.conditional_explorer import ConditionalExplorer
from vae_teach.widgets.frame_scrubber import Frame, FrameScrubber
from vae_teach.widgets.kl_explorer import KLExplorer
from vae_teach.widgets.latent_explorer import LatentExplorer
from vae_teach.widgets.reparameterization import Reparameterization

__all__ = [
    "BoundExplorer",
    "ColumnPainter",
    "ConditionalExplorer",
    "Frame",
    "FrameScrubber",
    "KLExplorer",
    "LatentExplorer",
    "Reparameterization",
]
