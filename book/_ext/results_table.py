"""Two directives that draw the results page from the JSON files of `reproduce`.

`results-table` takes a folder; its lines give, per system, one sentence on the difference:

    ```{results-table} results
    mathybit: Within the spread of seeds.
    ```

`results-curve` takes a folder and a system, and compares training losses epoch by epoch. A system
without a sentence, or a sentence without a file, stops the build: no number stands unexplained.
"""

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def sentences(lines: list[str]) -> dict[str, str]:
    """`name: sentence` lines as a dict; a line that starts with a space continues the one above."""
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith((" ", "\t")) and found:
            name = next(reversed(found))
            found[name] += " " + line.strip()
        elif line.strip():
            name, colon, text = line.partition(":")
            if not colon or not text.strip():
                raise ValueError(f"{line!r} is not of the form 'name: sentence'")
            found[name.strip()] = text.strip()
    return found


class _FromFiles(SphinxDirective):
    required_arguments = 1
    has_content = True

    def results(self) -> list[dict]:
        """The results in the folder named first, beside the page; the page depends on them."""
        from vae_teach.systems.results import read_results  # late: it imports torch

        folder = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        for file in folder.glob("*.json"):
            self.env.note_dependency(str(file))
        return read_results(folder)

    def parsed(self, lines: list[str]) -> list[nodes.Node]:
        """Markdown lines as nodes of this page."""
        box = nodes.container(classes=["results-table"])
        self.state.nested_parse(StringList(lines, source=""), self.content_offset, box)
        return [box]


class ResultsTable(_FromFiles):
    """Published values beside ours, and a sentence per system."""

    def run(self) -> list[nodes.Node]:
        """Draw the table and the list of sentences under it."""
        from vae_teach.systems.results import HEAD, markdown_table, table_rows

        try:
            results, said = self.results(), sentences(list(self.content))
            names = list(dict.fromkeys(result["preset"] for result in results))
            if set(names) != set(said):
                differ = ", ".join(sorted(set(names) ^ set(said)))
                raise ValueError(f"results and sentences do not name the same systems: {differ}")
        except (OSError, ValueError) as error:
            raise self.error(str(error)) from error
        lines = markdown_table(HEAD, table_rows(results))
        return self.parsed([*lines, "", *(f"- `{name}`: {said[name]}" for name in names)])


class ResultsCurve(_FromFiles):
    """Training losses by epoch, published and ours."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Draw the table."""
        from vae_teach.systems.results import curve_rows, markdown_table

        try:
            rows = curve_rows(self.results(), self.arguments[1])
        except (OSError, ValueError, KeyError) as error:
            raise self.error(str(error)) from error
        return self.parsed(markdown_table(("Epoch", "Published", "Ours"), rows))


def setup(app: Sphinx) -> dict:
    """Make the directives known."""
    app.add_directive("results-table", ResultsTable)
    app.add_directive("results-curve", ResultsCurve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
