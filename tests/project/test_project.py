"""What holds for the repository as a whole: who may import whom, and what may be committed."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "vae_teach"

# Every folder of the package stands on one floor and imports from its own or from those above it in
# this list: mathematics knows nothing of models, models nothing of training, training nothing of
# plots, and nothing of all this knows the exercises or the widgets.
FLOORS = (
    {"validation"},  # what any module may import
    {"machine", "maths"},
    {"data", "derivation", "estimators", "exact", "models"},
    {"coding", "evaluate", "training"},
    {"plots"},
    {"sweeps"},  # what was trained ahead
    {"check", "widgets"},  # what a reader works with
    {"systems"},  # the sources' systems
    {"runs"},
    {"handout"},
    {"commands"},
)
HEIGHT = {name: level for level, names in enumerate(FLOORS) for name in names}
TEXTS = {".py", ".md", ".ipynb", ".js", ".mjs", ".css", ".yml", ".toml", ".txt", ".in", ".bib", ""}


def imports(source: str, module: str) -> set[str]:
    """The package's folders that one file imports from, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("vae_teach.")}
    return {name for name in found if _is_module(name)} - {module}


def _is_module(name: str) -> bool:
    return (PACKAGE / f"{name}.py").is_file() or (PACKAGE / name).is_dir()


def import_graph() -> dict[str, set[str]]:
    """Folder, or file of the root -> the others it imports from."""
    graph: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        module = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if module not in ("__init__", "__main__"):
            graph.setdefault(module, set()).update(imports(file.read_text("utf-8"), module))
    return graph


def upward_imports(graph: dict[str, set[str]]) -> Iterator[str]:
    """Imports from a floor above the importer's own."""
    for module, imported in graph.items():
        above = {name for name in imported if HEIGHT[name] > HEIGHT[module]}
        yield from (f"{module} imports {name}" for name in above)


def tracked() -> list[Path]:
    """Every file that git has."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


def machine_paths(text: str) -> list[str]:
    """Paths that exist on one machine only: home folders and work folders."""
    places = r"/home/\w+|/Users/\w+|/root\b|/work/\w+|[A-Z]:\\Users"
    return re.findall(rf"(?<![\w./])(?:{places})\S*", text)


def ids_in_words(text: str) -> list[str]:
    """Entries of a list that are cited by letter and number: such words say nothing without it."""
    return re.findall(
        r"\b(?:[Rr]ows?|[Tt]raps?|[Ff]indings?) [A-Z]{1,2}\d+|\b[Gg]roup [A-Z] of the", text
    )


def ids_in_comments(source: str) -> list[str]:
    """Bare ids, such as B12, in the comments and docstrings of a Python file."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = [
        token.string
        for token in tokens
        if (token.type == tokenize.COMMENT and "noqa" not in token.string)
        or (token.type == tokenize.STRING and token.string.startswith('"""'))
    ]
    return re.findall(r"\b(?!L[012]\b|F(?:32|64)\b|H[12]00\b)[A-Z]\d{1,3}\b", " ".join(said))


def test_every_folder_stands_on_one_floor():
    """Fails for a file in the root, or a folder, that nobody placed."""
    assert sum(map(len, FLOORS)) == len(HEIGHT)
    assert set(import_graph()) == set(HEIGHT)


def test_imports_run_one_way():
    graph = import_graph()
    assert list(upward_imports(graph)) == []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("maths", "from vae_teach.models import VAE"),
        ("maths", "def f():\n    import vae_teach.models"),
        ("models", "from vae_teach import training"),
        ("training", "from vae_teach.plots import draw_digit"),
        ("plots", "from vae_teach.widgets.parts.base import TeachingWidget"),
        ("validation", "from vae_teach.maths.gaussian import log_normal"),
        ("systems", "from vae_teach.runs.own import train_folder"),
    ],
)
def test_an_upward_import_is_found(module, source):
    assert len(list(upward_imports({module: imports(source, module)}))) == 1


