"""What the tests of the figures share."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """Pyplot keeps every figure until it is told, and warns at the twentieth."""
    yield
    plt.close("all")
