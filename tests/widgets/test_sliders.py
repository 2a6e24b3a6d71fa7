"""A slider's range: stated by its trait, and taken from there by whoever needs it."""

import math

import pytest
import traitlets

from vae_teach.widgets import BoundExplorer, KLExplorer, Reparameterization

SLIDERS = [
    (widget, name, *ends)
    for widget in (BoundExplorer, KLExplorer, Reparameterization)
    for name, ends in widget().limits.items()
]


@pytest.mark.parametrize(("widget", "name", "low", "high"), SLIDERS)
def test_a_slider_takes_its_ends_and_nothing_beyond(widget, name, low, high):
    """NaN too is refused: a comparison that asks whether it lies outside would let it pass."""
    for end in (low, high):
        assert getattr(widget(**{name: end}), name) == end
    message = f"^{name} must be from {low:g} to {high:g}, but it is "
    for wrong in (low - 0.01, high + 0.01, math.nan):
        with pytest.raises(traitlets.TraitError, match=message):
            widget(**{name: wrong})


@pytest.mark.parametrize(("widget", "name", "low", "high"), SLIDERS)
def test_the_help_of_a_slider_says_its_range(widget, name, low, high):
    """Written by hand it would stay when the range moves."""
    assert widget.class_traits()[name].help.endswith(f", from {low:g} to {high:g}")


def test_no_one_sets_the_limits():
    """The browser would believe them, and the trait would not."""
    with pytest.raises(traitlets.TraitError):
        BoundExplorer().limits = {"mu": [-9, 9]}


def test_what_is_no_number_is_refused():
    with pytest.raises(traitlets.TraitError, match="mu"):
        BoundExplorer(mu="left")
