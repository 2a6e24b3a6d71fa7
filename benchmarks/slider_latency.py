"""How long from moving a slider to the new picture? Measured in a real, headless Chromium.

Protocol: the latent explorer in a page written by `to_html` (2 and 20 latent dimensions, 400
hidden units, 784 pixels, 1,500 test codes), opened from file:// with no network. Each move is a
trusted key press on a slider, sent through the browser's own input queue; the sliders take turns,
and a move starts only after the one before it has reached the screen. For each move:

- pixels: from the key's time stamp until the canvas, read back, holds the new picture (bar: 16 ms);
- frame: until the frame that shows it has been produced. Frames come every 16.7 ms, so this one
  cannot be much faster whatever the widget does: an input waits half of that on average.

"decoder alone" is 1,000 calls of the decoder in the same browser. The first 20 moves warm up and
are not counted. The bar counts for an otherwise idle machine.

Run: python benchmarks/slider_latency.py [--moves 300]
"""

import argparse
import base64
import statistics
import sys
import tempfile
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

from vae_teach.commands.doctor import find_browser
from vae_teach.models import VAE
from vae_teach.widgets import LatentExplorer
from vae_teach.widgets.parts import base
from vae_teach.widgets.parts.bundle import bundle

BAR = 16.0  # ms, 95th percentile
WARM_UP = 20
BELOW = 3  # the exit status of a measurement below its target; 1 is a crash
WIDGETS = Path(base.__file__).parents[1]

# Listens on the document, so after the widget's own listeners: its work is done when this runs.
WATCH = """() => {
  const canvas = document.querySelector(".picture");
  const context = canvas.getContext("2d");
  const read = () => context.getImageData(0, 0, canvas.width, canvas.height).data.join();
  let pressed = 0;
  let before = read();
  document.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  document.addEventListener("input", () => {
    const after = read();
    const pixels = performance.now() - pressed;
    const changed = after !== before;
    before = after;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel(); // answers after this frame has been painted
      port1.onmessage = () =>
        window.finish({ pixels, changed, frame: performance.now() - pressed });
      port2.postMessage(null);
    });
  });
  window.nextMove = () => (window.move = new Promise((done) => (window.finish = done)));
}"""

DECODER_ALONE = """async ({ modules, steps, weights, latentDim, calls }) => {
  const load = (text) =>
    import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const [{ makeDecoder }, { unpackHalves }] = await Promise.all(modules.map(load));
  const bytes = Uint8Array.from(atob(weights), (char) => char.charCodeAt(0));
  const decode = makeDecoder(steps, unpackHalves(new DataView(bytes.buffer)));
  const times = [];
  for (let call = 0; call < calls; call++) {
    const z = Array.from({ length: latentDim }, () => 4 * Math.random() - 2);
    const start = performance.now();
    decode(z);
    times.push(performance.now() - start);
  }
  return times;
}"""


def make_explorer(latent_dim: int) -> LatentExplorer:
    """Return an untrained explorer: the arithmetic does not depend on the weights."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(1500, latent_dim, generator=generator)
    return LatentExplorer.from_model(
        VAE(latent_dim=latent_dim, seed=0), codes, torch.arange(1500) % 10
    )


def measure_moves(page: Page, moves: int) -> list[dict]:
    """Press an arrow key on one slider after another, back and forth."""
    page.evaluate(WATCH)
    sliders = page.get_by_role("slider").all()
    results = []
    for move in range(moves + WARM_UP):
        sliders[move % len(sliders)].focus()
        page.evaluate("() => { nextMove(); }")
        rightward = (move // len(sliders)) % 20 < 10
        page.keyboard.press("ArrowRight" if rightward else "ArrowLeft")
        results.append(page.evaluate("() => move"))
    unchanged = sum(not result["changed"] for result in results)
    if unchanged:
        raise RuntimeError(f"{unchanged} of {len(results)} moves left the picture as it was")
    return results[WARM_UP:]


def measure_decoder(page: Page, explorer: LatentExplorer, calls: int = 1000) -> list[float]:
    """Time the decoder without the page around it."""
    argument = {
        "modules": [bundle(WIDGETS / "parts" / f"{name}.js") for name in ("decoder", "float16")],
        "steps": explorer.steps,
        "weights": base64.b64encode(explorer.weights).decode(),
        "latentDim": explorer.latent_dim,
        "calls": calls,
    }
    return page.evaluate(DECODER_ALONE, argument)[WARM_UP:]


def summary(times: list[float]) -> str:
    return f"median {statistics.median(times):6.2f} ms   95 % {percentile_95(times):6.2f} ms"


def percentile_95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def main() -> int:
    """Print the table; status 3 if a 95th percentile is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=300, help="moves counted, at least 200")
    parser.add_argument("--chromium", default=find_browser(), help="the browser to measure")
    arguments = parser.parse_args()
    chromium = arguments.chromium
    if chromium is None:
        parser.error("no Chromium found: install it, or give its path with --chromium")
    slow = False
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--disable-gpu"], chromium_sandbox=False
        )
        print(f"Chromium {browser.version}, {max(arguments.moves, 200)} moves")
        for latent_dim in (2, 20):
            explorer = make_explorer(latent_dim)
            page = browser.new_context(offline=True).new_page()
            page.goto(explorer.to_html(Path(folder) / f"{latent_dim}.html").as_uri())
            page.locator("[data-vae-teach=ready]").wait_for()
            results = measure_moves(page, max(arguments.moves, 200))
            pixels = [result["pixels"] for result in results]
            slow |= percentile_95(pixels) > BAR
            print(f"\n{latent_dim}-400-784")
            print("  decoder alone  ", summary(measure_decoder(page, explorer)))
            print("  slider to pixels", summary(pixels), f"  (bar {BAR:.0f} ms)")
            print("  slider to frame ", summary([result["frame"] for result in results]))
        browser.close()
    return BELOW if slow else 0


if __name__ == "__main__":
    sys.exit(main())
