"""The conditional explorer: choose what to ask for and in which style; the CVAE's decoder answers.

The decoder runs in the browser, so the explorer answers without a kernel. This half holds state,
units and validation. Shapes: N codes, L latent dimensions, C classes, D pixels.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
import traitlets
from torch import Tensor

from vae_teach.models.conditional import CVAE
from vae_teach.widgets.parts import validation
from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.codes import axis_ends, thin_codes
from vae_teach.widgets.parts.conditional_decoder import decoder_steps, prior_at, prior_steps
from vae_teach.widgets.parts.decoder import pack_half, pack_steps
from vae_teach.widgets.parts.shapes import image_shape_of, ink_of

_HERE = Path(__file__)


class ConditionalExplorer(TeachingWidget):
    """A button per class, weights for mixtures of classes, a pad and sliders for the style.

    Make one with `ConditionalExplorer.from_model`. `mix`, `z`, `axes` and `follow_prior` may be
    set, observed and linked.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"), "latent_explorer")

    mix = traitlets.List(
        traitlets.Float(), help="weight of each class, at least 0 and not all 0; c is their share"
    ).tag(sync=True)
    z = traitlets.List(traitlets.Float(), help="the code shown, L values").tag(sync=True)
    axes = traitlets.List(
        traitlets.Int(), [0, 1], help="the two latent dimensions on the pad: across, up"
    ).tag(sync=True)
    follow_prior = traitlets.Bool(
        True, help="with a learned p(z|c), move z along with the prior when c changes"
    ).tag(sync=True)
    steps = traitlets.List(traitlets.Dict(), help="the decoder's steps").tag(sync=True)
    weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    prior_steps = traitlets.List(traitlets.Dict(), help="from c to p(z|c), or empty").tag(sync=True)
    prior_weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int(), help="(C, H, W)").tag(sync=True)
    codes = traitlets.Bytes(help="(N, L) packed float16").tag(sync=True)
    labels = traitlets.Bytes(help="(N,) uint8, or empty").tag(sync=True)
    total_codes = traitlets.Int(0, help="how many there were, of which N are shown").tag(sync=True)
    names = traitlets.List(traitlets.Unicode(), help="of the classes").tag(sync=True)
    low = traitlets.List(traitlets.Float(), help="left end of each slider").tag(sync=True)
    high = traitlets.List(traitlets.Float(), help="right end of each slider").tag(sync=True)
    ink = traitlets.Enum(["white", "black"], "black", help="how 1 is drawn").tag(sync=True)

    @classmethod
    def from_model(
        cls,
        model: CVAE,
        codes: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        names: Sequence[str] | None = None,
        image_shape: Sequence[int] = (28, 28),
        max_codes: int = 800,
        **traits: object,
    ) -> "ConditionalExplorer":
        """Return an explorer of a CVAE whose condition is a one-hot class.

        Args:
            model: a `CVAE` whose decoder sees the condition.
            codes: test codes to show, such as the means of q(z|x, c), shape (N, L).
            labels: their classes, shape (N,).
            names: of the classes, C of them; their numbers when None.
            image_shape: (H, W) or (C, H, W) with C 1 or 3.
            max_codes: show at most this many codes, evenly spaced over the N.
            **traits: `mix`, `z`, `axes`, `follow_prior` or `ink` to start from.

        Raises:
            TypeError: if the model is no dense CVAE.
            ValueError: if two sizes do not fit; the message names both.
        """
        described, packed = pack_steps(decoder_steps(model))
        shape = image_shape_of(image_shape, model.n_pixels)
        prior_described, prior_packed = pack_steps(prior_steps(model))
        total_codes = 0 if codes is None else len(codes)
        codes, labels = thin_codes(codes, labels, model.latent_dim, max_codes)
        low, high = axis_ends(codes, prior=True)
        classes = [str(k) for k in range(model.condition_size)] if names is None else list(names)
        if len(classes) != model.condition_size:
            raise ValueError(
                f"names has {len(classes)} names but the condition has {model.condition_size}"
            )
        first = torch.eye(model.condition_size)[0]  # the class that is shown first
        state = {
            "steps": described,
            "weights": packed,
            "prior_steps": prior_described,
            "prior_weights": prior_packed,
            "image_shape": shape,
            "codes": pack_half(codes, "codes"),
            "labels": bytes(labels.tolist()),
            "total_codes": total_codes,
            "names": classes,
            "low": low,
            "high": high,
            "mix": first.tolist(),
            "z": prior_at(model, first)[0].tolist(),
            "axes": [0, 1] if model.latent_dim > 1 else [0, 0],
            "ink": ink_of(shape),
        }
        return cls(**(state | traits))

    @property
    def condition(self) -> list[float]:
        """c, the share of each class: a point of the simplex."""
        return [weight / sum(self.mix) for weight in self.mix]

    def __repr__(self) -> str:
        prior = "p(z | c) learned" if self.prior_steps else "p(z | c) = N(0, I)"
        return f"ConditionalExplorer({len(self.names)} classes, {len(self.low)} latent, {prior})"

    @traitlets.validate("mix")
    def _check_mix(self, proposal: dict) -> list[float]:
        mix = proposal["value"]
        if self.names and len(mix) != len(self.names):
            raise traitlets.TraitError(f"mix has {len(mix)} weights for {len(self.names)} classes")
        if not all(math.isfinite(w) and w >= 0 for w in mix) or (mix and sum(mix) <= 0):
            raise traitlets.TraitError(f"mix must be at least 0 and not all 0, but it is {mix}")
        return mix

    @traitlets.validate("z")
    def _check_z(self, proposal: dict) -> list[float]:
        return validation.code(proposal, len(self.low))

    @traitlets.validate("axes")
    def _check_axes(self, proposal: dict) -> list[int]:
        return validation.axes(proposal, len(self.low))
