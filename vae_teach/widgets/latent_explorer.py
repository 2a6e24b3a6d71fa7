"""The latent explorer: choose a code z, and see at once what the decoder makes of it.

The decoder itself runs in the browser (latent_explorer.js), so the explorer answers in a static
page as it does in JupyterLab. This half holds state, units and validation.
Shapes: N codes, L latent dimensions, D pixels.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import traitlets
from torch import Tensor, nn

from vae_teach.widgets.base import TeachingWidget
from vae_teach.widgets.codes import axis_ends, class_names, gap_radius, thin_codes
from vae_teach.widgets.decoder import add_output, export_decoder, pack_half, pack_steps

_HERE = Path(__file__)


class LatentExplorer(TeachingWidget):
    """A pad over coloured test codes, a slider per latent dimension, and the decoded picture.

    Make one with `LatentExplorer.from_model`. `z` and `axes` may be set, observed and linked.
    """

    _esm = _HERE.with_suffix(".js")
    _css = _HERE.with_suffix(".css")

    z = traitlets.List(traitlets.Float(), help="the code shown, L values").tag(sync=True)
    axes = traitlets.List(
        traitlets.Int(), [0, 1], help="the two latent dimensions on the pad: across, up"
    ).tag(sync=True)
    steps = traitlets.List(traitlets.Dict(), help="the decoder's steps").tag(sync=True)
    weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int(), help="(C, H, W)").tag(sync=True)
    codes = traitlets.Bytes(help="(N, L) packed float16").tag(sync=True)
    labels = traitlets.Bytes(help="(N,) uint8, or empty").tag(sync=True)
    label_names = traitlets.List(traitlets.Unicode(), help="by class").tag(sync=True)
    low = traitlets.List(traitlets.Float(), help="left end of each slider").tag(sync=True)
    high = traitlets.List(traitlets.Float(), help="right end of each slider").tag(sync=True)
    gap_radius = traitlets.Float(
        0.0, help="19 of 20 test codes have a neighbour within this distance"
    ).tag(sync=True)
    prior = traitlets.Bool(True, help="whether N(0, I) is the model's prior").tag(sync=True)
    ink = traitlets.Enum(["white", "black"], "white", help="how 1 is drawn").tag(sync=True)

    @classmethod
    def from_model(
        cls,
        model: nn.Module,
        codes: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        image_shape: Sequence[int] = (28, 28),
        output: str | None = None,
        prior: bool = True,
        label_names: Sequence[str] | None = None,
        max_codes: int = 1500,
        **traits: object,
    ) -> "LatentExplorer":
        """Return an explorer of `model.decoder`.

        Args:
            model: has `decoder`, an nn.Sequential from L values to D pixels or logits.
            codes: test codes to show, such as the means of q(z|x), shape (N, L).
            labels: their classes, integers from 0 to 255, shape (N,).
            image_shape: (H, W) or (C, H, W) with C 1 or 3; its product is D.
            output: "sigmoid" (the decoder gives logits) or "identity" (it gives pixels). When
                None: what agrees with `model.mean_image`, else identity after a Sigmoid, else
                sigmoid.
            prior: False for an autoencoder: random codes then come from a Gaussian fitted to
                the codes, and no prior density is shown.
            label_names: one name for each class; the numbers when None.
            max_codes: show at most this many codes, evenly spaced over the N.
            **traits: `z`, `axes` or `ink` to start from.

        Raises:
            TypeError: if the decoder has a layer that the browser cannot run.
            ValueError: if two shapes do not fit (the message names both), or if the browser's
                pictures would not be those of `model.mean_image`.
        """
        steps = add_output(export_decoder(model.decoder), model, output)
        dense = [step.weight for step in steps if step.kind == "dense"]
        latent_dim, n_pixels = dense[0].shape[1], dense[-1].shape[0]
        shape = image_shape_of(image_shape, n_pixels)
        codes, labels = thin_codes(codes, labels, latent_dim, max_codes)
        low, high = axis_ends(codes, prior)
        described, weights = pack_steps(steps)
        state = {
            "z": [0.0] * latent_dim,
            "axes": [0, 1] if latent_dim > 1 else [0, 0],
            "steps": described,
            "weights": weights,
            "image_shape": shape,
            "codes": pack_half(codes, "codes"),
            "labels": bytes(labels.tolist()),
            "label_names": class_names(labels, label_names),
            "low": low,
            "high": high,
            "gap_radius": gap_radius(codes),
            "prior": prior,
        }
        return cls(**(state | traits))

    @property
    def latent_dim(self) -> int:
        """L, the number of values in a code."""
        return self.steps and next(s["inputs"] for s in self.steps if s["kind"] == "dense")

    def __repr__(self) -> str:
        channels, height, width = self.image_shape or (0, 0, 0)
        picture = f"{height}x{width}" + ("" if channels == 1 else f" in {channels} channels")
        shown = len(self.codes) // (2 * max(self.latent_dim, 1))
        return f"LatentExplorer({self.latent_dim} latent dimensions, {picture}, {shown} codes)"

    @traitlets.validate("z")
    def _check_z(self, proposal: dict) -> list[float]:
        z = proposal["value"]
        if self.steps and len(z) != self.latent_dim:
            raise traitlets.TraitError(
                f"z has {len(z)} values but the decoder takes {self.latent_dim}"
            )
        if not all(math.isfinite(value) for value in z):
            raise traitlets.TraitError(f"z must be finite, but it is {z}")
        return z

    @traitlets.validate("axes")
    def _check_axes(self, proposal: dict) -> list[int]:
        axes = proposal["value"]
        if len(axes) != 2 or (self.steps and not all(0 <= a < self.latent_dim for a in axes)):
            raise traitlets.TraitError(
                f"axes must be two dimensions from 0 to {self.latent_dim - 1}, but they are {axes}"
            )
        return axes


def image_shape_of(image_shape: Sequence[int], n_pixels: int) -> list[int]:
    """Return (C, H, W), or raise if it does not hold the decoder's pixels."""
    shape = [1, *image_shape] if len(image_shape) == 2 else list(image_shape)
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"image_shape must be (H, W), (1, H, W) or (3, H, W), not {image_shape}")
    if math.prod(shape) != n_pixels:
        raise ValueError(
            f"image_shape {tuple(image_shape)} holds {math.prod(shape)} pixels "
            f"but the decoder gives {n_pixels}"
        )
    return [int(size) for size in shape]
