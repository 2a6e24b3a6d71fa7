"""The latent explorer: choose a code z, and see at once what the decoder makes of it.

The decoder itself runs in the browser (decoder.js), so the explorer answers in a static
page as it does in JupyterLab. This half holds state, units and validation.
Shapes: N codes, L latent dimensions, D pixels.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import traitlets
from torch import Tensor, nn

from vae_teach.plots.class_colours import css_rules
from vae_teach.validation import kind
from vae_teach.widgets.parts import validation
from vae_teach.widgets.parts.base import TeachingWidget
from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.codes import axis_ends, class_names, gap_radius, thin_codes
from vae_teach.widgets.parts.decoder import (
    Step,
    export_decoder,
    join_halves,
    pack_half,
    pack_steps,
    pixels_ending,
)
from vae_teach.widgets.parts.examples import pack_examples
from vae_teach.widgets.parts.shapes import image_shape_of, ink_of

_HERE = Path(__file__)


class LatentExplorer(TeachingWidget):
    """A pad over coloured test codes, a slider per latent dimension, and the decoded picture.

    Make one with `LatentExplorer.from_model`, or with `LatentExplorer.compare` for several models
    at the same coordinates. `z`, `axes`, `example`, `highlight` and `cloud` may be set, observed
    and linked.
    """

    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css")) + css_rules(".latent-explorer")

    z = traitlets.List(traitlets.Float(), help="the code shown, L values").tag(sync=True)
    axes = traitlets.List(
        traitlets.Int(), [0, 1], help="the two latent dimensions on the pad: across, up"
    ).tag(sync=True)
    steps = traitlets.List(traitlets.Dict(), help="the decoder's steps").tag(sync=True)
    weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int(), help="(C, H, W)").tag(sync=True)
    codes = traitlets.Bytes(help="(N, L) packed float16").tag(sync=True)
    labels = traitlets.Bytes(help="(N,) uint8, or empty").tag(sync=True)
    total_codes = traitlets.Int(0, help="how many there were, of which N are shown").tag(sync=True)
    label_names = traitlets.List(traitlets.Unicode(), help="by class").tag(sync=True)
    low = traitlets.List(traitlets.Float(), help="left end of each slider").tag(sync=True)
    high = traitlets.List(traitlets.Float(), help="right end of each slider").tag(sync=True)
    gap_radius = traitlets.Float(
        0.0, help="19 of 20 test codes have a neighbour within this distance"
    ).tag(sync=True)
    prior = traitlets.Bool(True, help="whether N(0, I) is the model's prior").tag(sync=True)
    ink = traitlets.Enum(["white", "black"], "white", help="how 1 is drawn").tag(sync=True)
    example = traitlets.Int(-1, help="the test picture chosen, or -1").tag(sync=True)
    highlight = traitlets.Int(-1, help="the class whose codes stand out, or -1").tag(sync=True)
    cloud = traitlets.Int(0, help="of several models, whose codes lie on the pad").tag(sync=True)
    examples = traitlets.Bytes(help="(M, D) uint8 test pictures").tag(sync=True)
    example_labels = traitlets.Bytes(help="(M,) uint8, or empty").tag(sync=True)
    posteriors = traitlets.Bytes(help="(M, 2, L) packed float16: mean, sd").tag(sync=True)
    captions = traitlets.List(traitlets.Unicode(), help="by model; empty for one").tag(sync=True)
    more = traitlets.List(traitlets.Dict(), help="the models compared with").tag(sync=True)
    more_weights = traitlets.Bytes(help="their numbers, packed float16").tag(sync=True)
    more_codes = traitlets.Bytes(help="their codes, packed float16").tag(sync=True)

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
        examples: Tensor | None = None,
        example_labels: Tensor | None = None,
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
            max_codes: show at most this many codes, evenly spaced over the N; the page says of how
                many. A code adds 2 bytes for each latent dimension to the page.
            examples: test pictures (M, D) that the reader can drop onto the pad; `model.encode`
                says where they lie.
            example_labels: their classes, shape (M,).
            **traits: `z`, `axes`, `example`, `highlight` or `ink` to start from; ink is black for
                grey pictures.

        Raises:
            TypeError: if the model has no decoder, or its decoder a layer that the browser cannot
                run, or if a keyword is no trait.
            ValueError: if two shapes do not fit (the message names both), or if the browser's
                pictures would not be those of `model.mean_image`.
        """
        if not hasattr(model, "decoder"):
            raise TypeError(f"the explorer needs a model with a decoder, not {kind(model)}")
        decoder: Any = model.decoder  # a Tensor, as far as the type of nn.Module says
        steps = export_decoder(decoder)
        latent_dim, n_pixels = _sizes(steps)
        steps = pixels_ending(steps, *_tried(model, latent_dim), output)
        shape = image_shape_of(image_shape, n_pixels)
        total_codes = 0 if codes is None else len(codes)
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
            "total_codes": total_codes,
            "label_names": class_names(labels, label_names),
            "low": low,
            "high": high,
            "gap_radius": gap_radius(codes),
            "prior": prior,
            "ink": ink_of(shape),
        }
        state |= pack_examples(
            model, examples, example_labels, n_pixels=n_pixels, latent_dim=latent_dim
        )
        return cls(**(state | traits))

    @classmethod
    def compare(
        cls,
        models: Mapping[str, nn.Module],
        codes: Mapping[str, Tensor],
        labels: Tensor | None = None,
        *,
        prior: bool = True,
        max_codes: int = 800,
        **options: Any,
    ) -> "LatentExplorer":
        """Return one explorer of several models: the same z, a picture from each decoder.

        Args:
            models: by caption, the first one's codes are shown first.
            codes: by the same captions, test codes of the same N pictures, each (N, L).
            labels: their classes, shape (N,).
            prior: whether N(0, I) is the prior of all of them.
            max_codes: show at most this many codes of each model.
            **options: the other arguments of `from_model`, but `examples`.

        Raises:
            ValueError: if captions, latent dimensions, picture sizes or numbers of codes differ,
                naming both sides, or if there are examples.
        """
        if {"examples", "example_labels"} & set(options):
            raise ValueError(
                "examples have a posterior in each model: show them with from_model, one by one"
            )
        if list(models) != list(codes) or len(models) < 2:
            raise ValueError(
                f"two models or more are wanted, with codes of each: models are {list(models)}, "
                f"codes are of {list(codes)}"
            )
        parts = {
            name: cls.from_model(
                model, codes[name], labels, prior=prior, max_codes=max_codes, **options
            )
            for name, model in models.items()
        }
        first, *others = parts.values()
        for name, part in parts.items():
            _require_like(first, part, next(iter(parts)), name)
        first.low = [min(ends) for ends in zip(*(p.low for p in parts.values()), strict=True)]
        first.high = [max(ends) for ends in zip(*(p.high for p in parts.values()), strict=True)]
        first.captions = list(parts)
        first.more = [
            {
                "steps": part.steps,
                "numbers": len(part.weights) // 2,
                "codes": len(part.codes) // 2,
                "gap_radius": part.gap_radius,
            }
            for part in others
        ]
        first.more_weights = join_halves([part.weights for part in others])
        first.more_codes = join_halves([part.codes for part in others])
        return first

    @property
    def latent_dim(self) -> int:
        """L, the number of values in a code; 0 for an explorer without a decoder."""
        return next((s["inputs"] for s in self.steps if s["kind"] == "dense"), 0)

    def __repr__(self) -> str:
        channels, height, width = self.image_shape or (0, 0, 0)
        picture = f"{height}x{width}" + ("" if channels == 1 else f" in {channels} channels")
        shown = len(self.codes) // (2 * max(self.latent_dim, 1))
        return f"LatentExplorer({self.latent_dim} latent dimensions, {picture}, {shown} codes)"

    @traitlets.validate("z")
    def _check_z(self, proposal: dict) -> list[float]:
        return validation.code(proposal, self.latent_dim)

    @traitlets.validate("axes")
    def _check_axes(self, proposal: dict) -> list[int]:
        return validation.axes(proposal, self.latent_dim)

    @traitlets.validate("example")
    def _check_example(self, proposal: dict) -> int:
        count = len(self.examples) // math.prod(self.image_shape or [1])
        return validation.index(proposal, count, lowest=-1)

    @traitlets.validate("highlight")
    def _check_highlight(self, proposal: dict) -> int:
        return validation.index(proposal, len(self.label_names), lowest=-1)

    @traitlets.validate("cloud")
    def _check_cloud(self, proposal: dict) -> int:
        return validation.index(proposal, 1 + len(self.more))


@torch.no_grad()
def _tried(model: Any, latent_dim: int) -> tuple[Tensor, Tensor | None]:
    """What the decoder gives at a few codes, and the pixels it means, where the model says so."""
    z = torch.randn(8, latent_dim, generator=torch.Generator().manual_seed(0))
    z = z.to(next(model.decoder.parameters()))
    return model.decoder(z), model.mean_image(z) if hasattr(model, "mean_image") else None


def _sizes(steps: list[Step]) -> tuple[int, int]:
    """L and D of a decoder."""
    dense = [step.weight for step in steps if step.weight is not None]
    return dense[0].shape[1], dense[-1].shape[0]


def _require_like(one: LatentExplorer, other: LatentExplorer, name: str, other_name: str) -> None:
    """Refuse two explorers that cannot share z, a picture's size or their labels."""
    for what in ("latent_dim", "image_shape"):
        a, b = getattr(one, what), getattr(other, what)
        if a != b:
            raise ValueError(f"{name!r} has {what} {a}, but {other_name!r} has {b}")
    if len(one.codes) != len(other.codes):
        a, b = (len(w.codes) // (2 * w.latent_dim) for w in (one, other))
        raise ValueError(f"{name!r} has {a} codes, but {other_name!r} has {b}")
