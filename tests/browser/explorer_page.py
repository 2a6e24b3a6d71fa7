"""What the explorer's browser tests share: a model, its page's elements, its picture."""

import re
from pathlib import Path

import torch
from playwright.sync_api import Locator, Page
from torch import nn

from vae_teach.models import VAE
from vae_teach.widgets.parts import base

HOST = Path(base.__file__).with_name("host.js")

# Render a widget over a model that the test holds: window.model, window.cleanup, window.heard;
# window.secondView() renders it once more, into window.otherEl.
_RENDER = """async ([hostText, payload]) => {
  const load = (text) => import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  const host = await load(hostText);
  const { esm, css, state } = await host.unpack(payload);
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const el = document.body.appendChild(document.createElement("div"));
  const model = host.createModel(state);
  window.heard = 0; // listeners the widget holds on the model
  const watched = { ...model,
    on: (...args) => { window.heard += 1; model.on(...args); },
    off: (...args) => { window.heard -= 1; model.off(...args); } };
  window.model = model;
  window.el = el;
  const { render } = (await load(esm)).default;
  window.cleanup = render({ model: watched, el });
  window.secondView = () => {
    window.otherEl = document.body.appendChild(document.createElement("div"));
    render({ model: watched, el: otherEl });
  };
}"""


def contrasty_vae(latent_dim: int, hidden: int = 50) -> VAE:
    """A VAE whose pictures are as black and white as a trained one's, without training."""
    model = VAE(latent_dim=latent_dim, encoder_hidden=(8,), decoder_hidden=(hidden,), seed=0)
    with torch.no_grad():
        for layer in model.decoder:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(3)
    return model


def settle(page: Page) -> None:
    """Wait until every widget of the page has started and painted itself.

    A widget paints when it learns its width, a frame after it has started, and once more if a
    scroll bar then takes some of the width: after three frames nothing moves any more.
    """
    page.wait_for_function(
        """() => document.querySelector('[data-vae-teach]') &&
                 !document.querySelector('[data-vae-teach=waiting], [data-vae-teach=starting]')"""
    )
    page.evaluate(
        """async () => {
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
        }"""
    )


def explorers(page: Page) -> Locator:
    """Every explorer of the page, once all have settled."""
    settle(page)
    return page.locator(".latent-explorer")


def picture(explorer: Locator) -> list[int]:
    """The decoded picture's red channel, 0 to 255, row by row."""
    return explorer.get_by_role("img", name="Decoded picture").evaluate(
        """canvas => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return [...data].filter((_, i) => i % 4 === 0);
        }"""
    )


def values(explorer: Locator) -> list[float]:
    """z as the sliders' value texts give it."""
    texts = explorer.get_by_role("slider").evaluate_all("all => all.map(s => s.ariaValueText)")
    return [float(text.replace("\u2212", "-")) for text in texts]


def render_with_model(page: Page, widget: base.TeachingWidget) -> Locator:
    """Render the widget into the page over `window.model`."""
    (payload,) = re.findall(r'<script type="text/plain">([^<]*)<', widget.snippet())
    page.evaluate(_RENDER, [HOST.read_text(encoding="utf-8"), payload])
    return page.locator(".latent-explorer")
