"""The Python half of the widgets: export, validation, packing, and the page that is written.

Shapes: N codes, L latent dimensions.
"""

import base64
import json
import math
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from vae_teach import widgets
from vae_teach.models import VAE, Autoencoder
from vae_teach.widgets import LatentExplorer
from vae_teach.widgets.parts import base, codes, decoder
from vae_teach.widgets.parts.bundle import bundle, sheet

CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "explorer_cases.json").read_text())
WIDGETS = Path(base.__file__).parents[1]
NAMES = [
    name
    for name, value in vars(widgets).items()
    if isinstance(value, type) and issubclass(value, base.TeachingWidget)
]


@pytest.fixture
def explorer():
    return LatentExplorer.from_model(VAE(latent_dim=3, seed=0), *codes_and_labels(30, 3))


def codes_and_labels(n: int, latent_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.randn(n, latent_dim, generator=g), torch.arange(n) % 10


def model_of(*layers: nn.Module) -> SimpleNamespace:
    return SimpleNamespace(decoder=nn.Sequential(*layers))


def unpack_half(packed: bytes) -> np.ndarray:
    """Float16 numbers from their planes, by NumPy."""
    planes = np.frombuffer(packed, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(planes.T).view("<f2").ravel()


def payload_of(html: str) -> tuple[dict, bytes]:
    """The header and the binary traits inside a snippet, read independently of host.js."""
    (text,) = re.findall(r'<script type="text/plain">([^<]*)</script>', html)
    raw = zlib.decompress(base64.b64decode(text))
    end = 4 + int.from_bytes(raw[:4], "little")
    return json.loads(raw[4:end]), raw[end:]


# --- the table shared with tests/js ---


@pytest.mark.parametrize("case", CASES["halves"], ids=lambda case: case["name"])
def test_numpy_reads_the_same_float16_table(case):
    """The table that JavaScript is held to is float16, not our reading of it."""
    value = np.array([case["bits"]], np.uint16).view(np.float16)[0]
    np.testing.assert_equal(float(value), float(case["value"]))


@pytest.mark.parametrize("name", CASES["activations"])
def test_torch_agrees_with_the_activation_table(name):
    modules = {spelled: kind for kind, spelled in decoder._ACTIVATIONS.items()}
    x, y = torch.tensor(CASES["activations"][name], dtype=torch.float64).T
    # torch's softplus is the identity above 20: e^-20 away from the table at most
    torch.testing.assert_close(modules[name]()(x), y, rtol=1e-12, atol=1e-15)


def test_the_table_knows_every_exported_activation():
    assert set(CASES["activations"]) == set(decoder._ACTIVATIONS.values())


@pytest.mark.parametrize("case", CASES["networks"], ids=lambda case: case["name"])
def test_torch_agrees_with_the_network_table(case):
    """The numbers are laid out as nn.Linear stores them."""
    modules = {spelled: kind for kind, spelled in decoder._ACTIVATIONS.items()}
    layers, numbers = [], torch.tensor(case["numbers"])
    for step in case["steps"]:
        if step["kind"] != "dense":
            layers.append(modules[step["kind"]]())
            continue
        layer = nn.Linear(step["inputs"], step["outputs"])
        weight, bias, numbers = numbers.split(
            [layer.weight.numel(), layer.bias.numel(), len(numbers) - _count(layer)]
        )
        layer.load_state_dict({"weight": weight.view_as(layer.weight), "bias": bias})
        layers.append(layer)
    assert not len(numbers)
    output = nn.Sequential(*layers)(torch.tensor(case["z"], dtype=torch.float32))
    torch.testing.assert_close(output, torch.tensor(case["output"]), rtol=1e-6, atol=0)
    steps = decoder.export_decoder(nn.Sequential(*layers))
    described, packed = decoder.pack_steps(steps)
    assert described == case["steps"]
    assert unpack_half(packed).tolist() == case["numbers"]


def _count(layer: nn.Linear) -> int:
    return layer.weight.numel() + layer.bias.numel()


# --- export ---


def test_nested_layers_are_flattened_and_a_missing_bias_is_zero():
    inner = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Identity(), nn.ELU())
    steps = decoder.export_decoder(nn.Sequential(inner, nn.Linear(3, 4)))
    assert [step.kind for step in steps] == ["dense", "elu", "dense"]
    assert steps[0].bias.tolist() == [0, 0, 0]


def test_a_layer_the_browser_cannot_run_is_named():
    model = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4)))
    with pytest.raises(TypeError, match=r"cannot run decoder\.1\.1, a BatchNorm1d"):
        decoder.export_decoder(model)


