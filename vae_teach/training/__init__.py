"""The loop that trains a model, and what is kept of a run.

**Here:** `loop.fit`, its `steps` (one by one, or recorded on a GPU), the `history` of losses,
`checkpoint` files, the `recorder` of snapshots, many small models at once (`stacked`),
the bound L_K as an objective (`importance`), an `encoder` trained on alone.
**In:** a model with `loss_terms`, images (N, D). **Out:** the model trained, a `History`.
**Start with:** `loop.py`.
"""

from vae_teach.training.checkpoint import load_model, save_checkpoint
from vae_teach.training.encoder import settle_encoder
from vae_teach.training.history import History
from vae_teach.training.importance import ImportanceWeighted
from vae_teach.training.loop import fit
from vae_teach.training.recorder import Recorder, log_moments
from vae_teach.training.stacked import fit_stacked

__all__ = [
    "History",
    "ImportanceWeighted",
    "Recorder",
    "fit",
    "fit_stacked",
    "load_model",
    "log_moments",
    "save_checkpoint",
    "settle_encoder",
]
