"""A real Chromium: headless, with no network, and strict about what the page says.

`open_page` fails the test on any console error, page error, or request to another host. Tests
find things by role and wait for states, never for a number of seconds.
"""

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

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


class Window:
    """A page in a context of its own that is kept for later tests, and who hears its complaints."""

    # What a page can take on later; everything else is decided when the context is made.
    MEDIA: ClassVar = {
        "color_scheme": "light",
        "reduced_motion": "no-preference",
        "forced_colors": "none",
    }
    SIZE: ClassVar = {"width": 1280, "height": 720}

    def __init__(self, browser, **lasting) -> None:
        self.context = browser.new_context(offline=True, viewport=self.SIZE, **lasting)
        self.context.route("**/*", self._abort_unless_local)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.heard.get(m.type, []).append(m.text))
        self.page.on("pageerror", lambda error: self.heard["error"].append(f"uncaught: {error}"))

    def _abort_unless_local(self, route) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            self.heard["error"].append(f"request to {route.request.url}")
            route.abort()

    def open(self, path: Path, heard: dict[str, list[str]], **options) -> None:
        """Load the page; the options are those of this window that a page can take on."""
        self.heard = heard
        size = options.pop("viewport", self.SIZE)
        self.page.emulate_media(media="null", **{**self.MEDIA, **options})
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)
        self.page.goto(path.as_uri())

    def can_be_used_again(self) -> bool:
        """Leave the page as a new one has it: false if a test has put in a clock of its own."""
        return self.page.evaluate(
            """() => {
              localStorage.clear();
              sessionStorage.clear();
              return Function.prototype.toString.call(Date).includes("[native code]");
            }"""
        )


@pytest.fixture(scope="module")
def opening(browser, request) -> Iterator[Callable]:
    """`with opening() as open_page`: pages that end together, and fail then if one complained.

    A new context with its process costs as much as a test, so windows are kept for later pages,
    but not by a module that says `KEEP_WINDOWS = False`.
    """
    keeps = getattr(request.module, "KEEP_WINDOWS", True)
    free: dict[str, list[Window]] = {}  # by what they were made with

    @contextmanager
    def opening() -> Iterator[Callable]:
        taken, complaints, warnings = [], [], []
        heard = {"error": complaints, "warning": warnings}

        def open_page(path: Path, **options):
            own = {
                name: options.pop(name) for name in (*Window.MEDIA, "viewport") if name in options
            }
            kept = free.setdefault(repr(sorted(options.items())), [])
            window = kept.pop() if kept else Window(browser, **options)
            taken.append((kept, window))
            window.open(path, heard, **own)
            return window.page

        open_page.complaints, open_page.warnings = complaints, warnings
        yield open_page
        for kept, window in taken:
            if keeps and window.can_be_used_again():
                kept.append(window)
            else:
                window.context.close()
        assert complaints == []

    yield opening
    for window in itertools.chain(*free.values()):
        window.context.close()


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