def test_a_downward_import_is_allowed():
    source = "import torch\nfrom vae_teach import data\nfrom vae_teach.models import VAE"
    assert list(upward_imports({"training": imports(source, "training")})) == []


def test_no_file_names_one_machine():
    texts = [file for file in tracked() if file.suffix in TEXTS and file != Path(__file__)]
    assert len(texts) > 50
    found = {str(file.relative_to(ROOT)): machine_paths(file.read_text("utf-8")) for file in texts}
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize("path", ["/home/ann/vae", "/Users/ann", "/root/x", "C:\\Users\\ann"])
def test_a_machine_path_is_found(path):
    assert machine_paths(f"see {path} for it") == [path]
    assert machine_paths("../shared/mnist and book/_static/a.css, https://example.org/root") == []


def test_no_text_cites_a_list_that_is_not_here():
    texts = [file for file in tracked() if file.suffix in TEXTS and file != Path(__file__)]
    found = {str(f.relative_to(ROOT)): ids_in_words(f.read_text("utf-8")) for f in texts}
    for file in (file for file in texts if file.suffix == ".py"):
        found[str(file.relative_to(ROOT))] += ids_in_comments(file.read_text("utf-8"))
    assert {name: ids for name, ids in found.items() if ids} == {}


@pytest.mark.parametrize(
    "line",
    [
        '"""Row B12: a factor."""',
        "# --- the parts (rows Q4, Q5)",
        '"""The shapes of group X of the list."""',
        '"""B12: a factor."""',
        "x = 1  # B12",
    ],
)
def test_an_id_of_a_list_is_found(line):
    assert ids_in_words(line) + ids_in_comments(line)
    assert ids_in_comments('y = "B12"  # noqa: E731') == []
    assert ids_in_words("the rows of X, in float64") + ids_in_comments("# L2 norm, an H200") == []


def test_no_large_file_is_committed():
    assert [file.name for file in tracked() if file.stat().st_size > 1_000_000] == []


def test_every_dependency_is_pinned():
    """A package that the project names directly stands in the lock with one exact version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = project["dependencies"] + _requirements("requirements.in")
    locked = [Requirement(line) for line in _requirements("requirements.txt")]
    assert all(str(r.specifier).startswith("==") and len(r.specifier) == 1 for r in locked)
    pins = {canonicalize_name(r.name): r for r in locked}
    for requirement in map(Requirement, named):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in requirements.txt: `make lock`"
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version, prereleases=True), f"{pin}: `make lock`"


def _requirements(name: str) -> list[str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    return [line for line in lines if line]


def test_the_commands_that_the_pages_name_exist():
    """Every `make X` and `python -m vae_teach X` of the README and the pages can be typed."""
    pages = [ROOT / "README.md", *(ROOT / "book").glob("*.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"(?:^|`)make (?:PYTHON=\S+ )?([a-z]+)", text, re.MULTILINE))
    assert {"book", "test", "lab", "check"} <= named <= targets | {"help"}
    commands = {file.stem for file in (PACKAGE / "commands").glob("[a-z]*.py")}
    used = set(re.findall(r"-m vae_teach ([a-z]+)", text))
    assert {"data", "doctor", "handout"} <= used <= commands


# The name by which a package is imported, where it is not that by which it is installed.
INSTALLED_AS = {"PIL": "pillow", "IPython": "ipython", "sklearn": "scikit-learn"}


def test_every_package_that_is_imported_is_declared():
    """What another package happens to bring along is gone when that one stops to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    used = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                used.add(node.module.partition(".")[0])
    used -= sys.stdlib_module_names | {"vae_teach"}
    assert {"torch", "PIL"} <= used
    assert {canonicalize_name(INSTALLED_AS.get(name, name)) for name in used} <= declared


def test_every_action_is_named_by_its_commit():
    """A tag can be moved to other code; the comment says which version the commit was."""
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        lines = re.findall(r"uses: (.*)", file.read_text("utf-8"))
        assert lines
        for line in lines:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
