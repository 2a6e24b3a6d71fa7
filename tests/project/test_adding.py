"""Adding a thing touches few places: tried on a copy of the package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

PACKAGE = Path(__file__).parents[2] / "vae_teach"

LOGISTIC = """

@named
@dataclass(frozen=True)
class LogisticNoise:
    squash: bool = False

    def require_data(self, x: Tensor, name: str = "x") -> None:
        require_floats(x, name)

    def log_prob(self, x: Tensor, params: Tensor) -> Tensor:
        error = x - self.mean(params)
        return (F.logsigmoid(error) + F.logsigmoid(-error)).sum(dim=-1)

    table = row_by_row

    def mean(self, params: Tensor) -> Tensor:
        return _output(params, self.squash)

    def sample(self, params: Tensor, generator: torch.Generator) -> Tensor:
        return self.mean(params) + torch.logit(_like(torch.rand, params, generator))
"""

# Built by its name, trained, saved and read, judged on the grid, planned for a run, and shown.
USE_LIKELIHOOD = """
import torch
from vae_teach import fit
from vae_teach.evaluate import grid_log_likelihood
from vae_teach.models import VAE
from vae_teach.runs.own import Plan
from vae_teach.training.checkpoint import load_model, save_checkpoint
from vae_teach.widgets import LatentExplorer

planned = Plan(likelihood="logistic_noise").likelihood_for((4, 4))
assert planned == {"name": "logistic_noise", "squash": True}, planned
model = VAE(16, (8,), 2, (8,), likelihood=planned, seed=0)
images = torch.rand(20, 16, generator=torch.Generator().manual_seed(0))
history = fit(model, images, epochs=1, batch_size=10, progress=False)
save_checkpoint("model.safetensors", model, history=history, settings={})
model = load_model("model.safetensors")
found = grid_log_likelihood(model, images[:3])
assert found.log_px.isfinite().all()
shown = LatentExplorer.from_model(model, image_shape=(4, 4))
assert shown.steps[-1]["kind"] == "sigmoid", shown.steps
"""

WIDGET = {
    "bowl.py": """
from pathlib import Path

from vae_teach.widgets.parts.bundle import bundle, sheet
from vae_teach.widgets.parts.sliders import Slider, SliderWidget

_HERE = Path(__file__)


class Bowl(SliderWidget):
    _esm = bundle(_HERE.with_suffix(".js"))
    _css = sheet(_HERE.with_suffix(".css"))

    x = Slider(1.0, -2, 2, help="where the ball lies")
""",
    "bowl.js": """
import { box } from "./parts/elements.js";
import { makeLifetime } from "./parts/lifetime.js";
import { listenToDials, makeDials, showDials } from "./parts/trait_dials.js";

function render({ model, el }) {
  const life = makeLifetime(model, el);
  const dials = makeDials({ x: "x" }, model.get("limits"));
  const show = () => showDials(dials, life.read(["x"]));
  listenToDials(dials, life.listen, life.write);
  el.append(box("bowl", ...dials.map((dial) => dial.row)));
  show();
  return life.end;
}

export default { render };
""",
    "bowl.css": ".bowl {\n  display: grid;\n}\n",
}
LINE = "from vae_teach.widgets.bowl import Bowl as Bowl\n"
USE_WIDGET = """
from vae_teach import widgets
bowl = widgets.Bowl(x=-2)
assert bowl.limits == {"x": [-2, 2]}
assert "export default { render }" in str(bowl._esm) and "import " not in str(bowl._esm)
assert bowl.to_html("bowl.html").stat().st_size > 5000
"""


@pytest.fixture
def copy(tmp_path):
    """The package in a folder of its own."""
    target = tmp_path / "vae_teach"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def run(code, copy):
    """Run Python with the copy as the package."""
    here = f"import vae_teach; assert vae_teach.__file__.startswith({str(copy)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", here + code], cwd=copy.parent, check=False,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(copy.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_likelihood_is_one_class(copy):
    """Fails if anything asks which likelihood it is instead of asking the likelihood."""
    with (copy / "models" / "likelihoods.py").open("a", encoding="utf-8") as file:
        file.write(LOGISTIC)
    run(USE_LIKELIHOOD, copy)


def test_a_widget_is_three_files_and_one_line(copy):
    """Fails if a widget, its range or its sheet has to be named anywhere else."""
    for name, text in WIDGET.items():
        (copy / "widgets" / name).write_text(text, encoding="utf-8")
    with (copy / "widgets" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(LINE)
    run(USE_WIDGET, copy)
