"""Interactive figures that move with a kernel and without one.

**Here:** one widget a chapter, each a `.py`, a `.js` and a `.css` of one name; `parts` is shared.
**In:** a model, or numbers. **Out:** a widget for a notebook, and `to_html` for a page alone.
**Start with:** `kl_explorer.py` beside `kl_explorer.js`, then `parts/base.py`.
"""

from vae_teach.widgets.bound_explorer import BoundExplorer as BoundExplorer
from vae_teach.widgets.column_painter import ColumnPainter as ColumnPainter
from vae_teach.widgets.conditional_explorer import ConditionalExplorer as ConditionalExplorer
from vae_teach.widgets.frame_scrubber import Frame as Frame
from vae_teach.widgets.frame_scrubber import FrameScrubber as FrameScrubber
from vae_teach.widgets.kl_explorer import KLExplorer as KLExplorer
from vae_teach.widgets.latent_explorer import LatentExplorer as LatentExplorer
from vae_teach.widgets.reparameterization import Reparameterization as Reparameterization
