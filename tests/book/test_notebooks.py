"""What every chapter has in common, read from the files; nbval and the book build run them.

Each check returns its findings. It is applied to all chapters, and tried on a cell with the
mistake it is for.
"""

import ast
import functools
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from chapters import CHAPTERS, code_cells
from nbformat import NotebookNode
from pybtex.database import Entry, parse_file

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "book").glob("*.md"))
KEPT = {"nbval-check-output", "keep_output"}
HIDDEN = {"solution", "hide-input", "conclusion"}  # the tags of code that is not shown unasked
LINK_TO_TERM = re.compile(r"\[([^\]]+)\]\((?:\.\./book/)?glossary\.md#([^)]+)\)")
LINK_TO_ENTRY = re.compile(r"\[([^\]]+)\]\((?:\.\./book/)?references\.md#([^)]+)\)")
SEEDERS = {"manual_seed", "manual_seed_all", "seed"}


def stored_outputs(notebook: NotebookNode) -> Iterator[str]:
    """Outputs that git should not have: any without both tags, and any that are not short text."""
    for number, cell in code_cells(notebook):
        tags = set(cell.metadata.get("tags", []))
        if len(tags & KEPT) == 1:
            yield f"cell {number} has one of the tags {sorted(KEPT)} without the other"
        if cell.execution_count != (1 if cell.outputs else None):  # nbval skips cells without one
            yield f"cell {number} has execution count {cell.execution_count}: `make format`"
        if cell.outputs and not tags >= KEPT:
            yield f"cell {number} keeps its output"
        if tags >= KEPT and not cell.outputs:
            yield f"cell {number} is to be compared with an output that it does not have"
        for output in cell.outputs:
            kinds = set(output.get("data", {"text/plain": ""}))
            if (
                kinds != {"text/plain"}
                or output.get("name") == "stderr"
                or len(str(output)) > 2_000
            ):
                yield f"cell {number} keeps more than a short text"


def frame_faults(notebook: NotebookNode) -> Iterator[str]:
    """What a chapter's first and last cells promise a reader and are missing."""
    first = notebook.cells[0].source
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    wanted = {
        "a title in its first line": re.match(r"# \S", first),
        "objectives": re.search(r"After this (chapter|notebook) you can", first),
        "what comes before it": re.search(r"\bBefore: ", first),
        "a summary": re.search(r"^## Summary$", text, re.MULTILINE),
        "its place in the sources": re.search(r"^## In the sources$", text, re.MULTILINE),
        "a prediction": "Predict first" in text,
    }
    yield from (f"the chapter lacks {part}" for part, found in wanted.items() if not found)
    exercises = text.count("{exercise-start}")
    if not 3 <= exercises <= 5:
        yield f"the chapter has {exercises} exercises, not three to five"


def kernel_faults(notebook: NotebookNode) -> Iterator[str]:
    """Metadata that would run another kernel or carry a machine's traces."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name}, but every machine has python3"
    extra = set(notebook.metadata) - {"kernelspec", "language_info", "chapter"}
    if extra:
        yield f"metadata has {sorted(extra)}"


def code_faults(notebook: NotebookNode) -> Iterator[str]:
    """Code that leaves the conventions: magics, hidden randomness, figures without words."""
    for number, cell in code_cells(notebook):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            yield f"cell {number} is not plain Python: {error.text}"
            continue
        yield from (f"cell {number} {fault}" for fault in _calls_at_fault(tree))


def _calls_at_fault(tree: ast.AST) -> Iterator[str]:
    if isinstance(tree, ast.With) and "fork_rng" in ast.unparse(tree.items[0]):
        return  # whoever seeds inside gives the global state back
    if isinstance(tree, ast.Call):
        name = ast.unparse(tree.func)
        if name.split(".")[-1] in SEEDERS and not _of_a_generator(tree):
            yield f"seeds the global random state: {name}"
        if name == "show" and "alt" not in {keyword.arg for keyword in tree.keywords}:
            yield "shows a figure without alt"
        if name in ("plt.show", "pyplot.show"):
            yield "shows a figure with plt.show, which has no alt"
    if isinstance(tree, ast.Import | ast.ImportFrom):
        modules = [getattr(tree, "module", None) or "", *(alias.name for alias in tree.names)]
        if any(m.split(".")[0] in ("requests", "urllib", "socket", "torchvision") for m in modules):
            yield f"imports {', '.join(filter(None, modules))}"
    for child in ast.iter_child_nodes(tree):
        yield from _calls_at_fault(child)


def _of_a_generator(call: ast.Call) -> bool:
    """`torch.Generator(...).manual_seed(0)` seeds its own generator only."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Call) and ast.unparse(owner.func).endswith("Generator")


def bars_in_tables(text: str) -> Iterator[str]:
    r"""Table rows with `\|`, which Markdown turns into a single bar: write `\Vert`, `\mid`."""
    for line in text.splitlines():
        if line.lstrip().startswith("|") and r"\|" in line:
            yield line.strip()


