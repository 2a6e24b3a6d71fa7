"""The column painter: paint one column of a picture, and see what models make of the rest.

The decoders run in the browser, so it answers without a kernel. This half holds state, units and
validation. Shapes: H rows, W columns, L latent dimensions, K draws, N examples.
"""

import math
from pathlib import Path

import torch
import traitlets
from torch import Tensor

from vae_teach.models.completion import COLUMN, column_task
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.validation import require_count
from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.conditional_decoder import decoder_steps, prior_steps, regressor_steps
from vae_teach.widgets.parts.decoder import pack_steps

_HERE = Path(__file__)


class ColumnPainter(TeachingWidget):
    """A column of pixels to paint, completions drawn by a CVAE, and a regressor's one answer.

    Make one with `ColumnPainter.from_models`. `given` and `noise` may be set, observed and linked.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"))

    given = traitlets.List(
        traitlets.Int(), help="the painted column from the top: 1 is ink, H values"
    ).tag(sync=True)
    noise = traitlets.List(
        traitlets.List(traitlets.Float()), help="of each draw, K lists of L standard normals"
    ).tag(sync=True)
    column = traitlets.Int(COLUMN, help="which column is painted, from 0").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int(), help="(H, W)").tag(sync=True)
    steps = traitlets.List(traitlets.Dict(), help="the CVAE's decoder").tag(sync=True)
    weights = traitlets.Bytes(help="its numbers, packed float16").tag(sync=True)
    prior_steps = traitlets.List(traitlets.Dict(), help="from c to p(z|c), or empty").tag(sync=True)
    prior_weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    regressor_steps = traitlets.List(traitlets.Dict(), help="or empty").tag(sync=True)
    regressor_weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    examples = traitlets.Bytes(help="(N, H) bytes of 0 and 1: columns to start from").tag(sync=True)

    @classmethod
    def from_models(
        cls,
        cvae: CVAE,
        regressor: Regressor | None = None,
        examples: Tensor | None = None,
        *,
        column: int = COLUMN,
        image_shape: tuple[int, int] = (28, 28),
        n_draws: int = 8,
        seed: int = 0,
        **traits: object,
    ) -> "ColumnPainter":
        """Return a painter for models trained on `column_task(column)`.

        Args:
            cvae: gives the other columns from [z, c].
            regressor: gives them from c; None leaves its picture out.
            examples: binary columns to start from, shape (N, H), such as test conditions.
            column: which one is painted.
            image_shape: (H, W).
            n_draws: how many pictures of the CVAE are shown.
            seed: of the first draws' noise.
            **traits: `given` or `noise` to start from.

        Raises:
            TypeError: if a model is of another class.
            ValueError: if a model's sizes are not the task's, the examples' are not, a value of
                theirs is neither 0 nor 1, or there is no draw to show.
        """
        height, width = image_shape
        task = column_task(column, image_shape=image_shape)
        for name, model in {"cvae": cvae, "regressor": regressor}.items():
            if model is not None and (model.condition_size, model.n_pixels) != (
                task.n_seen,
                task.n_asked,
            ):
                raise ValueError(
                    f"the {name} makes {model.n_pixels} pixels of {model.condition_size}, but "
                    f"the task asks for {task.n_asked} given {task.n_seen}"
                )
        require_count(n_draws, "n_draws")
        if examples is not None and (examples.ndim != 2 or examples.shape[1] != height):
            raise ValueError(
                f"examples have shape {tuple(examples.shape)}, but a column has {height}"
            )
        examples = torch.zeros(0, height) if examples is None else examples.detach().cpu()
        if not torch.isin(examples, torch.tensor([0.0, 1.0])).all():
            raise ValueError(
                "examples must hold 0 and 1 only, but they go from "
                f"{examples.min():g} to {examples.max():g}: binarise them first"
            )
        steps, weights = pack_steps(decoder_steps(cvae))
        noise = torch.randn(n_draws, cvae.latent_dim, generator=torch.Generator().manual_seed(seed))
        state = {
            "given": [int(v) for v in examples[0]] if len(examples) else [0] * height,
            "noise": noise.tolist(),
            "column": column,
            "image_shape": [height, width],
            "steps": steps,
            "weights": weights,
            "examples": bytes(examples.to(torch.uint8).flatten().tolist()),
        }
        for name, network in {
            "prior": prior_steps(cvae),
            "regressor": [] if regressor is None else regressor_steps(regressor),
        }.items():
            state[f"{name}_steps"], state[f"{name}_weights"] = pack_steps(network)
        return cls(**(state | traits))

    def __repr__(self) -> str:
        height, width = self.image_shape or (0, 0)
        beside = " and a regressor" if self.regressor_steps else ""
        return f"ColumnPainter({height}x{width}, column {self.column}, a CVAE{beside})"

    @property
    def _latent_dim(self) -> int:
        """L: what the decoder takes beside the column."""
        return next(s["inputs"] for s in self.steps if s["kind"] == "dense") - self.image_shape[0]

    @traitlets.validate("given")
    def _check_given(self, proposal: dict) -> list[int]:
        given = proposal["value"]
        if self.image_shape and len(given) != self.image_shape[0]:
            raise traitlets.TraitError(
                f"given has {len(given)} pixels but the column has {self.image_shape[0]}"
            )
        if not set(given) <= {0, 1}:
            raise traitlets.TraitError(f"given must hold 0 and 1 only, but it is {given}")
        return given

    @traitlets.validate("noise")
    def _check_noise(self, proposal: dict) -> list[list[float]]:
        noise = proposal["value"]
        count, length = len(self.noise) or len(noise), self._latent_dim
        if not noise or len(noise) != count or any(len(draw) != length for draw in noise):
            raise traitlets.TraitError(
                f"noise must hold {max(count, 1)} draws of {length} numbers, but it holds "
                f"{len(noise)}, of {sorted({len(draw) for draw in noise})} numbers"
            )
        if not all(math.isfinite(value) for draw in noise for value in draw):
            raise traitlets.TraitError("noise must be finite")
        return noise
