"""The package's front door: light until a name is asked for, and clear where PyTorch is missing."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

import vae_teach

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "scipy", "IPython", "anywidget")

# A process in which PyTorch is not installed, as far as Python can tell, runs each command.
WITHOUT_TORCH = """
import contextlib, importlib.metadata, io, json, sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hide())
version = importlib.metadata.version
def hidden(name):
    if name == "torch":
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = hidden
from vae_teach.__main__ import main
answers = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(io.StringIO()) as err:
            code = main(arguments)
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""

LIGHT = [
    "import vae_teach",
    "dir(vae_teach); vae_teach.__version__",
    "from vae_teach.__main__ import build_parser; build_parser().format_help()",
    "build_parser().parse_args(['train', '--out', 'x'])",
]


def python(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.processes
def test_nothing_heavy_is_loaded_before_it_is_asked_for():
    """`--version` took as long as PyTorch takes to load: 4 seconds."""
    loaded = f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    printed = python("\n".join(["import sys", *(f"{code}\n{loaded}" for code in LIGHT)]))
    assert printed.splitlines() == ["[]"] * len(LIGHT)


@pytest.mark.processes
def test_a_chapters_imports_load_no_library_that_only_some_exercises_need():
    """Fails if a second comes back to every chapter's first cell."""
    imports = "import sys\nfrom vae_teach import VAE, check, data, fit, show"
    late = {"scipy.stats", "sklearn", "sympy", "torch._dynamo"}
    assert python(f"{imports}\nprint(sorted(set(sys.modules) & {late!r}))").strip() == "[]"


@pytest.mark.processes
def test_a_command_without_pytorch_says_what_is_missing_and_the_doctor_answers():
    """The doctor is the first thing that looks for PyTorch, and must not need it."""
    lines = ["doctor", "train --out run", "reproduce mathybit", "reproduce --list", "data"]
    lines.append("handout no.ipynb")  # works on text
    commands = [line.split() for line in lines]
    doctor, *others = json.loads(python(WITHOUT_TORCH, json.dumps(commands)))
    assert doctor[0] == 1 and doctor[2] == ""
    assert "MISS torch" in doctor[1] and "cure: pip install -r requirements.txt" in doctor[1]
    for command, (code, _, error) in zip(commands[1:], others, strict=True):
        assert code == 1 and len(error.splitlines()) == 1, (command, error)
        if command[0] != "handout":
            assert "torch is not installed: pip install -r requirements.txt" in error


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
