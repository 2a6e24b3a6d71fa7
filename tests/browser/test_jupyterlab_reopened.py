"""A notebook that was saved with a widget and is opened again, in a real JupyterLab."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from playwright.sync_api import expect
from test_jupyterlab import lab, open_notebook, run_cell  # noqa: F401

from vae_teach.widgets.parts.reopened import SENTENCE

pytestmark = [pytest.mark.browser, pytest.mark.jupyterlab]
WIDGET = "from vae_teach.widgets import KLExplorer\nKLExplorer()"


@pytest.mark.parametrize("trusted", [True, False], ids=["one's own", "a stranger's"])
def test_a_widget_without_its_kernel_asks_to_be_run(lab, open_notebook, trusted):  # noqa: F811
    """It said "Error displaying widget: model not found", and a stranger's said nothing."""
    name = f"saved_{trusted}.ipynb"
    page = open_notebook(name, [new_code_cell(WIDGET)])
    run_cell(page, 0)
    expect(page.get_by_role("slider", name="mean μ of q")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(SENTENCE)).to_be_hidden()
    assert said_instead(page) == "none"
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    path = lab[1] / name
    saved = nbformat.read(path, as_version=4)
    kinds = [output.output_type for output in saved.cells[0].outputs]
    assert kinds == ["display_data", "execute_result"]
    if not trusted:
        saved.cells[0].source += "  # changed by somebody, so no longer signed"
        nbformat.write(saved, path)

    page.reload()
    output = page.locator(".jp-OutputArea-child").last
    if trusted:
        expect(output).to_contain_text("model not found", timeout=60_000)  # JupyterLab's own words
        assert said_instead(page) == f'"{SENTENCE}"'
        said = output.locator(".jp-OutputArea-output")
        assert said.evaluate("e => getComputedStyle(e).fontSize") == "0px"
        expect(page.locator(".jp-OutputArea-child").first).to_be_hidden()
    else:
        expect(output.get_by_text(SENTENCE)).to_be_visible(timeout=60_000)


def said_instead(page) -> str:
    """What the style sheet writes behind the last output."""
    return page.locator(".jp-OutputArea-output").last.evaluate(
        "e => getComputedStyle(e, '::after').content"
    )
