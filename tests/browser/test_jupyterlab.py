"""The widgets in a real JupyterLab: a live kernel behind them, and their sliders in front.

The server, its kernel and every file they write live in a temporary folder and end with the test.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from cell_names import needed
from explorer_page import picture
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, expect

from vae_teach.widgets.parts.reopened import SENTENCE

pytestmark = [pytest.mark.browser, pytest.mark.jupyterlab]

CHAPTER = Path(__file__).parents[2] / "notebooks" / "07_vae.ipynb"
CHAPTER_TAG = "explorer"  # on the cell that makes and shows the chapter's explorer
TOKEN = "loopback-only"

SMALL = """\
import torch
from vae_teach.models import VAE
from vae_teach.widgets import LatentExplorer
explorer = LatentExplorer.from_model(VAE(latent_dim={latent_dim}, seed=0), {codes})
explorer"""
READ_Z = "print('z is', [round(float(value), 2) for value in {name}.z])"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab server's address and its notebook folder."""
    home = tmp_path_factory.mktemp("jupyter")
    root = home / "notebooks"
    root.mkdir()
    environment = os.environ | {
        f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    environment |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    write_settings(home)
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *server_options(home, root)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its kernels can be ended with it
        )
        try:
            yield wait_for_server(server, home), root
        finally:
            server.send_signal(signal.SIGTERM)  # it shuts its kernels down
            try:
                server.wait(timeout=20)
            finally:
                end_group(server.pid)


def end_group(pid: int) -> None:
    """End what is left of the server's own process group: nothing, if it ended well."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def server_options(home: Path, root: Path) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",  # the system picks a free one
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.user_settings_dir={home / 'settings'}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]


def write_settings(home: Path) -> None:
    """Ask no other host for news or updates, and keep every cell of a long notebook in the page."""
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    announcements = "@jupyterlab/apputils-extension:announcements"
    page_config.write_text(json.dumps({"disabledExtensions": {announcements: True}}))
    tracker = home / "settings" / "@jupyterlab" / "notebook-extension"
    tracker.mkdir(parents=True)
    (tracker / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))


def wait_for_server(server: subprocess.Popen, home: Path) -> str:
    """Return the address once it answers; fail with the log if it ends first."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        for file in (home / "runtime").glob("jpserver-*.json"):
            try:
                address = json.loads(file.read_text())["url"]
                urlopen(f"{address}api?token={TOKEN}", timeout=5).close()
                return address
            except (OSError, ValueError):  # half written, or not listening yet
                continue
        time.sleep(0.1)  # between two looks; what is waited for is the answer
    pytest.fail("JupyterLab did not start:\n" + (home / "server.log").read_text()[-2000:])


@pytest.fixture
def open_notebook(lab, browser):
    """Open a notebook made of the given cells; only the server itself may be asked for anything."""
    address, root = lab
    contexts, elsewhere, uncaught = [], [], []

    def open_notebook(name: str, cells: list, **options) -> Page:
        nbformat.write(new_notebook(cells=cells, metadata=PYTHON), root / name)
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: is_local(r.url, address) or elsewhere.append(r.url))
        page.on("pageerror", lambda error: uncaught.append(str(error)))
        workspace = Path(name).stem  # its own, or JupyterLab opens the last notebooks again
        page.goto(f"{address}lab/workspaces/{workspace}/tree/{name}?token={TOKEN}")
        expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(
            sum(cell.cell_type == "code" for cell in cells), timeout=60_000
        )
        page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )
        return page

    yield open_notebook
    for context in contexts:
        context.close()
    assert elsewhere == []
    assert uncaught == []


PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def is_local(url: str, address: str) -> bool:
    return url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))