def roles(notebook: NotebookNode) -> Iterator[str]:
    """Roles of Sphinx, which JupyterLab shows as a bare key or as a link to nowhere."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for role in re.findall(r"\{(?:term|cite|doc|ref|numref|eq)[^}]*\}`[^`]*`", cell.source):
                yield f"cell {number}: {role} reads badly in JupyterLab: write a Markdown link"


def open_in_jupyterlab(notebook: NotebookNode) -> Iterator[str]:
    """Code that the page folds or leaves out, and JupyterLab would show unasked."""
    for number, cell in code_cells(notebook):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if bool(HIDDEN & set(cell.metadata.get("tags", []))) != folded:
            yield f"cell {number}: only solutions, conclusions and the code of figures are hidden"


@functools.cache
def markdown() -> dict[str, str]:
    """The text of every page and chapter, by name."""
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    for path in CHAPTERS:
        cells = nbformat.read(path, as_version=4).cells
        texts[path.name] = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return texts


CHECKS = [stored_outputs, frame_faults, kernel_faults, code_faults, roles, open_in_jupyterlab]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", CHECKS)
def test_chapter_keeps_the_conventions(path, check):
    assert list(check(nbformat.read(path, as_version=4))) == []


@pytest.mark.parametrize("name", markdown())
def test_no_double_bar_is_lost_in_a_table(name):
    assert list(bars_in_tables(markdown()[name])) == []


def test_the_table_of_contents_names_every_chapter_once_and_nothing_else():
    """Fails if a chapter was added or renamed without its entry, or listed before it exists."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"], *(e["file"] for part in toc["parts"] for e in part["chapters"])]
    there = [f"book/{page.stem}" for page in PAGES] + [f"notebooks/{p.stem}" for p in CHAPTERS]
    assert sorted(listed) == sorted(there)
    chapters = [page for page in listed if page.startswith("notebooks/")]
    assert chapters == sorted(chapters)


def test_every_reference_is_cited_and_every_citation_exists():
    """Fails for a key mistyped in a page, and for an entry that no page uses any more."""
    entries = re.findall(
        r"^@\w+\{([^,\s]+),", (ROOT / "book/references.bib").read_text("utf-8"), re.MULTILINE
    )
    assert len(entries) == len(set(entries))
    cited = {key for text in markdown().values() for _, key in LINK_TO_ENTRY.findall(text)}
    assert cited == set(entries)


def words_of(entry: Entry) -> set[str]:
    """The ways to cite an entry: `Doersch, 2016`, `Doersch (2016)` or only `2016`."""
    people = [
        " ".join(map(str, person.rich_prelast_names + person.rich_last_names))
        for person in entry.persons["author"]
    ]
    names = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    year = entry.fields.get("year")
    return {f"{names}, {year}", f"{names} ({year})", year} if year else {names}


@functools.cache
def references() -> dict[str, Entry]:
    return parse_file(ROOT / "book/references.bib").entries


@pytest.mark.parametrize("name", markdown())
def test_a_citations_words_are_those_of_its_entry(name):
    """Fails for a name or a year that belongs to another key."""
    entries = references()
    links = LINK_TO_ENTRY.findall(markdown()[name])
    assert [link for link in links if link[0] not in words_of(entries[link[1]])] == []


# One term at least of each row that the five sources define, and those the kit needs itself.
TERMS = """
    variational autoencoder, loss function, encoder, inference network, decoder, generative network,
    local latent variable, global latent variable, inference, mean-field, amortized inference,
    evidence, marginal likelihood, prior, likelihood, posterior, joint distribution, ELBO,
    variational family, variational parameters, variational EM, prior predictive,
    posterior predictive, reparameterization trick, KL divergence, nat, bit, surprise, information,
    entropy, cross-entropy, hidden code, latent space, representation learning, bottleneck,
    manifold learning, generative modelling, directed graphical model, plate notation,
    spherical Gaussian, conjugate prior, latent variable, maximum likelihood,
    law of total probability, Dirac delta, inverse transform sampling,
    conditional distribution method, minimum description length, information gain, bits back,
    ideal code, sparse autoencoder, denoising autoencoder, L0 norm, hole filling,
    one-to-many mapping, structured prediction, CVAE, Helmholtz machine, wake-sleep,
    deep belief net, Boltzmann machine, MCMC, coding space, convex coding space, PCA, kernel PCA,
    conditioning vector, one-hot, importance sampling, inverse autoregressive flow, MADE,
    continuous Bernoulli, posterior collapse, active units, amortization gap, aggregate posterior,
    beta
"""


