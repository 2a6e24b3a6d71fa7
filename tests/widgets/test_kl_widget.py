"""The Python half of chapter 3's widget, and the table that it shares with the browser."""

import json
from pathlib import Path

import pytest
import torch
import traitlets

from vae_teach.maths.gaussian import kl_between_normals, log_normal
from vae_teach.maths.kl_numeric import kl_by_quadrature
from vae_teach.widgets import KLExplorer

CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "kl_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_browsers_table_is_that_of_the_package(case):
    """Both directions, closed form and integral, to 1e-9."""
    q = [torch.tensor([case[name]], dtype=torch.float64) for name in ("mu", "logvar")]
    p = [torch.zeros(1, dtype=torch.float64)] * 2
    for first, second, want in ((q, p, case["forward"]), (p, q, case["backward"])):
        assert kl_between_normals(*first, *second).item() == pytest.approx(want, rel=1e-9, abs=1e-9)

        def log_density(mu, logvar):
            return lambda x: log_normal(x[:, None], mu, logvar)

        reach = 12 * torch.exp(0.5 * first[1]).item()
        area = kl_by_quadrature(
            log_density(*first), log_density(*second), first[0].item() - reach,
            first[0].item() + reach,
        )  # fmt: skip
        assert area.value.item() == pytest.approx(want, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [{"draws": 50}, {"draws": 0}],
    ids=str,
)
def test_a_value_the_sliders_cannot_show_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(traitlets.TraitError, match=f"{name} must be"):
        KLExplorer(**wrong)


def test_the_page_holds_the_state(tmp_path):
    path = KLExplorer(mu=-1.0, reverse=True).to_html(tmp_path / "kl.html", title="KL")
    assert path.stat().st_size < 60_000
    assert repr(KLExplorer(mu=-1.0, reverse=True)) == (
        "KLExplorer(mu=-1, logvar=-0.25, KL(p || q), 1000 draws)"
    )
    assert "p_mu=1, p_logvar=0, KL(q" in repr(KLExplorer(p_mu=1.0))