def run_cell(page: Page, index: int) -> None:
    """Run one cell, wait until the kernel has answered, and fail on an error it did not expect."""
    error = page.evaluate(
        """async (index) => {
          const notebook = jupyterapp.shell.currentWidget.content;
          notebook.activeCellIndex = index;
          await jupyterapp.commands.execute("notebook:run-cell");
          const { outputs, sharedModel } = notebook.widgets[index].model;
          if ((sharedModel.getMetadata("tags") ?? []).includes("raises-exception")) return null;
          const error = outputs?.toJSON().find((output) => output.output_type === "error");
          return error && `${error.ename}: ${error.evalue}`;
        }""",
        index,
    )
    assert not error, f"cell {index}: {error}"


def kernel_z(page: Page, reader: int) -> list[float]:
    """Run the notebook's reading cell; z as Python has it."""
    run_cell(page, reader)
    output = page.locator(".jp-Notebook .jp-Cell").nth(reader).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("z is")
    return json.loads(re.search(r"z is (\[.*\])", output.inner_text())[1])


def expect_kernel_z(page: Page, reader: int, expected: list[float]) -> None:
    """Wait until Python has this z: ipywidgets sends the last of several changes a little later."""
    deadline = time.monotonic() + 10
    while (z := kernel_z(page, reader)) != expected and time.monotonic() < deadline:
        pass
    assert z == expected


def wait_until_changed(page: Page, before: list[int], timeout: float = 10_000) -> None:
    page.wait_for_function(
        """before => {
          const canvas = document.querySelector(".latent-explorer .picture");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return before.some((red, i) => red !== data[4 * i]);
        }""",
        arg=before,
        timeout=timeout,
    )


def check_live_explorer(page: Page, cell: int, reader: int) -> None:
    """Move a slider and the pad by keyboard; the picture and the kernel's z follow."""
    explorer = page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".latent-explorer")
    slider = explorer.get_by_role("slider", name="z[0]", exact=True)
    expect(slider).to_be_visible(timeout=30_000)
    assert page.locator("[data-vae-teach]").count() == 0, "the page snippet won over the live view"
    before, z_before = picture(explorer), kernel_z(page, reader)
    slider.press("End")
    wait_until_changed(page, before)
    end = float(slider.get_attribute("max"))
    assert end != z_before[0]
    expect_kernel_z(page, reader, [end, *z_before[1:]])
    for _ in range(3):  # in JupyterLab's command mode the arrow keys change cells, Enter edits one
        explorer.get_by_role("application", name="Pad").press("ArrowUp")
        explorer.get_by_role("application", name="Pad").press("ArrowDown")
        slider.press("ArrowDown")
        explorer.get_by_role("button", name="Back to 0").press("Enter")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex") == cell
    expect_kernel_z(page, reader, [0.0] * len(z_before))


def test_a_chapters_links_read_well_and_its_solutions_are_folded(open_notebook, lab):
    """Fails if the metadata folds nothing, or a link beside the notebook opens nothing."""
    _, root = lab
    (root / "glossary.md").write_text("# Glossary\n\nThe words.\n")
    solution = new_code_cell("answer = 42\nanswer", metadata={"tags": ["solution"]})
    solution.metadata.jupyter = {"source_hidden": True}
    text = "The [evidence](glossary.md#evidence) of ([Doersch, 2016](glossary.md#doersch))."
    page = open_notebook("reading.ipynb", [new_markdown_cell(text), solution])
    notebook = page.locator(".jp-Notebook")
    expect(notebook.locator(".jp-MarkdownCell")).to_contain_text("The evidence of (Doersch, 2016).")
    expect(notebook.get_by_text("answer = 42")).to_be_visible()  # the line that stands for the cell
    expect(notebook.locator(".jp-CodeCell .cm-editor")).to_have_count(0)
    notebook.get_by_role("link", name="evidence").click()
    expect(page.get_by_role("tab", name="glossary.md")).to_be_visible()