@pytest.mark.parametrize(
    ("layer", "message"),
    [(nn.ELU(alpha=2.0), "alpha=2.0"), (nn.Softplus(beta=5.0), "beta=5.0")],
    ids=["elu", "softplus"],
)
def test_an_activation_with_constants_of_its_own_is_refused(layer, message):
    """The browser would silently run the standard one."""
    with pytest.raises(ValueError, match=message):
        decoder.export_decoder(nn.Sequential(nn.Linear(1, 1), layer))


def test_layers_that_do_not_fit_are_refused_naming_both_sizes():
    with pytest.raises(ValueError, match="gives 3 values but the next one takes 4"):
        decoder.export_decoder(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 5)))
    with pytest.raises(ValueError, match="no Linear layer"):
        decoder.export_decoder(nn.Sequential(nn.ReLU()))


def test_float16_keeps_eleven_bits_and_refuses_what_does_not_fit():
    values = torch.tensor([1 / 3, -1000.5, 6e-8, 0.0])
    unpacked = unpack_half(decoder.pack_half(values, "codes"))
    np.testing.assert_allclose(unpacked, values, rtol=2**-11, atol=2**-25)
    with pytest.raises(ValueError, match=r"codes reach 70000\.0, but float16 ends at 65504"):
        decoder.pack_half(torch.tensor([1.0, -70000.0]), "codes")
    with pytest.raises(ValueError, match="codes reach nan"):
        decoder.pack_half(torch.tensor([math.nan]), "codes")


@pytest.mark.parametrize(
    ("model", "last"),
    [
        (VAE(latent_dim=2, seed=0), "sigmoid"),
        (VAE(latent_dim=2, likelihood="gaussian", seed=0), "dense"),
        (Autoencoder(latent_dim=2, seed=0), "sigmoid"),
        (model_of(nn.Linear(2, 784)), "sigmoid"),
        (model_of(nn.Linear(2, 784), nn.Sigmoid()), "sigmoid"),
    ],
    ids=["bernoulli", "gaussian", "autoencoder", "bare-logits", "bare-sigmoid"],
)
def test_the_output_is_the_models_mean_image(model, last):
    """One sigmoid where the decoder gives logits: none is the blank page, two a grey one."""
    kinds = [step["kind"] for step in LatentExplorer.from_model(model).steps]
    assert kinds[-1] == last
    assert kinds.count("sigmoid") == (last == "sigmoid")


def test_pictures_other_than_the_models_own_are_refused():
    model = VAE(latent_dim=2, seed=0)
    with pytest.raises(ValueError, match=r"differ from model\.mean_image by up to"):
        LatentExplorer.from_model(model, output="identity")
    with pytest.raises(ValueError, match="'softmax'"):
        LatentExplorer.from_model(model, output="softmax")


# --- codes ---


