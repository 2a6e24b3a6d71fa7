"""The chapters keep to the notation page, as far as a machine can tell.

Each check returns what it finds in one text; it is applied to every chapter and page, and tried on
the mistake it is for.
"""

import re
from collections.abc import Iterator

import nbformat
import pytest
from chapters import CHAPTERS, ROOT

NOTATION = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
# These two show what others write.
QUOTING = {"notation.md", "sources.md"}

FORMULA = re.compile(
    r"\$\$.+?\$\$|(?<![\\$])\$(?!\$)[^$]+\$|\\begin\{(align|equation)(\*?)\}.+?\\end\{\1\2\}",
    re.DOTALL,
)
LIMITS = re.compile(r"\\(?:sum|prod)_\{?(\w) *= *1\}?\^\{?([A-Za-z])\b")
AVERAGE = re.compile(r"\\t?frac\{?1\}?\{?([A-Za-z])\b\}? *\\sum")
INDEX_OF = {"K": "k", "L": "l", "D": "j", "N": "in", "B": "b", "C": "c", "M": "m"}


def sizes() -> set[str]:
    """The letters in the notation page's table of sizes."""
    table = NOTATION.partition("Letters for sizes")[2].partition("## Rules")[0]
    return set(re.findall(r"^\| \$(\w)\$ \|", table, re.MULTILINE))


def formulas(text: str) -> Iterator[str]:
    return (found[0] for found in FORMULA.finditer(text))


def letters_that_mean_something_else(text: str) -> Iterator[str]:
    """A letter of another text, or one of ours in another sense."""
    for formula in formulas(text):
        for pattern, use in {
            r"\\lambda(?!_)": r"\lambda_i is for the parameters of one example's q alone",
            r"\\epsilon": r"the noise is \varepsilon",
            r"\\ln\b": r"logarithms are \log",
            r"D_\{?\s*(?:\\\w+\{)?KL": r"the divergence is \mathrm{KL}",
            r"\bp_\{?\\phi": r"the decoder has \theta",
            r"\bq_\{?\\theta": r"the encoder has \phi",
            r"\b[PQ]\([^()]*\\mid[^()]*\)": "densities have small letters",
            r"\bH\((?:P|Q)\b": "densities have small letters",
        }.items():
            for found in re.finditer(pattern, formula):
                yield f"{found[0]} in {formula}: {use}"
    for found in re.finditer(r"λ(?!_|ᵢ)", FORMULA.sub("", text)):
        yield f"λ in {text[max(0, found.start() - 30) : found.end() + 20]!r}: write $\\lambda_i$"


def standard_deviations_for_variances(text: str) -> Iterator[str]:
    r"""`\mathcal N(\mu, \sigma)`: the second place holds the variance."""
    for formula in formulas(text):
        yield from re.findall(r"\\mathcal N\([^()]*,\s*\\sigma(?:_\{?\w+\}?)?\s*\)", formula)


def nameless_observation_noise(text: str) -> Iterator[str]:
    r"""A likelihood with \sigma alone, which is the posterior's."""
    for formula in formulas(text):
        if re.search(r"p(_\{?\\theta\}?)?\(x *\\mid *z[^)]*\) *=[^=]*\\sigma(?!_\{?x)", formula):
            yield formula


def sums_over_other_letters(text: str) -> Iterator[str]:
    """Sums over a size that the page does not list, or by another index: draws are K, by k."""
    known = sizes()
    for formula in formulas(text):
        for index, size in LIMITS.findall(formula):
            if size not in known or index not in INDEX_OF.get(size, index):
                yield f"sum over {index} to {size} in {formula}"
        for size in AVERAGE.findall(formula):
            if size not in known:
                yield f"average of {size} in {formula}"


def two_meanings_of_q(text: str) -> Iterator[str]:
    r"""`q(z)` for the aggregate posterior, which is \bar q(z)."""
    yield from re.findall(r"aggregate posterior\S* \$q\(z\)[^$]*\$", text)


CHECKS = [
    letters_that_mean_something_else,
    standard_deviations_for_variances,
    nameless_observation_noise,
    sums_over_other_letters,
    two_meanings_of_q,
]


def findings(text: str) -> list[str]:
    return [found for check in CHECKS for found in check(text)]


def words_of(path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def topic(path) -> str:
    return path.stem.split("_", 1)[1]


@pytest.mark.parametrize("path", CHAPTERS, ids=topic)
def test_a_chapter_keeps_to_the_notation_page(path):
    """Fails for a symbol with two meanings, and for two symbols with one."""
    assert findings(words_of(path)) == []


PAGES = [page for page in sorted((ROOT / "book").glob("*.md")) if page.name not in QUOTING]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_keeps_to_the_notation_page(page):
    assert findings(page.read_text(encoding="utf-8")) == []


def test_names_in_code_are_there():
    """Fails if the page names a thing in code that no file of the package has."""
    rows = NOTATION.partition("## Symbols")[2].partition("Letters for sizes")[0].splitlines()
    package = "\n".join(f.read_text("utf-8") for f in sorted((ROOT / "vae_teach").rglob("*.py")))
    for row in rows:
        cells = row.split(" | ")
        if len(cells) == 4 and (name := re.match(r"`(\w+)", cells[2])):
            assert re.search(rf"\b{name[1]}", package), row


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (r"$\lambda_i$ and $\varepsilon$, $\log 2$, $\mathrm{KL}(q \| p)$", 0),
        (r"$\lambda \lVert w \rVert^2$", 1),
        (r"$\lambda_i$ of $q$, the rate $\lambda$", 1),
        ("the parameters λ of q", 1),
        (r"$z = \mu + \sigma \epsilon$, $1/\ln 2$, $D_{KL}(q, p)$", 3),
        (r"$p_\phi(x \mid z)$ and $q_\theta(z \mid x)$", 2),
        (r"$P(X \mid z)$ but $P(z \le t)$", 1),
        (r"$H(P)$, $H(q)$", 1),
        (r"$\mathcal N(\mu, \sigma^2)$ and $\mathcal N(0, I)$", 0),
        (r"$\mathcal N(\mu, \sigma)$, $\mathcal N(0, \sigma_x)$", 2),
        (r"$p(x \mid z) = \mathcal N(f(z), \sigma_x^2 I)$", 0),
        (r"$p_\theta(x \mid z) = \mathcal N(f(z), \sigma^2 I)$", 1),
        (r"$\frac1K \sum_{k=1}^K w_k$, $\sum_{l=1}^{L} \sigma_l$, $\frac1N \sum_n x_n$", 0),
        (r"$\frac1n \sum_{i=1}^{n} p(x \mid z_i)$", 2),
        (r"$\sum_{s=1}^K w_s$", 1),
        (r"the aggregate posterior $\bar q(z)$, any $q(z)$", 0),
        (r"the aggregate posterior $q(z)$", 1),
    ],
)
def test_a_symbol_against_the_page_is_found(text, count):
    assert len(findings(text)) == count
