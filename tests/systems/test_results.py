"""The results page: only files speak, groups are fair, and no number stands unexplained."""

import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import pytest

from vae_teach.systems.results import (
    HEAD,
    curve_rows,
    group,
    markdown_table,
    read_results,
    spread,
    table_rows,
)
from vae_teach.systems.table import PRESETS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book" / "results"
PAGE = ROOT / "book" / "results.md"
SSE_CONSTANT = 784 / 2 * math.log(math.pi)


def result(value=29.0, *, preset="mathybit", seed=0, steps=12_000, samples=16):
    """A result as `reproduce` writes it, with one measure."""
    line = {
        "measure": "test_loss", "title": "loss", "unit": "per picture", "value": value,
        "standard_error": 0.1, "samples": samples, "images": 10_000,
        "published": {"value": 29.16, "where": "there"},
    }  # fmt: skip
    epochs = [1, 2, 50]
    return {
        "format": "vae_teach result 1",
        "preset": preset,
        "title": "A system",
        "results": [line],
        "protocol": {"data": "mnist", "steps": steps, "planned_steps": 12_000, "seed": seed},
        "provenance": {"training_minutes": 3.0 + seed, "device": "CPU, 1 threads"},
        "history": {
            "epoch": epochs,
            "train_reconstruction": [SSE_CONSTANT + 60 / epoch for epoch in epochs],
            "train_kl": [float(value)] * 3,
        },
    }


def write(folder, *results):
    for i, content in enumerate(results):
        (folder / f"{i}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


# --- the table ----------------------------------------------------------------------------------


def test_seeds_are_averaged_and_their_range_is_shown():
    (row,) = table_rows([result(29.0), result(29.3, seed=1), result(29.9, seed=2)])
    assert row == (
        "`mathybit`: loss, per picture", "29.16", "29.40 (29.00 to 29.90)", "3", "16", "10,000",
        "12,000 of 12,000", "4.0", "CPU, 1 threads",
    )  # fmt: skip
    assert len(row) == len(HEAD)


@pytest.mark.parametrize("change", [{"steps": 500}, {"samples": 5_000}, {"preset": "lazy"}])
def test_runs_that_differ_in_more_than_the_seed_are_not_averaged(change):
    """A short run beside a long one, or another K, would make a mean of two protocols."""
    assert len(group([result(), result(seed=1, **change)])) == 2
    assert len(group([result(), result(seed=1)])) == 1


def test_one_seed_has_no_spread_and_a_missing_publication_says_so():
    lonely = result()
    lonely["results"][0]["published"] = None
    (row,) = table_rows([lonely])
    assert row[1:4] == ("none", "29.00", "1")
    assert spread([1.23456], 1) == "1.2"


def test_the_published_curve_is_compared_epoch_by_epoch():
    """Squared error + KL: the constant of the Gaussian is taken off, 1 + 60 / epoch + 29."""
    rows = curve_rows([result(29.0), result(30.0, seed=1)], "mathybit")
    assert rows[0] == ("1", "62.78", "89.50 (89.00 to 90.00)")
    assert [row[0] for row in rows] == ["1", "2", "50"]  # epochs that no run has are left out
    with pytest.raises(ValueError, match="lazy has no published curve"):
        curve_rows([result(preset="lazy")], "lazy")


def test_files_come_in_the_order_of_the_presets(tmp_path):
    write(tmp_path, result(preset="lazy"), result(seed=1), result(seed=2, steps=5), result())
    read = read_results(tmp_path)
    assert [(r["preset"], r["protocol"]["seed"]) for r in read] == [
        ("mathybit", 2),
        ("mathybit", 0),
        ("mathybit", 1),
        ("lazy", 0),
    ]


def test_a_file_that_is_no_result_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no results in"):
        read_results(tmp_path)
    write(tmp_path, {"format": "something else"})
    with pytest.raises(ValueError, match=r"0\.json is no result"):
        read_results(tmp_path)


@pytest.mark.parametrize("where", ["title", "unit", "device"])
def test_what_a_file_says_is_shown_and_not_obeyed(tmp_path, monkeypatch, where):
    """A script in a title would run on the page; a bar would move every number by a column."""
    said = "<script>alert(1)</script> | [x](http://x) `{{y}}` {raw}`z` *a* $b$ \\\n\n# c"
    hostile = result()
    if where == "device":
        hostile["provenance"]["device"] = said
    else:
        hostile["results"][0][where] = said
    (tmp_path / "results").mkdir()
    write(tmp_path / "results", hostile)
    page = "# Results\n\n```{results-table} results\nmathybit: Said.\n```\n"
    html, warnings = build(tmp_path, page, monkeypatch)
    assert warnings == ""
    table = html[html.index("<table") : html.index("</table>")]
    assert "<script" not in table and "<a " not in table and "<em" not in table
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [x](http://x) `{{y}}` {raw}`z` *a* $b$" in table
    assert table.count("<td") == len(HEAD)


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: "",
        lambda r: "[" * 100_000,
        lambda r: "[1]",
        lambda r: {},
        lambda r: r | {"preset": "unknown"},
        lambda r: r | {"preset": []},
        lambda r: r | {"results": [{"measure": "test_loss"}]},
        lambda r: r | {"results": [r["results"][0] | {"measure": "unknown"}]},
        lambda r: r | {"protocol": []},
        lambda r: r | {"provenance": {}},
        lambda r: {name: value for name, value in r.items() if name != "history"},
    ],
)
def test_a_damaged_file_is_named(tmp_path, damage):
    """A file of 0 bytes, as a killed process left it, raised an error that named none."""
    content = damage(result())
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(ValueError, match=r"broken\.json is no result of `reproduce`"):
        read_results(tmp_path)