def test_codes_are_thinned_evenly_and_always_alike():
    many, labels = torch.arange(1000.0)[:, None], torch.arange(1000) // 100
    kept, kept_labels = codes.thin_codes(many, labels, 1, max_codes=50)
    again, _ = codes.thin_codes(many, labels, 1, max_codes=50)
    assert kept.shape == (50, 1)
    assert torch.equal(kept, again)
    assert (kept[0], kept[-1]) == (0, 999)
    assert kept_labels.bincount().tolist() == [5] * 10  # sorted by class, yet all classes alike
    assert torch.equal(kept[:, 0] // 100, kept_labels.float())


@pytest.mark.parametrize(
    ("codes_shape", "labels", "message"),
    [
        ((5, 4), None, r"codes have shape \(5, 4\) but the decoder takes \(N, 3\)"),
        ((3,), None, r"codes have shape \(3,\) but the decoder takes \(N, 3\)"),
        ((5, 3), [0, 1], r"labels have shape \(2,\) but there are 5 codes"),
        ((2, 3), [0, 256], "from 0 to 255, but they go from 0 to 256"),
        ((2, 3), [-1, 0], "from 0 to 255, but they go from -1 to 0"),
    ],
)
def test_codes_and_labels_that_do_not_fit_are_refused(codes_shape, labels, message):
    labels = None if labels is None else torch.tensor(labels)
    with pytest.raises(ValueError, match=message):
        codes.thin_codes(torch.zeros(codes_shape), labels, 3, 10)


def test_axes_hold_every_code_and_zero():
    spread = torch.tensor([[2.0, -7.0], [5.0, -9.0]])
    low, high = codes.axis_ends(spread, prior=False)
    assert low[0] == pytest.approx(-0.25) and high[0] == pytest.approx(5.25)  # 0 to 5 and 5 %
    assert low[1] == pytest.approx(-9.45) and high[1] == pytest.approx(0.45)
    assert codes.axis_ends(spread, prior=True) == ([-9.5, -9.5], [9.5, 9.5])
    assert codes.axis_ends(torch.zeros(4, 1), prior=True) == ([-3.0], [3.0])
    assert codes.axis_ends(torch.zeros(0, 1), prior=False) == ([-3.0], [3.0])
    (flat_low,), (flat_high,) = codes.axis_ends(torch.zeros(4, 1), prior=False)
    assert flat_low < 0 < flat_high  # a dimension that never moves still has a slider


def test_a_gap_is_wider_than_nineteen_in_twenty_neighbour_distances():
    line = torch.cat([torch.arange(0.0, 100.0), torch.tensor([1000.0])])[:, None]
    assert codes.gap_radius(line) == pytest.approx(1.0)  # one outlier does not move it
    assert codes.gap_radius(line[:1]) == 0.0


def test_a_gap_is_found_without_a_table_of_all_distances(monkeypatch):
    """50,000 codes would take 10 GB of them; 2,000 of the codes are asked, some rows at a time."""
    whole, largest = torch.cdist, []

    def watched(a, b):
        largest.append(len(a) * len(b))
        return whole(a, b)

    cloud = torch.randn(6000, 2, generator=torch.Generator().manual_seed(0))
    exact = whole(cloud, cloud).fill_diagonal_(math.inf).amin(dim=1).quantile(0.95)
    monkeypatch.setattr(torch, "cdist", watched)
    # a quantile of 2,000 draws: its standard error is 4 % of it here
    assert codes.gap_radius(cloud) == pytest.approx(exact.item(), rel=0.12)
    assert max(largest) <= 100 * 6000


# --- the widget ---


def test_state_describes_the_model(explorer):
    assert explorer.latent_dim == 3
    assert explorer.z == [0.0, 0.0, 0.0]
    assert explorer.image_shape == [1, 28, 28]
    assert list(explorer.labels) == [i % 10 for i in range(30)]
    assert explorer.label_names == list("0123456789")
    assert repr(explorer) == "LatentExplorer(3 latent dimensions, 28x28, 30 codes)"


def test_image_shapes_with_and_without_channels():
    colour = model_of(nn.Linear(2, 3 * 4 * 5))
    assert LatentExplorer.from_model(colour, image_shape=(3, 4, 5)).image_shape == [3, 4, 5]
    with pytest.raises(ValueError, match=r"\(4, 5\) holds 20 pixels but the decoder gives 60"):
        LatentExplorer.from_model(colour, image_shape=(4, 5))
    with pytest.raises(ValueError, match=r"not \(2, 5, 6\)"):
        LatentExplorer.from_model(colour, image_shape=(2, 5, 6))


def test_too_few_label_names_are_refused():
    with pytest.raises(ValueError, match="label_names has 9 names but the labels go up to 9"):
        LatentExplorer.from_model(
            VAE(latent_dim=3, seed=0), *codes_and_labels(30, 3), label_names=["?"] * 9
        )


@pytest.mark.parametrize(
    ("z", "message"),
    [([0.0, 1.0], "z has 2 values but the decoder takes 3"), ([0.0, 0.0, math.nan], "finite")],
)
def test_a_wrong_code_is_refused_and_the_old_one_kept(explorer, z, message):
    with pytest.raises(traitlets.TraitError, match=message):
        explorer.z = z
    assert explorer.z == [0.0, 0.0, 0.0]
    with pytest.raises(traitlets.TraitError, match=message):
        LatentExplorer.from_model(VAE(latent_dim=3, seed=0), z=z)


@pytest.mark.parametrize("axes", [[0, 3], [-1, 0], [1], [1, 1]])
def test_axes_outside_the_code_are_refused(explorer, axes):
    with pytest.raises(traitlets.TraitError, match="two different dimensions from 0 to 2"):
        explorer.axes = axes


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("highlight", 10, "highlight must be from -1 to 9, but it is 10"),
        ("highlight", -2, "highlight must be from -1 to 9, but it is -2"),
        ("cloud", 1, "cloud must be from 0 to 0, but it is 1"),
        ("example", 0, "example must be from -1 to -1, but it is 0"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(explorer, trait, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, trait, value)


def test_highlight_and_cloud_are_part_of_the_page():
    model = VAE(latent_dim=3, seed=0)
    data, labels = codes_and_labels(30, 3)
    both = LatentExplorer.compare({"a": model, "b": model}, {"a": data, "b": data}, labels)
    both.cloud, both.highlight = 1, 7
    header, _ = payload_of(both.snippet())
    assert (header["state"]["cloud"], header["state"]["highlight"]) == (1, 7)


def test_an_explorer_without_a_model_has_a_name():
    assert (
        repr(LatentExplorer()) == "LatentExplorer(0 latent dimensions, 0x0 in 0 channels, 0 codes)"
    )


def test_several_models_take_no_test_pictures():
    """Which model's posterior would be shown?"""
    model, (data, labels) = VAE(latent_dim=3, seed=0), codes_and_labels(30, 3)
    with pytest.raises(ValueError, match="examples have a posterior in each model"):
        LatentExplorer.compare(
            {"a": model, "b": model}, {"a": data, "b": data}, labels, examples=torch.zeros(1, 784)
        )


def test_labels_and_counts_that_do_not_fit_are_named():
    model = VAE(latent_dim=3, seed=0)
    wrong = {"examples": torch.zeros(2, 784), "example_labels": torch.tensor([1, 300])}
    with pytest.raises(ValueError, match=r"example_labels must be from 0 to 255, .* from 1 to 300"):
        LatentExplorer.from_model(model, **wrong)
    with pytest.raises(ValueError, match="max_codes must be at least 0, but it is -1"):
        LatentExplorer.from_model(model, torch.zeros(5, 3), max_codes=-1)


# --- several files as one ---


def write_modules(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text + "\n")
    return folder / "main.js"


def test_every_imported_file_is_there_once(tmp_path):
    """Also one that two others import; and private names of two files do not meet."""
    main = write_modules(
        tmp_path,
        main='import { two } from "./b.js";\nimport {\n  one,\n} from "./a.js";\nexport default 1;',
        a='import { base } from "./c.js";\nconst mine = 1;\nexport const one = base + mine;',
        b='import { base } from "./c.js";\nconst mine = 2;\nexport function two() { return mine; }',
        c="export const base = 10;",
    )
    text = bundle(main)
    assert text.count("const base = 10") == 1
    assert text.index("base = 10") < text.index("mine = 1") < text.index("export default")
    assert not re.search(r"^import|^export (?!default)", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"main": 'import { a } from "./a.js";', "a": 'import { b } from "./main.js";'},
            "in a circle: main.js imports a.js imports main.js",
        ),
        ({"main": 'import * as a from "./a.js";'}, "main.js has a line .*import . as a"),
        ({"main": 'import { a } from "https://x.org/a.js";'}, "main.js has a line .*https"),
        ({"main": 'import { a } from "./a.js";', "a": "export { a };"}, "a.js has a line .*export"),
    ],
    ids=["circle", "star", "another host", "list of exports"],
)
def test_what_cannot_be_bundled_is_refused_by_name(tmp_path, texts, message):
    """Else the page would start and fail, or ask another host."""
    with pytest.raises(ValueError, match=message):
        bundle(write_modules(tmp_path, **texts))