def test_the_glossary_has_every_word_and_every_link_to_it_a_target():
    """Found here in a second; the book build finds the same after running the notebooks."""
    glossary = markdown()["glossary.md"].split("{glossary}")[1]
    heads = {line.lower() for line in glossary.splitlines() if re.match(r"[^\s:`]", line)}
    assert {" ".join(term.split()).lower() for term in TERMS.split(",")} <= heads
    anchors = set(map(runpy.run_path(str(ROOT / "book/_ext/plain_links.py"))["slug"], heads))
    for name, text in markdown().items():
        for words, target in re.findall(r"\{term\}`([^`<]*)(?:<([^>]*)>)?`", text):
            assert (target or words).strip().lower() in heads, f"{name}: {words}"
        for words, anchor in LINK_TO_TERM.findall(text):
            assert anchor in anchors, f"{name}: {words}"


def notebook(source: str, first="# T", tags=(), output=None, count=None) -> NotebookNode:
    """A chapter of two cells: a first one, and a code cell."""
    cells = [nbformat.v4.new_markdown_cell(first)]
    cells.append(nbformat.v4.new_code_cell(source, execution_count=count))
    cells[1].metadata.tags = list(tags)
    cells[1].outputs = [output] if output else []
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


TEXT = nbformat.v4.new_output("stream", name="stdout", text="0.693\n")
NOISE = nbformat.v4.new_output("stream", name="stderr", text="50%")
IMAGE = nbformat.v4.new_output("display_data", data={"image/png": "aGk="})


@pytest.mark.parametrize(
    ("keywords", "count"),
    [
        ({}, 0),
        ({"tags": KEPT, "output": TEXT, "count": 1}, 0),
        ({"tags": KEPT, "output": TEXT}, 1),
        ({"output": TEXT, "count": 1}, 1),
        ({"tags": ["keep_output"], "output": TEXT, "count": 1}, 2),
        ({"tags": KEPT}, 1),
        ({"tags": KEPT, "output": IMAGE, "count": 1}, 1),
        ({"tags": KEPT, "output": NOISE, "count": 1}, 1),
        ({"count": 3}, 1),
    ],
)
def test_stored_outputs_are_found(keywords, count):
    assert len(list(stored_outputs(notebook("1", **keywords)))) == count


@pytest.mark.parametrize(("tags", "kept"), [(KEPT, True), ((), False)])
def test_stripping_keeps_what_nbval_compares_and_nothing_else(tags, kept):
    """Fails if a kept output loses its count (nbval then refuses the cell), or a fold is opened."""
    chapter = notebook("1", tags=tags, output=TEXT, count=7)
    chapter.cells[1].metadata.jupyter = {"source_hidden": True}
    chapter.metadata.update(widgets={}, language_info={"version": "3.11.7"})
    stripped = runpy.run_path(str(ROOT / "book/strip_notebooks.py"))["strip"](chapter)
    assert list(stored_outputs(stripped)) == []
    assert bool(stripped.cells[1].outputs) is kept
    assert stripped.cells[1].metadata.jupyter.source_hidden
    assert set(stripped.metadata) == {"kernelspec"}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("g = torch.Generator().manual_seed(0)", 0),
        ("with torch.random.fork_rng():\n    torch.manual_seed(0)", 0),
        ("show(figure, alt='Two clouds of points.')", 0),
        ("torch.manual_seed(0)", 1),
        ("np.random.seed(0)", 1),
        ("show(figure)", 1),
        ("plt.show()", 1),
        ("!pip install torch", 1),
        ("%matplotlib inline", 1),
        ("import urllib.request", 1),
        ("from torchvision import datasets", 1),
    ],
)
def test_faulty_code_is_found(source, count):
    assert len(list(code_faults(notebook(source)))) == count


def test_a_bare_chapter_lacks_every_part_of_the_frame():
    assert len(list(frame_faults(notebook("1")))) == 6
    assert len(list(frame_faults(notebook("1", first="no title")))) == 7


def test_a_foreign_kernel_and_foreign_metadata_are_found():
    chapter = notebook("1")
    assert list(kernel_faults(chapter)) == []
    chapter.metadata.kernelspec.name = "my-env"
    chapter.metadata.widgets = {}
    assert len(list(kernel_faults(chapter))) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[code](../book/glossary.md#code) and `{term}` alone", 0),
        ("```{exercise-end}\n```", 0),
        ("a {term}`code`", 1),
        ("a {term}`code <hidden code>`, {cite:t}`kingma2014auto` and {doc}`x <07_vae>`", 3),
    ],
)
def test_a_role_is_found(text, count):
    assert len(list(roles(notebook("1", first=text)))) == count


@pytest.mark.parametrize(
    ("tags", "folded", "count"),
    [(["solution"], True, 0), ([], False, 0), (["solution"], False, 1), ([], True, 1)],
)
def test_an_open_solution_and_a_hidden_cell_of_the_text_are_found(tags, folded, count):
    chapter = notebook("1", tags=tags)
    chapter.cells[1].metadata.jupyter = {"source_hidden": folded}
    assert len(list(open_in_jupyterlab(chapter))) == count


def test_a_lost_bar_is_found():
    assert list(bars_in_tables("| $q \\| p$ | x |\ntext $q \\| p$\n| $q \\Vert p$ |")) == [
        "| $q \\| p$ | x |"
    ]
