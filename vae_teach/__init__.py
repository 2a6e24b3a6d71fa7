"""The code behind the book: formulas, models, training, figures and widgets."""

__version__ = "0.1.0"
