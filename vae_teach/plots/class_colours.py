"""The colours of the ten classes: the same in every figure, film and widget, in light and dark.

The ten were found by a search, not by taste. Each has a contrast of 3:1 or more with white paper
and with the book's dark ground, and the two nearest are as far apart as that leaves room for, for
full colour vision and for the three kinds of colour blindness (tests/plots/test_class_colours.py).
Colour alone does not carry ten classes: what is drawn in them also has names.
"""

CLASS_COLOURS = (
    "#3391ff",
    "#f95c4b",
    "#1e9d1d",
    "#c70866",
    "#5e41fb",
    "#875d01",
    "#ce6fc0",
    "#8e9381",
    "#ad05c8",
    "#655f90",
)


def css_rules(selector: str) -> str:
    """Style-sheet text that names the colours --class-0 to --class-9 for a selector."""
    names = " ".join(f"--class-{k}: {colour};" for k, colour in enumerate(CLASS_COLOURS))
    return f"{selector} {{ {names} }}\n"
