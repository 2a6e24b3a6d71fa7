"""Interactive figures that move with a kernel and without one.

**Here:** one widget a chapter; `base.py` and `host.js` run it in a page that has no kernel.
What widgets share: `elements.js`, `gaussian_dials.js`, `noise.js`, `common.css`, `formula.css`;
`bundle.py` packs them.
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
