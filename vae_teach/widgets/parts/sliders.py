"""Traits that a slider sets: each states its range once, for Python, its help and the browser."""

import traitlets

from vae_teach.widgets.parts.base import TeachingWidget


class Slider(traitlets.Float):
    """A number between two ends; the widget's JavaScript reads them from the trait `limits`.

    Setting it raises `traitlets.TraitError` outside the ends, and for NaN.

    Args:
        default: where the slider is at first.
        low: its left end.
        high: its right end.
        help: what the number is; the range is added.
    """

    def __init__(self, default: float, low: float, high: float, *, help: str):
        super().__init__(default, min=low, max=high, help=f"{help}, from {low:g} to {high:g}")
        self.tag(sync=True)

    def validate(self, obj: traitlets.HasTraits, value: object) -> float:
        """Return the value as a float; traitlets' own check would let NaN pass."""
        if isinstance(value, int | float) and not self.min <= value <= self.max:
            raise traitlets.TraitError(
                f"{self.name} must be from {self.min:g} to {self.max:g}, but it is {value:g}"
            )
        return super().validate(obj, value)


class SliderWidget(TeachingWidget):
    """A widget with a slider for each trait that is a `Slider`."""

    limits = traitlets.Dict(read_only=True, help="the two ends of each slider").tag(sync=True)

    @traitlets.default("limits")
    def _read_limits(self) -> dict[str, list[float]]:
        sliders = {name: t for name, t in self.traits().items() if isinstance(t, Slider)}
        return {name: [slider.min, slider.max] for name, slider in sliders.items()}
