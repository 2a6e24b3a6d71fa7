"""One small VAE at many settings of one number, trained ahead, so that a page can slide over them.

**Here:** `protocol`, which trains all settings and seeds of a sweep as one stacked model and
measures them; `kept`, which reads the files beside it, written by `python benchmarks/sweeps.py`:
`beta.json`, `latent_dim.json`, `ten_thousand.json` and, of what latents say of factors,
`factors.json`. **In:** the name of a sweep. **Out:** a `Sweep` or `Factors`, in nats.
**Start with:** `kept.py`.
"""

from vae_teach.sweeps.kept import Factors, Point, Sweep, load_factors, load_sweep

__all__ = ["Factors", "Point", "Sweep", "load_factors", "load_sweep"]
