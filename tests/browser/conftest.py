"""A real Chromium: headless, with no network, and strict about what the page says.

`open_page` fails the test on any console error, page error, or request to another host. Tests
find things by role and wait for states, never for a number of seconds.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from absent import absent
from explorer_page import contrasty_vae
from playwright.sync_api import sync_playwright

from vae_teach.commands.doctor import find_browser
from vae_teach.widgets import LatentExplorer

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ROOT = Path(__file__).parents[2]
LOCAL = ("file:", "data:", "blob:", "about:", "chrome-error:")


def find_chromium() -> str | None:
    """Chromium's path, or None; a named one that is not there fails the tests."""
    found = find_browser()
    if found and not Path(found).is_file():
        pytest.fail(f"VAE_TEACH_CHROMIUM is {found}, but there is no such file")
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without Chromium, one skip line for a user and a failure in CI."""
    if item.get_closest_marker("browser") and find_chromium() is None:
        absent("the browser tests need Chromium: install it, or set VAE_TEACH_CHROMIUM")


@pytest.fixture(scope="module")  # while Playwright's event loop lives, others cannot start theirs
def browser() -> Iterator:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=FLAGS,
            # A reader's scroll bars are seen, and one under every formula was not noticed without.
            ignore_default_args=["--hide-scrollbars"],
            chromium_sandbox=False,  # root in a container has none; every page here is our own
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opening(browser) -> Callable:
    """`with opening() as open_page`: pages that close together, and fail then if one complained."""

    @contextmanager
    def opening() -> Iterator[Callable]:
        contexts, complaints, warnings = [], [], []
        heard = {"error": complaints, "warning": warnings}

        def abort_unless_local(route) -> None:
            if route.request.url.startswith(LOCAL):
                route.continue_()
            else:
                complaints.append(f"request to {route.request.url}")
                route.abort()

        def open_page(path: Path, **options):
            context = browser.new_context(offline=True, **options)
            contexts.append(context)
            context.route("**/*", abort_unless_local)
            page = context.new_page()
            page.on("console", lambda m: heard.get(m.type, []).append(m.text))
            page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
            page.goto(path.as_uri())
            return page

        open_page.complaints, open_page.warnings = complaints, warnings
        yield open_page
        for context in contexts:
            context.close()
        assert complaints == []

    return opening


@pytest.fixture
def open_page(opening) -> Iterator[Callable]:
    """Open a file with no network, for one test; keywords go to Playwright's `new_context`."""
    with opening() as open_page:
        yield open_page


@pytest.fixture(scope="session")
def axe() -> Path:
    """axe-core, in the version that package-lock.json names; npm brings it once."""
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        command = [npm or "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = npm and subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if not done or done.returncode != 0:
            absent(f"the accessibility tests need axe-core: {done.stderr if done else 'no npm'}")
    return script


@pytest.fixture(scope="session")
def make_explorer() -> Callable[..., LatentExplorer]:
    """An untrained model's explorer, with pictures as black and white as a trained one's."""

    def make_explorer(latent_dim: int = 2, n_codes: int = 200, **keywords) -> LatentExplorer:
        codes = torch.randn(n_codes, latent_dim, generator=torch.Generator().manual_seed(1))
        labels = torch.arange(n_codes) % 10
        model = contrasty_vae(latent_dim)
        return LatentExplorer.from_model(model, codes, keywords.pop("labels", labels), **keywords)

    return make_explorer