def test_z_is_observed_and_linked_as_in_any_ipywidget(explorer):
    """A handler hears the new code, and a linked slider and the explorer follow each other."""
    heard = []
    explorer.observe(lambda change: heard.append(change.new), names="z")
    slider = ipywidgets.FloatSlider(min=-3, max=3)
    ipywidgets.dlink((explorer, "z"), (slider, "value"), lambda z: z[1])
    explorer.z = [0.0, 1.5, 0.0]
    assert heard == [[0.0, 1.5, 0.0]]
    assert slider.value == 1.5
    ipywidgets.HBox([explorer, slider])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"codes": torch.tensor([[0.0, math.inf]])}, "codes must be .* finite"),
        (
            {"codes": torch.zeros(2, 2, dtype=torch.int64)},
            "codes must be a tensor of finite floats",
        ),
        ({"labels": torch.tensor([1.9])}, "labels must be a tensor of whole numbers"),
        ({"max_codes": "5"}, "max_codes must be a whole number, at least 0, but it is a str"),
        ({"image_shape": (-28, -28)}, "image_shape must be at least 1, but it is -28"),
    ],
    ids=["infinite", "whole", "fractions", "words", "negative"],
)
def test_what_an_explorer_cannot_show_is_refused_by_name(wrong, message):
    """A label of 1.9 became 1, and a picture of -28 x -28 pixels was shown."""
    arguments = {"codes": torch.zeros(1, 2)} | wrong
    with pytest.raises(ValueError, match=message):
        LatentExplorer.from_model(VAE(latent_dim=2, seed=0), **arguments)