def test_a_bar_in_a_cell_does_not_split_it():
    assert markdown_table(["a"], [["p(x|z)"]])[-1] == r"| p(x\|z) |"


# --- the directive in a page --------------------------------------------------------------------


def extension():
    spec = importlib.util.spec_from_file_location(
        "results_table", ROOT / "book" / "_ext" / "results_table.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sentences_may_run_over_several_lines():
    lines = ["a: One thing.", "   And another: yes.", "", "b-c: Two."]
    assert extension().sentences(lines) == {"a": "One thing. And another: yes.", "b-c": "Two."}
    with pytest.raises(ValueError, match="not of the form"):
        extension().sentences(["no colon here"])


def build(folder, page, monkeypatch):
    """Build one page with Sphinx and return its HTML and the warnings."""
    from io import StringIO

    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (folder / "index.md").write_text(page, encoding="utf-8")
    (folder / "conf.py").write_text(
        "extensions = ['myst_parser', 'results_table']\n", encoding="utf-8"
    )
    warnings = StringIO()
    out, trees = folder / "out", folder / "trees"
    with docutils_namespace():  # a process builds more than one page
        Sphinx(folder, folder, out, trees, "html", status=None, warning=warnings).build()
    return (out / "index.html").read_text("utf-8"), warnings.getvalue()


def test_the_page_shows_numbers_from_the_files_and_a_sentence_each(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    write(tmp_path / "results", result(28.87), result(29.0, seed=1))
    page = (
        "# Results\n\n```{results-table} results\nmathybit: Within the *spread*.\n```\n\n"
        "```{results-curve} results mathybit\n```\n"
    )
    html, warnings = build(tmp_path, page, monkeypatch)
    assert warnings == ""
    assert "28.94 (28.87 to 29.00)" in html and "Within the <em>spread</em>." in html
    assert "62.78" in html and html.count("<table") == 2
    bare = page.replace("mathybit: Within the *spread*.", "lazy: No such run.")
    _, warnings = build(tmp_path, bare, monkeypatch)
    assert "do not name the same systems: lazy, mathybit" in warnings


# --- what is committed --------------------------------------------------------------------------


def test_every_committed_result_is_whole_and_every_system_has_its_sentence():
    """Catches a number typed by hand: it would lack the data, the device or the commit."""
    results = read_results(FOLDER)
    for content in results:
        provenance, protocol = content["provenance"], content["protocol"]
        assert re.fullmatch(r"[0-9a-f]{40}\+?", provenance["git_commit"])
        assert len(provenance["data_sha256"]) == 64 and provenance["training_minutes"] > 0
        assert protocol["data"] == "mnist" and protocol["test_images"] >= 1_000
        assert protocol["treatment"] == PRESETS[content["preset"]].treatment
        named = [line["measure"] for line in content["results"]]
        assert named == list(PRESETS[content["preset"]].measures)
    block = re.search(r"```\{results-table\} results\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    said = extension().sentences(block[1].splitlines())
    assert set(said) == {content["preset"] for content in results}


def test_published_numbers_of_committed_results_are_those_of_the_presets():
    """A corrected publication must not leave old files contradicting it."""
    for content in read_results(FOLDER):
        known = {p.measure: p.value for p in PRESETS[content["preset"]].published}
        told = {
            line["measure"]: line["published"]["value"]
            for line in content["results"]
            if line["published"]
        }
        assert told == known


@pytest.mark.parametrize(
    "preset, published, seeds", [("mathybit", 29.28, 3), ("mathybit-cvae", 23.0, 2)]
)
def test_mathybits_training_losses_are_reproduced(preset, published, seeds):
    """Within 1 of what he published, after every step, on every seed that was run."""
    runs = [r for r in read_results(FOLDER) if r["preset"] == preset]
    assert len(runs) >= seeds
    for content in runs:
        assert content["protocol"]["steps"] == content["protocol"]["planned_steps"]
        assert content["results"][0]["measure"] == "training_loss"
        assert abs(content["results"][0]["value"] - published) < 1


def test_bounds_of_committed_results_are_in_order():
    """ELBO below the importance-sampled log p(x), in every file that has both."""
    for content in read_results(FOLDER):
        values = {line["measure"]: line["value"] for line in content["results"]}
        if "test_log_px" in values:
            assert values["test_elbo"] < values["test_log_px"]


def test_results_hold_no_copy_of_the_weights():
    assert all(file.stat().st_size < 60_000 for file in FOLDER.iterdir())
    assert {file.suffix for file in FOLDER.iterdir()} == {".json"}
