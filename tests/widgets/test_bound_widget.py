"""The Python half of chapter 4's widget, and the arithmetic that it shares with the browser."""

import json
from pathlib import Path

import pytest
import torch

from vae_teach.exact.bound import quadrature_elbo
from vae_teach.exact.grid import DecoderModel, Grid, grid_posterior
from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.widgets import BoundExplorer

CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "bound_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_browsers_numbers_are_those_of_the_package(case):
    """The table that the JavaScript is tested with, found here by grid and quadrature."""
    mu, logvar, x = (
        torch.tensor([[case[name]]], dtype=torch.float64) for name in ("mu", "logvar", "x")
    )
    model = DecoderModel(torch.square, case["sigma_x"])
    posterior = grid_posterior(model, x, Grid(-25, 25, 10_001))
    elbo = quadrature_elbo(model, x, mu, logvar, order=64)
    kl = kl_to_standard_normal(mu, logvar)
    found = {
        "likelihood": elbo + kl,
        "kl": kl,
        "elbo": elbo,
        "gap": posterior.kl_from(mu, logvar),
        "evidence": posterior.log_evidence,
    }
    for name, value in found.items():
        assert value.item() == pytest.approx(case[name], rel=0, abs=1e-6), name


def test_the_page_holds_the_state_and_asks_no_other_host():
    """Traits reach the page; ipywidgets' own do not."""
    widget = BoundExplorer(mu=-1.0, x=2.0)
    assert set(widget._static_traits()) == {"mu", "logvar", "x", "sigma_x", "limits"}
    for text in (widget.snippet(), str(widget._esm), str(widget._css)):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_repr_says_what_is_shown():
    assert repr(BoundExplorer()) == "BoundExplorer(mu=0.5, logvar=-1, x=1.5, sigma_x=0.5)"
