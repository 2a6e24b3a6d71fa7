"""Every figure of the book.

**Here:** `pictures` and `photographs` (sheets of images), `latent` (codes), `conditional`,
`estimators`, `sweeps`, `frames` of films, `diagrams` of networks and graphs; `page` shows one.
**In:** tensors. **Out:** Matplotlib figures, which `show(figure, alt=..., caption=...)` displays.
**Start with:** `pictures.py`.
"""

from vae_teach.plots.conditional import draw_answers, draw_completions, draw_grid, tile_marked
from vae_teach.plots.estimators import draw_estimates, draw_measured, draw_medians
from vae_teach.plots.frames import save_scalars, save_sheets, sheet_png
from vae_teach.plots.latent import (
    draw_class_panels,
    draw_classes,
    draw_correlations,
    draw_field,
    draw_map,
    draw_means_and_draws,
    draw_projections,
    draw_solid,
    draw_tableau,
    tile_at,
    tile_centres,
)
from vae_teach.plots.page import show
from vae_teach.plots.photographs import draw_picture_rows, draw_pictures, picture_sheet
from vae_teach.plots.pictures import (
    CLASS_COLOURS,
    INK,
    draw_code_histograms,
    draw_codes,
    draw_digit,
    draw_history,
    draw_images,
    draw_manifold,
    draw_rows,
    linear_grid,
    percentile_grid,
    tile,
)
from vae_teach.plots.sweeps import draw_sheets, mark_setting

__all__ = [
    "CLASS_COLOURS",
    "INK",
    "draw_answers",
    "draw_class_panels",
    "draw_classes",
    "draw_code_histograms",
    "draw_codes",
    "draw_completions",
    "draw_correlations",
    "draw_digit",
    "draw_estimates",
    "draw_field",
    "draw_grid",
    "draw_history",
    "draw_images",
    "draw_manifold",
    "draw_map",
    "draw_means_and_draws",
    "draw_measured",
    "draw_medians",
    "draw_picture_rows",
    "draw_pictures",
    "draw_projections",
    "draw_rows",
    "draw_sheets",
    "draw_solid",
    "draw_tableau",
    "linear_grid",
    "mark_setting",
    "percentile_grid",
    "picture_sheet",
    "save_scalars",
    "save_sheets",
    "sheet_png",
    "show",
    "tile",
    "tile_at",
    "tile_centres",
    "tile_marked",
]
