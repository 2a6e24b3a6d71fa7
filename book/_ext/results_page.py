"""Four directives that draw the results page from the JSON files of `reproduce` and from the code.

`system` has one system of the sources: what its files say beside what was published, the sentences
in its body, and, folded, what the preset is:

    ```{system} mathybit
    Every number lies within the spread over seeds.
    ```

`loss-curve` draws the training loss by epoch, published and ours, with its numbers folded;
`loss-by-epoch` compares systems at some epochs: their names, then the epochs in the body.
`source-table` has a table of `vae_teach.systems.source_tables` by its name.
The files are in the folder `results` beside the page. An unknown name stops the build.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "results"
HOUSE_STYLE = Path(__file__).parents[2] / "notebooks" / "matplotlibrc"


class _FromFiles(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it, or say on the page's own line what is wrong."""
        try:
            return self.drawn()
        except (OSError, ValueError, KeyError) as error:
            raise self.error(str(error)) from error

    drawn: Callable[[], list[nodes.Node]]

    def results(self) -> list[dict]:
        """The results in the folder beside the page, which depends on them; read once a page."""
        from vae_teach.systems.results import read_results  # late: it imports torch

        of_the_page = self.env.temp_data
        if FOLDER not in of_the_page:
            folder = Path(self.env.doc2path(self.env.docname)).parent / FOLDER
            for file in folder.glob("*.json"):
                self.env.note_dependency(str(file))
            of_the_page[FOLDER] = read_results(folder)
        return of_the_page[FOLDER]

    def parsed(self, lines: list[str]) -> list[nodes.Node]:
        """Markdown lines as nodes of this page."""
        box = nodes.container(classes=["vt-results"])
        self.state.nested_parse(StringList(lines, source=""), self.content_offset, box)
        return [box]


def folded(title: str, lines: list[str]) -> list[str]:
    """Markdown lines that open at a click on the title."""
    return ["", f":::{{dropdown}} {title}", *lines, ":::", ""]


class System(_FromFiles):
    """One system: its numbers, its sentences, where they come from, and its settings."""

    has_content = True

    def drawn(self) -> list[nodes.Node]:
        """A table for each group of runs, the body, and the folded settings."""
        from vae_teach.systems import results as tables
        from vae_teach.systems.describe import describe
        from vae_teach.systems.table import get_preset

        name = self.arguments[0]
        preset = get_preset(name)
        lines = [f"{tables.plain(preset.title)}."]
        runs = [result for result in self.results() if result["preset"] == name]
        for members in tables.group(runs):
            lines += [f"{tables.share_line(members)}.", ""]
            lines += tables.markdown_table(tables.NUMBERS, tables.number_rows(members))
            lines += ["", tables.origin_line(members), ""]
            if rows := tables.validation_rows(members):
                course = []
                for columns in tables.NARROW:  # two tables that a telephone shows whole
                    parts = [[row[i] for i in columns] for row in (tables.VALIDATIONS, *rows)]
                    course += [*tables.markdown_table(parts[0], parts[1:]), ""]
                lines += folded("The validation pictures, step by step", course)
        if not runs:
            lines += [
                "",
                "**Not trained yet**: no file of this system is in the book's folder.",
                "",
            ]
        rows = [(what, tables.plain(value)) for what, value in describe(preset)]
        settings = folded("Layers and settings", tables.markdown_table(("What", "How"), rows))
        return self.parsed([*lines, *self.content, *settings])


class LossCurve(_FromFiles):
    """Training losses by epoch, published and ours, as a figure and as folded numbers."""

    def drawn(self) -> list[nodes.Node]:
        """The figure, then the table."""
        from vae_teach.systems.results import curve_rows, markdown_table, training_losses
        from vae_teach.systems.table import get_preset

        name, results = self.arguments[0], self.results()
        rows = curve_rows(results, name)
        ours = [training_losses(result) for result in results if result["preset"] == name]
        figure = loss_figure(name, get_preset(name).published_curve, ours)
        table = markdown_table(("Epoch", "Published", "Ours"), rows)
        return [nodes.raw("", figure, format="html"), *self.parsed(folded("The numbers", table))]


class LossByEpoch(_FromFiles):
    """Training losses of several systems at the epochs that the body names."""

    final_argument_whitespace = True
    has_content = True

    def drawn(self) -> list[nodes.Node]:
        """Draw the table."""
        from vae_teach.systems.results import epoch_rows, markdown_table

        names = self.arguments[0].split()
        epochs = [int(number) for number in re.findall(r"\d+", " ".join(self.content))]
        rows = epoch_rows(self.results(), names, epochs)
        return self.parsed(markdown_table(("Epoch", *(f"`{name}`" for name in names)), rows))


class SourceTable(_FromFiles):
    """A table about one source that is made from the code."""

    def drawn(self) -> list[nodes.Node]:
        """Draw the table."""
        from vae_teach.systems.results import markdown_table, plain
        from vae_teach.systems.source_tables import SOURCE_TABLES

        head, rows = SOURCE_TABLES[self.arguments[0]]()
        cells = [(first, *(plain(cell) for cell in rest)) for first, *rest in rows]
        return self.parsed(markdown_table(head, cells))


def loss_figure(
    name: str, published: tuple[tuple[int, float], ...], ours: list[dict[int, float]]
) -> str:
    """HTML of a figure: a line per seed, a dot per published loss."""
    import matplotlib as mpl

    from vae_teach.plots.page import figure_html, render_svg

    with mpl.rc_context(fname=HOUSE_STYLE):
        svg = render_svg(_loss_axes(published, ours), name=f"loss of {name}")
    alt = (
        f"Training loss of {name} against the epoch, both logarithmic: {len(ours)} falling lines, "
        f"one a seed, and {len(published)} published values."
    )
    caption = "A line for each of our seeds, and the losses that the source printed."
    return figure_html(svg, alt, caption)


def _loss_axes(published: tuple[tuple[int, float], ...], ours: list[dict[int, float]]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    ax = figure.subplots()
    for seed, curve in enumerate(ours):
        ax.plot([*curve], [*curve.values()], lw=1, color="C0", label="ours" if seed == 0 else None)
    ax.plot(*zip(*published, strict=True), "o", color="C1", ms=5, label="published")
    ax.set(xlabel="epoch", ylabel="squared error + KL, per picture", xscale="log", yscale="log")
    ticks = [20, 30, 40, 60]
    ax.set_yticks(ticks, [str(tick) for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    ax.set_xticks([], minor=True)
    ax.legend()
    return figure


def setup(app: Sphinx) -> dict:
    """Make the directives known."""
    app.add_directive("system", System)
    app.add_directive("loss-curve", LossCurve)
    app.add_directive("loss-by-epoch", LossByEpoch)
    app.add_directive("source-table", SourceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
