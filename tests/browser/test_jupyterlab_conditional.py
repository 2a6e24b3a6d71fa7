"""Chapter 14's widgets in a real JupyterLab: both sides share one state."""

import time

import pytest
from nbformat.v4 import new_code_cell
from playwright.sync_api import expect
from test_jupyterlab import lab, open_notebook, run_cell  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.jupyterlab]

EXPLORER = """\
from vae_teach.models.conditional import CVAE
from vae_teach.widgets import ConditionalExplorer
explorer = ConditionalExplorer.from_model(CVAE(784, 10, (8,), 3, (20,), seed=0))
explorer"""
PAINTER = """\
from vae_teach.models.conditional import CVAE, Regressor
from vae_teach.widgets import ColumnPainter
cvae, regressor = CVAE(756, 28, (8,), 3, (20,), seed=0), Regressor(756, 28, (20,), seed=0)
painter = ColumnPainter.from_models(cvae, regressor)
painter"""


def expect_printed(page, cell: int, text: str) -> None:
    """Run a cell until it prints this: ipywidgets sends the last of several changes later."""
    output = page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-output")
    deadline = time.monotonic() + 10
    run_cell(page, cell)
    while text not in output.inner_text() and time.monotonic() < deadline:
        run_cell(page, cell)
    expect(output).to_contain_text(text)


def test_a_digit_button_reaches_the_kernel_and_back(open_notebook):  # noqa: F811
    cells = [
        new_code_cell(EXPLORER),
        new_code_cell("print('asked for', explorer.condition.index(1.0))"),
        new_code_cell("explorer.mix = [0.0] * 4 + [1.0] + [0.0] * 5"),
    ]
    page = open_notebook("conditional.ipynb", cells)
    run_cell(page, 0)
    seven = page.get_by_role("button", name="Ask for 7")
    expect(seven).to_be_visible(timeout=30_000)
    assert page.locator("[data-vae-teach]").count() == 0, "the page snippet won over the live view"
    seven.click()
    expect_printed(page, 1, "asked for 7")
    run_cell(page, 2)
    expect(page.get_by_role("button", name="Ask for 4")).to_have_attribute("aria-pressed", "true")


def test_a_painted_column_reaches_the_kernel_and_back(open_notebook):  # noqa: F811
    """JupyterLab must not take the arrow keys and the space bar for its cells."""
    cells = [
        new_code_cell(PAINTER),
        new_code_cell("print('ink in rows', [k for k, v in enumerate(painter.given) if v])"),
        new_code_cell("painter.given = [0] * 27 + [1]"),
    ]
    page = open_notebook("painter.ipynb", cells)
    run_cell(page, 0)
    first = page.get_by_role("checkbox", name="row 1", exact=True)
    expect(first).to_be_visible(timeout=30_000)
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "Space", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("checkbox", name="row 4", exact=True)).to_be_checked()
    expect_printed(page, 1, "ink in rows [2, 3]")
    run_cell(page, 2)
    expect(page.get_by_role("checkbox", name="row 28")).to_be_checked()
    expect(first).not_to_be_checked()
