"""The package's front door: light until a name is asked for, and clear where PyTorch is missing."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import vae_teach

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "scipy", "IPython", "anywidget")

# A process in which PyTorch is not installed, as far as Python can tell.
WITHOUT_TORCH = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hide())
import importlib.metadata
version = importlib.metadata.version
def hidden(name):
    if name == "torch":
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = hidden
from vae_teach.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import vae_teach",
        "import vae_teach; dir(vae_teach); vae_teach.__version__",
        "from vae_teach.__main__ import build_parser; build_parser().format_help()",
        "from vae_teach.__main__ import build_parser; "
        "build_parser().parse_args(['train', '--out', 'x'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_asked_for(code):
    """`--version` took as long as PyTorch takes to load: 4 seconds."""
    done = python(f"{code}\nimport sys\nprint(sorted(set(sys.modules) & set({HEAVY!r})))")
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_the_doctor_answers_without_pytorch():
    """It is the first thing that he looks for: he must not need it himself."""
    done = python(WITHOUT_TORCH, "doctor")
    assert done.returncode == 1 and done.stderr == ""
    assert "MISS torch" in done.stdout and "cure: pip install -r requirements.txt" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--out", "run"],
        ["reproduce", "mathybit"],
        ["reproduce", "--list"],
        ["data"],
        ["handout", "no.ipynb"],
    ],
)
def test_a_command_without_pytorch_says_what_is_missing(arguments):
    done = python(WITHOUT_TORCH, *arguments)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    if arguments[0] != "handout":  # which works on text
        assert "torch is not installed: pip install -r requirements.txt" in done.stderr


def test_every_name_of_the_front_door_is_there_and_is_offered():
    for name in vae_teach.__all__:
        assert getattr(vae_teach, name).__name__ == name
    assert set(vae_teach.__all__) | {"models", "training", "data", "widgets"} <= set(dir(vae_teach))
    assert set(vae_teach.__all__) == set(vae_teach._HOMES)
    from vae_teach import models

    assert vae_teach.VAE is models.VAE and vae_teach.models is models
    with pytest.raises(AttributeError, match="has no attribute 'GAN'"):
        vae_teach.GAN  # noqa: B018


def test_editors_see_the_names_where_they_come_from():
    """An editor does not run `__getattr__`: the imports for it must be the ones that are made."""
    tree = ast.parse((ROOT / "vae_teach" / "__init__.py").read_text("utf-8"))
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert told == {name: f"vae_teach.{home}" for name, home in vae_teach._HOMES.items()}


def test_the_version_is_the_one_that_is_installed():
    assert importlib.metadata.version("vae-teach") == vae_teach.__version__
