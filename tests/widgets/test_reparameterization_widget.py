"""The Python half of chapter 5's widget, and the arithmetic that it shares with the browser."""

import json
from pathlib import Path

import pytest
import torch
import traitlets

from vae_teach.maths.gaussian import reparameterize
from vae_teach.widgets.reparameterization import Reparameterization

CASES = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "reparameterization_cases.json").read_text()
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_browsers_numbers_are_those_of_the_package(case):
    """The table that the JavaScript is tested with, differentiated here by PyTorch."""
    mu, logvar = (
        torch.tensor([case[name]], dtype=torch.float64, requires_grad=True)
        for name in ("mu", "logvar")
    )
    eps = torch.tensor(case["eps"], dtype=torch.float64)[:, None]
    z = reparameterize(mu, logvar, eps)
    value = z.square().mean()
    slopes = torch.autograd.grad(value, (mu, logvar))
    assert z.flatten().tolist() == pytest.approx(case["z"])
    assert value.item() == pytest.approx(case["value"])
    assert [slope.item() for slope in slopes] == pytest.approx([case["by_mu"], case["by_logvar"]])


def test_every_new_widget_shows_the_same_ten_draws():
    first, second = Reparameterization(), Reparameterization()
    assert first.eps == second.eps and len(first.eps) == 10
    assert first.eps is not second.eps  # a shared list would tie the two together
    row = torch.tensor(first.eps)
    assert 0.7 < row.std() < 1.5 and row.mean().abs() < 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"eps": []},
        {"eps": [float("inf")]},
        {"eps": [0.0] * 41},
    ],
)
def test_values_that_the_picture_cannot_show_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(traitlets.TraitError, match=f"^{name} must be"):
        Reparameterization(**wrong)


def test_the_page_holds_the_state_and_asks_no_other_host():
    """Traits reach the page; ipywidgets' own do not."""
    widget = Reparameterization(mu=-1.0, redraw=True)
    assert set(widget._static_traits()) == {"mu", "logvar", "eps", "redraw", "seed", "limits"}
    assert "http" not in widget.snippet().replace("http://www.w3.org/2000/svg", "")


def test_repr_says_what_is_shown():
    assert repr(Reparameterization()) == (
        "Reparameterization(mu=1, logvar=0, 10 draws of noise, held still)"
    )