def test_the_page_knows_how_many_codes_there_were():
    many, labels = codes_and_labels(500, 2)
    widget = LatentExplorer.from_model(VAE(latent_dim=2, seed=0), many, labels, max_codes=40)
    assert (widget.total_codes, len(widget.labels)) == (500, 40)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "FrameScrubber"])
def test_a_misspelt_trait_is_refused_by_name(name):
    """traitlets only warns and drops it, and the widget shows something else than was asked for."""
    with pytest.raises(TypeError, match=f"{name} has no trait 'layot': did you mean 'layout'"):
        getattr(widgets, name)(layot=None)
    with pytest.raises(TypeError, match="has no trait 'exmaples': did you mean 'examples'"):
        LatentExplorer.from_model(VAE(latent_dim=2, seed=0), exmaples=torch.zeros(1, 784))


# --- the page ---


def test_the_mime_bundle_holds_the_live_view_and_the_page(explorer):
    data, _ = explorer._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.model_id
    assert data["text/html"] == explorer.snippet()
    assert data["text/plain"] == repr(explorer)


def test_a_snippet_holds_all_the_page_needs_once(explorer):
    """Module, style and state as they are now, and no plumbing of ipywidgets."""
    explorer.z = [0.25, 0.0, -1.0]
    header, blobs = payload_of(explorer.snippet())
    assert header["esm"] == bundle(WIDGETS / "latent_explorer.js")
    assert header["css"] == str(LatentExplorer._css)
    assert header["state"]["z"] == [0.25, 0.0, -1.0]
    own = {name for name in LatentExplorer.class_own_traits(sync=True)}
    assert set(header["state"]) | {name for name, _ in header["buffers"]} == own
    lengths = dict(header["buffers"])
    assert {"weights", "codes", "labels"} <= set(lengths)
    assert sum(lengths.values()) == len(blobs)
    start = sum(length for name, length in lengths.items() if name < "weights")  # alphabetical
    assert blobs[start:] == explorer.weights