@pytest.mark.parametrize("latent_dim", [2, 20])
def test_a_slider_in_jupyterlab_moves_the_picture_and_the_kernels_z(open_notebook, latent_dim):
    """JupyterLab prefers the live view to the HTML beside it, and both sides share one state."""
    codes = f"torch.eye({latent_dim}).repeat(50, 1), torch.arange({50 * latent_dim}) % 10"
    cells = [
        new_code_cell(SMALL.format(latent_dim=latent_dim, codes=codes)),
        new_code_cell(READ_Z.format(name="explorer")),
        new_code_cell("explorer.z = [1.5] + explorer.z[1:]"),
    ]
    page = open_notebook(f"small_{latent_dim}.ipynb", cells)
    run_cell(page, 0)
    check_live_explorer(page, cell=0, reader=1)
    run_cell(page, 2)  # and the other way round
    expect(page.get_by_role("slider", name="z[0]", exact=True)).to_have_js_property("value", "1.5")


def test_two_views_of_one_explorer_and_a_linked_slider_share_its_state(open_notebook):
    """An explorer in an HBox, shown twice, without test codes (an empty buffer on the wire)."""
    cells = [
        new_code_cell(SMALL.format(latent_dim=2, codes="None") + "\n"),
        new_code_cell(
            "import ipywidgets\n"
            "dial = ipywidgets.FloatSlider(min=-3, max=3, description='linked')\n"
            "ipywidgets.link((explorer, 'z'), (dial, 'value'),\n"
            "                transform=(lambda z: z[0], lambda v: [v, explorer.z[1]]))\n"
            "ipywidgets.HBox([explorer, dial])"
        ),
    ]
    page = open_notebook("two_views.ipynb", cells)
    run_cell(page, 0)
    run_cell(page, 1)
    views = page.locator(".latent-explorer")
    expect(views).to_have_count(2)
    first, second = views.nth(0), views.nth(1)
    assert second.bounding_box()["width"] > 250  # an HBox must not squeeze it to nothing
    second.get_by_role("slider", name="z[0]").press("End")
    expect(first.get_by_role("slider", name="z[0]")).to_have_js_property("value", "3")
    expect(page.locator(".widget-readout")).to_have_text("3.00")
    assert picture(first) == picture(second)


@pytest.mark.timeout(1200)  # it trains what the chapter trains; a busy machine takes its time
@pytest.mark.skipif(not CHAPTER.exists(), reason=f"{CHAPTER.name} is not written yet")
def test_the_chapters_own_explorer_cell_is_live(open_notebook):
    """All that the chapter's explorer is made of, then the slider."""
    check_notebook(open_notebook, CHAPTER, CHAPTER_TAG, name="explorer")


def check_notebook(open_notebook, path: Path, tag: str, name: str) -> None:
    """Run the cell with this tag after those it needs; `name` is the variable with the widget."""
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    tagged = [i for i, cell in enumerate(cells) if tag in cell.metadata.get("tags", [])]
    assert len(tagged) == 1, f"{path.name} has {len(tagged)} cells tagged {tag!r}, not one"
    cells = [cells[n] for n in needed(notebook, tagged[0])]
    cells.append(new_code_cell(READ_Z.format(name=name)))
    page = open_notebook(path.name, cells)
    page.set_default_timeout(300_000)  # the chapter trains a model first
    for index in range(len(cells) - 1):
        run_cell(page, index)
    page.set_default_timeout(30_000)
    check_live_explorer(page, cell=len(cells) - 2, reader=len(cells) - 1)


# --- chapter 14's widgets ---------------------------------------------------------------------

CONDITIONAL = """\
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


def test_a_digit_button_reaches_the_kernel_and_back(open_notebook):
    cells = [
        new_code_cell(CONDITIONAL),
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


def test_a_painted_column_reaches_the_kernel_and_back(open_notebook):
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


# --- a notebook that was saved with a widget and is opened again --------------------------------

WIDGET = "from vae_teach.widgets import KLExplorer\nKLExplorer()"


@pytest.mark.parametrize("trusted", [True, False], ids=["one's own", "a stranger's"])
def test_a_widget_without_its_kernel_asks_to_be_run(lab, open_notebook, trusted):
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
