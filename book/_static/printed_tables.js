/* A printed sentence wraps on a narrow screen; a printed table must not, its columns would be lost.
 * An output of at least two lines is a table if half of them have a gap of two spaces in the line. */
const GAP = /\S {2,}\S/;

function isPrintedTable(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const aligned = lines.filter((line) => GAP.test(line)).length;
  return aligned >= 2 && aligned >= lines.length / 2;
}

document.addEventListener("DOMContentLoaded", () => {
  for (const pre of document.querySelectorAll("div.cell_output div.output pre")) {
    if (!isPrintedTable(pre.textContent)) continue;
    pre.classList.add("vt-printed-table");
    pre.tabIndex = 0; // so that the arrow keys scroll it too
  }
});