def test_a_snippet_needs_no_other_host_and_no_ids(explorer):
    html = explorer.snippet()
    outside_payload = re.sub(r'(<script type="text/plain">)[^<]*', r"\1", html)
    assert not re.search(r"https?:|\bid=|\bsrc=|\bhref=", outside_payload)
    for text in (str(explorer._esm), str(explorer._css)):
        assert not re.search(r"""https?:|@import|url\(|\bfrom\s+["'](?!data:)""", text)


def test_no_text_of_the_user_can_close_the_script(tmp_path):
    """A class named </script> must neither end the payload nor run."""
    nasty = "</script><script>alert(1)</script><!--"
    widget = LatentExplorer.from_model(
        VAE(latent_dim=2, seed=0), torch.zeros(2, 2), torch.tensor([0, 1]), label_names=[nasty, "b"]
    )
    page = widget.to_html(tmp_path / "page.html", title=f"{nasty} & more").read_text()

    class Scripts(HTMLParser):
        found = 0

        def handle_starttag(self, tag, attrs):
            self.found += tag == "script"

    parser = Scripts()
    parser.feed(page)
    assert parser.found == 2  # the payload and the host
    assert "&lt;/script&gt;" in page  # the title, escaped
    assert payload_of(page)[0]["state"]["label_names"] == [nasty, "b"]


def test_the_host_text_is_safe_inside_a_script_element():
    text = (WIDGETS / "parts" / "host.js").read_text()
    assert "</script" not in text and "<!--" not in text


def test_to_html_writes_one_titled_page(explorer, tmp_path):
    path = explorer.to_html(tmp_path / "explorer.html", title="My codes")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "<title>My codes</title>" in text
    assert "LatentExplorer" in explorer.to_html(tmp_path / "b.html").read_text()
    with pytest.raises(OSError, match="nowhere"):
        explorer.to_html(tmp_path / "nowhere" / "c.html")


@pytest.mark.parametrize(("latent_dim", "budget"), [(2, 800_000), (20, 1_000_000)])
def test_a_page_stays_small(latent_dim, budget, tmp_path):
    """784 pixels, 400 hidden units and 1,500 shown codes; a page of the book may have 1.5 MB."""
    widget = LatentExplorer.from_model(
        VAE(latent_dim=latent_dim, seed=0), *codes_and_labels(10_000, latent_dim)
    )
    assert widget.to_html(tmp_path / "page.html").stat().st_size < budget


# --- what widgets share -------------------------------------------------------------------------


def test_a_shared_sheet_speaks_of_the_widget_alone_and_comes_first(tmp_path):
    """Fails if a rule keeps the stand-in class, or stands after the widget's own and wins."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "common.css").write_text(
        ".widget { color: red; }\nbody .widget { color: blue; }"
    )
    (tmp_path / "parts" / "formula.css").write_text(".widget { gap: 0; }")
    own = tmp_path / "mine.css"
    own.write_text("/* a comment */\n.my-own {\n  color: green;\n}\n")
    assert sheet(own) == (
        ".my-own { color: red; }\nbody .my-own { color: blue; }\n" + own.read_text()
    )
    assert sheet(own, "formula").splitlines()[2] == ".my-own { gap: 0; }"


def test_a_sheet_without_a_class_of_its_own_is_refused(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "common.css").write_text(".widget { color: red; }")
    (tmp_path / "mine.css").write_text("p { color: green; }\n")
    with pytest.raises(ValueError, match="its class is not known"):
        sheet(tmp_path / "mine.css")


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_has_the_common_look_under_its_own_class(name):
    """Fails if a widget's rules would reach another widget of the same page."""
    css = str(getattr(widgets, name)._css)
    assert ".widget" not in css
    roots = set(re.findall(r"^(?:[\w-]+\[[^]]+\] )?(\.[\w-]+) \{", css, flags=re.MULTILINE))
    assert len(roots - {".conditional-explorer"}) == 1  # it adds to the latent explorer's
    assert css.count("color-scheme: light dark") == 1
